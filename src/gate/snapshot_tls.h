/* Makes a listener's TLS server from its configuration. Private to gate/. */
#ifndef RW_GATE_SNAPSHOT_TLS_H
#define RW_GATE_SNAPSHOT_TLS_H

#include "gate/config/config.h"

struct rw_tls_server;
struct rw_tls_ticket_keys;

/* Mistakes (files, certificates that do not match their keys) go to the report: RW_EINVAL. */
RW_MUST_CHECK enum rw_err rw_snapshot_tls_server(const struct rw_config_listener *listener,
                                                 struct rw_tls_ticket_keys *keys,
                                                 struct rw_conf_report *report,
                                                 struct rw_tls_server **server);

#endif
