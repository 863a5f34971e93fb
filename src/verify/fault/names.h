/* A name server for loopback: knows a few names, and tells the truth until told otherwise.
 *
 * verify opens one when the configuration has endpoints with names, adds them with the addresses of
 * their relays, and gives the gateway its address as the only server (dns.servers). A, AAAA and SRV
 * (RFC 1035, 2782), over UDP and TCP; other names do not exist, other types are empty. Answers are
 * short-lived, so that a change is noticed. Queries are bounded by their form, memory by the names
 * added and RW_NAMES_TCP_MAX connections. One thread, that of the loop.
 */
#ifndef RW_VERIFY_FAULT_NAMES_H
#define RW_VERIFY_FAULT_NAMES_H

#include "base/span.h"
#include "io/address.h"
#include "io/loop.h"

struct rw_names;

enum {
    RW_NAMES_MAX = 256,
    RW_NAMES_TCP_MAX = 64,
    RW_NAME_TEXT_MAX = 253, /* RFC 1035 section 2.3.4, as text */
    RW_NAMES_REPLY_MAX = 512
};

enum rw_names_mode {
    RW_NAMES_TRUTH,
    RW_NAMES_FAIL,    /* SERVFAIL */
    RW_NAMES_UNKNOWN, /* NXDOMAIN */
    RW_NAMES_SILENT,
    RW_NAMES_LIE, /* the address of nobody: 127.255.255.254, ::2 */
};

/* ---- What it says: no sockets, no memory of its own ---- */

struct rw_names_record {
    char name[RW_NAME_TEXT_MAX + 1]; /* lower case, no dot at its end; SRV: "_http._tcp.name" */
    struct rw_address address;       /* port 0: an A or AAAA; else an SRV for `target` there */
    char target[RW_NAME_TEXT_MAX + 1];
};

struct rw_names_zone {
    struct rw_names_record *records;
    size_t count;
    uint32_t ttl_s;
};

/* The reply to one message: its length, at most RW_NAMES_REPLY_MAX; 0: none. `disturbed`: the mode
 * made it another than the truth. Any bytes may be a message. */
size_t rw_names_reply(const struct rw_names_zone *zone, enum rw_names_mode mode,
                      struct rw_span message, char *to, bool *disturbed);

/* ---- The server ---- */

struct rw_names_counts {
    uint64_t queries;
    uint64_t disturbed; /* since rw_names_disturb */
};

/* `listen`: an IPv4 or IPv6 address, port 0: the kernel's choice. RW_EADDRINUSE, RW_EACCES,
 * RW_ENOMEM, RW_ELIMIT. */
RW_MUST_CHECK enum rw_err rw_names_open(struct rw_loop *loop, const struct rw_address *listen,
                                        struct rw_names **names);
void rw_names_close(struct rw_names *names, void (*closed)(void *user), void *user);
const struct rw_address *rw_names_address(const struct rw_names *names);

/* Several addresses of one name are several records; the same twice is one. RW_EINVAL: no name;
 * RW_ELIMIT: RW_NAMES_MAX. */
RW_MUST_CHECK enum rw_err rw_names_add(struct rw_names *names, struct rw_span name,
                                       const struct rw_address *address);
/* An SRV record: `service` is at `target`, which is added by itself, and `port`. */
RW_MUST_CHECK enum rw_err rw_names_add_service(struct rw_names *names, struct rw_span service,
                                               struct rw_span target, uint16_t port);

/* RW_NAMES_TRUTH ends it. RW_EEXIST: another mode is on. */
RW_MUST_CHECK enum rw_err rw_names_disturb(struct rw_names *names, enum rw_names_mode mode);
void rw_names_count(const struct rw_names *names, struct rw_names_counts *counts);

#endif
