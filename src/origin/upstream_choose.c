/* Which endpoint a request goes to. */
#include "base/map.h"

#include "origin/upstream_call.h"

#include <netinet/in.h>

static struct rw_span cookie_value(struct rw_span cookies, struct rw_span name)
{
    struct rw_span pair;
    while (rw_span_next(&cookies, ';', &pair))
        if (pair.len > name.len && pair.at[name.len] == '=' && rw_span_starts(pair, name))
            return rw_span_skip(pair, name.len + 1);
    return (struct rw_span){0};
}

static struct rw_span query_value(struct rw_span query, struct rw_span name)
{
    struct rw_span pair;
    while (rw_span_next(&query, '&', &pair))
        if (pair.len > name.len && pair.at[name.len] == '=' && rw_span_starts(pair, name))
            return rw_span_skip(pair, name.len + 1);
    return (struct rw_span){0};
}

static struct rw_span address_key(const struct rw_exchange *x)
{
    if (x->client.ss_family == AF_INET6)
        return rw_span((const char *)&((const struct sockaddr_in6 *)&x->client)->sin6_addr, 16);
    if (x->client.ss_family == AF_INET)
        return rw_span((const char *)&((const struct sockaddr_in *)&x->client)->sin_addr, 4);
    return RW_LITERAL("unix");
}

/* What the hash is over; without the header, cookie or parameter it is the client's address. */
static struct rw_span hash_key(const struct rw_exchange *x, const struct rw_config_hash *hash)
{
    struct rw_span key = {0};
    const struct rw_field *field;
    switch ((enum rw_config_hash_on)hash->on) {
    case RW_HASH_HEADER:
        field = rw_message_find_name(&x->request, hash->name);
        key = field ? field->value : key;
        break;
    case RW_HASH_COOKIE:
        key = cookie_value(rw_message_value(&x->request, RW_FIELD_COOKIE), hash->name);
        break;
    case RW_HASH_PATH:
        key = x->request.path;
        break;
    case RW_HASH_QUERY:
        key = query_value(x->request.query, hash->name);
        break;
    case RW_HASH_ADDRESS:
        break;
    }
    return key.len ? key : address_key(x);
}

uint64_t rw_upstream_hash(const struct rw_exchange *x, const struct rw_config_hash *hash)
{
    struct rw_span key = hash_key(x, hash);
    return rw_hash(key.at, key.len, 0);
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
    };
    if (call->cluster->balance == RW_BALANCE_HASH)
        choice.hash = rw_upstream_hash(x, &call->cluster->hash);
    return rw_cluster_choose(call->cluster, &choice);
}
