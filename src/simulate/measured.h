/* Within simulate: what results of `ringway load` say about costs. */
#ifndef RW_SIMULATE_MEASURED_H
#define RW_SIMULATE_MEASURED_H

#include "simulate/model.h"

/* Within the check of the whole file: reads the results that it names (beside it), and fills in
 * what a request and the origin take. A run that does not show it is a mistake, told at its key.
 * Memory that runs out is kept in the report, too. */
void rw_simulate_take_measured(struct rw_simulate_model *model, struct rw_conf_report *report);

#endif
