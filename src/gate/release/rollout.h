/* Rollouts: bring a release's new version in by stages, by what is counted of it and of the version
 * beside it (gate/release/judge.h), or by hand.
 *
 * The control thread of the first process has one object for all rollouts of the configuration in
 * force. It looks at them once a second, writes what it decides into the shared state
 * (gate/release/state.h), which is what workers follow, and says so in the log; the admin API shows
 * and changes them. The counters are those of all processes. What a stage has counted so far is
 * this object's: it outlives a reload; after a restart of the process the stage's time and counts
 * begin anew, its share does not.
 */
#ifndef RW_GATE_RELEASE_ROLLOUT_H
#define RW_GATE_RELEASE_ROLLOUT_H

#include "base/text.h"
#include "gate/release/release.h"
#include "io/loop.h"

struct rw_metrics;
struct rw_rollouts;

struct rw_rollouts_options {
    struct rw_loop *loop; /* whose timer looks; NULL: the caller does, by rw_rollouts_look */
    struct rw_metrics *metrics;
};

struct rw_rollouts_time {
    uint64_t now_ms; /* monotonic */
    uint64_t wall_s; /* since 1970 */
};

RW_MUST_CHECK enum rw_err rw_rollouts_create(const struct rw_rollouts_options *options,
                                             struct rw_rollouts **rollouts);
/* NULL is fine. */
void rw_rollouts_destroy(struct rw_rollouts *rollouts);

/* A new configuration is in force: its releases (a list, by `next`), which stay the caller's and
 * live until the next call. */
void rw_rollouts_adopt(struct rw_rollouts *rollouts, struct rw_release *releases);

void rw_rollouts_look(struct rw_rollouts *rollouts, const struct rw_rollouts_time *now);

/* By hand: "promote" to the next stage, "rollback" to nothing, "pause", "resume", "restart" from
 * the first stage. RW_ENOENT: no such route, or it has no rollout, or no such action; RW_EINVAL:
 * not as things are. `why` is for people, also of what was done. */
RW_MUST_CHECK enum rw_err rw_rollouts_act(struct rw_rollouts *rollouts, struct rw_span route,
                                          struct rw_span action, const struct rw_rollouts_time *now,
                                          struct rw_text *why);

/* All releases and their rollouts: a JSON array. */
void rw_rollouts_describe(const struct rw_rollouts *rollouts, const struct rw_rollouts_time *now,
                          struct rw_text *json);
/* Gauges for the scrape: shares, phases. */
void rw_rollouts_expose(const struct rw_rollouts *rollouts, struct rw_text *text);

/* A loop's time. */
struct rw_rollouts_time rw_rollouts_now(struct rw_loop *loop);

#endif
