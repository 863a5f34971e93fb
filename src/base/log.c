#include "base/log.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { MESSAGE_BYTES_MAX = 1024 };

static _Atomic int least_level = RW_LOG_INFO;
static _Atomic int log_fd = 2;

void rw_log_set_level(enum rw_log_level level)
{
    atomic_store(&least_level, (int)level);
}

void rw_log_set_fd(int fd)
{
    atomic_store(&log_fd, fd);
}

const char *rw_log_level_name(enum rw_log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return names[level];
}

static void write_line(enum rw_log_level level, const char *component, uint32_t dropped,
                       const char *format, va_list args)
{
    char message[MESSAGE_BYTES_MAX];
    vsnprintf(message, sizeof(message), format, args);
    char when[24];
    rw_clock_format_rfc3339(when, rw_clock_wall_ns());
    struct rw_text line = {0};
    rw_text_addf(&line, "{\"time\":\"%.24s\",\"level\":\"%s\",\"component\":\"%s\",", when,
                 rw_log_level_name(level), component);
    if (dropped)
        rw_text_addf(&line, "\"similar_dropped\":%u,", dropped);
    rw_text_adds(&line, "\"message\":");
    rw_text_add_json(&line, rw_span_text(message));
    rw_text_adds(&line, "}\n");
    /* A log that cannot be written must not stop the traffic. */
    if (!line.err && write(atomic_load(&log_fd), line.at, line.len) < 0)
        (void)0;
    rw_text_free(&line);
}

void rw_log_at(enum rw_log_level level, const char *component, const char *format, ...)
{
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
        return;
    va_list args;
    va_start(args, format);
    write_line(level, component, 0, format, args);
    va_end(args);
}

void rw_log_site_at(struct rw_log_site *site, enum rw_log_level level, const char *component,
                    const char *format, ...)
{
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
        return;
    uint64_t second = rw_clock_monotonic_ns() / RW_NS_PER_S;
    if (atomic_exchange(&site->second, second) != second)
        atomic_store(&site->lines, 0);
    if (atomic_fetch_add(&site->lines, 1) >= RW_LOG_BURST) {
        atomic_fetch_add(&site->dropped, 1);
        return;
    }
    va_list args;
    va_start(args, format);
    write_line(level, component, atomic_exchange(&site->dropped, 0), format, args);
    va_end(args);
}
