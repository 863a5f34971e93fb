#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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
    if (fd < 0 && errno == ENXIO) /* a socket */
        return RW_EUNSUPPORTED;
    if (fd < 0) /* only the file's own length is RW_ELIMIT */
        return errno == EMFILE || errno == ENFILE ? RW_EIO : rw_err_from_errno(errno);
    struct stat info;
    enum rw_err err = fstat(fd, &info) ? rw_err_from_errno(errno) : RW_OK;
    if (!err && S_ISDIR(info.st_mode))
        err = RW_EINVAL;
    else if (!err && regular && !S_ISREG(info.st_mode))
        err = RW_EUNSUPPORTED;
    else if (!err && S_ISREG(info.st_mode) && (uint64_t)info.st_size > bytes_max)
        err = RW_ELIMIT;
    if (!err)
        err = read_all(fd, bytes_max, text);
    close(fd);
    return err;
}

const char *rw_conf_slurp_flaw(enum rw_err err, size_t bytes_max, char room[48])
{
    enum { KIB = 1 << 10, MIB = 1 << 20 };
    switch (err) {
    case RW_EINVAL:
        return "a directory, not a file";
    case RW_EUNSUPPORTED:
        return "not a regular file";
    case RW_ELIMIT:
        snprintf(room, 48, "longer than %zu %s",
                 bytes_max < MIB ? bytes_max / KIB : bytes_max / MIB,
                 bytes_max < MIB ? "KiB" : "MiB");
        return room;
    default:
        return rw_err_text(err);
    }
}
