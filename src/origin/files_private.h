/* The parts of the `files` origin: finding the file (files_open.c), what the request's conditions
 * make of it (files_decide.c), and its type (files_types.c). Only files*.c and their test include
 * this. Worker threads; no state. */
#ifndef RW_ORIGIN_FILES_PRIVATE_H
#define RW_ORIGIN_FILES_PRIVATE_H

#include "gate/exchange/reason.h"
#include "http/message.h"

#include <limits.h>
#include <sys/stat.h>
#include <time.h>

enum { RW_FILES_PATH_BYTES_MAX = PATH_MAX };

/* ---- files_open.c ---- */

/* The path of a file below the root from the path of a request: decoded, without slashes at its
 * ends, "." when nothing is left; NUL-terminated. false: there cannot be such a file (an encoded
 * slash or NUL, dot segments, a name that begins with a dot unless `dotfiles`, too long). */
bool rw_files_path(struct rw_span path, bool dotfiles, char to[RW_FILES_PATH_BYTES_MAX]);

/* Opens what is at `path` below `root`, for reading: a file or a directory, nothing else. */
RW_MUST_CHECK enum rw_reason rw_files_open(int root, const char *path, int *fd, struct stat *about);

/* Does this kernel (and container) permit openat2? */
bool rw_files_supported(int root);

/* ---- files_decide.c ---- */

enum rw_files_outcome {
    RW_FILES_WHOLE,        /* 200 */
    RW_FILES_PART,         /* 206: `range` */
    RW_FILES_NOT_MODIFIED, /* 304 */
    RW_FILES_FAILED,       /* 412 */
    RW_FILES_UNSATISFIABLE /* 416 */
};

struct rw_files_version {
    struct rw_span etag; /* strong, with its quotes */
    time_t modified;
    uint64_t bytes;
};

struct rw_files_range {
    uint64_t start, bytes;
};

/* By If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, If-Range and Range, in the
 * order of RFC 9110 section 13.2.2. Several ranges, or one that cannot be read, are ignored, which
 * section 14.2 permits; Range counts with GET only. */
enum rw_files_outcome rw_files_decide(const struct rw_message *request,
                                      const struct rw_files_version *version,
                                      struct rw_files_range *range);

/* Seconds since 1970 of an HTTP date in any of its three forms (RFC 9110 section 5.6.7); false: it
 * is none. */
bool rw_files_date(struct rw_span text, time_t *seconds);

/* ---- files_types.c ---- */

/* By the extension; "application/octet-stream" when it is not known. Static text. */
const char *rw_files_type(const char *path);

#endif
