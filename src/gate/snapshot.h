/* A snapshot: a configuration compiled for the data plane, immutable but for its reference counts.
 *
 * The control thread compiles one (rw_snapshot_create), hands it to every worker, and each new
 * exchange pins the one its worker has at that moment. So a reload never touches what is under way,
 * and the next request, on the same connection too, sees the new one. Each worker counts its own
 * pins without atomics; a worker that has none left, and a newer snapshot, lets go. The last to let
 * go asks the control thread to free it.
 */
#ifndef RW_GATE_SNAPSHOT_H
#define RW_GATE_SNAPSHOT_H

#include "base/arena.h"
#include "base/map.h"
#include "gate/cluster/cluster.h"
#include "gate/config/config.h"
#include "gate/exchange/origin.h"
#include "gate/exchange/policy.h"
#include "gate/route/router.h"
#include "gate/tunnel/tcp_routes.h"
#include "http/h1.h"
#include "io/address.h"
#include "watch/metrics.h"

#include <stdatomic.h>

enum { RW_WORKERS_MAX = 256 };

struct rw_consumers;
struct rw_documents;
struct rw_meters;
struct rw_release;
struct rw_release_states;
struct rw_samples;
struct rw_shares;
struct rw_tls_client;
struct rw_tls_server;
struct rw_tls_ticket_keys;
struct rw_watched_file;

struct rw_policy_use {
    const struct rw_policy *policy;
    void *instance;
    bool borrowed;   /* another use has it, too, and destroys it */
    unsigned series; /* of what it answers itself */
};

struct rw_cidr {
    uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint8_t bits;
};

struct rw_listener_settings {
    struct rw_span name;
    struct rw_span address_text;
    struct rw_address address;
    struct rw_config_listener *config;
    struct rw_config_timeouts *timeouts;
    struct rw_config_limits *limits;
    struct rw_h1_limits h1;
    bool http1, http2;         /* what clients may speak */
    struct rw_tls_server *tls; /* NULL: plain */
    struct rw_cidr *trusted;
    unsigned trusted_count;
    struct rw_policy_use *policies;
    unsigned policy_count;
    int *fds; /* listening sockets of this process, one per worker thread; -1: none (yet) */
    unsigned fd_count;
};

/* One cache line: with many routes each request finds another one, and it is cold. */
struct rw_route {
    struct rw_span name;
    const struct rw_origin *origin;
    void *origin_instance;
    struct rw_policy_use *policies;
    struct rw_config_route *config;
    unsigned policy_count;
    unsigned series;
    uint32_t first_byte_ms;
    uint32_t total_ms : 31;
    uint32_t own_deadline : 1; /* requests may say theirs: timeouts.deadline_field */
};
_Static_assert(sizeof(struct rw_route) == 64, "see above");

/* Worker's pins on a snapshot: a cache line of its own. */
struct rw_snapshot_pins {
    uint64_t count;
    bool current; /* the worker has not adopted a newer one */
    char pad[48];
} __attribute__((aligned(64)));

struct rw_snapshot {
    struct rw_arena arena;
    struct rw_config *config;
    uint64_t generation;
    struct rw_router *router;
    struct rw_listener_settings *listeners;
    unsigned listener_count;
    struct rw_route *routes;
    unsigned route_count;
    struct rw_tcp_routes tcp;
    struct rw_cluster **clusters;
    unsigned cluster_count;
    struct rw_map cluster_by_name;
    struct rw_map limit_by_name;    /* of policy/limit: what has one name is one limit */
    struct rw_map policy_by_config; /* instances of policies that are placeless */
    struct rw_release *releases;    /* of origin/release: a list */
    struct rw_tls_client *redis_tls, *sentinel_tls; /* of shared limits; NULL: plain */
    unsigned route_series_none;                     /* series of requests without a route */
    struct rw_consumers *consumers;                 /* gate/identity/consumers.h; NULL: none */
    struct rw_watched_file *watched_files;          /* gate/watched_file.h; NULL: none */
    bool tells_identity;                            /* origins are: see config->identity */

    _Atomic unsigned users; /* workers that still hold it, plus the control thread */
    void (*release)(struct rw_snapshot *snapshot); /* called once by the last user, on its thread */
    void *user;                                    /* of `release` */
    struct rw_task task;           /* for `release`, to hand itself to the control thread */
    struct rw_snapshot_pins *pins; /* per worker */
    unsigned worker_count;
};

/* What a compile needs from the process. */
struct rw_snapshot_options {
    struct rw_clusters *clusters;
    struct rw_metrics *metrics;
    struct rw_meters *meters;                 /* NULL: nothing is limited: it serves nobody */
    struct rw_shares *shares;                 /* NULL: no limit is shared */
    struct rw_documents *documents;           /* NULL: nothing is fetched */
    struct rw_release_states *release_states; /* NULL: no rollout is under way */
    struct rw_samples *samples;               /* NULL: none are kept */
    struct rw_tls_ticket_keys *ticket_keys;   /* NULL: tickets off */
    struct rw_text *warnings; /* what is no mistake, but ought to be known; NULL: to the log */
    unsigned workers;
    uint64_t generation;
    uint32_t dns_wait_ms_max; /* for names that were never resolved; beside dns.timeout */
};

/* Compiles a loaded config. Takes over `arena` (which holds `config`) on success. Mistakes
 * (certificates, regexes, unknown files) go to the report: RW_EINVAL. Listening sockets are not
 * opened: listeners[i].fds is all -1. */
RW_MUST_CHECK enum rw_err rw_snapshot_create(const struct rw_snapshot_options *options,
                                             struct rw_arena *arena, struct rw_config *config,
                                             struct rw_conf_report *report,
                                             struct rw_snapshot **snapshot);
/* Control thread, when nobody holds it any more. */
void rw_snapshot_destroy(struct rw_snapshot *snapshot, struct rw_clusters *clusters);

/* Worker thread `worker`: pin for an exchange, let go. */
static inline struct rw_snapshot *rw_snapshot_pin(struct rw_snapshot *snapshot, unsigned worker)
{
    snapshot->pins[worker].count++;
    return snapshot;
}
void rw_snapshot_unpin(struct rw_snapshot *snapshot, unsigned worker);
/* Worker thread: this snapshot is (not) what new exchanges begin with. */
void rw_snapshot_set_current(struct rw_snapshot *snapshot, unsigned worker, bool current);
/* Before it is handed to `count` workers: one reference for each, given back when a worker has
 * neither pins on it nor it as its current one. */
void rw_snapshot_hold(struct rw_snapshot *snapshot, unsigned count);
/* The control thread's own reference; the last one to go calls `release`. */
void rw_snapshot_drop(struct rw_snapshot *snapshot);

/* Do requests to this listener come to the route? */
bool rw_route_takes_listener(const struct rw_route *route, struct rw_span listener);

struct rw_cluster *rw_snapshot_cluster(const struct rw_snapshot *snapshot, struct rw_span name);

#endif
