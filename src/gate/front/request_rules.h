/* Two rules about request heads that the exchange asks in its step RECEIVE, before anything else
 * looks at the fields: names with underscores, and Max-Forwards. On the worker's thread. */
#ifndef RW_GATE_FRONT_REQUEST_RULES_H
#define RW_GATE_FRONT_REQUEST_RULES_H

#include "gate/exchange/exchange.h"

/* CGI and its successors make the same variable of X_User and X-User: a client could say what only
 * the gateway may. Drops such fields, or not, as the listener says; false: the request is refused
 * for one. */
bool rw_request_names_allowed(struct rw_exchange *x);

/* Max-Forwards of TRACE and OPTIONS (RFC 9110 section 7.6.2). ON: it has been decremented, if there
 * is one. HERE: it is 0, the gateway answers. BAD: it is no number, or there are two. */
enum rw_hops { RW_HOPS_ON, RW_HOPS_HERE, RW_HOPS_BAD, RW_HOPS_NO_MEMORY };
enum rw_hops rw_request_take_hop(struct rw_exchange *x);

#endif
