/* Which protocol a call speaks: the upstream's, or what the endpoint has chosen by ALPN (protocol:
 * auto). It is taken to prefer HTTP/2 until it has shown that it does not. */
#include "origin/upstream_h1.h"
#include "origin/upstream_h2.h"

/* Room for either. */
union either {
    struct rw_upstream_h1 h1;
    struct rw_upstream_h2 h2;
};

static size_t call_bytes(const struct rw_cluster *cluster)
{
    if (cluster->negotiated)
        return sizeof(union either);
    return cluster->http2 ? sizeof(struct rw_upstream_h2) : sizeof(struct rw_upstream_h1);
}

struct rw_upstream_call *rw_upstream_call_new(struct rw_exchange *x, struct rw_cluster *cluster)
{
    struct rw_upstream_call *call = rw_arena_alloc(&x->arena, call_bytes(cluster));
    if (!call)
        return NULL;
    *call = (struct rw_upstream_call){
        .x = x, .cluster = cluster, .lease.touched = rw_exchange_touched(x)};
    if (cluster->http2 || cluster->negotiated)
        rw_upstream_h2_begin(call);
    else
        rw_upstream_h1_begin(call);
    return call;
}

void rw_upstream_speak(struct rw_upstream_call *call, const struct rw_endpoint *endpoint)
{
    if (!call->cluster->negotiated)
        return;
    uint64_t http1_until_ms = atomic_load_explicit(&endpoint->http1_until_ms, memory_order_relaxed);
    bool http2 = !call->upgrade && rw_loop_now_ms(call->x->worker->loop) >= http1_until_ms;
    if (http2 && !call->lease.http2)
        rw_upstream_h2_begin(call);
    else if (!http2 && call->lease.http2)
        rw_upstream_h1_begin(call);
}

void rw_upstream_acquire(struct rw_upstream_call *call, struct rw_endpoint *endpoint, bool fresh)
{
    rw_upstream_speak(call, endpoint);
    enum rw_pool_result result =
        rw_pool_acquire(call->x->worker, call->cluster, endpoint, &call->lease, fresh);
    if (result == RW_POOL_READY)
        rw_upstream_on_ready(&call->lease);
    else if (result == RW_POOL_FAILED)
        rw_upstream_on_failed(&call->lease, call->lease.reason, call->lease.detail);
}

void rw_upstream_on_http1(struct rw_lease *lease)
{
    struct rw_upstream_call *call = rw_container_of(lease, struct rw_upstream_call, lease);
    rw_upstream_acquire(call, rw_upstream_endpoint(call), false);
}
