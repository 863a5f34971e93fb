/* The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): what a proxy says about
 * the connection that it passes on, before the first byte of it. No I/O.
 *
 * A connection's owner gathers bytes and calls rw_proxy_parse until the result is not INCOMPLETE;
 * one that opens a connection puts rw_proxy_write's bytes before its own. Pure functions; any
 * thread.
 */
#ifndef RW_HTTP_PROXY_PROTOCOL_H
#define RW_HTTP_PROXY_PROTOCOL_H

#include "base/err.h"
#include "base/span.h"

#include <sys/socket.h>

enum {
    /* Of a header with its extensions (TLVs): version 2 allows 65,551 bytes. */
    RW_PROXY_HEADER_BYTES_MAX = 4096,
    /* Version 1, section 2.1: with CR and LF. */
    RW_PROXY_V1_BYTES_MAX = 107,
    /* What rw_proxy_write makes at most: version 1, or 2 with two Unix addresses. */
    RW_PROXY_WRITE_BYTES_MAX = 232,
};

struct rw_proxy_header {
    unsigned version; /* 1, 2 */
    /* LOCAL, UNKNOWN or an address family that is none of ours: the connection is the peer's own,
     * and its real addresses hold. Else source and destination are AF_INET, AF_INET6 or AF_UNIX. */
    bool local;
    struct sockaddr_storage source, destination;
    /* Extensions, in the bytes given; at == NULL: not there. */
    struct rw_span alpn;      /* PP2_TYPE_ALPN */
    struct rw_span authority; /* PP2_TYPE_AUTHORITY: the name asked for by SNI */
    struct rw_span unique_id; /* PP2_TYPE_UNIQUE_ID */
    bool tls;                 /* PP2_TYPE_SSL: the client came over TLS */
    size_t bytes;             /* of the header: what follows is the connection's */
};

enum rw_proxy_result {
    RW_PROXY_COMPLETE,
    RW_PROXY_INCOMPLETE,
    RW_PROXY_NONE, /* these bytes begin no header */
    RW_PROXY_BAD,
};

/* `reason` (of BAD): static text. A header is BAD where the specification leaves no choice: a wrong
 * checksum (PP2_TYPE_CRC32C), lengths that do not add up, an address that is none, a version or
 * command that does not exist, more than RW_PROXY_HEADER_BYTES_MAX. */
enum rw_proxy_result rw_proxy_parse(struct rw_span bytes, struct rw_proxy_header *header,
                                    const char **reason);

/* Writes a header of a version for a connection from `source` to `destination`; addresses of two
 * families, or of none: UNKNOWN, LOCAL. Returns its length. */
size_t rw_proxy_write(char to[RW_PROXY_WRITE_BYTES_MAX], unsigned version,
                      const struct sockaddr *source, const struct sockaddr *destination);

#endif
