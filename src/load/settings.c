#include "load/settings.h"

#include "http/h1.h"

void rw_load_put_head(const struct rw_load_settings *settings,
                      const struct rw_load_request *request, struct rw_span key,
                      struct rw_h1_out *out)
{
    rw_h1_put_request_line(out, request->method, request->target);
    rw_h1_put_field(out, RW_LITERAL("Host"), settings->authority);
    for (unsigned i = 0; i < request->header_count; i++)
        rw_h1_put_field(out, request->headers[i].name, request->headers[i].value);
    if (request->act == RW_LOAD_OPEN) {
        rw_h1_put(out, RW_LITERAL("Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                  "Sec-WebSocket-Version: 13\r\n"));
        rw_h1_put_field(out, RW_LITERAL("Sec-WebSocket-Key"), key);
    } else if (request->body.at) {
        rw_h1_put(out, RW_LITERAL("Content-Length: "));
        rw_h1_put_u64(out, request->body.len);
        rw_h1_put(out, RW_LITERAL("\r\n"));
    }
    rw_h1_put(out, RW_LITERAL("\r\n"));
}

enum rw_err rw_load_prepare(struct rw_load_settings *settings, struct rw_arena *arena)
{
    for (unsigned i = 0; i < settings->request_count; i++) {
        struct rw_load_request *request = &settings->requests[i];
        if (request->varies || request->act != RW_LOAD_CALL)
            continue;
        size_t room = RW_LOAD_HEAD_BYTES_MAX + request->body.len;
        struct rw_h1_out out = {.at = rw_arena_alloc(arena, room), .room = room};
        if (!out.at)
            return RW_ENOMEM;
        rw_load_put_head(settings, request, RW_LITERAL(""), &out);
        rw_h1_put(&out, request->body);
        if (out.overflow)
            return RW_ELIMIT;
        request->h1 = rw_span(out.at, out.len);
    }
    return RW_OK;
}

const char *rw_load_protocol_name(enum rw_load_protocol_kind protocol)
{
    static const char *const names[] = {
        [RW_LOAD_H1] = "HTTP/1.1", [RW_LOAD_H2] = "HTTP/2", [RW_LOAD_WEBSOCKET] = "WebSocket"};
    return names[protocol];
}

double rw_load_seconds(const struct rw_load_settings *settings)
{
    double all =
        settings->closed ? settings->closed_seconds : rw_profile_seconds(&settings->profile);
    return all - settings->warmup_seconds;
}
