/* A load run: processes and threads, their common begin, their sum.
 *
 * What the threads leave behind lies in one piece of shared memory, so processes (for more
 * connections than one has descriptors) are added up as exactly as threads are.
 *
 * rw_load_run blocks. Meanwhile it calls `progress` about four times a second on the caller's
 * thread. rw_load_stop (any thread, signal handlers) ends it early; what was measured until then
 * counts.
 */
#ifndef RW_LOAD_RUN_H
#define RW_LOAD_RUN_H

#include "load/generator.h"
#include "load/settings.h"
#include "load/tally.h"
#include "load/timeline.h"

struct rw_load_shared;

struct rw_load_progress {
    double seconds; /* since the begin; below 0: connections are being opened */
    uint32_t connected;
    size_t rows;                       /* finished seconds */
    struct rw_timeline_row row;        /* the last of them */
    const struct rw_timeline_row *all; /* of them; as long as the run goes on */
};

enum { RW_LOAD_BEGAN_BYTES = 25 };

struct rw_load_result {
    struct rw_load_tally tally;
    const struct rw_timeline *timeline;
    /* With a script, of all threads: of each request, of each check. NULL without. */
    const struct rw_load_step_tally *steps;
    const struct rw_load_check_count *checks;
    double seconds;                  /* that were measured */
    char began[RW_LOAD_BEGAN_BYTES]; /* "2026-01-31T23:59:59.123Z"; "": not known */
    bool interrupted;
    char why[256]; /* the first reason why a connection could not be had; "" for none */
    struct rw_load_shared *shared;
};

struct rw_load_run {
    const struct rw_load_settings *settings;
    void (*progress)(const struct rw_load_progress *progress, void *user);
    void *user;
    _Atomic bool stop;
};

/* RW_EREFUSED: the connections could not all be had in time (result->why); nothing was sent.
 * RW_ENOMEM, RW_ELIMIT (threads, processes), RW_EIO (a process died). The result is the caller's
 * to close in any case. */
RW_MUST_CHECK enum rw_err rw_load_run(struct rw_load_run *run, struct rw_load_result *result);
void rw_load_stop(struct rw_load_run *run);
void rw_load_result_close(struct rw_load_result *result);

/* ---- What the figures are worth ---- */

enum rw_load_verdict {
    RW_LOAD_SOUND,
    RW_LOAD_GENERATOR_LATE,   /* the generator was the bottleneck: it sent late */
    RW_LOAD_GENERATOR_BUSY,   /* it was: as fast as answers could be read, so fast it asked */
    RW_LOAD_CONNECTIONS_BUSY, /* requests waited for a free connection */
    RW_LOAD_NOTHING_ANSWERED
};

/* Of the time from begin to end: so much of it the threads ran, or waited for a processor. */
double rw_load_busy_share(const struct rw_load_settings *settings,
                          const struct rw_load_result *result);

enum rw_load_verdict rw_load_judge(const struct rw_load_settings *settings,
                                   const struct rw_load_result *result);

#endif
