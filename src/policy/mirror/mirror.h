/* The policy `mirror`: sends a copy of a route's requests to another upstream, the shadow, and
 * compares what it answers with what the client got.
 *
 *   client -- exchange -- origin          the client's own way: nothing here waits, or fails it
 *                 |  taps (filters that only observe)
 *                job -- shadow exchange -- the shadow's upstream
 *
 * on_request draws whether the request is one, makes a job with a copy of its head, and taps its
 * body. Once the request is whole the job begins an exchange of its own (x->shadow), which has the
 * upstream origin, a front that keeps the answer in place of a client, and no policies.
 * on_response taps the client's answer. When both answers are there, or the job's time is over,
 * they are compared, counted, and the job ends. Jobs are bounded in number, bytes and time; what is
 * over that is counted and let go. All on the worker's thread, in turns of its own: never inside
 * the client's exchange but for copying bytes.
 */
#ifndef RW_POLICY_MIRROR_MIRROR_H
#define RW_POLICY_MIRROR_MIRROR_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_mirror;

struct rw_metrics;
struct rw_samples;

/* The migration check of all mirrors of a configuration: a JSON array with what was counted, and
 * samples of what differed. */
void rw_mirrors_describe(const struct rw_snapshot *snapshot, const struct rw_metrics *metrics,
                         struct rw_samples *samples, struct rw_text *json);
/* The same for people: a page that stands for itself, or Markdown, with what the counts mean.
 * Errors are in text->err. */
enum rw_mirrors_form { RW_MIRRORS_HTML, RW_MIRRORS_MARKDOWN };
void rw_mirrors_report(const struct rw_snapshot *snapshot, const struct rw_metrics *metrics,
                       struct rw_samples *samples, enum rw_mirrors_form form, uint64_t wall_ns,
                       struct rw_text *text);

#endif
