/* What the kernel knows of our processes, under the names that every Prometheus dashboard expects.
 * Called by the admin listener at a scrape, from any thread; reads /proc. */
#ifndef RW_WATCH_PROCESS_H
#define RW_WATCH_PROCESS_H

#include "base/err.h"
#include "base/text.h"

#include <stdint.h>
#include <sys/types.h>

struct rw_process_usage {
    double cpu_seconds; /* user and system */
    uint64_t resident_bytes;
    uint64_t open_fds, max_fds;
    double start_time_seconds; /* since 1970 */
};

/* `pid` 0: this process. RW_ENOENT when it is gone, RW_EACCES when it is another user's. */
RW_MUST_CHECK enum rw_err rw_process_read(pid_t pid, struct rw_process_usage *usage);

/* Appends process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds,
 * process_max_fds and process_start_time_seconds of the processes together (the earliest start);
 * `count` 0: of this one. Processes that are gone are passed over; when none is left, nothing is
 * appended. Resident memory that processes share is counted in each. */
void rw_process_expose(struct rw_text *text, const pid_t *pids, size_t count);

#endif
