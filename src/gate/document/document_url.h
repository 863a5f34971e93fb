/* An https URL (RFC 9110 section 4.2.2), taken apart: "https://login.example.com:8443/keys?v=1". */
#ifndef RW_GATE_DOCUMENT_DOCUMENT_URL_H
#define RW_GATE_DOCUMENT_DOCUMENT_URL_H

#include "base/span.h"

#include <stdint.h>

enum { RW_DOCUMENT_URL_BYTES_MAX = 2048, RW_DOCUMENT_HOST_BYTES_MAX = 253 };

struct rw_document_url {
    struct rw_span authority; /* for Host: as it is written */
    struct rw_span host;      /* without the brackets of IPv6 */
    uint16_t port;
    struct rw_span
        target; /* without the slash at its begin where there is only a query, or nothing */
};

/* NULL when it is one, else what is wrong with it. Parts of `text`. Other schemes, users and
 * fragments are wrong. Any thread. */
const char *rw_document_url_parse(struct rw_span text, struct rw_document_url *url);

#endif
