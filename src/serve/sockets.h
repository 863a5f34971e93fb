/* The supervisor's listening sockets. It keeps every one open while the configuration has the
 * listener: so nothing that waits in a backlog is lost when a worker process dies, or when the
 * program is replaced.
 *
 * Each thread of each process has a TCP socket of its own (SO_REUSEPORT); a Unix socket is one,
 * shared by all.
 *
 * A new program may want fewer sockets than the old one had (fewer threads, a listener less), and a
 * worker process that starts again fewer than the one that died in the middle of a reload. Nobody
 * would accept what the kernel puts into the queue of such a socket. So, once all processes are
 * ready: rw_sockets_steer, RW_SOCKETS_RETIRE_MS in which the old processes accept what was on its
 * way, rw_sockets_sweep, and rw_sockets_steer again when the old processes have gone.
 *
 * A reload that takes a listener away, perhaps to put one on the same port elsewhere (":80" to
 * "10.0.0.1:80"), must lose nothing of what was on its way either: closing a socket resets what is
 * in its queue. So each process retires its sockets (rw_sockets_retire): new connections go to the
 * other processes, and once all have, to nobody (rw_listen_hide); the process accepts the rest for
 * a moment, closes its own descriptors and releases the sockets (rw_sockets_release). Should the
 * address come back meanwhile, it has sockets anew. */
#ifndef RW_SERVE_SOCKETS_H
#define RW_SERVE_SOCKETS_H

#include "base/err.h"
#include "base/text.h"

struct rw_socket {
    char *address;
    unsigned process, thread; /* whose; a Unix socket: 0, 0 */
    int fd;
    bool wanted;  /* somebody has asked for it, and lives */
    bool retired; /* not wanted any more, and closed when its process has done so */
    bool hidden;  /* ... and the kernel knows */
};

/* A handshake that had begun is done by then. */
enum { RW_SOCKETS_RETIRE_MS = 1000 };

struct rw_sockets {
    struct rw_socket *items;
    size_t count, room;
};

/* Opens or finds the sockets for `count` threads of a process. On error all is as before, and `why`
 * says what failed. */
RW_MUST_CHECK enum rw_err rw_sockets_open(struct rw_sockets *sockets, const char *address,
                                          int backlog, unsigned process, unsigned count, int *fds,
                                          char *why, size_t why_room);
/* A process has no listener there any more, and is about to stop accepting. A Unix socket, where
 * nothing is ever on its way, is closed. */
void rw_sockets_retire(struct rw_sockets *sockets, const char *address, unsigned process);
/* It has: what it has retired is closed. */
void rw_sockets_release(struct rw_sockets *sockets, const char *address, unsigned process);
/* The process has died: it wants none, until it asks again. */
void rw_sockets_disown(struct rw_sockets *sockets, unsigned process);
/* From now on the kernel gives new connections to wanted sockets only, where an address has others,
 * too. True: there are unwanted ones. */
bool rw_sockets_steer(const struct rw_sockets *sockets);
/* Closes those that nobody wants. */
void rw_sockets_sweep(struct rw_sockets *sockets);
/* New connections are refused from now on, what is on its way still comes. */
void rw_sockets_hide(struct rw_sockets *sockets);
void rw_sockets_close(struct rw_sockets *sockets);

/* For the next program: "fd,process,thread,address" a line; the descriptors survive exec from now
 * on (or not). */
void rw_sockets_write(const struct rw_sockets *sockets, struct rw_text *text);
void rw_sockets_keep_on_exec(const struct rw_sockets *sockets, bool keep);
RW_MUST_CHECK enum rw_err rw_sockets_read(struct rw_sockets *sockets, struct rw_span text);

#endif
