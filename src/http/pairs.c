#include "http/pairs.h"

#include "http/scan.h"

bool rw_pairs_next(enum rw_pairs kind, struct rw_span *rest, struct rw_pair *pair)
{
    if (!rest->at || !rw_span_next(rest, kind == RW_PAIRS_COOKIE ? ';' : '&', &pair->whole))
        return false;
    ptrdiff_t equals = rw_span_find(pair->whole, '=');
    pair->equals = equals >= 0;
    pair->name = rw_span(pair->whole.at, pair->equals ? (size_t)equals : pair->whole.len);
    pair->value = rw_span_skip(pair->whole, pair->name.len + pair->equals);
    return true;
}

static bool is_encoded(struct rw_span rest)
{
    return rest.at[0] == '%' && rest.len > 2 && rw_hex_digit(rest.at[1]) < 16 &&
           rw_hex_digit(rest.at[2]) < 16;
}

char rw_pairs_decode(enum rw_pairs kind, struct rw_span *rest)
{
    const char *at = rest->at;
    bool encoded = is_encoded(*rest);
    *rest = rw_span_skip(*rest, encoded ? 3 : 1);
    if (encoded)
        return (char)(rw_hex_digit(at[1]) << 4 | rw_hex_digit(at[2]));
    return *at == '+' && kind == RW_PAIRS_QUERY ? ' ' : *at;
}

size_t rw_pairs_decode_all(enum rw_pairs kind, struct rw_span encoded, char *to)
{
    size_t len = 0;
    while (encoded.len)
        to[len++] = rw_pairs_decode(kind, &encoded);
    return len;
}

static size_t put(char *to, size_t len, const char *bytes, size_t count)
{
    if (to)
        memcpy(to + len, bytes, count);
    return len + count;
}

size_t rw_pairs_encode(struct rw_span text, bool encoded, char *to)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    while (text.len) {
        uint8_t c = (uint8_t)text.at[0];
        const char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        bool stays = encoded && is_encoded(text);
        if (stays || rw_char_is(text.at[0], RW_CHAR_HOST))
            len = put(to, len, text.at, stays ? 3 : 1);
        else
            len = put(to, len, escaped, sizeof(escaped));
        text = rw_span_skip(text, stays ? 3 : 1);
    }
    return len;
}

bool rw_pairs_same(enum rw_pairs kind, struct rw_span a, struct rw_span b)
{
    while (a.len && b.len)
        if (rw_pairs_decode(kind, &a) != rw_pairs_decode(kind, &b))
            return false;
    return a.len == b.len;
}

bool rw_pairs_is(enum rw_pairs kind, struct rw_span encoded, struct rw_span plain)
{
    size_t i = 0;
    while (encoded.len)
        if (i == plain.len || rw_pairs_decode(kind, &encoded) != plain.at[i++])
            return false;
    return i == plain.len;
}

static void look_through(enum rw_pairs kind, struct rw_span list, struct rw_span name,
                         struct rw_pairs_found *found)
{
    struct rw_pair pair;
    while (rw_pairs_next(kind, &list, &pair)) {
        if (!rw_pairs_is(kind, pair.name, name))
            continue;
        if (!found->there)
            *found = (struct rw_pairs_found){.value = pair.value, .there = true};
        else if (!rw_pairs_same(kind, found->value, pair.value))
            found->ambiguous = true;
    }
}

struct rw_pairs_found rw_pairs_find(const struct rw_message *request, enum rw_pairs kind,
                                    struct rw_span name)
{
    struct rw_pairs_found found = {0};
    if (kind == RW_PAIRS_QUERY)
        look_through(kind, request->query, name, &found);
    for (unsigned i = 0; kind == RW_PAIRS_COOKIE && i < request->field_count; i++)
        if (request->fields[i].id == RW_FIELD_COOKIE)
            look_through(kind, request->fields[i].value, name, &found);
    return found;
}
