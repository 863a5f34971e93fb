/* Reads a small file whole: configuration and secrets. */
#ifndef RW_CONF_FILE_H
#define RW_CONF_FILE_H

#include "base/text.h"

/* Adds the file's bytes to `text`. RW_ELIMIT: longer than `bytes_max`; RW_EINVAL: a directory, a
 * device or a pipe where `regular` is asked for; RW_ENOENT, RW_EACCES, RW_EIO, RW_ENOMEM. Never
 * waits for a pipe's other end. */
RW_MUST_CHECK enum rw_err rw_conf_slurp(const char *path, size_t bytes_max, bool regular,
                                        struct rw_text *text);

#endif
