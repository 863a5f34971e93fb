#include "verify/fault/memory_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum rw_err rw_memory_file(const char *name, struct rw_span bytes, bool inherited, int *fd)
{
    *fd = memfd_create(name, inherited ? 0 : MFD_CLOEXEC);
    if (*fd < 0)
        return rw_err_from_errno(errno);
    if (write(*fd, bytes.at, bytes.len) == (ssize_t)bytes.len)
        return RW_OK;
    close(*fd);
    *fd = -1;
    return RW_EIO;
}

void rw_memory_file_path(int fd, char path[RW_MEMORY_PATH_BYTES])
{
    snprintf(path, RW_MEMORY_PATH_BYTES, "/proc/self/fd/%d", fd);
}
