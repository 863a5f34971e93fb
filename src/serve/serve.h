/* `ringway serve`: the supervisor, its worker processes, and what they share.
 *
 *   supervisor (one, small, single thread)
 *     owns the listening sockets, forks the worker processes, forks a dead one anew, passes signals
 * on, and replaces itself by the program on disk when asked (same process id) worker process
 * (--processes N, default 1) control thread (the main one): configuration, reload, DNS, health
 * probes, admin API worker threads (gate/worker.h), one loop each
 */
#ifndef RW_SERVE_SERVE_H
#define RW_SERVE_SERVE_H

#include <stdbool.h>

struct rw_serve_options {
    const char *config_path;
    unsigned processes; /* at least 1 */
    char **argv;        /* as given to main: for the upgrade */
};

/* Exit codes: 0 drained in order; 2 the configuration is wrong, or an address cannot be had; 1
 * anything else. */
int rw_serve(const struct rw_serve_options *options);

#endif
