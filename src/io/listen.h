/* Opens listening sockets: once at the start of a process, and when the configuration adds one. Any
 * thread. The descriptor then goes to rw_listener_start, perhaps in several processes. */
#ifndef RW_IO_LISTEN_H
#define RW_IO_LISTEN_H

#include "io/address.h"

enum { RW_LISTEN_BACKLOG_DEFAULT = 4096 };

struct rw_listen_options {
    int backlog;     /* 0: RW_LISTEN_BACKLOG_DEFAULT; the kernel caps it at net.core.somaxconn */
    bool reuse_port; /* several sockets on one address, the kernel spreads connections over them */
    bool dual_stack; /* an IPv6 socket takes IPv4 connections too */
    unsigned unix_mode; /* permission bits of a Unix socket's file; 0: as the umask says */
};

/* What went wrong, for a message: "cannot bind 0.0.0.0:80: Permission denied". */
struct rw_listen_failure {
    const char *step; /* "create a socket for", "set options of", "bind", "listen on", ... */
    int errno_value;
};

/* Non-blocking, close-on-exec. A Unix socket file that nobody listens on any more is removed first;
 * a live socket is RW_EADDRINUSE, a directory RW_EINVAL, any other file RW_EEXIST. RW_EACCES: a low
 * port, or the directory. `failure` may be NULL. */
RW_MUST_CHECK enum rw_err rw_listen_open(const struct rw_address *address,
                                         const struct rw_listen_options *options, int *fd,
                                         struct rw_listen_failure *failure);

/* Of the sockets that share the address of `fd` (reuse_port), the kernel gives new connections, by
 * lot, only to those with these numbers: the place of each in the order in which they began to
 * listen. Until rw_listen_steer_end at any of them, or the last of them is closed. */
enum { RW_LISTEN_STEER_MAX = 1024 };
RW_MUST_CHECK enum rw_err rw_listen_steer(int fd, const uint16_t *numbers, unsigned count);
void rw_listen_steer_end(int fd);

/* The kernel gives it no new connections any more: they go to another socket of the port, or are
 * refused. Those whose handshake has begun still come to its queue. Not to be undone; all sockets
 * that share the address have to be hidden, as the kernel chooses among them by lot. */
RW_MUST_CHECK enum rw_err rw_listen_hide(int fd);

#endif
