/* The supervisor's listening sockets. It keeps every one open while the configuration has the
 * listener: so nothing that waits in a backlog is lost when a worker process dies, or when the
 * program is replaced.
 *
 * Each thread of each process has a TCP socket of its own (SO_REUSEPORT); a Unix socket is one,
 * shared by all. */
#ifndef RW_SERVE_SOCKETS_H
#define RW_SERVE_SOCKETS_H

#include "base/err.h"
#include "base/text.h"

struct rw_socket {
    char *address;
    unsigned process, thread; /* whose; a Unix socket: 0, 0 */
    int fd;
};

struct rw_sockets {
    struct rw_socket *items;
    size_t count, room;
};

/* Opens or finds the sockets for `count` threads of a process. On error all is as before, and `why`
 * says what failed. */
RW_MUST_CHECK enum rw_err rw_sockets_open(struct rw_sockets *sockets, const char *address,
                                          int backlog, unsigned process, unsigned count, int *fds,
                                          char *why, size_t why_room);
/* A process has no listener there any more. */
void rw_sockets_release(struct rw_sockets *sockets, const char *address, unsigned process);
void rw_sockets_close(struct rw_sockets *sockets);

/* For the next program: "fd,process,thread,address" a line; the descriptors survive exec from now
 * on (or not). */
void rw_sockets_write(const struct rw_sockets *sockets, struct rw_text *text);
void rw_sockets_keep_on_exec(const struct rw_sockets *sockets, bool keep);
RW_MUST_CHECK enum rw_err rw_sockets_read(struct rw_sockets *sockets, struct rw_span text);

#endif
