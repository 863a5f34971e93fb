/* Memory that the supervisor and all worker processes share, made before the first fork. */
#ifndef RW_SERVE_SHARED_H
#define RW_SERVE_SHARED_H

#include "base/err.h"
#include "base/text.h"
#include "gate/limit/meter.h"
#include "gate/release/state.h"
#include "io/tls.h"
#include "watch/metrics.h"
#include "watch/samples.h"

enum { RW_SERVE_THREADS_MAX = 128, RW_SERVE_PROCESSES_MAX = 128 };

struct rw_shared {
    struct rw_metrics *metrics;
    struct rw_samples *samples;
    struct rw_tls_ticket_keys *ticket_keys;   /* on tickets_fd, so that an upgrade keeps them */
    struct rw_meters *meters;                 /* on meters_fd: an upgrade keeps them too */
    struct rw_release_states *release_states; /* on releases_fd, too */
    int tickets_fd, meters_fd, releases_fd, quotas_fd; /* -1: none */
};

/* What outlives the program at an upgrade. */
struct rw_shared_fds {
    int tickets, meters, releases, quotas;
};

struct rw_shared_options {
    unsigned shards, series_max; /* of the metrics */
    unsigned limit_keys_max;     /* of the meters */
    const char *quota_file;      /* NULL: none */
    struct rw_text *quota_flaw;  /* gets why it cannot be used; that is an error without `old` */
    struct rw_shared_fds old;    /* of the program before an upgrade; -1: none */
};

RW_MUST_CHECK enum rw_err rw_shared_create(const struct rw_shared_options *options,
                                           struct rw_shared *shared);
void rw_shared_destroy(struct rw_shared *shared);

#endif
