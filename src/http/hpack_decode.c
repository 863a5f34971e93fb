#include "base/poison.h"
#include "http/field_table.h"
#include "http/hpack_huffman.h"
#include "http/hpack_table.h"
#include "http/scan.h"

enum {
    FIELD_ROOM_FIRST = 24,
    FIELDS_LIMIT = UINT16_MAX, /* struct rw_message counts so far */
    INTEGER_SHIFT_MAX = 28,
};

const struct rw_hpack_limits rw_hpack_limits_default = {
    .table_bytes_max = RW_HPACK_TABLE_BYTES_DEFAULT,
    .list_bytes_max = 64 * 1024,
    .fields_max = 128,
};

static const char *const fault_texts[] = {
    [RW_HPACK_FAULT_NAME_EMPTY] = "a field without a name",
    [RW_HPACK_FAULT_NAME] = "invalid character in a field name",
    [RW_HPACK_FAULT_PSEUDO] = "unknown pseudo-header field",
    [RW_HPACK_FAULT_CONNECTION] = "connection-specific field",
    [RW_HPACK_FAULT_VALUE] = "invalid character in a field value",
    [RW_HPACK_FAULT_BLANK] = "blank at the edge of a field value",
    [RW_HPACK_FAULT_TE] = "TE other than trailers",
    [RW_HPACK_FAULT_METHOD] = "method is not a token",
    [RW_HPACK_FAULT_STATUS] = "status is not of three digits",
};

/* One block being read. */
struct block {
    const uint8_t *at;
    const uint8_t *end;
    struct rw_hpack_decoder *decoder;
    const struct rw_hpack_limits *limits;
    struct rw_hpack_head *head;
    struct rw_arena *arena;
    char *text;     /* the next text goes here */
    char *text_end; /* of the room for text */
    bool text_last; /* the room for text is what the arena would hand out next */
    unsigned rooms; /* how often the room for text has changed */
    bool regular;   /* a field that is not a pseudo one has been seen */
    bool bomb;      /* more than `swollen` */
    uint64_t swollen;
    uint64_t passed; /* bytes of fields that the head has no room for */
};

/* A string of a literal. */
struct string {
    struct rw_span text;
    bool plain; /* known to be visible ASCII and spaces */
};

void rw_hpack_decoder_init(struct rw_hpack_decoder *decoder, uint32_t table_bytes_max)
{
    *decoder = (struct rw_hpack_decoder){
        .table.bytes_max = RW_HPACK_TABLE_BYTES_DEFAULT,
        .table_bytes_max = table_bytes_max > RW_HPACK_TABLE_BYTES_DEFAULT
                               ? table_bytes_max
                               : RW_HPACK_TABLE_BYTES_DEFAULT,
    };
}

void rw_hpack_decoder_free(struct rw_hpack_decoder *decoder)
{
    rw_hpack_table_free(&decoder->table);
}

void rw_hpack_decoder_acknowledged(struct rw_hpack_decoder *decoder, uint32_t table_bytes_max)
{
    decoder->table_bytes_max = table_bytes_max;
    if (decoder->table.bytes_max <= table_bytes_max)
        return;
    rw_hpack_table_resize(&decoder->table, table_bytes_max);
    decoder->must_update = true;
}

/* ---- Room in the arena ---- */

/* Text is laid end to end in what is left of the arena's block; only when something else is to be
 * allocated, or at the end, the arena learns how much of it is taken. */
static void open_text(struct block *block)
{
    block->text = block->arena->at;
    block->text_end = block->arena->end;
    block->text_last = true;
    block->rooms++;
}

static void close_text(struct block *block)
{
    if (!block->text_last || !block->text)
        return;
    size_t taken = ((size_t)(block->text - block->arena->at) + 7) & ~(size_t)7;
    block->arena->at += taken;
    /* There are RW_HPACK_PAD bytes behind any text, so that rounding stays inside. */
    RW_POISON(block->arena->at, (size_t)(block->arena->end - block->arena->at));
}

static __attribute__((noinline)) char *more_text(struct block *block, size_t len)
{
    close_text(block);
    char *at = rw_arena_alloc(block->arena, len);
    if (!at)
        return NULL;
    if (block->arena->at - at == (ptrdiff_t)((len + 7) & ~(size_t)7)) {
        block->arena->at = at;
        open_text(block);
        return at;
    }
    block->text = at;
    block->text_end = at + len;
    block->text_last = false;
    block->rooms++;
    return at;
}

/* Room for `len` bytes at block->text, and RW_HPACK_PAD more; NULL: no memory. */
static inline char *text_room(struct block *block, size_t len)
{
    len += RW_HPACK_PAD;
    if (__builtin_expect((size_t)(block->text_end - block->text) < len, 0))
        return more_text(block, len);
    RW_UNPOISON(block->text, len);
    return block->text;
}

static enum rw_hpack_result more_fields(struct block *block)
{
    struct rw_hpack_head *head = block->head;
    unsigned room = head->room ? head->room * 2 : FIELD_ROOM_FIRST;
    close_text(block);
    struct rw_field *fields = rw_arena_alloc(block->arena, room * sizeof(*fields));
    if (!fields)
        return RW_HPACK_NO_MEMORY;
    if (head->count)
        memcpy(fields, head->fields, head->count * sizeof(*fields));
    head->fields = fields;
    head->room = room;
    open_text(block);
    return RW_HPACK_OK;
}

/* `from` may be read, and `to` written, up to RW_HPACK_PAD bytes behind. */
static inline void copy_padded(char *to, const char *from, size_t len)
{
#if defined(__SSE2__)
    size_t i = 0;
    do {
        _mm_storeu_si128((__m128i *)(to + i), _mm_loadu_si128((const __m128i *)(from + i)));
        i += 16;
    } while (i < len);
#else
    memcpy(to, from, len);
#endif
}

/* ---- Integers and strings (RFC 7541 section 5) ---- */

/* The rest of an integer whose prefix is all ones. Nothing needs more than 32 bits. */
static __attribute__((noinline)) bool read_long_integer(struct block *block, uint32_t *value)
{
    uint64_t sum = *value;
    for (unsigned shift = 0; block->at < block->end && shift <= INTEGER_SHIFT_MAX; shift += 7) {
        uint8_t byte = *block->at++;
        sum += (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        *value = (uint32_t)sum;
        return sum <= UINT32_MAX;
    }
    return false;
}

/* The integer in the low bits of the byte at block->at, `mask` has them set, and behind. */
static inline bool read_integer(struct block *block, uint32_t mask, uint32_t *value)
{
    *value = *block->at++ & mask;
    return *value != mask || read_long_integer(block, value);
}

static enum rw_hpack_result read_string(struct block *block, struct string *string)
{
    uint32_t len;
    if (block->at == block->end)
        return RW_HPACK_ERROR;
    bool huffman = *block->at & 0x80;
    if (!read_integer(block, 0x7f, &len) || len > (size_t)(block->end - block->at))
        return RW_HPACK_ERROR;
    const char *from = (const char *)block->at;
    block->at += len;
    char *to = text_room(block, huffman ? rw_huffman_decoded_max(len) : len);
    if (!to)
        return RW_HPACK_NO_MEMORY;
    string->text.at = to;
    if (huffman) {
        char *end = rw_huffman_decode(to, rw_span(from, len), &string->plain);
        if (!end)
            return RW_HPACK_ERROR;
        string->text.len = (size_t)(end - to);
    } else {
        if (len)
            memcpy(to, from, len);
        string->text.len = len;
        string->plain = false;
    }
    block->text = to + string->text.len;
    return RW_HPACK_OK;
}

/* ---- What a name and a value are ---- */

static struct rw_hpack_kind kind_of_pseudo(struct rw_span name)
{
    for (unsigned i = 0; i < RW_PSEUDO_COUNT; i++)
        if (rw_span_eq(name, rw_hpack_pseudo_name((enum rw_pseudo)i)))
            return (struct rw_hpack_kind){.pseudo = (uint8_t)(i + 1)};
    return (struct rw_hpack_kind){.fault = RW_HPACK_FAULT_PSEUDO};
}

static bool is_lower_token(struct rw_span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!rw_char_is(name.at[i], RW_CHAR_TOKEN) || (name.at[i] >= 'A' && name.at[i] <= 'Z'))
            return false;
    return true;
}

static struct rw_hpack_kind kind_of_name(struct rw_span name)
{
    if (name.len == 0)
        return (struct rw_hpack_kind){.fault = RW_HPACK_FAULT_NAME_EMPTY};
    if (name.at[0] == ':')
        return kind_of_pseudo(name);
    if (!is_lower_token(name))
        return (struct rw_hpack_kind){.fault = RW_HPACK_FAULT_NAME};
    struct rw_hpack_kind kind = {.id = (uint8_t)rw_field_id_of_token(name.at, name.len)};
    /* RFC 9113 section 8.2.2. */
    if (kind.id == RW_FIELD_CONNECTION || kind.id == RW_FIELD_KEEP_ALIVE ||
        kind.id == RW_FIELD_PROXY_CONNECTION || kind.id == RW_FIELD_TRANSFER_ENCODING ||
        kind.id == RW_FIELD_UPGRADE)
        kind.fault = RW_HPACK_FAULT_CONNECTION;
    return kind;
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* 0: not a status. */
static unsigned status_of(struct rw_span value)
{
    unsigned status = 0;
    if (value.len != 3)
        return 0;
    for (unsigned i = 0; i < 3; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return 0;
        status = status * 10 + (unsigned)(value.at[i] - '0');
    }
    return status >= 100 ? status : 0;
}

/* `kind` is of the name; adds what the value makes of it. */
static struct rw_hpack_kind kind_with_value(struct rw_hpack_kind kind, const struct string *value)
{
    struct rw_span text = value->text;
    if (kind.fault)
        return kind;
    if (!value->plain && rw_scan_value(text.at, text.at + text.len) != text.at + text.len)
        kind.fault = RW_HPACK_FAULT_VALUE;
    else if (text.len && (is_blank(text.at[0]) || is_blank(text.at[text.len - 1])))
        kind.fault = RW_HPACK_FAULT_BLANK;
    else if (kind.id == RW_FIELD_TE && !rw_span_is_nocase(text, "trailers"))
        kind.fault = RW_HPACK_FAULT_TE;
    else if (kind.pseudo == 1 + RW_PSEUDO_METHOD) {
        kind.method = (uint8_t)rw_method_from(text);
        if (kind.method == RW_METHOD_OTHER && !rw_is_token(text))
            kind.fault = RW_HPACK_FAULT_METHOD;
    } else if (kind.pseudo == 1 + RW_PSEUDO_STATUS && !status_of(text))
        kind.fault = RW_HPACK_FAULT_STATUS;
    return kind;
}

/* ---- Fields ---- */

static void emit_pseudo(struct block *block, struct rw_hpack_kind kind, struct rw_span value)
{
    struct rw_hpack_head *head = block->head;
    unsigned which = kind.pseudo - 1u;
    if (block->regular)
        head->malformed = "pseudo-header field behind regular ones";
    else if (head->pseudo_seen >> which & 1)
        head->malformed = "pseudo-header field given twice";
    head->pseudo_seen |= (uint8_t)(1u << which);
    head->pseudo[which] = value;
    if (which == RW_PSEUDO_METHOD)
        head->method = kind.method;
    else if (which == RW_PSEUDO_STATUS)
        head->status = (uint16_t)status_of(value);
}

/* The next regular field to fill in; NULL: no memory. */
static inline struct rw_field *next_field(struct block *block)
{
    struct rw_hpack_head *head = block->head;
    block->regular = true;
    if (__builtin_expect(head->count == head->room, 0) && more_fields(block) != RW_HPACK_OK)
        return NULL;
    return &head->fields[head->count++];
}

static inline void fill_field(struct rw_field *out, struct rw_hpack_kind kind, bool sensitive)
{
    out->id = kind.id;
    out->parsed = false;
    out->hop = rw_field_keys[kind.id].hop;
    out->sensitive = sensitive;
}

/* A field that the head has no room for. Of a bomb no more is read. */
static __attribute__((noinline)) bool pass_by(struct block *block, size_t bytes)
{
    block->head->too_large = true;
    block->passed += bytes + RW_HPACK_ENTRY_BYTES;
    if (block->head->list_bytes + block->passed > block->swollen) {
        block->bomb = true;
        block->at = block->end;
    }
    return false;
}

/* Does a field of so many bytes still go to the head? */
static inline bool accept_bytes(struct block *block, size_t bytes)
{
    struct rw_hpack_head *head = block->head;
    uint64_t sum = (uint64_t)head->list_bytes + bytes + RW_HPACK_ENTRY_BYTES;
    if (__builtin_expect(head->too_large || sum > block->limits->list_bytes_max ||
                             head->count >= block->limits->fields_max ||
                             head->count >= FIELDS_LIMIT || sum > block->swollen,
                         0))
        return pass_by(block, bytes);
    head->list_bytes = (uint32_t)sum;
    return true;
}

static enum rw_hpack_result emit(struct block *block, const struct rw_hpack_field *field,
                                 bool sensitive)
{
    if (__builtin_expect(field->kind.fault, 0))
        block->head->malformed = fault_texts[field->kind.fault];
    if (field->kind.pseudo) {
        emit_pseudo(block, field->kind, field->value);
        return RW_HPACK_OK;
    }
    struct rw_field *out = next_field(block);
    if (!out)
        return RW_HPACK_NO_MEMORY;
    out->name = field->name;
    out->value = field->value;
    fill_field(out, field->kind, sensitive);
    return RW_HPACK_OK;
}

/* The dynamic table's entry with that index, NULL: beyond the table. */
static inline const struct rw_hpack_entry *entry_at(const struct block *block, uint32_t index)
{
    const struct rw_hpack_table *table = &block->decoder->table;
    uint32_t age = index - RW_HPACK_STATIC_COUNT - 1;
    return age < table->count ? rw_hpack_table_entry(table, table->next - 1 - age) : NULL;
}

/* A name that has a number or begins with a colon and is known is static; others are copied. */
static inline bool static_name(struct rw_hpack_kind kind, struct rw_span *name)
{
    if (kind.id) {
        *name = rw_span(rw_field_keys[kind.id].lower, rw_field_keys[kind.id].len);
        return true;
    }
    if (kind.pseudo) {
        *name = rw_hpack_pseudo_name((enum rw_pseudo)(kind.pseudo - 1));
        return true;
    }
    return false;
}

/* A field that has come before and comes again: what decoding is made to be fast at. */
static inline enum rw_hpack_result emit_entry(struct block *block,
                                              const struct rw_hpack_entry *entry)
{
    const struct rw_hpack_kind kind = entry->kind;
    const size_t name_len = entry->name_len, value_len = entry->value_len;
    if (!accept_bytes(block, name_len + value_len))
        return RW_HPACK_OK;
    struct rw_field *out = NULL;
    if (!kind.pseudo && !(out = next_field(block)))
        return RW_HPACK_NO_MEMORY;
    char *to = text_room(block, name_len + value_len);
    if (!to)
        return RW_HPACK_NO_MEMORY;
    if (__builtin_expect(kind.fault, 0))
        block->head->malformed = fault_texts[kind.fault];
    const char *from = rw_hpack_entry_name(&block->decoder->table, entry);
    size_t skip = kind.id || kind.pseudo ? name_len : 0; /* the name is static */
    size_t copied = name_len + value_len - skip;
    copy_padded(to, from + skip, copied);
    block->text = to + copied;
    struct rw_span value = rw_span(to + copied - value_len, value_len);
    if (!out) {
        emit_pseudo(block, kind, value);
        return RW_HPACK_OK;
    }
    out->name = rw_span(kind.id ? rw_field_keys[kind.id].lower : to, name_len);
    out->value = value;
    fill_field(out, kind, false);
    return RW_HPACK_OK;
}

static inline enum rw_hpack_result read_indexed(struct block *block)
{
    uint32_t index;
    if (!read_integer(block, 0x7f, &index) || index == 0)
        return RW_HPACK_ERROR;
    if (index <= RW_HPACK_STATIC_COUNT) {
        const struct rw_hpack_field *field = &rw_hpack_static[index];
        return accept_bytes(block, field->name.len + field->value.len) ? emit(block, field, false)
                                                                       : RW_HPACK_OK;
    }
    const struct rw_hpack_entry *entry = entry_at(block, index);
    return entry ? emit_entry(block, entry) : RW_HPACK_ERROR;
}

/* The name of a literal: at an index, or written out. */
static enum rw_hpack_result read_name(struct block *block, uint32_t index,
                                      struct rw_hpack_field *field)
{
    if (index == 0) {
        struct string name;
        enum rw_hpack_result result = read_string(block, &name);
        if (result)
            return result;
        field->name = name.text;
        field->kind = kind_of_name(name.text);
        return RW_HPACK_OK;
    }
    const struct rw_hpack_entry *entry = NULL;
    if (index <= RW_HPACK_STATIC_COUNT) {
        field->name = rw_hpack_static[index].name;
        field->kind = rw_hpack_static[index].kind;
    } else if ((entry = entry_at(block, index))) {
        field->kind = entry->kind;
    } else {
        return RW_HPACK_ERROR;
    }
    field->kind.method = RW_METHOD_OTHER;
    if (field->kind.fault > RW_HPACK_FAULT_NAME_LAST)
        field->kind.fault = RW_HPACK_FAULT_NONE;
    if (entry && !static_name(field->kind, &field->name)) {
        char *to = text_room(block, entry->name_len);
        if (!to)
            return RW_HPACK_NO_MEMORY;
        memcpy(to, rw_hpack_entry_name(&block->decoder->table, entry), entry->name_len);
        field->name = rw_span(to, entry->name_len);
        block->text = to + entry->name_len;
    }
    return RW_HPACK_OK;
}

static enum rw_hpack_result read_literal(struct block *block, uint32_t mask, bool index_it,
                                         bool sensitive)
{
    struct rw_hpack_field field;
    struct string value;
    char *before = block->text;
    unsigned before_rooms = block->rooms;
    uint32_t index;
    if (!read_integer(block, mask, &index))
        return RW_HPACK_ERROR;
    enum rw_hpack_result result = read_name(block, index, &field);
    if (result == RW_HPACK_OK)
        result = read_string(block, &value);
    if (result)
        return result;
    field.value = value.text;
    field.kind = kind_with_value(field.kind, &value);
    if (index_it && rw_hpack_table_insert(&block->decoder->table, field.name, field.value,
                                          field.kind, 0) != RW_OK)
        return RW_HPACK_NO_MEMORY;
    if (accept_bytes(block, field.name.len + field.value.len))
        return emit(block, &field, sensitive);
    /* What goes nowhere leaves its room to the next. */
    if (block->rooms == before_rooms)
        block->text = before;
    return RW_HPACK_OK;
}

/* RFC 7541 section 6.3; only at the beginning of a block, section 4.2. */
static bool read_updates(struct block *block)
{
    struct rw_hpack_decoder *decoder = block->decoder;
    while (block->at < block->end && (*block->at & 0xe0) == 0x20) {
        /* After a smaller table was announced the first update has to go down to it. */
        uint32_t bytes_max =
            decoder->must_update ? decoder->table.bytes_max : decoder->table_bytes_max;
        uint32_t bytes;
        if (!read_integer(block, 0x1f, &bytes) || bytes > bytes_max)
            return false;
        rw_hpack_table_resize(&decoder->table, bytes);
        decoder->must_update = false;
    }
    return !decoder->must_update;
}

/* From which size on it is a bomb. */
static uint64_t swollen_bytes(const struct rw_hpack_decoder *decoder,
                              const struct rw_hpack_limits *limits, size_t block_len)
{
    /* A table of the default size is what the peer may have until it knows of ours. */
    uint32_t table = decoder->table_bytes_max > RW_HPACK_TABLE_BYTES_DEFAULT
                         ? decoder->table_bytes_max
                         : RW_HPACK_TABLE_BYTES_DEFAULT;
    uint32_t times = limits->expansion_max;
    return times ? ((uint64_t)block_len + table) * times : UINT64_MAX;
}

enum rw_hpack_result rw_hpack_decode(struct rw_hpack_decoder *decoder,
                                     const struct rw_hpack_limits *limits, struct rw_span block,
                                     struct rw_arena *arena, struct rw_hpack_head *head)
{
    struct block reading = {
        .at = (const uint8_t *)block.at,
        .end = (const uint8_t *)block.at + block.len,
        .decoder = decoder,
        .limits = limits,
        .head = head,
        .arena = arena,
        .swollen = swollen_bytes(decoder, limits, block.len),
    };
    enum rw_hpack_result result = RW_HPACK_OK;
    if (!read_updates(&reading))
        return RW_HPACK_ERROR;
    open_text(&reading);
    while (reading.at < reading.end && result == RW_HPACK_OK) {
        uint8_t first = *reading.at;
        if (first & 0x80)
            result = read_indexed(&reading);
        else if (first & 0x40)
            result = read_literal(&reading, 0x3f, true, false);
        else if (first & 0x20)
            result = RW_HPACK_ERROR;
        else
            result = read_literal(&reading, 0x0f, false, first & 0x10);
    }
    close_text(&reading);
    return reading.bomb ? RW_HPACK_BOMB : result;
}
