/* What chapters need of the intake besides numbers: names, tiers, shares, how it is paid.
 *
 * The intake fills it (texts live in the sheet's arena), chapters only read. Amounts are whole
 * cents of the plan's currency; an amount in another one was converted by a rate that the user
 * gave, or is missing (NaN) and told.
 */
#ifndef RW_PLAN_TERMS_H
#define RW_PLAN_TERMS_H

#include "conf/schema.h"
#include "report/label.h"

#include <stdbool.h>

enum {
    RW_TIERS_MAX = 8,
    RW_SHARES_MAX = 32,
    RW_SAVINGS_MAX = 32,
    RW_KPIS_MAX = 16,
    RW_RATES_MAX = 8,
    RW_SITES_MAX = 8,
    RW_TERM_FRAMEWORKS_MAX = 8,
    RW_TERM_PHASES_MAX = 24,
};

enum rw_payment {
    RW_PAYMENT_YEARLY, /* in advance */
    RW_PAYMENT_QUARTERLY,
    RW_PAYMENT_MONTHLY,
    RW_PAYMENT_ONCE,
};

struct rw_term_tier {
    const char *name; /* as the customer calls it, or NULL */
    double budget;    /* for the whole term; NaN: none was given */
    struct rw_conf_place place;
};

/* Of each tier's budget: "cloud resources 80 %". */
struct rw_term_share {
    const char *name;
    double weight; /* > 0; as given (80 or 0.8): only the proportions count */
    struct rw_conf_place place;
};

/* A benefit that has a cause: without one, it is not counted. */
struct rw_term_saving {
    const char *cause;  /* "support tickets handled by the portal" */
    double per_year;    /* cents */
    double low, high;   /* the range that was given; equal: none */
    bool share_of_cost; /* stated as a share of today's cost */
    double from_year;   /* first year in which it comes, from 1 */
    struct rw_conf_place place;
};

struct rw_term_kpi {
    const char *name;
    double weight;
    struct rw_conf_place place;
};

struct rw_term_rate {
    const char *currency; /* 1 of it ... */
    double rate;          /* ... is so much of the plan's currency */
    struct rw_conf_place place;
};

/* A phase of the customer's own roadmap. */
struct rw_term_phase {
    const char *name, *acceptance; /* acceptance: NULL when he said nothing */
    double low, high;              /* days; NaN: not said */
    double share;                  /* of the budget; NaN: not said */
    unsigned after;                /* the phase that it waits for, or its own place: none */
    struct rw_conf_place place;
};

/* Where the planned system is to run. The work is shared by weight; what stands by for one site
 * stands at the next. */
struct rw_term_site {
    const char *provider; /* as in data/plan/prices.yaml: "aws", "aws_cn", "azure", "onprem"; one
                             that it lacks as the customer wrote it */
    const char *region;   /* the provider's name for it; of onprem: the city */
    double weight;        /* > 0; only the proportions count */
    struct rw_conf_place place;
};

/* Machines that run there today. */
struct rw_term_fleet {
    const char *provider, *region, *shape; /* "azure", "eastus", "D8s_v3" */
    double machines;
    struct rw_conf_place place;
};

struct rw_terms {
    const char *customer, *project; /* or NULL */
    const char *file;               /* of the intake */
    const char *currency;           /* of the plan: "USD" */
    double date;                    /* of the plan, days since 1970; NaN: nobody said */
    double deadline;                /* the customer's; NaN: none */
    struct rw_term_tier tiers[RW_TIERS_MAX];
    unsigned tier_count; /* 0: the planner proposes three */
    struct rw_term_share shares[RW_SHARES_MAX];
    unsigned share_count;
    struct rw_term_saving savings[RW_SAVINGS_MAX];
    unsigned saving_count;
    struct rw_term_kpi kpis[RW_KPIS_MAX];
    unsigned kpi_count;
    struct rw_term_rate rates[RW_RATES_MAX];
    unsigned rate_count;
    struct rw_term_site sites[RW_SITES_MAX];
    struct rw_term_fleet fleets[RW_SITES_MAX];
    unsigned fleet_count;
    unsigned site_count;                             /* 0: the bill assumes one, and says so */
    struct rw_term_phase phases[RW_TERM_PHASES_MAX]; /* each after the one that it waits for */
    unsigned phase_count;                            /* 0: the planner's own are taken */
    const char *frameworks[RW_TERM_FRAMEWORKS_MAX];  /* ids of data/plan/controls.yaml */
    unsigned framework_count;
    enum rw_payment payment;
    bool payment_given;
    double support_response; /* seconds to the first answer that are wanted; NaN: nobody said */
    struct rw_conf_place support_place;
    bool subscription, one_off; /* asked for; neither: both are compared */
    bool models;                /* models are to answer: processors or providers of their own */
    bool own_firewall;          /* a web application firewall stands there already and stays */
};

#endif
