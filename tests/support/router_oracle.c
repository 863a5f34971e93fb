#include "support/router_oracle.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* One way in which a route takes the request. */
struct claim {
    int route, host, path;
    int priority, conditions;
    const char *host_pattern, *path_pattern; /* NULL: any */
    bool is_regex;
    bool wrong_method;
};

static void text_of(struct rw_span span, char *to, size_t room)
{
    rw_assert(span.len < room);
    if (span.len)
        memcpy(to, span.at, span.len);
    to[span.len] = '\0';
}

/* Percent-decoding by the C library's reading of numbers. */
static void decode(const char *from, char *to, bool plus)
{
    while (*from) {
        if (from[0] == '%' && isxdigit((unsigned char)from[1]) &&
            isxdigit((unsigned char)from[2])) {
            char digits[3] = {from[1], from[2], '\0'};
            *to++ = (char)strtol(digits, NULL, 16);
            from += 3;
        } else {
            *to++ = plus && *from == '+' ? ' ' : *from;
            from++;
        }
    }
    *to = '\0';
}

static void normalise(const char *from, char *to)
{
    char decoded[ORACLE_TEXT_MAX];
    decode(from, decoded, false);
    for (const char *at = decoded; *at; at++)
        if (!(at[0] == '/' && at[1] == '/'))
            *to++ = *at;
    *to = '\0';
}

static const char *next_slash(const char *at)
{
    const char *slash = strchr(at, '/');
    return slash ? slash : at + strlen(at);
}

/* ---- Conditions ---- */

static bool posix_match(const char *pattern, const char *text, bool whole)
{
    char anchored[ORACLE_TEXT_MAX];
    regex_t regex;
    snprintf(anchored, sizeof(anchored), whole ? "^(%s)$" : "%s", pattern);
    if (regcomp(&regex, anchored, REG_EXTENDED | REG_NOSUB))
        return false;
    bool result = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return result;
}

static bool value_fits(const char *wanted, const char *value)
{
    if (strcmp(wanted, "*") == 0)
        return true;
    return wanted[0] == '~' ? posix_match(wanted + 1, value, false) : strcmp(wanted, value) == 0;
}

static bool header_fits(const struct rw_conf_pair *pair, const struct rw_message *message)
{
    char wanted[ORACLE_TEXT_MAX], value[ORACLE_TEXT_MAX];
    text_of(pair->value, wanted, sizeof(wanted));
    for (unsigned i = 0; i < message->field_count; i++) {
        const struct rw_field *field = &message->fields[i];
        if (field->name.len != pair->key.len ||
            strncasecmp(field->name.at, pair->key.at, pair->key.len) != 0)
            continue;
        text_of(field->value, value, sizeof(value));
        if (value_fits(wanted, value))
            return true;
    }
    return false;
}

static bool query_fits(const struct rw_conf_pair *pair, const struct rw_message *message)
{
    char query[ORACLE_TEXT_MAX], wanted[ORACLE_TEXT_MAX], key[ORACLE_TEXT_MAX];
    char name[ORACLE_TEXT_MAX], value[ORACLE_TEXT_MAX], *saved = NULL;
    text_of(message->query, query, sizeof(query));
    text_of(pair->value, wanted, sizeof(wanted));
    text_of(pair->key, key, sizeof(key));
    for (char *item = strtok_r(query, "&", &saved); item; item = strtok_r(NULL, "&", &saved)) {
        char *equals = strchr(item, '=');
        if (equals)
            *equals = '\0';
        decode(item, name, true);
        decode(equals ? equals + 1 : "", value, true);
        if (strcmp(name, key) == 0 && value_fits(wanted, value))
            return true;
    }
    return false;
}

static bool method_fits(const struct rw_config_match *match, const struct rw_message *message)
{
    const struct rw_span *methods = match->method.items;
    for (size_t i = 0; i < match->method.count; i++)
        if (rw_span_eq(methods[i], message->method_text))
            return true;
    return match->method.count == 0;
}

static bool others_fit(const struct rw_config_match *match, const struct rw_message *message)
{
    for (size_t i = 0; i < match->headers.count; i++)
        if (!header_fits(&((struct rw_conf_pair *)match->headers.items)[i], message))
            return false;
    for (size_t i = 0; i < match->query.count; i++)
        if (!query_fits(&((struct rw_conf_pair *)match->query.items)[i], message))
            return false;
    return true;
}

static bool listener_fits(const struct rw_config *config, unsigned listener,
                          const struct rw_config_match *match)
{
    const struct rw_config_listener *listeners = config->listeners.items;
    const struct rw_span *names = match->listeners.items;
    for (size_t i = 0; i < match->listeners.count; i++)
        if (rw_span_eq(names[i], listeners[listener].name))
            return true;
    return match->listeners.count == 0;
}

/* ---- Host ---- */

static bool is_any_host(const char *pattern)
{
    return !pattern || strcmp(pattern, "*") == 0;
}

static bool host_fits(const char *pattern, const char *authority)
{
    char host[ORACLE_TEXT_MAX], wanted[ORACLE_TEXT_MAX];
    if (is_any_host(pattern))
        return true;
    snprintf(host, sizeof(host), "%s", authority);
    if (host[0] == '[' && strchr(host, ']'))
        strchr(host, ']')[1] = '\0';
    else
        host[strcspn(host, ":")] = '\0';
    snprintf(wanted, sizeof(wanted), "%s", pattern);
    if (strlen(host) > 1 && host[strlen(host) - 1] == '.')
        host[strlen(host) - 1] = '\0';
    if (wanted[strlen(wanted) - 1] == '.')
        wanted[strlen(wanted) - 1] = '\0';
    if (strncmp(wanted, "*.", 2) != 0)
        return strcasecmp(host, wanted) == 0;
    size_t suffix = strlen(wanted) - 1, len = strlen(host);
    return len > suffix && host[0] != '.' && strcasecmp(host + len - suffix, wanted + 1) == 0;
}

/* ---- Path ---- */

struct params {
    unsigned count;
    char names[RW_ROUTE_PARAMS_MAX][64];
    char values[RW_ROUTE_PARAMS_MAX][ORACLE_TEXT_MAX];
};

static void add_param(struct params *params, const char *name, size_t name_len, const char *value,
                      size_t len)
{
    rw_assert(params->count < RW_ROUTE_PARAMS_MAX && name_len < 64);
    snprintf(params->names[params->count], 64, "%.*s", (int)name_len, name);
    snprintf(params->values[params->count++], ORACLE_TEXT_MAX, "%.*s", (int)len, value);
}

/* Both begin with a slash, or have come to their end. */
static bool path_fits(const char *pattern, const char *path, struct params *params)
{
    if (strcmp(pattern, "/*") == 0) {
        const char *value = *path ? path + 1 : path;
        add_param(params, "*", 1, value, strlen(value));
        return true;
    }
    if (!*pattern || !*path)
        return !*pattern && !*path;
    const char *pattern_end = next_slash(pattern + 1), *path_end = next_slash(path + 1);
    size_t pattern_len = (size_t)(pattern_end - pattern - 1),
           path_len = (size_t)(path_end - path - 1);
    char literal[ORACLE_TEXT_MAX], decoded[ORACLE_TEXT_MAX];
    snprintf(literal, sizeof(literal), "%.*s", (int)pattern_len, pattern + 1);
    decode(literal, decoded, false);
    if (pattern[1] == '{') {
        if (path_len == 0)
            return false;
        add_param(params, pattern + 2, pattern_len - 2, path + 1, path_len);
    } else if (strlen(decoded) != path_len || memcmp(decoded, path + 1, path_len) != 0) {
        return false;
    }
    return path_fits(pattern_end, path_end, params);
}

static bool has_param(const char *pattern)
{
    return strchr(pattern, '{') != NULL;
}

static bool has_rest(const char *pattern)
{
    size_t len = strlen(pattern);
    return len >= 2 && strcmp(pattern + len - 2, "/*") == 0;
}

static int literals(const char *pattern)
{
    char kept[ORACLE_TEXT_MAX], decoded[ORACLE_TEXT_MAX];
    size_t len = strlen(pattern) - (has_rest(pattern) ? 2 : 0), count = 0;
    bool inside = false;
    for (size_t i = 0; i < len; i++) {
        inside |= pattern[i] == '{';
        if (!inside)
            kept[count++] = pattern[i];
        inside &= pattern[i] != '}';
    }
    kept[count] = '\0';
    decode(kept, decoded, false);
    return (int)strlen(decoded);
}

/* ---- The order ---- */

static int host_class(const char *pattern)
{
    return is_any_host(pattern) ? 0 : pattern[0] == '*' ? 1 : 2;
}

static int labels(const char *pattern)
{
    int count = 0;
    for (size_t i = 0; pattern && i < strlen(pattern); i++)
        count += pattern[i] == '.' && pattern[i + 1];
    return count;
}

static int path_class(const struct claim *claim)
{
    if (!claim->path_pattern)
        return 0;
    if (claim->is_regex)
        return 1;
    if (has_param(claim->path_pattern))
        return 3;
    return has_rest(claim->path_pattern) ? 2 : 4;
}

/* Positive: `a` has a literal segment in the first place where they differ. */
static int literal_first(const char *a, const char *b)
{
    while (*a && *b) {
        int difference = (b[1] == '{') - (a[1] == '{');
        if (difference)
            return difference;
        a = next_slash(a + 1);
        b = next_slash(b + 1);
    }
    return 0;
}

/* Positive: `a` wins. */
static int better(const struct claim *a, const struct claim *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority ? 1 : -1;
    if (host_class(a->host_pattern) != host_class(b->host_pattern))
        return host_class(a->host_pattern) - host_class(b->host_pattern);
    if (host_class(a->host_pattern) == 1 && labels(a->host_pattern) != labels(b->host_pattern))
        return labels(a->host_pattern) - labels(b->host_pattern);
    if (path_class(a) != path_class(b))
        return path_class(a) - path_class(b);
    if (path_class(a) >= 2 && literals(a->path_pattern) != literals(b->path_pattern))
        return literals(a->path_pattern) - literals(b->path_pattern);
    if (path_class(a) == 3 && literal_first(a->path_pattern, b->path_pattern))
        return literal_first(a->path_pattern, b->path_pattern);
    if (path_class(a) == 3 && has_rest(a->path_pattern) != has_rest(b->path_pattern))
        return has_rest(b->path_pattern) - has_rest(a->path_pattern);
    if (a->conditions != b->conditions)
        return a->conditions - b->conditions;
    if (a->route != b->route)
        return b->route - a->route;
    return a->host != b->host ? b->host - a->host : b->path - a->path;
}

/* ---- All routes ---- */

struct search {
    const struct rw_message *message;
    char authority[ORACLE_TEXT_MAX], path[ORACLE_TEXT_MAX];
    struct claim best;
    bool found, wrong_method;
    struct oracle_answer *answer;
};

static bool claim_path_fits(const struct claim *claim, const char *path, struct params *params)
{
    params->count = 0;
    if (!claim->path_pattern)
        return true;
    if (claim->is_regex)
        return posix_match(claim->path_pattern, path, true);
    return path[0] == '/' && path_fits(claim->path_pattern, path, params);
}

static void try_claim(struct search *search, const struct claim *claim)
{
    static _Thread_local struct params params;
    if (!host_fits(claim->host_pattern, search->authority) ||
        !claim_path_fits(claim, search->path, &params))
        return;
    search->wrong_method |= claim->wrong_method;
    if (claim->wrong_method || (search->found && better(claim, &search->best) <= 0))
        return;
    search->found = true;
    search->best = *claim;
    search->answer->param_count = params.count;
    memcpy(search->answer->names, params.names, sizeof(params.names));
    memcpy(search->answer->values, params.values, sizeof(params.values));
}

static void try_route(struct search *search, const struct rw_config_route *route, int index)
{
    const struct rw_config_match *match = route->match;
    if (!others_fit(match, search->message))
        return;
    size_t hosts = match->host.count ? match->host.count : 1;
    size_t paths = match->path.count ? match->path.count : 1;
    struct claim claim = {
        .route = index,
        .priority = route->priority,
        .conditions =
            (match->method.count > 0) + (int)match->headers.count + (int)match->query.count,
        .is_regex = match->path_regex.len > 0,
        .wrong_method = !method_fits(match, search->message),
    };
    for (size_t h = 0; h < hosts; h++)
        for (size_t p = 0; p < paths; p++) {
            claim.host = (int)h;
            claim.path = (int)p;
            claim.host_pattern =
                match->host.count ? ((struct rw_span *)match->host.items)[h].at : NULL;
            claim.path_pattern =
                match->path.count ? ((struct rw_span *)match->path.items)[p].at : NULL;
            if (claim.is_regex)
                claim.path_pattern = match->path_regex.at;
            try_claim(search, &claim);
        }
}

void rw_oracle_find(const struct rw_config *config, unsigned listener,
                    const struct rw_message *message, struct oracle_answer *answer)
{
    struct search search = {.message = message, .answer = answer};
    char path[ORACLE_TEXT_MAX];
    text_of(message->authority, search.authority, sizeof(search.authority));
    text_of(message->path, path, sizeof(path));
    normalise(path, search.path);
    answer->param_count = 0;
    const struct rw_config_route *routes = config->routes.items;
    for (size_t i = 0; i < config->routes.count; i++)
        if (listener_fits(config, listener, routes[i].match))
            try_route(&search, &routes[i], (int)i);
    answer->route = search.found ? search.best.route
                                 : (search.wrong_method ? RW_ROUTE_WRONG_METHOD : RW_ROUTE_NONE);
}

const char *rw_oracle_disagrees(const struct rw_config *config, unsigned listener,
                                const struct rw_message *message, int route,
                                const struct rw_route_params *params)
{
    static _Thread_local struct oracle_answer answer;
    static _Thread_local char why[256];
    rw_oracle_find(config, listener, message, &answer);
    if (answer.route != route) {
        snprintf(why, sizeof(why), "route %d instead of %d", route, answer.route);
        return why;
    }
    if (route >= 0 && ((struct rw_config_route *)config->routes.items)[route].match->path_regex.len)
        return NULL;
    if (route >= 0 && answer.param_count != params->count)
        return "another number of parameters";
    for (unsigned i = 0; i < params->count; i++) {
        char value[ORACLE_TEXT_MAX], normal[ORACLE_TEXT_MAX];
        const struct rw_span *sent = &params->items[i].value;
        if (sent->at < message->path.at ||
            sent->at + sent->len > message->path.at + message->path.len)
            return "a parameter outside of the path";
        text_of(*sent, value, sizeof(value));
        normalise(value, normal);
        if (strcmp(normal, answer.values[i]) != 0 ||
            !rw_span_is(params->items[i].name, answer.names[i]))
            return "another parameter";
        bool rest = rw_span_is(params->items[i].name, "*");
        if (rest && params->matched_bytes != (size_t)(sent->at - message->path.at))
            return "matched_bytes is not what stands before the rest";
    }
    return NULL;
}
