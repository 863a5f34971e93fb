/* The controls chapter: for each control of the frameworks that apply, what the gateway evidences
 * (and by which configuration), and what stays with the customer.
 *
 * Only what this program does today counts: a control that a gateway could serve, but this one does
 * not yet, is said to be open, never claimed. The chapter runs at any time after the intake, with
 * plan->standards set. Cells: controls.FRAMEWORK.all, .evidenced, .partly, .open, .customer
 * (COUNT).
 */
#ifndef RW_PLAN_CONTROLS_CONTROLS_H
#define RW_PLAN_CONTROLS_CONTROLS_H

#include "plan/facts/standards.h"
#include "plan/plan.h"

/* X(name, word, en, zh) */
#define RW_CONTROL_STATUSES(X)                                                                     \
    X(EVIDENCED, "evidenced", "the gateway evidences it", "网关可出具证据")                        \
    X(PARTLY, "partly", "the gateway evidences a part", "网关出具部分证据")                        \
    X(OPEN, "open", "not yet in the gateway: needs another product", "网关暂不支持，需其他产品")   \
    X(CUSTOMER, "customer", "the customer's people and systems", "由客户的人员与系统负责")

enum rw_control_status {
#define RW_CONTROL_STATUS_ENUM(name, word, en, zh) RW_CONTROL_##name,
    RW_CONTROL_STATUSES(RW_CONTROL_STATUS_ENUM)
#undef RW_CONTROL_STATUS_ENUM
        RW_CONTROL_STATUS_COUNT
};

/* Something that the gateway does, and the configuration that does it. */
struct rw_gate_feature {
    struct rw_label what;
    const char *keys[4]; /* as in docs/reference/configuration.md: "listener.tls.min_version" */
};

enum { RW_CONTROL_FEATURES_MAX = 4, RW_FRAMEWORK_WORDS_MAX = 8 };

struct rw_control_row {
    const struct rw_control *control;
    enum rw_control_status status;
    const struct rw_gate_feature *features[RW_CONTROL_FEATURES_MAX];
    unsigned feature_count;
    struct rw_label remains; /* what the customer still has to show; empty: nothing */
};

struct rw_controls {
    struct rw_control_row *rows; /* by framework, in the order of the plan's frameworks */
    unsigned row_count;
};

RW_MUST_CHECK enum rw_err rw_controls_chapter(struct rw_plan *plan);

struct rw_label rw_control_status_label(enum rw_control_status status);
/* "evidenced": for files. */
const char *rw_control_status_word(enum rw_control_status status);

/* The frameworks that a text names ("等保2.0三级、GDPR", "PCI DSS v4.0, SOC2 Type II"), as ids of
 * data/plan/controls.yaml, each once, in the order of that file; returns how many. */
unsigned rw_controls_named(struct rw_span text, const char *ids[RW_FRAMEWORK_WORDS_MAX]);

#endif
