/* Socket calls that the epoll and io_uring backends share. */
#include "io/backend.h"
#include "io/socket_options.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

enum { ACCEPTS_PER_TURN = 64 };

void rw_socket_reset_at_close(int fd)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void rw_socket_refuse(struct rw_listener *listener, int fd)
{
    (void)listener;
    close(fd);
}

enum rw_err rw_socket_error(int fd)
{
    int errno_value = 0;
    socklen_t bytes = sizeof(errno_value);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errno_value, &bytes) < 0)
        errno_value = errno;
    return rw_err_from_errno(errno_value);
}

static void set_client_options(int fd, const struct rw_connect_options *options)
{
    int one = 1;
    int family = options->address->sa_family;
    if (family != AF_INET && family != AF_INET6)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    /* With a source address the port is chosen at connect, when the whole 4-tuple is known. */
    if (options->source)
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
}

enum rw_err rw_socket_create(const struct rw_connect_options *options, int *fd)
{
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int made = socket(options->address->sa_family, type, 0);
    if (made < 0)
        return rw_err_from_errno(errno);
    set_client_options(made, options);
    enum rw_err err = RW_OK;
    if (options->socket && options->address->sa_family != AF_UNIX)
        err = rw_socket_set_options(made, options->socket);
    if (!err && options->source && bind(made, options->source, options->source_bytes) < 0)
        err = errno == EADDRNOTAVAIL ? RW_ENOENT : rw_err_from_errno(errno);
    if (err)
        close(made);
    else
        *fd = made;
    return err;
}

enum rw_err rw_socket_address(int fd, bool peer, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof(*address));
    socklen_t bytes = sizeof(*address);
    int result = peer ? getpeername(fd, (struct sockaddr *)address, &bytes)
                      : getsockname(fd, (struct sockaddr *)address, &bytes);
    return result < 0 ? rw_err_from_errno(errno) : RW_OK;
}

enum rw_err rw_socket_connect_error(int errno_value)
{
    /* A Unix socket says so when the listener's queue is full. */
    return errno_value == EAGAIN ? RW_EREFUSED : rw_err_from_errno(errno_value);
}

bool rw_socket_accept_again(int errno_value)
{
    switch (errno_value) {
    case EINTR:
    case ECONNABORTED:
    case EPERM: /* a firewall rule */
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case ENONET:
    case EOPNOTSUPP:
    case ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

size_t rw_parts_bytes(const struct iovec *parts, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += parts[i].iov_len;
    return bytes;
}

void rw_parts_set(struct rw_parts *rest, const struct iovec *parts, int count, size_t skip)
{
    int kept = 0;
    for (int i = 0; i < count; i++) {
        if (skip >= parts[i].iov_len) {
            skip -= parts[i].iov_len;
            continue;
        }
        rest->parts[kept].iov_base = (char *)parts[i].iov_base + skip;
        rest->parts[kept++].iov_len = parts[i].iov_len - skip;
        skip = 0;
    }
    rest->count = kept;
}

ssize_t rw_socket_send(int fd, const struct iovec *parts, int count)
{
    ssize_t sent;
    do {
        if (count == 1) {
            sent = send(fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
        } else {
            struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
            sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
    } while (sent < 0 && errno == EINTR);
    return sent;
}

int rw_listener_accept(struct rw_listener_state *state)
{
    struct rw_listener *listener = state->listener;
    for (int i = 0; i < ACCEPTS_PER_TURN && listener->backend == state; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t bytes = sizeof(peer);
        int fd =
            accept4(listener->fd, (struct sockaddr *)&peer, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            listener->on_accept(listener, fd, &peer);
        else if (!rw_socket_accept_again(errno))
            return errno == EWOULDBLOCK ? EAGAIN : errno;
    }
    return 0;
}
