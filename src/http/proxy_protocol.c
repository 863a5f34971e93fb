#include "http/proxy_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

enum {
    V2_HEAD_BYTES = 16,
    V2_INET_BYTES = 12,
    V2_INET6_BYTES = 36,
    V2_UNIX_BYTES = 216,
    V2_PATH_BYTES = 108,
    TLV_HEAD_BYTES = 3,
};

enum { TLV_ALPN = 0x01, TLV_AUTHORITY = 0x02, TLV_CRC32C = 0x03, TLV_UNIQUE_ID = 0x05 };
enum { TLV_SSL = 0x20, SSL_CLIENT_TLS = 0x01 };

static const char v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static enum rw_proxy_result bad(const char **reason, const char *why)
{
    *reason = why;
    return RW_PROXY_BAD;
}

static unsigned get_u16(const char *at)
{
    return (unsigned)(uint8_t)at[0] << 8 | (uint8_t)at[1];
}

static uint32_t get_u32(const char *at)
{
    return (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
}

static void set_address(struct sockaddr_storage *to, int family, const void *host, in_port_t port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)to;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
    memset(to, 0, sizeof(*to));
    to->ss_family = (sa_family_t)family;
    memcpy(family == AF_INET ? (void *)&v4->sin_addr : &v6->sin6_addr, host,
           family == AF_INET ? sizeof(v4->sin_addr) : sizeof(v6->sin6_addr));
    memcpy(family == AF_INET ? &v4->sin_port : &v6->sin6_port, &port, sizeof(port));
}

/* ---- Version 1: one line of text ---- */

/* The word up to the next space, or the end; false: it is empty, or nothing follows the space. */
static bool take_word(struct rw_span *line, struct rw_span *word)
{
    ptrdiff_t space = rw_span_find(*line, ' ');
    *word = rw_span(line->at, space < 0 ? line->len : (size_t)space);
    *line = rw_span_skip(*line, word->len + (space >= 0));
    return word->len > 0 && (space < 0 || line->len > 0);
}

static bool parse_port(struct rw_span text, in_port_t *port)
{
    uint64_t value;
    if (!rw_span_to_u64(text, &value) || value > UINT16_MAX || (text.len > 1 && text.at[0] == '0'))
        return false;
    *port = htons((uint16_t)value);
    return true;
}

static bool parse_host(struct rw_span text, int family, void *host)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len >= sizeof(copy) || memchr(text.at, 0, text.len))
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return inet_pton(family, copy, host) == 1;
}

static enum rw_proxy_result parse_addresses(struct rw_span line, int family,
                                            struct rw_proxy_header *header, const char **reason)
{
    struct rw_span words[4];
    unsigned char hosts[2][sizeof(struct in6_addr)];
    in_port_t ports[2];
    for (int i = 0; i < 4; i++)
        if (!take_word(&line, &words[i]))
            return bad(reason, "an address or a port is missing");
    if (line.len || !parse_host(words[0], family, hosts[0]) ||
        !parse_host(words[1], family, hosts[1]))
        return bad(reason, "an address is none of its family");
    if (!parse_port(words[2], &ports[0]) || !parse_port(words[3], &ports[1]))
        return bad(reason, "a port is no number from 0 to 65535");
    set_address(&header->source, family, hosts[0], ports[0]);
    set_address(&header->destination, family, hosts[1], ports[1]);
    return RW_PROXY_COMPLETE;
}

static enum rw_proxy_result parse_v1(struct rw_span bytes, struct rw_proxy_header *header,
                                     const char **reason)
{
    size_t seen = bytes.len < RW_PROXY_V1_BYTES_MAX ? bytes.len : RW_PROXY_V1_BYTES_MAX;
    const char *end = memchr(bytes.at, '\n', seen);
    if (!end)
        return seen == RW_PROXY_V1_BYTES_MAX ? bad(reason, "the line is longer than 107 bytes")
                                             : RW_PROXY_INCOMPLETE;
    header->version = 1;
    header->bytes = (size_t)(end - bytes.at) + 1;
    struct rw_span line = rw_span(bytes.at, header->bytes), word;
    if (!rw_span_ends(line, RW_LITERAL("\r\n")))
        return bad(reason, "the line does not end in CR and LF");
    line = rw_span_skip(rw_span(line.at, line.len - 2), sizeof("PROXY ") - 1);
    (void)take_word(&line, &word);
    if (rw_span_is(word, "TCP4"))
        return parse_addresses(line, AF_INET, header, reason);
    if (rw_span_is(word, "TCP6"))
        return parse_addresses(line, AF_INET6, header, reason);
    if (!rw_span_is(word, "UNKNOWN"))
        return bad(reason, "the protocol is none of TCP4, TCP6, UNKNOWN");
    header->local = true;
    return RW_PROXY_COMPLETE;
}

/* ---- Version 2: binary ---- */

/* CRC-32C (RFC 3720 appendix B.4), of bytes whose checksum field counts as zero. */
static uint32_t checksum(struct rw_span bytes, const char *field)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.len; i++) {
        const char *at = bytes.at + i;
        bool of_field = at >= field && at < field + sizeof(uint32_t);
        crc ^= of_field ? 0 : (uint8_t)*at;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

/* One extension. False: its checksum is wrong, or it has no room for what it must have. */
static bool take_tlv(struct rw_span whole, unsigned type, struct rw_span value,
                     struct rw_proxy_header *header)
{
    switch (type) {
    case TLV_ALPN:
        header->alpn = value;
        return true;
    case TLV_AUTHORITY:
        header->authority = value;
        return true;
    case TLV_UNIQUE_ID:
        header->unique_id = value;
        return value.len <= 128;
    case TLV_CRC32C:
        return value.len == sizeof(uint32_t) && checksum(whole, value.at) == get_u32(value.at);
    case TLV_SSL: /* client flags, verification, extensions of its own */
        header->tls = value.len > 0 && value.at[0] & SSL_CLIENT_TLS;
        return value.len >= 5;
    default:
        return true;
    }
}

static enum rw_proxy_result parse_tlvs(struct rw_span whole, struct rw_span rest,
                                       struct rw_proxy_header *header, const char **reason)
{
    while (rest.len) {
        if (rest.len < TLV_HEAD_BYTES)
            return bad(reason, "an extension is cut short");
        unsigned type = (uint8_t)rest.at[0];
        size_t len = get_u16(rest.at + 1);
        rest = rw_span_skip(rest, TLV_HEAD_BYTES);
        if (len > rest.len)
            return bad(reason, "an extension is longer than the header");
        if (!take_tlv(whole, type, rw_span(rest.at, len), header))
            return bad(reason, type == TLV_CRC32C ? "the checksum is wrong"
                                                  : "an extension has no room for its value");
        rest = rw_span_skip(rest, len);
    }
    return RW_PROXY_COMPLETE;
}

static size_t address_bytes(unsigned family)
{
    static const size_t bytes[] = {0, V2_INET_BYTES, V2_INET6_BYTES, V2_UNIX_BYTES};
    return bytes[family];
}

static void take_addresses(const char *at, unsigned family, struct rw_proxy_header *header)
{
    in_port_t ports[2];
    size_t host = family == 1 ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    if (family == 3) {
        header->source.ss_family = header->destination.ss_family = AF_UNIX;
        return;
    }
    memcpy(ports, at + 2 * host, sizeof(ports));
    set_address(&header->source, family == 1 ? AF_INET : AF_INET6, at, ports[0]);
    set_address(&header->destination, family == 1 ? AF_INET : AF_INET6, at + host, ports[1]);
}

static enum rw_proxy_result parse_v2(struct rw_span bytes, struct rw_proxy_header *header,
                                     const char **reason)
{
    if (bytes.len < V2_HEAD_BYTES)
        return RW_PROXY_INCOMPLETE;
    unsigned command = (uint8_t)bytes.at[12], family = (uint8_t)bytes.at[13] >> 4;
    unsigned transport = bytes.at[13] & 15;
    size_t len = get_u16(bytes.at + 14);
    if (command >> 4 != 2)
        return bad(reason, "the version is not 2");
    if ((command & 15) > 1)
        return bad(reason, "the command is none of LOCAL, PROXY");
    if (family > 3 || transport > 2)
        return bad(reason, "the address family is unknown");
    header->version = 2;
    header->bytes = V2_HEAD_BYTES + len;
    if (header->bytes > RW_PROXY_HEADER_BYTES_MAX)
        return bad(reason, "the header is too long");
    if (bytes.len < header->bytes)
        return RW_PROXY_INCOMPLETE;
    header->local = (command & 15) == 0 || family == 0 || transport == 0;
    if (len < address_bytes(family))
        return header->local ? RW_PROXY_COMPLETE : bad(reason, "the addresses are cut short");
    if (!header->local)
        take_addresses(bytes.at + V2_HEAD_BYTES, family, header);
    struct rw_span whole = rw_span(bytes.at, header->bytes);
    /* What follows the addresses of LOCAL is to be skipped, whatever it is (section 2.2). */
    if ((command & 15) == 0)
        return RW_PROXY_COMPLETE;
    return parse_tlvs(whole, rw_span_skip(whole, V2_HEAD_BYTES + address_bytes(family)), header,
                      reason);
}

/* ---- Both ---- */

static bool may_begin(struct rw_span bytes, struct rw_span signature)
{
    size_t len = bytes.len < signature.len ? bytes.len : signature.len;
    return memcmp(bytes.at, signature.at, len) == 0;
}

enum rw_proxy_result rw_proxy_parse(struct rw_span bytes, struct rw_proxy_header *header,
                                    const char **reason)
{
    const struct rw_span v1 = RW_LITERAL("PROXY ");
    const struct rw_span v2 = rw_span(v2_signature, sizeof(v2_signature));
    *header = (struct rw_proxy_header){0};
    *reason = "";
    if (bytes.len == 0)
        return RW_PROXY_INCOMPLETE;
    if (may_begin(bytes, v1))
        return bytes.len < v1.len ? RW_PROXY_INCOMPLETE : parse_v1(bytes, header, reason);
    if (may_begin(bytes, v2))
        return bytes.len < v2.len ? RW_PROXY_INCOMPLETE : parse_v2(bytes, header, reason);
    return RW_PROXY_NONE;
}

/* ---- Writing ---- */

static const void *host_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return &((const struct sockaddr_in *)address)->sin_addr;
    return &((const struct sockaddr_in6 *)address)->sin6_addr;
}

static in_port_t port_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ((const struct sockaddr_in *)address)->sin_port;
    return ((const struct sockaddr_in6 *)address)->sin6_port;
}

static size_t write_v1(char *to, int family, const struct sockaddr *source,
                       const struct sockaddr *destination)
{
    char hosts[2][INET6_ADDRSTRLEN];
    if (family == AF_UNSPEC)
        return (size_t)snprintf(to, RW_PROXY_WRITE_BYTES_MAX, "PROXY UNKNOWN\r\n");
    inet_ntop(family, host_of(source), hosts[0], sizeof(hosts[0]));
    inet_ntop(family, host_of(destination), hosts[1], sizeof(hosts[1]));
    return (size_t)snprintf(to, RW_PROXY_WRITE_BYTES_MAX, "PROXY TCP%c %s %s %u %u\r\n",
                            family == AF_INET ? '4' : '6', hosts[0], hosts[1],
                            ntohs(port_of(source)), ntohs(port_of(destination)));
}

static size_t write_v2(char *to, int family, const struct sockaddr *source,
                       const struct sockaddr *destination)
{
    bool local = family == AF_UNSPEC;
    size_t host = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    size_t len = local ? 0 : 2 * host + 2 * sizeof(in_port_t);
    memcpy(to, v2_signature, sizeof(v2_signature));
    to[12] = local ? 0x20 : 0x21;
    to[13] = (char)(local ? 0 : family == AF_INET ? 0x11 : 0x21);
    to[14] = 0;
    to[15] = (char)len;
    if (local)
        return V2_HEAD_BYTES;
    in_port_t ports[2] = {port_of(source), port_of(destination)};
    memcpy(to + V2_HEAD_BYTES, host_of(source), host);
    memcpy(to + V2_HEAD_BYTES + host, host_of(destination), host);
    memcpy(to + V2_HEAD_BYTES + 2 * host, ports, sizeof(ports));
    return V2_HEAD_BYTES + len;
}

size_t rw_proxy_write(char to[RW_PROXY_WRITE_BYTES_MAX], unsigned version,
                      const struct sockaddr *source, const struct sockaddr *destination)
{
    int family = source->sa_family;
    if (family != destination->sa_family || (family != AF_INET && family != AF_INET6))
        family = AF_UNSPEC;
    return version == 1 ? write_v1(to, family, source, destination)
                        : write_v2(to, family, source, destination);
}
