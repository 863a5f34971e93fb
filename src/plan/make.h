/* The one function that makes a plan of an intake: it runs the stages in their order.
 *
 *     intake -> inputs -> tiers -> sizing -> bill -> money -> elsewhere -> roadmap -> controls
 *         -> goals -> lint -> readings -> outlook
 *
 * The command line calls rw_plan_make, then reads made->plan: the listing, the report and the
 * artefacts are written from it. Mistakes in the files and in the options are told in the report,
 * all that can be found at once. One thread; nothing here looks at the clock.
 */
#ifndef RW_PLAN_MAKE_H
#define RW_PLAN_MAKE_H

#include "conf/read.h"
#include "plan/facts/prices.h"
#include "plan/facts/standards.h"
#include "plan/intake/intake.h"
#include "plan/plan.h"

struct rw_plan_options {
    const char *intake;       /* path */
    enum rw_conf_voice voice; /* of mistakes */
    double date;              /* days since 1970; NaN: the intake's */
    unsigned draws;           /* 0: none */
    uint64_t seed;
    const char *tier;            /* id or name: only this one; NULL: all */
    const char *const *settings; /* "cell=value" */
    unsigned setting_count;
    const char *const *prices; /* files with the user's own prices and discounts, in order */
    unsigned price_count;
};

struct rw_plan_made {
    struct rw_plan plan;
    struct rw_intake intake;
    struct rw_prices prices;
    struct rw_standards standards;
    bool has_intake, has_facts;
    struct rw_arena arena; /* of the report's texts */
};

/* RW_EINVAL: mistakes are in the report, whose texts live in `made`; RW_ENOENT, RW_EACCES: the
 * intake cannot be read (told, too); RW_ENOMEM, RW_ELIMIT. rw_plan_made_free in any case, and not
 * before the report was printed. */
RW_MUST_CHECK enum rw_err rw_plan_make(struct rw_plan_made *made,
                                       const struct rw_plan_options *options,
                                       struct rw_conf_report *report);
void rw_plan_made_free(struct rw_plan_made *made);

#endif
