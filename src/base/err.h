/* The one error type, and the assertion that stays on in release.
 *
 * A function that can fail returns enum rw_err; zero is success; results go by out-parameter.
 * Data from a peer is checked and turned into an error; rw_assert is for what cannot happen.
 */
#ifndef RW_BASE_ERR_H
#define RW_BASE_ERR_H

#define RW_ERRS(X)                                                                                 \
    X(RW_OK, "ok")                                                                                 \
    X(RW_ENOMEM, "out of memory")                                                                  \
    X(RW_ELIMIT, "limit reached")                                                                  \
    X(RW_EINVAL, "invalid value")                                                                  \
    X(RW_ENOENT, "not found")                                                                      \
    X(RW_EEXIST, "already exists")                                                                 \
    X(RW_ECLOSED, "closed by peer")                                                                \
    X(RW_ERESET, "connection reset")                                                               \
    X(RW_EREFUSED, "connection refused")                                                           \
    X(RW_EUNREACHABLE, "unreachable")                                                              \
    X(RW_ETIMEDOUT, "timed out")                                                                   \
    X(RW_ECANCELED, "canceled")                                                                    \
    X(RW_EADDRINUSE, "address in use")                                                             \
    X(RW_EACCES, "permission denied")                                                              \
    X(RW_EPROTO, "protocol error")                                                                 \
    X(RW_ETLS, "TLS failure")                                                                      \
    X(RW_EVERIFY, "certificate not trusted")                                                       \
    X(RW_EDNS, "name resolution failed")                                                           \
    X(RW_EUNSUPPORTED, "not supported")                                                            \
    X(RW_ENOSPC, "no space left")                                                                  \
    X(RW_EIO, "input/output error")

enum rw_err {
#define RW_ERR_ENUM(name, text) name,
    RW_ERRS(RW_ERR_ENUM)
#undef RW_ERR_ENUM
        RW_ERR_COUNT
};

#define RW_MUST_CHECK __attribute__((warn_unused_result))

/* A static, human-readable text. */
const char *rw_err_text(enum rw_err err);

/* The nearest error for an errno value; RW_EIO where none is near. */
enum rw_err rw_err_from_errno(int errno_value);

_Noreturn void rw_assert_failed(const char *what, const char *file, int line);

#define rw_assert(condition)                                                                       \
    (__builtin_expect(!!(condition), 1) ? (void)0                                                  \
                                        : rw_assert_failed(#condition, __FILE__, __LINE__))

#endif
