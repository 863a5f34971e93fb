/* The error log: one JSON object a line, to standard error or a file.
 *
 * Any thread may log. Lines are written by one write(2) each. Where a peer can cause a line, the
 * caller uses rw_log_limited, so that an attacker cannot fill the disk: at most `RW_LOG_BURST`
 * lines a second per call site, the rest counted and told in the next line. A secret never goes
 * into a log.
 */
#ifndef RW_BASE_LOG_H
#define RW_BASE_LOG_H

#include "base/err.h"
#include "base/span.h"

#include <stdatomic.h>
#include <stdint.h>

enum rw_log_level { RW_LOG_DEBUG, RW_LOG_INFO, RW_LOG_WARN, RW_LOG_ERROR };

enum { RW_LOG_BURST = 20 };

/* What one call site has spent of its budget. */
struct rw_log_site {
    _Atomic uint64_t second;
    _Atomic uint32_t lines;
    _Atomic uint32_t dropped;
};

/* Level below which nothing is written; RW_LOG_INFO at start. */
void rw_log_set_level(enum rw_log_level level);

/* Where lines go from now on: a descriptor that stays the caller's. 2 at start. */
void rw_log_set_fd(int fd);

/* `component` is a short name (listener, tls, config...); the message follows printf. */
void rw_log_at(enum rw_log_level level, const char *component, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void rw_log_site_at(struct rw_log_site *site, enum rw_log_level level, const char *component,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

#define rw_log_info(...) rw_log_at(RW_LOG_INFO, __VA_ARGS__)
#define rw_log_warn(...) rw_log_at(RW_LOG_WARN, __VA_ARGS__)
#define rw_log_error(...) rw_log_at(RW_LOG_ERROR, __VA_ARGS__)

#define rw_log_limited(level, ...)                                                                 \
    do {                                                                                           \
        static struct rw_log_site site_;                                                           \
        rw_log_site_at(&site_, level, __VA_ARGS__);                                                \
    } while (0)

/* "debug", "info", "warn", "error". */
const char *rw_log_level_name(enum rw_log_level level);

#endif
