/* How many requests an upstream can work on at once, found out by itself.
 *
 * Little's law: an upstream that works on more requests than it can only makes them wait, which
 * shows in their latency. So the limit is moved by a gradient, that of the latency it has when
 * little is asked of it to the one it has now: the controller of Envoy's adaptive concurrency
 * filter (envoyproxy.io, "Adaptive Concurrency", gradient controller), which follows Netflix's
 * concurrency-limits (E. Landau, W. Thurston, T. Bozarth, "Performance Under Load", 2018):
 *
 *   gradient = baseline * tolerance / latency       between 1/2 and 2
 *   limit    = limit * gradient + room              to find out about more
 *
 * Where latency is all queue, it comes to rest at `tolerance` times what the upstream can work on.
 * Latencies are means over a window: means of what is asked for, whatever that is, on both sides.
 * Of what was sent under an earlier limit nothing counts, and all that is under way at once is
 * answered in a window, so that each step is judged by what it has done. A window lasts until its
 * mean is known to a fifth (its standard error): where one answer in ten takes a hundred times as
 * long, ten answers tell nothing.
 *
 * The baseline is what all depends on, and the latency at a low limit is not always that of an idle
 * upstream: a machine that is short of CPU, this one above all, makes every answer late. Three
 * things are done about it (docs/decisions/0015-limits-that-cost-no-throughput.md):
 *
 *   - while the limit is far, the baseline follows the latency, up and down;
 *   - while it is reached and does not grow, it is measured anew now and then with a fourth of the
 *     limit, as BBR does (Cardwell et al., "BBR: Congestion-Based Congestion Control", ACM Queue
 *     2016, ProbeRTT), and with a fourth of that, as long as the latency falls as the limit does:
 *     there is still a queue;
 *   - the limit goes down by three tenths at a time, and further only when the latency has gone
 *     with it. If not, there was no queue, and what the lower limit costs is throughput: the limit
 *     is as before, and that latency is the baseline.
 *
 * Pure functions; who calls them sees to it that it is one thread at a time.
 */
#ifndef RW_GATE_CLUSTER_OVERLOAD_GRADIENT_H
#define RW_GATE_CLUSTER_OVERLOAD_GRADIENT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RW_GRADIENT_WINDOW_MS = 100,      /* at least */
    RW_GRADIENT_WINDOW_MS_MAX = 5000, /* for the mean to become precise */
    RW_GRADIENT_ANSWERS_MIN = 10,
    RW_GRADIENT_ANSWERS_PRECISE = 1000, /* enough in any case */
    RW_GRADIENT_SQUARE_US2 = 64,
    RW_GRADIENT_PROBE_SOON_MS = 500, /* when the baseline is in doubt */
    RW_GRADIENT_PROBE_EVERY_MS = 10000,
    RW_GRADIENT_PROBE_SHARE = 32,    /* no more than one part in so many of all time */
    RW_GRADIENT_PROBE_MS_MAX = 1000, /* and eight times the latency */
};

struct rw_gradient_settings {
    uint32_t first, least, most; /* limits */
};

/* Zeroed, then rw_gradient_init. */
struct rw_gradient {
    double limit;
    double baseline_us;     /* 0: not known */
    double latency_us;      /* of the last window with the whole limit */
    uint64_t probe_ms;      /* since when less than the limit is in force; 0: it is not */
    uint64_t probe_ms_max;  /* at most so long */
    uint64_t next_probe_ms; /* not before */
    uint64_t stuck_ms;      /* since when the limit is reached and hardly grows; 0: it is not */
    double stuck_limit;     /* what it was then */
    double whole_limit;     /* while probing: what it was */
    double step_limit;      /* while probing: that of the step before, and its latency */
    double step_us;
    double high_limit; /* while going down: one from before, and its latency; 0: it does not */
    double high_us;
    unsigned in_vain; /* windows with a much lower limit and hardly less latency */
};

/* What was answered in a window, of what was sent in it. */
struct rw_gradient_window {
    uint64_t now_ms;
    uint64_t sum_us;
    uint64_t squares; /* sum of them, in RW_GRADIENT_SQUARE_US2 */
    uint32_t answers;
    uint32_t peak; /* the most requests at once */
};

void rw_gradient_init(struct rw_gradient *gradient, const struct rw_gradient_settings *settings);
/* Is the mean of the window's latencies known well enough to move a limit by? */
bool rw_gradient_precise(const struct rw_gradient_window *window);
/* The settings may have changed since. */
void rw_gradient_step(struct rw_gradient *gradient, const struct rw_gradient_settings *settings,
                      const struct rw_gradient_window *window);
#endif
