#include "io/descriptors.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>

enum rw_err rw_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return rw_err_from_errno(errno);
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? RW_OK : rw_err_from_errno(errno);
}

int rw_descriptors_half(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    return limit.rlim_cur / 2 < INT_MAX ? (int)(limit.rlim_cur / 2) : INT_MAX;
}
