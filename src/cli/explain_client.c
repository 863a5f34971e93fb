#include "cli/explain_client.h"

#include "base/alloc.h"
#include "gate/front/forwarded.h"
#include "gate/snapshot.h"
#include "io/address.h"

struct rw_exchange *rw_explain_client_create(struct rw_snapshot *snapshot, unsigned listener,
                                             int route, const struct rw_message *request,
                                             const struct rw_route_params *params,
                                             const struct sockaddr *peer)
{
    struct rw_exchange *x = rw_alloc_zero(RW_EXCHANGE_BYTES);
    if (!x)
        return NULL;
    rw_arena_init(&x->arena, NULL, 0, 16 * 1024, 1 << 20);
    x->snapshot = snapshot;
    x->listener = &snapshot->listeners[listener];
    x->route = &snapshot->routes[route];
    x->params = params;
    x->request = *request;
    x->https = x->listener->tls != NULL;
    x->peer = peer;
    if (rw_forwarded_resolve(x))
        return x;
    rw_explain_client_destroy(x);
    return NULL;
}

void rw_explain_client_destroy(struct rw_exchange *x)
{
    if (x)
        rw_arena_free(&x->arena);
    rw_free(x);
}

void rw_explain_client_print(const struct rw_exchange *x, struct rw_text *text)
{
    char client[RW_ADDRESS_HOST_TEXT_MAX], peer[RW_ADDRESS_HOST_TEXT_MAX];
    size_t client_len = rw_address_format_host(client, x->client);
    size_t peer_len = rw_address_format_host(peer, x->peer);
    rw_text_addf(text, "  client    %.*s", (int)client_len, client);
    if (x->client != x->peer)
        rw_text_addf(text, ", as the trusted proxy %.*s says", (int)peer_len, peer);
    else if (x->client_trusted)
        rw_text_adds(text, ", a trusted proxy that does not say for whom it asks");
    rw_text_adds(text, "\n");
}
