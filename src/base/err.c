#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const char *rw_err_text(enum rw_err err)
{
    static const char *const texts[] = {
#define RW_ERR_TEXT(name, text) text,
        RW_ERRS(RW_ERR_TEXT)
#undef RW_ERR_TEXT
    };
    return (unsigned)err < RW_ERR_COUNT ? texts[err] : "unknown error";
}

enum rw_err rw_err_from_errno(int errno_value)
{
    switch (errno_value) {
    case 0:
        return RW_OK;
    case ENOMEM:
    case ENOBUFS:
        return RW_ENOMEM;
    case EMFILE:
    case ENFILE:
        return RW_ELIMIT;
    case EINVAL:
    case EISDIR:
        return RW_EINVAL;
    case ENOENT:
    case ENOTDIR:
        return RW_ENOENT;
    case EEXIST:
        return RW_EEXIST;
    case EPIPE:
        return RW_ECLOSED;
    case ECONNRESET:
    case ECONNABORTED:
        return RW_ERESET;
    case ECONNREFUSED:
        return RW_EREFUSED;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
        return RW_EUNREACHABLE;
    case ETIMEDOUT:
        return RW_ETIMEDOUT;
    case ECANCELED:
        return RW_ECANCELED;
    case EADDRINUSE:
        return RW_EADDRINUSE;
    case ENOSPC:
    case EDQUOT:
        return RW_ENOSPC;
    case EACCES:
    case EPERM:
        return RW_EACCES;
    case ENOSYS:
    case EOPNOTSUPP:
        return RW_EUNSUPPORTED;
    default:
        return RW_EIO;
    }
}

void rw_assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "ringway: assertion failed: %s (%s:%d)\n", what, file, line);
    abort();
}
