/* A c-ares channel on a loop: its sockets become watches, its time limits a timer. Only resolve*.c
 * includes this. Control thread.
 *
 * c-ares calls back from rw_resolve_channel's watches and timer, from rw_resolve_channel_wait, and,
 * where no network is needed (/etc/hosts), from inside the call that asks. */
#ifndef RW_GATE_CLUSTER_RESOLVE_RESOLVE_CHANNEL_H
#define RW_GATE_CLUSTER_RESOLVE_RESOLVE_CHANNEL_H

#include "base/list.h"
#include "gate/cluster/resolve/resolve.h"

#include <ares.h>

struct rw_resolve_channel {
    struct rw_loop *loop;
    ares_channel ares;
    struct rw_list watches;
    struct rw_timer timer;
};

/* `servers` as ares_set_servers_ports_csv has it; empty: the system's. */
RW_MUST_CHECK enum rw_err rw_resolve_channel_open(struct rw_resolve_channel *channel,
                                                  struct rw_loop *loop, const char *servers,
                                                  uint32_t timeout_ms);
/* What is under way is called back with ARES_EDESTRUCTION. */
void rw_resolve_channel_close(struct rw_resolve_channel *channel);
/* After asking: the time limits have changed. */
void rw_resolve_channel_asked(struct rw_resolve_channel *channel);
/* Waits for something to happen, at most `wait_ms`, and handles it; without the loop. */
void rw_resolve_channel_wait(struct rw_resolve_channel *channel, uint32_t wait_ms);

#endif
