/* Faults that verify causes: what is armed, observed, and always undone.
 *
 * Story. Verify makes one `struct rw_faults`: a thread with a loop of its own, on which everything
 * that disturbs lives, so that a fault never waits for the load. On it verify first opens what must
 * stand in the way from the beginning: a relay for each endpoint (fault/relay.h), a name server
 * (fault/names.h). It starts the system with a configuration that leads through them, and says by a
 * struct rw_fault_target how each dependency can be got at. Then, for each fault of the file:
 *
 *     rw_fault_order_init(&order, RW_FAULT_RESET);      the file says more
 *     rw_fault_begin(faults, &target, &order, &fault, why)
 *     ...load, perhaps rw_fault_observe from time to time...
 *     rw_fault_end(fault, &observed)                    undoes it
 *
 * A fault counts as exercised only when `observed.happened`: it was seen to act at the other side
 * (connections that were reset, bytes held back, answers that lied, a process gone).
 *
 * Everything here is called from verify's own thread and waits for the fault thread, which takes
 * microseconds. Faults are seeded, bounded in number and size, and end by themselves after
 * order.ms_max. rw_faults_close undoes what is left; should verify die instead, a guard process
 * does (fault/guard.h).
 */
#ifndef RW_VERIFY_FAULT_FAULT_H
#define RW_VERIFY_FAULT_FAULT_H

#include "base/random.h"
#include "io/address.h"
#include "io/loop.h"
#include "verify/fault/class.h"

#include <sys/types.h>

struct rw_authority;
struct rw_clock_shim;
struct rw_fault;
struct rw_faults;
struct rw_names;
struct rw_relay;
struct rw_tls_client;

enum {
    RW_FAULTS_ARMED_MAX = 64,
    RW_FAULTS_RELAYS_MAX = 256,
    RW_FAULT_PIDS_MAX = 64,
    RW_FAULT_MS_MAX = 600 * 1000, /* the longest that one may last */
    RW_FAULT_WHY_BYTES = 256,
};

struct rw_faults_options {
    uint64_t seed;
};

/* Starts the thread. RW_ENOMEM, RW_ELIMIT. */
RW_MUST_CHECK enum rw_err rw_faults_open(const struct rw_faults_options *options,
                                         struct rw_faults **faults);
/* Ends what is armed, and closes what was opened on it. NULL is fine. */
void rw_faults_close(struct rw_faults *faults);

/* A relay on the fault thread, in front of `server`; it lives until rw_faults_close. Its address:
 * rw_relay_address. As rw_relay_open; RW_ELIMIT: RW_FAULTS_RELAYS_MAX are open. */
RW_MUST_CHECK enum rw_err rw_faults_relay(struct rw_faults *faults, const struct rw_address *listen,
                                          const struct rw_address *server, struct rw_relay **relay);

/* A name server on the fault thread, for its life as a relay. As rw_names_open; RW_EEXIST: there is
 * one. */
RW_MUST_CHECK enum rw_err rw_faults_names(struct rw_faults *faults, const struct rw_address *listen,
                                          struct rw_names **names);
/* As rw_names_add; with `target` (len > 0) as rw_names_add_service, which takes the address's port.
 */
RW_MUST_CHECK enum rw_err rw_faults_name(struct rw_faults *faults, struct rw_span name,
                                         struct rw_span target, const struct rw_address *address);

/* ---- What to do ---- */

/* Fields that a class does not use are ignored. */
struct rw_fault_order {
    enum rw_fault_class fault;
    uint32_t parts;         /* endpoints or processes of the dependency, chosen by seed; 0: all */
    uint32_t share_percent; /* of the connections, chosen by seed; 0: all */
    uint32_t ms_max;        /* ends by itself after so long; 0: RW_FAULT_MS_MAX */
    uint32_t delay_ms, jitter_ms; /* delay: each piece waits delay_ms and at most jitter_ms more */
    uint64_t bytes; /* reset, truncate, stall: after so many of a connection's answer; 0: at once;
                       memory: how many more are to be had */
    uint64_t bytes_per_second; /* throttle; slow senders: of each */
    int64_t step_ms;           /* clock_step: forward, or back when below 0 */
    uint32_t connections;      /* slow clients */
    uint32_t per_second;       /* reload_storm */
};

/* With the bytes that are usual for the class; the rest of the figures is the file's. */
void rw_fault_order_init(struct rw_fault_order *order, enum rw_fault_class fault);

/* ---- To what: the caller's, and unchanged while a fault on it is armed ---- */

struct rw_fault_target {
    const struct rw_dependency *dependency;
    struct rw_relay *const *relays; /* in front of its endpoints */
    size_t relay_count;
    const pid_t *pids; /* its processes, that verify started or the file names; of a gateway: the
                          supervisor */
    size_t pid_count;
    struct rw_names *names;         /* that the gateway asks; NULL: it asks others */
    struct rw_authority *authority; /* that the gateway trusts for this upstream (authority.h) */
    struct rw_span server_name;     /* that it verifies there; several with commas between */
    /* The gateway's own side, for limits, clients and configuration. */
    const struct rw_address *front;        /* a listener of it */
    struct rw_tls_client *front_tls;       /* NULL: plain */
    struct rw_span front_host, front_path; /* of a request that is answered there; default: "/" */
    const struct rw_address *admin;        /* its admin listener */
    struct rw_clock_shim *clock;           /* the gateway was started with (clock_shim.h) */
};

/* Can this class be caused there? If not, `why` says what is missing: "no relay stands in front of
 * upstream orders". `why` has RW_FAULT_WHY_BYTES. */
bool rw_fault_possible(const struct rw_fault_target *target, enum rw_fault_class fault, char *why);

/* ---- Armed ---- */

struct rw_fault_observed {
    bool happened;
    uint64_t count; /* of what rw_fault_class_info(...)->observed names */
};

/* RW_EINVAL: not possible, or an order out of bounds; RW_ELIMIT: RW_FAULTS_ARMED_MAX are; what the
 * system refused. `why` says so. */
RW_MUST_CHECK enum rw_err rw_fault_begin(struct rw_faults *faults,
                                         const struct rw_fault_target *target,
                                         const struct rw_fault_order *order,
                                         struct rw_fault **fault, char *why);
void rw_fault_observe(struct rw_fault *fault, struct rw_fault_observed *observed);
/* Undoes it; `fault` is gone. */
void rw_fault_end(struct rw_fault *fault, struct rw_fault_observed *observed);

#endif
