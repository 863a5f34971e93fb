/* What has happened: every request is arrived, and then served, or failed for a reason, or still in
 * flight. Nothing else is ever true of one: rw_simulate_ledger_balances says so.
 *
 * Engines (engine.h) tell it requests, by numbers; run.c tells it each second what the fleet was.
 * The seconds are added up to at most RW_SIMULATE_ROWS_MAX rows, which charts and CSV show.
 */
#ifndef RW_SIMULATE_LEDGER_H
#define RW_SIMULATE_LEDGER_H

#include "load/histogram.h"
#include "report/label.h"

#include <stdbool.h>
#include <stddef.h>

enum { RW_SIMULATE_ROWS_MAX = 288 };

/* X(name, key, English, Chinese): why requests fail. */
#define RW_SIMULATE_CAUSES(X)                                                                      \
    X(OVERLOAD, "overload", "waited for a core beyond the timeout", "等待处理器超时")              \
    X(TIMEOUT, "timeout", "answered beyond the timeout", "应答超时")                               \
    X(NO_NODE, "no_node", "no node was there", "无可用节点")                                       \
    X(DEAD_NODE, "dead_node", "sent to a dead node", "发往已失效的节点")                           \
    X(CUT_OFF, "cut_off", "in flight when a node died", "节点失效时处理中")                        \
    X(DISCONNECTED, "disconnected", "of users without a connection", "用户未连接")                 \
    X(ORIGIN_FULL, "origin_full", "the origin's queue was full", "后端队列已满")                   \
    X(ORIGIN_SLOW, "origin_slow", "the origin took too long", "后端超时")                          \
    X(ORIGIN_ERROR, "origin_error", "the origin failed", "后端出错")

enum rw_simulate_cause {
#define RW_SIMULATE_CAUSE_ENUM(name, key, en, zh) RW_SIMULATE_##name,
    RW_SIMULATE_CAUSES(RW_SIMULATE_CAUSE_ENUM)
#undef RW_SIMULATE_CAUSE_ENUM
        RW_SIMULATE_CAUSE_COUNT
};

/* What kept the system from serving everybody, or would with the next user: a second counts for the
 * first of them that applies. */
#define RW_SIMULATE_LIMITS(X)                                                                      \
    X(MEMORY, "memory", "memory of the nodes", "节点内存")                                         \
    X(CONNECTIONS, "connections", "connections of the nodes", "节点连接数")                        \
    X(ORIGIN, "origin", "the origin", "后端")                                                      \
    X(FAILURE, "failure", "dead nodes", "节点失效")                                                \
    X(DELAY, "autoscaler_delay", "nodes that were not ready yet", "扩容未就绪")                    \
    X(CPU, "cpu", "processors of the fleet", "处理器")

enum rw_simulate_limit {
#define RW_SIMULATE_LIMIT_ENUM(name, key, en, zh) RW_SIMULATE_LIMIT_##name,
    RW_SIMULATE_LIMITS(RW_SIMULATE_LIMIT_ENUM)
#undef RW_SIMULATE_LIMIT_ENUM
        RW_SIMULATE_LIMIT_COUNT
};

const char *rw_simulate_cause_key(enum rw_simulate_cause cause);
struct rw_label rw_simulate_cause_label(enum rw_simulate_cause cause);
const char *rw_simulate_limit_key(enum rw_simulate_limit limit);
struct rw_label rw_simulate_limit_label(enum rw_simulate_limit limit);

/* Of the fleet, in one second; in a row the mean, but for what says `most`. */
struct rw_simulate_second {
    double nodes;   /* that serve */
    double waiting; /* that are not ready yet */
    double busy;    /* share of the serving nodes' cores */
    double connections;
    double billed;            /* nodes that cost something */
    double cost;              /* in a row: the sum */
    double node_connections;  /* most of a node */
    double node_memory_bytes; /* most of a node */
    double node_memory_share; /* most, of what the node has */
    double node_busy;         /* most of a node */
    unsigned limits;          /* bits: enum rw_simulate_limit */
};

struct rw_simulate_row {
    double begin_s, seconds;
    uint64_t arrived, served, failed;
    uint64_t p50_ns, p99_ns;
    struct rw_simulate_second mean;
    double nodes_most;
};

struct rw_simulate_ledger {
    uint64_t arrived, served, failed[RW_SIMULATE_CAUSE_COUNT], in_flight;
    uint64_t handshakes, refused; /* connections */
    uint64_t retries;
    struct rw_histogram *latency; /* of what was served */
    double seconds;
    double node_seconds, cost, busy_sum;
    struct rw_simulate_second most;
    double nodes_least, nodes_most, row_busy_most;
    unsigned limited_s[RW_SIMULATE_LIMIT_COUNT];
    unsigned fleet_failures, launched;
    struct rw_simulate_row rows[RW_SIMULATE_ROWS_MAX];
    unsigned row_count;
    /* Its own. */
    struct rw_histogram *row_latency;
    unsigned row_s_max;
};

/* RW_ENOMEM. rw_simulate_ledger_close in any case. */
RW_MUST_CHECK enum rw_err rw_simulate_ledger_open(struct rw_simulate_ledger *ledger,
                                                  unsigned seconds);
void rw_simulate_ledger_close(struct rw_simulate_ledger *ledger);

/* ---- Requests ---- */

void rw_simulate_ledger_arrive(struct rw_simulate_ledger *ledger, uint64_t count);
void rw_simulate_ledger_serve(struct rw_simulate_ledger *ledger, double latency_s, uint64_t count);
void rw_simulate_ledger_fail(struct rw_simulate_ledger *ledger, enum rw_simulate_cause cause,
                             uint64_t count);

uint64_t rw_simulate_ledger_failed(const struct rw_simulate_ledger *ledger);
bool rw_simulate_ledger_balances(const struct rw_simulate_ledger *ledger);

/* ---- Seconds ---- */

void rw_simulate_ledger_second(struct rw_simulate_ledger *ledger,
                               const struct rw_simulate_second *second);
/* The last row. */
void rw_simulate_ledger_end(struct rw_simulate_ledger *ledger);

/* ---- Figures ---- */

/* Of all requests that are over, in seconds; one that failed took forever: INFINITY. NaN: none. */
double rw_simulate_ledger_quantile(const struct rw_simulate_ledger *ledger, double share);
/* Served of all that are over; NaN: none. */
double rw_simulate_ledger_availability(const struct rw_simulate_ledger *ledger);

#endif
