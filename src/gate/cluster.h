/* Clusters: upstreams as the data plane sees them. An endpoint's state (open connections, requests
 * in flight, health) is shared by all threads and outlives reloads, so that limits and ejections
 * hold.
 *
 * The control thread makes clusters when it compiles a snapshot (rw_clusters_update), swaps their
 * endpoint sets when DNS or health changes; workers choose an endpoint for each request
 * (rw_cluster_choose) and report what became of it. A worker reads the set by one acquire load; a
 * replaced set is freed when every worker has passed through its loop since (the caller's `defer`
 * function sees to that).
 */
#ifndef RW_GATE_CLUSTER_H
#define RW_GATE_CLUSTER_H

#include "gate/config.h"
#include "io/loop.h"
#include "io/stream.h"

#include <stdatomic.h>

struct rw_tls_client;

/* One address that takes requests. Reference counted (atomic): sets and upstream connections hold
 * one each. */
struct rw_endpoint {
    _Atomic uint32_t references;
    uint32_t slot; /* small number, unique among living endpoints: index into a worker's pools */
    struct sockaddr_storage address;
    socklen_t address_bytes;
    struct rw_span name; /* "10.0.0.1:80": for log and metrics */
    struct rw_span host; /* the name it came from, without port: SNI when the upstream names none */
    unsigned series;     /* of metrics */

    _Atomic uint32_t open;   /* connections of all threads, for per_endpoint_max */
    _Atomic uint32_t active; /* requests in flight, for least_requests */
    _Atomic uint64_t
        waiting; /* bit per worker thread (index modulo 64) that waits for a connection slot */

    _Atomic bool probe_failed;         /* the active health check says: down */
    _Atomic uint32_t failures;         /* passive: in a row */
    _Atomic uint64_t ejected_until_ms; /* passive: no requests before this (monotonic) */
    _Atomic bool removed;              /* no longer in any set: close idle connections */
};

/* Immutable: what is chosen from. */
struct rw_endpoint_set {
    struct rw_endpoint **endpoints;
    uint32_t *weights;
    unsigned count;
    uint32_t *schedule; /* round robin: endpoint indices, interleaved by weight */
    unsigned schedule_count;
    uint32_t *table; /* consistent hash (Maglev): endpoint indices; NULL with other balancing */
    unsigned table_count;
};

struct rw_cluster {
    struct rw_span name;
    uint32_t slot; /* small number: index into a worker's cursors */
    int balance;   /* enum rw_config_balance */
    struct rw_config_hash hash;
    struct rw_config_connections connections;
    struct rw_config_passive_health passive;
    uint32_t connect_ms;
    struct rw_span host;                   /* Host override; empty: none */
    struct rw_tls_client *tls;             /* NULL: plain; a reference */
    _Atomic(struct rw_endpoint_set *) set; /* never NULL, may be empty */
    _Atomic uint32_t references;           /* snapshots */
    void *control;                         /* cluster.c's: config, DNS, probes */
};

/* What a request brings to the choice. */
struct rw_choice {
    uint64_t hash; /* for RW_BALANCE_HASH */
    uint64_t now_ms;
    uint32_t *cursor; /* round robin: the worker's own for this cluster */
    struct rw_random *random;
    const struct rw_endpoint *avoid; /* a retry: not this one if there is another; NULL */
};

/* A usable endpoint (healthy, not ejected), or any that is not probe_failed when all are ejected
 * (panic), or NULL when none is left. Any worker. The pointer is valid until the worker returns to
 * its loop, unless it takes a reference. */
struct rw_endpoint *rw_cluster_choose(const struct rw_cluster *cluster,
                                      const struct rw_choice *choice);

/* What became of a request, for passive health. `failed`: connect error, reset, timeout, or
 * 502/503/504. */
void rw_cluster_report(const struct rw_cluster *cluster, struct rw_endpoint *endpoint, bool failed,
                       uint64_t now_ms);

struct rw_endpoint *rw_endpoint_hold(struct rw_endpoint *endpoint);
void rw_endpoint_drop(struct rw_endpoint *endpoint); /* any thread; frees at zero */

/* ---- Control thread ---- */

struct rw_clusters;
struct rw_metrics;

struct rw_clusters_options {
    struct rw_loop *loop; /* of the control thread: DNS and probes live here; NULL: no DNS, no
                             probes (simulation, check) */
    struct rw_metrics *metrics;
    /* Calls `release(object)` once every worker has passed through its loop. */
    void (*defer)(void *user, void (*release)(void *object), void *object);
    void *defer_user;
};

RW_MUST_CHECK enum rw_err rw_clusters_create(const struct rw_clusters_options *options,
                                             struct rw_clusters **clusters);
void rw_clusters_destroy(struct rw_clusters *clusters);

/* Makes the cluster for an upstream of a new configuration, sharing endpoint state with the
 * clusters of the same name that live; the caller owns a reference. Numeric and Unix addresses are
 * in the set at once; names as known from the last resolution, the first one is waited for at most
 * dns.timeout_ms when `wait` is set (start-up, reload: off the hot path). Mistakes (bad certificate
 * file) go to the report. Probes and DNS of the cluster start with rw_clusters_activate and stop
 * when its last reference goes. */
RW_MUST_CHECK enum rw_err rw_clusters_make(struct rw_clusters *clusters,
                                           const struct rw_config *config,
                                           const struct rw_config_upstream *upstream, bool wait,
                                           struct rw_conf_report *report,
                                           struct rw_cluster **cluster);
void rw_cluster_drop(struct rw_clusters *clusters, struct rw_cluster *cluster);

/* JSON array for the admin API: clusters, endpoints, health, open, active. */
void rw_clusters_describe(const struct rw_clusters *clusters, struct rw_text *json);
/* Gauges for the scrape: ringway_upstream_endpoint_healthy{upstream=,endpoint=}. */
void rw_clusters_expose(const struct rw_clusters *clusters, struct rw_text *text);

#endif
