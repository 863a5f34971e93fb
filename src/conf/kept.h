/* Files as they were when they were read: what a configuration was made of, kept beside it.
 *
 * While a thread uses a set (rw_kept_files_use), each file that it reads with rw_conf_slurp (the
 * configuration itself, secrets, certificates, keys, lists) comes from the set if it is there, and
 * goes into it if it is not. So an empty set takes down what a configuration is made of, and a full
 * one gives a process that starts again just that, whatever has become of the files meanwhile.
 *
 * Why by thread, and not as an argument: files are read below parsers, policies and TLS, none of
 * which has anything else to do with how a process starts again.
 *
 * There are secrets among them. They lie in memory only: of this process, and in sealed memory
 * without a name (memfd_create(2)), which is had by its descriptor alone. */
#ifndef RW_CONF_KEPT_H
#define RW_CONF_KEPT_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct rw_kept_files;

/* What a set is stored in. [0] has the contents, the others are what is too large for them, or no
 * contents (databases, directories). Beyond that number these are read anew. */
enum { RW_KEPT_FDS_MAX = 1024 };
struct rw_kept {
    int fds[RW_KEPT_FDS_MAX];
    unsigned count;    /* 0: nothing is stored */
    unsigned left_out; /* that would have needed a descriptor beyond RW_KEPT_FDS_MAX */
};

RW_MUST_CHECK enum rw_err rw_kept_files_create(struct rw_kept_files **files);
/* Wipes them. NULL is fine. */
void rw_kept_files_free(struct rw_kept_files *files);
/* From now on, on this thread; NULL: every file is read. Returns what was used before. */
struct rw_kept_files *rw_kept_files_use(struct rw_kept_files *files);
/* As if it had been read. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_kept_files_add(struct rw_kept_files *files, const char *path,
                                            struct rw_span bytes, const struct stat *seen);

/* In new descriptors, close-on-exec, which are the caller's. RW_ENOMEM, RW_ELIMIT. */
RW_MUST_CHECK enum rw_err rw_kept_files_store(const struct rw_kept_files *files,
                                              struct rw_kept *kept);
/* The descriptors stay the caller's, and are needed no more afterwards. RW_EPROTO: stored by a
 * program that does it differently. */
RW_MUST_CHECK enum rw_err rw_kept_files_load(const struct rw_kept *kept,
                                             struct rw_kept_files **files);
void rw_kept_close(struct rw_kept *kept);

/* ---- Of the set that this thread uses ---- */

/* False: there is none, or the file is not in it. */
bool rw_kept_file_find(const char *path, struct rw_span *bytes);
/* No set is used: nothing happens. */
RW_MUST_CHECK enum rw_err rw_kept_file_add(const char *path, struct rw_span bytes,
                                           const struct stat *seen);
/* As stat(2) had it when it was read, or else now; all 0: there is none. */
struct stat rw_kept_file_look(const char *path);
/* A descriptor instead of contents: a new one, the caller's; -1: none is kept. */
int rw_kept_fd_find(const char *path);
/* A copy of it is kept. */
RW_MUST_CHECK enum rw_err rw_kept_fd_add(const char *path, int fd);

#endif
