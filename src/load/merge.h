/* Results of several runs, as `--out result.json` keeps them, added up into one.
 *
 * Hosts that load the same target at the same time each write a result; rw_load_merge_add takes one
 * file after the other, and `settings` and `result` are then what the reports of report.h take.
 * All is exact, as if one generator had seen all: counts and histograms are added, and percentiles
 * made of the sums, those of each second's row too. Only where a run was so long that histograms of
 * its rows were not kept are their percentiles the highest of any host's, which is told
 * (timeline->coarse). One thread.
 */
#ifndef RW_LOAD_MERGE_H
#define RW_LOAD_MERGE_H

#include "base/text.h"
#include "load/run.h"
#include "load/script/script.h"

enum { RW_LOAD_RESULT_BYTES_MAX = 256 << 20 };

struct rw_load_merge {
    struct rw_load_settings settings;
    struct rw_load_result result;
    struct rw_load_script script;
    struct rw_load_scenario *scenarios; /* one a step: only their names are needed */
    struct rw_load_step_tally *steps;
    struct rw_load_check *checks;
    struct rw_load_check_count *counts;
    struct rw_timeline *timeline;
    struct rw_histogram *scratch; /* of one row */
    struct rw_arena arena;        /* of texts */
    unsigned files;
};

/* `merge` is zeroed memory. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_load_merge_begin(struct rw_load_merge *merge);
/* RW_EINVAL, and in `why` what is wrong: it is not such a result, or of another scenario. When the
 * run itself was not sound, `why` says so with RW_OK. RW_ENOMEM. Afterwards `merge` is only to be
 * freed, but after RW_OK. */
RW_MUST_CHECK enum rw_err rw_load_merge_add(struct rw_load_merge *merge, struct rw_span json,
                                            char why[256]);
void rw_load_merge_free(struct rw_load_merge *merge);

#endif
