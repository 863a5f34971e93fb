/* TLS 1.3 records made and read the long way, to test what does it the short way: HKDF and AEAD by
 * OpenSSL's default provider, one call for each record, nothing shared with src/.
 *
 * One struct records_side for each direction, from its traffic secret. */
#ifndef RW_TESTS_SUPPORT_TLS_RECORDS_H
#define RW_TESTS_SUPPORT_TLS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RECORDS_HEADER_BYTES = 5,
    RECORDS_TAG_BYTES = 16,
    RECORDS_TEXT_BYTES_MAX = 65535 - 17,
    RECORDS_BYTES_MAX = 5 + 65535,
};

enum { RECORDS_ALERT = 21, RECORDS_HANDSHAKE = 22, RECORDS_DATA = 23 };

struct records_side {
    unsigned cipher; /* 0x1301, 0x1302 or 0x1303 */
    size_t hash_bytes, key_bytes;
    uint64_t sequence;
    unsigned char secret[48], key[32], iv[12];
};

/* 32 or 48: bytes of a secret for this cipher. */
size_t records_hash_bytes(unsigned cipher);
void records_start(struct records_side *side, unsigned cipher, const unsigned char *secret);
/* The next key (RFC 8446 section 7.2). */
void records_update(struct records_side *side);
/* A whole record at `to`; how long it is. `padding`: zeros behind the type. */
size_t records_seal(struct records_side *side, unsigned char type, const void *text, size_t bytes,
                    size_t padding, unsigned char *to);
/* As seal, for any inner text, its type included. */
size_t records_seal_inner(struct records_side *side, const unsigned char *inner, size_t bytes,
                          unsigned char *to);
/* Opens a whole record; `text` has room for its body. False: not authentic. Type 0: nothing but
 * padding. */
bool records_open(struct records_side *side, const unsigned char *record, size_t bytes,
                  unsigned char *text, size_t *text_bytes, unsigned char *type);
/* How long the record is that begins here; 0: that is not all here yet. */
size_t records_bytes(const unsigned char *at, size_t bytes);

#endif
