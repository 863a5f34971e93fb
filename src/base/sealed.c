#include "base/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEALS = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK };

enum rw_err rw_sealed_begin(const char *name, int *fd)
{
    *fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return *fd < 0 ? rw_err_from_errno(errno) : RW_OK;
}

enum rw_err rw_sealed_add(int fd, struct rw_span bytes)
{
    while (bytes.len > 0) {
        ssize_t wrote = write(fd, bytes.at, bytes.len);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return wrote < 0 && errno == ENOSPC ? RW_ENOMEM : rw_err_from_errno(errno);
        bytes = rw_span_skip(bytes, (size_t)wrote);
    }
    return RW_OK;
}

enum rw_err rw_sealed_end(int fd)
{
    return fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0 ? rw_err_from_errno(errno) : RW_OK;
}

enum rw_err rw_sealed_map(int fd, size_t bytes_max, struct rw_span *bytes)
{
    struct stat info;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &info) < 0 || info.st_size <= 0 ||
        (uintmax_t)info.st_size > bytes_max)
        return RW_EPROTO;
    void *at = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return rw_err_from_errno(errno);
    *bytes = rw_span(at, (size_t)info.st_size);
    return RW_OK;
}

void rw_sealed_unmap(struct rw_span bytes)
{
    if (bytes.at)
        munmap((void *)bytes.at, bytes.len);
}
