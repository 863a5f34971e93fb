#include "watch/access_file.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROTATE_RETRY_S = 10, SUFFIX_BYTES = 16, FILE_MODE = 0640, FILE_PIECE_BYTES = 160 * 1024 };
enum { TORN_LOOKS = 50, TORN_LOOK_US = 2000 };

/* ---- Opening ---- */

static bool is_regular(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

static bool looks_torn(int look, int fd)
{
    struct stat info, same;
    char last;
    return fstat(fd, &info) == 0 && fstat(look, &same) == 0 && info.st_ino == same.st_ino &&
           info.st_dev == same.st_dev && info.st_size > 0 &&
           pread(look, &last, 1, info.st_size - 1) == 1 && last != '\n';
}

/* Somebody who died, or ran out of disk, may have left half a line. A process that writes just now
 * has half a line there too, but not for long. */
static bool ends_within_line(const char *path, int fd)
{
    int look = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (look < 0)
        return false;
    bool torn = looks_torn(look, fd);
    for (int again = 1; torn && again < TORN_LOOKS; again++) {
        usleep(TORN_LOOK_US);
        torn = looks_torn(look, fd);
    }
    close(look);
    return torn;
}

/* O_NONBLOCK is for named pipes: opening must not wait for a reader. */
static int open_path(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE);
}

static enum rw_err name_rotated(struct rw_access_file *file, const char *path)
{
    size_t len = strlen(path);
    file->name_room = len + SUFFIX_BYTES;
    file->path = rw_strdup(path, len);
    file->names[0] = rw_alloc(file->name_room);
    file->names[1] = rw_alloc(file->name_room);
    return file->path && file->names[0] && file->names[1] ? RW_OK : RW_ENOMEM;
}

enum rw_err rw_access_file_open(struct rw_access_file *file, const char *path,
                                uint64_t rotate_bytes, unsigned rotate_keep, bool later)
{
    *file = (struct rw_access_file){
        .fd = STDOUT_FILENO, .rotate_bytes = rotate_bytes, .rotate_keep = rotate_keep};
    if (strcmp(path, "-") != 0) {
        enum rw_err err = name_rotated(file, path);
        file->fd = err ? -1 : open_path(path);
        if (!err && file->fd < 0 && !later)
            err = rw_err_from_errno(errno);
        if (err) {
            rw_access_file_close(file);
            return err;
        }
    }
    file->regular = is_regular(file->fd);
    file->torn = file->path && file->regular && ends_within_line(file->path, file->fd);
    return RW_OK;
}

void rw_access_file_close(struct rw_access_file *file)
{
    if (file->path && file->fd >= 0)
        close(file->fd);
    rw_free(file->path);
    rw_free(file->names[0]);
    rw_free(file->names[1]);
    *file = (struct rw_access_file){.fd = -1};
}

static void *close_apart(void *fd)
{
    close((int)(intptr_t)fd);
    return NULL;
}

/* The last descriptor of a file without a name: with it go all its pages, which takes the kernel
 * several milliseconds for 100 MB. The writer has no time for that. */
static void let_go(int fd)
{
    pthread_t thread;
    if (fd < 0)
        return;
    if (pthread_create(&thread, NULL, close_apart, (void *)(intptr_t)fd) == 0)
        pthread_detach(thread);
    else
        close(fd);
}

static bool has_name(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && info.st_nlink > 0;
}

static void adopt(struct rw_access_file *file, int fd)
{
    if (has_name(file->fd))
        close(file->fd);
    else
        let_go(file->fd);
    file->fd = fd;
    file->regular = is_regular(fd);
    file->torn = file->regular && ends_within_line(file->path, fd);
    file->mid_line = false;
}

void rw_access_file_reopen(struct rw_access_file *file)
{
    if (!file->path)
        return;
    int fd = open_path(file->path);
    if (fd < 0)
        rw_log_limited(RW_LOG_ERROR, "access-log", "%s: cannot be reopened, the old file stays: %s",
                       file->path, strerror(errno));
    else
        adopt(file, fd);
}

/* ---- Rotation ---- */

static const char *numbered(struct rw_access_file *file, unsigned which, unsigned number)
{
    snprintf(file->names[which], file->name_room, "%s.%u", file->path, number);
    return file->names[which];
}

/* Of the files that are there, each moves up by one; the one at the end is replaced. */
static bool move_up(struct rw_access_file *file)
{
    if (file->rotate_keep == 0)
        return unlink(file->path) == 0 || errno == ENOENT;
    for (unsigned i = file->rotate_keep; i > 1; i--)
        if (rename(numbered(file, 0, i - 1), numbered(file, 1, i)) != 0 && errno != ENOENT)
            return false;
    return rename(file->path, numbered(file, 0, 1)) == 0;
}

static bool shift_files(struct rw_access_file *file)
{
    int fd = -1;
    if (file->rotate_keep)
        fd = open(numbered(file, 0, file->rotate_keep),
                  O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool moved = move_up(file);
    let_go(fd);
    return moved;
}

/* The path still names the file that is open. */
static bool is_current(const struct rw_access_file *file, const struct stat *opened)
{
    struct stat named;
    return stat(file->path, &named) == 0 && named.st_ino == opened->st_ino &&
           named.st_dev == opened->st_dev;
}

/* With the lock on the open file. Whoever holds the lock on the file that the path names is the
 * only one to rename; one who waited for it finds that the path names another, and follows. */
static void rotate_locked(struct rw_access_file *file, const struct stat *opened)
{
    if (is_current(file, opened) && !shift_files(file)) {
        rw_log_limited(RW_LOG_ERROR, "access-log", "%s: cannot be rotated: %s", file->path,
                       strerror(errno));
        file->rotate_after_ns = rw_clock_monotonic_ns() + ROTATE_RETRY_S * RW_NS_PER_S;
        return;
    }
    rw_access_file_reopen(file);
}

void rw_access_file_make_room(struct rw_access_file *file, size_t len)
{
    struct stat opened;
    if (!file->path || !file->regular || !file->rotate_bytes || fstat(file->fd, &opened) != 0)
        return;
    if (!is_current(file, &opened)) {
        rw_access_file_reopen(file);
        if (fstat(file->fd, &opened) != 0)
            return;
    }
    if (opened.st_size == 0 || (uint64_t)opened.st_size + len <= file->rotate_bytes ||
        rw_clock_monotonic_ns() < file->rotate_after_ns)
        return;
    /* Held by another: it rotates just now, or blocks us for reasons of its own. Not waited for. */
    int fd = file->fd;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return;
    rotate_locked(file, &opened);
    if (file->fd == fd)
        flock(fd, LOCK_UN);
}

/* ---- Writing ---- */

/* Whole lines, since other processes may write to the same file: as many as a pipe takes without
 * waiting once it is writable and without mixing them with what others write, or a regular file in
 * a time that a request can wait. A longer line goes to a pipe in parts, to a file as it is. */
static struct rw_span next_piece(const struct rw_access_file *file, struct rw_span lines)
{
    size_t len_max = file->regular ? FILE_PIECE_BYTES : PIPE_BUF;
    if (lines.len <= len_max)
        return lines;
    const char *end = memrchr(lines.at, '\n', len_max);
    if (!end && file->regular)
        end = memchr(lines.at + len_max, '\n', lines.len - len_max);
    return rw_span(lines.at, end ? (size_t)(end - lines.at) + 1 : len_max);
}

static enum rw_err wait_writable(const struct rw_access_file *file, int wait_ms_max)
{
    if (file->regular)
        return RW_OK;
    struct pollfd wanted = {.fd = file->fd, .events = POLLOUT};
    int ready = poll(&wanted, 1, wait_ms_max);
    return ready == 0 || (ready < 0 && errno == EINTR) ? RW_ETIMEDOUT : RW_OK;
}

/* The disk is full within a line: what is out of that line is taken back, unless somebody has
 * written behind it already. True: the file ends with a line. */
static bool take_back(struct rw_access_file *file, struct rw_span piece, size_t *written)
{
    struct stat info;
    const char *end = memrchr(piece.at, '\n', *written);
    size_t whole = end ? (size_t)(end - piece.at) + 1 : 0;
    off_t at = lseek(file->fd, 0, SEEK_CUR), part = (off_t)(*written - whole);
    if (at < part || (file->mid_line && !end) || fstat(file->fd, &info) != 0 || info.st_size != at)
        return false;
    if (ftruncate(file->fd, at - part) != 0)
        return false;
    /* Standard output may have been opened without O_APPEND. */
    if (lseek(file->fd, at - part, SEEK_SET) < 0)
        return false;
    *written = whole;
    return true;
}

static enum rw_err tell_trouble(struct rw_access_file *file, const char *what)
{
    if (!file->failing)
        rw_log_limited(RW_LOG_ERROR, "access-log", "%s: cannot be written: %s",
                       file->path ? file->path : "standard output", what);
    file->failing = true;
    return RW_EIO;
}

static enum rw_err write_piece(struct rw_access_file *file, struct rw_span piece, int wait_ms_max,
                               size_t *written)
{
    *written = 0;
    enum rw_err err = wait_writable(file, wait_ms_max);
    if (err)
        return err;
    ssize_t count = write(file->fd, piece.at, piece.len);
    if (count > 0) {
        *written = (size_t)count;
        bool cut = piece.at[count - 1] != '\n';
        bool back = cut && file->regular && take_back(file, piece, written);
        file->mid_line = cut && !back;
        return back ? tell_trouble(file, "it took only a part") : RW_OK;
    }
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return errno == EINTR ? RW_OK : RW_ETIMEDOUT;
    return tell_trouble(file, count < 0 ? strerror(errno) : "nothing was taken");
}

static enum rw_err open_now(struct rw_access_file *file)
{
    int fd = open_path(file->path);
    if (fd < 0)
        return tell_trouble(file, strerror(errno));
    adopt(file, fd);
    return RW_OK;
}

enum rw_err rw_access_file_write(struct rw_access_file *file, struct rw_span lines, int wait_ms_max,
                                 size_t *written)
{
    *written = 0;
    enum rw_err opened = file->fd < 0 ? open_now(file) : RW_OK;
    if (opened)
        return opened;
    while (file->torn) {
        size_t count;
        enum rw_err err = write_piece(file, RW_LITERAL("\n"), wait_ms_max, &count);
        if (err)
            return err;
        file->torn = count == 0;
    }
    return write_piece(file, next_piece(file, lines), wait_ms_max, written);
}
