#include "base/alloc.h"
#include "http/field_table.h"
#include "http/hpack_huffman.h"
#include "http/hpack_table.h"

enum {
    SLOTS = 128,           /* of the hash, in pairs */
    SEEN = 64,             /* hashes of fields that came once */
    HUFFMAN_BYTES_MIN = 6, /* below, a byte at most would be saved */
    NAMES = RW_FIELD_COUNT + RW_PSEUDO_COUNT,
};

/* Numbers of entries are looked at before they are believed: one that left the table is harmless.
 */
struct rw_hpack_memory {
    uint32_t newest_of[NAMES]; /* the entry last used of each name with an id, pseudo ones behind */
    uint32_t slots[SLOTS];     /* entries by the hash of name and value, or of a name alone */
    uint32_t seen[SEEN];
};

/* What is done with a field that is in no table. */
enum policy {
    POLICY_REPEAT, /* inserted when it comes for the second time */
    POLICY_EAGER,  /* inserted at once: it nearly always repeats */
    POLICY_NAME,   /* inserted once for its name; the value hardly ever repeats, and goes as it is:
                      ids and addresses shrink little and are much of what there is to encode */
    POLICY_PLAIN,  /* not inserted: the name is in the static table */
    POLICY_NEVER,  /* a secret: RFC 7541 section 7.1.3 */
};

static const uint8_t policies[NAMES] = {
    [RW_FIELD_ACCEPT] = POLICY_EAGER,
    [RW_FIELD_ACCEPT_ENCODING] = POLICY_EAGER,
    [RW_FIELD_AGE] = POLICY_PLAIN,
    [RW_FIELD_ALT_SVC] = POLICY_EAGER,
    [RW_FIELD_AUTHORIZATION] = POLICY_NEVER,
    [RW_FIELD_CACHE_CONTROL] = POLICY_EAGER,
    [RW_FIELD_CONTENT_ENCODING] = POLICY_EAGER,
    [RW_FIELD_CONTENT_LENGTH] = POLICY_PLAIN,
    [RW_FIELD_CONTENT_RANGE] = POLICY_PLAIN,
    [RW_FIELD_CONTENT_TYPE] = POLICY_EAGER,
    [RW_FIELD_COOKIE] = POLICY_NEVER,
    [RW_FIELD_ETAG] = POLICY_PLAIN,
    [RW_FIELD_FORWARDED] = POLICY_NAME,
    [RW_FIELD_HOST] = POLICY_EAGER,
    [RW_FIELD_IF_MATCH] = POLICY_PLAIN,
    [RW_FIELD_IF_MODIFIED_SINCE] = POLICY_PLAIN,
    [RW_FIELD_IF_NONE_MATCH] = POLICY_PLAIN,
    [RW_FIELD_IF_RANGE] = POLICY_PLAIN,
    [RW_FIELD_IF_UNMODIFIED_SINCE] = POLICY_PLAIN,
    [RW_FIELD_LAST_MODIFIED] = POLICY_PLAIN,
    [RW_FIELD_LOCATION] = POLICY_PLAIN,
    [RW_FIELD_PROXY_AUTHORIZATION] = POLICY_NEVER,
    [RW_FIELD_RANGE] = POLICY_PLAIN,
    [RW_FIELD_SERVER] = POLICY_EAGER,
    [RW_FIELD_SET_COOKIE] = POLICY_NEVER,
    [RW_FIELD_TRACEPARENT] = POLICY_NAME,
    [RW_FIELD_TRACESTATE] = POLICY_NAME,
    [RW_FIELD_USER_AGENT] = POLICY_EAGER,
    [RW_FIELD_VARY] = POLICY_EAGER,
    [RW_FIELD_VIA] = POLICY_EAGER,
    [RW_FIELD_X_FORWARDED_FOR] = POLICY_NAME,
    [RW_FIELD_X_FORWARDED_HOST] = POLICY_EAGER,
    [RW_FIELD_X_FORWARDED_PROTO] = POLICY_EAGER,
    [RW_FIELD_X_REQUEST_ID] = POLICY_NAME,
    [RW_FIELD_COUNT + RW_PSEUDO_METHOD] = POLICY_EAGER,
    [RW_FIELD_COUNT + RW_PSEUDO_SCHEME] = POLICY_EAGER,
    [RW_FIELD_COUNT + RW_PSEUDO_AUTHORITY] = POLICY_EAGER,
    [RW_FIELD_COUNT + RW_PSEUDO_STATUS] = POLICY_EAGER,
    [RW_FIELD_COUNT + RW_PSEUDO_PROTOCOL] = POLICY_EAGER,
};

/* A field being written. */
struct request {
    struct rw_span name;
    struct rw_span value;
    struct rw_hpack_kind kind;
    unsigned number;       /* of the name, into newest_of and policies; 0: it has none */
    unsigned static_index; /* of the name; 0: it is not there */
    uint32_t name_hash;    /* with number 0 only */
};

/* ---- The table's size ---- */

void rw_hpack_encoder_init(struct rw_hpack_encoder *encoder, uint32_t table_bytes_max)
{
    if (table_bytes_max > UINT16_MAX)
        table_bytes_max = UINT16_MAX;
    *encoder = (struct rw_hpack_encoder){
        .table.bytes_max = RW_HPACK_TABLE_BYTES_DEFAULT,
        .table_bytes_own_max = table_bytes_max,
    };
    rw_hpack_encoder_limit(encoder, RW_HPACK_TABLE_BYTES_DEFAULT);
}

void rw_hpack_encoder_free(struct rw_hpack_encoder *encoder)
{
    rw_hpack_table_free(&encoder->table);
    rw_free(encoder->memory);
    encoder->memory = NULL;
}

void rw_hpack_encoder_limit(struct rw_hpack_encoder *encoder, uint32_t peer_table_bytes)
{
    uint32_t bytes = peer_table_bytes < encoder->table_bytes_own_max ? peer_table_bytes
                                                                     : encoder->table_bytes_own_max;
    if (bytes == encoder->table.bytes_max)
        return;
    /* A peer that allowed less for a while has evicted by it, and waits to be told. */
    if (!encoder->update_pending || bytes < encoder->update_bytes_min)
        encoder->update_bytes_min = bytes;
    encoder->update_pending = true;
    rw_hpack_table_resize(&encoder->table, bytes);
}

/* ---- Integers and strings (RFC 7541 section 5) ---- */

static inline char *put_integer(char *out, uint8_t pattern, unsigned mask, size_t value)
{
    if (__builtin_expect(value < mask, 1)) {
        *out++ = (char)(pattern | value);
        return out;
    }
    *out++ = (char)(pattern | mask);
    for (value -= mask; value >= 0x80; value >>= 7)
        *out++ = (char)(0x80 | (value & 0x7f));
    *out++ = (char)value;
    return out;
}

static char *put_plain_string(char *out, struct rw_span text, bool lower)
{
    out = put_integer(out, 0, 0x7f, text.len);
    if (!lower && text.len)
        memcpy(out, text.at, text.len);
    for (size_t i = 0; lower && i < text.len; i++)
        out[i] = rw_lower(text.at[i]);
    return out + text.len;
}

/* By Huffman's code when that is shorter. */
static char *put_string(char *out, struct rw_span text, bool lower)
{
    if (text.len < HUFFMAN_BYTES_MIN)
        return put_plain_string(out, text, lower);
    if (text.len < 0x7f) {
        /* The length has one byte in any case. */
        char *end = rw_huffman_encode(out + 1, out + 1 + text.len, text, lower);
        if (!end)
            return put_plain_string(out, text, lower);
        *out = (char)(0x80 | (end - out - 1));
        return end;
    }
    size_t bytes = rw_huffman_bytes(text, lower);
    if (bytes >= text.len)
        return put_plain_string(out, text, lower);
    out = put_integer(out, 0x80, 0x7f, bytes);
    return rw_huffman_encode(out, out + text.len, text, lower);
}

static __attribute__((noinline)) char *put_updates(struct rw_hpack_encoder *encoder, char *out)
{
    uint32_t bytes = encoder->table.bytes_max;
    if (encoder->update_bytes_min < bytes)
        out = put_integer(out, 0x20, 0x1f, encoder->update_bytes_min);
    encoder->update_pending = false;
    return put_integer(out, 0x20, 0x1f, bytes);
}

/* ---- Finding what is in the table ---- */

/* As memcmp, for texts too short to be worth the call. */
static inline bool same_text(const char *a, const char *b, size_t len)
{
    uint64_t x, y;
    if (len < 8) {
        for (size_t i = 0; i < len; i++)
            if (a[i] != b[i])
                return false;
        return true;
    }
    for (size_t i = 0; i + 8 < len; i += 8) {
        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        if (x != y)
            return false;
    }
    memcpy(&x, a + len - 8, 8);
    memcpy(&y, b + len - 8, 8);
    return x == y;
}

static inline bool same_kind(struct rw_hpack_kind a, struct rw_hpack_kind b)
{
    return a.id == b.id && a.pseudo == b.pseudo;
}

static inline bool has_name(const struct rw_hpack_table *table, const struct rw_hpack_entry *entry,
                            const struct request *request)
{
    if (!same_kind(entry->kind, request->kind))
        return false;
    return request->number ||
           (entry->name_len == request->name.len &&
            rw_field_name_same(request->name.at, rw_hpack_entry_name(table, entry),
                               request->name.len));
}

static inline bool has_value(const struct rw_hpack_table *table, const struct rw_hpack_entry *entry,
                             struct rw_span value)
{
    return entry->value_len == value.len &&
           same_text(rw_hpack_entry_value(table, entry), value.at, value.len);
}

/* The live entry with that hash, whose number is in one of the pair of slots; NULL. */
static struct rw_hpack_entry *find_by_hash(const struct rw_hpack_encoder *encoder, uint32_t hash,
                                           uint32_t *number)
{
    const struct rw_hpack_table *table = &encoder->table;
    const uint32_t *pair = &encoder->memory->slots[hash % SLOTS & ~1u];
    for (unsigned i = 0; i < 2; i++) {
        *number = pair[i];
        if (rw_hpack_table_age(table, *number) >= table->count)
            continue;
        struct rw_hpack_entry *entry = rw_hpack_table_entry(table, *number);
        if (entry->hash == hash)
            return entry;
    }
    return NULL;
}

/* Takes the place of the older of the pair. */
static void remember(struct rw_hpack_encoder *encoder, uint32_t hash, uint32_t number)
{
    uint32_t *pair = &encoder->memory->slots[hash % SLOTS & ~1u];
    const struct rw_hpack_table *table = &encoder->table;
    bool second = rw_hpack_table_age(table, pair[1]) > rw_hpack_table_age(table, pair[0]);
    pair[second] = number;
}

static inline unsigned index_of(const struct rw_hpack_encoder *encoder, uint32_t number)
{
    return RW_HPACK_STATIC_COUNT + 1 + rw_hpack_table_age(&encoder->table, number);
}

static uint32_t name_hash(const struct request *request)
{
    return request->number ? request->number * 0x9e3779b1u : request->name_hash;
}

/* The index of the name: static, or of the entry that was last inserted with it; 0: none. */
static unsigned name_index(const struct rw_hpack_encoder *encoder, const struct request *request)
{
    const struct rw_hpack_table *table = &encoder->table;
    if (request->static_index || !encoder->memory)
        return request->static_index;
    const uint32_t *numbers = &encoder->memory->newest_of[request->number];
    unsigned count = 1;
    if (!request->number) {
        numbers = &encoder->memory->slots[request->name_hash % SLOTS & ~1u];
        count = 2;
    }
    for (unsigned i = 0; i < count; i++)
        if (rw_hpack_table_age(table, numbers[i]) < table->count &&
            has_name(table, rw_hpack_table_entry(table, numbers[i]), request))
            return index_of(encoder, numbers[i]);
    return 0;
}

/* ---- Inserting ---- */

static bool have_memory(struct rw_hpack_encoder *encoder)
{
    if (!encoder->memory)
        encoder->memory = rw_alloc_zero(sizeof(*encoder->memory));
    return encoder->memory;
}

static bool insert(struct rw_hpack_encoder *encoder, const struct request *request, uint32_t hash)
{
    uint32_t number = encoder->table.next;
    if (rw_hpack_table_insert(&encoder->table, request->name, request->value, request->kind,
                              hash) != RW_OK)
        return false;
    remember(encoder, hash, number);
    if (request->number)
        encoder->memory->newest_of[request->number] = number;
    else if (!request->static_index)
        remember(encoder, request->name_hash, number);
    return true;
}

/* Is the field to be inserted? What is large would drive out all else. */
static bool wants_insertion(struct rw_hpack_encoder *encoder, const struct request *request,
                            enum policy policy, uint32_t hash, unsigned index_of_name)
{
    size_t bytes = request->name.len + request->value.len + RW_HPACK_ENTRY_BYTES;
    if (bytes > encoder->table.bytes_max / 4)
        return false;
    if (policy == POLICY_EAGER || index_of_name == 0)
        return true;
    uint32_t *seen = &encoder->memory->seen[hash % SEEN];
    bool again = *seen == hash;
    *seen = again ? 0 : hash;
    return again;
}

static char *put_literal(char *out, const struct request *request, uint8_t pattern, unsigned mask,
                         unsigned index_of_name)
{
    out = put_integer(out, pattern, mask, index_of_name);
    if (index_of_name == 0)
        out = put_string(out, request->name, request->number == 0);
    return put_string(out, request->value, false);
}

static char *put_new(struct rw_hpack_encoder *encoder, char *out, const struct request *request,
                     enum policy policy)
{
    uint32_t hash = rw_hpack_hash_value(name_hash(request), request->value);
    uint32_t number;
    const struct rw_hpack_entry *entry = find_by_hash(encoder, hash, &number);
    if (entry && has_name(&encoder->table, entry, request) &&
        has_value(&encoder->table, entry, request->value)) {
        encoder->memory->newest_of[request->number] = number;
        return put_integer(out, 0x80, 0x7f, index_of(encoder, number));
    }
    unsigned index_of_name = name_index(encoder, request);
    if (policy == POLICY_NAME && index_of_name)
        return put_plain_string(put_integer(out, 0x00, 0x0f, index_of_name), request->value, false);
    if (!wants_insertion(encoder, request, policy, hash, index_of_name) ||
        !insert(encoder, request, hash))
        return put_literal(out, request, 0x00, 0x0f, index_of_name);
    return put_literal(out, request, 0x40, 0x3f, index_of_name);
}

/* ---- Fields ---- */

/* The usual case: the value is the one that the name had the last time. NULL: it is not, or has not
 * been inserted. What is in the table was allowed to be there. */
static inline char *put_again(const struct rw_hpack_encoder *encoder, char *out, unsigned number,
                              struct rw_hpack_kind kind, struct rw_span value)
{
    const struct rw_hpack_table *table = &encoder->table;
    if (!encoder->memory)
        return NULL;
    uint32_t age = rw_hpack_table_age(table, encoder->memory->newest_of[number]);
    if (age >= table->count)
        return NULL;
    const struct rw_hpack_entry *entry = rw_hpack_table_entry(table, table->next - 1 - age);
    if (!same_kind(entry->kind, kind) || !has_value(table, entry, value))
        return NULL;
    return put_integer(out, 0x80, 0x7f, RW_HPACK_STATIC_COUNT + 1 + age);
}

static char *put_request(struct rw_hpack_encoder *encoder, char *out, const struct request *request,
                         enum policy policy)
{
    if (policy == POLICY_NEVER)
        return put_literal(out, request, 0x10, 0x0f, name_index(encoder, request));
    if (policy == POLICY_PLAIN)
        return put_literal(out, request, 0x00, 0x0f, name_index(encoder, request));
    if (encoder->table.bytes_max == 0 || !have_memory(encoder))
        return put_literal(out, request, 0x00, 0x0f, name_index(encoder, request));
    return put_new(encoder, out, request, policy);
}

char *rw_hpack_encode_status(struct rw_hpack_encoder *encoder, char *out, unsigned status)
{
    rw_assert(status >= 100 && status <= 999);
    if (__builtin_expect(encoder->update_pending, 0))
        out = put_updates(encoder, out);
    if (status == 200) {
        *out++ = (char)(0x80 | RW_HPACK_INDEX_STATUS_200);
        return out;
    }
    char digits[3] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10),
                      (char)('0' + status % 10)};
    return rw_hpack_encode_pseudo(encoder, out, RW_PSEUDO_STATUS, rw_span(digits, sizeof(digits)));
}

char *rw_hpack_encode_pseudo(struct rw_hpack_encoder *encoder, char *out, enum rw_pseudo which,
                             struct rw_span value)
{
    if (__builtin_expect(encoder->update_pending, 0))
        out = put_updates(encoder, out);
    unsigned first = rw_hpack_static_of_pseudo[which];
    for (unsigned i = first; i && rw_hpack_static[i].kind.pseudo == 1u + which; i++)
        if (rw_span_eq(rw_hpack_static[i].value, value))
            return put_integer(out, 0x80, 0x7f, i);
    unsigned number = (unsigned)RW_FIELD_COUNT + which;
    struct rw_hpack_kind kind = {.pseudo = (uint8_t)(1 + which)};
    char *again = put_again(encoder, out, number, kind, value);
    if (again)
        return again;
    struct request request = {
        .name = rw_hpack_pseudo_name(which),
        .value = value,
        .kind = kind,
        .number = number,
        .static_index = first,
    };
    enum policy policy = (enum policy)policies[request.number];
    /* A query says what one request alone wants. */
    if (which == RW_PSEUDO_PATH && rw_span_find(value, '?') >= 0)
        policy = POLICY_PLAIN;
    return put_request(encoder, out, &request, policy);
}

static char *put_other(struct rw_hpack_encoder *encoder, char *out, struct rw_span name,
                       struct rw_span value, bool sensitive)
{
    uint32_t hash = rw_hpack_hash_name(name);
    struct request request = {
        .name = name,
        .value = value,
        .static_index = rw_hpack_static_find(name, hash),
        .name_hash = hash,
    };
    return put_request(encoder, out, &request, sensitive ? POLICY_NEVER : POLICY_REPEAT);
}

char *rw_hpack_encode_field(struct rw_hpack_encoder *encoder, char *out, enum rw_field_id id,
                            struct rw_span name, struct rw_span value, bool sensitive)
{
    if (__builtin_expect(encoder->update_pending, 0))
        out = put_updates(encoder, out);
    if (id == RW_FIELD_OTHER)
        return put_other(encoder, out, name, value, sensitive);
    struct rw_hpack_kind kind = {.id = (uint8_t)id};
    char *again = sensitive ? NULL : put_again(encoder, out, id, kind, value);
    if (again)
        return again;
    unsigned static_index = rw_hpack_static_of_id[id];
    if (static_index && rw_span_eq(rw_hpack_static[static_index].value, value) && !sensitive)
        return put_integer(out, 0x80, 0x7f, static_index);
    struct request request = {
        .name = rw_span(rw_field_keys[id].lower, rw_field_keys[id].len),
        .value = value,
        .kind = kind,
        .number = id,
        .static_index = static_index,
    };
    return put_request(encoder, out, &request, sensitive ? POLICY_NEVER : policies[id]);
}
