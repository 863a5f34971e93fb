/* Processes that verify did not start, known by a pid file.
 *
 * A pid file may be old, and its number somebody else's by now. So a process is touched only if it,
 * or one that descends from it, listens at the address that the acceptance file names; the file is
 * read anew each time.
 */
#ifndef RW_VERIFY_ATTACH_H
#define RW_VERIFY_ATTACH_H

#include "io/address.h"

#include <stdbool.h>
#include <sys/types.h>

/* The process that `pid_file` names and that listens at `address` (TCP: its port). 0: there is
 * none; `why`, which has `why_bytes`, says what is wrong. */
pid_t rw_attach(const char *pid_file, const struct rw_address *address, char *why,
                size_t why_bytes);

#endif
