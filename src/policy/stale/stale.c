#include "policy/stale/stale.h"

#include "base/clock.h"
#include "gate/cluster/balance/residency.h"
#include "gate/config/template.h"
#include "gate/exchange/filter.h"
#include "gate/snapshot.h"
#include "policy/stale/stale_control.h"
#include "policy/stale/stale_store.h"

enum { KEEP_AGAIN_MS = 1000 }; /* what was kept so lately is not copied again */

struct stale_config {
    uint32_t age_ms_max;
    uint64_t memory_bytes_max, body_bytes_max;
    struct rw_conf_place place;
};

/* ---- Configuration ---- */

#define MEMBER(member) offsetof(struct stale_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "age_max",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(age_ms_max),
        .fallback = "1h",
        .min = 1000,
        .max = 30 * 86400000ll,
        .doc = "Nothing older is given. `stale-if-error` in an answer's Cache-Control makes it "
               "less, never more.",
    },
    {
        .name = "memory_max",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(memory_bytes_max),
        .fallback = "16MiB",
        .min = 64 << 10,
        .max = 4ll << 30,
        .doc = "Of all answers of a route in a process; each thread has its part, and what was "
               "used least recently goes first.",
    },
    {
        .name = "body_max",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(body_bytes_max),
        .fallback = "256KiB",
        .min = 1,
        .max = 64 << 20,
        .doc = "Answers with a larger body are not kept.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check(void *value, struct rw_conf_report *report)
{
    const struct stale_config *config = value;
    if (config->body_bytes_max > config->memory_bytes_max)
        rw_conf_mistake_on(report, &config->body_bytes_max, "more than `memory_max`");
}

static const struct rw_conf_record record = {
    .name = "policy.stale",
    .doc = "Keeps answers to GET, and gives them when the upstream fails (brown-out).",
    .size = sizeof(struct stale_config),
    .fields = fields,
    .place_offset = offsetof(struct stale_config, place),
    .check = check,
};

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct stale_config *config = value;
    struct stale_config *made = rw_arena_alloc(compile->arena, sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    *made = *config;
    *instance = made;
    return RW_OK;
}

/* ---- Of which request is it the answer? ---- */

/* The host in lower case, what the client asked for, and what the origin was asked for: policies
 * may have made that of other things in the request. At NULL: no memory. */
static struct rw_span key_of(struct rw_exchange *x)
{
    const struct rw_message *request = &x->request;
    struct rw_span parts[] = {request->authority, rw_template_scheme(x), request->target,
                              x->upstream_target, x->upstream_host};
    size_t len = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        len += parts[i].len + 1;
    char *to = rw_arena_alloc(&x->arena, len);
    struct rw_span key = rw_span(to, len);
    for (size_t i = 0; to && i < sizeof(parts) / sizeof(*parts); i++) {
        for (size_t k = 0; k < parts[i].len; k++)
            *to++ = i == 0 ? rw_lower(parts[i].at[k]) : parts[i].at[k];
        *to++ = '\n'; /* no target has one */
    }
    return key;
}

static bool is_read(const struct rw_exchange *x)
{
    return x->request.method == RW_METHOD_GET || x->request.method == RW_METHOD_HEAD;
}

/* ---- Keeping ---- */

struct keeping {
    struct rw_filter filter;
    const struct stale_config *config;
    struct rw_stale_entry *entry; /* NULL: it will not be kept */
};

static void give_up(struct keeping *keeping)
{
    if (keeping->entry)
        rw_stale_entry_drop(keeping->entry);
    keeping->entry = NULL;
}

/* Each thread of the process has its part of the memory. */
static size_t bytes_max(const struct stale_config *config, const struct rw_worker *worker)
{
    return config->memory_bytes_max / (worker->peer_count ? worker->peer_count : 1);
}

static struct rw_stale_shelf *shelf_of(struct rw_exchange *x, const struct stale_config *config)
{
    return rw_stale_shelf(x->worker, x->route->name, bytes_max(config, x->worker));
}

static void keep(struct keeping *keeping)
{
    struct rw_exchange *x = keeping->filter.x;
    if (!x->response_trailers.len)
        rw_stale_shelf_put(keeping->entry->maker, keeping->entry,
                           bytes_max(keeping->config, x->worker), rw_loop_now_ms(x->worker->loop));
    give_up(keeping);
}

static bool copy(struct keeping *keeping, struct rw_span data)
{
    struct rw_exchange *x = keeping->filter.x;
    const struct stale_config *config = keeping->config;
    return keeping->entry->body.len + data.len <= config->body_bytes_max &&
           rw_stale_entry_add(keeping->entry, data, bytes_max(config, x->worker));
}

static enum rw_filter_outcome step_keeping(struct rw_filter *filter, struct rw_piece *in,
                                           bool flush, struct rw_piece *out)
{
    (void)flush;
    struct keeping *keeping = rw_container_of(filter, struct keeping, filter);
    if (in->data.len == 0 && !in->end)
        return RW_FILTER_MORE;
    if (keeping->entry && !copy(keeping, in->data))
        give_up(keeping);
    if (keeping->entry && in->end)
        keep(keeping);
    rw_filter_pass_on(in, out);
    return RW_FILTER_PIECE;
}

static void end_keeping(struct rw_filter *filter)
{
    give_up(rw_container_of(filter, struct keeping, filter));
}

static const struct rw_filter_kind keeping_kind = {.name = "stale keeping",
                                                   .effect = RW_FILTER_OBSERVES,
                                                   .step = step_keeping,
                                                   .end = end_keeping};

/* For how long may it be kept? 0: not at all. */
static uint32_t window_of(const struct rw_exchange *x, const struct stale_config *config)
{
    const struct rw_message *response = &x->response;
    if (x->request.method != RW_METHOD_GET || x->reason || response->status != 200 ||
        !rw_filter_response_possible(x) ||
        rw_filter_message_stream(rw_message_value(response, RW_FIELD_CONTENT_TYPE)) ||
        (response->has_length && response->body_bytes > config->body_bytes_max))
        return 0;
    return rw_stale_window_s(&x->request, response, config->age_ms_max / 1000);
}

/* Whatever fails here, the answer goes to the client as it is. */
static void begin_keeping(struct rw_exchange *x, const struct stale_config *config)
{
    uint32_t window_s = window_of(x, config);
    struct rw_stale_shelf *shelf = window_s ? shelf_of(x, config) : NULL;
    struct rw_span key = shelf ? key_of(x) : (struct rw_span){0};
    if (!key.at)
        return;
    uint64_t now_ms = rw_loop_now_ms(x->worker->loop);
    const struct rw_stale_entry *known = rw_stale_shelf_find(shelf, key, &x->request, now_ms);
    if (known && rw_elapsed_ms(now_ms, known->stored_ms) < KEEP_AGAIN_MS)
        return;
    struct keeping *keeping = rw_arena_zero(&x->arena, sizeof(*keeping));
    struct rw_stale_entry *entry =
        keeping ? rw_stale_entry_create(shelf, key, &x->request, &x->response) : NULL;
    if (!entry)
        return;
    entry->window_s = window_s;
    entry->fresh_s = rw_stale_fresh_s(&x->response);
    entry->age_s = rw_stale_age_s(&x->response);
    *keeping = (struct keeping){.filter.kind = &keeping_kind, .config = config, .entry = entry};
    if (rw_filter_response(x, &keeping->filter))
        give_up(keeping);
}

/* ---- Giving ---- */

struct giving {
    struct rw_filter filter;
    struct rw_stale_entry *entry;
    size_t given;
};

/* A buffer after the other, as the client takes them: an answer under way has one buffer, however
 * large it is. */
static enum rw_filter_outcome step_giving(struct rw_filter *filter, struct rw_piece *in, bool flush,
                                          struct rw_piece *out)
{
    (void)in;
    (void)flush;
    struct giving *giving = rw_container_of(filter, struct giving, filter);
    struct rw_span rest = rw_span_skip(rw_text_span(&giving->entry->body), giving->given);
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(filter->x->worker->loop), RW_BUF_SMALL_BYTES);
    if (!buf)
        return RW_FILTER_FAIL;
    buf->end = rest.len < buf->room ? (uint32_t)rest.len : buf->room;
    memcpy(buf->data, rest.at, buf->end);
    giving->given += buf->end;
    *out = (struct rw_piece){.data = rw_buf_span(buf), .buf = buf, .end = buf->end == rest.len};
    return RW_FILTER_PIECE;
}

static void end_giving(struct rw_filter *filter)
{
    rw_stale_entry_drop(rw_container_of(filter, struct giving, filter)->entry);
}

static const struct rw_filter_kind giving_kind = {.name = "stale giving",
                                                  .effect = RW_FILTER_OBSERVES,
                                                  .step = step_giving,
                                                  .end = end_giving};

static enum rw_err add_text(struct rw_exchange *x, struct rw_span name, struct rw_span value)
{
    return value.at ? rw_message_add(&x->response, &x->arena, name, value) : RW_ENOMEM;
}

/* How old it is (RFC 9111 section 5.1), and what became of the request (RFC 9211). */
static enum rw_err tell_age(struct rw_exchange *x, const struct rw_stale_entry *entry,
                            uint64_t age_s, const char *detail)
{
    struct rw_span age = rw_arena_format(&x->arena, "%llu", (unsigned long long)age_s);
    struct rw_span status = rw_arena_format(&x->arena, "ringway; hit; ttl=%lld; detail=%s",
                                            (long long)entry->fresh_s - (long long)age_s, detail);
    enum rw_err err = add_text(x, RW_LITERAL("Age"), age);
    return err ? err : add_text(x, RW_LITERAL("Cache-Status"), status);
}

static enum rw_err copy_head(struct rw_exchange *x, const struct rw_stale_entry *entry)
{
    enum rw_err err = rw_exchange_make_reply(x, 200, NULL, RW_LITERAL(""));
    rw_message_remove(&x->response, rw_field_name(RW_FIELD_DATE));
    for (unsigned i = 0; i < entry->field_count && !err; i++) {
        struct rw_span name = rw_arena_copy(&x->arena, entry->fields[i].name);
        err = name.at ? add_text(x, name, rw_arena_copy(&x->arena, entry->fields[i].value))
                      : RW_ENOMEM;
    }
    x->response.body_bytes = entry->body.len;
    return err;
}

static enum rw_err give_body(struct rw_exchange *x, struct rw_stale_entry *entry)
{
    if (!rw_filter_response_possible(x))
        return RW_OK;
    struct giving *giving = rw_arena_zero(&x->arena, sizeof(*giving));
    if (!giving)
        return RW_ENOMEM;
    *giving = (struct giving){.filter.kind = &giving_kind, .entry = entry};
    entry->references++;
    enum rw_err err = rw_filter_response(x, &giving->filter);
    if (err)
        rw_stale_entry_drop(entry);
    return err;
}

static enum rw_verdict give(struct rw_exchange *x, struct rw_stale_entry *entry, uint64_t age_s)
{
    const char *detail = x->reason ? rw_reason_name((enum rw_reason)x->reason) : "upstream_status";
    if (!x->reason)
        x->reason = RW_REASON_UPSTREAM_STATUS;
    rw_exchange_discard_response(x);
    enum rw_err err = copy_head(x, entry);
    err = err ? err : tell_age(x, entry, age_s, detail);
    err = err ? err : give_body(x, entry);
    if (err)
        return RW_VERDICT_FAIL;
    rw_worker_count(x->worker, RW_COUNTER_STALE_GIVEN, 1);
    return RW_VERDICT_NEXT;
}

/* "Any situation that would result in a 500, 502, 503 or 504" (RFC 5861 section 4), as far as it is
 * the upstream's. */
static bool is_error(const struct rw_exchange *x)
{
    switch ((enum rw_reason)x->reason) {
    case RW_REASON_NONE:
        return x->response.status == 500 ||
               (x->response.status >= 502 && x->response.status <= 504);
    case RW_REASON_NO_ENDPOINT:
    case RW_REASON_QUEUE_FULL:
    case RW_REASON_QUEUE_TIMEOUT:
    case RW_REASON_OVERLOADED:
    case RW_REASON_CONNECT_FAILED:
    case RW_REASON_CONNECT_TIMEOUT:
    case RW_REASON_UPSTREAM_TLS:
    case RW_REASON_UPSTREAM_RESET:
    case RW_REASON_UPSTREAM_BAD:
    case RW_REASON_FIRST_BYTE_TIMEOUT:
    case RW_REASON_TOTAL_TIMEOUT:
        return true;
    default:
        return false;
    }
}

static enum rw_verdict answer_error(struct rw_exchange *x, const struct stale_config *config)
{
    uint64_t now_ms = rw_loop_now_ms(x->worker->loop);
    struct rw_stale_shelf *shelf = shelf_of(x, config);
    struct rw_span key = shelf ? key_of(x) : (struct rw_span){0};
    struct rw_stale_entry *entry =
        key.at ? rw_stale_shelf_find(shelf, key, &x->request, now_ms) : NULL;
    if (!entry)
        return RW_VERDICT_NEXT;
    uint64_t age_s = entry->age_s + rw_elapsed_ms(now_ms, entry->stored_ms) / 1000;
    return rw_stale_wanted(&x->request, age_s) ? give(x, entry, age_s) : RW_VERDICT_NEXT;
}

/* A request that may not go everywhere gets nothing from elsewhere, and leaves nothing; an answer
 * to somebody who is known is theirs. */
static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    if (!x->route || !is_read(x) || x->shadow || rw_residency_binds(x->residency) || x->identity ||
        rw_message_find(&x->request, RW_FIELD_AUTHORIZATION))
        return RW_VERDICT_NEXT;
    if (is_error(x))
        return answer_error(x, instance);
    begin_keeping(x, instance);
    return RW_VERDICT_NEXT;
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct stale_config *config = instance;
    rw_text_addf(text,
                 "when the upstream fails, GET is answered as it was up to %u s ago; bodies up to "
                 "%llu bytes, %llu in all",
                 config->age_ms_max / 1000, (unsigned long long)config->body_bytes_max,
                 (unsigned long long)config->memory_bytes_max);
}

const struct rw_policy rw_policy_stale = {
    .kind = {.name = "stale",
             .record = &record,
             .doc = "Answers as before when the upstream fails (brown-out).",
             .user = &rw_policy_stale},
    .compile = compile,
    .on_response = on_response,
    .explain = explain,
};
