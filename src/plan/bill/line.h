/* Within plan/bill: one site of one tier, and the lines that its parts add.
 *
 * bill.c goes through tiers and sites; for each it calls the parts (machines.c, storage.c,
 * network.c), which fill a struct rw_bill_line and hand it to rw_bill_add.
 */
#ifndef RW_PLAN_BILL_LINE_H
#define RW_PLAN_BILL_LINE_H

#include "plan/bill/bill.h"
#include "plan/bill/catalog.h"

struct rw_bill_at {
    struct rw_plan *plan;
    unsigned tier, site;
    const struct rw_term_site *place;
    char prefix[64];          /* "bill.t1.s1" */
    uint32_t weight, standby; /* shares of this site */
    uint32_t places;          /* regions of this site: two when it stands by for itself */
};

struct rw_bill_line {
    enum rw_bill_role role;
    const char *name; /* of the cells */
    struct rw_label label;
    struct rw_price_key key;
    const char *unit;
    uint32_t times; /* a month; RW_CELL_NONE: as the unit says */
    uint32_t quantity[RW_PLAN_YEARS_MAX];
};

/* A line of the role with its article's first price on demand. NULL article: the provider has none,
 * and the omission is told; then false. */
bool rw_bill_begin(struct rw_bill_at *at, enum rw_bill_role role, struct rw_bill_line *line,
                   const struct rw_bill_article **article);
void rw_bill_add(struct rw_bill_at *at, const struct rw_bill_line *line);

struct rw_price_key rw_bill_key(const struct rw_bill_at *at, const struct rw_bill_article *article,
                                const char *sku, const char *term);
/* "bill.t1.s1.ITEM.WHAT", and with ".YEAR" behind it from year 1 on. */
const char *rw_bill_id(struct rw_bill_at *at, const char *item, const char *what, unsigned year);
/* "NAME: WHAT", and ", year Y". */
struct rw_label rw_bill_label(struct rw_bill_at *at, struct rw_label name, struct rw_label what,
                              unsigned year);
/* "sizing.TIER.NAME" of that year. */
uint32_t rw_bill_size(const struct rw_bill_at *at, const char *name, unsigned year);

/* A line for each step of the article that `all` reaches (its cells, a year each); `what` is
 * counted. A step that the plan does not reach needs no price: the last one that has a price then
 * holds for whatever a draw reaches. */
void rw_bill_steps(struct rw_bill_at *at, const struct rw_bill_article *article,
                   const struct rw_bill_line *line, const uint32_t *all, struct rw_label what);

/* Once for each label and provider. `provider` NULL: wherever it runs. */
void rw_bill_omit(struct rw_plan *plan, const char *provider, struct rw_label label,
                  struct rw_label reason);

/* The parts. */
void rw_bill_machines_at(struct rw_bill_at *at);
void rw_bill_storage_at(struct rw_bill_at *at);
void rw_bill_network_at(struct rw_bill_at *at);
void rw_bill_firewall_at(struct rw_bill_at *at);
/* Of the whole plan. */
void rw_bill_today(struct rw_plan *plan);
/* After all lines of a tier, of which `first` is the first. */
void rw_bill_support(struct rw_plan *plan, unsigned tier, unsigned first);

/* GiB (or pieces, as the article is sold) of a size, in whole ones, as a line of its own. */
void rw_bill_bytes(struct rw_bill_at *at, enum rw_bill_role role, const char *size);
/* The quantity of bytes alone. RW_CELL_NONE: there is no such size. */
uint32_t rw_bill_gib_of(struct rw_bill_at *at, const struct rw_bill_line *line,
                        const struct rw_bill_article *article, const char *size, unsigned year);

/* Whether any list has a price of that provider, in that region or (NULL) at all. */
bool rw_bill_sells(const struct rw_prices *prices, const char *provider, const char *region);

/* Sites and what is told about them. */
void rw_bill_choose_sites(struct rw_plan *plan);
void rw_bill_tell(struct rw_plan *plan);

#endif
