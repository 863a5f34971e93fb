/* A plan: the sheet with its findings, and what the chapters need to know besides numbers. The
 * report and the artefacts are written from the finished plan.
 *
 * Each chapter is a function rw_NAME_chapter(struct rw_plan *) that adds cells to plan->sheet and
 * findings to plan->findings, reading the cells of the chapters before it. Cells that other
 * chapters read:
 *
 *     intake.*                  inputs.h; numbers in plan->inputs
 *     sizing.*                  what all tiers share: rates, volumes
 *     sizing.TIER.*             what a tier needs: sizing/sizing.h
 *     bill.TIER.setup           MONEY, once
 *     bill.TIER.year.Y          MONEY, of each year of the term; missing when a price is missing
 *     money.TIER.*              what it costs and brings: money/money.h
 *     elsewhere.*               the bill at other providers: read by nobody else
 *
 * One thread. Everything is deterministic: the same intake and options give the same plan.
 */
#ifndef RW_PLAN_PLAN_H
#define RW_PLAN_PLAN_H

#include "plan/finding.h"
#include "plan/inputs.h"
#include "plan/outlook.h"
#include "plan/readings.h"
#include "plan/sheet.h"
#include "plan/terms.h"
#include "plan/tier.h"

enum { RW_PLAN_YEARS_MAX = 15 };

struct rw_prices;
struct rw_bill;
struct rw_roadmap;
struct rw_standards;
struct rw_controls;
struct rw_elsewhere;

struct rw_plan {
    struct rw_sheet sheet;
    struct rw_findings findings;
    struct rw_terms terms;
    uint32_t inputs[RW_INPUT_END];
    struct rw_tier tiers[RW_TIERS_MAX];
    unsigned tier_count;
    const struct rw_prices *prices; /* facts/prices.h; set before the bill, not owned */
    struct rw_bill *bill;           /* bill/bill.h; NULL before the bill; lives in the arena */
    struct rw_elsewhere *elsewhere; /* elsewhere/elsewhere.h; the same */
    struct rw_roadmap *roadmap;     /* roadmap/roadmap.h; the same */
    const struct rw_standards
        *standards;               /* facts/standards.h; set before the controls, not owned */
    struct rw_controls *controls; /* controls/controls.h; as the bill */
    struct rw_outlook outlook;
    struct rw_readings readings;
};

void rw_plan_init(struct rw_plan *plan);
void rw_plan_free(struct rw_plan *plan);

/* The cell's value; NaN when missing. */
static inline double rw_plan_input(const struct rw_plan *plan, enum rw_input input)
{
    return rw_sheet_value(&plan->sheet, plan->inputs[input]);
}

/* Whole years of the term and of the horizon, begun ones included, within 1 to RW_PLAN_YEARS_MAX;
 * the horizon is no shorter than the term. */
unsigned rw_plan_term(const struct rw_plan *plan);
unsigned rw_plan_horizon(const struct rw_plan *plan);

/* The cell "plan.months.Y": months of the year from 1, twelve but for a last year that is not
 * whole. Added when it is asked for first. */
uint32_t rw_plan_months(struct rw_plan *plan, unsigned year);

/* A computed cell "PREFIX.TIER.NAME": rw_plan_compute(plan, "sizing", tier, "nodes", label, unit,
 * &formula, 2, a, b). */
uint32_t rw_plan_compute(struct rw_plan *plan, const char *prefix, const struct rw_tier *tier,
                         const char *name, struct rw_label label, enum rw_unit unit,
                         const struct rw_formula *formula, unsigned input_count, ...);

/* The cell "PREFIX.TIER.NAME", or RW_CELL_NONE. */
uint32_t rw_plan_find(const struct rw_plan *plan, const char *prefix, const struct rw_tier *tier,
                      const char *name);

#endif
