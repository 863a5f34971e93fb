/* Within intake: the curve of a day, of a result of `ringway simulate`: how far its busiest time is
 * above its mean, and how fast the load rises. Both decide how much of a fleet is idle. */
#ifndef RW_PLAN_INTAKE_MEASURED_DAY_H
#define RW_PLAN_INTAKE_MEASURED_DAY_H

#include "conf/tree.h"
#include "report/label.h"

struct rw_measured_day {
    double busiest, mean; /* requests a second; `busiest` 0: there is no day */
    double rise;          /* of the busiest, gained in a second, at most */
    double hours;
};

bool rw_measured_is_day(const struct rw_conf_node *root);
/* Why it says nothing of a day; empty: it does. */
struct rw_label rw_measured_day(const struct rw_conf_node *root, struct rw_measured_day *day);

/* NaN: there is no number at this key. */
double rw_measured_number(const struct rw_conf_node *map, const char *key);

#endif
