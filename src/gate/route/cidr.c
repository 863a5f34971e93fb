#include "gate/front/forwarded.h"
#include "gate/snapshot.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { MAPPED_BITS = 96 };

static void map_v4(uint8_t *to, const void *v4)
{
    memset(to, 0, 10);
    to[10] = to[11] = 0xff;
    memcpy(to + 12, v4, 4);
}

bool rw_cidr_bytes(const struct sockaddr *address, uint8_t to[16])
{
    if (address->sa_family == AF_INET) {
        map_v4(to, &((const struct sockaddr_in *)address)->sin_addr);
        return true;
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(to, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
    return true;
}

enum rw_err rw_cidr_parse(struct rw_span text, struct rw_cidr *cidr)
{
    ptrdiff_t slash = rw_span_find(text, '/');
    struct rw_span host = slash < 0 ? text : rw_span(text.at, (size_t)slash);
    struct rw_address address;
    enum rw_err err = rw_address_parse_ip(host, 0, &address);
    if (err)
        return err;
    bool v4 = address.storage.ss_family == AF_INET;
    uint64_t bits = v4 ? 32 : 128;
    if (slash >= 0 && !rw_span_to_u64(rw_span_skip(text, (size_t)slash + 1), &bits))
        return RW_EINVAL;
    if (bits > (v4 ? 32u : 128u))
        return RW_EINVAL;
    rw_cidr_bytes(rw_address_sockaddr(&address), cidr->bytes);
    cidr->bits = (uint8_t)(v4 ? bits + MAPPED_BITS : bits);
    return RW_OK;
}

void rw_cidr_range(const struct rw_cidr *cidr, uint8_t first[16], uint8_t last[16])
{
    for (unsigned i = 0; i < sizeof(cidr->bytes); i++) {
        unsigned bits = cidr->bits > i * 8 ? cidr->bits - i * 8 : 0;
        uint8_t hosts = bits >= 8 ? 0 : (uint8_t)(0xff >> bits);
        first[i] = cidr->bytes[i] & (uint8_t)~hosts;
        last[i] = cidr->bytes[i] | hosts;
    }
}

bool rw_cidr_holds(const struct rw_cidr *cidr, const struct sockaddr *address)
{
    uint8_t bytes[16];
    if (!rw_cidr_bytes(address, bytes))
        return false;
    unsigned whole = cidr->bits / 8, rest = cidr->bits % 8;
    if (memcmp(bytes, cidr->bytes, whole) != 0)
        return false;
    return rest == 0 || ((bytes[whole] ^ cidr->bytes[whole]) >> (8 - rest)) == 0;
}

enum rw_err rw_cidrs_parse(struct rw_arena *arena, const struct rw_conf_list *texts,
                           struct rw_cidr **cidrs, unsigned *count)
{
    const struct rw_span *items = texts->items;
    *cidrs = NULL;
    *count = 0;
    if (texts->count == 0)
        return RW_OK;
    *cidrs = rw_arena_alloc(arena, texts->count * sizeof(**cidrs));
    if (!*cidrs)
        return RW_ENOMEM;
    for (size_t i = 0; i < texts->count; i++)
        if (rw_cidr_parse(items[i], &(*cidrs)[*count]) == RW_OK)
            (*count)++;
    return RW_OK;
}

bool rw_cidrs_hold(const struct rw_cidr *cidrs, unsigned count, const struct sockaddr *address)
{
    for (unsigned i = 0; i < count; i++)
        if (rw_cidr_holds(&cidrs[i], address))
            return true;
    return false;
}
