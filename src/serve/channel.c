#include "serve/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(RW_CHANNEL_FDS_MAX * sizeof(int))];
};

enum rw_err rw_channel_create(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return rw_err_from_errno(errno);
    return RW_OK;
}

enum rw_err rw_channel_send(int fd, const struct rw_channel_message *message, const int *fds,
                            unsigned fd_count)
{
    union control control;
    struct iovec part = {.iov_base = (void *)message, .iov_len = sizeof(*message)};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count) {
        memset(&control, 0, sizeof(control));
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *item = CMSG_FIRSTHDR(&header);
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(item), fds, fd_count * sizeof(int));
    }
    if (sendmsg(fd, &header, MSG_NOSIGNAL) < 0)
        return rw_err_from_errno(errno);
    return RW_OK;
}

static void take_fds(struct msghdr *header, int *fds, unsigned *fd_count)
{
    *fd_count = 0;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item; item = CMSG_NXTHDR(header, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS)
            continue;
        unsigned count = (unsigned)((item->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(item), count * sizeof(int));
        *fd_count = count;
    }
}

enum rw_err rw_channel_receive(int fd, int wait_ms, struct rw_channel_message *message, int *fds,
                               unsigned *fd_count)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int found;
    do {
        found = poll(&ready, 1, wait_ms);
    } while (found < 0 && errno == EINTR);
    if (found == 0)
        return RW_ETIMEDOUT;
    union control control;
    struct iovec part = {.iov_base = message, .iov_len = sizeof(*message)};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof(control.bytes)};
    ssize_t got = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
    if (got < 0)
        return rw_err_from_errno(errno);
    take_fds(&header, fds, fd_count);
    if (got != (ssize_t)sizeof(*message))
        return got == 0 ? RW_ECLOSED : RW_EPROTO;
    message->text[RW_CHANNEL_TEXT_MAX - 1] = '\0';
    return RW_OK;
}
