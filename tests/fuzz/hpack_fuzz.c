/* HPACK against another implementation. An input is a list of steps on one connection; a step is
 * two bytes, the high one first, and what they announce:
 *   1xxxxxxx xxxxxxxx   SETTINGS_HEADER_TABLE_SIZE of as many bytes as the low 15 bits say
 *   0xxxxxxx xxxxxxxx   a header block of so many bytes (or what is left of the input) follows
 * For each block both decoders refuse, or both find the same fields and table. What was found is
 * then written by the encoder, and read back by both decoders as the same.
 *
 * That a message is malformed is not the business of the other one, which decodes names in upper
 * case as they are; names are compared without regard to case.
 */
#include "http/hpack.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 16 * 1024, ARENA_BYTES_MAX = 256 << 20 };

static const struct rw_hpack_limits no_limits = {
    .table_bytes_max = RW_HPACK_TABLE_BYTES_DEFAULT,
    .list_bytes_max = UINT32_MAX,
    .fields_max = UINT16_MAX,
};

/* Both decoders at the end of one direction. */
struct end {
    struct rw_hpack_decoder ours;
    nghttp2_hd_inflater *theirs;
    struct rw_arena arena;
    struct rw_hpack_head head;
};

static void end_begin(struct end *end)
{
    *end = (struct end){0};
    rw_hpack_decoder_init(&end->ours, RW_HPACK_TABLE_BYTES_DEFAULT);
    rw_assert(nghttp2_hd_inflate_new(&end->theirs) == 0);
}

static void end_free(struct end *end)
{
    rw_hpack_decoder_free(&end->ours);
    nghttp2_hd_inflate_del(end->theirs);
}

static void end_announce(struct end *end, uint32_t table_bytes)
{
    rw_hpack_decoder_acknowledged(&end->ours, table_bytes);
    rw_assert(nghttp2_hd_inflate_change_table_size(end->theirs, table_bytes) == 0);
}

static int pseudo_number(struct rw_span name)
{
    static const char *const names[RW_PSEUDO_COUNT] = {
#define PSEUDO_NAME(which, text) [RW_PSEUDO_##which] = text,
        RW_PSEUDOS(PSEUDO_NAME)
#undef PSEUDO_NAME
    };
    for (int i = 0; i < RW_PSEUDO_COUNT; i++)
        if (rw_span_is(name, names[i]))
            return i;
    return -1;
}

/* One field that the other decoder found. `count` regular ones came before it. */
static void assert_same_field(const struct rw_hpack_head *head, const nghttp2_nv *field,
                              struct rw_span *pseudo, unsigned *count)
{
    struct rw_span name = rw_span((const char *)field->name, field->namelen);
    struct rw_span value = rw_span((const char *)field->value, field->valuelen);
    int which = pseudo_number(name);
    if (which >= 0) {
        if (pseudo[which].at)
            rw_assert(head->malformed);
        /* The last one stays; the other decoder's text does not. */
        pseudo[which] = rw_span("", value.len);
        rw_assert(head->pseudo_seen >> which & 1);
        rw_assert(head->malformed || rw_span_eq(head->pseudo[which], value));
        return;
    }
    rw_assert(*count < head->count);
    const struct rw_field *ours = &head->fields[(*count)++];
    rw_assert(rw_span_eq_nocase(ours->name, name) && rw_span_eq(ours->value, value));
    rw_assert(ours->id == rw_field_id(ours->name) || head->malformed);
    rw_assert(ours->sensitive == !!(field->flags & NGHTTP2_NV_FLAG_NO_INDEX));
}

/* Their verdict; with `head` what they find is compared. */
static bool they_accept(nghttp2_hd_inflater *theirs, struct rw_span block,
                        const struct rw_hpack_head *head)
{
    struct rw_span pseudo[RW_PSEUDO_COUNT] = {{NULL, 0}};
    unsigned count = 0;
    for (;;) {
        nghttp2_nv field;
        int flags = 0;
        ssize_t used =
            nghttp2_hd_inflate_hd2(theirs, &field, &flags, (const uint8_t *)block.at, block.len, 1);
        if (used < 0)
            return false;
        block = rw_span_skip(block, (size_t)used);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) && head)
            assert_same_field(head, &field, pseudo, &count);
        if (flags & NGHTTP2_HD_INFLATE_FINAL)
            break;
        if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && block.len == 0)
            break;
    }
    nghttp2_hd_inflate_end_headers(theirs);
    rw_assert(!head || count == head->count);
    return true;
}

/* A message that is not malformed has no byte that another protocol would take for something else.
 */
static void assert_obeys(const struct rw_hpack_head *head)
{
    for (unsigned i = 0; i < RW_PSEUDO_COUNT; i++)
        rw_assert(rw_is_field_value(head->pseudo[i]));
    rw_assert(!(head->pseudo_seen & RW_PSEUDO_BIT(STATUS)) || head->status >= 100);
    for (unsigned i = 0; i < head->count; i++) {
        const struct rw_field *field = &head->fields[i];
        rw_assert(rw_is_token(field->name) && rw_is_field_value(field->value));
        for (size_t k = 0; k < field->name.len; k++)
            rw_assert(field->name.at[k] == rw_lower(field->name.at[k]));
    }
}

/* Reads a block at both; false: both refuse it. The head is valid until end_release. */
static bool end_read(struct end *end, struct rw_span block)
{
    end->head = (struct rw_hpack_head){0};
    rw_arena_init(&end->arena, NULL, 0, 2048, ARENA_BYTES_MAX);
    enum rw_hpack_result result =
        rw_hpack_decode(&end->ours, &no_limits, block, &end->arena, &end->head);
    rw_assert(result != RW_HPACK_NO_MEMORY);
    bool ok = result == RW_HPACK_OK;
    rw_assert(they_accept(end->theirs, block, ok ? &end->head : NULL) == ok);
    rw_assert(!ok ||
              nghttp2_hd_inflate_get_dynamic_table_size(end->theirs) == end->ours.table.bytes);
    if (ok && !end->head.malformed)
        assert_obeys(&end->head);
    return ok;
}

static void end_release(struct end *end)
{
    rw_arena_free(&end->arena);
}

/* Only ever grown, and kept. */
static char *room(size_t bytes)
{
    static char *block;
    static size_t have;
    if (bytes > have) {
        free(block);
        block = malloc(bytes);
        have = bytes;
        if (!block)
            abort();
    }
    return block;
}

static size_t bound(const struct rw_hpack_head *head)
{
    size_t bytes = 64;
    for (unsigned i = 0; i < RW_PSEUDO_COUNT; i++)
        bytes += rw_hpack_bound(RW_LITERAL(":authority"), head->pseudo[i]);
    for (unsigned i = 0; i < head->count; i++)
        bytes += rw_hpack_bound(head->fields[i].name, head->fields[i].value);
    return bytes;
}

static struct rw_span encode(struct rw_hpack_encoder *encoder, const struct rw_hpack_head *head)
{
    char *out = room(bound(head)), *at = out;
    if (head->pseudo_seen & RW_PSEUDO_BIT(STATUS))
        at = rw_hpack_encode_status(encoder, at, head->status);
    for (unsigned i = 0; i < RW_PSEUDO_COUNT; i++)
        if (i != RW_PSEUDO_STATUS && (head->pseudo_seen >> i & 1))
            at = rw_hpack_encode_pseudo(encoder, at, (enum rw_pseudo)i, head->pseudo[i]);
    for (unsigned i = 0; i < head->count; i++) {
        const struct rw_field *field = &head->fields[i];
        at = rw_hpack_encode_field(encoder, at, (enum rw_field_id)field->id, field->name,
                                   field->value, field->sensitive);
    }
    rw_assert((size_t)(at - out) <= bound(head));
    return rw_span(out, (size_t)(at - out));
}

static void assert_round_trip(struct rw_hpack_encoder *encoder, struct end *far,
                              const struct rw_hpack_head *head)
{
    struct rw_span block = encode(encoder, head);
    if (block.len == 0)
        return;
    rw_assert(end_read(far, block) && !far->head.malformed);
    rw_assert(far->head.pseudo_seen == head->pseudo_seen && far->head.count == head->count);
    for (unsigned i = 0; i < RW_PSEUDO_COUNT; i++)
        rw_assert(rw_span_eq(far->head.pseudo[i], head->pseudo[i]));
    for (unsigned i = 0; i < head->count; i++) {
        rw_assert(rw_span_eq(far->head.fields[i].name, head->fields[i].name));
        rw_assert(rw_span_eq(far->head.fields[i].value, head->fields[i].value));
        rw_assert(far->head.fields[i].sensitive >= head->fields[i].sensitive);
    }
    end_release(far);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct end near, far;
    struct rw_hpack_encoder encoder;
    struct rw_span input = rw_span((const char *)data, size);
    bool alive = size <= INPUT_BYTES_MAX;
    end_begin(&near);
    end_begin(&far);
    rw_hpack_encoder_init(&encoder, RW_HPACK_TABLE_BYTES_DEFAULT);
    while (alive && input.len >= 2) {
        size_t number = (size_t)((uint8_t)input.at[0] & 0x7f) << 8 | (uint8_t)input.at[1];
        bool settings = input.at[0] & 0x80;
        input = rw_span_skip(input, 2);
        if (settings) {
            end_announce(&near, (uint32_t)number);
            end_announce(&far, (uint32_t)number);
            rw_hpack_encoder_limit(&encoder, (uint32_t)number);
            continue;
        }
        struct rw_span block = rw_span(input.at, number < input.len ? number : input.len);
        input = rw_span_skip(input, block.len);
        alive = end_read(&near, block);
        if (alive && !near.head.malformed)
            assert_round_trip(&encoder, &far, &near.head);
        end_release(&near);
    }
    rw_hpack_encoder_free(&encoder);
    end_free(&near);
    end_free(&far);
    return 0;
}
