/* SHA-256 on the hot path: OpenSSL's, found once and kept ready for each worker thread, since
 * looking it up and making its state would cost more than a short text does. Made and freed on the
 * control thread; each worker uses its own. */
#ifndef RW_GATE_IDENTITY_DIGEST_H
#define RW_GATE_IDENTITY_DIGEST_H

#include "base/err.h"
#include "base/span.h"

enum { RW_DIGEST_BYTES = 32 };

struct rw_digest;

RW_MUST_CHECK enum rw_err rw_digest_create(unsigned workers, struct rw_digest **digest);
/* NULL is fine. */
void rw_digest_destroy(struct rw_digest *digest);

/* RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_digest_of(const struct rw_digest *digest, unsigned worker,
                                       struct rw_span text, uint8_t to[RW_DIGEST_BYTES]);

#endif
