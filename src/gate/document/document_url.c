#include "gate/document/document_url.h"

#include "conf/scalar.h"

#include <stdio.h>

enum { HTTPS_PORT = 443 };

/* RFC 3986 has no others; what would have to be encoded is not written here. */
static bool is_made_of_url(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~' || strchr("\"<>\\^`{|}", text.at[i]))
            return false;
    return true;
}

/* The end of the authority: the first of "/?#". */
static size_t authority_len(struct rw_span rest)
{
    size_t len = 0;
    while (len < rest.len && !strchr("/?#", rest.at[len]))
        len++;
    return len;
}

static bool has_port(struct rw_span authority)
{
    size_t at = authority.len;
    while (at > 0 && authority.at[at - 1] >= '0' && authority.at[at - 1] <= '9')
        at--;
    return at > 0 && at < authority.len && authority.at[at - 1] == ':';
}

static const char *parse_authority(struct rw_document_url *url)
{
    char text[RW_DOCUMENT_HOST_BYTES_MAX + 16];
    struct rw_conf_address address;
    if (url->authority.len == 0 || url->authority.len > RW_DOCUMENT_HOST_BYTES_MAX)
        return "a URL has a host";
    int len = snprintf(text, sizeof(text), has_port(url->authority) ? "%.*s" : "%.*s:443",
                       RW_SPAN_ARGS(url->authority));
    const char *flaw = rw_conf_address(rw_span(text, (size_t)len), true, &address);
    if (flaw || address.srv.len || !address.host.len)
        return "expected https://host/path or https://host:port/path";
    url->host = rw_span(url->authority.at + (address.host.at - text), address.host.len);
    url->port = address.port;
    return NULL;
}

const char *rw_document_url_parse(struct rw_span text, struct rw_document_url *url)
{
    const struct rw_span scheme = RW_LITERAL("https://");
    *url = (struct rw_document_url){.port = HTTPS_PORT};
    if (text.len < scheme.len || !rw_span_eq_nocase(rw_span(text.at, scheme.len), scheme))
        return "expected https://, as whoever is in between could give other keys";
    if (text.len > RW_DOCUMENT_URL_BYTES_MAX || !is_made_of_url(text))
        return "a URL has no spaces, quotes or characters beyond ASCII, and 2,048 bytes at most";
    struct rw_span rest = rw_span_skip(text, scheme.len);
    url->authority = rw_span(rest.at, authority_len(rest));
    url->target = rw_span_skip(rest, url->authority.len);
    if (rw_span_find(url->authority, '@') >= 0)
        return "a URL here has no user and no password";
    if (rw_span_find(url->target, '#') >= 0)
        return "a URL here has no #fragment";
    return parse_authority(url);
}
