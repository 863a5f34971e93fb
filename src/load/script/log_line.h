/* One line of an access log as a request that was made: Ringway's own lines of JSON, and the common
 * and combined formats of other servers. Pure but for the memory of JSON; any thread. */
#ifndef RW_LOAD_SCRIPT_LOG_LINE_H
#define RW_LOAD_SCRIPT_LOG_LINE_H

#include "base/span.h"

struct rw_load_log_line {
    int64_t time_ns;     /* since 1970 */
    bool whole_second;   /* the log has no finer time */
    char method[16];     /* NUL-terminated */
    struct rw_span path; /* with the query, in `text` */
    char text[16384];
};

/* "2026-11-20T18:39:58.123Z" (RFC 3339), as nanoseconds since 1970. */
bool rw_load_read_time(struct rw_span text, int64_t *ns);

/* False: not such a line, or of a request that cannot be made again (CONNECT, "*", what a server
 * could not parse). */
bool rw_load_log_line(struct rw_span line, struct rw_load_log_line *to);

#endif
