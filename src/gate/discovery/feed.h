/* A small HTTP/1.1 client for what is listed and then watched: one request after the other, each on
 * a connection of its own, to the first of several servers that works.
 *
 * rw_feed_create begins. For each request `request` is asked for its head and body; then `take`
 * gets the answer: of a stream line by line, else all of it at once. Its result says how it goes
 * on. When the answer has ended, the next request follows, at once if there was anything in it.
 * Whatever fails is told in the log, and the next server is tried: all of them in turn, a moment
 * apart, then again after a pause that grows to RW_FEED_PAUSE_MS_MAX and ends with an answer that
 * was taken. A server that says nothing for
 * TIMEOUT_MS before its answer has failed; during a stream keep-alive finds out whether it is still
 * there. rw_feed_close ends all; after `on_closed` it is gone. One thread, that of the loop.
 */
#ifndef RW_GATE_DISCOVERY_FEED_H
#define RW_GATE_DISCOVERY_FEED_H

#include "base/text.h"
#include "io/address.h"
#include "io/loop.h"

enum {
    RW_FEED_PAUSE_MS_MIN = 100,
    RW_FEED_PAUSE_MS_MAX = 10000,
    RW_FEED_BYTES_MAX = 32 << 20, /* of one answer, or of one line of a stream */
};

struct rw_feed;
struct rw_tls_client;

/* Where a server is now. */
struct rw_feed_target {
    struct rw_address address;
    const char *text; /* "etcd.internal:2379", for the log; lives as long as the feed */
    const char *host; /* the name its certificate has; the same. NULL, both, where it is known: the
                         address */
};

struct rw_feed_events {
    /* Of the server of this number, below server_count. NULL: it is there. Else why that is not
     * known: it has failed; "": it is about to be known (rw_feed_retry). */
    const char *(*locate)(void *user, unsigned server, struct rw_feed_target *target);
    /* The next request, with its empty line and body; `stream`: its answer is lines that come as
     * they happen. `host`: of the server, for Host. */
    void (*request)(void *user, struct rw_span host, struct rw_text *text, bool *stream);
    /* An answer, or a line of one. NULL: good. Else what is wrong with it (static, or alive until
     * the next call): the connection is given up, as if it had failed. */
    const char *(*take)(void *user, unsigned status, struct rw_span bytes);
    /* A stream has begun well: its head is there. NULL: of no interest. */
    void (*opened)(void *user);
    /* A connection or an answer was of no use; it was told in the log: "10.0.0.1:2379: connection
     * refused". */
    void (*failed)(void *user, struct rw_span why);
    void (*on_closed)(void *user);
};

struct rw_feed_options {
    unsigned server_count;
    struct rw_tls_client *tls; /* NULL: plain; a reference is taken over */
    const char *tls_name;      /* lives as long as the feed; NULL: each server's address */
    const struct rw_feed_events *events;
    void *user;
    struct rw_span what; /* for the log: "upstream app"; lives as long as the feed */
    size_t bytes_max;    /* 0: RW_FEED_BYTES_MAX */
};

/* On an error nothing is taken over. */
RW_MUST_CHECK enum rw_err
rw_feed_create(struct rw_loop *loop, const struct rw_feed_options *options, struct rw_feed **feed);
void rw_feed_close(struct rw_feed *feed);
/* Within `take` of a stream: no more of it is wanted, the next request follows after a pause. */
void rw_feed_skip(struct rw_feed *feed);
/* Within `take`: this answer was good, but only a step to what is asked for (a login). The next
 * request follows at once, but the pauses go on growing: what fails is not tried at a run. */
void rw_feed_step(struct rw_feed *feed);
/* Something has changed (an address, a certificate): if there is no connection, one is tried now.
 */
void rw_feed_retry(struct rw_feed *feed);
/* From the next connection on; a reference is taken over, and the one before dropped. */
void rw_feed_secure(struct rw_feed *feed, struct rw_tls_client *tls);

#endif
