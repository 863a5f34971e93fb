/* The bill chapter: what each tier buys, where, in what quantity, at which price, for what term.
 *
 * rw_bill_chapter runs after the sizing (sizing/sizing.h), with plan->prices set. For each tier and
 * each site of the terms it adds line items, each a few cells:
 *
 *   bill.TIER.SITE.ITEM.quantity   how many of the price's unit, in a month for what is metered
 *   bill.TIER.SITE.ITEM.month      MONEY: 100 x quantity x hours x price x exchange rate, rounded
 *   bill.TIER.SITE.ITEM.year       MONEY: twelve such months
 *   price.PROVIDER....             PRICE: one for each article, with source, date and doubts
 *
 * and for each tier the sums of the rounded items:
 *
 *   bill.TIER.month, bill.TIER.year, bill.TIER.setup
 *
 * A price that is in no list is a missing cell: the sums that need it are missing, too, and a
 * finding says which price to ask for. Nothing is converted but by a rate of the terms. A price
 * that is old, approximate or of another region is used and counted for re-quotation.
 */
#ifndef RW_PLAN_BILL_BILL_H
#define RW_PLAN_BILL_BILL_H

#include "plan/facts/prices.h"
#include "plan/plan.h"

enum { RW_BILL_ITEMS_MAX = 2000 };

/* One line, for tables and for the forecast. Texts and cells live as long as the sheet. */
struct rw_bill_item {
    unsigned tier, site;   /* places in plan->tiers, bill->sites */
    const char *name;      /* "compute": of its cells */
    struct rw_label label; /* "Application and gateway machines, committed" */
    const char *category;  /* of FOCUS: "Compute", "Storage", "Networking", "Databases" */
    const char *provider, *service, *sku, *region, *term, *unit;
    const char *currency; /* of the list price; NULL: no price */
    unsigned doubts;      /* enum rw_price_doubt */
    uint32_t quantity, price, month, year;
    uint32_t share; /* of the hours in which it runs; RW_CELL_NONE: all */
};

struct rw_bill {
    struct rw_term_site sites[RW_SITES_MAX];
    unsigned site_count;
    bool site_assumed;
    struct rw_bill_item *items; /* by tier, then by site */
    unsigned item_count, room;
    unsigned prices_used, prices_doubtful, prices_missing; /* articles */
};

/* Errors are kept in the sheet and the findings, too. */
RW_MUST_CHECK enum rw_err rw_bill_chapter(struct rw_plan *plan);

/* Provider and region as the price list names them, from what people write ("AWS", "Azure East US",
 * "AWS北京", "本地"). False: not understood; then nothing is set. `region` may be empty: then it is
 * the provider's usual one. `*region_id` NULL: there is no such region in the tables; its words are
 * its name, and the bill tells what follows. */
bool rw_bill_place(struct rw_span provider, struct rw_span region, const char **provider_id,
                   const char **region_id);

#endif
