/* What a load run is to do: filled by the command line or a scenario file, checked once, then only
 * read, by all threads. */
#ifndef RW_LOAD_SETTINGS_H
#define RW_LOAD_SETTINGS_H

#include "base/span.h"
#include "http/message.h"
#include "io/address.h"
#include "io/loop.h"
#include "load/schedule.h"

struct rw_load_script;
struct rw_tls_client;

/* The last: each connection is a WebSocket from its begin, and requests are messages. So is each
 * stream of HTTP/2 where the settings have an `upgrade`. */
enum rw_load_protocol_kind { RW_LOAD_H1, RW_LOAD_H2, RW_LOAD_WEBSOCKET };

/* What a request is: to HTTP, or to the WebSocket that its user has opened. */
enum rw_load_act { RW_LOAD_CALL, RW_LOAD_OPEN, RW_LOAD_MESSAGE, RW_LOAD_CLOSE };

enum {
    RW_LOAD_REQUESTS_MAX = 256,
    RW_LOAD_HEADERS_MAX = 64,
    RW_LOAD_THREADS_MAX = 256,
    RW_LOAD_CONNECTIONS_MAX = 10 * 1000 * 1000,
    RW_LOAD_STREAMS_MAX = 10000,
    RW_LOAD_ADDRESSES_MAX = 16,
    RW_LOAD_HEAD_BYTES_MAX = 64 * 1024,
    RW_LOAD_MESSAGE_BYTES_MAX = 128 * 1024 /* of a WebSocket */
};

struct rw_load_header {
    struct rw_span name, value;
};

struct rw_load_request {
    struct rw_span name; /* in reports */
    struct rw_span method, target;
    struct rw_load_header headers[RW_LOAD_HEADERS_MAX]; /* without Host and Content-Length */
    unsigned header_count;
    struct rw_span body; /* `at` NULL: none */
    uint32_t weight;     /* how often, beside the others; not 0 */
    bool varies;         /* it has variables: a step of the script, written anew each time */
    bool body_varies;    /* of what was written anew: the body's bytes are gone with the next one */
    enum rw_load_act act;
    bool binary;         /* a message: not text */
    bool unanswered;     /* a message: none is waited for */
    uint16_t close_code; /* of RW_LOAD_CLOSE */
    struct rw_span h1;   /* all of it as HTTP/1.1 sends it, made by rw_load_prepare; if it varies
                            there is none */
};

struct rw_load_settings {
    struct rw_address addresses[RW_LOAD_ADDRESSES_MAX]; /* by turns */
    unsigned address_count;
    struct rw_span authority;  /* "host[:port]", of Host and :authority */
    struct rw_span url;        /* as given, for reports */
    struct rw_tls_client *tls; /* NULL: plain */
    enum rw_load_protocol_kind protocol;
    const struct rw_load_request *upgrade; /* how each WebSocket begins; NULL: users open theirs */
    struct rw_load_request *requests;
    unsigned request_count;
    struct rw_load_script *script; /* what users do with the requests; NULL: each stands alone */
    unsigned processes;
    unsigned threads;     /* of all processes; a multiple of them */
    bool sources;         /* each thread connects from addresses of its own, 127.1.0.1 on */
    uint32_t connections; /* of all threads */
    uint32_t streams;     /* requests at a time on one connection; 1 with HTTP/1.1 */
    /* Open loop: requests are due by the profile, whatever becomes of those before. Closed loop:
     * every stream of every connection asks again as soon as it is answered, for so long. */
    bool closed;
    struct rw_profile profile;
    double closed_seconds;
    uint32_t think_ms;     /* closed loop: between an answer and the next request */
    double warmup_seconds; /* of the begin, that are sent and not counted */
    uint32_t timeout_ms;   /* of a request, from when it was sent */
    uint32_t held_ms;      /* the target takes so long by design: latencies are told without it */
    /* Not NULL: tenths of seconds are told, too, by RW_TIMELINE_LIMITS latencies. */
    const uint64_t *limits_ns;
    uint32_t connect_ms_max; /* at the begin: without one more connection */
    uint64_t seed;
    enum rw_loop_backend backend;
};

struct rw_h1_out;

/* The head of a request as HTTP/1.1 sends it; `key` is of a WebSocket's handshake, else empty. */
void rw_load_put_head(const struct rw_load_settings *settings,
                      const struct rw_load_request *request, struct rw_span key,
                      struct rw_h1_out *out);
/* "HTTP/1.1", for people. */
const char *rw_load_protocol_name(enum rw_load_protocol_kind protocol);

/* Writes down what HTTP/1.1 sends for each request that does not vary, in `arena`. */
RW_MUST_CHECK enum rw_err rw_load_prepare(struct rw_load_settings *settings,
                                          struct rw_arena *arena);

/* Without the warm-up. */
double rw_load_seconds(const struct rw_load_settings *settings);

#endif
