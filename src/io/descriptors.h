/* How many descriptors the process may have.
 *
 * The soft limit is low for the sake of programs that use select(2). Ours do not: who has many
 * connections calls this once at its start, before threads.
 */
#ifndef RW_IO_DESCRIPTORS_H
#define RW_IO_DESCRIPTORS_H

#include "base/err.h"

/* Raises the soft limit to the hard one, for this process and those that it starts. Who ignores an
 * error goes on with what there is. */
enum rw_err rw_raise_descriptor_limit(void);

/* For rw_loop_options.descriptors_max of who has many connections: half of the limit. */
int rw_descriptors_half(void);

#endif
