/* Compliance: frameworks, their controls, and claims that cannot be made, from
 * data/plan/controls.yaml.
 *
 * plan/controls lays them against what the gateway does; lint looks for the claims in what the
 * customer wrote. Read once per plan; rows and texts live until rw_standards_free. One thread.
 */
#ifndef RW_PLAN_FACTS_STANDARDS_H
#define RW_PLAN_FACTS_STANDARDS_H

#include "conf/tree.h"
#include "report/label.h"

enum { RW_STANDARDS_BYTES_MAX = 16 << 20 };

struct rw_framework {
    const char *id;               /* "mlps2_l3" */
    struct rw_label name, result; /* result: how passing it is called; may be empty */
    unsigned first, count;        /* its controls, in the order of the file */
};

enum rw_control_scope {
    RW_CONTROL_FULL,    /* the platform can show the evidence alone */
    RW_CONTROL_PARTIAL, /* a part of it */
    RW_CONTROL_NONE,    /* people or another system do */
};

struct rw_control {
    const char *id, *framework, *ref;
    struct rw_label name, evidence;
    enum rw_control_scope scope;
    const char *numbers;    /* "log_retention_months_min 6", or "" */
    const char *source;     /* in full, for people */
    const char *confidence; /* "high", "medium" */
    struct rw_conf_place place;
};

struct rw_claim {
    const char *id;
    const struct rw_conf_node *match; /* a list of texts that make the claim */
    struct rw_label say;
    const char *source;
};

struct rw_standards {
    struct rw_arena arena;
    struct rw_conf_tree tree;
    struct rw_framework *frameworks;
    unsigned framework_count;
    struct rw_control *controls; /* those of one framework stand together */
    unsigned control_count;
    struct rw_claim *claims;
    unsigned claim_count;
};

/* RW_EINVAL: mistakes in the report: a defect that a test finds. RW_ENOMEM. rw_standards_free in
 * any case. */
RW_MUST_CHECK enum rw_err rw_standards_load(struct rw_standards *standards,
                                            struct rw_conf_report *report);
void rw_standards_free(struct rw_standards *standards);

/* NULL when there is none. */
const struct rw_framework *rw_standards_framework(const struct rw_standards *standards,
                                                  const char *id);
const struct rw_control *rw_standards_control(const struct rw_standards *standards, const char *id);

#endif
