/* Within intake: what load tests of the customer's system say about how it scales.
 *
 * Each row of `measurements` names a number of nodes and the JSON that `ringway load --out` wrote
 * of a run against so many. The Universal Scalability Law is fitted to them: its contention and
 * coherency become inputs of the plan, and the CPU time of a request follows from what one node
 * does at most. A row without a number of nodes is a verdict of `ringway verify`: the requests that
 * its gateway served for a second of processor time become an input, too; or a day of `ringway
 * simulate`: how far its peak is above the mean, and how fast it rises. What the intake states
 * itself stays as it is; where it says `measured: FILE.json` behind a value, that file is there and
 * a result of this program.
 */
#ifndef RW_PLAN_INTAKE_MEASURED_H
#define RW_PLAN_INTAKE_MEASURED_H

#include "plan/intake/intake.h"

/* Files are looked for beside the intake. A run that does not show what the system can do is a
 * mistake, told in `report` at its row: a generator that was the bottleneck, answers that failed,
 * an open loop that kept its rate (it shows what was asked, not what there was), too few points.
 * Memory that runs out is kept in the report, too. */
void rw_intake_bind_measured(struct rw_intake *intake, struct rw_input_value values[RW_INPUT_END],
                             struct rw_conf_report *report);

#endif
