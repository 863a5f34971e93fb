#include "gate/identity/identity.h"

#include "gate/snapshot.h"

#include <string.h>

struct rw_span rw_identity_part(const struct rw_identity *identity, enum rw_identity_part part,
                                struct rw_span claim)
{
    static const struct rw_span none;
    if (!identity)
        return none;
    if (part == RW_IDENTITY_CONSUMER)
        return identity->consumer;
    if (part == RW_IDENTITY_TENANT)
        return identity->tenant;
    for (unsigned i = 0; i < identity->claim_count; i++)
        if (rw_span_eq(identity->claims[i].name, claim))
            return identity->claims[i].value;
    return none;
}

/* ---- Fields ---- */

void rw_identity_strip(const struct rw_config_identity *config, struct rw_message *request)
{
    const struct rw_conf_pair *claims = config->claim_fields.items;
    if (config->consumer_field.len)
        rw_message_remove(request, config->consumer_field);
    if (config->tenant_field.len)
        rw_message_remove(request, config->tenant_field);
    for (size_t i = 0; i < config->claim_fields.count; i++)
        rw_message_remove(request, claims[i].value);
}

static bool tells_field(const struct rw_config_identity *config, struct rw_span name)
{
    const struct rw_conf_pair *claims = config->claim_fields.items;
    bool told = rw_span_eq_nocase(name, config->consumer_field) ||
                rw_span_eq_nocase(name, config->tenant_field);
    for (size_t i = 0; i < config->claim_fields.count && !told; i++)
        told = rw_span_eq_nocase(name, claims[i].value);
    return told;
}

void rw_identity_strip_trailers(struct rw_exchange *x)
{
    const struct rw_config_identity *config = x->snapshot->config->identity;
    struct rw_span left = x->request_trailers;
    char *kept = rw_arena_alloc(&x->arena, left.len);
    size_t bytes = 0;
    while (kept && left.len) {
        const char *end = memchr(left.at, '\n', left.len), *colon = memchr(left.at, ':', left.len);
        size_t line = end ? (size_t)(end - left.at) + 1 : left.len;
        size_t name = colon ? (size_t)(colon - left.at) : 0;
        if (!tells_field(config, rw_span(left.at, name))) {
            memcpy(kept + bytes, left.at, line);
            bytes += line;
        }
        left = rw_span(left.at + line, left.len - line);
    }
    x->request_trailers = rw_span(kept, bytes);
}

static enum rw_err put_field(struct rw_exchange *x, struct rw_span name, struct rw_span value)
{
    if (name.len == 0 || value.len == 0)
        return RW_OK;
    return rw_message_add(&x->request, &x->arena, name, value);
}

static enum rw_err put_fields(struct rw_exchange *x)
{
    const struct rw_config_identity *config = x->snapshot->config->identity;
    const struct rw_conf_pair *claims = config->claim_fields.items;
    const struct rw_identity *identity = x->identity;
    enum rw_err err = put_field(x, config->consumer_field, identity->consumer);
    err = err ? err : put_field(x, config->tenant_field, identity->tenant);
    for (size_t i = 0; i < config->claim_fields.count && !err; i++)
        err = put_field(x, claims[i].value,
                        rw_identity_part(identity, RW_IDENTITY_CLAIM, claims[i].key));
    return err;
}

/* ---- Two that know something ---- */

static const struct rw_identity *merge(struct rw_arena *arena, const struct rw_identity *before,
                                       const struct rw_identity *now)
{
    unsigned count = before->claim_count + now->claim_count;
    struct rw_identity *both = rw_arena_alloc(arena, sizeof(*both));
    struct rw_claim *claims = rw_arena_alloc(arena, (count + 1) * sizeof(*claims));
    if (!both || !claims)
        return NULL;
    /* The first of a name is found. */
    for (unsigned i = 0; i < count; i++)
        claims[i] = i < now->claim_count ? now->claims[i] : before->claims[i - now->claim_count];
    *both = (struct rw_identity){
        .consumer = now->consumer.len ? now->consumer : before->consumer,
        .tenant = now->tenant.len ? now->tenant : before->tenant,
        .claims = claims,
        .claim_count = count,
    };
    return both;
}

enum rw_err rw_identity_tell(struct rw_exchange *x, const struct rw_identity *identity)
{
    if (x->identity) {
        identity = merge(&x->arena, x->identity, identity);
        if (!identity)
            return RW_ENOMEM;
        rw_identity_strip(x->snapshot->config->identity, &x->request);
    }
    x->identity = identity;
    return put_fields(x);
}

/* ---- Is there somebody who knows? ---- */

struct search {
    enum rw_identity_part part;
    struct rw_span claim;
    const void *instance;
    bool found; /* the instance, */
    bool told;  /* and before it, who tells */
};

static void look_through(struct search *search, const struct rw_policy_use *uses, unsigned count)
{
    for (unsigned i = 0; i < count && !search->found; i++) {
        const struct rw_policy *policy = uses[i].policy;
        search->found = uses[i].instance == search->instance;
        if (!search->found && policy->tells)
            search->told |= policy->tells(uses[i].instance, search->part, search->claim);
    }
}

static bool is_told(struct search search, const struct rw_listener_settings *listener,
                    const struct rw_route *route)
{
    look_through(&search, listener->policies, listener->policy_count);
    look_through(&search, route->policies, route->policy_count);
    return search.told || (search.instance && !search.found);
}

static enum rw_err lacks(const struct search *search, const struct rw_route *route,
                         struct rw_conf_report *report, struct rw_conf_place place,
                         const char *what)
{
    static const char *const parts[] = {
        [RW_IDENTITY_CONSUMER] = "the consumer",
        [RW_IDENTITY_TENANT] = "the tenant",
    };
    if (search->part == RW_IDENTITY_CLAIM)
        rw_conf_mistake_at(report, place,
                           "%s needs the claim %s, which no policy before it on the route %s "
                           "tells: put `jwt` before it, with the claim in its `claims`",
                           what, rw_conf_quote(report, search->claim),
                           rw_conf_quote(report, route->name));
    else
        rw_conf_mistake_at(report, place,
                           "%s needs %s, which no policy before it on the route %s tells: put "
                           "`api_key` or `jwt` before it",
                           what, parts[search->part], rw_conf_quote(report, route->name));
    return RW_EINVAL;
}

enum rw_err rw_identity_expect(enum rw_identity_part part, struct rw_span claim,
                               const void *instance, const struct rw_route *route,
                               const struct rw_snapshot *snapshot, struct rw_conf_report *report,
                               struct rw_conf_place place, const char *what)
{
    const struct search search = {.part = part, .claim = claim, .instance = instance};
    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        const struct rw_listener_settings *listener = &snapshot->listeners[i];
        if (rw_route_takes_listener(route, listener->name) && !is_told(search, listener, route))
            return lacks(&search, route, report, place, what);
    }
    return RW_OK;
}
