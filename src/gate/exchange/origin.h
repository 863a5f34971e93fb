/* An origin kind: who answers a request. `upstream` (HTTP), `respond`, `redirect`, `files`, `echo`
 * now; AI, SQL, queues and others later. Each is one const struct in origin/, listed in
 * origin/registry.c.
 *
 * compile (control thread, once per route and snapshot) turns the route's action into an instance;
 * start (worker) gets an exchange. From then on the origin owes exactly one rw_exchange_respond
 * followed by data until `end`, or one rw_exchange_fail - unless cancel comes first. After the end,
 * a fail or a cancel the origin does not touch the exchange any more.
 */
#ifndef RW_GATE_EXCHANGE_ORIGIN_H
#define RW_GATE_EXCHANGE_ORIGIN_H

#include "gate/config/config.h"
#include "gate/exchange/exchange.h"

struct rw_meters;
struct rw_metrics;
struct rw_release_states;
struct rw_samples;
struct rw_documents;
struct rw_shares;
struct rw_snapshot;

/* What compile works with. */
struct rw_compile {
    struct rw_snapshot *snapshot; /* being built; clusters are there already */
    struct rw_arena *arena;       /* lives as long as the snapshot */
    struct rw_conf_report *report;
    struct rw_conf_place place;               /* of the action or policy */
    const struct rw_config_route *route;      /* NULL: a policy of a listener */
    struct rw_metrics *metrics;               /* NULL: nothing is counted */
    struct rw_meters *meters;                 /* NULL: nothing is limited */
    struct rw_shares *shares;                 /* NULL: no limit is shared */
    struct rw_documents *documents;           /* NULL: nothing is fetched */
    struct rw_release_states *release_states; /* NULL: no rollout is under way */
    struct rw_samples *samples;               /* NULL: none are kept */
};

struct rw_origin {
    /* Key, config record and manual text in a route; kind.user points back to this struct. */
    struct rw_conf_variant_kind kind;
    /* `config` is the filled record (or struct rw_span * for a text). Mistakes go to the report
     * (RW_EINVAL). */
    enum rw_err (*compile)(struct rw_compile *compile, const void *config, void **instance);
    /* Once all policies are compiled, too: may the route have it? Mistakes go to the report
     * (RW_EINVAL). NULL: it may. */
    enum rw_err (*check_route)(const void *instance, const struct rw_route *route,
                               const struct rw_snapshot *snapshot, struct rw_conf_report *report);
    /* Frees what is not in the arena; NULL: nothing. */
    void (*destroy)(void *instance);
    /* x->request, x->upstream_target are final. `first` is the body so far. The result is about
     * more of the request body. May respond before it returns. */
    enum rw_flow (*start)(struct rw_exchange *x, void *instance, const struct rw_piece *first);
    /* NULL: the origin does not want bodies; they are read and dropped. */
    enum rw_flow (*request_data)(struct rw_exchange *x, const struct rw_piece *piece);
    /* After a HOLD from rw_exchange_respond or _response_data: go on. NULL: it never has more than
     * one piece. */
    void (*response_resume)(struct rw_exchange *x);
    /* The exchange is over for other reasons: let go of everything. NULL: nothing is held. */
    void (*cancel)(struct rw_exchange *x);
    /* Of an exchange that `tunnels`, once it is ready: rw_tunnel_upstream, and the end, as after a
     * cancel. NULL: it never sets `tunnels`. */
    void (*detach)(struct rw_exchange *x, struct rw_tunnel *tunnel);
    /* One line for `ringway explain`: "upstream api: 2 endpoints, round robin". */
    void (*explain)(const void *instance, struct rw_text *text);
    /* As rw_policy.explain_client, once the policies have been asked. NULL: all are alike. */
    void (*explain_client)(struct rw_exchange *x, const void *instance, struct rw_text *text);
    /* Of an origin that sends clients elsewhere: where to, for this request; RW_EINVAL: nowhere.
     * The snapshot asks it about made-up requests, to find redirects that go in a circle. NULL: it
     * answers itself. */
    enum rw_err (*redirect_target)(const void *instance, struct rw_exchange *x,
                                   struct rw_span *target);
};

#endif
