/* The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). Private to hpack_*.c.
 *
 * The code is canonical: the lengths of the codes, in order of symbols, say all. Tables are made of
 * them before main; then any thread.
 */
#ifndef RW_HTTP_HPACK_HUFFMAN_H
#define RW_HTTP_HPACK_HUFFMAN_H

#include "base/span.h"

/* Room that decoding `len` bytes needs: the shortest code has five bits; and two symbols are stored
 * at a time. */
static inline size_t rw_huffman_decoded_max(size_t len)
{
    return len + len / 2 + len / 8 + 2;
}

/* Decodes to `to`; NULL, or the end of what was written. `plain` is set to false if any byte has a
 * code so long that it may be a control or not ASCII; without it, all of them are visible ASCII or
 * spaces. */
char *rw_huffman_decode(char *to, struct rw_span code, bool *plain);

/* Encodes to `to` if the code is shorter than `end - to` bytes, and returns the end, else NULL.
 * Up to 8 bytes more may be written. `lower`: letters as their lower case. */
char *rw_huffman_encode(char *to, const char *end, struct rw_span text, bool lower);

/* Bytes of the code. */
size_t rw_huffman_bytes(struct rw_span text, bool lower);

#endif
