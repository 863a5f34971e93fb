/* Memory that the supervisor and all worker processes share, made before the first fork. */
#ifndef RW_SERVE_SHARED_H
#define RW_SERVE_SHARED_H

#include "base/err.h"
#include "base/text.h"
#include "io/tls.h"
#include "watch/metrics.h"

enum { RW_SERVE_THREADS_MAX = 128, RW_SERVE_PROCESSES_MAX = 128 };

struct rw_shared {
    struct rw_metrics *metrics;
    struct rw_tls_ticket_keys *ticket_keys; /* on tickets_fd, so that an upgrade keeps them */
    int tickets_fd;
    int config_fd; /* memfd: the text of the configuration in force, for a worker process that
                      starts again */
};

/* `tickets_fd`: of the program before an upgrade; -1: none. */
RW_MUST_CHECK enum rw_err rw_shared_create(struct rw_shared *shared, unsigned shards,
                                           unsigned series_max, int tickets_fd);
void rw_shared_destroy(struct rw_shared *shared);

/* The configuration in force. Empty when none was put there yet. */
RW_MUST_CHECK enum rw_err rw_shared_put_config(const struct rw_shared *shared, struct rw_span text);
RW_MUST_CHECK enum rw_err rw_shared_get_config(const struct rw_shared *shared,
                                               struct rw_text *text);

#endif
