/* Prices: dated rows of public lists, and what the user puts over them.
 *
 * rw_prices_load reads the embedded list; rw_prices_overlay, any number of times after it, a file
 * of the user's (data/plan/README.md shows its form): own rows, which go before those of the list,
 * and discounts on the list. Then rw_prices_find gives offers. Nothing here knows exchange rates: a
 * price stays in the currency of its row, and who adds up must ask for a rate.
 *
 * A price is never guessed. Where the list has the article only for another region of the same
 * provider, the offer is a stand-in and says so; where it has none, there is none.
 * One thread; the rows live until rw_prices_free.
 */
#ifndef RW_PLAN_FACTS_PRICES_H
#define RW_PLAN_FACTS_PRICES_H

#include "conf/tree.h"
#include "plan/facts/fields.h"
#include "report/label.h"

enum {
    RW_PRICES_OVERLAYS_MAX = 8,
    RW_PRICES_BYTES_MAX = 64 << 20,
    RW_PRICE_AGE_DAYS_MAX = 366, /* older rows are to be quoted anew */
};

enum rw_price_quality { RW_PRICE_EXACT, RW_PRICE_DERIVED, RW_PRICE_APPROXIMATE, RW_PRICE_QUOTED };

struct rw_price {
    const char *id, *provider, *service, *sku, *region, *term, *unit, *currency;
    double price; /* of one unit; the text of a tier (first_10tb) is part of the sku */
    const char *quality_text, *source, *note;
    struct rw_facts_day date;
    struct rw_conf_place place;
    /* Filled in after reading. */
    enum rw_price_quality quality;
    const char *source_text; /* what the source is, for people */
    const char *file;
    bool own; /* the user's */
};

/* Percent off rows of the list; keys that are NULL match every row. */
struct rw_discount {
    const char *provider, *service, *sku, *region, *term;
    double percent; /* 0 < percent < 100 */
    const char *source;
    struct rw_facts_day date;
    struct rw_conf_place place;
    const char *file;
};

struct rw_shape {
    const char *sku;
    double vcpu, memory_gib;
    const char *source;
    struct rw_conf_place place;
};

struct rw_price_list {
    struct rw_price *rows;
    unsigned row_count;
    struct rw_discount *discounts;
    unsigned discount_count;
    struct rw_shape *shapes;
    unsigned shape_count;
    const char *file;
    struct rw_conf_tree tree;
};

struct rw_prices {
    struct rw_arena arena;
    struct rw_price_list lists[RW_PRICES_OVERLAYS_MAX + 1]; /* the latest is asked first */
    unsigned list_count;
};

struct rw_price_key {
    const char *provider, *service, *sku, *region, *term;
};

/* Why a price must be asked for again before it is signed; several may hold. */
enum rw_price_doubt {
    RW_PRICE_DOUBT_AGE = 1,         /* older than a year at the plan's date */
    RW_PRICE_DOUBT_DATE = 2,        /* nobody knows from when it is */
    RW_PRICE_DOUBT_APPROXIMATE = 4, /* secondary, or with something inferred */
    RW_PRICE_DOUBT_REGION = 8,      /* another region's stands in */
};

struct rw_price_offer {
    const struct rw_price *row;
    double price;                       /* after the discount */
    const struct rw_discount *discount; /* or NULL */
    unsigned doubts;                    /* a set of enum rw_price_doubt */
};

/* RW_EINVAL: mistakes in the report (of the embedded list: a defect that a test finds). RW_ENOMEM.
 * rw_prices_free in any case. */
RW_MUST_CHECK enum rw_err rw_prices_load(struct rw_prices *prices, struct rw_conf_report *report);
/* As rw_conf_read_file; RW_ELIMIT: more than RW_PRICES_OVERLAYS_MAX files. */
RW_MUST_CHECK enum rw_err rw_prices_overlay(struct rw_prices *prices, const char *path,
                                            struct rw_conf_report *report);
RW_MUST_CHECK enum rw_err rw_prices_overlay_text(struct rw_prices *prices, struct rw_span yaml,
                                                 const char *name, struct rw_conf_report *report);
void rw_prices_free(struct rw_prices *prices);

/* `day` is the plan's date (NaN: unknown; then no row is too old). False: no price, not even of
 * another region. A row for the region "any" is as good as one for the region. */
bool rw_prices_find(const struct rw_prices *prices, const struct rw_price_key *key, double day,
                    struct rw_price_offer *offer);

/* vCPU and memory of a machine type, from a list or from the provider's own naming
 * (c5.4xlarge: 16 of 2 GiB each). False: unknown. `*source` says from where. */
bool rw_prices_shape(const struct rw_prices *prices, const char *sku, double *vcpu,
                     double *memory_gib, const char **source);

/* "list price of 2026-07-20, exact: AWS price list API [...]; 18 % off (contract 7); another
 * region's (us-east-1) stands in": where an offer is from, for people. */
void rw_price_offer_write(const struct rw_price_offer *offer, enum rw_language language,
                          struct rw_text *text);
/* "older than a year, approximate" */
void rw_price_doubts_write(unsigned doubts, enum rw_language language, struct rw_text *text);

#endif
