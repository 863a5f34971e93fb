#include "io/socket_options.h"

#include "io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static bool set_int(int fd, int level, int option, uint32_t value)
{
    int number = (int)value;
    return setsockopt(fd, level, option, &number, sizeof(number)) == 0;
}

static bool set_text(int fd, int level, int option, const char *text)
{
    return setsockopt(fd, level, option, text, (socklen_t)strlen(text)) == 0;
}

static void set_keepalive(int fd, const struct rw_socket_options *options)
{
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, options->keepalive_idle_s);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, options->keepalive_interval_s);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, options->keepalive_probes);
}

enum rw_err rw_socket_set_options(int fd, const struct rw_socket_options *options)
{
    if (options->interface[0] && !set_text(fd, SOL_SOCKET, SO_BINDTODEVICE, options->interface))
        return errno == ENODEV ? RW_ENOENT : rw_err_from_errno(errno);
    if (options->congestion[0])
        (void)set_text(fd, IPPROTO_TCP, TCP_CONGESTION, options->congestion);
    if (options->user_timeout_ms)
        set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options->user_timeout_ms);
    if (options->keepalive_idle_s)
        set_keepalive(fd, options);
    return RW_OK;
}

/* ---- Is there such an algorithm? ---- */

static void read_list(const char *path, char list[256])
{
    ssize_t bytes = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        bytes = read(fd, list, 255);
        close(fd);
    }
    while (bytes > 0 && list[bytes - 1] == '\n')
        bytes--;
    list[bytes > 0 ? bytes : 0] = '\0';
}

/* Asking for one also loads its module, where that is allowed. */
enum rw_err rw_socket_check_congestion(const char *congestion, char list[256])
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    list[0] = '\0';
    if (fd < 0)
        return rw_err_from_errno(errno);
    bool set = set_text(fd, IPPROTO_TCP, TCP_CONGESTION, congestion);
    int errno_value = errno;
    close(fd);
    if (set)
        return RW_OK;
    bool allowed = errno_value != EPERM;
    read_list(allowed ? "/proc/sys/net/ipv4/tcp_available_congestion_control"
                      : "/proc/sys/net/ipv4/tcp_allowed_congestion_control",
              list);
    return allowed ? RW_ENOENT : RW_EACCES;
}

/* ---- The path ---- */

/* Older kernels tell less: what is missing is zero. */
bool rw_stream_path(const struct rw_stream *stream, struct rw_socket_path *path)
{
    struct tcp_info info;
    socklen_t bytes = sizeof(info);
    int fd = rw_stream_fd(stream);
    memset(&info, 0, sizeof(info));
    if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0 || !info.tcpi_rtt)
        return false;
    *path = (struct rw_socket_path){
        .rtt_us = info.tcpi_rtt,
        .segments = info.tcpi_data_segs_out,
        .retransmits = info.tcpi_total_retrans,
    };
    return true;
}
