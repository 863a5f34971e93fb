/* Which endpoint a request goes to. */
#include "base/map.h"
#include "gate/cluster/balance/residency.h"
#include "gate/identity/identity.h"
#include "origin/upstream_call.h"

#include <netinet/in.h>

/* What decodes to something shorter is copied; without memory for that it stays as it was sent. */
struct rw_span rw_upstream_pair(struct rw_exchange *x, enum rw_pairs kind, struct rw_span name)
{
    struct rw_span value = rw_pairs_find(&x->request, kind, name).value;
    if (rw_span_find(value, '%') < 0 && rw_span_find(value, '+') < 0)
        return value;
    char *to = rw_arena_alloc(&x->arena, value.len);
    return to ? rw_span(to, rw_pairs_decode_all(kind, value, to)) : value;
}

static struct rw_span address_key(const struct rw_exchange *x)
{
    if (x->client->sa_family == AF_INET6)
        return rw_span((const char *)&((const struct sockaddr_in6 *)x->client)->sin6_addr, 16);
    if (x->client->sa_family == AF_INET)
        return rw_span((const char *)&((const struct sockaddr_in *)x->client)->sin_addr, 4);
    return RW_LITERAL("unix");
}

struct rw_span rw_upstream_hash_key(struct rw_exchange *x, const struct rw_config_hash *hash)
{
    struct rw_span key = {0};
    const struct rw_field *field;
    switch ((enum rw_config_hash_on)hash->on) {
    case RW_HASH_HEADER:
        field = rw_message_find_name(&x->request, hash->name);
        key = field ? field->value : key;
        break;
    case RW_HASH_COOKIE:
        key = rw_upstream_pair(x, RW_PAIRS_COOKIE, hash->name);
        break;
    case RW_HASH_PATH:
        key = x->request.path;
        break;
    case RW_HASH_QUERY:
        key = rw_upstream_pair(x, RW_PAIRS_QUERY, hash->name);
        break;
    case RW_HASH_CONSUMER:
        key = rw_identity_part(x->identity, RW_IDENTITY_CONSUMER, hash->name);
        break;
    case RW_HASH_TENANT:
        key = rw_identity_part(x->identity, RW_IDENTITY_TENANT, hash->name);
        break;
    case RW_HASH_CLAIM:
        key = rw_identity_part(x->identity, RW_IDENTITY_CLAIM, hash->name);
        break;
    case RW_HASH_ADDRESS:
        break;
    }
    return key.len ? key : address_key(x);
}

uint64_t rw_upstream_hash(struct rw_exchange *x, const struct rw_config_hash *hash)
{
    struct rw_span key = rw_upstream_hash_key(x, hash);
    return rw_hash(key.at, key.len, 0);
}

/* ---- Are they told? ---- */

bool rw_upstream_asks_identity(const struct rw_config_hash *hash, enum rw_identity_part *part)
{
    switch ((enum rw_config_hash_on)hash->on) {
    case RW_HASH_CONSUMER:
        *part = RW_IDENTITY_CONSUMER;
        return true;
    case RW_HASH_TENANT:
        *part = RW_IDENTITY_TENANT;
        return true;
    case RW_HASH_CLAIM:
        *part = RW_IDENTITY_CLAIM;
        return true;
    default:
        return false;
    }
}

enum rw_err rw_upstream_expect_key(const struct rw_config_hash *hash, const char *what,
                                   const struct rw_route *route, const struct rw_snapshot *snapshot,
                                   struct rw_conf_report *report)
{
    enum rw_identity_part part;
    if (!rw_upstream_asks_identity(hash, &part))
        return RW_OK;
    return rw_identity_expect(part, hash->name, NULL, route, snapshot, report, hash->place, what);
}

enum rw_err rw_upstream_expect_keys(const struct rw_cluster *cluster, const struct rw_route *route,
                                    const struct rw_snapshot *snapshot,
                                    struct rw_conf_report *report)
{
    enum rw_err balance = RW_OK, fair = RW_OK;
    if (cluster->balance == RW_BALANCE_HASH)
        balance = rw_upstream_expect_key(&cluster->hash, "`hash`", route, snapshot, report);
    if (cluster->limiter && balance != RW_ENOMEM)
        fair = rw_upstream_expect_key(&cluster->overload.fair_by, "`fair_by`", route, snapshot,
                                      report);
    return balance ? balance : fair;
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
    struct rw_exchange *x = call->x;
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
