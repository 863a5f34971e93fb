/* Which endpoint a request goes to. */
#include "base/map.h"
#include "gate/cluster/residency.h"
#include "origin/upstream_call.h"

#include <netinet/in.h>

/* The value of the first `name=value` in a list; at NULL: there is none. */
static struct rw_span value_in(struct rw_span list, char separator, struct rw_span name)
{
    struct rw_span pair;
    while (list.at && rw_span_next(&list, separator, &pair))
        if (pair.len > name.len && pair.at[name.len] == '=' && rw_span_starts(pair, name))
            return rw_span_skip(pair, name.len + 1);
    return (struct rw_span){0};
}

struct rw_span rw_upstream_cookie(const struct rw_exchange *x, struct rw_span name)
{
    return value_in(rw_message_value(&x->request, RW_FIELD_COOKIE), ';', name);
}

struct rw_span rw_upstream_query(const struct rw_exchange *x, struct rw_span name)
{
    return value_in(x->request.query, '&', name);
}

static struct rw_span address_key(const struct rw_exchange *x)
{
    if (x->client->sa_family == AF_INET6)
        return rw_span((const char *)&((const struct sockaddr_in6 *)x->client)->sin6_addr, 16);
    if (x->client->sa_family == AF_INET)
        return rw_span((const char *)&((const struct sockaddr_in *)x->client)->sin_addr, 4);
    return RW_LITERAL("unix");
}

struct rw_span rw_upstream_hash_key(const struct rw_exchange *x, const struct rw_config_hash *hash)
{
    struct rw_span key = {0};
    const struct rw_field *field;
    switch ((enum rw_config_hash_on)hash->on) {
    case RW_HASH_HEADER:
        field = rw_message_find_name(&x->request, hash->name);
        key = field ? field->value : key;
        break;
    case RW_HASH_COOKIE:
        key = rw_upstream_cookie(x, hash->name);
        break;
    case RW_HASH_PATH:
        key = x->request.path;
        break;
    case RW_HASH_QUERY:
        key = rw_upstream_query(x, hash->name);
        break;
    case RW_HASH_ADDRESS:
        break;
    }
    return key.len ? key : address_key(x);
}

uint64_t rw_upstream_hash(const struct rw_exchange *x, const struct rw_config_hash *hash)
{
    struct rw_span key = rw_upstream_hash_key(x, hash);
    return rw_hash(key.at, key.len, 0);
}

/* A request that may not go everywhere is told so: others might find an endpoint. */
enum rw_reason rw_upstream_no_endpoint(struct rw_exchange *x)
{
    if (!rw_residency_binds(x->residency))
        return RW_REASON_NO_ENDPOINT;
    rw_worker_count(x->worker, RW_COUNTER_RESIDENCY_NOWHERE, 1);
    return RW_REASON_RESIDENCY_NOWHERE;
}

struct rw_endpoint *rw_upstream_choose(const struct rw_upstream_call *call,
                                       const struct rw_endpoint *avoid)
{
    const struct rw_exchange *x = call->x;
    struct rw_worker *worker = x->worker;
    struct rw_choice choice = {
        .now_ms = rw_loop_now_ms(worker->loop),
        .cursor = &rw_worker_upstream(worker, call->cluster->slot)->cursor,
        .random = rw_loop_random(worker->loop),
        .avoid = avoid,
        .passive = &call->cluster->passive,
        .residency = x->residency,
    };
    if (call->cluster->balance == RW_BALANCE_HASH)
        choice.hash = rw_upstream_hash(x, &call->cluster->hash);
    return rw_cluster_choose(call->cluster, &choice);
}
