/* Origins as browsers write them (RFC 6454 section 6.2), and patterns of them. */
#include "policy/cors/cors.h"

/* Lower case, digits, and what `more` has: browsers write no others. */
static bool is_made_of(struct rw_span text, const char *more)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && !memchr(more, c, strlen(more)))
            return false;
    }
    return text.len > 0;
}

static bool is_scheme(struct rw_span text)
{
    return is_made_of(text, "+-.") && text.at[0] >= 'a' && text.at[0] <= 'z';
}

/* Host and port; an IPv6 address in brackets. */
static bool is_authority(struct rw_span text)
{
    return is_made_of(text, "-._:[]") && text.at[0] != ':' && text.at[0] != '.';
}

/* Browsers leave out the port that the scheme has anyway. */
static bool has_usual_port(struct rw_span origin)
{
    return (rw_span_starts(origin, RW_LITERAL("https://")) &&
            rw_span_ends(origin, RW_LITERAL(":443"))) ||
           (rw_span_starts(origin, RW_LITERAL("http://")) &&
            rw_span_ends(origin, RW_LITERAL(":80")));
}

/* What stands behind "://"; at == NULL: there is none, or no scheme before it. */
static struct rw_span authority_of(struct rw_span origin)
{
    const char *mark = origin.len ? memmem(origin.at, origin.len, "://", 3) : NULL;
    if (!mark || !is_scheme(rw_span(origin.at, (size_t)(mark - origin.at))))
        return rw_span(NULL, 0);
    return rw_span_skip(origin, (size_t)(mark - origin.at) + 3);
}

static bool has_star(struct rw_span authority)
{
    return authority.len > 2 && authority.at[0] == '*' && authority.at[1] == '.';
}

bool rw_cors_pattern_parse(struct rw_span text, struct rw_cors_pattern *pattern)
{
    struct rw_span authority = authority_of(text);
    *pattern = (struct rw_cors_pattern){.text = text};
    if (!authority.at)
        return rw_span_is(text, "null");
    if (has_usual_port(text))
        return false;
    if (!has_star(authority))
        return is_authority(authority);
    pattern->scheme = rw_span(text.at, (size_t)(authority.at - text.at));
    pattern->end = rw_span_skip(authority, 1);
    return is_authority(rw_span_skip(authority, 2));
}

bool rw_cors_matches(const struct rw_cors_pattern *pattern, struct rw_span origin)
{
    if (!pattern->scheme.len)
        return rw_span_eq(pattern->text, origin);
    if (!rw_span_starts(origin, pattern->scheme) || !rw_span_ends(origin, pattern->end))
        return false;
    struct rw_span authority = rw_span_skip(origin, pattern->scheme.len);
    return is_authority(authority) && authority.len > pattern->end.len &&
           rw_span_find(rw_span(authority.at, authority.len - pattern->end.len), ':') < 0;
}
