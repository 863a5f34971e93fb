/* The same bill elsewhere: what the shown tier's first year costs when all of it runs at one place
 * of each other provider, by the same price list and the user's own prices over it.
 *
 * rw_elsewhere_chapter runs after the money chapter, which decides the tier (plan/choice.h). For
 * each provider that the plan does not already use alone it makes the bill anew with the sizes of
 * the plan (bill/bill.h, on a sheet of its own: nothing of it is among the findings, the lines or
 * the totals of the plan), then moves the cells that the first year needs into the plan's sheet:
 *
 *   elsewhere.PROVIDER.ITEM....      as bill.TIER.SITE.ITEM..., prices included
 *   elsewhere.PROVIDER.CATEGORY      MONEY: of the first year, a category of FOCUS
 *   elsewhere.PROVIDER.year          MONEY: their sum
 *   elsewhere.plan.CATEGORY          MONEY: of the plan's own bill
 *
 * so that each figure opens to its formula, quantities and prices. The place is one under the same
 * law as the plan's largest site, if the list has prices there. A price that is missing stops its
 * sum; the article is named. Where the list is in a currency without a rate, the amounts stay in
 * that currency.
 */
#ifndef RW_PLAN_ELSEWHERE_ELSEWHERE_H
#define RW_PLAN_ELSEWHERE_ELSEWHERE_H

#include "plan/plan.h"

enum {
    RW_ELSEWHERE_PLACES_MAX = 6,
    RW_ELSEWHERE_CATEGORIES_MAX = 8,
    RW_ELSEWHERE_GAPS_MAX = 256,
};

struct rw_elsewhere_place {
    const char *provider, *region; /* NULL: the plan's own bill, wherever its sites are */
    bool other_law;                /* the list has nothing under the law of the plan's site */
    const char *currency;          /* of the amounts */
    const char *machines[2];       /* "m5.xlarge, on_demand": of the application, the database */
    uint32_t categories[RW_ELSEWHERE_CATEGORIES_MAX]; /* as elsewhere->categories */
    uint32_t year;
    unsigned prices_used, prices_doubtful, prices_missing;
};

/* What a place's sum lacks: a price, or an article that the list does not have at all. */
struct rw_elsewhere_gap {
    unsigned place;
    bool stops; /* a price is missing, and the sum with it */
    struct rw_label label;
    const char *article; /* "egress_internet over_10tb"; NULL: there is none */
};

struct rw_elsewhere {
    unsigned tier; /* place in plan->tiers */
    const char *categories[RW_ELSEWHERE_CATEGORIES_MAX];
    unsigned category_count;
    struct rw_elsewhere_place places[RW_ELSEWHERE_PLACES_MAX]; /* the plan's own first */
    unsigned place_count;
    struct rw_elsewhere_gap gaps[RW_ELSEWHERE_GAPS_MAX];
    unsigned gap_count;
};

/* Fills plan->elsewhere, and leaves it NULL where the plan has no tier or no bill. Errors are kept
 * in the sheet, too. */
RW_MUST_CHECK enum rw_err rw_elsewhere_chapter(struct rw_plan *plan);

/* Whether the cell is one of these: what is assumed or missing elsewhere is none of the plan's. */
bool rw_elsewhere_owns(const struct rw_cell *cell);

/* Within elsewhere: what `other` needs for its cell moves into the plan's sheet, ids as above;
 * returns its number there. Cells that both have alike are not added twice. `moved` has a number
 * for each cell of `other`, RW_CELL_NONE at first. */
uint32_t rw_elsewhere_move(struct rw_plan *plan, const struct rw_plan *other, const char *provider,
                           uint32_t cell, uint32_t *moved);

#endif
