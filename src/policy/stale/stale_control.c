#include "policy/stale/stale_control.h"

enum { SECONDS_MAX = 1 << 30 };

struct control {
    bool no_store, no_cache, bound, is_public; /* bound: never to be given once it is stale */
    bool has_max_age, has_if_error, has_max_stale;
    uint32_t max_age_s, if_error_s;
};

/* A number that is none is 0: the careful reading (RFC 9111 section 4.2.1). */
static uint32_t seconds(struct rw_span text)
{
    uint64_t value;
    if (text.len > 1 && text.at[0] == '"' && text.at[text.len - 1] == '"')
        text = rw_span(text.at + 1, text.len - 2);
    if (!rw_span_to_u64(text, &value))
        return 0;
    return value < SECONDS_MAX ? (uint32_t)value : SECONDS_MAX;
}

static void note(struct control *control, struct rw_span name, struct rw_span value)
{
    static const char *const bounds[] = {"private", "must-revalidate", "proxy-revalidate",
                                         "s-maxage"};
    for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++)
        control->bound |= rw_span_is_nocase(name, bounds[i]);
    control->no_store |= rw_span_is_nocase(name, "no-store");
    control->no_cache |= rw_span_is_nocase(name, "no-cache");
    control->is_public |= rw_span_is_nocase(name, "public");
    control->has_max_stale |= rw_span_is_nocase(name, "max-stale");
    if (rw_span_is_nocase(name, "max-age")) {
        control->has_max_age = true;
        control->max_age_s = seconds(value);
    } else if (rw_span_is_nocase(name, "stale-if-error")) {
        control->has_if_error = true;
        control->if_error_s = seconds(value);
    }
}

/* Commas in quotes part directives, too: what comes of that forbids more, never less. */
static struct control read_control(const struct rw_message *message)
{
    struct control control = {0};
    for (unsigned i = 0; i < message->field_count; i++) {
        struct rw_span rest = message->fields[i].value, directive;
        if (message->fields[i].id != RW_FIELD_CACHE_CONTROL)
            continue;
        while (rest.at && rw_span_next(&rest, ',', &directive)) {
            ptrdiff_t equals = rw_span_find(directive, '=');
            size_t len = equals < 0 ? directive.len : (size_t)equals;
            note(&control, rw_span(directive.at, len),
                 rw_span_skip(directive, equals < 0 ? len : len + 1));
        }
    }
    return control;
}

static bool varies_by_all(const struct rw_message *response)
{
    return rw_message_has_token(response, RW_FIELD_VARY, "*");
}

uint32_t rw_stale_window_s(const struct rw_message *request, const struct rw_message *response,
                           uint32_t age_s_max)
{
    struct control asked = read_control(request), told = read_control(response);
    bool personal = rw_message_find(request, RW_FIELD_AUTHORIZATION) ||
                    rw_message_find(response, RW_FIELD_SET_COOKIE) ||
                    (rw_message_find(request, RW_FIELD_COOKIE) && !told.is_public);
    if (personal || asked.no_store || told.no_store || told.no_cache || told.bound ||
        varies_by_all(response))
        return 0;
    uint64_t window = age_s_max;
    if (told.has_if_error && (uint64_t)told.max_age_s + told.if_error_s < window)
        window = (uint64_t)told.max_age_s + told.if_error_s;
    uint32_t age = rw_stale_age_s(response);
    return age < window ? (uint32_t)(window - age) : 0;
}

uint32_t rw_stale_fresh_s(const struct rw_message *response)
{
    return read_control(response).max_age_s;
}

uint32_t rw_stale_age_s(const struct rw_message *response)
{
    return seconds(rw_message_value(response, RW_FIELD_AGE));
}

bool rw_stale_wanted(const struct rw_message *request, uint64_t age_s)
{
    struct control asked = read_control(request);
    bool too_old = asked.has_max_age && !asked.has_max_stale && age_s > asked.max_age_s;
    return !asked.no_cache && !asked.no_store && !too_old;
}
