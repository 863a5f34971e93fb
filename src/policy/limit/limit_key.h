/* What a rate limit counts by: a table of kinds, of which a limit names one or several.
 *
 * Each kind puts what it finds in a request into a keyed hash, with its length, so that no two
 * different keys hash the same bytes. A request that lacks what a limit counts by has no key. A
 * parameter or cookie is what its percent-encodings say, and one that stands there several times
 * with several values is ambiguous: all such requests have one key, as nobody here knows which of
 * the values the server behind takes, and each could otherwise have a key of its own. To
 * count by something new is a row in the table.
 */
#ifndef RW_POLICY_LIMIT_LIMIT_KEY_H
#define RW_POLICY_LIMIT_LIMIT_KEY_H

#include "base/siphash.h"
#include "gate/exchange/exchange.h"
#include "gate/identity/identity.h"

enum { RW_LIMIT_PARTS_MAX = 4 };

struct rw_limit_part;

struct rw_limit_kind {
    const char *name;
    bool named;       /* "header:NAME": of a header, cookie, parameter or claim */
    bool of_identity; /* a policy before has to tell this part: */
    enum rw_identity_part identity;
    /* Adds it to the hash; false: the request has none. */
    bool (*add)(const struct rw_limit_part *part, const struct rw_exchange *x,
                struct rw_siphash *hash);
};

struct rw_limit_part {
    const struct rw_limit_kind *kind;
    struct rw_span name;
    uint8_t ipv4_bits, ipv6_bits; /* addresses are counted by networks of this size */
};

/* "address", "header:X-Api-Key". RW_EINVAL with what is wrong in `flaw`. The text must outlive the
 * part. */
RW_MUST_CHECK enum rw_err rw_limit_part_parse(struct rw_span text, char flaw[256],
                                              struct rw_limit_part *part);
/* The network that the client is counted with: "203.0.113.0/24". False, and nothing is added: the
 * part is not the address, or the client has none. */
bool rw_limit_part_tell_network(const struct rw_limit_part *part, const struct sockaddr *client,
                                struct rw_text *text);
/* Of one that has a flaw: the kind that was probably meant; NULL: none is near. */
const char *rw_limit_part_nearest(struct rw_span text);

#endif
