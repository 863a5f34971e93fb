#include "conf/file.h"

#include "base/alloc.h"
#include "conf/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is read may be a secret: no copy of it is left behind. */
struct contents {
    char *at;
    size_t len, room;
};

static void wipe(struct contents *contents)
{
    if (contents->at)
        explicit_bzero(contents->at, contents->len);
    rw_free(contents->at);
    *contents = (struct contents){0};
}

static enum rw_err grow(struct contents *contents, size_t room)
{
    struct contents bigger = {.at = rw_alloc(room), .len = contents->len, .room = room};
    if (!bigger.at)
        return RW_ENOMEM;
    if (contents->len)
        memcpy(bigger.at, contents->at, contents->len);
    wipe(contents);
    *contents = bigger;
    return RW_OK;
}

/* `likely` bytes, if nobody writes to it just now; one more tells its end. */
static enum rw_err read_all(int fd, size_t likely, size_t bytes_max, struct contents *contents)
{
    if (likely > bytes_max)
        return RW_ELIMIT;
    enum rw_err err = grow(contents, likely + 1);
    while (!err) {
        ssize_t got = read(fd, contents->at + contents->len, contents->room - contents->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return rw_err_from_errno(errno);
        if (got == 0)
            return RW_OK;
        contents->len += (size_t)got;
        if (contents->len > bytes_max)
            return RW_ELIMIT;
        if (contents->len == contents->room)
            err = grow(contents, contents->room * 2 + 4096);
    }
    return err;
}

static enum rw_err read_file(const char *path, size_t bytes_max, bool regular,
                             struct contents *contents)
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
        err = read_all(fd, (size_t)info.st_size, bytes_max, contents);
    close(fd);
    if (err)
        return err;
    return rw_kept_file_add(path, rw_span(contents->at, contents->len), &info);
}

enum rw_err rw_conf_slurp(const char *path, size_t bytes_max, bool regular, struct rw_text *text)
{
    struct contents contents = {0};
    struct rw_span kept;
    enum rw_err err = RW_OK;
    bool known = rw_kept_file_find(path, &kept);
    if (!known) {
        err = read_file(path, bytes_max, regular, &contents);
        kept = rw_span(contents.at, contents.len);
    }
    if (!err && text->len + kept.len > bytes_max)
        err = RW_ELIMIT;
    if (!err) {
        rw_text_add(text, kept);
        err = text->err;
    }
    wipe(&contents);
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
