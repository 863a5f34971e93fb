#include "contender.h"

#include <signal.h>
#include <stddef.h>

#define RINGWAY_ROW                                                                                \
    .template_file = "ringway.yaml.in", .command = {"ringway", "serve", "@CONFIG@"},               \
    .reload_signal = SIGHUP, .upgrade_signal = SIGUSR2

const struct bench_contender bench_contenders[BENCH_ROLES] = {
    [BENCH_RINGWAY] = {.name = "ringway", RINGWAY_ROW},
    [BENCH_NGINX] = {.name = "nginx",
                     .template_file = "nginx.conf.in",
                     .command = {"nginx", "-p", "@DIR@", "-e", "@DIR@/error.log", "-c", "@CONFIG@"},
                     .reload_signal = SIGHUP,
                     /* nginx replaces its binary only when it runs as a daemon. */
                     .upgrade_signal = 0,
                     .version_command = "nginx -v 2>&1 | sed 's|^nginx version: ||'"},
    [BENCH_HAPROXY] = {.name = "haproxy",
                       .template_file = "haproxy.cfg.in",
                       .command = {"haproxy", "-W", "-f", "@CONFIG@"},
                       .reload_signal = SIGUSR2,
                       /* Its reload executes the binary anew, so it is the upgrade as well. */
                       .upgrade_signal = SIGUSR2,
                       .version_command = "haproxy -v | sed -n '1s| - .*||p'"},
    [BENCH_FLOOR] = {.name = "floor", .command = {"bench_floor", "@PORT@", "@ORIGIN_PORT@"}},
    [BENCH_BASELINE] = {.name = "baseline", RINGWAY_ROW},
    [BENCH_WRK] = {.name = "wrk",
                   .version_command = "wrk -v 2>&1 | sed -n 's/^wrk \\([^ ]*\\).*/\\1/p'"},
    [BENCH_H2LOAD] = {.name = "h2load", .version_command = "h2load --version"},
};
