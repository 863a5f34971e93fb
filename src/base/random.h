/* Random numbers for balancing, jitter and trace ids: fast, seeded, replayable in simulation.
 * Not for secrets: those come from OpenSSL. (xoshiro256++, Blackman and Vigna 2019; seeded by
 * splitmix64.) */
#ifndef RW_BASE_RANDOM_H
#define RW_BASE_RANDOM_H

#include <stdint.h>

struct rw_random {
    uint64_t state[4];
};

void rw_random_seed(struct rw_random *random, uint64_t seed);
/* From the kernel's generator. */
void rw_random_seed_system(struct rw_random *random);
uint64_t rw_random_u64(struct rw_random *random);
/* Uniform in [0, bound); bound > 0 (Lemire's multiply-shift; the bias is below 2^-32). */
uint32_t rw_random_below(struct rw_random *random, uint32_t bound);

#endif
