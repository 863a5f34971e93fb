/* The dynamic table (RFC 7541 sections 2.3.2 and 4), for the decoder and the encoder alike.
 * Private to hpack_*.c.
 *
 * Text of the live entries is one stretch of the block, oldest first: entries leave at one end and
 * come at the other, and the stretch is moved to the front when it reaches the end. RW_HPACK_PAD
 * bytes behind any text may be read, so that it can be copied sixteen bytes at a time.
 */
#ifndef RW_HTTP_HPACK_TABLE_H
#define RW_HTTP_HPACK_TABLE_H

#include "http/hpack_static.h"

enum { RW_HPACK_PAD = 16 };

struct rw_hpack_entry {
    uint32_t at; /* of the name in the text, the value behind it */
    uint32_t name_len;
    uint32_t value_len;
    uint32_t hash; /* the encoder's */
    struct rw_hpack_kind kind;
};

/* The entry with that number, which lives. */
static inline struct rw_hpack_entry *rw_hpack_table_entry(const struct rw_hpack_table *table,
                                                          uint32_t number)
{
    return &table->entries[number & (table->entry_room - 1)];
}

/* How many came after the entry with that number; `count` or more: it does not live. */
static inline uint32_t rw_hpack_table_age(const struct rw_hpack_table *table, uint32_t number)
{
    return table->next - 1 - number;
}

static inline const char *rw_hpack_entry_name(const struct rw_hpack_table *table,
                                              const struct rw_hpack_entry *entry)
{
    return table->text + entry->at;
}

static inline const char *rw_hpack_entry_value(const struct rw_hpack_table *table,
                                               const struct rw_hpack_entry *entry)
{
    return table->text + entry->at + entry->name_len;
}

void rw_hpack_table_free(struct rw_hpack_table *table);

/* The maximum size, evicting what no longer fits. */
void rw_hpack_table_resize(struct rw_hpack_table *table, uint32_t bytes_max);

/* Evicts and inserts; what is larger than the table empties it and is not kept, which is no error
 * (RFC 7541 section 4.4). The name may be in any case and is kept in lower case. Name and value
 * must not be in the table's own text. RW_ENOMEM: nothing was inserted. */
RW_MUST_CHECK enum rw_err rw_hpack_table_insert(struct rw_hpack_table *table, struct rw_span name,
                                                struct rw_span value, struct rw_hpack_kind kind,
                                                uint32_t hash);

#endif
