/* The file behind the access log: whole lines in, rotation, reopening, trouble. The writer thread
 * only, except for opening and closing. */
#ifndef RW_WATCH_ACCESS_FILE_H
#define RW_WATCH_ACCESS_FILE_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct rw_access_file {
    char *path;     /* NULL: standard output */
    char *names[2]; /* room for PATH.N, so that rotation allocates nothing */
    size_t name_room;
    int fd;       /* -1: it could not be opened yet */
    bool regular; /* else a pipe, a terminal...: small writes that cannot block */
    bool torn;    /* what stands in the file ends within a line, of which the rest is lost */
    bool failing; /* the last write failed */
    bool mid_line;
    uint64_t rotate_bytes;
    unsigned rotate_keep;
    uint64_t rotate_after_ns; /* monotonic; when rotation failed: not before */
};

/* `later`: where the path cannot be opened, each write tries that again. */
RW_MUST_CHECK enum rw_err rw_access_file_open(struct rw_access_file *file, const char *path,
                                              uint64_t rotate_bytes, unsigned rotate_keep,
                                              bool later);
void rw_access_file_close(struct rw_access_file *file);

/* Opens the path anew; where that fails the old file stays. */
void rw_access_file_reopen(struct rw_access_file *file);

/* Before a write of `len` bytes: follows a rotation by another process, or rotates. */
void rw_access_file_make_room(struct rw_access_file *file, size_t len);

/* Writes the first of the lines, at most as many as are out in a moment; `*written` counts the
 * bytes that are out, whatever the result: with RW_OK perhaps none (a signal). RW_ETIMEDOUT: the
 * reader of a pipe took nothing for `wait_ms_max`. RW_EIO: the file cannot be written; a line of
 * which a part is out will be ended by a newline of its own before the next write, so drop its
 * rest. */
RW_MUST_CHECK enum rw_err rw_access_file_write(struct rw_access_file *file, struct rw_span lines,
                                               int wait_ms_max, size_t *written);

#endif
