/* What the files of the cluster registry share; nobody else includes this.
 *
 * A cluster (struct rw_cluster_control) has sources, one per configured endpoint: a fixed address,
 * or a name that a resolver follows. rw_cluster_refresh gathers what the sources say at the moment
 * into an endpoint set; when it differs from the one in force, the new one is swapped in. Endpoints
 * are found or made by upstream name, address and host, and listed while a living cluster's set has
 * them. All of it on the control thread, but for the release of endpoints and slots.
 */
#ifndef RW_GATE_CLUSTER_CLUSTER_REGISTRY_H
#define RW_GATE_CLUSTER_CLUSTER_REGISTRY_H

#include "base/arena.h"
#include "base/list.h"
#include "gate/cluster/cluster.h"
#include "gate/cluster/health/health.h"
#include "gate/cluster/resolve/resolve.h"
#include "gate/discovery/discovery.h"
#include "io/address.h"

/* ---- cluster_slots.c: small numbers, the lowest free one first; any thread ---- */

struct rw_slots;

RW_MUST_CHECK enum rw_err rw_slots_create(struct rw_slots **slots);
struct rw_slots *rw_slots_hold(struct rw_slots *slots);
void rw_slots_drop(struct rw_slots *slots);
RW_MUST_CHECK enum rw_err rw_slots_take(struct rw_slots *slots, uint32_t *slot);
void rw_slots_give(struct rw_slots *slots, uint32_t slot);

/* ---- The registry ---- */

enum { RW_CLUSTER_BUCKETS = 1024 };

struct rw_clusters {
    struct rw_clusters_options options;
    struct rw_list clusters; /* of rw_cluster_control.link, newest first */
    struct rw_discoveries discoveries;
    struct rw_list resolvers; /* of struct rw_cluster_resolver.link: one for each way to do DNS */
    struct rw_list names[RW_CLUSTER_BUCKETS]; /* of rw_cluster_control.same, newest first */
    struct rw_list *endpoints; /* buckets, of rw_endpoint_record.link; they grow with the count */
    size_t endpoint_buckets;   /* a power of two */
    size_t endpoint_count;
    struct rw_slots *endpoint_slots, *cluster_slots;
};

struct rw_cluster_resolver {
    struct rw_list link;
    struct rw_resolver *resolver;
    unsigned clusters; /* that use it */
};

struct rw_cluster_source {
    struct rw_cluster_control *control;
    uint32_t weight, priority;
    struct rw_locality locality;
    struct rw_span text; /* as configured */
    struct rw_span host; /* NUL-terminated; of an SRV name: empty, its targets have one each */
    struct rw_address address; /* fixed: where it is */
    uint16_t port;             /* of a name; an SRV name's targets have one each */
    bool named;
    struct rw_resolve_use use; /* of a name */
};

/* A way to the endpoints. */
struct rw_cluster_line {
    struct rw_path path;
    uint32_t weight, priority;
};

struct rw_cluster_control {
    struct rw_cluster cluster;
    struct rw_list link;
    struct rw_list same; /* clusters whose names fall into the same bucket */
    struct rw_clusters *clusters;
    struct rw_slots *slots; /* its slot came from there */
    struct rw_arena arena;  /* copies of texts, the sources */
    struct rw_cluster_source *sources;
    unsigned source_count;
    struct rw_cluster_line *lines; /* one at least */
    unsigned line_count;
    bool paths; /* endpoints have their path: there is `tcp`, or `lines` */
    struct rw_cluster_resolver *resolver; /* NULL: no names */
    struct rw_discovery_use discovery;
    struct rw_span discovery_from; /* who is asked: "10.0.0.1:2379"; empty: nobody, it is a file */
    struct rw_config_active_health health;
    struct rw_config_grpc_health grpc_health;
    bool probed; /* the configuration has `health` */
    bool active; /* rw_clusters_activate was called */
    struct rw_health *probes;
    struct rw_timer retry; /* the last refresh ran out of memory */
};

/* The one in force of those with this name: the newest that is active, else the newest. */
struct rw_cluster_control *rw_clusters_in_force(const struct rw_clusters *clusters,
                                                struct rw_span name);
struct rw_list *rw_clusters_bucket(struct rw_list *buckets, struct rw_span name);
void rw_clusters_defer(struct rw_clusters *clusters, void (*release)(void *object), void *object);
uint64_t rw_clusters_now_ms(const struct rw_clusters *clusters);

/* ---- cluster_endpoint.c ---- */

struct rw_endpoint_record {
    struct rw_endpoint endpoint;
    struct rw_list link;
    struct rw_span upstream;
    uint64_t hash;       /* of that and the address */
    struct rw_path path; /* where the endpoint has one */
    struct rw_slots *slots;
    unsigned holders; /* sets in force that have it; 0: not listed */
    char text[];
};

static inline struct rw_endpoint_record *rw_endpoint_record(struct rw_endpoint *endpoint)
{
    return rw_container_of(endpoint, struct rw_endpoint_record, endpoint);
}

/* What makes an endpoint another one. */
struct rw_endpoint_identity {
    struct rw_span upstream;
    const struct rw_address *address;
    struct rw_span host;
    struct rw_locality locality;
    const struct rw_path *path; /* NULL: nothing special */
};

/* The listed one, else a new one that is not listed; a reference for the caller. */
RW_MUST_CHECK enum rw_err rw_clusters_endpoint(struct rw_clusters *clusters,
                                               const struct rw_endpoint_identity *identity,
                                               struct rw_endpoint **endpoint);
/* An empty table of them. */
RW_MUST_CHECK enum rw_err rw_clusters_create_endpoints(struct rw_clusters *clusters);
/* A set comes into force, or goes. */
void rw_clusters_count_in(struct rw_clusters *clusters, struct rw_endpoint_set *set);
void rw_clusters_count_out(struct rw_clusters *clusters, struct rw_endpoint_set *set);

/* ---- cluster_source.c ---- */

/* Reads the configured endpoints. Mistakes go to the report. */
RW_MUST_CHECK enum rw_err rw_cluster_read_sources(struct rw_cluster_control *control,
                                                  const struct rw_config *config,
                                                  const struct rw_config_upstream *upstream,
                                                  struct rw_conf_report *report);
/* cluster_line.c: reads `tcp` and `lines`. Mistakes go to the report. */
RW_MUST_CHECK enum rw_err rw_cluster_read_lines(struct rw_cluster_control *control,
                                                const struct rw_config_upstream *upstream,
                                                struct rw_conf_report *report);
void rw_cluster_stop_sources(struct rw_cluster_control *control);
/* Makes a set of what the sources say, and puts it into force unless it is what it was. On error
 * all stays as it was. */
RW_MUST_CHECK enum rw_err rw_cluster_refresh(struct rw_cluster_control *control);
/* Probes what is in force now; tries again by itself when memory is short. */
void rw_cluster_start_probes(struct rw_cluster_control *control);

/* ---- cluster_describe.c, cluster_expose.c ---- */

/* Oldest first: the order of the configuration. NULL before the first, and at the end. */
const struct rw_cluster_control *rw_clusters_next_in_force(const struct rw_clusters *clusters,
                                                           const struct rw_cluster_control *after);
/* "up", "down", "ejected", "trial" or "returning". */
const char *rw_cluster_endpoint_state(const struct rw_cluster *cluster,
                                      const struct rw_endpoint *endpoint, uint64_t now_ms);

#endif
