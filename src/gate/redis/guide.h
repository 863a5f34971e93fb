/* Who knows where the data is: Sentinels, or members of a cluster, asked one question again and
 * again over one connection.
 *
 * rw_redis_guide_create connects to the first of the places that the owner names (`place`), asks at
 * once, then every `interval_ms`, and earlier after rw_redis_guide_ask (not more often than every
 * RW_REDIS_GUIDE_MS_MIN). `take` gets each answer. A place that cannot be reached, or whose answer
 * is of no use, is followed by the next one; after the last comes the first again. What is asked
 * for again needs no notifications (+switch-master): who relies on those has to ask anyway, as one
 * that was missed never comes again. rw_redis_guide_close; after `on_closed` it is gone. One
 * thread, that of the loop; callbacks come from the loop only.
 */
#ifndef RW_GATE_REDIS_GUIDE_H
#define RW_GATE_REDIS_GUIDE_H

#include "gate/redis/aim.h"
#include "io/redis.h"

enum { RW_REDIS_GUIDE_MS_MIN = 100 };

struct rw_redis_guide;

struct rw_redis_guide_events {
    /* The place with this number, which grows by one with each that fails: after its last the owner
     * begins anew. NULL: there is none. It stays where it is until the next call, `on_closed`, or
     * rw_redis_guide_leave. */
    struct rw_place *(*place)(void *user, unsigned number);
    /* The question; its bytes are copied. */
    void (*question)(void *user, struct rw_text *text);
    /* NULL: the answer was of use. Else what is wrong with it: another place is asked. */
    const char *(*take)(void *user, const struct rw_place *from, struct rw_span reply);
    /* `from` NULL: there is no place to ask. */
    void (*failed)(void *user, const struct rw_place *from, const char *why);
    void (*on_closed)(void *user);
};

struct rw_redis_guide_options {
    struct rw_span username, password; /* empty: none; copied */
    uint32_t interval_ms, timeout_ms;
    const struct rw_redis_secure *secure; /* stays the owner's, who may change it */
    const struct rw_redis_guide_events *events;
    void *user;
};

RW_MUST_CHECK enum rw_err rw_redis_guide_create(struct rw_loop *loop,
                                                const struct rw_redis_guide_options *options,
                                                struct rw_redis_guide **guide);
void rw_redis_guide_close(struct rw_redis_guide *guide);

/* What was learnt seems to be old: it asks in so many milliseconds at the latest. */
void rw_redis_guide_ask(struct rw_redis_guide *guide, uint32_t within_ms);
/* This place has another address, or is known at last. */
void rw_redis_guide_moved(struct rw_redis_guide *guide, const struct rw_place *place);
/* This place goes away: another one is asked. */
void rw_redis_guide_leave(struct rw_redis_guide *guide, const struct rw_place *place);

/* Whom it asks at present; NULL: nobody answers. */
const struct rw_place *rw_redis_guide_at(const struct rw_redis_guide *guide);

#endif
