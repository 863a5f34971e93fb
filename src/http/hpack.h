/* HPACK (RFC 7541): header blocks of HTTP/2 to fields and back. No I/O.
 *
 * A connection has one decoder and one encoder. The decoder is given every header block that the
 * peer sends, whole and in the order of arrival, also those that nobody wants: they change its
 * table. The encoder is called once per field while a block is written, pseudo-header fields first.
 * A table takes no memory until its first entry, so that both cost an idle connection nothing but
 * themselves. What is kept in a table is bounded by its size in RFC 7541's reckoning (section 4.1).
 * One thread per connection.
 */
#ifndef RW_HTTP_HPACK_H
#define RW_HTTP_HPACK_H

#include "http/message.h"

/* The size of both tables when a connection begins (RFC 9113 section 6.5.2). */
enum { RW_HPACK_TABLE_BYTES_DEFAULT = 4096 };

/* RFC 9113 section 8.3; PROTOCOL: RFC 8441. */
#define RW_PSEUDOS(X)                                                                              \
    X(METHOD, ":method")                                                                           \
    X(SCHEME, ":scheme")                                                                           \
    X(AUTHORITY, ":authority")                                                                     \
    X(PATH, ":path")                                                                               \
    X(STATUS, ":status")                                                                           \
    X(PROTOCOL, ":protocol")

enum rw_pseudo {
#define RW_PSEUDO_ENUM(name, text) RW_PSEUDO_##name,
    RW_PSEUDOS(RW_PSEUDO_ENUM)
#undef RW_PSEUDO_ENUM
        RW_PSEUDO_COUNT
};

#define RW_PSEUDO_BIT(name) (1u << RW_PSEUDO_##name)

struct rw_hpack_entry;

/* The dynamic table: a ring of entries and their text in one block of memory. Its members are for
 * the files hpack_*.c only. */
struct rw_hpack_table {
    struct rw_hpack_entry *entries; /* NULL until the first insertion */
    char *text;                     /* behind the entries, in the same block */
    uint32_t entry_room;            /* a power of two */
    uint32_t text_room;
    uint32_t text_end;  /* where the newest entry's text ends */
    uint32_t next;      /* number of the entry to come; its place in the ring: the low bits */
    uint32_t count;     /* live entries: next - count up to next - 1 */
    uint32_t bytes;     /* RFC 7541 section 4.1: names, values and 32 for each entry */
    uint32_t bytes_max; /* the maximum size in force */
};

/* ---- Decoder ---- */

struct rw_hpack_decoder {
    struct rw_hpack_table table;
    uint32_t table_bytes_max; /* what a size update may ask for */
    bool must_update;         /* the next block has to begin with a size update */
};

struct rw_hpack_limits {
    uint32_t table_bytes_max; /* SETTINGS_HEADER_TABLE_SIZE as we announce it */
    /* Of all names and values and 32 for each field (RFC 9113 section 6.5.2). Past this or
     * fields_max a block is read on for the table's sake only. */
    uint32_t list_bytes_max;
    uint32_t fields_max; /* pseudo-header fields not counted; at most 65,535 */
    /* How many times larger than the block and the table together all of that may be; 0: any.
     * Huffman coding makes it up to 1.6 times larger, and what is in the table comes once: only a
     * block that has the same entries over and over gets anywhere near to 8. */
    uint32_t expansion_max;
};

extern const struct rw_hpack_limits rw_hpack_limits_default;

/* One header block's fields. Zeroed by the caller, who may lend room for the first fields: `fields`
 * and `room`. All text is in the arena or static. Names are in lower case. */
struct rw_hpack_head {
    struct rw_field *fields; /* regular fields in their order; moves into the arena to grow */
    unsigned count;
    unsigned room;
    struct rw_span pseudo[RW_PSEUDO_COUNT]; /* at == NULL: not there */
    uint8_t pseudo_seen;                    /* RW_PSEUDO_BIT of each that was there */
    uint8_t method;                         /* enum rw_method, if :method was there */
    uint16_t status;                        /* 100 to 999, if :status was there and well-formed */
    uint32_t list_bytes; /* as list_bytes_max counts; up to where it was passed */
    bool too_large;      /* list_bytes_max or fields_max passed */
    /* NULL, or why the message is malformed (RFC 9113 sections 8.1.1, 8.2 and 8.3): an error of the
     * stream, not of the connection. A pseudo-header field is looked at as any field: that :path
     * and :authority obey their grammar (there may be a space in them) is the caller's to check.
     * Which pseudo-header fields must be there or must not depends on the kind of message: the
     * caller looks at pseudo_seen. A static text. */
    const char *malformed;
};

enum rw_hpack_result {
    RW_HPACK_OK,
    RW_HPACK_ERROR,     /* COMPRESSION_ERROR; the connection is lost */
    RW_HPACK_NO_MEMORY, /* the table no longer mirrors the peer's: the connection is lost too */
    RW_HPACK_BOMB       /* past expansion_max; the rest was not read: lost as well */
};

/* `table_bytes_max` as announced or to be announced to the peer. */
void rw_hpack_decoder_init(struct rw_hpack_decoder *decoder, uint32_t table_bytes_max);
void rw_hpack_decoder_free(struct rw_hpack_decoder *decoder);
/* The peer has acknowledged our SETTINGS with this table size. Until then it may keep a table of
 * the default size; from now on not, and the next block must say so (RFC 7541 section 4.2). */
void rw_hpack_decoder_acknowledged(struct rw_hpack_decoder *decoder, uint32_t table_bytes_max);

/* Decodes one whole block. The arena takes up to list_bytes_max, twice the block, and the table of
 * fields; it must not cap lower, for NO_MEMORY costs the connection. The block may be freed
 * afterwards. After anything but OK neither the head nor the decoder is of use. */
enum rw_hpack_result rw_hpack_decode(struct rw_hpack_decoder *decoder,
                                     const struct rw_hpack_limits *limits, struct rw_span block,
                                     struct rw_arena *arena, struct rw_hpack_head *head);

/* ---- Encoder ---- */

struct rw_hpack_memory;

/* What repeats goes to the dynamic table; what is secret (Authorization, cookies) is never indexed,
 * here or by anybody behind (RFC 7541 section 7.1.3). Without memory for the table it does without.
 */
struct rw_hpack_encoder {
    struct rw_hpack_table table;
    struct rw_hpack_memory *memory; /* finds entries; NULL until the first insertion */
    uint32_t table_bytes_own_max;
    uint32_t update_bytes_min; /* the smallest size since the last block */
    bool update_pending;
};

/* `table_bytes_max` bounds the table whatever the peer allows; 0: no table. At most 65,535. */
void rw_hpack_encoder_init(struct rw_hpack_encoder *encoder, uint32_t table_bytes_max);
void rw_hpack_encoder_free(struct rw_hpack_encoder *encoder);
/* The peer's SETTINGS_HEADER_TABLE_SIZE, between two blocks. The next block tells of the change. */
void rw_hpack_encoder_limit(struct rw_hpack_encoder *encoder, uint32_t peer_table_bytes);

/* Room that one call below may use at `out`, not all of which it fills. */
static inline size_t rw_hpack_bound(struct rw_span name, struct rw_span value)
{
    return name.len + value.len + 48;
}

/* Each writes one field at `out` and returns the end. Names and values are shorter than 2^31. */
char *rw_hpack_encode_status(struct rw_hpack_encoder *encoder, char *out, unsigned status);
char *rw_hpack_encode_pseudo(struct rw_hpack_encoder *encoder, char *out, enum rw_pseudo which,
                             struct rw_span value);
/* `id` is rw_field_id(name); `name` is a token in any case, written in lower case. `sensitive`:
 * never to be indexed, as a peer asked (struct rw_field) or the config says. */
char *rw_hpack_encode_field(struct rw_hpack_encoder *encoder, char *out, enum rw_field_id id,
                            struct rw_span name, struct rw_span value, bool sensitive);

#endif
