/* HAR 1.2: what a browser has recorded. */
#include "load/import/import.h"

#include "base/alloc.h"
#include "http/message.h"
#include "http/url.h"
#include "http/websocket.h"
#include "load/script/log_line.h"

#include <jansson.h>

enum { THINK_MS_MIN = 50, THINK_MS_MAX = 10 * 60 * 1000 };

struct har {
    struct rw_draft *draft;
    struct rw_draft_scenario *scenario;
    struct rw_draft_step *last;
    int64_t ended_ns; /* when the answer to the last was there */
    bool has_socket;
    unsigned elsewhere, cookies, blocked;
};

static struct rw_span text_at(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    return json_is_string(value) ? rw_span(json_string_value(value), json_string_length(value))
                                 : RW_LITERAL("");
}

static void take_headers(struct har *har, const json_t *request, struct rw_draft_step *step)
{
    size_t i;
    const json_t *header;
    json_array_foreach(json_object_get(request, "headers"), i, header)
    {
        struct rw_span name = text_at(header, "name"),
                       value = rw_span_trim(text_at(header, "value"));
        har->cookies += rw_span_is_nocase(name, "cookie");
        if (!rw_draft_passes_over(name) && rw_is_token(name) && rw_is_field_value(value))
            rw_draft_add_pair(har->draft, &step->headers, name, rw_draft_plain(har->draft, value));
    }
}

static void take_body(struct har *har, const json_t *request, struct rw_draft_step *step)
{
    const json_t *data = json_object_get(request, "postData");
    struct rw_span body = text_at(data, "text"), type = text_at(data, "mimeType");
    if (body.len && rw_is_field_value(type) && type.len &&
        !rw_draft_find(&step->headers, RW_LITERAL("content-type")))
        rw_draft_add_pair(har->draft, &step->headers, RW_LITERAL("Content-Type"),
                          rw_draft_plain(har->draft, type));
    if (body.len > RW_DRAFT_BODY_BYTES_MAX)
        rw_draft_note(har->draft,
                      "the body of %.*s %.*s is left out: %zu bytes (body_file takes it)",
                      RW_SPAN_ARGS(step->method), RW_SPAN_ARGS(step->path), body.len);
    else
        step->body = rw_draft_plain(har->draft, body);
}

/* The time between an answer and the next request is what the user thought. */
static void take_time(struct har *har, const json_t *entry)
{
    int64_t begun_ns;
    double took_ms = json_number_value(json_object_get(entry, "time"));
    if (!rw_load_read_time(text_at(entry, "startedDateTime"), &begun_ns))
        return;
    int64_t think_ms = (begun_ns - har->ended_ns) / 1000000;
    if (har->last && think_ms >= THINK_MS_MIN && think_ms <= THINK_MS_MAX)
        har->last->think_ms_least = har->last->think_ms_most = (uint32_t)think_ms;
    int64_t ended_ns = begun_ns + (took_ms > 0 && took_ms < 1e9 ? (int64_t)(took_ms * 1e6) : 0);
    if (!har->last || ended_ns > har->ended_ns)
        har->ended_ns = ended_ns;
}

static struct rw_span origin_of(struct rw_draft *draft, const struct rw_url *url)
{
    const char *scheme = rw_span_is(url->scheme, "ws")    ? "http"
                         : rw_span_is(url->scheme, "wss") ? "https"
                                                          : NULL;
    return rw_draft_format(draft, "%.*s://%.*s",
                           RW_SPAN_ARGS(scheme ? rw_span_text(scheme) : url->scheme),
                           RW_SPAN_ARGS(url->authority));
}

/* ---- WebSockets, as Chromium writes them down ---- */

static struct rw_draft_step *take_message(struct har *har, const json_t *message)
{
    struct rw_draft_step *step = rw_draft_add_step(har->draft, har->scenario);
    if (!step)
        return NULL;
    bool binary = json_integer_value(json_object_get(message, "opcode")) == RW_WEBSOCKET_BINARY;
    step->kind = binary ? RW_DRAFT_SEND_BINARY : RW_DRAFT_SEND;
    step->body = rw_draft_plain(har->draft, text_at(message, "data"));
    step->unanswered = true; /* until an answer comes */
    return step;
}

/* The time between messages is think time; what was received says only which were answered. */
static void take_messages(struct har *har, const json_t *entry)
{
    double before = 0;
    size_t i;
    const json_t *message;
    json_array_foreach(json_object_get(entry, "_webSocketMessages"), i, message)
    {
        double time = json_number_value(json_object_get(message, "time"));
        double think_ms = before > 0 ? (time - before) * 1000 : 0;
        bool sent = rw_span_is(text_at(message, "type"), "send");
        if (sent && think_ms >= THINK_MS_MIN && think_ms <= THINK_MS_MAX)
            har->last->think_ms_least = har->last->think_ms_most = (uint32_t)think_ms;
        before = time;
        if (!sent) {
            har->last->unanswered = false;
            continue;
        }
        size_t len = text_at(message, "data").len;
        struct rw_draft_step *step =
            len && len <= RW_DRAFT_BODY_BYTES_MAX ? take_message(har, message) : NULL;
        if (step)
            har->last = step;
    }
}

static void add_close(struct har *har)
{
    struct rw_draft_step *step = rw_draft_add_step(har->draft, har->scenario);
    if (step)
        step->kind = RW_DRAFT_CLOSE;
}

static void become_socket(struct har *har, const json_t *entry, struct rw_draft_step *step)
{
    static const char *const own[] = {"upgrade", "connection", "sec-websocket-key",
                                      "sec-websocket-version", "sec-websocket-extensions"};
    step->kind = RW_DRAFT_OPEN;
    har->has_socket = true;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        rw_draft_drop(&step->headers, rw_span_text(own[i]));
    har->last = step;
    take_messages(har, entry);
    har->ended_ns = 0; /* the next request's time is not the last message's */
    rw_draft_note(har->draft,
                  "messages of the WebSocket %.*s come one after the other, before what "
                  "was asked for meanwhile",
                  RW_SPAN_ARGS(step->path));
}

/* ---- Entries ---- */

static void take_entry(struct har *har, const json_t *entry)
{
    struct rw_draft *draft = har->draft;
    const json_t *request = json_object_get(entry, "request");
    struct rw_span method = text_at(request, "method");
    struct rw_url url;
    const char *why;
    if (!rw_is_token(method) || rw_span_is(method, "CONNECT") ||
        rw_url_parse(text_at(request, "url"), &url, &why))
        return;
    struct rw_span origin = origin_of(draft, &url);
    if (!draft->target.len)
        draft->target = origin;
    json_int_t status =
        json_integer_value(json_object_get(json_object_get(entry, "response"), "status"));
    if (status == 0 && json_object_get(entry, "response")) {
        har->blocked++;
        return;
    }
    if (!rw_span_eq(draft->target, origin)) {
        har->elsewhere++;
        return;
    }
    bool opens = rw_span_starts(url.scheme, RW_LITERAL("ws"));
    if (opens && har->has_socket) /* a user has one at a time */
        add_close(har);
    struct rw_draft_step *step = rw_draft_add_step(draft, har->scenario);
    if (!step)
        return;
    step->method = rw_draft_copy(draft, method);
    step->path = rw_draft_plain(draft, url.target);
    if (!step->path.len || step->path.at[0] != '/')
        step->path = rw_draft_format(draft, "/%.*s", RW_SPAN_ARGS(step->path));
    take_headers(har, request, step);
    take_body(har, request, step);
    if (status >= 200 && status <= 999)
        rw_draft_add_line(draft, &step->checks, "status: %u", (unsigned)status);
    take_time(har, entry);
    har->last = step;
    if (opens)
        become_socket(har, entry, step);
}

enum rw_err rw_import_har(struct rw_span content, struct rw_draft *draft, struct rw_text *why)
{
    json_error_t error;
    json_set_alloc_funcs(rw_alloc, rw_free);
    json_t *root = json_loadb(content.at, content.len, 0, &error);
    if (!root) {
        bool memory = json_error_code(&error) == json_error_out_of_memory;
        rw_text_addf(why, "%d:%d: not JSON: %s", error.line, error.column, error.text);
        return memory ? RW_ENOMEM : RW_EINVAL;
    }
    draft->source = RW_LITERAL("a browser's recording (HAR)");
    draft->users = 10;
    struct har har = {.draft = draft,
                      .scenario = rw_draft_add_scenario(draft, RW_LITERAL("recorded"))};
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(json_object_get(root, "log"), "entries"), i, entry)
        take_entry(&har, entry);
    if (har.elsewhere)
        rw_draft_note(draft, "%u request%s to other hosts than %.*s left out", har.elsewhere,
                      har.elsewhere == 1 ? "" : "s", RW_SPAN_ARGS(draft->target));
    if (har.blocked)
        rw_draft_note(draft, "%u requests that got no answer are left out", har.blocked);
    if (har.cookies)
        rw_draft_note(draft,
                      "cookies are left out: capture them (header: Set-Cookie) and send them");
    json_decref(root);
    return RW_OK;
}
