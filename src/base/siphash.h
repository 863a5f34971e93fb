/* SipHash-2-4 (Aumasson and Bernstein 2012): a keyed hash of short inputs whose collisions nobody
 * finds without the key. For tables that peers fill by what they send, where rw_hash would let them
 * choose who shares a slot with whom. */
#ifndef RW_BASE_SIPHASH_H
#define RW_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* The hash goes on where it stands: one key can be made of several parts. */
struct rw_siphash {
    uint64_t v0, v1, v2, v3;
    uint64_t tail; /* bytes that do not make a word yet, the first lowest */
    uint64_t len;
};

void rw_siphash_begin(struct rw_siphash *hash, const uint64_t key[2]);
void rw_siphash_add(struct rw_siphash *hash, const void *bytes, size_t len);
uint64_t rw_siphash_end(struct rw_siphash *hash);

#endif
