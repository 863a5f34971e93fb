/* List, then watch: what discovery by etcd and by Kubernetes have in common.
 *
 * A kind fills its reader, and calls rw_discovery_watch_begin with its table. From then on a feed
 * (feed.h) makes one request after the other: a login where the kind wants one, a list until one
 * was taken, then watches, each going on where the one before it ended. How the answer to each of
 * these is read, and what becomes of one that is an error, is the table's; that a watch cannot go
 * on (rw_discovery_watch_anew), that a login is due again, and that all of it is retried later and
 * later, is here. One thread, that of the loop.
 */
#ifndef RW_GATE_DISCOVERY_DISCOVERY_WATCH_H
#define RW_GATE_DISCOVERY_DISCOVERY_WATCH_H

#include "gate/discovery/discovery_kinds.h"
#include "gate/discovery/discovery_servers.h"
#include "gate/discovery/feed.h"

enum rw_discovery_step { RW_DISCOVERY_LOGIN, RW_DISCOVERY_LIST, RW_DISCOVERY_WATCH };

struct rw_discovery_watch;

struct rw_discovery_watch_kind {
    const char *name; /* for the log */
    /* Writes the request of watch->step, with its empty line and body. */
    void (*request)(struct rw_discovery_watch *watch, struct rw_span host, struct rw_text *text);
    /* By step: the JSON of an answer, of a watch line by line. NULL: good. Else what is wrong with
     * it (alive until the next call): the connection is given up. */
    const char *(*take[3])(struct rw_discovery_watch *watch, const json_t *json);
    /* An answer with another status than 200; as `take`. */
    const char *(*refused)(struct rw_discovery_watch *watch, unsigned status, struct rw_span bytes);
    void (*ended)(struct rw_discovery_watch *watch); /* NULL: nothing */
};

/* The first member of a kind's state, which is in the discovery's arena. */
struct rw_discovery_watch {
    const struct rw_discovery_watch_kind *kind;
    struct rw_discovery *discovery;
    struct rw_discovery_servers servers;
    struct rw_feed *feed;
    struct rw_span what; /* for the log: "upstream app: etcd" */
    enum rw_discovery_step step;
    bool logged_out; /* set by the kind: a login is due */
    bool listed;
};

struct rw_discovery_watch_options {
    const struct rw_discovery_watch_kind *kind;
    const struct rw_span *servers;
    size_t server_count;
    const struct rw_config_dns *dns;        /* for names among them */
    const struct rw_config_tls_client *tls; /* NULL: plain */
};

/* On an error nothing is under way. RW_EINVAL: told in the report. */
RW_MUST_CHECK enum rw_err rw_discovery_watch_begin(struct rw_discovery_watch *watch,
                                                   struct rw_discovery *discovery,
                                                   const struct rw_discovery_watch_options *options,
                                                   struct rw_conf_report *report);
/* Another reload has found the same settings: certificates may have changed all the same. The next
 * connection has them. */
RW_MUST_CHECK enum rw_err rw_discovery_watch_renew(struct rw_discovery *discovery,
                                                   const struct rw_config_tls_client *tls,
                                                   struct rw_conf_report *report);
void rw_discovery_watch_end(struct rw_discovery *discovery);

/* For `take` and `refused`, with what they return then: the watch cannot go on where it was, all is
 * listed again. */
const char *rw_discovery_watch_anew(struct rw_discovery_watch *watch, const char *why);
/* The same: there is a login before anything else. */
const char *rw_discovery_watch_login(struct rw_discovery_watch *watch);

#endif
