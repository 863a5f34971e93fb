/* The cases of the bench: one table in cases.c. A later capability adds a row; only a new kind of
 * measurement needs code (a function of the bench_measure type, in a file of its own).
 */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include "laboratory.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

struct bench_case {
    const char *name;
    const char *unit;
    const char *about; /* for RESULTS.md: what is done and counted */
    bool lower_is_better;
    unsigned roles; /* bits of enum bench_role that take part */
    bench_measure *measure;

    const char *client_mode;
    unsigned connections;
    unsigned rate;
    unsigned streams; /* HTTP/2 with so many requests at once on a connection; 0: HTTP/1.1 */
    bool origin_h2;   /* the origin speaks HTTP/2 without TLS */
    bool reply;       /* the gateway answers itself */
    unsigned attack_rate;
    bool floods;      /* all of flood_script.h; the baseline turns nobody away */
    unsigned origins; /* 0: one */
    unsigned baseline_origins;
    unsigned origin_ms[4]; /* how long each takes for an answer */
    unsigned stall_ms;     /* the origin stands still for so long at the begin of each period */
    unsigned period_ms;    /* ... which is so long; 0: never */
    unsigned origin_slots; /* how many answers it works on at once; 0: on all */
    bool overload;         /* the gateway is to protect the origin */
    bool by_latency;       /* ... to prefer the quick ones */
    bool policies;         /* the gateway has policies at work; the peers have none */
    unsigned shared_rate;  /* requests per second that all gateways admit together; 0: any */
    unsigned consumers;    /* keys that requests come with; 0: none */
    const char *path;
    unsigned body_bytes;
    bool tls;
    bool tcp;     /* passed on as bytes; in the clear only */
    bool upgrade; /* WebSocket; not together with TLS */
    bool large;
    bool compressed; /* in the clear only */
    bool changing;
    unsigned routes;
    unsigned baseline_routes;
    unsigned changes; /* reloads or upgrades in a round */
    bool realtime;    /* see process.h; only where the load leaves the cores time */

    bool generator; /* load generators are compared, no gateways */

    bool fresh; /* start the contender anew for each round */
    int rounds; /* unless the user says otherwise */
    int round_ms;

    /* Targets; 0 (NAN for the limit) when the case has none of the kind. A ratio of 1.1 says: 10%
     * better than the best peer (or the baseline), whichever way better is. */
    double ratio;
    double floor_ratio;
    double limit;
    double tolerance; /* of the ratio, for noise; stated in the results */
};

extern const struct bench_case bench_cases[];
extern const size_t bench_cases_count;

#endif
