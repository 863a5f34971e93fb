/* DNS: names followed for as long as somebody uses them (c-ares, on the control thread's loop).
 *
 * A user starts with a name (rw_resolve_start); the same name of several users is asked for once.
 * The answer is asked for again when its TTL, within bounds, is over; `changed` is called when it
 * differs from the last one. A failure (timeout, SERVFAIL, no such name, no address, garbage) keeps
 * the last answer, is logged once until the next success, and is tried again after a second, two,
 * four, ... at most a minute. /etc/hosts goes before DNS, and localhost needs neither.
 *
 * SRV names (RFC 2782) give the targets of the lowest priority, each resolved as a name of its own,
 * with port and weight; a target with several addresses has its weight shared out among them.
 *
 * A lookup of which only the IPv4 or the IPv6 half succeeds looks to us as if the other half did
 * not exist; so a family that was there must be missing twice in a row before it is gone. Addresses
 * that this host has no route to are left out, unless there are no others.
 */
#ifndef RW_GATE_CLUSTER_RESOLVE_RESOLVE_H
#define RW_GATE_CLUSTER_RESOLVE_RESOLVE_H

#include "base/list.h"
#include "base/span.h"
#include "io/address.h"
#include "io/loop.h"

enum {
    RW_RESOLVE_ADDRESSES_MAX = 1024, /* of one name; the rest is left out */
    RW_RESOLVE_TARGETS_MAX = 256,    /* of one SRV name */
    RW_RESOLVE_RETRY_MS_MIN = 1000,
    RW_RESOLVE_RETRY_MS_MAX = 60000,
    RW_RESOLVE_WEIGHT_ONE = 64, /* the weight of a plain name's addresses; an SRV weight is
                                   multiplied by it before it is shared out */
};

struct rw_config_dns;
struct rw_known;
struct rw_resolver;
struct rw_resolve_name;

/* The settings are read during the call only; without servers it is as the system says
 * (resolv.conf). Until there is an answer, what was last found for a name, by another resolver or
 * another process, is good enough; it is in `known`, if not NULL. RW_EINVAL: a server is no IP
 * address; RW_EUNSUPPORTED: the loop has no descriptors (simulation). */
RW_MUST_CHECK enum rw_err rw_resolver_create(struct rw_loop *loop, struct rw_known *known,
                                             const struct rw_config_dns *dns,
                                             struct rw_resolver **resolver);
/* Nobody uses a name any more. */
void rw_resolver_destroy(struct rw_resolver *resolver);
/* Would these settings make one just like it? */
bool rw_resolver_is(const struct rw_resolver *resolver, const struct rw_config_dns *dns);

/* Embedded in the user's struct. */
struct rw_resolve_use {
    struct rw_list link;
    struct rw_resolve_name *name;
    void (*changed)(
        struct rw_resolve_use *use); /* may stop any use; never inside rw_resolve_start */
};

struct rw_resolved {
    struct rw_address address; /* the port is that of the SRV record, else 0 */
    struct rw_span host;       /* NUL-terminated: the name, or the SRV record's target */
    uint32_t weight;
};

/* `name` without "srv:". The answer may be there at once. */
RW_MUST_CHECK enum rw_err rw_resolve_start(struct rw_resolver *resolver, struct rw_span name,
                                           bool srv, struct rw_resolve_use *use);
/* The addresses seem to be old (nobody answers there): the name is asked for anew from the loop,
 * whatever its TTL says, but not within RW_RESOLVE_RETRY_MS_MIN of the last time. */
void rw_resolve_again(struct rw_resolve_use *use);
/* Stopping what was never started does nothing. */
void rw_resolve_stop(struct rw_resolve_use *use);

/* The last answer, sorted; NULL and a count of 0 when there never was one. Valid until `changed` or
 * rw_resolve_stop. */
const struct rw_resolved *rw_resolve_answer(const struct rw_resolve_use *use, size_t *count);
/* An answer has come, or the first lookup has failed; what was known before does not settle it. */
bool rw_resolve_settled(const struct rw_resolve_use *use);

/* Waits without the loop until all names are settled, at most `ms_max`; true when they are. Calls
 * `changed`. */
bool rw_resolver_settle(struct rw_resolver *resolver, uint32_t ms_max);

#endif
