/* What resolve.c (names, their users and lookups), resolve_srv.c (targets of SRV names) and
 * resolve_known.c (what is known of them from before) share. */
#ifndef RW_GATE_CLUSTER_RESOLVE_RESOLVE_NAME_H
#define RW_GATE_CLUSTER_RESOLVE_RESOLVE_NAME_H

#include "gate/cluster/resolve/resolve.h"
#include "gate/cluster/resolve/resolve_channel.h"
#include "gate/known/known.h"

struct rw_resolve_target;

struct rw_resolve_name {
    struct rw_list link;
    struct rw_resolver *resolver;
    struct rw_span name; /* NUL-terminated */
    bool srv;
    bool settled;
    bool failing;      /* and the log says so */
    unsigned failures; /* in a row */
    unsigned missing;  /* FAMILY_ bits that the last answer lacked */
    unsigned use_count;
    struct rw_list uses;
    struct rw_known_use known;
    bool telling;          /* its users are being told: not freed now */
    struct lookup *lookup; /* under way */
    struct rw_timer timer; /* of the next lookup */
    uint64_t asked_ms;     /* when the last one began */
    struct rw_resolved *answer;
    size_t count;
    struct rw_resolve_target *targets; /* SRV, sorted */
    size_t target_count;
    char text[];
};

/* ---- resolve.c ---- */

/* What has been found becomes the answer, and users are told if it differs. `hosts` stay the
 * caller's. RW_ENOMEM: the last answer stays. */
RW_MUST_CHECK enum rw_err rw_resolve_set_answer(struct rw_resolve_name *name,
                                                struct rw_resolved *found, size_t count);
/* The lookup went well, the next is due in `ttl_ms` (put within bounds). */
void rw_resolve_succeeded(struct rw_resolve_name *name, uint64_t ttl_ms);
void rw_resolve_failed(struct rw_resolve_name *name, const char *reason);
/* In one block, with their hosts; NULL: no memory. */
struct rw_resolved *rw_resolve_copy(const struct rw_resolved *found, size_t count);

/* ---- resolve_known.c ---- */

/* Holds the note about this name. */
void rw_resolve_hold_known(struct rw_resolve_name *name, struct rw_known *known);
/* There is no answer yet: what the note says is it for now. What cannot be read is left. */
void rw_resolve_take_known(struct rw_resolve_name *name);
/* A line for each address. */
void rw_resolve_write_known(const struct rw_resolved *answer, size_t count, struct rw_text *text);
/* `found`, with room for RW_RESOLVE_ADDRESSES_MAX, has parts of `text`. RW_EPROTO: it is not that.
 */
RW_MUST_CHECK enum rw_err rw_resolve_read_known(struct rw_span text, struct rw_resolved *found,
                                                size_t *count);

/* ---- resolve_srv.c ---- */

/* Takes over the targets of a reply, and their addresses as far as they are known. */
void rw_resolve_srv_reply(struct rw_resolve_name *name, const unsigned char *bytes, int len);
void rw_resolve_srv_stop(struct rw_resolve_name *name);
/* The least TTL of a reply's answers in seconds, which c-ares' parser of SRV records does not tell;
 * 0 when there are none, or it is cut. Any bytes will do (RFC 1035 section 4.1). */
uint32_t rw_resolve_least_ttl(const unsigned char *bytes, int len);

#endif
