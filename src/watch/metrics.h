/* Metrics: counted by each thread in its own cells, read by whoever scrapes.
 *
 * The memory is one shared mapping made before the worker processes are forked: a process that dies
 * keeps what it counted, and one scrape sees all processes. A thread owns a shard; adding to a cell
 * is a relaxed load and store, never a lock and never a locked instruction. Labelled series are
 * registered on the control thread at config compile time, by name, up to a cap; past it everything
 * goes to the series "_other", so that no input can blow up the table.
 * Names follow Prometheus conventions (base units, _total, _seconds).
 *
 * In order: the supervisor calls rw_metrics_create, then forks; every thread takes its shard once
 * (rw_metrics_shard); control threads number series (rw_metrics_series) and store the numbers in
 * the config snapshot; workers count; the admin listener calls rw_metrics_expose.
 */
#ifndef RW_WATCH_METRICS_H
#define RW_WATCH_METRICS_H

#include "base/err.h"
#include "base/span.h"
#include "base/text.h"
#include "http/h2.h"

#include <stdint.h>

/* Upper bounds (inclusive) of the latency histogram, in microseconds (exposed in seconds); +Inf
 * comes last. No two between a power of two and the next: rw_metrics_bucket rests on that. */
/* clang-format off */
#define RW_LATENCY_BOUNDS_US(X)                                                                    \
    X(100) X(250) X(500) X(1000) X(2500) X(5000) X(10000) X(25000) X(50000) X(100000) X(250000)    \
    X(500000) X(1000000) X(2500000) X(5000000) X(10000000) X(30000000)
/* clang-format on */

enum {
    RW_LATENCY_BUCKETS = 18,
    RW_SERIES_LABEL_MAX = 63, /* bytes of a label; a longer one ends in ~ and a hash of the whole */
    RW_METRICS_SHARDS_MAX = 4096,
    RW_METRICS_SERIES_MAX = 1 << 20
};

/* One labelled series of a route or of an upstream endpoint, per shard: 4 cache lines. */
struct rw_series_cell {
    /* Requests by status class; [0]: no response was sent or received (aborted). */
    _Alignas(64) uint64_t status[6];
    uint64_t bytes_in;  /* body bytes of requests */
    uint64_t bytes_out; /* body bytes of responses */
    uint64_t duration_sum_us;
    uint64_t buckets[RW_LATENCY_BUCKETS]; /* not cumulative */
    uint64_t failures; /* upstream: connect errors, resets, timeouts; of a version: what
                          its release counts as errors */
    uint64_t spare[4];
};
_Static_assert(sizeof(struct rw_series_cell) == 256, "a cell fills its cache lines");

/* Process-wide counters: name, help. All are counters but those marked GAUGE (sum over shards; may
 * go down). */
/* clang-format off */
#define RW_COUNTERS(X)                                                                             \
    X(CONNECTIONS_ACCEPTED, "ringway_connections_accepted_total", COUNTER, "Client connections accepted") \
    X(CONNECTIONS_OPEN, "ringway_connections_open", GAUGE, "Client connections open now") \
    X(CONNECTIONS_REFUSED, "ringway_connections_refused_total", COUNTER, "Client connections closed at once because a limit was reached") \
    X(CONNECTIONS_EVICTED, "ringway_connections_evicted_total", COUNTER, "Idle client connections closed to make room for new ones") \
    X(REQUESTS_ACTIVE, "ringway_requests_active", GAUGE, "Requests being served now") \
    X(TUNNELS_OPEN, "ringway_tunnels_open", GAUGE, "WebSockets and other tunnels open now; each is a request being served, too") \
    X(WEBSOCKETS_OPEN, "ringway_websockets_open", GAUGE, "WebSockets whose frames are watched, open now") \
    X(WEBSOCKET_MESSAGES_IN, "ringway_websocket_messages_in_total", COUNTER, "Messages begun by clients") \
    X(WEBSOCKET_MESSAGES_OUT, "ringway_websocket_messages_out_total", COUNTER, "Messages begun by origins") \
    X(WEBSOCKET_CLOSES_NORMAL, "ringway_websocket_closes_normal_total", COUNTER, "WebSockets that ended with the code 1000, or with a Close frame without a code") \
    X(WEBSOCKET_CLOSES_GOING_AWAY, "ringway_websocket_closes_going_away_total", COUNTER, "WebSockets that ended with the code 1001") \
    X(WEBSOCKET_CLOSES_PROTOCOL_ERROR, "ringway_websocket_closes_protocol_error_total", COUNTER, "WebSockets that ended with the code 1002") \
    X(WEBSOCKET_CLOSES_TOO_BIG, "ringway_websocket_closes_too_big_total", COUNTER, "WebSockets that ended with the code 1009") \
    X(WEBSOCKET_CLOSES_OTHER, "ringway_websocket_closes_other_total", COUNTER, "WebSockets that ended with another code") \
    X(WEBSOCKET_CLOSES_ABNORMAL, "ringway_websocket_closes_abnormal_total", COUNTER, "WebSockets that ended without a Close frame") \
    X(REQUESTS_MALFORMED, "ringway_requests_malformed_total", COUNTER, "Requests refused by the parser") \
    X(FIELDS_DROPPED, "ringway_request_fields_dropped_total", COUNTER, "Request fields dropped because of an underscore in the name") \
    X(CLIENT_TIMEOUTS, "ringway_client_timeouts_total", COUNTER, "Client connections closed by a timeout") \
    X(PROXY_REFUSED, "ringway_proxy_protocol_refused_total", COUNTER, "Connections refused for a missing, wrong or untrusted PROXY header") \
    X(TLS_HANDSHAKES, "ringway_tls_handshakes_total", COUNTER, "TLS handshakes with clients that succeeded") \
    X(TLS_FAILURES, "ringway_tls_handshake_failures_total", COUNTER, "TLS handshakes with clients that failed") \
    X(HTTP2_CONNECTIONS, "ringway_http2_connections_total", COUNTER, "Client connections that spoke HTTP/2") \
    X(HTTP2_OPEN, "ringway_http2_connections_open", GAUGE, "Client connections open now that speak HTTP/2") \
    X(HTTP2_STREAMS, "ringway_http2_streams_total", COUNTER, "Requests that came over HTTP/2, refused ones too") \
    X(HTTP2_RESETS_RECEIVED, "ringway_http2_resets_received_total", COUNTER, "Streams that ended before their time by the client, or by its errors") \
    X(HTTP2_RESETS_SENT, "ringway_http2_resets_sent_total", COUNTER, "Streams that the gateway cut") \
    X(HTTP2_REFUSED, "ringway_http2_streams_refused_total", COUNTER, "Streams refused: above http2.streams, or no memory for them") \
    X(HTTP2_STALLED, "ringway_http2_streams_stalled_total", COUNTER, "Streams cut because the client gave no window for them for timeouts.send_idle") \
    X(HTTP2_GOAWAYS, "ringway_http2_goaways_sent_total", COUNTER, "Client connections that were asked to end: drain, reload, requests per connection") \
    X(HTTP2_ERRORS, "ringway_http2_connection_errors_total", COUNTER, "Client connections that ended by an error of HTTP/2, floods among them") \
    X(HTTP2_FLOODERS_REFUSED, "ringway_http2_flooders_refused_total", COUNTER, "Client connections closed as they were accepted, for too many floods from their address") \
    X(UPSTREAM_CONNECTS, "ringway_upstream_connects_total", COUNTER, "Connections to endpoints opened") \
    X(UPSTREAM_CONNECT_FAILURES, "ringway_upstream_connect_failures_total", COUNTER, "Connections to endpoints that failed") \
    X(UPSTREAM_OPEN, "ringway_upstream_connections_open", GAUGE, "Connections to endpoints open now") \
    X(UPSTREAM_REUSED, "ringway_upstream_connections_reused_total", COUNTER, "Requests sent over a kept connection") \
    X(UPSTREAM_RETRIES, "ringway_upstream_retries_total", COUNTER, "Requests sent to an endpoint again") \
    X(UPSTREAM_RETRIES_CONNECT, "ringway_upstream_retries_connect_total", COUNTER, "... of these because there was no connection, or the request was refused unseen") \
    X(UPSTREAM_RETRIES_RESET, "ringway_upstream_retries_reset_total", COUNTER, "... of these because the connection had ended before the response") \
    X(UPSTREAM_RETRIES_TIMEOUT, "ringway_upstream_retries_timeout_total", COUNTER, "... of these because no response had come in time") \
    X(UPSTREAM_RETRIES_STATUS, "ringway_upstream_retries_status_total", COUNTER, "... of these because of the status") \
    X(UPSTREAM_RETRIES_DENIED, "ringway_upstream_retries_denied_total", COUNTER, "Requests not sent again because the budget was used up") \
    X(UPSTREAM_MOVES, "ringway_upstream_moves_total", COUNTER, "Requests sent over another connection because theirs was ended by its endpoint, which had not looked at them (HTTP/2: GOAWAY)") \
    X(UPSTREAM_HEDGES, "ringway_upstream_hedges_total", COUNTER, "Reads that took long and were asked of a second endpoint") \
    X(UPSTREAM_HEDGES_WON, "ringway_upstream_hedges_won_total", COUNTER, "... of these those that the second endpoint answered") \
    X(UPSTREAM_HEDGES_DENIED, "ringway_upstream_hedges_denied_total", COUNTER, "Reads that took long and were not asked of another endpoint because the budget was used up") \
    X(UPSTREAM_EJECTIONS, "ringway_upstream_ejections_total", COUNTER, "Times that an endpoint was put out because of what became of its requests") \
    X(OVERLOAD_QUEUED, "ringway_overload_queued_total", COUNTER, "Requests that found their upstream at its limit") \
    X(OVERLOAD_REFUSED, "ringway_overload_refused_total", COUNTER, "Requests refused because their upstream was at its limit") \
    X(BROWN_OUTS, "ringway_brown_out_answers_total", COUNTER, "Requests that got `overload.body` of their route because their upstream could not take them") \
    X(STALE_GIVEN, "ringway_stale_given_total", COUNTER, "Requests that were answered as before because their upstream failed") \
    X(STALE_BYTES, "ringway_stale_kept_bytes", GAUGE, "Memory of the answers that are kept for that") \
    X(LOG_LINES_DROPPED, "ringway_access_log_dropped_total", COUNTER, "Access log lines lost because the writer could not keep up") \
    X(COMPRESS_GZIP_RESPONSES, "ringway_compress_gzip_responses_total", COUNTER, "Responses whose bodies were compressed with gzip") \
    X(COMPRESS_GZIP_BYTES_IN, "ringway_compress_gzip_bytes_in_total", COUNTER, "Body bytes before compression with gzip") \
    X(COMPRESS_GZIP_BYTES_OUT, "ringway_compress_gzip_bytes_out_total", COUNTER, "Body bytes after compression with gzip") \
    X(COMPRESS_BR_RESPONSES, "ringway_compress_br_responses_total", COUNTER, "Responses whose bodies were compressed with br") \
    X(COMPRESS_BR_BYTES_IN, "ringway_compress_br_bytes_in_total", COUNTER, "Body bytes before compression with br") \
    X(COMPRESS_BR_BYTES_OUT, "ringway_compress_br_bytes_out_total", COUNTER, "Body bytes after compression with br") \
    X(COMPRESS_ZSTD_RESPONSES, "ringway_compress_zstd_responses_total", COUNTER, "Responses whose bodies were compressed with zstd") \
    X(COMPRESS_ZSTD_BYTES_IN, "ringway_compress_zstd_bytes_in_total", COUNTER, "Body bytes before compression with zstd") \
    X(COMPRESS_ZSTD_BYTES_OUT, "ringway_compress_zstd_bytes_out_total", COUNTER, "Body bytes after compression with zstd") \
    X(COMPRESS_DECLINED, "ringway_compress_declined_total", COUNTER, "Responses left as they were because compression has no more memory") \
    X(GRPC_WEB_CALLS, "ringway_grpc_web_calls_total", COUNTER, "Calls of browsers that were translated to gRPC") \
    X(GRPC_WEB_REFUSED, "ringway_grpc_web_refused_total", COUNTER, "Of these, calls with a message that was too long, or no message") \
    X(LIMIT_EVICTIONS, "ringway_rate_limit_evictions_total", COUNTER, "Keys of rate limits that were forgotten before their time, because the table was full") \
    X(LIMIT_UNTRACKED, "ringway_rate_limit_untracked_total", COUNTER, "Keys of rate limits that found no room in the table") \
    X(LIMIT_SHARE_UP, "ringway_rate_limit_redis_up", GAUGE, "Processes that are connected to all Redis servers of rate limits") \
    X(LIMIT_SHARE_FAILURES, "ringway_rate_limit_redis_failures_total", COUNTER, "Times that one of these servers could not be reached, or failed") \
    X(LIMIT_SHARE_ROUNDS, "ringway_rate_limit_redis_rounds_total", COUNTER, "Times that they were told what was used of shared limits") \
    X(LIMIT_SHARE_KEYS, "ringway_rate_limit_redis_keys_total", COUNTER, "Keys that they were told of") \
    X(API_KEY_ADMITTED, "ringway_api_key_admitted_total", COUNTER, "Requests with the API key of a consumer") \
    X(API_KEY_MISSING, "ringway_api_key_missing_total", COUNTER, "Requests refused because they had no API key") \
    X(API_KEY_UNKNOWN, "ringway_api_key_unknown_total", COUNTER, "Requests refused because their API key is no consumer's") \
    X(JWT_ADMITTED, "ringway_jwt_admitted_total", COUNTER, "Requests with a valid token") \
    X(JWT_VERIFIED, "ringway_jwt_verified_total", COUNTER, "Of these, those whose token was not known yet: its signature was checked") \
    X(JWT_MISSING, "ringway_jwt_missing_total", COUNTER, "Requests refused because they had no token") \
    X(JWT_MALFORMED, "ringway_jwt_malformed_total", COUNTER, "Requests refused because their token is none, or is too large") \
    X(JWT_UNKNOWN_KEY, "ringway_jwt_unknown_key_total", COUNTER, "Requests refused because no key is for their token's algorithm and key id") \
    X(JWT_BAD_SIGNATURE, "ringway_jwt_bad_signature_total", COUNTER, "Requests refused because their token's signature is wrong") \
    X(JWT_EXPIRED, "ringway_jwt_expired_total", COUNTER, "Requests refused because their token is not valid any more, or not yet") \
    X(JWT_WRONG_CLAIM, "ringway_jwt_wrong_claim_total", COUNTER, "Requests refused because their token's issuer, audience, type or another claim is not what is asked for") \
    X(JWT_NO_CONSUMER, "ringway_jwt_no_consumer_total", COUNTER, "Requests refused because their token is no consumer's") \
    X(JWT_NO_KEYS, "ringway_jwt_no_keys_total", COUNTER, "Requests answered with 503 because the keys of their token's issuer were never fetched yet") \
    X(KEYS_FETCHED, "ringway_jwt_keys_fetches_total", COUNTER, "Key sets fetched from their URLs") \
    X(KEYS_FAILED, "ringway_jwt_keys_failures_total", COUNTER, "Tries to fetch a key set that failed") \
    X(JWT_UNSEEN, "ringway_jwt_unseen_total", COUNTER, "Requests refused without a look at their token, as their address had sent too many wrong ones") \
    X(IDENTITY_LIMITED, "ringway_identity_failures_limited_total", COUNTER, "Of all requests without valid credentials, those answered with 429 because their address had sent too many") \
    X(RESIDENCY_KEPT, "ringway_residency_kept_total", COUNTER, "Requests that a residency rule kept to some regions") \
    X(RESIDENCY_REFUSED, "ringway_residency_refused_total", COUNTER, "Requests that a residency rule refused") \
    X(RESIDENCY_NOWHERE, "ringway_residency_no_endpoint_total", COUNTER, "Requests refused because no endpoint was up where a residency rule lets them go") \
    X(RESIDENCY_UNKNOWN, "ringway_residency_unknown_total", COUNTER, "Requests whose client is in no known country, where there are residency rules") \
    X(FAULTS_DELAY, "ringway_faults_delay_total", COUNTER, "Requests that were delayed on purpose") \
    X(FAULTS_RESET, "ringway_faults_reset_total", COUNTER, "Requests whose connection was cut on purpose") \
    X(FAULTS_ABORT, "ringway_faults_abort_total", COUNTER, "Requests that were answered with an error on purpose") \
    X(FAULTS_TRUNCATE, "ringway_faults_truncate_total", COUNTER, "Responses that were cut in the middle on purpose") \
    X(FAULTS_THROTTLE, "ringway_faults_throttle_total", COUNTER, "Responses that were slowed down on purpose") \
    X(RELOADS, "ringway_config_reloads_total", COUNTER, "Configurations put into force") \
    X(RELOAD_FAILURES, "ringway_config_reload_failures_total", COUNTER, "Configurations refused at reload")
/* clang-format on */

enum rw_counter {
#define RW_COUNTER_ENUM(id, name, kind, help) RW_COUNTER_##id,
    RW_COUNTERS(RW_COUNTER_ENUM)
#undef RW_COUNTER_ENUM
        RW_COUNTER_HTTP2_FLOODS, /* and one for each enum rw_h2_flood */
    RW_COUNTER_COUNT = RW_COUNTER_HTTP2_FLOODS + RW_H2_FLOOD_COUNT
};

enum rw_series_kind {
    RW_SERIES_ROUTE,
    RW_SERIES_ENDPOINT,
    RW_SERIES_LIMIT,
    RW_SERIES_VERSION,
    RW_SERIES_MIRROR,        /* of a route: the copies, as requests */
    RW_SERIES_MIRROR_RESULT, /* ... what became of them, in `buckets` by enum rw_mirror_result */
    RW_SERIES_UPSTREAM, /* ... what happened beside answers, in `buckets` by enum rw_upstream_event
                         */
    RW_SERIES_POLICY,   /* of a listener or route: what its policies answered themselves */
    RW_SERIES_KINDS
};

/* What became of a request at a rate limit. Counted in the series' `status` cells. */
enum rw_limit_result {
    RW_LIMIT_ADMITTED,
    RW_LIMIT_REFUSED,
    RW_LIMIT_DRY_RUN,  /* would have been refused */
    RW_LIMIT_KEYLESS,  /* has not what the limit counts by, and was not counted */
    RW_LIMIT_BYPASSED, /* shared, Redis is gone, and the limit admits everything then */
    RW_LIMIT_RESULTS
};

/* What became of a request that was to be mirrored; then, in what those that differ do. */
enum rw_mirror_result {
    RW_MIRROR_DROPPED,    /* too many were under way, or no memory: it was not sent */
    RW_MIRROR_TOO_LARGE,  /* neither was this one */
    RW_MIRROR_FAILED,     /* the shadow gave no answer */
    RW_MIRROR_UNCOMPARED, /* nothing was to be compared, or could be */
    RW_MIRROR_SAME,
    RW_MIRROR_DIFFERENT,
    RW_MIRROR_RESULTS,
    RW_MIRROR_BY_STATUS = RW_MIRROR_RESULTS,
    RW_MIRROR_BY_FIELD,
    RW_MIRROR_BY_BODY,
    RW_MIRROR_CELLS
};

/* What happened to requests of an upstream, and to its endpoints, beside answers: for all upstreams
 * together it has a counter, too. */
/* clang-format off */
#define RW_UPSTREAM_EVENTS(X)                                                                      \
    X(RETRY_CONNECT, "retry_connect", UPSTREAM_RETRIES_CONNECT)                                    \
    X(RETRY_RESET, "retry_reset", UPSTREAM_RETRIES_RESET)                                          \
    X(RETRY_TIMEOUT, "retry_timeout", UPSTREAM_RETRIES_TIMEOUT)                                    \
    X(RETRY_STATUS, "retry_status", UPSTREAM_RETRIES_STATUS)                                       \
    X(RETRY_DENIED, "retry_denied", UPSTREAM_RETRIES_DENIED)                                       \
    X(MOVE, "move", UPSTREAM_MOVES)                                                                \
    X(HEDGE, "hedge", UPSTREAM_HEDGES)                                                             \
    X(HEDGE_WON, "hedge_won", UPSTREAM_HEDGES_WON)                                                 \
    X(HEDGE_DENIED, "hedge_denied", UPSTREAM_HEDGES_DENIED)                                        \
    X(EJECTION, "ejection", UPSTREAM_EJECTIONS)
/* clang-format on */

enum rw_upstream_event {
#define RW_UPSTREAM_EVENT_ENUM(id, name, counter) RW_UPSTREAM_EVENT_##id,
    RW_UPSTREAM_EVENTS(RW_UPSTREAM_EVENT_ENUM)
#undef RW_UPSTREAM_EVENT_ENUM
        RW_UPSTREAM_EVENT_COUNT
};
_Static_assert((int)RW_UPSTREAM_EVENT_COUNT <= (int)RW_LATENCY_BUCKETS, "they are counted there");

struct rw_metrics;

/* One thread's cells. Open only for the inline functions below; count through these. */
struct rw_metrics_shard {
    _Alignas(64) uint64_t claimed; /* a thread has taken it at least once */
    uint64_t series_room;          /* cells */
    _Alignas(64) int64_t counters[RW_COUNTER_COUNT];
    struct rw_series_cell cells[];
};

/* `shards`: threads of all processes together. `series_max`: series of each kind, "_other" not
 * counted. Pages are touched only when used. The mapping is MAP_SHARED | MAP_ANONYMOUS: create it
 * before forking. RW_EINVAL past the limits above, RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_metrics_create(unsigned shards, unsigned series_max,
                                            struct rw_metrics **metrics);
/* Unmaps it in this process. NULL is fine. */
void rw_metrics_destroy(struct rw_metrics *metrics);

/* Shard `index` belongs to one thread from now on (of a restarted process too: it counts on). A
 * gauge's share of a dead owner is set to zero; so call it once for each life of a thread, and from
 * the supervisor for the shards of a process that died and is not started again. */
struct rw_metrics_shard *rw_metrics_shard(struct rw_metrics *metrics, unsigned index);

/* Finds or registers the series with this label; the number is valid in every shard and process,
 * and for good. Control threads only; safe against other processes doing the same, and against
 * their death in the middle (robust shared mutex). Labels: the name of a route, upstream or rate
 * limit (`detail` empty), upstream name and endpoint address, route name and version, or policy and
 * place. Bytes that are not UTF-8 become '?'. Full: the number of "_other". */
unsigned rw_metrics_series(struct rw_metrics *metrics, enum rw_series_kind kind,
                           struct rw_span name, struct rw_span detail);

/* ---- Hot path: the shard's thread only ---- */

/* For each bit length of a duration: ((bucket + 1) << 32) - 1 - bound, where the numbers of that
 * length hold the bound that ends `bucket`; bucket << 32, where they hold none. */
extern const uint64_t rw_latency_steps[27];

/* One writer, many readers: no torn value, no locked instruction. */
static inline void rw_metrics_add(uint64_t *cell, uint64_t amount)
{
    __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + amount, __ATOMIC_RELAXED);
}

static inline void rw_metrics_count(struct rw_metrics_shard *shard, enum rw_counter counter,
                                    int64_t amount)
{
    rw_metrics_add((uint64_t *)&shard->counters[counter], (uint64_t)amount);
}

static inline struct rw_series_cell *rw_metrics_cell(struct rw_metrics_shard *shard,
                                                     unsigned series)
{
    rw_assert(series < shard->series_room);
    return &shard->cells[series];
}

/* Index of the histogram bucket: how many bounds are below the duration. */
static inline unsigned rw_metrics_bucket(uint64_t duration_us)
{
    const uint64_t past_the_last = 1u << 25;
    uint64_t us = duration_us < past_the_last ? duration_us : past_the_last;
    unsigned bits = 64 - (unsigned)__builtin_clzll(us << 1 | 1) - 1;
    return (unsigned)((us + rw_latency_steps[bits]) >> 32);
}

/* All there is to count of one exchange that has ended. `status_class`: 0 when there was no
 * response. */
static inline void rw_metrics_observe(struct rw_series_cell *cell, unsigned status_class,
                                      uint64_t duration_us, uint64_t bytes_in, uint64_t bytes_out)
{
    rw_metrics_add(&cell->status[status_class < 6 ? status_class : 0], 1);
    rw_metrics_add(&cell->bytes_in, bytes_in);
    rw_metrics_add(&cell->bytes_out, bytes_out);
    rw_metrics_add(&cell->duration_sum_us, duration_us);
    rw_metrics_add(&cell->buckets[rw_metrics_bucket(duration_us)], 1);
}

static inline void rw_metrics_limit(struct rw_series_cell *cell, enum rw_limit_result result)
{
    rw_metrics_add(&cell->status[result], 1);
}

static inline void rw_metrics_mirror(struct rw_series_cell *cell, enum rw_mirror_result result)
{
    rw_metrics_add(&cell->buckets[result], 1);
}

/* For all upstreams, and for the one of this series. */
void rw_metrics_upstream(struct rw_metrics_shard *shard, unsigned series,
                         enum rw_upstream_event event);

static inline void rw_metrics_failure(struct rw_series_cell *cell)
{
    rw_metrics_add(&cell->failures, 1);
}

/* ---- Reading: any thread of any process ---- */

/* Prometheus text exposition, format 0.0.4, of all shards. Series that never counted are left out.
 * Out of memory: text->err, as always with a text. */
void rw_metrics_expose(const struct rw_metrics *metrics, struct rw_text *text);

/* What the caller appends itself in the same format (upstream health, memory...): a family of one
 * sample without labels. `name` is a valid metric name. */
void rw_metrics_expose_gauge(struct rw_text *text, const char *name, const char *help,
                             double value);
void rw_metrics_expose_counter(struct rw_text *text, const char *name, const char *help,
                               double value);
/* For families with labels: the two lines at the head (`type`: "gauge", "counter"), and a label's
 * value escaped, without its quotes. */
void rw_metrics_expose_head(struct rw_text *text, const char *name, const char *type,
                            const char *help);
void rw_metrics_expose_label(struct rw_text *text, struct rw_span value);

const char *rw_mirror_result_name(enum rw_mirror_result result);
const char *rw_upstream_event_name(enum rw_upstream_event event);

/* Sums over shards, for the admin API and tests. */
int64_t rw_metrics_total(const struct rw_metrics *metrics, enum rw_counter counter);
/* Adds up a series over shards into `sum`. */
void rw_metrics_series_total(const struct rw_metrics *metrics, unsigned series,
                             struct rw_series_cell *sum);

#endif
