/* Meters: for each key the moment up to which its allowance is used. What rate limits rest on.
 *
 * The table is shared memory that the supervisor makes before it forks, so that all threads of all
 * processes see one state; it outlives every configuration. A key is a keyed hash of a limit's name
 * and of what the limit counts by: nothing has to be registered, and a limit that a reload changes
 * keeps its state.
 *
 * The algorithm is GCRA (ITU-T I.371, the virtual scheduling form): of each key a theoretical
 * arrival time (TAT) is kept. A request at `now` is admitted if max(TAT, now) + interval is at most
 * now + capacity, and that sum is the new TAT. It admits what a token bucket of capacity / interval
 * tokens would, and a key that has not been used for long needs no memory at all: TAT <= now says
 * the same as nothing.
 *
 * Times are in ticks of 1/16 ns, so that an interval is exact to better than 1 in 10,000 up to a
 * million requests a second.
 *
 * Exactness: whoever looks at or changes keys holds the locks of their regions (a few dozen
 * nanoseconds; several in ascending order), so that no two decisions interleave. A process that is
 * killed inside is noticed by the age of its lock, and the lock is taken from it.
 *
 * Memory: two slots of 16 bytes for each key that the table is made for. A key lives in one of the
 * 64 slots from its home on. When these are all in use by keys that still matter, the table is full
 * there, and rw_meters_set_full says what then. The slot that EVICT takes is that of the key which
 * has used the smallest part of its allowance: of a flood of new keys each has used next to
 * nothing, so that they push out each other, and who is being limited stays so.
 *
 * Quotas by the calendar are counted, not paced: of each key how much was used until the end of its
 * period. They live in a table of their own, in a file, which outlives the program; the kernel
 * writes it. Where several gateways share a quota, each counts what it used itself, and beside it
 * what the others are known to have used (rw_meters_learn). A wall clock that is set back by up to
 * an hour does not bring back the period before: who has begun one stays in it. The rest is the
 * same.
 *
 * Any thread of any process.
 */
#ifndef RW_GATE_LIMIT_METER_H
#define RW_GATE_LIMIT_METER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RW_METER_TICKS_PER_NS = 16,
    RW_METERS_AT_ONCE_MAX = 8,
    RW_METERS_KEYS_MIN = 256,
    RW_METERS_KEYS_MAX = 100000000
};

enum rw_meters_full {
    RW_METERS_EVICT,  /* forget the key that has used least */
    RW_METERS_ADMIT,  /* what has no room is admitted and not counted */
    RW_METERS_REFUSE, /* what has no room is refused */
};

struct rw_meters;

/* How fast and how much. */
struct rw_meter_rate {
    uint64_t interval; /* ticks for one request, at least 1 */
    uint64_t capacity; /* interval * burst */
    uint8_t scale;     /* bit length of capacity */
    bool counted;      /* by the calendar: capacity is the quota, interval 1 */
};

/* `requests` in `period_ns`, `burst` at once; none is 0. RW_ELIMIT: more than the ticks can tell
 * apart, or hold. */
RW_MUST_CHECK enum rw_err rw_meter_rate(uint64_t requests, uint64_t period_ns, uint64_t burst,
                                        struct rw_meter_rate *rate);

/* A quota: `requests` until the end of a period of the calendar. */
struct rw_meter_rate rw_meter_quota(uint32_t requests);

/* One key under one rate, for one request. */
struct rw_meter {
    uint64_t hash; /* rw_siphash under rw_meters_key, of the limit's name and the key */
    const struct rw_meter_rate *rate;
    /* counted: when the period ends, in seconds since 1970; a later one if that has begun */
    uint32_t end_s;
    bool shared;  /* counted: what other gateways used counts, too */
    bool lenient; /* counted: charged, but admits whatever was used */
    /* The answer: */
    bool admits;     /* this one has nothing against the request */
    uint32_t others; /* shared: used by other gateways, a part of `ahead` */
    uint32_t rest_s; /* counted: seconds to the period's end */
    uint64_t ahead;  /* ticks from now to its TAT, after the charge if there was one; or how much of
                        the quota is used */
};

/* When a request is asked for. */
struct rw_meters_time {
    uint64_t now_ns; /* monotonic, of the caller's turn: threads may be a little apart */
    uint64_t wall_s; /* since 1970, where something is counted */
};

struct rw_meters_answer {
    bool admitted;    /* all admit: each was charged. Otherwise none was */
    unsigned evicted; /* keys that still mattered and were forgotten */
    unsigned lacking; /* keys that had no room */
};

/* `fd`: a file or memfd to keep it in, which stays the caller's; -1: none. What it holds is taken
 * over if it is a table of this size, otherwise written anew. Pages are touched only when used.
 * RW_EINVAL, RW_ENOMEM, or what the system says. */
RW_MUST_CHECK enum rw_err rw_meters_create(unsigned keys_max, int fd, struct rw_meters **meters);
/* The table of what is counted, once, before there are threads. A table that is in the file is
 * taken as it is, whatever its size. RW_EPROTO: the file holds something else, which is left alone.
 * RW_ENOSPC: the disk has no place for all of it. */
RW_MUST_CHECK enum rw_err rw_meters_open_quotas(struct rw_meters *meters, unsigned keys_max,
                                                int fd);
/* Unmaps it in this process. NULL is fine. */
void rw_meters_destroy(struct rw_meters *meters);

size_t rw_meters_bytes(unsigned keys_max);

/* Drawn by the system when the table was made; NULL: there is no table for this rate. */
const uint64_t *rw_meters_key(const struct rw_meters *meters, const struct rw_meter_rate *rate);

void rw_meters_set_full(struct rw_meters *meters, enum rw_meters_full full);

/* Asks all of them (of different keys), and charges each if all admit. `count` from 1 to
 * RW_METERS_AT_ONCE_MAX. */
struct rw_meters_answer rw_meters_take(struct rw_meters *meters, struct rw_meter *items,
                                       unsigned count, const struct rw_meters_time *time);

/* Asks one of them and charges nothing: would a request be admitted now? */
bool rw_meters_ask(struct rw_meters *meters, struct rw_meter *item,
                   const struct rw_meters_time *time);

/* Brings a paced key's TAT to at least `now_ns` + `ahead` ticks: others have used of it elsewhere.
 */
void rw_meters_raise(struct rw_meters *meters, uint64_t hash, const struct rw_meter_rate *rate,
                     uint64_t ahead, uint64_t now_ns);

/* What this gateway used of a counted key, in the period that it last began. */
struct rw_meters_used {
    uint32_t end_s; /* 0: nothing is known of it */
    uint32_t own;
};
struct rw_meters_used rw_meters_used(const struct rw_meters *meters, uint64_t hash);

/* What is known elsewhere of a counted key in the period that ends at `end_s`. */
struct rw_meters_news {
    uint32_t end_s;
    uint32_t others; /* what other gateways have used, at the least */
    uint32_t had;    /* what this one was known to have used */
    uint32_t since;  /* if it has forgotten that: what it has used since, at the most */
};
/* Nothing happens if another period has begun. */
void rw_meters_learn(struct rw_meters *meters, uint64_t hash, const struct rw_meters_news *news,
                     const struct rw_meters_time *time);

/* Of an answer: requests that would still be admitted at once; nanoseconds until there is one more.
 */
uint64_t rw_meter_left(const struct rw_meter *meter);
uint64_t rw_meter_next_ns(const struct rw_meter *meter);

#endif
