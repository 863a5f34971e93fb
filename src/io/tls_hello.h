/* The name that a TLS client asks for, out of its first bytes (RFC 8446 section 4.1.2, RFC 6066
 * section 3), without ending TLS: for routes by SNI. Pure function of its input; any thread.
 */
#ifndef RW_IO_TLS_HELLO_H
#define RW_IO_TLS_HELLO_H

#include "base/span.h"

enum {
    RW_TLS_HELLO_BYTES_MAX = 16 * 1024, /* of a ClientHello, with the headers of its records */
    RW_TLS_HELLO_NAME_MAX = 253,
};

enum rw_tls_hello_result {
    RW_TLS_HELLO_COMPLETE,
    RW_TLS_HELLO_INCOMPLETE,
    RW_TLS_HELLO_NONE, /* not TLS */
    RW_TLS_HELLO_BAD,  /* TLS, but malformed, too long, or with a name that is none */
};

struct rw_tls_hello {
    char name[RW_TLS_HELLO_NAME_MAX]; /* lower case, without a dot at the end */
    size_t name_bytes;                /* 0: the client asks for none */
};

/* The message may be split over records in any way, the bytes anywhere. */
enum rw_tls_hello_result rw_tls_hello_parse(struct rw_span bytes, struct rw_tls_hello *hello);

#endif
