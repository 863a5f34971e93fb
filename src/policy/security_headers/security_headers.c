#include "policy/security_headers/security_headers.h"

#include "gate/config/template.h"
#include "gate/exchange/exchange.h"
#include "gate/snapshot.h"

enum { VALUE_BYTES_MAX = 8192 };
enum frame { FRAME_DENY, FRAME_SAME_ORIGIN, FRAME_ANY };

static const char *const frame_names[] = {"deny", "same_origin", "any", NULL};
static const char *const frame_values[] = {"DENY", "SAMEORIGIN", ""};

struct security_headers_config {
    uint32_t hsts_ms;
    bool hsts_subdomains, nosniff, override, hide_server;
    int frame; /* enum frame */
    struct rw_span referrer, content_security, permissions, opener, resource;
    struct rw_conf_place place;
};

/* What is sent; an empty value is not. */
enum { FIELDS_MAX = 7 };

struct security_headers {
    const struct security_headers_config *config;
    struct rw_span hsts; /* over TLS only (RFC 6797 section 7.2) */
    struct {
        struct rw_span name, value;
    } fields[FIELDS_MAX];
    unsigned count;
};

/* ---- Configuration ---- */

#define MEMBER(member) offsetof(struct security_headers_config, member)
#define VALUE(key, member, preset, sample, text)                                                   \
    {                                                                                              \
        .name = key, .type = RW_CONF_TEXT, .offset = MEMBER(member), .fallback = preset,           \
        .max = VALUE_BYTES_MAX, .doc = text, .example = sample,                                    \
    }
static const struct rw_conf_field fields[] = {
    {
        .name = "hsts",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(hsts_ms),
        .fallback = "30d",
        .max = UINT32_MAX,
        .doc = "Strict-Transport-Security (RFC 6797), in answers over TLS: how long browsers ask "
               "for this host over TLS only; 0s: not sent.",
    },
    {
        .name = "hsts_subdomains",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(hsts_subdomains),
        .fallback = "false",
        .doc = "That holds for all names below the host, too.",
    },
    {
        .name = "nosniff",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(nosniff),
        .fallback = "true",
        .doc = "X-Content-Type-Options: browsers believe Content-Type.",
    },
    {
        .name = "frame",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(frame),
        .names = frame_names,
        .fallback = "same_origin",
        .doc = "X-Frame-Options: whose pages may show it in a frame.",
    },
    VALUE("referrer", referrer, "strict-origin-when-cross-origin", NULL,
          "Referrer-Policy: what links tell of where they stood."),
    VALUE("content_security", content_security, NULL, "default-src 'self'",
          "Content-Security-Policy: where scripts, styles and so on may come from."),
    VALUE("permissions", permissions, NULL, "camera=(), geolocation=()",
          "Permissions-Policy: which of the browser's abilities pages may use."),
    VALUE("opener", opener, NULL, "same-origin",
          "Cross-Origin-Opener-Policy: who shares a window's group."),
    VALUE("resource", resource, NULL, "same-site",
          "Cross-Origin-Resource-Policy: whose pages may load it."),
    {
        .name = "override",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(override),
        .fallback = "false",
        .doc = "Also where the server has sent the field itself.",
    },
    {
        .name = "hide_server",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(hide_server),
        .fallback = "true",
        .doc = "Server, X-Powered-By and X-AspNet-Version of the server are not passed on.",
    },
    {.name = NULL},
};
#undef VALUE
#undef MEMBER

/* What browsers know (W3C Referrer Policy section 3; HTML section 7.1.3; Fetch section 3.7): they
 * pass over all else, so that a word that is misspelt protects nobody. */
static const char *const referrer_words[] = {"no-referrer", "no-referrer-when-downgrade",
                                             "origin",      "origin-when-cross-origin",
                                             "same-origin", "strict-origin",
                                             "unsafe-url",  "strict-origin-when-cross-origin",
                                             NULL};
static const char *const opener_words[] = {"same-origin", "same-origin-allow-popups",
                                           "noopener-allow-popups", "unsafe-none", NULL};
static const char *const resource_words[] = {"same-origin", "same-site", "cross-origin", NULL};

static void check_word(struct rw_conf_report *report, const struct rw_span *value,
                       struct rw_span word, const char *const *words)
{
    size_t count = 0;
    for (; words[count]; count++)
        if (rw_span_is(word, words[count]))
            return;
    rw_conf_mistake_on(report, value, "browsers know no %s%s", rw_conf_quote(report, word),
                       rw_conf_hint(report, word, words, count));
}

/* Browsers take the last policy that they know. */
static void check_referrer(struct rw_conf_report *report, const struct rw_span *referrer)
{
    struct rw_span rest = *referrer, word;
    while (rest.len && rw_span_next(&rest, ',', &word))
        check_word(report, referrer, rw_span_trim(word), referrer_words);
}

/* May have a parameter: `same-origin; report-to="x"`. */
static void check_opener(struct rw_conf_report *report, const struct rw_span *opener)
{
    struct rw_span rest = *opener, word;
    if (rest.len && rw_span_next(&rest, ';', &word))
        check_word(report, opener, rw_span_trim(word), opener_words);
}

static void check(void *value, struct rw_conf_report *report)
{
    const struct security_headers_config *config = value;
    check_referrer(report, &config->referrer);
    check_opener(report, &config->opener);
    if (config->resource.len)
        check_word(report, &config->resource, config->resource, resource_words);
    const struct rw_span *const values[] = {&config->referrer, &config->content_security,
                                            &config->permissions, &config->opener,
                                            &config->resource};
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        if (!rw_is_field_value(*values[i]))
            rw_conf_mistake_on(report, values[i], "%s cannot be the value of a field",
                               rw_conf_quote(report, *values[i]));
}

static const struct rw_conf_record record = {
    .name = "policy.security_headers",
    .doc = "Fields that make browsers careful.",
    .size = sizeof(struct security_headers_config),
    .fields = fields,
    .place_offset = offsetof(struct security_headers_config, place),
    .check = check,
};

/* ---- Compiling ---- */

static void add(struct security_headers *to, const char *name, struct rw_span value)
{
    if (value.len == 0)
        return;
    rw_assert(to->count < FIELDS_MAX);
    to->fields[to->count].name = rw_span_text(name);
    to->fields[to->count++].value = value;
}

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct security_headers_config *config = value;
    struct security_headers *made = rw_arena_zero(compile->arena, sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    made->config = config;
    *instance = made;
    if (config->nosniff)
        add(made, "X-Content-Type-Options", RW_LITERAL("nosniff"));
    add(made, "X-Frame-Options", rw_span_text(frame_values[config->frame]));
    add(made, "Referrer-Policy", config->referrer);
    add(made, "Content-Security-Policy", config->content_security);
    add(made, "Permissions-Policy", config->permissions);
    add(made, "Cross-Origin-Opener-Policy", config->opener);
    add(made, "Cross-Origin-Resource-Policy", config->resource);
    if (config->hsts_ms == 0)
        return RW_OK;
    made->hsts = rw_arena_format(compile->arena, "max-age=%u%s", config->hsts_ms / 1000,
                                 config->hsts_subdomains ? "; includeSubDomains" : "");
    return made->hsts.at ? RW_OK : RW_ENOMEM;
}

/* ---- At work ---- */

static enum rw_err put(struct rw_exchange *x, const struct security_headers *of,
                       struct rw_span name, struct rw_span value)
{
    if (!of->config->override && rw_message_find_name(&x->response, name))
        return RW_OK;
    return rw_message_set(&x->response, &x->arena, name, value);
}

static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    const struct security_headers *headers = instance;
    enum rw_err err = RW_OK;
    if (headers->config->hide_server) {
        rw_message_remove(&x->response, RW_LITERAL("Server"));
        rw_message_remove(&x->response, RW_LITERAL("X-Powered-By"));
        rw_message_remove(&x->response, RW_LITERAL("X-AspNet-Version"));
    }
    for (unsigned i = 0; i < headers->count && !err; i++)
        err = put(x, headers, headers->fields[i].name, headers->fields[i].value);
    if (!err && headers->hsts.len && rw_template_scheme(x).len == RW_LITERAL("https").len)
        err = put(x, headers, RW_LITERAL("Strict-Transport-Security"), headers->hsts);
    return err ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct security_headers *headers = instance;
    for (unsigned i = 0; i < headers->count; i++)
        rw_text_addf(text, "%s%.*s", i ? ", " : "", RW_SPAN_ARGS(headers->fields[i].name));
    if (headers->hsts.len)
        rw_text_addf(text, "%sover TLS Strict-Transport-Security", headers->count ? ", " : "");
    if (headers->config->override)
        rw_text_adds(text, "; in place of the server's own");
    if (headers->config->hide_server)
        rw_text_adds(text, "; Server, X-Powered-By and X-AspNet-Version are taken away");
}

const struct rw_policy rw_policy_security_headers = {
    .kind = {.name = "security_headers",
             .record = &record,
             .doc = "Adds fields that make browsers careful.",
             .user = &rw_policy_security_headers},
    .compile = compile,
    .on_response = on_response,
    .explain = explain,
};
