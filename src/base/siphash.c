#include "base/siphash.h"

#include <endian.h>
#include <string.h>

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static inline void mix(struct rw_siphash *hash)
{
    hash->v0 += hash->v1;
    hash->v2 += hash->v3;
    hash->v1 = rotate(hash->v1, 13) ^ hash->v0;
    hash->v3 = rotate(hash->v3, 16) ^ hash->v2;
    hash->v0 = rotate(hash->v0, 32);
    hash->v2 += hash->v1;
    hash->v0 += hash->v3;
    hash->v1 = rotate(hash->v1, 17) ^ hash->v2;
    hash->v3 = rotate(hash->v3, 21) ^ hash->v0;
    hash->v2 = rotate(hash->v2, 32);
}

static inline void take_word(struct rw_siphash *hash, uint64_t word)
{
    hash->v3 ^= word;
    mix(hash);
    mix(hash);
    hash->v0 ^= word;
}

static inline uint64_t load_word(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

/* Less than a word. */
static inline uint64_t load_rest(const unsigned char *at, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)at[i] << (8 * i);
    return word;
}

void rw_siphash_begin(struct rw_siphash *hash, const uint64_t key[2])
{
    *hash = (struct rw_siphash){
        .v0 = key[0] ^ 0x736f6d6570736575,
        .v1 = key[1] ^ 0x646f72616e646f6d,
        .v2 = key[0] ^ 0x6c7967656e657261,
        .v3 = key[1] ^ 0x7465646279746573,
    };
}

void rw_siphash_add(struct rw_siphash *hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    size_t held = hash->len % 8;
    hash->len += len;
    if (held) {
        size_t take = len < 8 - held ? len : 8 - held;
        hash->tail |= load_rest(at, take) << (8 * held);
        if (held + take < 8)
            return;
        take_word(hash, hash->tail);
        at += take;
        len -= take;
    }
    for (; len >= 8; at += 8, len -= 8)
        take_word(hash, load_word(at));
    hash->tail = load_rest(at, len);
}

uint64_t rw_siphash_end(struct rw_siphash *hash)
{
    take_word(hash, hash->tail | hash->len << 56);
    hash->v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        mix(hash);
    return hash->v0 ^ hash->v1 ^ hash->v2 ^ hash->v3;
}
