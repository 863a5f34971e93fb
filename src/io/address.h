/* Socket addresses as people write them: "127.0.0.1:80", "[::1]:80", ":8080" and "*:8080" (any IPv4
 * address), "unix:/run/app.sock", "unix:@name" (the abstract namespace). Names of hosts are not
 * resolved here. Any thread.
 */
#ifndef RW_IO_ADDRESS_H
#define RW_IO_ADDRESS_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>
#include <sys/socket.h>

struct rw_address {
    struct sockaddr_storage storage;
    socklen_t bytes;
};

/* Longest text of rw_address_format: "unix:" and a path of 108 bytes. No NUL is written. */
enum { RW_ADDRESS_TEXT_MAX = 5 + 108, RW_ADDRESS_HOST_TEXT_MAX = 46 };

/* RW_EINVAL when it is none of the forms above, RW_ELIMIT when a Unix path is too long for the
 * kernel. */
RW_MUST_CHECK enum rw_err rw_address_parse(struct rw_span text, struct rw_address *address);

/* A bare IP address ("10.0.0.1", "::1", "[::1]") and a port. RW_EINVAL. */
RW_MUST_CHECK enum rw_err rw_address_parse_ip(struct rw_span text, uint16_t port,
                                              struct rw_address *address);

static inline const struct sockaddr *rw_address_sockaddr(const struct rw_address *address)
{
    return (const struct sockaddr *)&address->storage;
}

/* Host byte order; 0 for a Unix socket. */
uint16_t rw_address_port(const struct sockaddr_storage *address);
/* A Unix socket stays as it is. */
void rw_address_set_port(struct sockaddr_storage *address, uint16_t port);

/* As parsed; RW_ADDRESS_TEXT_MAX bytes of room. Returns the length. */
size_t rw_address_format(char *to, const struct sockaddr_storage *address);

/* The IP address alone, without brackets; an IPv4-mapped IPv6 address as IPv4; "unix" for a Unix
 * socket. RW_ADDRESS_HOST_TEXT_MAX bytes of room. Returns the length. */
size_t rw_address_format_host(char *to, const struct sockaddr *address);

/* Same family, host and port (or path). */
bool rw_address_eq(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
/* Of equal ones it is equal. */
uint64_t rw_address_hash(const struct sockaddr_storage *address);

#endif
