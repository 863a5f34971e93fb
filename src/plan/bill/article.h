/* Within plan/bill: price cells. An article asked for twice is one cell.
 */
#ifndef RW_PLAN_BILL_ARTICLE_H
#define RW_PLAN_BILL_ARTICLE_H

#include "plan/bill/bill.h"

/* What an item needs of a price: its cell (missing when there is none), and the cell of the same in
 * the plan's currency. */
struct rw_bill_price {
    bool found;
    struct rw_price_offer offer; /* when found */
    uint32_t cell, paid;
};

/* Adds the cells, or finds them; tells once what is missing. */
struct rw_bill_price rw_bill_price(struct rw_plan *plan, const struct rw_price_key *key,
                                   const char *unit);

/* "bill.machine.aws.m5.xlarge.vcpu" */
const char *rw_bill_machine_id(struct rw_plan *plan, const char *provider, const char *sku);

/* What one of the currency is in the plan's; missing, and told, when nobody gave a rate. */
uint32_t rw_bill_rate(struct rw_plan *plan, const char *currency);

/* A constant as a cell: "bill.hours_month". */
uint32_t rw_bill_constant(struct rw_plan *plan, const char *id, struct rw_label label,
                          enum rw_unit unit, double value, const char *source);

#endif
