#include "io/address.h"

#include "base/map.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static const struct sockaddr_in *as_ipv4(const void *address)
{
    return (const struct sockaddr_in *)address;
}

static const struct sockaddr_in6 *as_ipv6(const void *address)
{
    return (const struct sockaddr_in6 *)address;
}

static const struct sockaddr_un *as_unix(const void *address)
{
    return (const struct sockaddr_un *)address;
}

/* ---- Parsing ---- */

static void set_ipv4(struct rw_address *address, struct in_addr host, uint16_t port)
{
    *address = (struct rw_address){.bytes = sizeof(struct sockaddr_in)};
    struct sockaddr_in *to = (struct sockaddr_in *)&address->storage;
    to->sin_family = AF_INET;
    to->sin_port = htons(port);
    to->sin_addr = host;
}

static void set_ipv6(struct rw_address *address, struct in6_addr host, uint16_t port)
{
    *address = (struct rw_address){.bytes = sizeof(struct sockaddr_in6)};
    struct sockaddr_in6 *to = (struct sockaddr_in6 *)&address->storage;
    to->sin6_family = AF_INET6;
    to->sin6_port = htons(port);
    to->sin6_addr = host;
}

enum rw_err rw_address_parse_ip(struct rw_span text, uint16_t port, struct rw_address *address)
{
    char host[INET6_ADDRSTRLEN + 1];
    struct in_addr ipv4;
    struct in6_addr ipv6;
    bool brackets = text.len >= 2 && text.at[0] == '[' && text.at[text.len - 1] == ']';
    if (brackets)
        text = rw_span(text.at + 1, text.len - 2);
    if (text.len == 0 || text.len >= sizeof(host) || memchr(text.at, '\0', text.len))
        return RW_EINVAL;
    memcpy(host, text.at, text.len);
    host[text.len] = '\0';
    if (!brackets && inet_pton(AF_INET, host, &ipv4) == 1)
        set_ipv4(address, ipv4, port);
    else if (inet_pton(AF_INET6, host, &ipv6) == 1)
        set_ipv6(address, ipv6, port);
    else
        return RW_EINVAL;
    return RW_OK;
}

static enum rw_err parse_unix(struct rw_span path, struct rw_address *address)
{
    *address = (struct rw_address){0};
    struct sockaddr_un *to = (struct sockaddr_un *)&address->storage;
    if (path.len < 2 || (path.at[0] != '/' && path.at[0] != '@'))
        return RW_EINVAL;
    if (memchr(path.at, '\0', path.len))
        return RW_EINVAL;
    /* A path needs its NUL; an abstract name has none, and begins with one. */
    bool abstract = path.at[0] == '@';
    if (path.len + !abstract > sizeof(to->sun_path))
        return RW_ELIMIT;
    to->sun_family = AF_UNIX;
    memcpy(to->sun_path, path.at, path.len);
    if (abstract)
        to->sun_path[0] = '\0';
    address->bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + !abstract);
    return RW_OK;
}

enum rw_err rw_address_parse(struct rw_span text, struct rw_address *address)
{
    const struct rw_span prefix = RW_LITERAL("unix:");
    if (rw_span_starts(text, prefix))
        return parse_unix(rw_span_skip(text, prefix.len), address);
    const char *colon = text.len ? memrchr(text.at, ':', text.len) : NULL;
    uint64_t port;
    if (!colon)
        return RW_EINVAL;
    struct rw_span host = rw_span(text.at, (size_t)(colon - text.at));
    if (!rw_span_to_u64(rw_span_skip(text, host.len + 1), &port) || port > UINT16_MAX)
        return RW_EINVAL;
    if (host.len == 0 || rw_span_is(host, "*")) {
        set_ipv4(address, (struct in_addr){htonl(INADDR_ANY)}, (uint16_t)port);
        return RW_OK;
    }
    /* "::1:80" would be ambiguous: an IPv6 address needs its brackets. */
    if (host.at[0] != '[' && rw_span_find(host, ':') >= 0)
        return RW_EINVAL;
    return rw_address_parse_ip(host, (uint16_t)port, address);
}

/* ---- Formatting ---- */

uint16_t rw_address_port(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohs(as_ipv4(address)->sin_port);
    if (address->ss_family == AF_INET6)
        return ntohs(as_ipv6(address)->sin6_port);
    return 0;
}

void rw_address_set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET)
        ((struct sockaddr_in *)address)->sin_port = htons(port);
    else if (address->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
}

static char *format_octet(char *to, unsigned octet)
{
    if (octet >= 100) {
        *to++ = (char)('0' + octet / 100);
        octet %= 100;
        *to++ = (char)('0' + octet / 10);
    } else if (octet >= 10) {
        *to++ = (char)('0' + octet / 10);
    }
    *to++ = (char)('0' + octet % 10);
    return to;
}

static size_t format_ipv4(char *to, const uint8_t octets[4])
{
    char *at = format_octet(to, octets[0]);
    for (int i = 1; i < 4; i++) {
        *at++ = '.';
        at = format_octet(at, octets[i]);
    }
    return (size_t)(at - to);
}

static size_t put(char *to, struct rw_span text)
{
    memcpy(to, text.at, text.len);
    return text.len;
}

/* As RFC 5952 has it. */
static size_t format_ipv6(char *to, const struct in6_addr *host)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, host, text, sizeof(text));
    return put(to, rw_span_text(text));
}

size_t rw_address_format_host(char *to, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return format_ipv4(to, (const uint8_t *)&as_ipv4(address)->sin_addr);
    if (address->sa_family != AF_INET6)
        return put(to, RW_LITERAL("unix"));
    const struct in6_addr *host = &as_ipv6(address)->sin6_addr;
    return IN6_IS_ADDR_V4MAPPED(host) ? format_ipv4(to, &host->s6_addr[12]) : format_ipv6(to, host);
}

static size_t format_unix(char *to, const struct sockaddr_un *address)
{
    bool abstract = address->sun_path[0] == '\0' && address->sun_path[1] != '\0';
    size_t path_bytes = sizeof(address->sun_path) - abstract;
    size_t at = put(to, RW_LITERAL("unix:"));
    if (abstract)
        to[at++] = '@';
    const char *path = address->sun_path + abstract;
    return at + put(to + at, rw_span(path, strnlen(path, path_bytes)));
}

size_t rw_address_format(char *to, const struct sockaddr_storage *address)
{
    size_t len = 0;
    switch (address->ss_family) {
    case AF_INET:
        len = rw_address_format_host(to, (const struct sockaddr *)address);
        break;
    case AF_INET6: /* not unmapped: what is parsed again must be the same address */
        to[len++] = '[';
        len += format_ipv6(to + len, &as_ipv6(address)->sin6_addr);
        to[len++] = ']';
        break;
    default:
        return format_unix(to, as_unix(address));
    }
    to[len++] = ':';
    return len + rw_format_u64(to + len, rw_address_port(address));
}

bool rw_address_eq(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    switch (a->ss_family) {
    case AF_INET:
        return as_ipv4(a)->sin_port == as_ipv4(b)->sin_port &&
               as_ipv4(a)->sin_addr.s_addr == as_ipv4(b)->sin_addr.s_addr;
    case AF_INET6:
        return as_ipv6(a)->sin6_port == as_ipv6(b)->sin6_port &&
               IN6_ARE_ADDR_EQUAL(&as_ipv6(a)->sin6_addr, &as_ipv6(b)->sin6_addr);
    case AF_UNIX:
        return memcmp(as_unix(a)->sun_path, as_unix(b)->sun_path, sizeof(as_unix(a)->sun_path)) ==
               0;
    default:
        return false;
    }
}

uint64_t rw_address_hash(const struct sockaddr_storage *address)
{
    switch (address->ss_family) {
    case AF_INET:
        return rw_hash(&as_ipv4(address)->sin_addr, sizeof(struct in_addr),
                       as_ipv4(address)->sin_port);
    case AF_INET6:
        return rw_hash(&as_ipv6(address)->sin6_addr, sizeof(struct in6_addr),
                       as_ipv6(address)->sin6_port);
    case AF_UNIX:
        return rw_hash(as_unix(address)->sun_path, sizeof(as_unix(address)->sun_path), 0);
    default:
        return 0;
    }
}
