/* What else comes out of a finished plan, for one of its tiers: files that other programs read.
 *
 *   gateway.yaml      a configuration to start from, which `ringway check` accepts
 *   acceptance.yaml   the targets that `ringway verify` judges
 *   openslo.yaml      the same promises as objectives (OpenSLO v1)
 *   forecast.csv      the bill by month, with the columns of FOCUS 1.2; marked as a forecast
 *   main.tf           what is bought, as Terraform to go on from
 *
 * Writers only read the plan, and add to a text (whose `err` tells of memory). Chapters that did
 * not run leave their part out. A missing price stays empty in the forecast and is named there.
 * Everything from the intake is quoted: no name of a customer's can break a file.
 */
#ifndef RW_PLAN_ARTEFACT_ARTEFACT_H
#define RW_PLAN_ARTEFACT_ARTEFACT_H

#include "base/text.h"
#include "plan/plan.h"

struct rw_artefact {
    const char *file; /* "gateway.yaml" */
    struct rw_label what;
    void (*write)(const struct rw_plan *plan, unsigned tier, struct rw_text *text);
};

/* Ended by one without a file. */
extern const struct rw_artefact rw_artefacts[];

void rw_artefact_gateway(const struct rw_plan *plan, unsigned tier, struct rw_text *text);
void rw_artefact_acceptance(const struct rw_plan *plan, unsigned tier, struct rw_text *text);
void rw_artefact_openslo(const struct rw_plan *plan, unsigned tier, struct rw_text *text);
void rw_artefact_forecast(const struct rw_plan *plan, unsigned tier, struct rw_text *text);
void rw_artefact_terraform(const struct rw_plan *plan, unsigned tier, struct rw_text *text);

#endif
