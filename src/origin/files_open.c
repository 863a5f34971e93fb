#include "origin/files_private.h"

#include "gate/route/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES_MAX = 4 };

/* ---- Paths ---- */

/* Decodes one segment; false when no file can have that name, or none that is shown. */
static bool take_segment(struct rw_span segment, bool dotfiles, char *to, size_t room, size_t *len)
{
    const char *end = segment.at + segment.len;
    size_t used = 0;
    for (const char *at = segment.at; at < end; at++) {
        int c = (uint8_t)*at;
        if (c == '%') {
            c = rw_path_decode(at, end);
            at += 2;
        }
        if (c <= 0 || c == '/' || used == room)
            return false;
        to[used++] = (char)c;
    }
    struct rw_span name = rw_span(to, used);
    *len = used;
    if (rw_span_is(name, ".") || rw_span_is(name, ".."))
        return false;
    return dotfiles || used == 0 || to[0] != '.';
}

bool rw_files_path(struct rw_span path, bool dotfiles, char to[RW_FILES_PATH_BYTES_MAX])
{
    size_t used = 0;
    while (path.len) {
        ptrdiff_t slash = rw_span_find(path, '/');
        struct rw_span segment = slash < 0 ? path : rw_span(path.at, (size_t)slash);
        path = rw_span_skip(path, slash < 0 ? path.len : (size_t)slash + 1);
        if (segment.len == 0)
            continue;
        if (used + 2 >= RW_FILES_PATH_BYTES_MAX)
            return false;
        if (used)
            to[used++] = '/';
        size_t len = 0;
        if (!take_segment(segment, dotfiles, to + used, RW_FILES_PATH_BYTES_MAX - 1 - used, &len))
            return false;
        used += len;
    }
    if (used == 0)
        to[used++] = '.';
    to[used] = '\0';
    return true;
}

/* ---- Opening ---- */

/* O_NONBLOCK: a pipe that somebody put there must not hold up the thread. */
static int open_beneath(int root, const char *path)
{
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    /* EAGAIN: something was renamed while the kernel looked. */
    for (int i = 0; i < TRIES_MAX; i++) {
        long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            return (int)fd;
    }
    return -1;
}

static enum rw_reason reason_of(int errno_value)
{
    switch (errno_value) {
    case EACCES:
    case EPERM:
        return RW_REASON_FILE_FORBIDDEN;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return RW_REASON_MEMORY;
    case EIO:
    case EAGAIN:
        return RW_REASON_FILE_UNREADABLE;
    default: /* ENOENT, ENOTDIR, ENAMETOOLONG; ELOOP and EXDEV: a link that leads out of the root */
        return RW_REASON_FILE_MISSING;
    }
}

enum rw_reason rw_files_open(int root, const char *path, int *fd, struct stat *about)
{
    *fd = open_beneath(root, path);
    if (*fd < 0)
        return reason_of(errno);
    if (fstat(*fd, about) == 0 && (S_ISREG(about->st_mode) || S_ISDIR(about->st_mode)))
        return RW_REASON_NONE;
    close(*fd);
    *fd = -1;
    return RW_REASON_FILE_MISSING;
}

bool rw_files_supported(int root)
{
    int fd = open_beneath(root, ".");
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}
