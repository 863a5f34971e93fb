/* What the codec's inner loop needs of the message model: from a field name to its number, and room
 * for more fields. Private to src/http; others call rw_field_id and rw_message_add.
 *
 * A hash of the length and three letters finds a slot; the name there is compared eight bytes at a
 * time with the case bit set. The slots are filled once, before main.
 */
#ifndef RW_HTTP_FIELD_TABLE_H
#define RW_HTTP_FIELD_TABLE_H

#include "http/message.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
    RW_FIELD_SLOTS = 256,
    RW_FIELD_NAME_BYTES_MAX = 32,
};

struct rw_field_key {
    char lower[RW_FIELD_NAME_BYTES_MAX]; /* the name in lower case */
    uint8_t len;
    uint8_t hop; /* hop-by-hop whatever Connection says */
};

extern struct rw_field_key rw_field_keys[RW_FIELD_COUNT];
extern uint8_t rw_field_slots[RW_FIELD_SLOTS]; /* enum rw_field_id */

static inline unsigned rw_field_slot(const char *name, size_t len)
{
    unsigned first = (uint8_t)name[0] | 0x20u;
    unsigned middle = (uint8_t)name[len / 2] | 0x20u;
    unsigned last = (uint8_t)name[len - 1] | 0x20u;
    return (unsigned)(len + first + middle * 28 + last * 5) % RW_FIELD_SLOTS;
}

static inline uint64_t rw_field_load8(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word | 0x2020202020202020ull;
}

static inline uint32_t rw_field_load4(const char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return word | 0x20202020u;
}

/* Equal but for case; `name` is a token, so that setting the case bit makes no two of its
 * characters equal that stand in a known name. */
static inline bool rw_field_name_same(const char *name, const char *lower, size_t len)
{
    if (len >= 8) {
        for (size_t i = 0; i + 8 < len; i += 8)
            if (rw_field_load8(name + i) != rw_field_load8(lower + i))
                return false;
        return rw_field_load8(name + len - 8) == rw_field_load8(lower + len - 8);
    }
    if (len >= 4)
        return rw_field_load4(name) == rw_field_load4(lower) &&
               rw_field_load4(name + len - 4) == rw_field_load4(lower + len - 4);
    for (size_t i = 0; i < len; i++)
        if ((name[i] | 0x20) != lower[i])
            return false;
    return true;
}

/* `name` is a token (checked by the caller), not empty. */
static inline enum rw_field_id rw_field_id_of_token(const char *name, size_t len)
{
    unsigned slot = rw_field_slot(name, len);
    for (uint8_t id; (id = rw_field_slots[slot]) != RW_FIELD_OTHER;
         slot = (slot + 1) % RW_FIELD_SLOTS)
        if (rw_field_keys[id].len == len && rw_field_name_same(name, rw_field_keys[id].lower, len))
            return (enum rw_field_id)id;
    return RW_FIELD_OTHER;
}

/* The same for a name that ends at a colon within sixteen bytes, as most do, in one comparison: the
 * id and `len`, or OTHER, which says nothing but that the name must be looked at byte by byte.
 * Needs no check of the name before. */
static inline enum rw_field_id rw_field_id_at(const char *at, const char *end, size_t *len)
{
#if defined(__SSE2__)
    if (end - at < 16)
        return RW_FIELD_OTHER;
    __m128i bytes = _mm_loadu_si128((const __m128i *)at);
    unsigned colons = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(':')));
    unsigned name_len = colons ? (unsigned)__builtin_ctz(colons) : 0;
    if (name_len == 0)
        return RW_FIELD_OTHER;
    enum rw_field_id id = (enum rw_field_id)rw_field_slots[rw_field_slot(at, name_len)];
    const struct rw_field_key *key = &rw_field_keys[id];
    if (key->len != name_len)
        return RW_FIELD_OTHER;
    /* Setting the case bit would make controls equal to hyphens and digits. */
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    __m128i same = _mm_cmpeq_epi8(_mm_or_si128(bytes, _mm_set1_epi8(0x20)),
                                  _mm_loadu_si128((const __m128i *)key->lower));
    unsigned all = (1u << name_len) - 1;
    unsigned equal = (unsigned)_mm_movemask_epi8(_mm_andnot_si128(control, same));
    *len = name_len;
    return (equal & all) == all ? id : RW_FIELD_OTHER;
#else
    (void)at, (void)end, (void)len;
    return RW_FIELD_OTHER;
#endif
}

/* Makes the table of fields larger: RW_ELIMIT at 65,535 fields, RW_ENOMEM; then it is as before. */
RW_MUST_CHECK enum rw_err rw_message_grow(struct rw_message *message, struct rw_arena *arena);
/* A head is whole: its message may live long, so room that the table does not use goes back to the
 * arena, but for RW_FIELDS_SPARE fields that may be added on the way. Where something was taken
 * from the arena since, nothing happens. */
enum { RW_FIELDS_SPARE = 3 };
void rw_message_fit(struct rw_message *message, struct rw_arena *arena);

#endif
