/* The kinds of targets: one table entry for each, with its keys in the file, its unit, its way to
 * be measured and judged (verdict.h). A new kind is one new entry.
 */
#ifndef RW_VERIFY_TARGET_H
#define RW_VERIFY_TARGET_H

#include "report/label.h"
#include "verify/acceptance.h"
#include "verify/verdict.h"

struct rw_target_kind {
    struct rw_conf_variant_kind key; /* its `user` points back here */
    struct rw_label label;           /* "Latency" */
    enum rw_unit unit;
    bool at_least;  /* the limit is a floor, not a ceiling */
    bool timed;     /* a generator that is late spoils it */
    bool of_faults; /* of all of them: it belongs to no load */
    double (*limit)(const void *value);
    /* What is behind the label: " p99". Adds to `text`; NULL: nothing. */
    void (*detail)(const void *value, struct rw_text *text);
    void (*judge)(const struct rw_judging *judging, const void *value, struct rw_verdict *verdict);
};

/* NULL-terminated: the tables' variants. */
extern const struct rw_conf_variant_kind *const rw_target_kinds[];

static inline const struct rw_target_kind *rw_target_kind(const struct rw_verify_target *target)
{
    return target->what.kind->user;
}

static inline bool rw_target_is(const struct rw_verify_target *target,
                                enum rw_verify_target_kind kind)
{
    return target->what.kind == rw_target_kinds[kind];
}

/* A value of it, with its unit. The texts are the target's. */
struct rw_quantity rw_target_quantity(const struct rw_verify_target *target, double value);

/* "latency p99": as reports name it; the file's own name if it has one. */
void rw_target_name(const struct rw_verify_target *target, enum rw_language language,
                    struct rw_text *text);

#endif
