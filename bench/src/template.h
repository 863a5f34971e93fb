/* Configuration templates of the contenders (bench/contenders/). Two kinds of mark:
 *   @NAME@   in a line is replaced by a value (PORT, ORIGIN_PORT, ORIGIN_PORT_2 to _4, ADMIN_PORT,
 * DIR, GENERATION, SHARED_RATE, REDIS_PORT, ROUTE, CONSUMER);
 *   @word@   at the very start of a line keeps the line only in cases of that kind:
 *            tls / plain, h1 / h2 (what clients speak), origin-h1 / origin-h2, large, compressed,
 *            single / changing / routes / reply, tcp / http, several / many (origins: more than
 * one, than two), overload, by-latency, policies, shared, unguarded. Several marks: cases of all
 * these kinds.
 * Adjoining @routes@ lines are a block that is written once for each route, with its five-digit
 * number as @ROUTE@; the same goes for @consumers@ and @CONSUMER@.
 */
#ifndef BENCH_TEMPLATE_H
#define BENCH_TEMPLATE_H

#include <stdbool.h>

struct bench_template {
    int port;
    const int *origin_ports;
    unsigned origins; /* more than one: `several` */
    int admin_port;
    const char *directory;
    unsigned generation;
    bool tls;
    bool h2;              /* clients speak HTTP/2 */
    bool origin_h2;       /* so does the origin */
    bool overload;        /* the gateway protects the origin */
    bool by_latency;      /* it prefers the quick ones */
    bool policies;        /* it limits, breaks circuits, finds the origin's limit */
    bool reply;           /* the gateway answers itself */
    unsigned shared_rate; /* requests per second that all gateways admit together; 0: any */
    int redis_port;       /* through which they know of each other */
    bool large;           /* the case is about large bodies */
    bool unguarded;       /* nobody is turned away for floods */
    bool tcp;             /* bytes are passed on, whatever they are */
    bool compressed;      /* the gateway compresses with gzip 3 */
    bool changing;        /* /generation-N exists for the current generation only */
    unsigned routes;      /* 0: one route for all paths */
    unsigned consumers;   /* 0: nobody asks who asks */
};

/* Writes the expansion of file `from` to file `to`, in one piece (written aside, then renamed). */
void bench_template_expand(const struct bench_template *values, const char *from, const char *to);

/* Expands the @NAME@ marks in one line; the result is heap memory of the caller. */
char *bench_template_line(const struct bench_template *values, const char *line);

#endif
