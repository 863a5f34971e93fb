#include "policy/rewrite/rewrite.h"

#include "gate/config/template.h"
#include "gate/route/path.h"
#include "gate/route/router_regex.h"
#include "http/scan.h"
#include "policy/refuse.h"

struct rewrite_config {
    struct rw_span strip_prefix, add_prefix;
    struct rw_span path;
    struct rw_span regex, replacement;
    struct rw_span host;
    struct rw_conf_place place;
};

struct rewrite {
    struct rw_span strip_prefix; /* in its normal form, without a slash at its end */
    struct rw_span add_prefix;   /* the same */
    struct rw_router_regex *regex;
    struct rw_template path; /* or the replacement */
    struct rw_template host;
    const struct rewrite_config *config;
};

/* ---- Configuration ---- */

#define MEMBER(member) offsetof(struct rewrite_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "strip_prefix",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(strip_prefix),
        .max = 4096,
        .doc = "Whole segments at the start of the path that go. A path without them stays.",
        .example = "/api",
    },
    {
        .name = "add_prefix",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(add_prefix),
        .max = 4096,
        .doc = "Comes before the path, last of all.",
        .example = "/v2",
    },
    {
        .name = "path",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path),
        .max = 8192,
        .doc = "The whole new path; with a question mark or {query} also the query, which is kept "
               "otherwise. The parameters of the route, {path} and the like stand for parts of the "
               "request.",
        .example = "/people/{id}",
    },
    {
        .name = "regex",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(regex),
        .max = 4096,
        .doc = "In place of `path`: a regular expression (PCRE2) for the whole path as sent. Where "
               "it does not match, the path stays.",
        .example = "/old/(?<rest>.*)",
    },
    {
        .name = "replacement",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(replacement),
        .max = 8192,
        .doc = "What the path becomes where `regex` matches: as `path`, and the named groups of "
               "the expression are parameters too.",
        .example = "/new/{rest}",
    },
    {
        .name = "host",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(host),
        .max = 1024,
        .doc = "The Host field that the origin gets, before the `host` of the upstream.",
        .example = "internal.example",
    },
    {.name = NULL},
};

static void check_prefix(struct rw_conf_report *report, const struct rw_span *prefix)
{
    const char *reason = NULL;
    if (prefix->len == 0)
        return;
    if (prefix->at[0] != '/')
        rw_conf_mistake_on(report, prefix, "expected a path that begins with \"/\"");
    else if (!rw_path_check(*prefix, &reason))
        rw_conf_mistake_on(report, prefix, "%s", reason);
    for (size_t i = 0; i < prefix->len; i++) {
        char c = prefix->at[i];
        if (c != '%' && !rw_char_is(c, RW_CHAR_TARGET)) {
            rw_conf_mistake_on(report, prefix, "no path has %s; write it as %%XX",
                               rw_conf_quote(report, rw_span(&c, 1)));
            return;
        }
    }
}

static void check(void *value, struct rw_conf_report *report)
{
    struct rewrite_config *config = value;
    check_prefix(report, &config->strip_prefix);
    check_prefix(report, &config->add_prefix);
    if (config->regex.len && !config->replacement.len)
        rw_conf_mistake_on(report, &config->regex, "`regex` needs a `replacement`");
    if (config->replacement.len && !config->regex.len)
        rw_conf_mistake_on(report, &config->replacement, "`replacement` needs a `regex`");
    if (config->path.len && (config->regex.len || config->strip_prefix.len))
        rw_conf_mistake_on(report, &config->path,
                           "`path` is the whole new path: not together with %s",
                           config->regex.len ? "`regex`" : "`strip_prefix`");
    if (!config->path.len && !config->regex.len && !config->strip_prefix.len &&
        !config->add_prefix.len && !config->host.len)
        rw_conf_mistake_at(report, config->place,
                           "a rewrite of nothing: expected one of "
                           "strip_prefix, add_prefix, path, regex, host");
}

static const struct rw_conf_record record = {
    .name = "policy.rewrite",
    .doc =
        "What path, query and host the origin gets: `strip_prefix`, then `regex` or `path`, then "
        "`add_prefix`. The route is found before, by what the client sent.",
    .size = sizeof(struct rewrite_config),
    .fields = fields,
    .place_offset = MEMBER(place),
    .check = check,
};
#undef MEMBER

/* ---- Compiling ---- */

static enum rw_err compile_prefix(struct rw_compile *compile, struct rw_span text, bool normal,
                                  struct rw_span *prefix)
{
    if (text.len == 0)
        return RW_OK;
    char *to = rw_arena_alloc(compile->arena, text.len);
    if (!to)
        return RW_ENOMEM;
    size_t len = text.len;
    if (normal)
        len = rw_path_normalise(text, to);
    else
        memcpy(to, text.at, len);
    while (len && to[len - 1] == '/')
        len--;
    *prefix = rw_span(to, len);
    return RW_OK;
}

static bool regex_names(const struct rw_router_regex *regex, struct rw_span name)
{
    for (unsigned i = 0; regex && i < rw_router_regex_group_count(regex); i++)
        if (rw_span_eq(rw_router_regex_group_name(regex, i), name))
            return true;
    return false;
}

/* The parameters of the template must be the route's, or groups of the regex. */
static enum rw_err check_names(struct rw_compile *compile, const struct rw_router_regex *regex,
                               const struct rw_template *made, char flaw[256])
{
    const struct rw_config_match *match = compile->route ? compile->route->match : NULL;
    for (unsigned i = 0; i < made->count; i++) {
        const struct rw_template one = {.parts = &made->parts[i], .count = 1};
        bool named =
            made->parts[i].kind == RW_TEMPLATE_PARAM && regex_names(regex, made->parts[i].text);
        if (!named && rw_template_check(&one, match, flaw))
            return RW_EINVAL;
    }
    return RW_OK;
}

static enum rw_err compile_template(struct rw_compile *compile, const struct rewrite *rewrite,
                                    const char *what, struct rw_span text, struct rw_template *made)
{
    char flaw[256];
    enum rw_err err = rw_template_parse(text, compile->arena, flaw, made);
    if (!err)
        err = check_names(compile, rewrite->regex, made, flaw);
    if (err == RW_EINVAL)
        rw_conf_mistake_at(compile->report, rewrite->config->place, "%s: %s", what, flaw);
    return err;
}

static enum rw_err compile_path(struct rw_compile *compile, struct rewrite *rewrite)
{
    const struct rewrite_config *config = rewrite->config;
    struct rw_span text = config->regex.len ? config->replacement : config->path;
    const char *what = config->regex.len ? "replacement" : "path";
    char flaw[256];
    if (config->regex.len) {
        enum rw_err err = rw_router_regex_create(config->regex, true, flaw, &rewrite->regex);
        if (err == RW_EINVAL)
            rw_conf_mistake_at(compile->report, config->place, "regex: %s", flaw);
        if (err)
            return err;
    }
    if (text.len == 0)
        return RW_OK;
    if (text.at[0] != '/' && text.at[0] != '{') {
        rw_conf_mistake_at(compile->report, config->place,
                           "%s: expected a path that begins with \"/\"", what);
        return RW_EINVAL;
    }
    enum rw_err err = compile_template(compile, rewrite, what, text, &rewrite->path);
    rewrite->path.url = true;
    return err;
}

static void destroy(void *instance)
{
    rw_router_regex_destroy(((struct rewrite *)instance)->regex);
}

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct rewrite_config *config = value;
    struct rewrite *rewrite = rw_arena_zero(compile->arena, sizeof(*rewrite));
    if (!rewrite)
        return RW_ENOMEM;
    rewrite->config = config;
    enum rw_err err = compile_prefix(compile, config->strip_prefix, true, &rewrite->strip_prefix);
    if (!err)
        err = compile_prefix(compile, config->add_prefix, false, &rewrite->add_prefix);
    if (!err)
        err = compile_path(compile, rewrite);
    if (!err)
        err = compile_template(compile, rewrite, "host", config->host, &rewrite->host);
    if (err)
        destroy(rewrite);
    else
        *instance = rewrite;
    return err;
}

/* ---- At work ---- */

/* A target in its two parts. */
struct target {
    struct rw_span path, query; /* query with its "?", or empty */
};

static struct target split(struct rw_span text)
{
    ptrdiff_t mark = rw_span_find(text, '?');
    if (mark < 0)
        return (struct target){.path = text};
    return (struct target){rw_span(text.at, (size_t)mark), rw_span_skip(text, (size_t)mark)};
}

static void strip(const struct rewrite *rewrite, struct rw_span *path)
{
    char normal[RW_PATH_BYTES_MAX];
    struct rw_span prefix = rewrite->strip_prefix;
    if (prefix.len == 0 || path->len > sizeof(normal))
        return;
    struct rw_span whole = rw_span(normal, rw_path_normalise(*path, normal));
    if (!rw_span_starts(whole, prefix) || (whole.len > prefix.len && whole.at[prefix.len] != '/'))
        return;
    *path = rw_span_skip(*path, rw_path_origin(*path, prefix.len));
    if (path->len == 0)
        *path = RW_LITERAL("/");
}

static enum rw_err fill_path(struct rw_exchange *x, const struct rewrite *rewrite,
                             const struct rw_template_extra *extra, unsigned count,
                             struct target *target)
{
    struct rw_span text;
    enum rw_err err = rw_template_fill_with(&rewrite->path, x, extra, count, &text);
    if (err)
        return err;
    struct target made = split(text);
    bool own_query = made.query.at != NULL;
    for (unsigned i = 0; i < rewrite->path.count; i++)
        own_query |= rewrite->path.parts[i].kind == RW_TEMPLATE_QUERY;
    target->path = made.path;
    if (own_query)
        target->query = made.query;
    return RW_OK;
}

static enum rw_err replace(struct rw_exchange *x, const struct rewrite *rewrite,
                           struct target *target)
{
    struct rw_router_group groups[RW_ROUTE_PARAMS_MAX];
    struct rw_template_extra extra[RW_ROUTE_PARAMS_MAX];
    if (!rewrite->regex)
        return rewrite->path.count ? fill_path(x, rewrite, NULL, 0, target) : RW_OK;
    switch (rw_router_regex_match(rewrite->regex, target->path, groups)) {
    case RW_REGEX_NO:
        return RW_OK;
    case RW_REGEX_EXHAUSTED:
        return RW_EINVAL;
    case RW_REGEX_YES:
        break;
    }
    unsigned count = rw_router_regex_group_count(rewrite->regex);
    for (unsigned i = 0; i < count; i++) {
        extra[i].name = rw_router_regex_group_name(rewrite->regex, i);
        extra[i].value = RW_LITERAL("");
        if (groups[i].start != SIZE_MAX)
            extra[i].value =
                rw_span(target->path.at + groups[i].start, groups[i].end - groups[i].start);
    }
    return fill_path(x, rewrite, extra, count, target);
}

/* Several slashes at the start could be taken for a host. */
static void one_slash(struct rw_span *path)
{
    while (path->len > 1 && path->at[0] == '/' && path->at[1] == '/')
        *path = rw_span_skip(*path, 1);
}

static bool is_target(const struct target *target)
{
    if (target->path.len == 0 || target->path.at[0] != '/' || !rw_path_check(target->path, NULL))
        return false;
    struct rw_span parts[2] = {target->path, target->query};
    for (int p = 0; p < 2; p++)
        for (size_t i = 0; i < parts[p].len; i++) {
            char c = parts[p].at[i];
            if (c != '%' && c != '?' && !rw_char_is(c, RW_CHAR_TARGET))
                return false;
        }
    return true;
}

static enum rw_err join(struct rw_exchange *x, const struct rewrite *rewrite,
                        const struct target *target)
{
    size_t prefix = rewrite->add_prefix.len;
    size_t len = prefix + target->path.len + target->query.len;
    char *to = rw_arena_alloc(&x->arena, len);
    if (!to)
        return RW_ENOMEM;
    x->upstream_target = rw_span(to, len);
    if (prefix)
        memcpy(to, rewrite->add_prefix.at, prefix);
    memcpy(to + prefix, target->path.at, target->path.len);
    if (target->query.len)
        memcpy(to + prefix + target->path.len, target->query.at, target->query.len);
    return RW_OK;
}

static bool is_host(struct rw_span host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!rw_char_is(host.at[i], RW_CHAR_HOST) && !strchr(":[]", host.at[i]))
            return false;
    return host.len > 0;
}

static enum rw_err rewrite_host(struct rw_exchange *x, const struct rewrite *rewrite)
{
    struct rw_span host;
    if (rewrite->host.count == 0)
        return RW_OK;
    enum rw_err err = rw_template_fill(&rewrite->host, x, &host);
    if (err)
        return err;
    if (!is_host(host))
        return RW_EINVAL;
    x->upstream_host = host;
    return RW_OK;
}

/* "*" (OPTIONS) and the target of CONNECT have no path. */
static enum rw_err rewrite_target(struct rw_exchange *x, const struct rewrite *rewrite)
{
    struct target target = split(x->upstream_target);
    if (target.path.len == 0 || target.path.at[0] != '/')
        return RW_OK;
    const char *before = target.path.at;
    strip(rewrite, &target.path);
    enum rw_err err = replace(x, rewrite, &target);
    if (err)
        return err;
    if (target.path.at == before && rewrite->add_prefix.len == 0)
        return RW_OK;
    one_slash(&target.path);
    return is_target(&target) ? join(x, rewrite, &target) : RW_EINVAL;
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct rewrite *rewrite = instance;
    enum rw_err err = rewrite_target(x, rewrite);
    if (!err)
        err = rewrite_host(x, rewrite);
    if (err == RW_EINVAL)
        return rw_policy_refuse(x, 400, "The path or host cannot be rewritten.");
    return err ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
}

static void explain_one(struct rw_text *text, bool *first, const char *verb, struct rw_span value)
{
    if (value.len == 0)
        return;
    rw_text_addf(text, "%s%s %.*s", *first ? "" : ", ", verb, RW_SPAN_ARGS(value));
    *first = false;
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct rewrite_config *config = ((const struct rewrite *)instance)->config;
    bool first = true;
    explain_one(text, &first, "strip", config->strip_prefix);
    explain_one(text, &first, "path", config->path);
    explain_one(text, &first, "where it matches", config->regex);
    explain_one(text, &first, "path", config->replacement);
    explain_one(text, &first, "prefix", config->add_prefix);
    explain_one(text, &first, "host", config->host);
}

const struct rw_policy rw_policy_rewrite = {
    .kind = {.name = "rewrite",
             .record = &record,
             .doc = "Changes the path, query and host that the origin gets.",
             .user = &rw_policy_rewrite},
    .compile = compile,
    .destroy = destroy,
    .on_request = on_request,
    .explain = explain,
};
