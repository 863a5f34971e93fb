/* What a scenario file may say of a step. */
#include "load/script/config_parts.h"

#define MEMBER(name) offsetof(struct rw_load_config_grpc, name)
static const struct rw_conf_field grpc_fields[] = {
    {
        .name = "message",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(message),
        .max = 1 << 20,
        .flags = RW_CONF_VERBATIM,
        .doc = "The message as protocol buffers have it, in base64. By default one without fields. "
               "`${variables}` are filled in: values that are base64 themselves.",
        .example = "CgNBbm4=",
    },
    {
        .name = "fields",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(fields),
        .max = 1 << 20,
        .doc = "The message as JSON by the numbers of its fields; `${variables}` are filled in. A "
               "text is a string, a whole number a varint, one with a point a double, an object a "
               "message within, a list the field repeated. `\"5:sint\"` tells another type: sint, "
               "bytes (base64), float, double, fixed32, fixed64.",
        .example = "'{\"1\": \"${name|json}\", \"2\": 7, \"3\": {\"1\": true}}'",
    },
    {
        .name = "message_file",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(file),
        .max = 4096,
        .doc = "A file with the message's bytes; its path is from where the scenario file lies.",
        .example = "hello.bin",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_grpc(void *value, struct rw_conf_report *report)
{
    const struct rw_load_config_grpc *grpc = value;
    if ((grpc->message.len > 0) + (grpc->file.len > 0) + (grpc->fields.len > 0) > 1)
        rw_conf_mistake_on(report, grpc, "one of message, fields and message_file");
}

static const struct rw_conf_record grpc_record = {
    .name = "grpc",
    .doc = "A call with one message each way, over HTTP/2: `path` is /package.Service/Method. It "
           "fails when the status of gRPC is not 0. A text in place of the mapping is the message.",
    .size = sizeof(struct rw_load_config_grpc),
    .fields = grpc_fields,
    .place_offset = offsetof(struct rw_load_config_grpc, place),
    .scalar_field = "message",
    .check = check_grpc,
};

#define MEMBER(name) offsetof(struct rw_load_config_step, name)
static const struct rw_conf_field step_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(name),
        .max = 128,
        .doc = "For reports. By default the method and the path.",
        .example = "add to cart",
    },
    {
        .name = "method",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(method),
        .max = 32,
        .doc = "By default GET, with a body POST.",
        .example = "PUT",
    },
    {
        .name = "path",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(path),
        .min = 1,
        .max = 8192,
        .doc = "Path and query; `${variables}` are filled in, percent-encoded where they must be.",
        .example = "/carts/${cart}?user=${name|url}",
    },
    {
        .name = "headers",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP | RW_CONF_VERBATIM,
        .offset = MEMBER(headers),
        .max = 8192,
        .doc = "Header fields, beside those of the whole file; `${variables}` are filled in.",
        .example = "{Authorization: \"Bearer ${token}\"}",
    },
    {
        .name = "body",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(body),
        .max = 1 << 20,
        .doc = "`${variables}` are filled in; with them it may have 128 KiB.",
        .example = "item=${id}&note=${note|url}",
    },
    {
        .name = "body_file",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(body_file),
        .max = 4096,
        .doc = "A file that is the body, as it is; its path is from where the scenario file lies.",
        .example = "picture.jpg",
    },
    {
        .name = "grpc",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(grpc),
        .record = &grpc_record,
        .doc = "A call of gRPC in place of a plain request.",
    },
    {
        .name = "open",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(open),
        .min = 1,
        .max = 8192,
        .doc = "In place of `path`: opens a WebSocket there, which is the user's own until `close` "
               "or the end of the iteration. It takes one of the connections. The step fails where "
               "the status is not 101.",
        .example = "/chat?token=${token|url}",
    },
    {
        .name = "send",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(send),
        .min = 1,
        .max = RW_LOAD_MESSAGE_BYTES_MAX,
        .doc =
            "A message to the WebSocket, as text; `${variables}` are filled in. The message that "
            "comes next is its answer: checks and captures look into it.",
        .example = "'{\"say\": \"${word|json}\"}'",
    },
    {
        .name = "send_binary",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(send_binary),
        .min = 1,
        .max = RW_LOAD_MESSAGE_BYTES_MAX,
        .doc = "A message to the WebSocket, of bytes, in base64; `${variables}` are filled in: "
               "values that are base64 themselves.",
        .example = "AAECAw==",
    },
    {
        .name = "answer",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(answer),
        .min = 1,
        .max = 4096,
        .doc = "With `send`: the answer is the next message that has this in it, where the server "
               "also says things that nobody asked; `${variables}` are filled in.",
        .example = "'\"re\": ${iteration}'",
    },
    {
        .name = "unanswered",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(unanswered),
        .fallback = "false",
        .doc = "With `send`: no answer is waited for.",
    },
    {
        .name = "close",
        .type = RW_CONF_UINT,
        .offset = MEMBER(close),
        .max = 4999,
        .doc = "Closes the WebSocket with this code, and waits for the server's Close frame.",
        .example = "1000",
    },
    {
        .name = "times",
        .type = RW_CONF_UINT,
        .offset = MEMBER(times),
        .fallback = "1",
        .min = 1,
        .max = RW_LOAD_TIMES_MAX,
        .doc = "The step so often, one after the other.",
        .example = "30",
    },
    {
        .name = "every",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(every_ms),
        .max = 86400000,
        .doc = "With `times`: due by the clock, whatever the answers take. Where one takes longer "
               "than this the next is late, and its latency counts from when it was due. By "
               "default the think time lies between them.",
        .example = "1s",
    },
    {
        .name = "capture",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(captures),
        .record = &rw_load_capture_record,
        .doc = "Values of the answer for the steps that follow.",
    },
    {
        .name = "check",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(checks),
        .record = &rw_load_check_record,
        .doc = "What the answer is to be like.",
    },
    {
        .name = "think",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(think),
        .max = 32,
        .doc = "Between the answer and the next step: `1s`, or `500ms-2s` for a time by chance "
               "between these. By default that of the scenario.",
        .example = "500ms-2s",
    },
    {.name = NULL},
};
#undef MEMBER

/* Such as a key that nobody knows in place of the one that is missing. */
static bool is_told(const struct rw_conf_report *report, struct rw_conf_place place)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->mistakes[i].place.line == place.line &&
            report->mistakes[i].place.column == place.column)
            return true;
    return false;
}

/* What goes with what: the first that is broken of each place is told. */
static void check_step(void *value, struct rw_conf_report *report)
{
    const struct rw_load_config_step *s = value;
    bool sends = s->send.len || s->send_binary.len, is_request = s->path.len > 0;
    bool has_body = s->body.len || s->body_file.len;
    unsigned acts = is_request + (s->open.len > 0) + (s->send.len > 0) + (s->send_binary.len > 0) +
                    (s->close > 0);
    const struct {
        bool broken;
        const void *place;
        const char *words;
    } rules[] = {
        {acts > 1 || (acts == 0 && !is_told(report, s->place)), s,
         "a step is one of path, open, send, send_binary, close"},
        {!is_request && (s->method.len || has_body || s->grpc), s,
         "method, body, body_file and grpc go with path"},
        {(sends || s->close) && s->headers.count, &s->headers,
         "messages of a WebSocket have no header fields"},
        {!sends && (s->answer.len || s->unanswered), s, "answer and unanswered go with send"},
        {s->unanswered && (s->answer.len || s->checks.count || s->captures.count), s,
         "of a message that is not answered nothing can be told"},
        {s->close && s->close < 1000, &s->close, "codes are from 1000 to 4999"},
        {(s->close || s->open.len) && s->times > 1, s, "open and close are for once"},
        {s->every_ms && s->times < 2, &s->every_ms, "every goes with times"},
        {s->method.len && !rw_is_token(s->method), &s->method, "this is no method"},
        {s->body.len && s->body_file.len, &s->body_file, "body or body_file, not both"},
        {s->grpc && (has_body || s->method.len), &s->grpc,
         "a call of gRPC has its own method and body"},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].broken)
            rw_conf_mistake_on(report, rules[i].place, "%s", rules[i].words);
}

const struct rw_conf_record rw_load_step_record = {
    .name = "step",
    .doc =
        "One request, or one message of a WebSocket, and what is done with its answer. A text in "
        "place of the mapping is the path.",
    .size = sizeof(struct rw_load_config_step),
    .fields = step_fields,
    .place_offset = offsetof(struct rw_load_config_step, place),
    .scalar_field = "path",
    .check = check_step,
};
