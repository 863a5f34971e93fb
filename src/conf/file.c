#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum rw_err read_all(int fd, size_t bytes_max, struct rw_text *text)
{
    char chunk[16384];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return rw_err_from_errno(errno);
        if (got == 0)
            return text->err;
        if (text->len + (size_t)got > bytes_max)
            return RW_ELIMIT;
        rw_text_add(text, rw_span(chunk, (size_t)got));
    }
}

enum rw_err rw_conf_slurp(const char *path, size_t bytes_max, bool regular, struct rw_text *text)
{
    /* O_NONBLOCK: opening a named pipe must not wait. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (regular ? O_NONBLOCK : 0));
    if (fd < 0)
        return rw_err_from_errno(errno);
    struct stat info;
    enum rw_err err = fstat(fd, &info) ? rw_err_from_errno(errno) : RW_OK;
    if (!err && (S_ISDIR(info.st_mode) || (regular && !S_ISREG(info.st_mode))))
        err = RW_EINVAL;
    if (!err)
        err = read_all(fd, bytes_max, text);
    close(fd);
    return err;
}
