/* Within plan/bill: the formulas of line items, a column at a time (plan/formula.h).
 */
#ifndef RW_PLAN_BILL_FORMULAS_H
#define RW_PLAN_BILL_FORMULAS_H

#include "plan/bill/catalog.h"
#include "plan/formula.h"

/* weight, nodes, weight of standby, nodes standing by: whole nodes at this site. */
extern const struct rw_formula rw_bill_nodes_here;
/* nodes, cores of a node, vCPU of a machine, machines that the nodes are spread over at least. */
extern const struct rw_formula rw_bill_machines;
/* machines, peak over mean: those that are always needed. */
extern const struct rw_formula rw_bill_base;
/* weight, bytes, GiB of a piece, how often a byte is charged: whole pieces. */
extern const struct rw_formula rw_bill_pieces;
/* GiB, where a step begins, where it ends: what of them is in the step. */
extern const struct rw_formula rw_bill_step;
/* requests a month, share inspected, weight: whole millions. */
extern const struct rw_formula rw_bill_millions;
/* weight, connections, requests a month, share inspected: whole capacity units of a firewall, each
 * for 2,500 connections or 10 requests a second, whichever needs more. */
extern const struct rw_formula rw_bill_firewall_units;
/* cents a month, rate of the plan's currency for one dollar, least: whole dollars. */
extern const struct rw_formula rw_bill_spent;
/* weight, bytes a month, open connections, connections of a unit: whole capacity units. */
extern const struct rw_formula rw_bill_units;
/* price committed, price on demand. */
extern const struct rw_formula rw_bill_breakeven;
/* share of the hours: whole hours a month. */
extern const struct rw_formula rw_bill_hours;
/* price, exchange rate: to a millionth, as it is shown. */
extern const struct rw_formula rw_bill_paid;

#endif
