#include "policy/address/address.h"

#include "gate/forwarded.h"
#include "gate/snapshot.h"
#include "policy/refuse.h"

#include <stdlib.h>

enum { ADDRESS_NETWORKS_MAX = 65536, IP_BYTES = 16 };

struct address_config {
    struct rw_conf_list allow, deny; /* of rw_span */
    uint32_t status;
    struct rw_conf_place place;
};

/* IPv4 addresses as ::ffff:a.b.c.d. */
struct range {
    uint8_t first[IP_BYTES], last[IP_BYTES];
};

struct ranges {
    struct range *items; /* in order, none touches another */
    size_t count;
};

struct address {
    struct ranges allow, deny;
    const struct address_config *config;
};

/* ---- Configuration ---- */

#define MEMBER(member) offsetof(struct address_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "allow",
        .type = RW_CONF_CIDR,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(allow),
        .doc = "Networks whose clients pass; all others are refused. Without it all pass.",
        .example = "[10.0.0.0/8, \"fd00::/8\"]",
    },
    {
        .name = "deny",
        .type = RW_CONF_CIDR,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(deny),
        .doc = "Networks whose clients are refused, also where `allow` has them.",
        .example = "[10.9.0.0/16, 192.0.2.1]",
    },
    {
        .name = "status",
        .type = RW_CONF_UINT,
        .offset = MEMBER(status),
        .fallback = "403",
        .min = 400,
        .max = 499,
        .doc = "What the refused are answered; 404 does not tell them that there is something.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check(void *value, struct rw_conf_report *report)
{
    struct address_config *config = value;
    if (config->allow.count == 0 && config->deny.count == 0)
        rw_conf_mistake_at(report, config->place, "expected `allow`, `deny` or both");
    if (config->allow.count > ADDRESS_NETWORKS_MAX || config->deny.count > ADDRESS_NETWORKS_MAX)
        rw_conf_mistake_at(report, config->place, "a list has more than %d networks",
                           ADDRESS_NETWORKS_MAX);
}

static const struct rw_conf_record record = {
    .name = "policy.address",
    .doc = "Lets clients pass by their IP address, which behind a trusted proxy is what that proxy "
           "says.",
    .size = sizeof(struct address_config),
    .fields = fields,
    .place_offset = offsetof(struct address_config, place),
    .check = check,
};

/* ---- Ranges ---- */

static struct range range_of(const struct rw_cidr *cidr)
{
    struct range range;
    for (unsigned i = 0; i < IP_BYTES; i++) {
        unsigned bits = cidr->bits > i * 8 ? cidr->bits - i * 8 : 0;
        uint8_t hosts = bits >= 8 ? 0 : (uint8_t)(0xff >> bits);
        range.first[i] = cidr->bytes[i] & (uint8_t)~hosts;
        range.last[i] = cidr->bytes[i] | hosts;
    }
    return range;
}

static int by_first(const void *a, const void *b)
{
    const struct range *left = a, *right = b;
    return memcmp(left->first, right->first, IP_BYTES);
}

static void sort_and_merge(struct ranges *ranges)
{
    struct range *items = ranges->items;
    size_t kept = 0;
    qsort(items, ranges->count, sizeof(*items), by_first);
    for (size_t i = 0; i < ranges->count; i++) {
        struct range *before = kept ? &items[kept - 1] : NULL;
        if (!before || memcmp(items[i].first, before->last, IP_BYTES) > 0)
            items[kept++] = items[i];
        else if (memcmp(items[i].last, before->last, IP_BYTES) > 0)
            memcpy(before->last, items[i].last, IP_BYTES);
    }
    ranges->count = kept;
}

static enum rw_err compile_ranges(struct rw_compile *compile, const struct rw_conf_list *list,
                                  struct ranges *ranges)
{
    const struct rw_span *texts = list->items;
    if (list->count == 0)
        return RW_OK;
    ranges->items = rw_arena_alloc(compile->arena, list->count * sizeof(*ranges->items));
    if (!ranges->items)
        return RW_ENOMEM;
    for (size_t i = 0; i < list->count; i++) {
        struct rw_cidr cidr;
        if (rw_cidr_parse(texts[i], &cidr) == RW_OK) {
            ranges->items[ranges->count++] = range_of(&cidr);
            continue;
        }
        rw_conf_mistake_at(compile->report, compile->place, "not a network: %s",
                           rw_conf_quote(compile->report, texts[i]));
        return RW_EINVAL;
    }
    sort_and_merge(ranges);
    return RW_OK;
}

static bool holds(const struct ranges *ranges, const uint8_t *ip)
{
    size_t low = 0, high = ranges->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct range *range = &ranges->items[middle];
        if (memcmp(ip, range->first, IP_BYTES) < 0)
            high = middle;
        else if (memcmp(ip, range->last, IP_BYTES) > 0)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

/* ---- The policy ---- */

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct address_config *config = value;
    struct address *address = rw_arena_zero(compile->arena, sizeof(*address));
    if (!address)
        return RW_ENOMEM;
    address->config = config;
    *instance = address;
    enum rw_err err = compile_ranges(compile, &config->allow, &address->allow);
    return err ? err : compile_ranges(compile, &config->deny, &address->deny);
}

/* A client of a Unix socket has no address: no list holds it. */
static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct address *address = instance;
    uint8_t ip[IP_BYTES];
    bool known = rw_cidr_bytes(&x->client, ip);
    bool pass = address->allow.count == 0 || (known && holds(&address->allow, ip));
    if (pass && !(known && holds(&address->deny, ip)))
        return RW_VERDICT_NEXT;
    return rw_policy_refuse(x, address->config->status, "This address may not come here.");
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct address *address = instance;
    if (address->config->allow.count)
        rw_text_addf(text, "allow %zu networks", address->config->allow.count);
    else
        rw_text_adds(text, "allow all");
    rw_text_addf(text, ", deny %zu; the others get %u", address->config->deny.count,
                 address->config->status);
}

const struct rw_policy rw_policy_address = {
    .kind = {.name = "address",
             .record = &record,
             .doc = "Lets clients pass by their IP address.",
             .user = &rw_policy_address},
    .compile = compile,
    .on_request = on_request,
    .explain = explain,
};
