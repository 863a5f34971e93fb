/* Accept-Encoding from hostile texts, a field for each line; behind the first empty line a media
 * type and a pattern for it. What is chosen must have been named, and not been refused. */
#include "base/err.h"
#include "policy/compress/compress_private.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 16 };

static bool holds(struct rw_span text, struct rw_span word)
{
    for (; text.len >= word.len; text = rw_span_skip(text, 1))
        if (rw_span_eq_nocase(rw_span(text.at, word.len), word))
            return true;
    return false;
}

static void check_types(struct rw_span rest)
{
    struct rw_span type = {0};
    (void)rw_span_next(&rest, '\n', &type);
    if (rw_compress_type_matches(rest, type) && rw_span_find(rest, '*') < 0)
        rw_assert(type.len >= rest.len);
    (void)rw_compress_type_is_compressed(type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"gzip", "br", "zstd"};
    static const uint8_t order[] = {RW_CODING_BR, RW_CODING_ZSTD, RW_CODING_GZIP};
    struct rw_field fields[FIELDS_MAX];
    struct rw_message request = {.fields = fields};
    struct rw_span text = rw_span((const char *)data, size), rest = text, line;
    while (request.field_count < FIELDS_MAX && rw_span_next(&rest, '\n', &line) && line.len)
        fields[request.field_count++] =
            (struct rw_field){.id = RW_FIELD_ACCEPT_ENCODING, .value = line};
    struct rw_accept accept = rw_accept_read(&request);
    for (unsigned i = 0; i < RW_CODING_COUNT; i++)
        rw_assert(accept.weight[i] <= 1000);
    rw_assert(accept.identity <= 1000);
    int coding = rw_accept_choose(&accept, order, 3);
    rw_assert(coding < RW_CODING_COUNT);
    if (coding >= 0) {
        rw_assert(accept.weight[coding] > 0 && accept.weight[coding] >= accept.identity);
        rw_assert(holds(text, rw_span_text(names[coding])) || rw_span_find(text, '*') >= 0);
        for (unsigned i = 0; i < RW_CODING_COUNT; i++)
            rw_assert(accept.weight[i] <= accept.weight[coding]);
    }
    check_types(rest);
    return 0;
}
