#include "http/url.h"

#include <string.h>

static enum rw_err be_wrong(const char **why, const char *text)
{
    *why = text;
    return RW_EINVAL;
}

static size_t length_until(struct rw_span text, const char *ends)
{
    size_t len = 0;
    while (len < text.len && !strchr(ends, text.at[len]))
        len++;
    return len;
}

static bool is_visible(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || (unsigned char)text.at[i] >= 0x7f)
            return false;
    return true;
}

/* What is behind the host: nothing, or ":port". */
static bool parse_port(struct rw_span text, uint16_t *port)
{
    uint64_t value;
    if (!text.len)
        return true;
    if (text.at[0] != ':' || !rw_span_to_u64(rw_span_skip(text, 1), &value) || !value ||
        value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

static enum rw_err parse_authority(struct rw_url *url, const char **why)
{
    struct rw_span text = url->authority;
    if (rw_span_find(text, '@') >= 0)
        return be_wrong(why, "a name and password do not belong into it");
    bool bracketed = text.len && text.at[0] == '[';
    size_t len = length_until(text, bracketed ? "]" : ":");
    url->host = bracketed ? rw_span_skip(rw_span(text.at, len), 1) : rw_span(text.at, len);
    if (bracketed && len == text.len)
        return be_wrong(why, "the bracket of the address is not closed");
    if (!url->host.len)
        return be_wrong(why, "it has no host");
    if (!parse_port(rw_span_skip(text, len + bracketed), &url->port))
        return be_wrong(why, "the port is not a number from 1 to 65535");
    return RW_OK;
}

enum rw_err rw_url_parse(struct rw_span text, struct rw_url *url, const char **why)
{
    *url = (struct rw_url){0};
    if (!is_visible(text))
        return be_wrong(why, "it has characters that a URL writes as %XX");
    size_t len = length_until(text, ":/?#");
    if (!len || !rw_span_starts(rw_span_skip(text, len), RW_LITERAL("://")))
        return be_wrong(why, "it does not begin with http:// or https://");
    url->scheme = rw_span(text.at, len);
    struct rw_span rest = rw_span_skip(text, len + 3);
    len = length_until(rest, "/?#");
    url->authority = rw_span(rest.at, len);
    rest = rw_span_skip(rest, len);
    url->target = rw_span(rest.at, length_until(rest, "#"));
    return parse_authority(url, why);
}
