/* How many requests an upstream can work on at once, found out by itself.
 *
 * Little's law: an upstream that works on more requests than it can only makes them wait, which
 * shows in their latency. So the limit is moved by a gradient, that of the latency it has when
 * little is asked of it to the one it has now: the controller of Envoy's adaptive concurrency
 * filter (envoyproxy.io, "Adaptive Concurrency", gradient controller), which follows Netflix's
 * concurrency-limits (E. Landau, W. Thurston, T. Bozarth, "Performance Under Load", 2018):
 *
 *   gradient = baseline * (1 + tolerance) / latency       between 1/2 and 2
 *   limit    = limit * gradient + sqrt(limit * gradient)  room for a queue, to find out about more
 *
 * Latencies are means over a window: means of what is asked for, whatever that is, on both sides.
 * The baseline follows the latency while the limit is far; while it is always reached, the baseline
 * is measured anew now and then with a fourth of the limit, for some answers (as BBR does: Cardwell
 * et al., "BBR: Congestion-Based Congestion Control", ACM Queue 2016, ProbeRTT).
 *
 * Pure functions; who calls them sees to it that it is one thread at a time.
 */
#ifndef RW_GATE_CLUSTER_OVERLOAD_GRADIENT_H
#define RW_GATE_CLUSTER_OVERLOAD_GRADIENT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RW_GRADIENT_WINDOW_MS = 100, /* at least */
    RW_GRADIENT_ANSWERS_MIN = 10,
    RW_GRADIENT_PROBE_FIRST_MS = 1000, /* after the limit was first reached */
    RW_GRADIENT_PROBE_EVERY_MS = 30000,
    RW_GRADIENT_PROBE_MS_MAX = 1000,
};

struct rw_gradient_settings {
    uint32_t first, least, most; /* limits */
};

/* Zeroed, then rw_gradient_init. */
struct rw_gradient {
    double limit;
    double baseline_us;     /* 0: not known */
    uint64_t probe_ms;      /* since when a fourth of the limit is in force; 0: it is not */
    uint64_t next_probe_ms; /* 0: the limit was never reached */
    double whole_limit;     /* while probing: what it was */
};

/* What was answered in a window; while probing: of requests that were sent since. */
struct rw_gradient_window {
    uint64_t now_ms;
    uint64_t sum_us;
    uint32_t answers;
    uint32_t peak; /* the most requests at once */
};

void rw_gradient_init(struct rw_gradient *gradient, const struct rw_gradient_settings *settings);
/* The settings may have changed since. */
void rw_gradient_step(struct rw_gradient *gradient, const struct rw_gradient_settings *settings,
                      const struct rw_gradient_window *window);

#endif
