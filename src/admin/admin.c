#include "admin/admin.h"

#include "gate/snapshot.h"
#include "gate/worker.h"
#include "http/scan.h"
#include "io/address.h"

/* How much there is to tell is bounded by the configuration (metrics.series_max, the routes), not
 * by what a client's request may take. */
static enum rw_flow respond(struct rw_exchange *x, unsigned status, const char *type,
                            const struct rw_text *text)
{
    x->arena.cap_bytes += text->len;
    struct rw_span body = rw_arena_copy(&x->arena, rw_text_span(text));
    enum rw_err err = body.at ? text->err : RW_ENOMEM;
    return rw_exchange_reply(x, err ? err : rw_exchange_make_reply(x, status, type, body));
}

static enum rw_flow respond_text(struct rw_exchange *x, unsigned status, const char *string)
{
    struct rw_text text = {0};
    rw_text_adds(&text, string);
    enum rw_flow flow = respond(x, status, "text/plain; charset=utf-8", &text);
    rw_text_free(&text);
    return flow;
}

/* ---- What a browser must not be made to do ---- */

static bool host_allowed(const struct rw_exchange *x)
{
    struct rw_span host = x->request.authority;
    struct rw_address address;
    if (rw_span_eq_nocase(host, x->listener->address_text))
        return true;
    ptrdiff_t colon = rw_span_find(host, ':');
    struct rw_span name = colon < 0 ? host : rw_span(host.at, (size_t)colon);
    return rw_span_is_nocase(name, "localhost") || host.len == 0 ||
           rw_address_parse(host, &address) == RW_OK ||
           rw_address_parse_ip(host, 0, &address) == RW_OK;
}

static bool cross_site(const struct rw_exchange *x)
{
    const struct rw_field *site = rw_message_find_name(&x->request, RW_LITERAL("Sec-Fetch-Site"));
    struct rw_span origin = rw_message_value(&x->request, RW_FIELD_ORIGIN);
    bool foreign_site =
        site && !rw_span_is(site->value, "same-origin") && !rw_span_is(site->value, "none");
    ptrdiff_t slashes = rw_span_find(origin, '/');
    bool own = origin.len == 0 ||
               (slashes >= 0 &&
                rw_span_eq_nocase(rw_span_skip(origin, (size_t)slashes + 2), x->request.authority));
    return foreign_site || !own;
}

/* ---- Documents ---- */

struct document {
    const char *path, *type;
    size_t offset; /* of the host's function */
};

#define DOCUMENT_AT(path, name, kind)                                                              \
    {                                                                                              \
        path, kind, offsetof(struct rw_admin_host, name)                                           \
    }
#define DOCUMENT(name, kind) DOCUMENT_AT("/" #name, name, kind)
static const struct document documents[] = {
    DOCUMENT(metrics, "text/plain; version=0.0.4; charset=utf-8"),
    DOCUMENT(status, "application/json"),
    DOCUMENT(config, "application/yaml"),
    DOCUMENT(routes, "application/json"),
    DOCUMENT(upstreams, "application/json"),
    DOCUMENT(connections, "application/json"),
    DOCUMENT(releases, "application/json"),
    DOCUMENT(mirrors, "application/json"),
    DOCUMENT(limits, "application/json"),
    DOCUMENT_AT("/mirrors.html", mirrors_html, "text/html; charset=utf-8"),
    DOCUMENT_AT("/mirrors.md", mirrors_markdown, "text/markdown; charset=utf-8"),
};

static const struct document *document_at(struct rw_span path)
{
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
        if (rw_span_is(path, documents[i].path))
            return &documents[i];
    return NULL;
}

static enum rw_flow get(struct rw_exchange *x, const struct rw_admin_host *host)
{
    struct rw_span path = x->request.path;
    if (rw_span_is(path, "/livez"))
        return respond_text(x, 200, "ok\n");
    if (rw_span_is(path, "/readyz")) {
        bool ready = host->ready(host->user);
        return respond_text(x, ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
    }
    const struct document *document = document_at(path);
    void (*write)(void *, struct rw_text *);
    memcpy(&write, (const char *)host + document->offset, sizeof(write));
    struct rw_text text = {0};
    write(host->user, &text);
    enum rw_flow flow = respond(x, 200, document->type, &text);
    rw_text_free(&text);
    return flow;
}

/* ---- Actions ---- */

/* %20 is a space (RFC 3986 section 2.1). `to` has room for the text as it is. */
static struct rw_span decode(struct rw_span text, char *to)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool encoded = text.at[i] == '%' && i + 2 < text.len && rw_hex_digit(text.at[i + 1]) < 16 &&
                       rw_hex_digit(text.at[i + 2]) < 16;
        to[len++] = encoded
                        ? (char)(rw_hex_digit(text.at[i + 1]) << 4 | rw_hex_digit(text.at[i + 2]))
                        : text.at[i];
        i += encoded ? 2 : 0;
    }
    return rw_span(to, len);
}

/* ROUTE/ACTION: what the last slash parts. */
static enum rw_flow act(struct rw_exchange *x, const struct rw_admin_host *host,
                        struct rw_span path)
{
    struct rw_text why = {0};
    size_t slash = path.len;
    while (slash > 0 && path.at[slash - 1] != '/')
        slash--;
    char *room = rw_arena_alloc(&x->arena, path.len + 1);
    if (!room)
        return rw_exchange_reply(x, RW_ENOMEM);
    struct rw_span route = decode(rw_span(path.at, slash ? slash - 1 : 0), room);
    enum rw_err err = host->act(host->user, route, rw_span_skip(path, slash), &why);
    enum rw_flow flow = respond(x,
                                err == RW_OK       ? 200
                                : err == RW_ENOENT ? 404
                                                   : 409,
                                "text/plain; charset=utf-8", &why);
    rw_text_free(&why);
    return flow;
}

static const struct rw_span releases = RW_LITERAL("/releases/");

static enum rw_flow post(struct rw_exchange *x, const struct rw_admin_host *host)
{
    if (rw_span_is(x->request.path, "/drain")) {
        host->drain(host->user);
        return respond_text(x, 202, "draining\n");
    }
    if (rw_span_starts(x->request.path, releases))
        return act(x, host, rw_span_skip(x->request.path, releases.len));
    struct rw_text why = {0};
    enum rw_err err = host->reload(host->user, &why);
    enum rw_flow flow;
    if (err)
        flow = respond(x, 422, "text/plain; charset=utf-8", &why);
    else
        flow = respond_text(x, 200, "the new configuration is in force\n");
    rw_text_free(&why);
    return flow;
}

/* ---- Which of them ---- */

static bool is_read(struct rw_span path)
{
    return rw_span_is(path, "/livez") || rw_span_is(path, "/readyz") || document_at(path);
}

static bool is_acted_on(struct rw_span path)
{
    return rw_span_is(path, "/reload") || rw_span_is(path, "/drain") ||
           rw_span_starts(path, releases);
}

static enum rw_flow refuse_method(struct rw_exchange *x, const char *allow)
{
    static const struct rw_span text = RW_LITERAL("the field Allow has the methods of this path\n");
    enum rw_err err = rw_exchange_make_reply(x, 405, "text/plain; charset=utf-8", text);
    if (!err)
        err = rw_message_add(&x->response, &x->arena, RW_LITERAL("Allow"), rw_span_text(allow));
    return rw_exchange_reply(x, err);
}

static enum rw_flow start(struct rw_exchange *x, void *instance, const struct rw_piece *first)
{
    (void)first;
    const struct rw_admin_host *host = instance;
    if (!host_allowed(x) || cross_site(x))
        return respond_text(x, 403, "cross-site requests are refused\n");
    enum rw_method method = x->request.method;
    if (is_read(x->request.path))
        return method == RW_METHOD_GET || method == RW_METHOD_HEAD ? get(x, host)
                                                                   : refuse_method(x, "GET, HEAD");
    if (is_acted_on(x->request.path))
        return method == RW_METHOD_POST ? post(x, host) : refuse_method(x, "POST");
    return respond_text(x, 404,
                        "GET /livez /readyz /metrics /status /config /routes /upstreams "
                        "/connections /limits /releases /mirrors /mirrors.html /mirrors.md, "
                        "POST /reload /drain /releases/ROUTE/ACTION\n");
}

static void explain(const void *instance, struct rw_text *text)
{
    (void)instance;
    rw_text_adds(text, "admin API");
}

const struct rw_origin rw_admin_origin = {
    .kind = {.name = "admin", .doc = "The admin API.", .user = &rw_admin_origin},
    .start = start,
    .explain = explain,
};
