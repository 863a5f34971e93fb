/* One connection of a client that waits: plain, or TLS. For threads that have nothing else to do,
 * such as the ledger's. A thread at a time.
 */
#ifndef RW_VERIFY_WIRE_H
#define RW_VERIFY_WIRE_H

#include "base/err.h"
#include "base/span.h"
#include "base/text.h"
#include "io/address.h"

#include <stdbool.h>
#include <stdint.h>

struct rw_wire_options {
    struct rw_address address;
    uint32_t wait_ms_max; /* for each step */
    bool tls, insecure;   /* the latter: trust any certificate */
    struct rw_span ca;    /* file of authorities; empty: the system's */
    struct rw_span name;  /* that is verified: a host or an IP address */
};

struct rw_wire {
    struct rw_wire_options options;
    int fd;        /* -1: not connected */
    void *session; /* SSL; NULL: plain */
    void *context; /* SSL_CTX */
};

/* Connects nowhere yet. RW_ETLS: told in `why`. rw_wire_close in any case. */
RW_MUST_CHECK enum rw_err rw_wire_open(struct rw_wire *wire, const struct rw_wire_options *options,
                                       struct rw_text *why);
void rw_wire_close(struct rw_wire *wire);

/* True: connected, or it was already. */
bool rw_wire_connect(struct rw_wire *wire);
void rw_wire_hang_up(struct rw_wire *wire);
/* False: not all of it went. */
bool rw_wire_send(struct rw_wire *wire, struct rw_span bytes);
/* How many bytes have come; 0: an orderly end; -1: an end that is none, or nothing in time. */
ptrdiff_t rw_wire_receive(struct rw_wire *wire, char *to, size_t room);

#endif
