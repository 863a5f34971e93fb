/* Objectives of an OpenSLO v1 file as targets (https://github.com/OpenSLO/OpenSLO): each document
 * of kind SLO whose indicator is a ratio. A query with a bucket, le="0.25", is a promise about
 * latency: so much of the requests within 250 ms. Any other ratio is an availability, over the
 * SLO's window. What cannot be judged that way is told, not passed over.
 */
#ifndef RW_VERIFY_OPENSLO_H
#define RW_VERIFY_OPENSLO_H

#include "base/text.h"
#include "verify/acceptance.h"

enum { RW_OPENSLO_BYTES_MAX = 256 << 10 };

/* Adds targets, in `arena`, behind those in `targets`. RW_EINVAL: `mistakes` has a line for each,
 * with its place; RW_ENOENT and whatever else reading a file may meet; RW_ELIMIT; RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_openslo_read(const char *path, struct rw_arena *arena,
                                          struct rw_conf_list *targets, struct rw_text *mistakes);

#endif
