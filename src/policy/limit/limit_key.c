#include "policy/limit/limit_key.h"

#include "conf/read.h"
#include "gate/front/forwarded.h"
#include "gate/snapshot.h"
#include "http/pairs.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { IP_BYTES = 16, MAPPED_BITS = 96, NAME_BYTES_MAX = 128, CHUNK_BYTES = 64 };

/* ---- Adding ---- */

static void add_bytes(struct rw_siphash *hash, const void *at, uint64_t len)
{
    rw_siphash_add(hash, &len, sizeof(len));
    rw_siphash_add(hash, at, len);
}

static bool add_text(struct rw_siphash *hash, struct rw_span text)
{
    if (text.len == 0)
        return false;
    add_bytes(hash, text.at, text.len);
    return true;
}

/* The network that an address is counted with. False: the client has none. */
static bool find_network(const struct rw_limit_part *part, const struct sockaddr *client,
                         uint8_t ip[IP_BYTES], bool *v4)
{
    static const uint8_t mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};
    if (!rw_cidr_bytes(client, ip))
        return false;
    *v4 = memcmp(ip, mapped, sizeof(mapped)) == 0;
    unsigned bits = *v4 ? MAPPED_BITS + part->ipv4_bits : part->ipv6_bits;
    for (unsigned i = bits / 8; i < IP_BYTES; i++)
        ip[i] &= i == bits / 8 ? (uint8_t)(0xff00 >> bits % 8) : 0;
    return true;
}

static bool add_address(const struct rw_limit_part *part, const struct rw_exchange *x,
                        struct rw_siphash *hash)
{
    uint8_t ip[IP_BYTES];
    bool v4;
    if (!find_network(part, x->client, ip, &v4))
        return false;
    add_bytes(hash, ip, sizeof(ip));
    return true;
}

static bool add_host(const struct rw_limit_part *part, const struct rw_exchange *x,
                     struct rw_siphash *hash)
{
    (void)part;
    struct rw_span host = x->request.authority;
    size_t end = host.len;
    while (end > 0 && host.at[end - 1] >= '0' && host.at[end - 1] <= '9')
        end--;
    if (end > 0 && host.at[end - 1] == ':')
        host.len = end - 1;
    if (host.len > 1 && host.at[host.len - 1] == '.')
        host.len--; /* routes do not look at it either */
    if (host.len == 0)
        return false;
    uint64_t len = host.len;
    rw_siphash_add(hash, &len, sizeof(len));
    while (host.len) {
        char lower[CHUNK_BYTES];
        size_t count = host.len < sizeof(lower) ? host.len : sizeof(lower);
        for (size_t i = 0; i < count; i++)
            lower[i] = rw_lower(host.at[i]);
        rw_siphash_add(hash, lower, count);
        host = rw_span_skip(host, count);
    }
    return true;
}

static bool add_route(const struct rw_limit_part *part, const struct rw_exchange *x,
                      struct rw_siphash *hash)
{
    (void)part;
    return x->route && add_text(hash, x->route->name);
}

static bool add_method(const struct rw_limit_part *part, const struct rw_exchange *x,
                       struct rw_siphash *hash)
{
    (void)part;
    return add_text(hash, x->request.method_text);
}

static bool add_constant(const struct rw_limit_part *part, const struct rw_exchange *x,
                         struct rw_siphash *hash)
{
    (void)part;
    (void)x;
    (void)hash;
    return true;
}

/* ---- Who asks ---- */

static bool add_identity(const struct rw_limit_part *part, const struct rw_exchange *x,
                         struct rw_siphash *hash)
{
    return add_text(hash, rw_identity_part(x->identity, part->kind->identity, part->name));
}

/* ---- What has a name, and may be there several times ---- */

static bool add_decoded(struct rw_siphash *hash, enum rw_pairs kind, struct rw_span text)
{
    uint64_t len = 0;
    for (struct rw_span rest = text; rest.len; len++)
        (void)rw_pairs_decode(kind, &rest);
    if (len == 0)
        return false;
    rw_siphash_add(hash, &len, sizeof(len));
    while (text.len) {
        char bytes[CHUNK_BYTES];
        size_t count = 0;
        while (text.len && count < sizeof(bytes))
            bytes[count++] = rw_pairs_decode(kind, &text);
        rw_siphash_add(hash, bytes, count);
    }
    return true;
}

/* No text is as long as this says. */
static bool add_ambiguous(struct rw_siphash *hash)
{
    static const uint64_t mark = UINT64_MAX;
    rw_siphash_add(hash, &mark, sizeof(mark));
    return true;
}

static bool add_header(const struct rw_limit_part *part, const struct rw_exchange *x,
                       struct rw_siphash *hash)
{
    enum rw_field_id id = rw_field_id(part->name);
    const struct rw_field *first = NULL;
    for (unsigned i = 0; i < x->request.field_count; i++) {
        const struct rw_field *field = &x->request.fields[i];
        if (field->id != id ||
            (id == RW_FIELD_OTHER && !rw_span_eq_nocase(field->name, part->name)))
            continue;
        if (first && !rw_span_eq(first->value, field->value))
            return add_ambiguous(hash);
        first = field;
    }
    return first && add_text(hash, first->value);
}

static bool add_pair(const struct rw_limit_part *part, const struct rw_exchange *x,
                     struct rw_siphash *hash, enum rw_pairs kind)
{
    struct rw_pairs_found found = rw_pairs_find(&x->request, kind, part->name);
    return found.ambiguous ? add_ambiguous(hash) : add_decoded(hash, kind, found.value);
}

static bool add_cookie(const struct rw_limit_part *part, const struct rw_exchange *x,
                       struct rw_siphash *hash)
{
    return add_pair(part, x, hash, RW_PAIRS_COOKIE);
}

static bool add_query(const struct rw_limit_part *part, const struct rw_exchange *x,
                      struct rw_siphash *hash)
{
    return add_pair(part, x, hash, RW_PAIRS_QUERY);
}

/* ---- The table ---- */

static const struct rw_limit_kind kinds[] = {
    {.name = "address", .add = add_address},
    {.name = "host", .add = add_host},
    {.name = "route", .add = add_route},
    {.name = "method", .add = add_method},
    {.name = "constant", .add = add_constant},
    {.name = "header", .named = true, .add = add_header},
    {.name = "cookie", .named = true, .add = add_cookie},
    {.name = "query", .named = true, .add = add_query},
    {.name = "consumer",
     .of_identity = true,
     .identity = RW_IDENTITY_CONSUMER,
     .add = add_identity},
    {.name = "tenant", .of_identity = true, .identity = RW_IDENTITY_TENANT, .add = add_identity},
    {.name = "claim",
     .named = true,
     .of_identity = true,
     .identity = RW_IDENTITY_CLAIM,
     .add = add_identity},
};

static const struct rw_limit_kind *kind_named(struct rw_span name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (rw_span_is(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

bool rw_limit_part_tell_network(const struct rw_limit_part *part, const struct sockaddr *client,
                                struct rw_text *text)
{
    uint8_t ip[IP_BYTES];
    char host[INET6_ADDRSTRLEN];
    bool v4;
    if (part->kind->add != add_address || !find_network(part, client, ip, &v4))
        return false;
    if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &ip[MAPPED_BITS / 8] : ip, host, sizeof(host)))
        return false;
    rw_text_addf(text, "%s/%u", host, v4 ? part->ipv4_bits : part->ipv6_bits);
    return true;
}

enum rw_err rw_limit_part_parse(struct rw_span text, char flaw[256], struct rw_limit_part *part)
{
    ptrdiff_t colon = rw_span_find(text, ':');
    struct rw_span name = colon < 0 ? (struct rw_span){0} : rw_span_skip(text, (size_t)colon + 1);
    *part = (struct rw_limit_part){
        .kind = kind_named(colon < 0 ? text : rw_span(text.at, (size_t)colon)), .name = name};
    if (!part->kind)
        snprintf(flaw, 256,
                 "expected address, consumer, tenant, claim:NAME, host, route, method, constant, "
                 "header:NAME, cookie:NAME or query:NAME");
    else if (part->kind->named && (name.len > NAME_BYTES_MAX || !rw_is_token(name)))
        snprintf(flaw, 256, "expected %s:NAME", part->kind->name);
    else if (!part->kind->named && colon >= 0)
        snprintf(flaw, 256, "%s has no name", part->kind->name);
    else
        return RW_OK;
    return RW_EINVAL;
}

const char *rw_limit_part_nearest(struct rw_span text)
{
    enum { KINDS = sizeof(kinds) / sizeof(*kinds) };
    const char *names[KINDS];
    ptrdiff_t colon = rw_span_find(text, ':');
    struct rw_span name = colon < 0 ? text : rw_span(text.at, (size_t)colon);
    for (size_t i = 0; i < KINDS; i++)
        names[i] = kinds[i].name;
    return kind_named(name) ? NULL : rw_conf_nearest(name, names, KINDS);
}
