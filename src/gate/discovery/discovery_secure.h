/* TLS towards the servers of a discovery, as the configuration has it. */
#ifndef RW_GATE_DISCOVERY_DISCOVERY_SECURE_H
#define RW_GATE_DISCOVERY_DISCOVERY_SECURE_H

#include "gate/discovery/discovery_kinds.h"
#include "io/tls.h"

/* NULL without `tls`. Mistakes go to the report: RW_EINVAL. */
RW_MUST_CHECK enum rw_err rw_discovery_secure(const struct rw_config_tls_client *tls,
                                              struct rw_conf_report *report,
                                              struct rw_tls_client **client);
/* Who vouches for what servers say, for the key of a note (gate/known/known.h): what came without
 * TLS, unverified or from another authority is not taken for what is verified now. Adds nothing for
 * NULL. */
void rw_discovery_describe_trust(const struct rw_config_tls_client *tls, struct rw_text *text);
/* The name that all servers are to have, in the discovery's arena; NULL: each its address. */
RW_MUST_CHECK enum rw_err rw_discovery_secure_name(struct rw_discovery *discovery,
                                                   const struct rw_config_tls_client *tls,
                                                   const char **name);

#endif
