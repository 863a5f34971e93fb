/* The servers that a discovery asks: addresses, or names that DNS says the addresses of. Names have
 * a resolver of their own, with the settings of `dns`. One thread, that of the loop. */
#ifndef RW_GATE_DISCOVERY_DISCOVERY_SERVERS_H
#define RW_GATE_DISCOVERY_DISCOVERY_SERVERS_H

#include "gate/cluster/resolve/place.h"
#include "gate/discovery/discovery_kinds.h"
#include "gate/discovery/feed.h"

struct rw_discovery_server {
    struct rw_discovery_servers *of;
    struct rw_place place;
};

struct rw_discovery_servers {
    /* A name has other addresses than before, or some at last. */
    void (*moved)(struct rw_discovery_servers *servers);
    struct rw_discovery_server *all; /* in the discovery's arena */
    unsigned count;
    struct rw_resolver *resolver; /* NULL: there is no name among them */
};

/* `moved` is set. On an error: rw_discovery_servers_stop all the same. */
RW_MUST_CHECK enum rw_err rw_discovery_servers_start(struct rw_discovery_servers *servers,
                                                     struct rw_discovery *discovery,
                                                     const struct rw_span *texts, size_t count,
                                                     const struct rw_config_dns *dns);
void rw_discovery_servers_stop(struct rw_discovery_servers *servers);

/* As `locate` of feed.h. */
const char *rw_discovery_servers_locate(struct rw_discovery_servers *servers, unsigned number,
                                        struct rw_feed_target *target);

#endif
