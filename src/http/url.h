/* Absolute URLs as people write them: "https://host[:port]/path?query" (RFC 3986, the part that a
 * client needs). Spans point into the text. */
#ifndef RW_HTTP_URL_H
#define RW_HTTP_URL_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>

struct rw_url {
    struct rw_span scheme;    /* as written */
    struct rw_span authority; /* host and port as written, without user information */
    struct rw_span host;      /* without the brackets of IPv6 */
    uint16_t port;            /* 0: none is written */
    struct rw_span target;    /* from the path on, without the fragment; may be empty or begin with
                                 '?' */
};

/* RW_EINVAL, and in *why (static text) what is wrong: no scheme, user information, an empty host, a
 * port that is none, characters that no URL has. */
RW_MUST_CHECK enum rw_err rw_url_parse(struct rw_span text, struct rw_url *url, const char **why);

#endif
