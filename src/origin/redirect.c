#include "origin/redirect.h"

#include "gate/config/template.h"
#include "http/scan.h"

struct redirect_config {
    struct rw_span to;
    uint32_t status;
    struct rw_conf_place place;
};

struct redirect {
    struct rw_template to;
    struct rw_span text; /* as configured */
    uint32_t status;
    bool needs_host; /* an HTTP/1.0 request without Host cannot be answered */
};

static const struct rw_conf_field fields[] = {
    {
        .name = "to",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = offsetof(struct redirect_config, to),
        .min = 1,
        .max = 8192,
        .doc = "Where to: a URL or a path. {scheme}, {host} (without the port), {port}, "
               "{authority}, {path}, {query} (with its question mark) and the parameters of the "
               "route stand for parts of the request.",
        .example = "\"https://{host}{path}{query}\"",
    },
    {
        .name = "status",
        .type = RW_CONF_UINT,
        .offset = offsetof(struct redirect_config, status),
        .fallback = "308",
        .min = 301,
        .max = 308,
        .doc = "301, 302, 303, 307 or 308. With 307 and 308 the client repeats the method and the "
               "body; 301 and 308 may be remembered for good.",
    },
    {.name = NULL},
};

static void check(void *value, struct rw_conf_report *report)
{
    struct redirect_config *config = value;
    if (config->status >= 304 && config->status <= 306)
        rw_conf_mistake_on(report, &config->status,
                           "%u is no redirect; expected one of 301, 302, "
                           "303, 307, 308",
                           config->status);
}

static const struct rw_conf_record record = {
    .name = "redirect",
    .doc = "Sends the client elsewhere. A text in place of the mapping is the target.",
    .size = sizeof(struct redirect_config),
    .fields = fields,
    .place_offset = offsetof(struct redirect_config, place),
    .scalar_field = "to",
    .check = check,
};

/* ---- What a target may be ---- */

/* How many bytes of "https://" stand at the start of the text; 0: none. */
static size_t scheme_bytes(struct rw_span text)
{
    size_t len = 0;
    if (rw_span_starts(text, RW_LITERAL("{scheme}")))
        len = strlen("{scheme}");
    while (len < text.len && (rw_char_is(text.at[len], RW_CHAR_HOST) || text.at[len] == '+'))
        len++;
    bool there = len && rw_span_starts(rw_span_skip(text, len), RW_LITERAL("://"));
    return there ? len + 3 : 0;
}

/* The host part, up to the path: what a client is sent to is not for a path to say. */
static const char *host_flaw(struct rw_span text)
{
    size_t at = scheme_bytes(text), start = at;
    while (at < text.len && text.at[at] != '/' && text.at[at] != '?') {
        struct rw_span rest = rw_span_skip(text, at);
        if (rw_span_starts(rest, RW_LITERAL("{path}")))
            break;
        if (text.at[at] == '{' && !rw_span_starts(rest, RW_LITERAL("{host}")) &&
            !rw_span_starts(rest, RW_LITERAL("{authority}")) &&
            !rw_span_starts(rest, RW_LITERAL("{port}")))
            return "only {host}, {port} and {authority} can stand in the host; a \"/\" or {path} "
                   "ends it";
        at++;
    }
    return at == start ? "there is no host after the \"://\"" : NULL;
}

static const char *target_flaw(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((uint8_t)text.at[i] <= ' ' || (uint8_t)text.at[i] >= 0x7f || text.at[i] == '\\')
            return "a space, a backslash, a control or a letter beyond ASCII; write it as %XX";
    if (scheme_bytes(text))
        return host_flaw(text);
    if (text.at[0] != '/' && !rw_span_starts(text, RW_LITERAL("{path}")))
        return "expected a URL with its scheme (\"https://...\"), or a path that begins with \"/\"";
    return rw_span_starts(text, RW_LITERAL("//")) ? "a URL needs its scheme: \"https://...\""
                                                  : NULL;
}

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct redirect_config *config = value;
    char flaw[256];
    struct redirect *redirect = rw_arena_zero(compile->arena, sizeof(*redirect));
    if (!redirect)
        return RW_ENOMEM;
    redirect->text = config->to;
    redirect->status = config->status;
    const char *wrong = target_flaw(config->to);
    if (wrong) {
        rw_conf_mistake_at(compile->report, config->place, "target of the redirect: %s", wrong);
        return RW_EINVAL;
    }
    enum rw_err err = rw_template_parse(config->to, compile->arena, flaw, &redirect->to);
    redirect->to.url = true;
    if (!err)
        err = rw_template_check(&redirect->to, compile->route->match, flaw);
    if (err == RW_EINVAL)
        rw_conf_mistake_at(compile->report, config->place, "target of the redirect: %s", flaw);
    for (unsigned i = 0; !err && i < redirect->to.count; i++)
        redirect->needs_host |= redirect->to.parts[i].kind == RW_TEMPLATE_HOST ||
                                redirect->to.parts[i].kind == RW_TEMPLATE_AUTHORITY;
    *instance = redirect;
    return err;
}

/* ---- Answers ---- */

static enum rw_err target_of(const void *instance, struct rw_exchange *x, struct rw_span *target)
{
    const struct redirect *redirect = instance;
    enum rw_err err = rw_template_fill(&redirect->to, x, target);
    if (err)
        return err;
    if (redirect->needs_host && x->request.authority.len == 0)
        return RW_EINVAL;
    /* "//name" would be another host, named by the request. */
    while (target->len > 1 && target->at[0] == '/' && target->at[1] == '/')
        *target = rw_span_skip(*target, 1);
    return target->len ? RW_OK : RW_EINVAL;
}

static enum rw_flow start(struct rw_exchange *x, void *instance, const struct rw_piece *first)
{
    (void)first;
    const struct redirect *redirect = instance;
    struct rw_span target;
    enum rw_err err = target_of(instance, x, &target);
    if (err == RW_EINVAL) {
        rw_exchange_fail(x, RW_REASON_MALFORMED, "the redirect has no target for this request");
        return RW_FLOW_OVER;
    }
    if (!err)
        err = rw_exchange_make_reply(x, redirect->status, NULL, RW_LITERAL(""));
    if (!err)
        err = rw_message_add(&x->response, &x->arena, RW_LITERAL("Location"), target);
    return rw_exchange_reply(x, err);
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct redirect *redirect = instance;
    rw_text_addf(text, "redirect %u to %.*s", redirect->status, RW_SPAN_ARGS(redirect->text));
}

const struct rw_origin rw_origin_redirect = {
    .kind = {.name = "redirect",
             .record = &record,
             .doc = "Sends the client elsewhere.",
             .user = &rw_origin_redirect},
    .compile = compile,
    .start = start,
    .explain = explain,
    .redirect_target = target_of,
};
