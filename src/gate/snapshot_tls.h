/* Makes what TLS needs from the configuration: a listener's server, the client of shared limits.
 */
#ifndef RW_GATE_SNAPSHOT_TLS_H
#define RW_GATE_SNAPSHOT_TLS_H

#include "gate/config/config.h"

struct rw_tls_client;
struct rw_tls_server;
struct rw_tls_ticket_keys;

/* Mistakes (files, certificates that do not match their keys) go to the report: RW_EINVAL. A
 * certificate that no client takes (expired, without names) is none, or one out of many would keep
 * the others from being served, and a worker process from being replaced: it goes to `warnings`,
 * lines as the report's; NULL: to the log. */
RW_MUST_CHECK enum rw_err rw_snapshot_tls_server(const struct rw_config_listener *listener,
                                                 struct rw_tls_ticket_keys *keys,
                                                 struct rw_conf_report *report,
                                                 struct rw_text *warnings,
                                                 struct rw_tls_server **server);

/* Without ALPN. `config` NULL: none. The same errors. */
RW_MUST_CHECK enum rw_err rw_snapshot_tls_client(const struct rw_config_tls_client *config,
                                                 struct rw_conf_report *report,
                                                 struct rw_tls_client **client);

/* After a read that found mistakes, so that all are told at once: are the files with certificates,
 * which are opened when a configuration is compiled, as they should be? */
void rw_snapshot_look_further(const struct rw_config *config, struct rw_conf_report *report);

#endif
