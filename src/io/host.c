#include "io/host.h"

#include <errno.h>
#include <net/if.h>
#include <unistd.h>

bool rw_host_has_address(const struct rw_address *address)
{
    struct rw_address any_port = *address;
    int family = address->storage.ss_family;
    if (family != AF_INET && family != AF_INET6)
        return true;
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    rw_address_set_port(&any_port.storage, 0);
    bool lacking =
        bind(fd, rw_address_sockaddr(&any_port), any_port.bytes) < 0 && errno == EADDRNOTAVAIL;
    close(fd);
    return !lacking;
}

bool rw_host_has_interface(const char *name)
{
    return if_nametoindex(name) != 0;
}
