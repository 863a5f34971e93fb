/* TLS towards the servers of a discovery, as the configuration has it. */
#ifndef RW_GATE_DISCOVERY_DISCOVERY_SECURE_H
#define RW_GATE_DISCOVERY_DISCOVERY_SECURE_H

#include "gate/discovery/discovery.h"
#include "gate/discovery/feed.h"
#include "io/tls.h"

/* Fills options->tls and tls_name; without `tls` nothing. Mistakes go to the report: RW_EINVAL. */
RW_MUST_CHECK enum rw_err rw_discovery_secure(struct rw_discovery *discovery,
                                              const struct rw_config_tls_client *tls,
                                              struct rw_conf_report *report,
                                              struct rw_feed_options *options);

#endif
