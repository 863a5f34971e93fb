/* Files that exist in memory only, for whoever reads a path: certificates, keys, configurations.
 * Their path holds in the process that has the descriptor, and in those that inherit it. */
#ifndef RW_VERIFY_FAULT_MEMORY_FILE_H
#define RW_VERIFY_FAULT_MEMORY_FILE_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>

enum { RW_MEMORY_PATH_BYTES = 32 };

/* `inherited`: by programs that are started. The caller closes *fd; on an error it is -1.
 * RW_ELIMIT, RW_ENOMEM, RW_EIO. */
RW_MUST_CHECK enum rw_err rw_memory_file(const char *name, struct rw_span bytes, bool inherited,
                                         int *fd);
void rw_memory_file_path(int fd, char path[RW_MEMORY_PATH_BYTES]);

#endif
