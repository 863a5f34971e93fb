/* Who the client is, and how it is told to the origin: Forwarded (RFC 7239), X-Forwarded-*, Via
 * (RFC 9110 section 7.6.3).
 *
 * The peer of the connection is the client, unless it is one of the listener's trusted proxies:
 * then the last address of X-Forwarded-For (or Forwarded) that is not itself a trusted proxy. What
 * an untrusted peer claims (also by X-Forwarded-Port, X-Real-IP ...) is not passed on. */
#ifndef RW_GATE_FRONT_FORWARDED_H
#define RW_GATE_FRONT_FORWARDED_H

#include "gate/exchange/exchange.h"
#include "http/h1.h"
#include "http/h2.h"

struct rw_cidr;

enum { RW_VIA_HOPS_MAX = 8 };

/* Is the address one of the listener's trusted proxies? */
bool rw_forwarded_trusts(const struct rw_listener_settings *listener,
                         const struct sockaddr *address);

/* Sets client, client_trusted; makes hop-by-hop what a peer that is not trusted says about itself.
 * At RECEIVE. False: the exchange's memory is used up. */
RW_MUST_CHECK bool rw_forwarded_resolve(struct rw_exchange *x);

/* Has the request come through gateways of this kind so often (by Via) that it must be going round
 * in circles? */
bool rw_forwarded_loops(const struct rw_exchange *x);

/* Appends X-Forwarded-* and/or Forwarded as the listener says, and Via, to a request head. The
 * caller leaves out the fields of rw_forwarded_replaced when it copies the client's. */
void rw_forwarded_put(const struct rw_exchange *x, struct rw_h1_out *out);
/* The same to a head of HTTP/2. False: no memory, something is missing. */
RW_MUST_CHECK bool rw_forwarded_put_h2(struct rw_exchange *x, struct rw_h2 *h2);

/* Ids of the request fields that rw_forwarded_put writes anew. */
#define RW_FORWARDED_REPLACED                                                                      \
    (RW_FIELD_BIT(RW_FIELD_FORWARDED) | RW_FIELD_BIT(RW_FIELD_X_FORWARDED_FOR) |                   \
     RW_FIELD_BIT(RW_FIELD_X_FORWARDED_HOST) | RW_FIELD_BIT(RW_FIELD_X_FORWARDED_PROTO) |          \
     RW_FIELD_BIT(RW_FIELD_VIA))

/* "10.0.0.0/8", "::1", "192.0.2.1". */
RW_MUST_CHECK enum rw_err rw_cidr_parse(struct rw_span text, struct rw_cidr *cidr);
/* An IP address as sixteen bytes, IPv4 as ::ffff:a.b.c.d; false: it is none. */
bool rw_cidr_bytes(const struct sockaddr *address, uint8_t to[16]);
bool rw_cidr_holds(const struct rw_cidr *cidr, const struct sockaddr *address);
/* Its first and last address, as sixteen bytes. */
void rw_cidr_range(const struct rw_cidr *cidr, uint8_t first[16], uint8_t last[16]);

/* Several. `texts`: of RW_CONF_CIDR, whose syntax has been checked; the list is the arena's. */
RW_MUST_CHECK enum rw_err rw_cidrs_parse(struct rw_arena *arena, const struct rw_conf_list *texts,
                                         struct rw_cidr **cidrs, unsigned *count);
bool rw_cidrs_hold(const struct rw_cidr *cidrs, unsigned count, const struct sockaddr *address);

#endif
