#include "http/hpack_table.h"

#include "base/alloc.h"

enum {
    ENTRY_ROOM_FIRST = 16,
    TEXT_ROOM_FIRST = 512,
};

void rw_hpack_table_free(struct rw_hpack_table *table)
{
    rw_free(table->entries);
    *table = (struct rw_hpack_table){.bytes_max = table->bytes_max};
}

static void evict_oldest(struct rw_hpack_table *table)
{
    const struct rw_hpack_entry *oldest = rw_hpack_table_entry(table, table->next - table->count);
    table->bytes -= oldest->name_len + oldest->value_len + RW_HPACK_ENTRY_BYTES;
    table->count--;
}

void rw_hpack_table_resize(struct rw_hpack_table *table, uint32_t bytes_max)
{
    table->bytes_max = bytes_max;
    while (table->bytes > bytes_max)
        evict_oldest(table);
}

/* Where the live text begins. */
static uint32_t text_start(const struct rw_hpack_table *table)
{
    return table->count ? rw_hpack_table_entry(table, table->next - table->count)->at
                        : table->text_end;
}

static void shift_entries(struct rw_hpack_table *table, uint32_t start)
{
    for (uint32_t i = 1; i <= table->count; i++)
        rw_hpack_table_entry(table, table->next - i)->at -= start;
    table->text_end -= start;
}

/* A block of another size, the live entries in it. */
static enum rw_err move_to_new_block(struct rw_hpack_table *table, uint32_t entry_room,
                                     uint32_t text_room)
{
    struct rw_hpack_entry *entries =
        rw_alloc(entry_room * sizeof(*entries) + text_room + RW_HPACK_PAD);
    if (!entries)
        return RW_ENOMEM;
    char *text = (char *)(entries + entry_room);
    uint32_t start = text_start(table);
    for (uint32_t i = 1; i <= table->count; i++) {
        uint32_t number = table->next - i;
        entries[number & (entry_room - 1)] = *rw_hpack_table_entry(table, number);
    }
    if (table->count)
        memcpy(text, table->text + start, table->text_end - start);
    /* What is read behind the last text is never used, but it should be something. */
    memset(text + (table->text_end - start), 0,
           text_room + RW_HPACK_PAD - (table->text_end - start));
    rw_free(table->entries);
    table->entries = entries;
    table->text = text;
    table->entry_room = entry_room;
    table->text_room = text_room;
    shift_entries(table, start);
    return RW_OK;
}

static void move_to_front(struct rw_hpack_table *table)
{
    uint32_t start = text_start(table);
    memmove(table->text, table->text + start, table->text_end - start);
    shift_entries(table, start);
}

/* Room for one more entry with `len` bytes of text, which with the live ones is within bytes_max.
 * A block grows when half of it would be live, so that moving to the front stays rare. */
static enum rw_err make_room(struct rw_hpack_table *table, uint32_t len)
{
    uint64_t live = (uint64_t)(table->text_end - text_start(table)) + len;
    uint32_t entry_room = table->entry_room ? table->entry_room : ENTRY_ROOM_FIRST;
    if (table->count == entry_room)
        entry_room *= 2;
    uint64_t text_room = table->text_room ? table->text_room : TEXT_ROOM_FIRST;
    while (text_room < live * 2 && text_room < table->bytes_max)
        text_room *= 2;
    if (text_room > table->bytes_max && text_room > table->text_room)
        text_room = table->bytes_max > table->text_room ? table->bytes_max : table->text_room;
    bool same = entry_room == table->entry_room && text_room == table->text_room;
    if (!same && move_to_new_block(table, entry_room, (uint32_t)text_room) == RW_OK)
        return RW_OK;
    if (entry_room != table->entry_room || live > table->text_room)
        return RW_ENOMEM;
    move_to_front(table);
    return RW_OK;
}

enum rw_err rw_hpack_table_insert(struct rw_hpack_table *table, struct rw_span name,
                                  struct rw_span value, struct rw_hpack_kind kind, uint32_t hash)
{
    uint64_t bytes = (uint64_t)name.len + value.len + RW_HPACK_ENTRY_BYTES;
    while (table->count && table->bytes + bytes > table->bytes_max)
        evict_oldest(table);
    if (bytes > table->bytes_max)
        return RW_OK;
    uint32_t len = (uint32_t)(name.len + value.len);
    if (table->count == table->entry_room || table->text_end + len > table->text_room) {
        enum rw_err err = make_room(table, len);
        if (err)
            return err;
    }
    char *text = table->text + table->text_end;
    for (size_t i = 0; i < name.len; i++)
        text[i] = rw_lower(name.at[i]);
    if (value.len)
        memcpy(text + name.len, value.at, value.len);
    *rw_hpack_table_entry(table, table->next) = (struct rw_hpack_entry){
        .at = table->text_end,
        .name_len = (uint32_t)name.len,
        .value_len = (uint32_t)value.len,
        .hash = hash,
        .kind = kind,
    };
    table->text_end += len;
    table->next++;
    table->count++;
    table->bytes += (uint32_t)bytes;
    return RW_OK;
}
