/* Which faults are caused on what: the faults of the file, joined with what the gateway's
 * configuration depends on and the servers that the file names. */
#ifndef RW_VERIFY_CASES_H
#define RW_VERIFY_CASES_H

#include "verify/record.h"

enum { RW_CASES_MAX = 256 };

/* Fills record->config, record->dependencies and record->cases, in `arena`, which outlives them.
 * RW_EINVAL: the configuration has mistakes, a fault names what is not there, or what it does not
 * apply to; told in `why`, all of it. RW_ELIMIT, RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_cases_make(const struct rw_acceptance *file, struct rw_arena *arena,
                                        struct rw_record *record, struct rw_text *why);

/* How long all of it takes at most. */
double rw_cases_seconds(const struct rw_acceptance *file, const struct rw_record *record);

#endif
