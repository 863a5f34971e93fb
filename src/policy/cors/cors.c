#include "policy/cors/cors.h"

#include "gate/exchange/exchange.h"
#include "gate/snapshot.h"
#include "policy/refuse.h"

enum { LIST_BYTES_MAX = 4096, ORIGINS_MAX = 256, NAMES_MAX = 128 };

struct cors_config {
    struct rw_conf_list origins, methods, headers, expose; /* of rw_span */
    bool credentials;
    uint32_t max_age_ms;
    struct rw_conf_place place;
};

struct cors {
    const struct cors_config *config;
    struct rw_cors_pattern *patterns; /* of config->origins but "*" */
    unsigned pattern_count;
    bool any_origin;                         /* "*": every page may read the answers */
    bool any_header;                         /* what a preflight asks for is allowed */
    struct rw_span methods, headers, expose; /* as they are sent; empty: not */
    struct rw_span max_age_s;
};

/* ---- Configuration ---- */

#define MEMBER(member) offsetof(struct cors_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "origins",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED,
        .offset = MEMBER(origins),
        .doc = "Whose pages may call: scheme, host and, unless it is the scheme's own, port, as "
               "browsers write them. `*.` in front of a host stands for all names below it, `*` "
               "alone for every page.",
        .example = "[https://shop.example, \"https://*.partner.example\"]",
    },
    {
        .name = "methods",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(methods),
        .fallback = "[GET, HEAD, POST, PUT, PATCH, DELETE]",
        .doc = "Methods that they may use.",
    },
    {
        .name = "headers",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(headers),
        .fallback = "[*]",
        .doc = "Request fields that they may set, besides those that any page may; `*`: all.",
        .example = "[Content-Type, Authorization]",
    },
    {
        .name = "expose",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(expose),
        .doc = "Response fields that they may read, besides those that any page may.",
        .example = "[X-Total-Count]",
    },
    {
        .name = "credentials",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(credentials),
        .fallback = "false",
        .doc = "Their requests may carry cookies and the like. Not together with `*` as origin.",
    },
    {
        .name = "max_age",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(max_age_ms),
        .fallback = "10m",
        .max = 86400000,
        .doc = "How long a browser need not ask again; browsers have limits of their own.",
    },
    {.name = NULL},
};
#undef MEMBER

static bool holds_star(const struct rw_conf_list *list)
{
    const struct rw_span *items = list->items;
    for (size_t i = 0; i < list->count; i++)
        if (rw_span_is(items[i], "*"))
            return true;
    return false;
}

static void check_origin(struct rw_conf_report *report, const struct cors_config *config,
                         const struct rw_span *origin)
{
    struct rw_cors_pattern pattern;
    if (rw_span_is(*origin, "*")) {
        if (config->credentials)
            rw_conf_mistake_on(report, origin,
                               "with `credentials` name the origins: browsers refuse `*`, and any "
                               "page could act for the user");
    } else if (!rw_cors_pattern_parse(*origin, &pattern)) {
        rw_conf_mistake_on(report, origin,
                           "%s is no origin: expected scheme and host in lower case, without a "
                           "path or the usual port, such as https://shop.example or "
                           "https://*.shop.example",
                           rw_conf_quote(report, *origin));
    } else if (config->credentials && rw_span_is(*origin, "null")) {
        rw_conf_mistake_on(
            report, origin,
            "`null` with `credentials`: any page can have this origin (in a sandbox, "
            "for instance), and could act for the user");
    }
}

static void check_origins(struct rw_conf_report *report, const struct cors_config *config)
{
    const struct rw_span *origins = config->origins.items;
    for (size_t i = 0; i < config->origins.count; i++)
        check_origin(report, config, &origins[i]);
    if (config->origins.count == 0 || config->origins.count > ORIGINS_MAX)
        rw_conf_mistake_on(report, &config->origins, "expected 1 to %d origins", ORIGINS_MAX);
}

static void check_names(struct rw_conf_report *report, const struct rw_conf_list *names,
                        const char *what)
{
    const struct rw_span *items = names->items;
    for (size_t i = 0; i < names->count; i++)
        if (!rw_is_token(items[i]))
            rw_conf_mistake_on(report, &items[i], "%s is no %s", rw_conf_quote(report, items[i]),
                               what);
    if (names->count > NAMES_MAX)
        rw_conf_mistake_on(report, names, "more than %d %ss", NAMES_MAX, what);
}

/* Browsers compare methods to the letter (RFC 9110 section 9.1). */
static void check_case(struct rw_conf_report *report, const struct rw_conf_list *methods)
{
    static const char *const known[] = {"GET",   "HEAD",   "POST",    "PUT",
                                        "PATCH", "DELETE", "OPTIONS", "QUERY"};
    const struct rw_span *items = methods->items;
    for (size_t i = 0; i < methods->count; i++)
        for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++)
            if (!rw_span_is(items[i], known[k]) &&
                rw_span_eq_nocase(items[i], rw_span_text(known[k])))
                rw_conf_mistake_on(report, &items[i],
                                   "%s is another method than %s, and browsers send that one",
                                   rw_conf_quote(report, items[i]), known[k]);
}

static void check(void *value, struct rw_conf_report *report)
{
    const struct cors_config *config = value;
    check_origins(report, config);
    check_names(report, &config->methods, "method");
    check_case(report, &config->methods);
    check_names(report, &config->headers, "name of a field");
    check_names(report, &config->expose, "name of a field");
    if (config->credentials && holds_star(&config->expose))
        rw_conf_mistake_on(report, &config->expose,
                           "with `credentials` name the fields: `*` is a name like others to "
                           "browsers then");
}

static const struct rw_conf_record record = {
    .name = "policy.cors",
    .doc = "Lets pages of other origins call, and read the answers.",
    .size = sizeof(struct cors_config),
    .fields = fields,
    .place_offset = offsetof(struct cors_config, place),
    .check = check,
};

/* ---- Compiling ---- */

static enum rw_err join(struct rw_arena *arena, const struct rw_conf_list *list,
                        struct rw_span *joined)
{
    const struct rw_span *items = list->items;
    *joined = RW_LITERAL("");
    for (size_t i = 0; i < list->count; i++) {
        *joined = rw_arena_format(arena, "%.*s%s%.*s", RW_SPAN_ARGS(*joined), i ? ", " : "",
                                  RW_SPAN_ARGS(items[i]));
        if (!joined->at)
            return RW_ENOMEM;
    }
    return RW_OK;
}

/* A route for some methods only would never see the question whether they are allowed. */
static enum rw_err check_preflights_come(const struct rw_compile *compile)
{
    const struct rw_conf_list *methods =
        compile->route && compile->route->match ? &compile->route->match->method : NULL;
    const struct rw_span *items = methods ? methods->items : NULL;
    for (size_t i = 0; methods && i < methods->count; i++)
        if (rw_span_is(items[i], "OPTIONS"))
            return RW_OK;
    if (!methods || methods->count == 0)
        return RW_OK;
    rw_conf_mistake_at(compile->report, compile->place,
                       "add OPTIONS to the methods of the route: with it browsers ask whether they "
                       "may call");
    return RW_EINVAL;
}

static enum rw_err compile_patterns(struct rw_arena *arena, struct cors *cors)
{
    const struct rw_span *origins = cors->config->origins.items;
    size_t count = cors->config->origins.count;
    cors->patterns = rw_arena_alloc(arena, (count + 1) * sizeof(*cors->patterns));
    for (size_t i = 0; i < count && cors->patterns; i++)
        if (rw_cors_pattern_parse(origins[i], &cors->patterns[cors->pattern_count]))
            cors->pattern_count++;
    return cors->patterns ? RW_OK : RW_ENOMEM;
}

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct cors_config *config = value;
    struct cors *cors = rw_arena_zero(compile->arena, sizeof(*cors));
    if (!cors)
        return RW_ENOMEM;
    *cors = (struct cors){.config = config,
                          .any_origin = holds_star(&config->origins),
                          .any_header = holds_star(&config->headers)};
    *instance = cors;
    cors->max_age_s = rw_arena_format(compile->arena, "%u", config->max_age_ms / 1000);
    if (!cors->max_age_s.at || compile_patterns(compile->arena, cors) ||
        join(compile->arena, &config->methods, &cors->methods) ||
        join(compile->arena, &config->headers, &cors->headers) ||
        join(compile->arena, &config->expose, &cors->expose))
        return RW_ENOMEM;
    return check_preflights_come(compile);
}

/* ---- At work ---- */

static bool allows(const struct cors *cors, struct rw_span origin)
{
    bool allowed = cors->any_origin;
    for (unsigned i = 0; i < cors->pattern_count && !allowed; i++)
        allowed = rw_cors_matches(&cors->patterns[i], origin);
    return allowed;
}

static enum rw_err put(struct rw_exchange *x, struct rw_span name, struct rw_span value)
{
    return value.len ? rw_message_set(&x->response, &x->arena, name, value) : RW_OK;
}

/* The fields that a preflight asks for are a list of names, or nothing that is repeated. */
static struct rw_span asked_headers(const struct rw_exchange *x)
{
    const struct rw_field *asked =
        rw_message_find_name(&x->request, RW_LITERAL("Access-Control-Request-Headers"));
    struct rw_span rest = asked ? asked->value : rw_span(NULL, 0), name;
    bool good = rest.len <= LIST_BYTES_MAX;
    while (good && rest.at && rw_span_next(&rest, ',', &name))
        good = rw_is_token(name);
    return asked && good ? asked->value : RW_LITERAL("");
}

static enum rw_verdict answer_preflight(struct rw_exchange *x, const struct cors *cors)
{
    enum rw_err err = rw_exchange_make_reply(x, 204, NULL, RW_LITERAL(""));
    err = err ? err : put(x, RW_LITERAL("Access-Control-Allow-Methods"), cors->methods);
    err = err ? err
              : put(x, RW_LITERAL("Access-Control-Allow-Headers"),
                    cors->any_header ? asked_headers(x) : cors->headers);
    err = err ? err : put(x, RW_LITERAL("Access-Control-Max-Age"), cors->max_age_s);
    if (!err && cors->any_header)
        err = rw_message_vary(&x->response, &x->arena, "Access-Control-Request-Headers");
    return err ? RW_VERDICT_FAIL : RW_VERDICT_REPLY;
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct cors *cors = instance;
    struct rw_span origin = rw_message_value(&x->request, RW_FIELD_ORIGIN);
    if (x->request.method != RW_METHOD_OPTIONS || !origin.len ||
        !rw_message_find(&x->request, RW_FIELD_ACCESS_CONTROL_REQUEST_METHOD))
        return RW_VERDICT_NEXT;
    if (!allows(cors, origin))
        return rw_policy_refuse(x, 403, "Pages of this origin may not call.");
    return answer_preflight(x, cors);
}

/* `*` goes to everybody, to those who did not say where they come from as well: with one answer for
 * all no copy of it in a cache can be wrong for another. */
static enum rw_err tell_origin(struct rw_exchange *x, const struct cors *cors,
                               struct rw_span origin)
{
    enum rw_err err = RW_OK;
    if (!cors->any_origin)
        err = rw_message_vary(&x->response, &x->arena, "Origin");
    if (err || !allows(cors, origin))
        return err;
    err = put(x, RW_LITERAL("Access-Control-Allow-Origin"),
              cors->any_origin ? RW_LITERAL("*") : origin);
    if (!err && cors->config->credentials)
        err = put(x, RW_LITERAL("Access-Control-Allow-Credentials"), RW_LITERAL("true"));
    return err ? err : put(x, RW_LITERAL("Access-Control-Expose-Headers"), cors->expose);
}

static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    rw_message_remove(&x->response, RW_LITERAL("Access-Control-Allow-Origin"));
    rw_message_remove(&x->response, RW_LITERAL("Access-Control-Allow-Credentials"));
    rw_message_remove(&x->response, RW_LITERAL("Access-Control-Expose-Headers"));
    struct rw_span origin = rw_message_value(&x->request, RW_FIELD_ORIGIN);
    return tell_origin(x, instance, origin) ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct cors *cors = instance;
    const struct rw_span *origins = cors->config->origins.items;
    rw_text_adds(text, "pages of");
    for (size_t i = 0; i < cors->config->origins.count; i++)
        rw_text_addf(text, "%s %.*s", i ? "," : "", RW_SPAN_ARGS(origins[i]));
    rw_text_addf(text, " may call with %.*s%s", RW_SPAN_ARGS(cors->methods),
                 cors->config->credentials ? ", with credentials" : "");
}

const struct rw_policy rw_policy_cors = {
    .kind = {.name = "cors",
             .record = &record,
             .doc = "Lets pages of other origins call (CORS).",
             .user = &rw_policy_cors},
    .compile = compile,
    .on_request = on_request,
    .on_response = on_response,
    .explain = explain,
};
