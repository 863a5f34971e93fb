/* What a step sends that is not HTTP's own: calls of gRPC, and a WebSocket's opening, messages and
 * closing. */
#include "load/script/compile.h"
#include "load/script/message.h"

enum { NAME_BYTES_MAX = 32 }; /* of a message's text, in reports */

/* ---- Forms ---- */

/* The most that a text comes to: of "[1.5,...]" each number has a tag and eight bytes. */
static size_t room_for(struct rw_span text)
{
    return 8 * text.len + 64;
}

/* Of a constant text the bytes are made once, here. */
static struct rw_span make_bytes(struct rw_load_compiler *compiler, const void *place,
                                 struct rw_span text, enum rw_load_form form)
{
    struct rw_h1_out out = {.room = room_for(text)};
    out.at = rw_load_compile_memory(compiler, out.room);
    if (!out.at)
        return RW_LITERAL("");
    const char *flaw = rw_load_message_put(form, text, &out);
    rw_assert(flaw || !out.overflow);
    if (flaw)
        rw_conf_mistake_on(compiler->report, place, "%s", flaw);
    return flaw ? RW_LITERAL("") : rw_span(out.at, out.len);
}

static void compile_message(struct rw_load_compiler *compiler, const struct rw_span *text,
                            enum rw_load_form form, struct rw_load_request *request,
                            struct rw_load_step *step)
{
    rw_load_compile_template(compiler, text, RW_LOAD_AS_IS, &step->body);
    step->form = form;
    if (rw_load_template_is_constant(&step->body))
        request->body = make_bytes(compiler, text, rw_load_template_text(&step->body), form);
    else
        request->varies = true;
}

/* ---- gRPC ---- */

static void compile_file(struct rw_load_compiler *compiler, const struct rw_span *path,
                         struct rw_load_request *request)
{
    const struct rw_span *bytes = rw_load_compile_file(compiler, path, RW_LOAD_BODY_FILE_BYTES_MAX);
    if (!bytes)
        return;
    struct rw_h1_out out = {.room = bytes->len + 64};
    out.at = rw_load_compile_memory(compiler, out.room);
    if (!out.at)
        return;
    rw_load_grpc_put(*bytes, &out);
    request->body = rw_span(out.at, out.len);
}

void rw_load_compile_grpc(struct rw_load_compiler *compiler, const struct rw_load_config_grpc *from,
                          struct rw_load_request *request, struct rw_load_step *step)
{
    static const struct rw_conf_pair fields[] = {
        {{"Content-Type", 12}, {"application/grpc", 16}},
        {{"TE", 2}, {"trailers", 8}},
    };
    if (compiler->config->protocol != RW_LOAD_H2)
        rw_conf_mistake_at(compiler->report, from->place, "gRPC needs `protocol: http2`");
    if (from->file.len)
        compile_file(compiler, &from->file, request);
    else if (from->fields.len)
        compile_message(compiler, &from->fields, RW_LOAD_FORM_GRPC_FIELDS, request, step);
    else
        compile_message(compiler, &from->message, RW_LOAD_FORM_GRPC_BASE64, request, step);
    request->method = RW_LITERAL("POST");
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        rw_load_compile_header(compiler, &fields[i], request, step);
}

/* ---- WebSocket ---- */

static void compile_open(struct rw_load_compiler *compiler, const struct rw_load_config_step *from,
                         struct rw_load_request *request, struct rw_load_step *step)
{
    static const char *const own[] = {"connection", "upgrade", "sec-websocket-key",
                                      "sec-websocket-version", "sec-websocket-extensions"};
    for (unsigned i = 0; i < request->header_count; i++)
        for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
            if (rw_span_is_nocase(request->headers[i].name, own[k]))
                rw_conf_mistake_on(compiler->report, &from->headers,
                                   "\"%s\": the handshake has its own", own[k]);
    if (compiler->socket_open)
        rw_conf_mistake_on(compiler->report, &from->open,
                           "one WebSocket at a time: there is one, and no close");
    compiler->socket_open = step->opens = true;
    request->act = RW_LOAD_OPEN;
}

/* "send {\"say\": \"hello\"}": as much of the text as a report has room for. */
static struct rw_span name_of(struct rw_load_compiler *compiler, struct rw_span text)
{
    size_t len = 0;
    while (len < text.len && len < NAME_BYTES_MAX && (uint8_t)text.at[len] >= ' ')
        len++;
    while (len < text.len && len && ((uint8_t)text.at[len] & 0xc0) == 0x80)
        len--;
    return rw_arena_format(compiler->arena, "send %.*s%s", (int)len, text.at,
                           len < text.len ? "..." : "");
}

static void compile_send(struct rw_load_compiler *compiler, const struct rw_load_config_step *from,
                         struct rw_load_request *request, struct rw_load_step *step)
{
    const struct rw_span *text = from->send.len ? &from->send : &from->send_binary;
    request->act = RW_LOAD_MESSAGE;
    request->binary = from->send_binary.len > 0;
    request->unanswered = from->unanswered;
    request->name = from->name.len ? from->name : name_of(compiler, *text);
    compile_message(compiler, text, request->binary ? RW_LOAD_FORM_BASE64 : RW_LOAD_FORM_TEXT,
                    request, step);
    step->has_answer = from->answer.len > 0;
    rw_load_compile_template(compiler, &from->answer, RW_LOAD_AS_IS, &step->answer);
}

static void compile_close(const struct rw_load_config_step *from, struct rw_load_request *request)
{
    request->act = RW_LOAD_CLOSE;
    request->close_code = (uint16_t)from->close;
    request->name = from->name.len ? from->name : RW_LITERAL("close");
}

/* Of a message there is neither a status nor a field. */
static void refuse_checks(struct rw_load_compiler *compiler, const struct rw_load_config_step *from)
{
    const struct rw_load_config_check *checks = from->checks.items;
    const struct rw_load_config_capture *captures = from->captures.items;
    for (size_t i = 0; i < from->checks.count; i++)
        if (checks[i].status.count || checks[i].grpc.count || checks[i].header.len ||
            (from->close && !checks[i].below_ms))
            rw_conf_mistake_on(compiler->report, &checks[i],
                               "a message of a WebSocket has no such");
    for (size_t i = 0; i < from->captures.count; i++)
        if (captures[i].header.len || from->close)
            rw_conf_mistake_on(compiler->report, &captures[i],
                               "a message of a WebSocket has no such");
}

void rw_load_compile_socket(struct rw_load_compiler *compiler,
                            const struct rw_load_config_step *from, struct rw_load_request *request,
                            struct rw_load_step *step)
{
    if (from->open.len) {
        compile_open(compiler, from, request, step);
        return;
    }
    request->method = RW_LITERAL("GET"); /* never sent */
    if (!from->send.len && !from->send_binary.len && !from->close)
        return; /* it is nothing, which has been told */
    if (!compiler->socket_open)
        rw_conf_mistake_on(compiler->report, from, "no WebSocket is there: a step with open first");
    refuse_checks(compiler, from);
    if (from->close) {
        compile_close(from, request);
        compiler->socket_open = false;
    } else {
        compile_send(compiler, from, request, step);
    }
    if (!request->name.at)
        compiler->report->err = RW_ENOMEM;
}
