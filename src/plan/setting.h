/* What-ifs as people write them: "intake.load.think_time=20s", "sizing.t1.zones=3",
 * "intake.money.discount_rate=10%".
 *
 * A plain number is in the cell's own unit (money in units of the currency, not cents); with a unit
 * it is converted as in an intake. Which cells there are is only known when the plan is made:
 * rw_settings_check tells afterwards which settings named none.
 */
#ifndef RW_PLAN_SETTING_H
#define RW_PLAN_SETTING_H

#include "conf/read.h"
#include "plan/sheet.h"

/* RW_EINVAL: told in the report. */
RW_MUST_CHECK enum rw_err rw_setting_apply(struct rw_sheet *sheet, const char *setting,
                                           struct rw_conf_report *report);

/* RW_EINVAL: a setting named no cell, told with the nearest id. */
RW_MUST_CHECK enum rw_err rw_settings_check(const struct rw_sheet *sheet,
                                            struct rw_conf_report *report);

#endif
