/* Addresses of listeners and origins, and ranges of IP addresses. */
#include "conf/scalar.h"

#include <arpa/inet.h>
#include <sys/un.h>

enum { HOST_BYTES_MAX = 253, LABEL_BYTES_MAX = 63 };

static bool is_host_byte(char c)
{
    char lower = rw_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_host(struct rw_span host)
{
    if (host.len == 0 || host.len > HOST_BYTES_MAX)
        return false;
    size_t label = 0;
    for (size_t i = 0; i < host.len; i++) {
        if (host.at[i] == '.') {
            if (label == 0)
                return false;
            label = 0;
        } else if (!is_host_byte(host.at[i]) || ++label > LABEL_BYTES_MAX) {
            return false;
        }
    }
    return true;
}

static bool is_v4(struct rw_span host)
{
    struct rw_conf_cidr cidr;
    return rw_span_find(host, '/') < 0 && !rw_conf_cidr(host, &cidr) && !cidr.v6;
}

/* A host whose last label is a number is meant as an IPv4 address: 10.0.0.256 is no name. */
static bool is_v4_or_name(struct rw_span host)
{
    size_t digits = 0;
    while (digits < host.len && host.at[host.len - 1 - digits] >= '0' &&
           host.at[host.len - 1 - digits] <= '9')
        digits++;
    bool numeric = digits && (digits == host.len || host.at[host.len - 1 - digits] == '.');
    return is_host(host) && (!numeric || is_v4(host));
}

static const char *read_port(struct rw_span text, uint16_t *port)
{
    uint64_t value = 0;
    /* A port that the kernel chose (0) is one that no client knows. */
    if (!rw_span_to_u64(text, &value) || value == 0 || value > 65535 || text.len > 5)
        return "the port is a number from 1 to 65535";
    *port = (uint16_t)value;
    return NULL;
}

static const char *read_unix(struct rw_span path, struct rw_conf_address *address)
{
    if (path.len < 2 || (path.at[0] != '/' && path.at[0] != '@'))
        return "after \"unix:\" comes a path that begins with \"/\", or \"@\" and a name";
    if (path.len >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return "the path of a Unix socket has at most 107 bytes";
    address->path = path;
    return NULL;
}

static const char *read_v6(struct rw_span text, struct rw_conf_address *address)
{
    ptrdiff_t end = rw_span_find(text, ']');
    struct rw_span host = rw_span(text.at + 1, end < 1 ? 0 : (size_t)end - 1);
    struct rw_conf_cidr cidr;
    if (rw_span_find(host, ':') < 0 || rw_span_find(host, '/') >= 0 || rw_conf_cidr(host, &cidr))
        return "an IPv6 address stands between the brackets";
    struct rw_span rest = rw_span_skip(text, (size_t)end + 1);
    if (rest.len == 0 || rest.at[0] != ':')
        return "\":\" and a port follow after \"]\"";
    address->host = host;
    return read_port(rw_span_skip(rest, 1), &address->port);
}

const char *rw_conf_address(struct rw_span text, bool remote, struct rw_conf_address *address)
{
    *address = (struct rw_conf_address){0};
    if (rw_span_starts(text, RW_LITERAL("unix:")))
        return read_unix(rw_span_skip(text, 5), address);
    if (remote && rw_span_starts(text, RW_LITERAL("srv:"))) {
        address->srv = rw_span_skip(text, 4);
        return is_host(address->srv) ? NULL : "the name after \"srv:\" is not a host name";
    }
    if (text.len && text.at[0] == '[')
        return read_v6(text, address);
    ptrdiff_t colon = rw_span_find(text, ':');
    uint64_t number;
    if (colon < 0 && rw_span_to_u64(text, &number))
        return remote ? "the host is missing" : "before a port alone stands \":\"";
    if (colon < 0)
        return "the port is missing";
    struct rw_span host = rw_span(text.at, (size_t)colon);
    struct rw_span rest = rw_span_skip(text, (size_t)colon + 1);
    if (rw_span_find(rest, ':') >= 0)
        return rw_span_find(text, '/') >= 0 ? "an address is not a URL"
                                            : "an IPv6 address stands in brackets: \"[::1]:80\"";
    if (rw_span_starts(rest, RW_LITERAL("//")))
        return "an address is not a URL";
    if (host.len == 0 && remote)
        return "the host is missing";
    if (remote && !is_v4_or_name(host))
        return "the host is neither a name nor an IP address";
    if (rw_span_is(host, "*"))
        host.len = 0;
    if (!remote && host.len && !is_v4(host))
        return rw_span_is(host, "localhost") ? "names are not looked up here: write 127.0.0.1"
                                             : "the host is not an IP address";
    address->host = host;
    return read_port(rest, &address->port);
}

static bool host_bits_clear(const struct rw_conf_cidr *cidr)
{
    for (unsigned bit = cidr->prefix; bit < (cidr->v6 ? 128u : 32u); bit++)
        if (cidr->bits[bit / 8] & (0x80 >> bit % 8))
            return false;
    return true;
}

enum rw_err rw_conf_cidr(struct rw_span text, struct rw_conf_cidr *cidr)
{
    char address[INET6_ADDRSTRLEN] = {0};
    ptrdiff_t slash = rw_span_find(text, '/');
    struct rw_span host = slash < 0 ? text : rw_span(text.at, (size_t)slash);
    if (host.len == 0 || host.len >= sizeof(address) || memchr(host.at, 0, host.len))
        return RW_EINVAL;
    memcpy(address, host.at, host.len);
    *cidr = (struct rw_conf_cidr){.v6 = rw_span_find(host, ':') >= 0};
    if (inet_pton(cidr->v6 ? AF_INET6 : AF_INET, address, cidr->bits) != 1)
        return RW_EINVAL;
    uint64_t prefix = cidr->v6 ? 128 : 32;
    if (slash >= 0) {
        uint64_t most = prefix;
        struct rw_span digits = rw_span_skip(text, (size_t)slash + 1);
        if (!rw_span_to_u64(digits, &prefix) || prefix > most || digits.len > 3)
            return RW_EINVAL;
    }
    cidr->prefix = (unsigned)prefix;
    return host_bits_clear(cidr) ? RW_OK : RW_ELIMIT;
}
