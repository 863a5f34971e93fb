/* The client of `ringway explain --client`: an exchange that is only thought of. */
#ifndef RW_CLI_EXPLAIN_CLIENT_H
#define RW_CLI_EXPLAIN_CLIENT_H

#include "gate/exchange/exchange.h"

/* The request as it would come from `peer` to that listener, on that route, with the client found
 * as the gateway finds it; all that is given lives longer. NULL: out of memory. */
struct rw_exchange *rw_explain_client_create(struct rw_snapshot *snapshot, unsigned listener,
                                             int route, const struct rw_message *request,
                                             const struct rw_route_params *params,
                                             const struct sockaddr *peer);
/* NULL is fine. */
void rw_explain_client_destroy(struct rw_exchange *x);

/* Who it is, and who says so. */
void rw_explain_client_print(const struct rw_exchange *x, struct rw_text *text);

#endif
