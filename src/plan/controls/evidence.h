/* Within plan/controls: which control is served by what the gateway does, in one table.
 */
#ifndef RW_PLAN_CONTROLS_EVIDENCE_H
#define RW_PLAN_CONTROLS_EVIDENCE_H

#include "plan/controls/controls.h"

struct rw_evidence {
    const char *control; /* id in data/plan/controls.yaml */
    bool whole;          /* all of the evidence that the control asks for */
    const struct rw_gate_feature *features[RW_CONTROL_FEATURES_MAX];
};

/* NULL: none today. */
const struct rw_evidence *rw_evidence_of(const char *control);

/* All entries, for tests: ended by one without a control. */
extern const struct rw_evidence rw_evidences[];

#endif
