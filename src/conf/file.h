/* Reads a small file whole: configuration, secrets, certificates, keys, lists. From what is kept of
 * it (conf/kept.h) where that is asked for. */
#ifndef RW_CONF_FILE_H
#define RW_CONF_FILE_H

#include "base/text.h"

/* Adds the file's bytes to `text`. RW_ELIMIT: longer than `bytes_max`; RW_EINVAL: a directory;
 * RW_EUNSUPPORTED: a device, a pipe or a socket where `regular` is asked for; RW_ENOENT, RW_EACCES,
 * RW_EIO, RW_ENOMEM. Of a regular file it never waits for a pipe's other end. */
RW_MUST_CHECK enum rw_err rw_conf_slurp(const char *path, size_t bytes_max, bool regular,
                                        struct rw_text *text);
/* What is wrong with a file that could not be read, after "cannot be read: ". Static, or in `room`.
 */
const char *rw_conf_slurp_flaw(enum rw_err err, size_t bytes_max, char room[48]);

#endif
