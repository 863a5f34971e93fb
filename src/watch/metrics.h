/* Metrics: counted by each thread in its own cells, read by whoever scrapes.
 *
 * The memory is one shared mapping made before the worker processes are forked: a process that dies keeps what it
 * counted, and one scrape sees all processes. A thread owns a shard; adding to a cell is a plain increment
 * (a relaxed atomic store), never a lock. Labelled series are registered on the control thread at config compile time, by name, up to a
 * cap; past it everything goes to the series "_other", so that no input can blow up the table.
 * Names follow Prometheus conventions (base units, _total, _seconds).
 */
#ifndef RW_WATCH_METRICS_H
#define RW_WATCH_METRICS_H

#include "base/err.h"
#include "base/span.h"
#include "base/text.h"

#include <stdint.h>

/* Upper bounds of the latency histogram, in microseconds (exposed in seconds), +Inf comes last. */
#define RW_LATENCY_BOUNDS_US(X)                                                                    \
    X(100) X(250) X(500) X(1000) X(2500) X(5000) X(10000) X(25000) X(50000) X(100000) X(250000)    \
    X(500000) X(1000000) X(2500000) X(5000000) X(10000000) X(30000000)

enum { RW_LATENCY_BUCKETS = 18, RW_SERIES_LABEL_MAX = 63 };

/* One labelled series of a route or of an upstream endpoint, per shard: 4 cache lines. */
struct rw_series_cell {
    uint64_t status[6];  /* requests by status class; [0]: no response was sent or received (aborted) */
    uint64_t bytes_in;   /* body bytes of requests */
    uint64_t bytes_out;  /* body bytes of responses */
    uint64_t duration_sum_us;
    uint64_t buckets[RW_LATENCY_BUCKETS]; /* not cumulative */
    uint64_t failures;   /* upstream: connect errors, resets, timeouts */
    uint64_t spare[4];
};

/* Process-wide counters: name, help. All are counters but those marked GAUGE (sum over shards; may go down). */
#define RW_COUNTERS(X)                                                                             \
    X(CONNECTIONS_ACCEPTED, "ringway_connections_accepted_total", COUNTER, "Client connections accepted") \
    X(CONNECTIONS_OPEN, "ringway_connections_open", GAUGE, "Client connections open now") \
    X(CONNECTIONS_REFUSED, "ringway_connections_refused_total", COUNTER, "Client connections closed at once because a limit was reached") \
    X(REQUESTS_ACTIVE, "ringway_requests_active", GAUGE, "Requests being served now") \
    X(REQUESTS_MALFORMED, "ringway_requests_malformed_total", COUNTER, "Requests refused by the parser") \
    X(CLIENT_TIMEOUTS, "ringway_client_timeouts_total", COUNTER, "Client connections closed by a timeout") \
    X(TLS_HANDSHAKES, "ringway_tls_handshakes_total", COUNTER, "TLS handshakes with clients that succeeded") \
    X(TLS_FAILURES, "ringway_tls_handshake_failures_total", COUNTER, "TLS handshakes with clients that failed") \
    X(UPSTREAM_CONNECTS, "ringway_upstream_connects_total", COUNTER, "Connections to endpoints opened") \
    X(UPSTREAM_CONNECT_FAILURES, "ringway_upstream_connect_failures_total", COUNTER, "Connections to endpoints that failed") \
    X(UPSTREAM_OPEN, "ringway_upstream_connections_open", GAUGE, "Connections to endpoints open now") \
    X(UPSTREAM_REUSED, "ringway_upstream_connections_reused_total", COUNTER, "Requests sent over a kept connection") \
    X(UPSTREAM_RETRIES, "ringway_upstream_retries_total", COUNTER, "Requests repeated because a kept connection had gone") \
    X(LOG_LINES_DROPPED, "ringway_access_log_dropped_total", COUNTER, "Access log lines lost because the writer could not keep up") \
    X(RELOADS, "ringway_config_reloads_total", COUNTER, "Configurations put into force") \
    X(RELOAD_FAILURES, "ringway_config_reload_failures_total", COUNTER, "Configurations refused at reload")

enum rw_counter {
#define RW_COUNTER_ENUM(id, name, kind, help) RW_COUNTER_##id,
    RW_COUNTERS(RW_COUNTER_ENUM)
#undef RW_COUNTER_ENUM
        RW_COUNTER_COUNT
};

enum rw_series_kind { RW_SERIES_ROUTE, RW_SERIES_ENDPOINT, RW_SERIES_KINDS };

struct rw_metrics;
struct rw_metrics_shard; /* one thread's cells */

/* `shards`: threads of all processes together. Pages are touched only when used. The mapping is MAP_SHARED | MAP_ANONYMOUS: create
 * it before forking. */
RW_MUST_CHECK enum rw_err rw_metrics_create(unsigned shards, unsigned series_max, struct rw_metrics **metrics);
void rw_metrics_destroy(struct rw_metrics *metrics);

/* Shard `index` belongs to one thread from now on (of a restarted process too: it counts on). A gauge's share of a dead owner is
 * set to zero. */
struct rw_metrics_shard *rw_metrics_shard(struct rw_metrics *metrics, unsigned index);

/* Finds or registers the series with this label; the number is valid in every shard and process. Control threads only; safe against
 * other processes doing the same (robust shared mutex). Labels: route name, or upstream name and endpoint address. Full: the number of "_other". */
unsigned rw_metrics_series(struct rw_metrics *metrics, enum rw_series_kind kind, struct rw_span name,
                           struct rw_span detail);

/* Hot path. */
void rw_metrics_count(struct rw_metrics_shard *shard, enum rw_counter counter, int64_t amount);
struct rw_series_cell *rw_metrics_cell(struct rw_metrics_shard *shard, unsigned series);
unsigned rw_metrics_bucket(uint64_t duration_us);

/* Prometheus text exposition, format 0.0.4, of all shards. Series that never counted are left out. */
void rw_metrics_expose(const struct rw_metrics *metrics, struct rw_text *text);
/* Extra gauges the caller appends itself in the same format (upstream health, memory...). */
void rw_metrics_expose_gauge(struct rw_text *text, const char *name, const char *help, double value);

/* Sums over shards, for the admin API and tests. */
int64_t rw_metrics_total(const struct rw_metrics *metrics, enum rw_counter counter);

#endif
