/* What a TCP connection asks of the kernel beyond the defaults, and what the kernel has to tell of
 * its path. Sources: tcp(7), socket(7); TCP_USER_TIMEOUT is RFC 5482's, keep-alive RFC 9293 section
 * 3.8.4's. Any thread.
 */
#ifndef RW_IO_SOCKET_OPTIONS_H
#define RW_IO_SOCKET_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RW_CONGESTION_BYTES_MAX = 15, /* TCP_CA_NAME_MAX, without the zero */
    RW_INTERFACE_BYTES_MAX = 15,  /* IFNAMSIZ, without the zero */
};

struct rw_stream;

struct rw_socket_options {
    char congestion[RW_CONGESTION_BYTES_MAX + 1]; /* algorithm; "": the system's */
    char interface[RW_INTERFACE_BYTES_MAX + 1];   /* "": by the routing table */
    uint32_t user_timeout_ms;                     /* 0: the system's */
    uint32_t keepalive_idle_s, keepalive_interval_s, keepalive_probes; /* idle 0: no keep-alive */
};

/* Before the socket connects. RW_ENOENT: no such interface; RW_EACCES: not allowed. An algorithm
 * that the kernel has lost since it was checked is passed over. */
RW_MUST_CHECK enum rw_err rw_socket_set_options(int fd, const struct rw_socket_options *options);

/* Can the kernel do it for this program? RW_ENOENT: it has no such algorithm; RW_EACCES: it is not
 * allowed. `list` gets the algorithms that there are, or that are allowed: "reno cubic". */
RW_MUST_CHECK enum rw_err rw_socket_check_congestion(const char *congestion, char list[256]);

/* What the kernel has measured of a connection. */
struct rw_socket_path {
    uint32_t rtt_us;                /* smoothed (RFC 6298) */
    uint32_t segments, retransmits; /* of data, since it began */
};

/* False: nothing yet, not TCP, or a simulation. */
bool rw_stream_path(const struct rw_stream *stream, struct rw_socket_path *path);

#endif
