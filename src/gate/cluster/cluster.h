/* Clusters: upstreams as the data plane sees them. An endpoint's state (open connections, requests
 * in flight, health) is shared by all threads and outlives reloads, so that limits and ejections
 * hold.
 *
 * The control thread makes clusters when it compiles a snapshot (rw_clusters_make), swaps their
 * endpoint sets when DNS says something new; workers choose an endpoint for each request
 * (rw_cluster_choose) and report what became of it (rw_cluster_report). A worker reads the set by
 * one acquire load; a replaced set is freed when every worker has passed through its loop since
 * (the caller's `defer` function sees to that).
 */
#ifndef RW_GATE_CLUSTER_CLUSTER_H
#define RW_GATE_CLUSTER_CLUSTER_H

#include "gate/cluster/balance/locality.h"
#include "gate/cluster/balance/path.h"
#include "gate/cluster/overload/gradient.h"
#include "gate/cluster/retry/hedge.h"
#include "gate/cluster/waiters.h"
#include "gate/config/config.h"
#include "http/h2.h"
#include "io/loop.h"
#include "io/stream.h"

#include <stdatomic.h>

struct rw_endpoint_tiers;
struct rw_known;
struct rw_limiter;
struct rw_residency;
struct rw_tls_client;
struct rw_turns;

enum {
    RW_CLUSTER_ENDPOINTS_MAX = 4096, /* of one cluster; what DNS says beyond is left out */
    RW_PRIORITIES = 16,
    RW_TIERS_MAX = RW_PRIORITIES * RW_DISTANCE_COUNT,
};

/* What an endpoint has done in a span of time. */
struct rw_endpoint_window {
    _Atomic uint64_t since_ms;
    _Atomic uint32_t requests, failures;
    _Atomic uint32_t answers, slow;
};

/* One address that takes requests. Reference counted (atomic): sets and upstream connections hold
 * one each. Living clusters of one upstream name share it when address and host are the same. */
struct rw_endpoint {
    /* Read by every choice, written when something changes. */
    _Atomic bool probe_failed;  /* the active health check says: down; false at first */
    _Atomic bool removed;       /* in no living cluster's set: close idle connections */
    _Atomic uint32_t failures;  /* passive: in a row */
    _Atomic uint32_t ejections; /* passive: in a row, without a success in between */
    /* Passive: no requests before this (monotonic). Once it is over single ones (on trial), then
     * fewer than usual (returned); 0: as many as there are. */
    _Atomic uint64_t ejected_until_ms;
    _Atomic uint64_t trial_ms;    /* on trial: the next one not before this */
    _Atomic uint64_t returned_ms; /* since when it is back; 0: it is not, or at once */
    _Atomic uint32_t good_trials;
    /* Of a negotiated cluster: it has chosen HTTP/1.1, and until then is not asked again. */
    _Atomic uint64_t http1_until_ms;
    uint32_t slot;   /* small number, unique among living endpoints: index into a worker's pools */
    unsigned series; /* of metrics */
    socklen_t address_bytes;
    struct sockaddr_storage address;
    struct rw_span name; /* "10.0.0.1:80": for log and metrics */
    struct rw_span host; /* the name or IP address it came from, without port, NUL-terminated; empty
                            for a Unix socket */
    struct rw_locality locality;
    const struct rw_path *path; /* NULL: nothing special */

    /* Written for every request: a cache line of its own. */
    _Atomic uint32_t references __attribute__((aligned(64)));
    _Atomic uint32_t open;            /* connections of all threads, for per_endpoint_max */
    _Atomic uint32_t active;          /* requests in flight, for least_requests */
    struct rw_endpoint_window window; /* where shares are looked at */
    _Atomic uint64_t latency;         /* balance.c's: with RW_BALANCE_LATENCY */
    struct rw_path_state path_state;  /* with RW_BALANCE_PATH */
    struct rw_waiters waiting;        /* workers that wait for a connection slot */
    _Atomic(struct rw_turns *) turns; /* ... and in which order; NULL: none ever has */
};

/* "10.0.0.1:80", whatever line leads to it. */
struct rw_span rw_endpoint_address_text(const struct rw_endpoint *endpoint);

/* How to connect to it, as far as the endpoint knows. */
struct rw_connect_options rw_endpoint_connect_options(const struct rw_endpoint *endpoint);

/* What is chosen from: immutable, but for the latch. Sorted by the endpoints' names. */
struct rw_endpoint_set {
    struct rw_endpoint **endpoints; /* a reference each */
    uint32_t *weights;              /* 0: gets nothing */
    uint32_t *ranks;                /* gate/cluster/balance/tiers.h */
    unsigned count;
    uint32_t *schedule; /* endpoint indices, interleaved by weight */
    unsigned schedule_count;
    uint32_t *table; /* consistent hash (Maglev): endpoint indices; NULL with other balancing */
    unsigned table_count;
    struct rw_endpoint_tiers *tiers; /* owned; NULL: all are preferred alike */
    _Atomic bool panic;              /* too few are up: probes are not believed */
    _Atomic bool ejecting; /* a thread counts and ejects: one at a time, so that the limit holds */
};

/* Of HTTP/2 connections; what is in it is compared by same_settings in gate/cluster/pool/pool_h2.c.
 */
struct rw_cluster_http2 {
    struct rw_h2_settings settings;
    uint32_t ping_interval_ms; /* 0: never */
    uint32_t ping_ms;          /* for the answer */
    uint32_t age_ms_max;       /* no new streams after that; 0: no limit */
};

/* When a request is sent again; config.h has the whole of it. */
struct rw_cluster_retries {
    uint32_t on; /* bits of enum rw_config_retry_on; 0: never */
    uint32_t tries;
    uint32_t backoff_ms, backoff_ms_max, try_ms;
    uint32_t body_bytes_max;
    struct rw_retry_budget_settings budget;
};

/* How many requests at once; gate/cluster/overload/admission.h. */
struct rw_cluster_overload {
    struct rw_gradient_settings limits;
    uint32_t queue_max, queue_ms_max, target_ms, retry_after_s;
    struct rw_config_hash fair_by;
};

/* Which endpoints are preferred; gate/cluster/balance/tiers.h. */
struct rw_cluster_tiers {
    struct rw_locality own; /* of the gateway */
    int prefer;             /* enum rw_prefer */
    uint32_t full_percent;
};

struct rw_cluster {
    struct rw_span name;
    uint32_t slot;   /* small number: index into a worker's cursors */
    unsigned series; /* of metrics: rw_metrics_upstream */
    int balance;     /* enum rw_config_balance */
    struct rw_config_hash hash;
    struct rw_config_connections connections;
    struct rw_config_passive_health passive;
    struct rw_cluster_tiers tiers;
    struct rw_cluster_retries retries;
    struct rw_limiter *limiter; /* a reference; NULL: no limit */
    struct rw_cluster_overload overload;
    struct rw_hedge *hedge; /* a reference; NULL: no hedging */
    struct rw_hedge_settings hedging;
    uint32_t connect_ms;
    unsigned proxy_version; /* of the PROXY protocol; 0: none */
    bool http2;             /* what the endpoints speak */
    bool negotiated;        /* ... each chooses itself (ALPN), and `http2` is false */
    struct rw_cluster_http2 http2_settings;
    struct rw_span discovery;              /* "etcd /services/app/": for people; empty: none */
    struct rw_span host;                   /* Host override; empty: none */
    struct rw_tls_client *tls;             /* NULL: plain; a reference */
    struct rw_tls_client *tls_http1;       /* negotiated: for connections of HTTP/1.1, while those
                                              with `tls` may become HTTP/2; a reference */
    struct rw_span tls_name;               /* SNI and name to verify, NUL-terminated; empty: the
                                              endpoint's host */
    _Atomic(struct rw_endpoint_set *) set; /* never NULL, may be empty */
    void *control;                         /* cluster.c's: config, DNS, probes */
};

/* What a request brings to the choice. */
struct rw_choice {
    uint64_t hash; /* for RW_BALANCE_HASH */
    uint64_t now_ms;
    uint32_t *cursor;         /* round robin: the worker's own for this cluster, random at first */
    struct rw_random *random; /* never NULL */
    const struct rw_config_passive_health *passive; /* NULL: who is not ejected takes everything */
    const struct rw_residency *residency;           /* where it may go; NULL: anywhere */
    const struct rw_endpoint *avoid; /* a retry: not this one if there is another; NULL */
};

/* A usable endpoint (healthy, not ejected), or any that is not probe_failed when all are ejected
 * (panic), or NULL when none is left. `avoid` comes before panic. Any worker. The pointer is valid
 * until the worker returns to its loop, unless it takes a reference. */
struct rw_endpoint *rw_cluster_choose(const struct rw_cluster *cluster,
                                      const struct rw_choice *choice);

/* What became of a request, for passive health. `failed`: connect error, reset, timeout, or
 * 502/503/504. After passive.failures of them in a row, or passive.error_percent in a window, the
 * endpoint is ejected for eject_ms; twice, four, eight, at most ten times as long when it is
 * ejected again without a success in between. While it is ejected reports change nothing; then come
 * the trials, one failure of which ejects it again. At most eject_percent_max of the set's
 * endpoints (rounded down) are ejected at a time. True: it has been ejected now. Any thread. */
bool rw_cluster_report(const struct rw_cluster *cluster, struct rw_endpoint *endpoint, bool failed,
                       uint64_t now_ms);

/* How long a response took, of a cluster with passive.slow_ms. True: ejected now. Any thread. */
bool rw_cluster_report_time(const struct rw_cluster *cluster, struct rw_endpoint *endpoint,
                            uint64_t ms, uint64_t now_ms);
/* With RW_BALANCE_LATENCY: a response took so long; one that `failed` counts as a second at least,
 * that an endpoint which is quick to fail is no good one. Any thread. */
void rw_endpoint_observe(struct rw_endpoint *endpoint, uint64_t us, bool failed, uint64_t now_ms);
/* An endpoint that was out takes requests again, few at first where that is configured. */
void rw_endpoint_return(struct rw_endpoint *endpoint,
                        const struct rw_config_passive_health *passive, uint64_t now_ms);

struct rw_endpoint *rw_endpoint_hold(struct rw_endpoint *endpoint);
void rw_endpoint_drop(struct rw_endpoint *endpoint); /* any thread; frees at zero */

/* A request is under way there: it counts, and the endpoint stays, whatever discovery says, until
 * the request has left. Worker threads. */
static inline void rw_endpoint_enter(struct rw_endpoint *endpoint)
{
    (void)rw_endpoint_hold(endpoint);
    atomic_fetch_add_explicit(&endpoint->active, 1, memory_order_relaxed);
}
static inline void rw_endpoint_leave(struct rw_endpoint *endpoint)
{
    atomic_fetch_sub_explicit(&endpoint->active, 1, memory_order_relaxed);
    rw_endpoint_drop(endpoint);
}

/* ---- Control thread ---- */

struct rw_clusters;
struct rw_metrics;

struct rw_clusters_options {
    struct rw_loop *loop;   /* of the control thread: DNS and probes live here; NULL: no DNS, no
                               probes (simulation, check) */
    struct rw_known *known; /* what is learned of endpoints outlives them there; NULL: nowhere */
    struct rw_metrics *metrics;  /* NULL: every series is 0 */
    unsigned process, processes; /* limits are shared out among so many; 0 processes: one */
    /* Calls `release(object)` once every worker has passed through its loop; any thread. NULL: at
     * once (no workers). */
    void (*defer)(void *user, void (*release)(void *object), void *object);
    void *defer_user;
};

RW_MUST_CHECK enum rw_err rw_clusters_create(const struct rw_clusters_options *options,
                                             struct rw_clusters **clusters);
/* Every cluster has been dropped. Probes that were under way end in the loop's next turns, before
 * which it must not be destroyed. */
void rw_clusters_destroy(struct rw_clusters *clusters);

/* Makes the cluster for an upstream of a new configuration, sharing endpoint state with the
 * clusters of the same name that live; for rw_cluster_drop. Nothing of `config` is needed
 * afterwards. Numeric and Unix addresses are in the set at once; names as known from the last
 * resolution, else they are being resolved from now on: with `wait` the call lasts until they are,
 * at most dns.timeout_ms (off the hot path; the loop is not run). A name that is unknown leaves the
 * set without it, and is no error. Mistakes (bad certificate file) go to the report: RW_EINVAL. */
RW_MUST_CHECK enum rw_err rw_clusters_make(struct rw_clusters *clusters,
                                           const struct rw_config *config,
                                           const struct rw_config_upstream *upstream, bool wait,
                                           struct rw_conf_report *report,
                                           struct rw_cluster **cluster);
/* Instead of `wait`: after making all clusters of a configuration, waits once for all names that
 * were never resolved, at most `ms_max`. */
void rw_clusters_settle(struct rw_clusters *clusters, uint32_t ms_max);
/* Control thread: a probe has changed its mind, or the set has changed. */
void rw_cluster_judge_panic(const struct rw_cluster *cluster, uint32_t panic_percent);
/* The configuration is in force: this cluster's probes begin, with one at once, and those of an
 * older cluster of its name end. Without it there are no probes. */
void rw_clusters_activate(struct rw_clusters *clusters, struct rw_cluster *cluster);
/* How its endpoints are probed; NULL: not at all. */
const struct rw_config_active_health *rw_cluster_probed(const struct rw_cluster *cluster);

/* Its snapshot has gone: DNS and probes stop, endpoints that no other living cluster has are
 * `removed`, and what workers may still look at is released by `defer`. */
void rw_cluster_drop(struct rw_clusters *clusters, struct rw_cluster *cluster);

/* JSON array for the admin API: the clusters in force, endpoints, health, open, active. */
void rw_clusters_describe(const struct rw_clusters *clusters, struct rw_text *json);
/* Gauges for the scrape: ringway_upstream_endpoint_healthy{upstream=,endpoint=}. */
void rw_clusters_expose(const struct rw_clusters *clusters, struct rw_text *text);

#endif
