/* The consumers of a configuration, found by an API key or by what a token says.
 *
 * The snapshot makes the table on the control thread; worker threads look up. Of keys only the
 * SHA-256 digests are kept, in an open hash table by the digests themselves, so that a look-up
 * costs the same however many consumers there are; digests are compared in constant time, and what
 * a caller could learn from the time of a miss is about a digest that it cannot choose. Keys are
 * long and random (the configuration asks for 16 bytes at least): no slow hash is needed to keep
 * them from being guessed.
 */
#ifndef RW_GATE_IDENTITY_CONSUMERS_H
#define RW_GATE_IDENTITY_CONSUMERS_H

#include "base/arena.h"
#include "gate/identity/identity.h"

struct rw_consumer {
    const struct rw_config_consumer *config;
    struct rw_identity identity;
};

struct rw_consumers;

/* `consumers` in the arena; the rest is freed by rw_consumers_destroy, also after an error. A key
 * or subject that two have is a mistake in the report: RW_EINVAL. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_consumers_create(const struct rw_config *config, unsigned workers,
                                              struct rw_arena *arena, struct rw_conf_report *report,
                                              struct rw_consumers **consumers);
/* NULL is fine. */
void rw_consumers_destroy(struct rw_consumers *consumers);

size_t rw_consumers_with_keys(const struct rw_consumers *consumers);

/* NULL: nobody's. `worker`: the calling thread's number; each has a hash of its own to work with.
 */
const struct rw_consumer *rw_consumers_by_key(const struct rw_consumers *consumers, unsigned worker,
                                              struct rw_span key);
/* Tokens of `issuer` alone (empty: of any, or of several) are accepted somewhere. False: then it
 * does not say whose it is when a subject has no issuer. Control thread. */
bool rw_consumers_accept_issuer(struct rw_consumers *consumers, struct rw_span issuer);
/* The one of this issuer, or of any. */
const struct rw_consumer *rw_consumers_by_subject(const struct rw_consumers *consumers,
                                                  struct rw_span issuer, struct rw_span subject);

#endif
