#include "io/listen.h"

#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* NULL for anything but a Unix socket with a file. */
static const char *unix_path(const struct rw_address *address)
{
    const struct sockaddr_un *as_unix = (const struct sockaddr_un *)&address->storage;
    bool is_file = as_unix->sun_family == AF_UNIX && as_unix->sun_path[0] != '\0';
    return is_file ? as_unix->sun_path : NULL;
}

static bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static bool set_options(int fd, int family, const struct rw_listen_options *options)
{
    if (family == AF_UNIX)
        return true;
    return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
           (!options->reuse_port || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
           (family != AF_INET6 ||
            set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !options->dual_stack)) &&
           set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/* A dead process leaves its socket file behind; connecting to it is refused. */
static bool remove_stale(const struct rw_address *address, const char *path)
{
    struct stat found;
    if (lstat(path, &found) < 0)
        return errno == ENOENT;
    errno = S_ISDIR(found.st_mode) ? EISDIR : EEXIST;
    if (!S_ISSOCK(found.st_mode))
        return false;
    errno = EADDRINUSE;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return false;
    bool dead =
        connect(probe, rw_address_sockaddr(address), address->bytes) < 0 && errno == ECONNREFUSED;
    close(probe);
    if (dead)
        return unlink(path) == 0 || errno == ENOENT;
    errno = EADDRINUSE;
    return false;
}

static const char *open_step(const struct rw_address *address,
                             const struct rw_listen_options *options, int *fd)
{
    int family = address->storage.ss_family;
    const char *path = unix_path(address);
    int backlog = options->backlog ? options->backlog : RW_LISTEN_BACKLOG_DEFAULT;
    *fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return "create a socket for";
    if (!set_options(*fd, family, options))
        return "set options of";
    if (path && !remove_stale(address, path))
        return "replace the file at";
    if (bind(*fd, rw_address_sockaddr(address), address->bytes) < 0)
        return "bind";
    if (path && options->unix_mode && chmod(path, options->unix_mode) < 0)
        return "set the mode of";
    if (listen(*fd, backlog) < 0)
        return "listen on";
    return NULL;
}

enum rw_err rw_listen_open(const struct rw_address *address,
                           const struct rw_listen_options *options, int *fd,
                           struct rw_listen_failure *failure)
{
    int made;
    const char *step = open_step(address, options, &made);
    if (!step) {
        *fd = made;
        return RW_OK;
    }
    int errno_value = errno;
    if (made >= 0)
        close(made);
    if (failure)
        *failure = (struct rw_listen_failure){.step = step, .errno_value = errno_value};
    return rw_err_from_errno(errno_value);
}

/* A lot, then for each outcome but the last "is it this one, then that number". */
enum rw_err rw_listen_steer(int fd, const uint16_t *numbers, unsigned count)
{
    struct sock_filter code[2 * RW_LISTEN_STEER_MAX + 1];
    unsigned short len = 0;
    rw_assert(count > 0 && count <= RW_LISTEN_STEER_MAX);
    code[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                               (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM));
    code[len++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count);
    for (unsigned i = 0; i + 1 < count; i++) {
        code[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i, 0, 1);
        code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, numbers[i]);
    }
    code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, numbers[count - 1]);
    struct sock_fprog program = {.len = len, .filter = code};
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) < 0)
        return rw_err_from_errno(errno);
    return RW_OK;
}

void rw_listen_steer_end(int fd)
{
    int unused = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &unused, sizeof(unused));
}

/* It is bound to an interface that there is not, where no packet comes from; a socket that was
 * bound to none needs no privilege for it (since Linux 5.7). A handshake that has begun is found by
 * its addresses, and remembers what its listener was bound to then. */
enum rw_err rw_listen_hide(int fd)
{
    return set_option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, INT_MAX) ? RW_OK : rw_err_from_errno(errno);
}
