/* The inputs of a plan: the cells that exist whatever the customer wrote, and on which the other
 * chapters build. One table (inputs.c) has for each its id, label, unit, what is assumed when
 * nobody says (with the reason and a range), or, when nothing can be assumed, what its absence
 * changes.
 *
 * The intake reads what was given into an array of struct rw_input_value, and calls rw_inputs_add
 * once, before any chapter. Afterwards plan->inputs[RW_INPUT_USERS] is the cell's number.
 */
#ifndef RW_PLAN_INPUTS_H
#define RW_PLAN_INPUTS_H

#include "plan/sheet.h"

enum rw_input {
    /* Load. */
    RW_INPUT_USERS,               /* registered */
    RW_INPUT_ACTIVE_SHARE,        /* of them, at the busiest time */
    RW_INPUT_CONCURRENT_USERS,    /* active at the busiest time */
    RW_INPUT_CONCURRENT_REQUESTS, /* in the system at the same moment */
    RW_INPUT_THINK_TIME,
    RW_INPUT_PEAK_RATE,
    RW_INPUT_TRANSACTIONS_PER_DAY,
    RW_INPUT_REQUESTS_PER_TRANSACTION,
    RW_INPUT_PEAK_FACTOR,       /* busiest second over the day's mean */
    RW_INPUT_GROWTH,            /* a year */
    RW_INPUT_SERVICE_TIME,      /* CPU of the application, for one request on one core */
    RW_INPUT_SERVICE_VARIATION, /* squared coefficient of variation of that */
    RW_INPUT_CONTENTION,        /* sigma of the Universal Scalability Law */
    RW_INPUT_COHERENCY,         /* kappa */
    RW_INPUT_NODE_CORES,        /* of an application node */
    RW_INPUT_LOAD_RISE,         /* fastest growth of load, share a second */
    RW_INPUT_SCALE_OUT_TIME,
    RW_INPUT_REQUEST_BYTES,
    RW_INPUT_RESPONSE_BYTES,
    RW_INPUT_CACHE_HIT_SHARE,
    RW_INPUT_COMPRESSION_TRAFFIC, /* size before over size after */
    RW_INPUT_EGRESS_SHARE,        /* of answers, leaves the provider's network */
    RW_INPUT_INSPECTED_SHARE,     /* of requests, looked into by a web application firewall */
    RW_INPUT_QUERIES_PER_REQUEST,
    RW_INPUT_QUERY_TIME,
    RW_INPUT_GATEWAY_RATE,       /* requests a second of one core, TLS */
    RW_INPUT_GATEWAY_CONNECTION, /* bytes of an idle TLS connection */
    RW_INPUT_GATEWAY_BASE,       /* bytes of the program itself */
    RW_INPUT_FAN_OUT,            /* calls that one request waits for */
    RW_INPUT_DISTANCE,           /* between the furthest users or sites and the system */
    RW_INPUT_ROUND_TRIPS,        /* of one operation over that distance */
    /* Promises. */
    RW_INPUT_LATENCY,            /* the target */
    RW_INPUT_LATENCY_PERCENTILE, /* that it is for */
    RW_INPUT_AVAILABILITY,       /* the target */
    RW_INPUT_DOWNTIME_ALLOWED,
    RW_INPUT_RECOVERY_TIME,
    RW_INPUT_RECOVERY_POINT,
    RW_INPUT_INCIDENTS_PER_YEAR,
    RW_INPUT_INCIDENT_TIME,
    RW_INPUT_REGION_OUTAGE,     /* how long it lasts when there is one */
    RW_INPUT_NODE_AVAILABILITY, /* of one machine */
    RW_INPUT_ZONE_AVAILABILITY,
    RW_INPUT_REGION_AVAILABILITY,
    RW_INPUT_DATABASE_AVAILABILITY, /* spread over zones */
    RW_INPUT_NETWORK_AVAILABILITY,  /* load balancer, DNS, links */
    /* Data. */
    RW_INPUT_DATA_PER_DAY,
    RW_INPUT_DATA_STORED, /* today */
    RW_INPUT_RETENTION,
    RW_INPUT_RETENTION_HOT, /* days on fast disks */
    RW_INPUT_REPLICAS,
    RW_INPUT_STORAGE_OVERHEAD,
    RW_INPUT_COMPRESSION_DATA,
    RW_INPUT_BACKUP_FULLS,  /* full copies kept */
    RW_INPUT_BACKUP_CHANGE, /* share that changes a day */
    RW_INPUT_BACKUP_DAYS,
    RW_INPUT_MOVE_TIME, /* in which what exists is copied */
    RW_INPUT_LINK_UTILIZATION,
    /* Money. Amounts are in the plan's currency. */
    RW_INPUT_BUDGET_TOTAL,
    RW_INPUT_BUDGET_PER_YEAR,
    RW_INPUT_BUDGET_INITIAL,
    RW_INPUT_BUILD,         /* building and moving, once */
    RW_INPUT_BUILD_SHARE,   /* the same, as a share of a year's resources */
    RW_INPUT_OPERATE_SHARE, /* people who run it, share of the resources */
    RW_INPUT_TERM,          /* of the subscription */
    RW_INPUT_HORIZON,       /* of the comparison */
    RW_INPUT_DISCOUNT_RATE,
    RW_INPUT_FEE_RISE,        /* at each annual review, at most */
    RW_INPUT_RENEWAL_RISE,    /* after the term */
    RW_INPUT_ONE_OFF_SHARE,   /* price of a one-off purchase, share of the term's fees */
    RW_INPUT_UPKEEP,          /* of a one-off purchase, share of the price a year */
    RW_INPUT_RESIDUAL,        /* at the horizon, share of the price */
    RW_INPUT_KPI_SHARE,       /* of a payment, at stake each quarter */
    RW_INPUT_KPI_CHANCE,      /* that a quarter's goals are met */
    RW_INPUT_COST_NOW,        /* a year, of what the plan replaces */
    RW_INPUT_LOSS_PER_MINUTE, /* of downtime */
    RW_INPUT_DOWNTIME_NOW,    /* a quarter */
    RW_INPUT_RUN_PARALLEL,    /* both systems, at a migration */
    RW_INPUT_GOAL_SAVING,     /* what the customer wants to save, share of COST_NOW */
    RW_INPUT_GOAL_ROI,
    RW_INPUT_END
};

/* What the intake found for one input. `present` false: nothing. */
struct rw_input_value {
    bool present;
    double value; /* in the unit of the table; MONEY in cents of the plan's currency */
    enum rw_origin_kind origin; /* GIVEN, ASSUMED or MEASURED */
    struct rw_label reason;     /* of ASSUMED */
    const char *source;         /* of MEASURED */
    const char *file;
    struct rw_conf_place place;
    struct rw_spread spread; /* NONE: as in the table, scaled to the value */
};

struct rw_input_entry {
    const char *id;
    struct rw_label label;
    enum rw_unit unit;
    double assumed;   /* NaN: nothing can be assumed */
    double low, high; /* of the range, as factors of the value; 0, 0: certain */
    enum rw_spread_shape shape;
    enum rw_origin_kind origin; /* of `assumed`: ASSUMED or MEASURED */
    struct rw_label reason;     /* of `assumed`; else what the absence changes */
    const char *source;
};

const struct rw_input_entry *rw_input_entry(enum rw_input input);

/* Adds all of them in order; `cells` gets their numbers. Errors are kept in the sheet. */
void rw_inputs_add(struct rw_sheet *sheet, const struct rw_input_value values[RW_INPUT_END],
                   uint32_t cells[RW_INPUT_END]);

#endif
