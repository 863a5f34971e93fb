/* Within plan/bill: the formulas of line items, a column at a time (plan/formula.h).
 */
#ifndef RW_PLAN_BILL_FORMULAS_H
#define RW_PLAN_BILL_FORMULAS_H

#include "plan/bill/catalog.h"
#include "plan/formula.h"

/* weight, nodes, weight of standby, nodes standing by: whole nodes at this site. */
extern const struct rw_formula rw_bill_nodes_here;
/* nodes, cores of a node, vCPU of a machine. */
extern const struct rw_formula rw_bill_machines;
/* machines, peak over mean: those that are always needed. */
extern const struct rw_formula rw_bill_base;
/* weight, bytes: GiB, of which prices are. And in pieces of {2} GiB. */
extern const struct rw_formula rw_bill_gib;
extern const struct rw_formula rw_bill_pieces;
/* price committed, price on demand. */
extern const struct rw_formula rw_bill_breakeven;
/* A month's item: 100 x all inputs. A year's: twelve of {0}. */
extern const struct rw_formula rw_bill_year;

/* GiB, exchange rate, price of each step: the formula of the provider's steps. NULL: it has none.
 */
const struct rw_formula *rw_bill_steps(const char *provider);

#endif
