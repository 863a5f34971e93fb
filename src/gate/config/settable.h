/* Which fields a configuration may set or remove: one answer for every origin and policy.
 *
 * Fields that frame or route a message, or that belong to one connection, are the gateway's own: a
 * second opinion about them is how requests are smuggled (RFC 9112 section 11.2). Called by the
 * checks of configuration records; control thread.
 */
#ifndef RW_GATE_CONFIG_SETTABLE_H
#define RW_GATE_CONFIG_SETTABLE_H

#include "conf/read.h"
#include "conf/schema.h"

enum rw_settable { RW_SETTABLE_REQUEST, RW_SETTABLE_RESPONSE };

/* NULL: it may be set. Else a static text that says why not and what to use instead. */
const char *rw_settable_flaw(struct rw_span name, enum rw_settable where);

/* Every name of a MAP (struct rw_conf_pair) or LIST (struct rw_span) of names; mistakes go to the
 * report. For a map the values too, each as a field value. */
void rw_settable_check_pairs(struct rw_conf_report *report, const struct rw_conf_list *pairs,
                             enum rw_settable where);
void rw_settable_check_names(struct rw_conf_report *report, const struct rw_conf_list *names,
                             enum rw_settable where);

#endif
