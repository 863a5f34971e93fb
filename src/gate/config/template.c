#include "gate/config/template.h"

#include "conf/credential.h"
#include "gate/exchange/exchange.h"
#include "gate/exchange/origin.h"
#include "http/pairs.h"
#include "io/address.h"
#include "watch/trace.h"

#include <stdio.h>

static const char *const value_names[] = {NULL, NULL,
#define VALUE_NAME(name, text) text,
                                          RW_TEMPLATE_VALUES(VALUE_NAME)
#undef VALUE_NAME
};

/* ---- Parsing ---- */

static bool is_name(struct rw_span name)
{
    if (rw_span_is(name, "*"))
        return true;
    for (size_t i = 0; i < name.len; i++) {
        char c = rw_lower(name.at[i]);
        if (!((c >= 'a' && c <= 'z') || c == '_' || (i && c >= '0' && c <= '9')))
            return false;
    }
    return name.len > 0;
}

static enum rw_template_kind kind_of(struct rw_span name)
{
    for (unsigned i = RW_TEMPLATE_SCHEME; i < sizeof(value_names) / sizeof(*value_names); i++)
        if (rw_span_is(name, value_names[i]))
            return (enum rw_template_kind)i;
    return RW_TEMPLATE_PARAM;
}

/* The part at the start of `rest`, which loses it. */
static enum rw_err next_part(struct rw_span *rest, char flaw[256], struct rw_template_part *part)
{
    char first = rest->at[0];
    bool doubled = rest->len > 1 && rest->at[1] == first;
    if ((first == '{' || first == '}') && doubled) {
        *part = (struct rw_template_part){RW_TEMPLATE_LITERAL, rw_span(rest->at, 1)};
        *rest = rw_span_skip(*rest, 2);
        return RW_OK;
    }
    if (first == '}') {
        snprintf(flaw, 256, "a \"}\" without its \"{\"; for one brace write \"}}\"");
        return RW_EINVAL;
    }
    if (first != '{') {
        size_t len = 0;
        while (len < rest->len && rest->at[len] != '{' && rest->at[len] != '}')
            len++;
        *part = (struct rw_template_part){RW_TEMPLATE_LITERAL, rw_span(rest->at, len)};
        *rest = rw_span_skip(*rest, len);
        return RW_OK;
    }
    ptrdiff_t end = rw_span_find(*rest, '}');
    struct rw_span name = end < 0 ? (struct rw_span){0} : rw_span(rest->at + 1, (size_t)end - 1);
    if (!is_name(name)) {
        snprintf(flaw, 256, "a \"{\" without a name and its \"}\"; for one brace write \"{{\"");
        return RW_EINVAL;
    }
    *part = (struct rw_template_part){kind_of(name), name};
    *rest = rw_span_skip(*rest, (size_t)end + 1);
    return RW_OK;
}

enum rw_err rw_template_parse(struct rw_span text, struct rw_arena *arena, char flaw[256],
                              struct rw_template *made)
{
    struct rw_template_part parts[RW_TEMPLATE_PARTS_MAX];
    unsigned count = 0;
    while (text.len) {
        if (count == RW_TEMPLATE_PARTS_MAX) {
            snprintf(flaw, 256, "more than %d parts", RW_TEMPLATE_PARTS_MAX);
            return RW_EINVAL;
        }
        enum rw_err err = next_part(&text, flaw, &parts[count++]);
        if (err)
            return err;
    }
    *made = (struct rw_template){.count = count};
    if (count == 0)
        return RW_OK;
    made->parts = rw_arena_alloc(arena, count * sizeof(*parts));
    if (!made->parts)
        return RW_ENOMEM;
    memcpy(made->parts, parts, count * sizeof(*parts));
    return RW_OK;
}

enum rw_err rw_template_of_pair(struct rw_compile *compile, struct rw_conf_place place,
                                const struct rw_conf_pair *pair, struct rw_template *made)
{
    char flaw[256];
    const char *shown = flaw;
    enum rw_err err = rw_template_parse(pair->value, compile->arena, flaw, made);
    if (!err) {
        err = rw_template_check(made, compile->route ? compile->route->match : NULL, flaw);
        if (rw_conf_names_credential(pair->key))
            shown = "what stands in {} is not known here; for one brace write \"{{\" or \"}}\"";
    }
    if (err == RW_EINVAL)
        rw_conf_mistake_at(compile->report, place, "the value of %s: %s",
                           rw_conf_quote(compile->report, pair->key), shown);
    return err;
}

bool rw_template_constant(const struct rw_template *made)
{
    for (unsigned i = 0; i < made->count; i++)
        if (made->parts[i].kind != RW_TEMPLATE_LITERAL)
            return false;
    return true;
}

/* ---- Do the parameters exist? ---- */

static bool path_has(struct rw_span path, struct rw_span name)
{
    struct rw_span segment;
    while (rw_span_next(&path, '/', &segment)) {
        if (rw_span_is(name, "*") && rw_span_is(segment, "*"))
            return true;
        if (segment.len == name.len + 2 && segment.at[0] == '{' &&
            rw_span_starts(rw_span_skip(segment, 1), name))
            return true;
    }
    return false;
}

/* "(?<name>", "(?P<name>" or "(?'name'". */
static bool regex_has(struct rw_span regex, struct rw_span name)
{
    for (size_t i = 0; i + name.len + 4 < regex.len; i++) {
        struct rw_span rest = rw_span_skip(regex, i);
        if (!rw_span_starts(rest, RW_LITERAL("(?")))
            continue;
        rest = rw_span_skip(rest, rest.at[2] == 'P' ? 3 : 2);
        if (rest.len < name.len + 2 || (rest.at[0] != '<' && rest.at[0] != '\''))
            continue;
        char end = rest.at[name.len + 1];
        if (rw_span_starts(rw_span_skip(rest, 1), name) && (end == '>' || end == '\''))
            return true;
    }
    return false;
}

static bool match_has(const struct rw_config_match *match, struct rw_span name)
{
    const struct rw_span *paths = match->path.items;
    if (match->path.count == 0)
        return match->path_regex.len && regex_has(match->path_regex, name);
    for (size_t i = 0; i < match->path.count; i++)
        if (!path_has(paths[i], name))
            return false;
    return true;
}

enum rw_err rw_template_check(const struct rw_template *made, const struct rw_config_match *match,
                              char flaw[256])
{
    for (unsigned i = 0; i < made->count; i++) {
        const struct rw_template_part *part = &made->parts[i];
        if (part->kind != RW_TEMPLATE_PARAM || (match && match_has(match, part->text)))
            continue;
        const char *near =
            rw_conf_nearest(part->text, value_names + RW_TEMPLATE_SCHEME,
                            sizeof(value_names) / sizeof(*value_names) - RW_TEMPLATE_SCHEME);
        snprintf(flaw, 256, "{%.*s} is %s%s%s%s", part->text.len > 60 ? 60 : (int)part->text.len,
                 part->text.at,
                 match ? "no parameter of every path of this route"
                       : "not known here: a listener has no route parameters",
                 near ? "; did you mean {" : "", near ? near : "", near ? "}?" : "");
        return RW_EINVAL;
    }
    return RW_OK;
}

/* ---- Filling ---- */

static size_t host_bytes(struct rw_span authority)
{
    if (authority.len && authority.at[0] == '[') {
        ptrdiff_t end = rw_span_find(authority, ']');
        return end < 0 ? authority.len : (size_t)end + 1;
    }
    ptrdiff_t colon = rw_span_find(authority, ':');
    return colon < 0 ? authority.len : (size_t)colon;
}

struct rw_span rw_template_scheme(const struct rw_exchange *x)
{
    struct rw_span said = {0};
    if (x->client_trusted)
        said = rw_message_value(&x->request, RW_FIELD_X_FORWARDED_PROTO);
    bool https = x->https;
    if (rw_span_is_nocase(said, "https"))
        https = true;
    else if (rw_span_is_nocase(said, "http"))
        https = false;
    return https ? RW_LITERAL("https") : RW_LITERAL("http");
}

static struct rw_span port_of(const struct rw_exchange *x)
{
    struct rw_span authority = x->request.authority;
    size_t host = host_bytes(authority);
    if (host + 1 < authority.len)
        return rw_span_skip(authority, host + 1);
    return rw_template_scheme(x).len == 5 ? RW_LITERAL("443") : RW_LITERAL("80");
}

static struct rw_span param_of(const struct rw_exchange *x, struct rw_span name)
{
    const struct rw_route_params *params = x->params;
    for (unsigned i = 0; params && i < params->count; i++)
        if (rw_span_eq(params->items[i].name, name))
            return params->items[i].value;
    return (struct rw_span){0};
}

/* `scratch` has RW_ADDRESS_HOST_TEXT_MAX bytes. */
static struct rw_span value_of(const struct rw_template_part *part, const struct rw_exchange *x,
                               char *scratch)
{
    const struct rw_message *request = &x->request;
    switch (part->kind) {
    case RW_TEMPLATE_LITERAL:
        return part->text;
    case RW_TEMPLATE_PARAM:
        return param_of(x, part->text);
    case RW_TEMPLATE_SCHEME:
        return rw_template_scheme(x);
    case RW_TEMPLATE_HOST:
        return rw_span(request->authority.at, host_bytes(request->authority));
    case RW_TEMPLATE_PORT:
        return port_of(x);
    case RW_TEMPLATE_AUTHORITY:
        return request->authority;
    case RW_TEMPLATE_PATH:
        return request->path;
    case RW_TEMPLATE_QUERY: /* the "?" stands before it */
        return request->query.at ? rw_span(request->query.at - 1, request->query.len + 1)
                                 : request->query;
    case RW_TEMPLATE_METHOD:
        return request->method_text;
    case RW_TEMPLATE_CLIENT_IP:
        return rw_span(scratch, rw_address_format_host(scratch, x->client));
    case RW_TEMPLATE_TRACE_ID:
        return rw_traceparent_trace_id(rw_span(x->traceparent, RW_TRACEPARENT_BYTES));
    }
    return (struct rw_span){0};
}

/* What goes on while a template is filled. */
struct filling {
    struct rw_exchange *x;
    const struct rw_template_extra *extra;
    unsigned extra_count;
    bool url, parameter;
    bool in_query; /* behind the first "?" */
    char scratch[RW_ADDRESS_HOST_TEXT_MAX];
};

static struct rw_span next_value(struct filling *filling, const struct rw_template_part *part)
{
    for (unsigned i = 0; part->kind == RW_TEMPLATE_PARAM && i < filling->extra_count; i++)
        if (rw_span_eq(filling->extra[i].name, part->text))
            return filling->extra[i].value;
    return value_of(part, filling->x, filling->scratch);
}

static bool parts_query(char c)
{
    return c == '&' || c == '=' || c == '+' || c == ';';
}

/* Writes one value at `to`, or only measures it when `to` is NULL. */
static size_t put(struct filling *filling, const struct rw_template_part *part, char *to)
{
    static const char digits[] = "0123456789ABCDEF";
    struct rw_span value = next_value(filling, part);
    if (filling->parameter)
        return rw_pairs_encode(value, true, to);
    bool encode = filling->in_query && part->kind != RW_TEMPLATE_LITERAL;
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        filling->in_query |= filling->url && c == '?';
        if (!encode || !parts_query(c)) {
            if (to)
                to[len] = c;
            len++;
            continue;
        }
        if (to) {
            to[len] = '%';
            to[len + 1] = digits[(uint8_t)c >> 4];
            to[len + 2] = digits[c & 15];
        }
        len += 3;
    }
    return len;
}

static size_t put_all(struct filling *filling, const struct rw_template *made, char *to)
{
    size_t len = 0;
    filling->in_query = false;
    for (unsigned i = 0; i < made->count; i++)
        len += put(filling, &made->parts[i], to ? to + len : NULL);
    return len;
}

enum rw_err rw_template_fill_with(const struct rw_template *made, struct rw_exchange *x,
                                  const struct rw_template_extra *extra, unsigned count,
                                  struct rw_span *filled)
{
    if (made->count <= 1 && rw_template_constant(made)) {
        *filled = made->count ? made->parts[0].text : RW_LITERAL("");
        return RW_OK;
    }
    struct filling filling = {.x = x,
                              .extra = extra,
                              .extra_count = count,
                              .url = made->url,
                              .parameter = made->parameter};
    size_t len = put_all(&filling, made, NULL);
    char *to = rw_arena_alloc(&x->arena, len + 1);
    *filled = rw_span(to, len);
    if (!to)
        return RW_ENOMEM;
    put_all(&filling, made, to);
    *filled = rw_span_trim(*filled);
    return rw_is_field_value(*filled) ? RW_OK : RW_EINVAL;
}

enum rw_err rw_template_fill(const struct rw_template *made, struct rw_exchange *x,
                             struct rw_span *filled)
{
    return rw_template_fill_with(made, x, NULL, 0, filled);
}
