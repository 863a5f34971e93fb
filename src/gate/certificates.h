/* Which certificates a configuration shows to its clients and its upstreams, and when each of them
 * ends: for metrics and the admin API. Control thread. */
#ifndef RW_GATE_CERTIFICATES_H
#define RW_GATE_CERTIFICATES_H

#include "base/text.h"

struct rw_snapshot;

/* Series, however many certificates there are: of those that end first. */
enum { RW_CERTIFICATES_SERIES_MAX = 100 };

/* Prometheus text format: ringway_certificate_not_after_timestamp_seconds, ringway_certificates. */
void rw_certificates_expose(const struct rw_snapshot *snapshot, struct rw_text *text);
/* A JSON object: how many, and the one that ends first. */
void rw_certificates_describe(const struct rw_snapshot *snapshot, struct rw_text *json);

#endif
