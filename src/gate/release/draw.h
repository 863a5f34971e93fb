/* Which version of a release a request or a user gets: pure functions of weights and numbers drawn.
 * Any thread.
 */
#ifndef RW_GATE_RELEASE_DRAW_H
#define RW_GATE_RELEASE_DRAW_H

#include <stdint.h>

/* By weight, for one request: `random` has 64 uniform bits. At least one weight is above 0; what
 * has the weight 0 is never drawn. */
unsigned rw_release_draw(const double *weights, unsigned count, uint64_t random);

/* By weight, for a user: `hashes` has one for each version, of the user and the version. Weighted
 * rendezvous: each version bids -ln(hash) / weight, the lowest bid wins. The share of users is
 * that of the weights, and when a weight changes users only come to the versions whose share has
 * grown, from those whose share has shrunk (Schindelhauer and Schomaker, Weighted Distributed
 * Hash Tables, SPAA 2005: the logarithmic method). */
unsigned rw_release_draw_user(const double *weights, const uint64_t *hashes, unsigned count);

#endif
