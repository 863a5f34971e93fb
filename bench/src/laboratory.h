/* The laboratory: the origin, the contenders' instances and the load clients of one run, in one
 * temporary directory. The driver opens it once, starts and stops instances case by case, and
 * closes it at the end, also after an interrupt: nothing is left running and nothing is left on
 * disk.
 */
#ifndef BENCH_LABORATORY_H
#define BENCH_LABORATORY_H

#include "board.h"
#include "contender.h"
#include "template.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_CLIENTS_MAX 2
#define BENCH_ORIGINS_MAX 4
#define BENCH_GATEWAY_CORE 0
#define BENCH_CLIENT_CORE 1

struct bench_case;

struct bench_instance {
    const struct bench_contender *contender;
    pid_t session; /* 0: not running */
    char directory[160];
    char config_path[192];
    struct bench_template values;
};

struct bench_load_client {
    pid_t session; /* 0: not running */
    struct bench_board *board;
    int board_fd;
};

struct bench_laboratory {
    const char *templates; /* directory of the templates */
    const char *programs;  /* directory of the bench's own programs */
    const char *ringway;   /* the gateway's program, or NULL when it is not built */
    char directory[96];
    int origin_ports[BENCH_ORIGINS_MAX];
    int next_port;
    pid_t origins[BENCH_ORIGINS_MAX]; /* 0: not running */
    int redis_port;
    pid_t redis; /* 0: not running */
    struct bench_instance instances[BENCH_ROLES];
    struct bench_load_client clients[BENCH_CLIENTS_MAX];
};

/* What one flood cost in one round: microseconds of processor time by connection. */
struct bench_flood_cost {
    const char *name;
    double gateway_us;
    double sender_us;
    double ratio; /* the gateway's by the sender's */
};

#define BENCH_FLOODS_MAX 24

/* What one round of one contender gave. */
struct bench_sample {
    double value;
    double busy;       /* share of its core that the gateway used; 0 when it says nothing */
    uint64_t failures; /* requests that failed */
    double growth;     /* bytes of memory gained over the round, for cases that look at it */
    bool grew;         /* more than such a case allows */
    double unlogged;   /* share of the requests that are missing in the access log */
    int floods;        /* how many of the following there are */
    struct bench_flood_cost costs[BENCH_FLOODS_MAX];
};

/* Measures one round. Returns false when nothing could be measured (the reason is on stderr). */
typedef bool bench_measure(struct bench_laboratory *laboratory, const struct bench_case *each,
                           struct bench_instance *instance, struct bench_sample *sample);

bench_measure bench_measure_requests_per_cpu;
bench_measure bench_measure_bytes_per_cpu;
bench_measure bench_measure_p99;
bench_measure bench_measure_idle_memory;
bench_measure bench_measure_base_memory;
bench_measure bench_measure_reloads;
bench_measure bench_measure_upgrades;
bench_measure bench_measure_attack;
bench_measure bench_measure_floods;
bench_measure bench_measure_limit_check;
bench_measure bench_measure_origin_dies;
bench_measure bench_measure_generator;
bench_measure bench_measure_timing;
bench_measure bench_measure_generator_idle;
bench_measure bench_measure_omission;
bench_measure bench_measure_overload;
bench_measure bench_measure_overload_tenant;
bench_measure bench_measure_latency_aware;
bench_measure bench_measure_shared_overshoot;
bench_measure bench_measure_shared_p99;

/* The case's load at its fixed rate, and the p99 latency of one round; `sample` gets the failures
 * and how busy the gateway was. */
bool bench_p99_of(struct bench_laboratory *laboratory, const struct bench_case *each,
                  struct bench_instance *instance, struct bench_sample *sample,
                  double *microseconds);

/* Makes the directory and the certificate. */
void bench_laboratory_open(struct bench_laboratory *laboratory);
void bench_laboratory_close(struct bench_laboratory *laboratory);

/* The origins of one case, and the Redis that it needs. False only when the user interrupts. */
bool bench_origin_start(struct bench_laboratory *laboratory, const struct bench_case *each);
void bench_origin_stop(struct bench_laboratory *laboratory);
/* One of them dies at once; it comes back. */
void bench_origin_kill(struct bench_laboratory *laboratory, unsigned which);
bool bench_origin_revive(struct bench_laboratory *laboratory, const struct bench_case *each,
                         unsigned which);

/* Starts the role's contender for a case and waits until its port answers. False: it did not come
 * up; its own words are on stderr. */
bool bench_instance_start(struct bench_laboratory *laboratory, enum bench_role role,
                          const struct bench_case *each);
void bench_instance_stop(struct bench_instance *instance);

/* Expands the instance's template again, with its current values. */
void bench_instance_configure(struct bench_laboratory *laboratory, struct bench_instance *instance);

/* Starts client number `which` against the instance. Then waits until every connection has had its
 * first answer; false when that fails or the user interrupts. */
bool bench_client_start(struct bench_laboratory *laboratory, int which,
                        const struct bench_case *each, const struct bench_instance *instance,
                        unsigned connections);

/* As bench_client_start, but the attacker: it opens and resets streams at the case's attack rate,
 * and bench_client_stop ends it. */
bool bench_attack_start(struct bench_laboratory *laboratory, int which,
                        const struct bench_case *each, const struct bench_instance *instance,
                        unsigned connections);

/* As bench_client_start, but the attacker that floods a port (flood_script.h). It waits with its
 * first connection until the board's record_from_ns is set. */
bool bench_flood_start(struct bench_laboratory *laboratory, int which, int port, const char *flood);

/* Starts the floor of those who turn clients away on a free port, which it returns. */
int bench_door_start(struct bench_laboratory *laboratory, pid_t *session);

/* Lets the client finish what is under way and ends it. The board stays readable until the next
 * start of this client. Returns how many requests failed. */
uint64_t bench_client_stop(struct bench_laboratory *laboratory, int which);

/* How many lines of its access log the instance says it has dropped; 0 for a peer: it has none. */
uint64_t bench_lines_dropped(const struct bench_instance *instance);

/* How many connections the instance says it has ended for a flood of that name. */
uint64_t bench_floods_counted(const struct bench_instance *instance, const char *flood);

/* Asks 127.0.0.1:port for a path on a connection of its own. Returns the status, 0 for none. */
int bench_probe(int port, const char *path);

#endif
