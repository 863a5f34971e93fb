/* Within gate: the tables of config_*.c and the checks that go over more than one record
 * (config_check.c).
 */
#ifndef RW_GATE_CONFIG_CONFIG_TABLES_H
#define RW_GATE_CONFIG_CONFIG_TABLES_H

#include "gate/config/config.h"

/* config_listener.c */
extern const struct rw_conf_record rw_config_listener_record;

/* config_http2.c */
extern const struct rw_conf_record rw_config_http2_record;

/* config_route.c */
extern const struct rw_conf_record rw_config_route_record;
extern const struct rw_conf_record rw_config_policy_record;
extern const struct rw_conf_record rw_config_policy_use_record;

/* config_tcp.c */
extern const struct rw_conf_record rw_config_tcp_route_record;

/* config_upstream.c */
extern const struct rw_conf_record rw_config_hash_record;
extern const struct rw_conf_record rw_config_upstream_record;

/* config_health.c */
extern const struct rw_conf_record rw_config_health_record;
extern const struct rw_conf_record rw_config_passive_health_record;

/* config_connections.c */
extern const struct rw_conf_record rw_config_connections_record;
extern const struct rw_conf_record rw_config_upstream_http2_record;
extern const struct rw_conf_record rw_config_tls_client_record;

/* config_locality.c */
extern const struct rw_conf_record rw_config_endpoint_record;
extern const struct rw_conf_record rw_config_locality_record;
extern const struct rw_conf_record rw_config_upstream_locality_record;

/* config_path.c */
extern const struct rw_conf_record rw_config_upstream_tcp_record;
extern const struct rw_conf_record rw_config_line_record;
void rw_config_check_paths(struct rw_config_upstream *upstream, struct rw_conf_report *report);

/* config_discovery.c */
extern const struct rw_conf_record rw_config_discovery_record;

/* config_hedging.c */
extern const struct rw_conf_record rw_config_hedging_record;

/* config_traffic.c */
extern const struct rw_conf_record rw_config_retries_record;
extern const struct rw_conf_record rw_config_overload_record;
extern const struct rw_conf_record rw_config_route_overload_record;

/* config_watch.c */
extern const struct rw_conf_record rw_config_access_log_record;
extern const struct rw_conf_record rw_config_error_log_record;
extern const struct rw_conf_record rw_config_metrics_record;
extern const struct rw_conf_record rw_config_admin_record;
extern const struct rw_conf_record rw_config_dns_record;

/* config_identity.c */
extern const struct rw_conf_record rw_config_consumer_record;
extern const struct rw_conf_record rw_config_identity_record;

/* config_rate_limits.c */
extern const struct rw_conf_record rw_config_rate_limits_record;
/* A server that is asked has an address or a name; "srv:" is for endpoints of upstreams. */
void rw_config_check_remote(struct rw_conf_report *report, const struct rw_span *address);

/* What rw_config_register was told. */
extern const struct rw_conf_variant_kind *const *rw_config_actions;
extern const struct rw_conf_variant_kind *const *rw_config_policies;

/* The checks of the whole (struct rw_config *): names what has no name, then looks for names that
 * nobody has. */
void rw_config_check(void *value, struct rw_conf_report *report);

/* Checks of one record, each for its struct. */
void rw_config_check_tls_server(void *value, struct rw_conf_report *report);
void rw_config_check_tls_client(void *value, struct rw_conf_report *report);
void rw_config_check_limits(void *value, struct rw_conf_report *report);
void rw_config_check_http2(void *value, struct rw_conf_report *report);
void rw_config_check_listener(void *value, struct rw_conf_report *report);
void rw_config_check_policy_use(void *value, struct rw_conf_report *report);
void rw_config_check_tcp_match(void *value, struct rw_conf_report *report);
void rw_config_check_match(void *value, struct rw_conf_report *report);
void rw_config_check_health(void *value, struct rw_conf_report *report);
void rw_config_check_upstream_http2(void *value, struct rw_conf_report *report);
void rw_config_check_hash(struct rw_config_hash *hash, struct rw_conf_report *report);
void rw_config_check_route_timeouts(void *value, struct rw_conf_report *report);
void rw_config_check_overload(void *value, struct rw_conf_report *report);
void rw_config_check_route_overload(void *value, struct rw_conf_report *report);
void rw_config_check_retries(void *value, struct rw_conf_report *report);
void rw_config_check_upstream(void *value, struct rw_conf_report *report);
void rw_config_check_admin(void *value, struct rw_conf_report *report);
void rw_config_check_dns(void *value, struct rw_conf_report *report);

#endif
