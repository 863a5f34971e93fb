/* The bill chapter: what each tier buys, where, in what quantity, at which price, for what term.
 *
 * rw_bill_chapter runs after the sizing (sizing/sizing.h), with plan->prices set. Every year of the
 * term has its own quantities, those of the load at its end. For each tier and each site of the
 * terms it adds line items, each a few cells:
 *
 *   bill.TIER.SITE.ITEM.quantity.Y   how many, whole ones
 *   bill.TIER.SITE.ITEM.month.Y      MONEY: quantity x price x times a month, rounded
 *   bill.TIER.SITE.ITEM.year.Y       MONEY: so many such months as the year has
 *   price.PROVIDER....               PRICE: one for each article, with source, date and doubts
 *   paid.PROVIDER....                PRICE: the same in the plan's currency, as every line has it
 *
 * and for each tier the sums of the rounded items:
 *
 *   bill.TIER.month.Y, bill.TIER.year.Y, bill.TIER.term, bill.TIER.setup
 *
 * and, where the intake names machines of today that the list has:
 *
 *   bill.now.year                    MONEY: at the list price; no benefit by itself
 *
 * A line multiplies out: quantity and price are what is shown, and the amount is their product to
 * the cent. A price that is in no list is a missing cell: the sums that need it are missing, too,
 * and a finding says which price to ask for. A kind of cost for which nothing can be looked up is
 * among the omissions, with the reason: the totals say what they leave out. Nothing is converted
 * but by a rate of the terms. A price that is old, approximate or of another region is used and
 * counted for re-quotation.
 */
#ifndef RW_PLAN_BILL_BILL_H
#define RW_PLAN_BILL_BILL_H

#include "plan/facts/prices.h"
#include "plan/plan.h"

enum { RW_BILL_ITEMS_MAX = 2000, RW_BILL_OMISSIONS_MAX = 64 };

/* One line, for tables and for the forecast. Texts and cells live as long as the sheet. */
struct rw_bill_item {
    unsigned tier, site;   /* places in plan->tiers, bill->sites */
    const char *name;      /* "compute": of its cells */
    struct rw_label label; /* "Application and gateway machines, committed" */
    const char *category;  /* what it is for: "Compute", "Databases", "Storage", "Networking"... */
    const char *service_category,
        *service_subcategory; /* what the provider calls it, as in FOCUS */
    const char *provider, *service, *sku, *region, *term, *unit;
    const char *currency; /* of the list price; NULL: no price */
    unsigned doubts;      /* enum rw_price_doubt */
    uint32_t price, paid; /* of the list less a discount, and in the plan's currency */
    double list_price;    /* before the discount; NaN: no price */
    uint32_t times;       /* a month: hours, or one */
    uint32_t quantity[RW_PLAN_YEARS_MAX], month[RW_PLAN_YEARS_MAX], year[RW_PLAN_YEARS_MAX];
};

/* What the totals leave out. */
struct rw_bill_omission {
    const char *provider; /* NULL: wherever it runs */
    struct rw_label label, reason;
};

struct rw_bill {
    struct rw_term_site sites[RW_SITES_MAX];
    unsigned
        standby[RW_SITES_MAX]; /* which site stands by for each; itself: a second region of it */
    unsigned site_count;
    bool site_assumed;
    unsigned years;
    uint32_t months[RW_PLAN_YEARS_MAX]; /* plan.months.Y */
    struct rw_bill_item *items;         /* by tier, then by site */
    unsigned item_count, room;
    struct rw_bill_omission omissions[RW_BILL_OMISSIONS_MAX];
    unsigned omission_count;
    unsigned prices_used, prices_doubtful, prices_missing; /* articles */
};

/* Errors are kept in the sheet and the findings, too. */
RW_MUST_CHECK enum rw_err rw_bill_chapter(struct rw_plan *plan);

/* Whether a line has any quantity in the plan's own values, in any year. */
bool rw_bill_item_bought(const struct rw_plan *plan, const struct rw_bill_item *item);

/* Provider and region as the price list names them, from what people write ("AWS", "Azure East US",
 * "AWS北京", "本地"). False: not understood; then nothing is set. `region` may be empty: then it is
 * the provider's usual one. `*region_id` NULL: there is no such region in the tables; its words are
 * its name, and the bill tells what follows. */
bool rw_bill_place(struct rw_span provider, struct rw_span region, const char **provider_id,
                   const char **region_id);

/* The region that a provider has in a city or country ("Frankfurt": eu-central-1 of AWS). */
bool rw_bill_city(struct rw_span text, const char **provider_id, const char **region_id);

/* Whose law a place is under, by the provider's own name of the region, on premises by the city's:
 * "CN", "EU", "US"...; NULL when that tells nothing. */
const char *rw_bill_jurisdiction(const struct rw_term_site *site);

#endif
