/* Who asks: what the policies that look at credentials (policy/api_key, policy/jwt) have found out
 * about the sender of a request.
 *
 * Such a policy calls rw_identity_tell at REQUEST_POLICIES; from then on x->identity says who it
 * is, for rate limits, shares of an upstream, releases and the access log, and the request has the
 * fields that `identity` in the configuration names. rw_identity_strip has taken these out of what
 * the client sent at RECEIVE, whichever route it is for: no client can forge them. Worker threads,
 * but for the last function.
 */
#ifndef RW_GATE_IDENTITY_IDENTITY_H
#define RW_GATE_IDENTITY_IDENTITY_H

#include "gate/config/config.h"

struct rw_exchange;
struct rw_route;
struct rw_snapshot;

struct rw_claim {
    struct rw_span name, value;
};

/* In the snapshot, or in the exchange's arena. Texts are valid field values. */
struct rw_identity {
    struct rw_span consumer; /* empty: none that the configuration has */
    struct rw_span tenant;   /* empty: none */
    const struct rw_claim *claims;
    unsigned claim_count;
};

enum rw_identity_part { RW_IDENTITY_CONSUMER, RW_IDENTITY_TENANT, RW_IDENTITY_CLAIM };

/* Empty: not known. `identity` may be NULL; `claim` is the name of one. */
struct rw_span rw_identity_part(const struct rw_identity *identity, enum rw_identity_part part,
                                struct rw_span claim);

/* Takes the fields of `config` out of what the client has sent. */
void rw_identity_strip(const struct rw_config_identity *config, struct rw_message *request);

/* The same for x->request_trailers, which some origins take for fields of the head. Out of memory:
 * none of them is passed on. */
void rw_identity_strip_trailers(struct rw_exchange *x);

/* From now on the request is this one's; what `identity` does not say and one told before did,
 * stays. It lives as long as the exchange. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_identity_tell(struct rw_exchange *x,
                                           const struct rw_identity *identity);

/* For check_route of a policy or an origin that needs to know who asks: is there, on every way on
 * which a request of the route comes to `instance` (NULL: to the origin, behind all policies), a
 * policy before it that tells this part? If not: RW_EINVAL, and a mistake at `place`, in which
 * `what` ("the rate limit "a"") needs it. Control thread. */
RW_MUST_CHECK enum rw_err rw_identity_expect(enum rw_identity_part part, struct rw_span claim,
                                             const void *instance, const struct rw_route *route,
                                             const struct rw_snapshot *snapshot,
                                             struct rw_conf_report *report,
                                             struct rw_conf_place place, const char *what);

#endif
