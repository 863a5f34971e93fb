#include "policy/compress/accept.h"

enum { WEIGHT_FULL = 1000, UNTOLD = UINT16_MAX };

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */
static bool read_weight(struct rw_span text, uint16_t *weight)
{
    unsigned value = 0, scale = WEIGHT_FULL;
    if (text.len == 0 || text.len > 5 || (text.at[0] != '0' && text.at[0] != '1') ||
        (text.len > 1 && text.at[1] != '.'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (i == 1)
            continue;
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        value += (unsigned)(text.at[i] - '0') * scale;
        scale /= 10;
    }
    *weight = (uint16_t)value;
    return value <= WEIGHT_FULL;
}

/* codings [ weight ]; other parameters there are none. */
static bool read_element(struct rw_span element, struct rw_span *name, uint16_t *weight)
{
    ptrdiff_t semicolon = rw_span_find(element, ';');
    *weight = WEIGHT_FULL;
    *name = element;
    if (semicolon >= 0) {
        struct rw_span rest = rw_span_trim(rw_span_skip(element, (size_t)semicolon + 1));
        if (rest.len < 2 || rw_lower(rest.at[0]) != 'q' || rest.at[1] != '=' ||
            !read_weight(rw_span_skip(rest, 2), weight))
            return false;
        *name = rw_span_trim(rw_span(element.at, (size_t)semicolon));
    }
    return rw_is_token(*name); /* "*" is one too */
}

static void keep_least(uint16_t *to, uint16_t weight)
{
    if (weight < *to)
        *to = weight;
}

static void read_list(struct rw_span list, struct rw_accept *accept, uint16_t *others)
{
    static const char *const names[RW_CODING_COUNT] = {"gzip", "br", "zstd"};
    struct rw_span element, name;
    uint16_t weight;
    while (rw_span_next(&list, ',', &element)) {
        if (!read_element(element, &name, &weight))
            continue;
        for (unsigned i = 0; i < RW_CODING_COUNT; i++)
            if (rw_span_is_nocase(name, names[i]))
                keep_least(&accept->weight[i], weight);
        if (rw_span_is_nocase(name, "x-gzip")) /* RFC 9110 section 8.4.1.3 */
            keep_least(&accept->weight[RW_CODING_GZIP], weight);
        else if (rw_span_is_nocase(name, "identity"))
            keep_least(&accept->identity, weight);
        else if (rw_span_is(name, "*"))
            keep_least(others, weight);
    }
}

struct rw_accept rw_accept_read(const struct rw_message *request)
{
    struct rw_accept accept = {.identity = UNTOLD};
    uint16_t others = UNTOLD;
    for (unsigned i = 0; i < RW_CODING_COUNT; i++)
        accept.weight[i] = UNTOLD;
    for (unsigned i = 0; i < request->field_count; i++)
        if (request->fields[i].id == RW_FIELD_ACCEPT_ENCODING)
            read_list(request->fields[i].value, &accept, &others);
    for (unsigned i = 0; i < RW_CODING_COUNT; i++)
        if (accept.weight[i] == UNTOLD)
            accept.weight[i] = others == UNTOLD ? 0 : others;
    if (accept.identity == UNTOLD)
        accept.identity = others == 0 ? 0 : 1;
    return accept;
}

int rw_accept_choose(const struct rw_accept *accept, const uint8_t *order, unsigned count)
{
    int best = -1;
    for (unsigned i = 0; i < count; i++) {
        uint16_t weight = accept->weight[order[i]];
        if (weight && (best < 0 || weight > accept->weight[best]))
            best = order[i];
    }
    return best >= 0 && accept->identity > accept->weight[best] ? -1 : best;
}
