/* A connection to a Redis server that comes back by itself.
 *
 * rw_redis_create begins to connect, to where `locate` says at that moment. Once the server has
 * taken the password and the database, and has said that it is a primary if that is asked for,
 * `on_up` is called; then rw_redis_send sends one batch of commands at a time, and `on_reply` gets
 * their replies in order. When the server does not answer in time, closes, or talks nonsense,
 * `on_down` is called, what was sent and not answered is lost, and the connection is made again
 * after a pause that grows to RW_REDIS_PAUSE_MS_MAX, until a batch is answered; rw_redis_hurry ends
 * the pause. What a reply means is the caller's to judge: rw_redis_fail says that it is one of a
 * server that is no use. rw_redis_close ends all; after `on_closed` it is gone. One thread, that of
 * the loop; callbacks come from the loop only.
 */
#ifndef RW_IO_REDIS_H
#define RW_IO_REDIS_H

#include "base/text.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/resp.h"

enum { RW_REDIS_PAUSE_MS_MIN = 50, RW_REDIS_PAUSE_MS_MAX = 2000 };

struct rw_redis;
struct rw_tls_client;

/* Where to connect, and how. */
struct rw_redis_target {
    struct rw_address address;
    struct rw_tls_client *tls; /* NULL: plain. Read before the next callback */
    const char *tls_name;      /* SNI, and the name to verify; the same */
};

struct rw_redis_events {
    /* NULL: `target` is filled. Otherwise why there is nowhere to connect to: it is tried again as
     * if that had failed. */
    const char *(*locate)(void *user, struct rw_redis_target *target);
    void (*on_up)(void *user);
    /* `reply` is whole: rw_resp_next. Its bytes are valid during the call. */
    void (*on_reply)(void *user, struct rw_span reply);
    void (*on_down)(void *user, const char *why);
    void (*on_closed)(void *user);
};

struct rw_redis_options {
    struct rw_span username, password; /* empty: none; copied */
    uint32_t database;
    bool primary;        /* a replica is no use: ROLE is asked, where that is permitted */
    uint32_t timeout_ms; /* to connect, and for each batch */
    const struct rw_redis_events *events;
    void *user;
};

RW_MUST_CHECK enum rw_err rw_redis_create(struct rw_loop *loop,
                                          const struct rw_redis_options *options,
                                          struct rw_redis **redis);
void rw_redis_close(struct rw_redis *redis);

/* Not within on_down: the connection goes down, as if the server had gone. `why` is copied. What is
 * down stays so. */
void rw_redis_fail(struct rw_redis *redis, const char *why);
/* There is reason to think that connecting would work now: the pause ends. */
void rw_redis_hurry(struct rw_redis *redis);

/* Up, and the last batch is answered. */
bool rw_redis_ready(const struct rw_redis *redis);

/* Only when ready. Takes over the bytes of `commands`, which ask for `replies` replies. When
 * sending fails that is told by on_down, later. */
void rw_redis_send(struct rw_redis *redis, struct rw_text *commands, unsigned replies);

#endif
