#include "http/hpack_huffman.h"

#include "base/err.h"

enum {
    SYMBOLS = 257,
    EOS = 256,
    CODE_BITS_MIN = 5,
    CODE_BITS_MAX = 30,
    /* One look decodes up to two symbols. Of the codes that fit, each stands for a visible ASCII
     * character or a space, and the table takes 8 KB of the first-level cache. */
    LOOK_BITS = 11,
};

static const uint8_t code_bits[SYMBOLS] = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, /* 0x00 */
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, /* 0x10 */
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,  /* 0x20 */
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10, /* 0x30 */
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  /* 0x40 */
    7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,  /* 0x50 */
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  /* 0x60 */
    6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28, /* 0x70 */
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, /* 0x80 */
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, /* 0x90 */
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, /* 0xa0 */
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, /* 0xb0 */
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, /* 0xc0 */
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, /* 0xd0 */
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, /* 0xe0 */
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, /* 0xf0 */
    30,                                                             /* EOS */
};

struct code {
    uint32_t code;
    uint32_t bits;
};

struct look {
    uint8_t symbols[2];
    uint8_t count; /* 0: the first code is longer than LOOK_BITS */
    uint8_t bits;  /* of both codes */
};

static struct code codes[SYMBOLS];
static struct code lower_codes[256]; /* upper-case letters have the codes of lower-case ones */
static struct look looks[1u << LOOK_BITS];

/* Long codes, by length: the first one's place in `ordered`, and behind the last one of that
 * length, at the left end of 32 bits. */
static uint16_t ordered[SYMBOLS]; /* symbols in order of their codes */
static uint16_t ordered_first[CODE_BITS_MAX + 1];
static uint32_t code_first[CODE_BITS_MAX + 1];
static uint64_t code_limit[CODE_BITS_MAX + 1];

static void assign_codes(void)
{
    uint32_t code = 0;
    unsigned place = 0;
    for (unsigned bits = 1; bits <= CODE_BITS_MAX; bits++) {
        code <<= 1;
        ordered_first[bits] = (uint16_t)place;
        code_first[bits] = code;
        for (unsigned symbol = 0; symbol < SYMBOLS; symbol++) {
            if (code_bits[symbol] != bits)
                continue;
            codes[symbol] = (struct code){code++, bits};
            ordered[place++] = (uint16_t)symbol;
        }
        code_limit[bits] = (uint64_t)code << (32 - bits);
    }
    rw_assert(place == SYMBOLS && code == 1u << CODE_BITS_MAX); /* complete */
    for (unsigned symbol = 0; symbol < 256; symbol++)
        lower_codes[symbol] = codes[(uint8_t)rw_lower((char)symbol)];
}

/* The symbol whose code begins `window`, which has 32 bits. */
static unsigned long_symbol(uint32_t window, unsigned bits_min, unsigned *bits)
{
    unsigned len = bits_min;
    while (window >= code_limit[len])
        len++;
    *bits = len;
    return ordered[ordered_first[len] + (window >> (32 - len)) - code_first[len]];
}

__attribute__((constructor)) static void fill_tables(void)
{
    assign_codes();
    for (unsigned i = 0; i < 1u << LOOK_BITS; i++) {
        unsigned bits, more;
        unsigned first = long_symbol(i << (32 - LOOK_BITS), CODE_BITS_MIN, &bits);
        if (bits > LOOK_BITS)
            continue;
        looks[i] = (struct look){{(uint8_t)first, 0}, 1, (uint8_t)bits};
        if (bits + CODE_BITS_MIN > LOOK_BITS)
            continue;
        unsigned second = long_symbol(i << (32 - LOOK_BITS + bits), CODE_BITS_MIN, &more);
        if (bits + more <= LOOK_BITS)
            looks[i] = (struct look){{(uint8_t)first, (uint8_t)second}, 2, (uint8_t)(bits + more)};
    }
}

/* ---- Decoding ---- */

struct reader {
    uint64_t window; /* the next bits at the left, zeros or bits to come behind them */
    unsigned bits;
    const uint8_t *at;
    const uint8_t *end;
};

static inline void refill(struct reader *reader)
{
    if (reader->end - reader->at >= 8) {
        uint64_t word;
        memcpy(&word, reader->at, 8);
        reader->window |= __builtin_bswap64(word) >> reader->bits;
        reader->at += (63 - reader->bits) >> 3;
        reader->bits |= 56;
        return;
    }
    for (; reader->bits <= 56 && reader->at < reader->end; reader->bits += 8)
        reader->window |= (uint64_t)*reader->at++ << (56 - reader->bits);
}

/* Takes the two symbols or the one that the look at the window shows. */
static inline char *take(struct reader *reader, char *to, bool *plain)
{
    const struct look *look = &looks[reader->window >> (64 - LOOK_BITS)];
    unsigned bits = look->bits;
    if (__builtin_expect(look->count == 0, 0)) {
        unsigned symbol = long_symbol((uint32_t)(reader->window >> 32), LOOK_BITS + 1, &bits);
        if (symbol == EOS)
            return NULL;
        *plain = false;
        *to++ = (char)symbol;
    } else {
        memcpy(to, look->symbols, 2);
        to += look->count;
    }
    reader->window <<= bits;
    reader->bits -= bits;
    return to;
}

/* The last bits, with ones behind them: symbols one by one, and at most seven bits of padding,
 * which are the beginning of EOS (RFC 7541 section 5.2). No code of seven bits is all ones. */
static char *take_last(struct reader *reader, char *to, bool *plain)
{
    while (reader->bits) {
        uint64_t window = reader->window | ~0ull >> reader->bits;
        if (reader->bits < 8 && window == ~0ull)
            return to;
        const struct look *look = &looks[window >> (64 - LOOK_BITS)];
        unsigned symbol = look->symbols[0];
        unsigned bits = code_bits[symbol];
        if (look->count == 0)
            symbol = long_symbol((uint32_t)(window >> 32), LOOK_BITS + 1, &bits);
        if (symbol == EOS || bits > reader->bits)
            return NULL;
        *plain = *plain && bits <= LOOK_BITS;
        *to++ = (char)symbol;
        reader->window <<= bits;
        reader->bits -= bits;
    }
    return to;
}

char *rw_huffman_decode(char *to, struct rw_span code, bool *plain)
{
    struct reader reader = {.at = (const uint8_t *)code.at,
                            .end = (const uint8_t *)code.at + code.len};
    *plain = true;
    for (;;) {
        refill(&reader);
        if (reader.bits < CODE_BITS_MAX)
            return take_last(&reader, to, plain);
        do {
            to = take(&reader, to, plain);
            if (!to)
                return NULL;
        } while (reader.bits >= CODE_BITS_MAX);
    }
}

/* ---- Encoding ---- */

static inline void store_big_endian(char *to, uint64_t word)
{
    word = __builtin_bswap64(word);
    memcpy(to, &word, 8);
}

char *rw_huffman_encode(char *to, const char *end, struct rw_span text, bool lower)
{
    const struct code *table = lower ? lower_codes : codes;
    uint64_t window = 0; /* the bits not yet stored, at the left */
    unsigned bits = 0;   /* less than 32 of them before each symbol */
    for (size_t i = 0; i < text.len; i++) {
        struct code code = table[(uint8_t)text.at[i]];
        window |= (uint64_t)code.code << (64 - bits - code.bits);
        bits += code.bits;
        if (bits < 32)
            continue;
        if (end - to <= 4)
            return NULL;
        store_big_endian(to, window);
        to += 4;
        window <<= 32;
        bits -= 32;
    }
    size_t rest = (bits + 7) / 8;
    if ((size_t)(end - to) <= rest)
        return NULL;
    store_big_endian(to, bits ? window | ~0ull >> bits : 0);
    return to + rest;
}

size_t rw_huffman_bytes(struct rw_span text, bool lower)
{
    const struct code *table = lower ? lower_codes : codes;
    size_t bits = 0;
    for (size_t i = 0; i < text.len; i++)
        bits += table[(uint8_t)text.at[i]].bits;
    return (bits + 7) / 8;
}
