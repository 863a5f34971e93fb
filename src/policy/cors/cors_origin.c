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

bool rw_cors_is_pattern(struct rw_span pattern)
{
    struct rw_span authority = authority_of(pattern);
    if (!authority.at)
        return rw_span_is(pattern, "null");
    return is_authority(has_star(authority) ? rw_span_skip(authority, 2) : authority);
}

bool rw_cors_matches(struct rw_span pattern, struct rw_span origin)
{
    struct rw_span wanted = authority_of(pattern), given = authority_of(origin);
    if (!wanted.at || !has_star(wanted))
        return rw_span_eq(pattern, origin);
    size_t scheme_len = (size_t)(wanted.at - pattern.at);
    struct rw_span end = rw_span_skip(wanted, 1); /* ".example.com" */
    return given.at &&
           rw_span_eq(rw_span(pattern.at, scheme_len),
                      rw_span(origin.at, (size_t)(given.at - origin.at))) &&
           is_authority(given) && given.len > end.len && rw_span_ends(given, end) &&
           rw_span_find(rw_span(given.at, given.len - end.len), ':') < 0;
}
