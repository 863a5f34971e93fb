#include "load/script/template.h"

#include "http/scan.h"

#include <stdio.h>

enum { UUID_BYTES = 36 };

/* ---- Encodings ---- */

static void put_percent(struct rw_h1_out *out, uint8_t c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char text[3] = {'%', digits[c >> 4], digits[c & 15]};
    rw_h1_put(out, rw_span(text, sizeof(text)));
}

static bool stands_in_target(char c)
{
    return rw_char_is(c, RW_CHAR_TARGET) || c == '?' || c == '%';
}

static void put_encoded(struct rw_h1_out *out, struct rw_span value, bool (*stands)(char c))
{
    for (size_t i = 0; i < value.len; i++)
        if (stands(value.at[i]))
            rw_h1_put(out, rw_span(value.at + i, 1));
        else
            put_percent(out, (uint8_t)value.at[i]);
}

static bool is_unreserved(char c)
{
    return rw_char_is(c, RW_CHAR_HOST);
}

static void put_json(struct rw_h1_out *out, struct rw_span value)
{
    char escape[8];
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = (uint8_t)value.at[i];
        int len = 1;
        escape[0] = (char)c;
        if (c == '"' || c == '\\')
            len = snprintf(escape, sizeof(escape), "\\%c", c);
        else if (c < 0x20)
            len = snprintf(escape, sizeof(escape), "\\u%04x", c);
        rw_h1_put(out, rw_span(escape, (size_t)len));
    }
}

static void put_value(struct rw_h1_out *out, struct rw_span value, enum rw_load_encoding encoding)
{
    switch (encoding) {
    case RW_LOAD_AS_IS:
        rw_h1_put(out, value);
        break;
    case RW_LOAD_AS_TARGET:
        put_encoded(out, value, stands_in_target);
        break;
    case RW_LOAD_AS_URL:
        put_encoded(out, value, is_unreserved);
        break;
    case RW_LOAD_AS_JSON:
        put_json(out, value);
        break;
    }
}

/* ---- Compiling ---- */

struct compiler {
    enum rw_load_encoding encoding;
    const struct rw_load_names *names;
    struct rw_arena *arena;
    char *flaw;
    struct rw_span *unknown;
    struct rw_load_piece pieces[RW_LOAD_PIECES_MAX];
    unsigned count;
    char *constant; /* what constant text is gathered in: room for all there can be */
    struct rw_h1_out out;
    size_t begun; /* of the piece that is being gathered */
};

static bool add_piece(struct compiler *c, const struct rw_load_piece *piece)
{
    if (c->count == RW_LOAD_PIECES_MAX) {
        snprintf(c->flaw, 128, "more than %d variables", RW_LOAD_PIECES_MAX / 2);
        return false;
    }
    c->pieces[c->count++] = *piece;
    return true;
}

static bool end_constant(struct compiler *c)
{
    struct rw_span text = rw_span(c->out.at + c->begun, c->out.len - c->begun);
    c->begun = c->out.len;
    return text.len == 0 ||
           add_piece(c, &(struct rw_load_piece){.origin = RW_LOAD_TEXT, .text = text});
}

static const struct rw_load_name *find_name(const struct compiler *c, struct rw_span name)
{
    for (size_t i = 0; i < c->names->count; i++)
        if (rw_span_eq(c->names->items[i].name, name))
            return &c->names->items[i];
    return NULL;
}

static bool read_filter(struct compiler *c, struct rw_span filter, enum rw_load_encoding *encoding)
{
    if (rw_span_is(filter, "url"))
        *encoding = RW_LOAD_AS_URL;
    else if (rw_span_is(filter, "json"))
        *encoding = RW_LOAD_AS_JSON;
    else {
        snprintf(c->flaw, 128, "after \"|\" comes url or json");
        return false;
    }
    return true;
}

/* `inside` is what stands between the braces. */
static bool add_variable(struct compiler *c, struct rw_span inside)
{
    enum rw_load_encoding encoding = c->encoding;
    struct rw_span name = inside;
    ptrdiff_t bar = rw_span_find(inside, '|');
    if (bar >= 0) {
        name.len = (size_t)bar;
        if (!read_filter(c, rw_span_skip(inside, (size_t)bar + 1), &encoding))
            return false;
    }
    const struct rw_load_name *known = find_name(c, name);
    if (!known) {
        snprintf(c->flaw, 128, "there is no variable of this name");
        *c->unknown = name;
        return false;
    }
    if (known->origin == RW_LOAD_TEXT) {
        put_value(&c->out, known->text, encoding);
        return true;
    }
    return end_constant(c) && add_piece(c, &(struct rw_load_piece){.origin = known->origin,
                                                                   .encoding = encoding,
                                                                   .set = known->set,
                                                                   .item = known->item});
}

static bool compile(struct compiler *c, struct rw_span rest)
{
    while (rest.len) {
        ptrdiff_t dollar = rw_span_find(rest, '$');
        size_t plain = dollar < 0 ? rest.len : (size_t)dollar;
        rw_h1_put(&c->out, rw_span(rest.at, plain));
        rest = rw_span_skip(rest, plain);
        if (rw_span_starts(rest, RW_LITERAL("${"))) {
            ptrdiff_t end = rw_span_find(rest, '}');
            if (end < 0) {
                snprintf(c->flaw, 128, "a \"${\" without its \"}\"");
                return false;
            }
            if (!add_variable(c, rw_span(rest.at + 2, (size_t)end - 2)))
                return false;
            rest = rw_span_skip(rest, (size_t)end + 1);
        } else if (rest.len) {
            rw_h1_put(&c->out, RW_LITERAL("$"));
            rest = rw_span_skip(rest, rw_span_starts(rest, RW_LITERAL("$$")) ? 2 : 1);
        }
    }
    return end_constant(c);
}

/* The most that the constant part can come to: each byte of a constant's value may become six. */
static size_t room_for(struct rw_span text, const struct rw_load_names *names)
{
    size_t longest = 0, variables = 0;
    for (size_t i = 0; i < names->count; i++)
        if (names->items[i].text.len > longest)
            longest = names->items[i].text.len;
    for (size_t i = 0; i < text.len; i++)
        variables += text.at[i] == '$';
    return text.len + variables * longest * 6 + 1;
}

enum rw_err rw_load_template_compile(struct rw_span text, enum rw_load_encoding encoding,
                                     const struct rw_load_names *names, struct rw_arena *arena,
                                     struct rw_load_template *to, char flaw[128],
                                     struct rw_span *unknown)
{
    struct compiler c = {.encoding = encoding, .names = names, .flaw = flaw, .unknown = unknown};
    *to = (struct rw_load_template){0};
    *unknown = (struct rw_span){0};
    c.out.room = room_for(text, names);
    c.out.at = rw_arena_alloc(arena, c.out.room);
    if (!c.out.at)
        return RW_ENOMEM;
    if (!compile(&c, text))
        return RW_EINVAL;
    size_t bytes = c.count * sizeof(*to->pieces);
    to->pieces = rw_arena_alloc(arena, bytes ? bytes : 1);
    if (!to->pieces)
        return RW_ENOMEM;
    memcpy(to->pieces, c.pieces, bytes);
    to->count = c.count;
    return RW_OK;
}

/* ---- Rendering ---- */

/* Version 4 (RFC 9562 section 5.4). */
static void put_uuid(struct rw_h1_out *out, struct rw_random *random)
{
    uint64_t high = rw_random_u64(random), low = rw_random_u64(random);
    char text[UUID_BYTES + 1];
    high = (high & ~0xf000ull) | 0x4000ull;
    low = (low & ~(3ull << 62)) | 2ull << 62;
    snprintf(text, sizeof(text), "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
             (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff), (unsigned)(low >> 48),
             (unsigned long long)(low & 0xffffffffffffull));
    rw_h1_put(out, rw_span(text, UUID_BYTES));
}

static void put_piece(const struct rw_load_piece *piece, const struct rw_load_values *values,
                      struct rw_h1_out *out)
{
    switch (piece->origin) {
    case RW_LOAD_TEXT:
        rw_h1_put(out, piece->text);
        break;
    case RW_LOAD_COLUMN:
        put_value(out, values->rows[piece->set][piece->item], piece->encoding);
        break;
    case RW_LOAD_CAPTURE:
        if (!values->captures[piece->item].at)
            out->overflow = true;
        else
            put_value(out, rw_text_span(&values->captures[piece->item]), piece->encoding);
        break;
    case RW_LOAD_ITERATION:
        rw_h1_put_u64(out, values->iteration);
        break;
    case RW_LOAD_UUID:
        put_uuid(out, values->random);
        break;
    }
}

void rw_load_template_put(const struct rw_load_template *template,
                          const struct rw_load_values *values, struct rw_h1_out *out)
{
    for (unsigned i = 0; i < template->count; i++)
        put_piece(&template->pieces[i], values, out);
}
