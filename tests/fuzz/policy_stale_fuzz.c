/* Heads of a request and a response ("Name: value" lines, parted by an empty line) that say whether
 * and for how long an answer may be kept. Whatever forbids it somewhere does. */
#include "base/err.h"
#include "policy/stale/stale_control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 16, AGE_S_MAX = 3600 };

static void read_head(struct rw_span *rest, struct rw_field fields[FIELDS_MAX],
                      struct rw_message *message)
{
    struct rw_span line;
    *message = (struct rw_message){.fields = fields};
    while (message->field_count < FIELDS_MAX && rest->at && rw_span_next(rest, '\n', &line) &&
           line.len) {
        ptrdiff_t colon = rw_span_find(line, ':');
        if (colon <= 0)
            continue;
        struct rw_span name = rw_span(line.at, (size_t)colon);
        fields[message->field_count++] =
            (struct rw_field){.id = (uint8_t)rw_field_id(name),
                              .name = name,
                              .value = rw_span_trim(rw_span_skip(line, (size_t)colon + 1))};
    }
}

static bool says(const struct rw_message *message, const char *token)
{
    return rw_message_has_token(message, RW_FIELD_CACHE_CONTROL, token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_field fields[2][FIELDS_MAX];
    struct rw_message request, response;
    struct rw_span rest = rw_span((const char *)data, size);
    read_head(&rest, fields[0], &request);
    read_head(&rest, fields[1], &response);
    uint32_t window_s = rw_stale_window_s(&request, &response, AGE_S_MAX);
    rw_assert(window_s <= AGE_S_MAX);
    bool forbidden = says(&response, "no-store") || says(&response, "private") ||
                     says(&response, "no-cache") || says(&response, "must-revalidate") ||
                     says(&request, "no-store") ||
                     rw_message_find(&request, RW_FIELD_AUTHORIZATION) ||
                     rw_message_find(&response, RW_FIELD_SET_COOKIE);
    rw_assert(!forbidden || window_s == 0);
    rw_assert(!says(&request, "no-cache") || !rw_stale_wanted(&request, 0));
    (void)rw_stale_fresh_s(&response);
    rw_assert(window_s + (uint64_t)rw_stale_age_s(&response) <= AGE_S_MAX || window_s == 0);
    return 0;
}
