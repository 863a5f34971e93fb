#include "simulate/share.h"

#include "base/alloc.h"

#include <math.h>

void rw_simulate_share_open(struct rw_simulate_share *share, uint32_t servers)
{
    rw_assert(servers > 0);
    *share = (struct rw_simulate_share){.servers = servers};
}

void rw_simulate_share_close(struct rw_simulate_share *share)
{
    rw_free(share->jobs);
    share->jobs = NULL;
    share->count = share->room = 0;
}

/* Of a core, for each job. */
static double speed(const struct rw_simulate_share *share)
{
    return share->count > share->servers ? (double)share->servers / share->count : 1;
}

static void advance(struct rw_simulate_share *share, double now)
{
    if (!share->count)
        share->served = 0; /* so that it stays small, and exact */
    else if (now > share->at)
        share->served += (now - share->at) * speed(share);
    share->at = now;
}

enum rw_err rw_simulate_share_add(struct rw_simulate_share *share, double now, double service,
                                  uint32_t number)
{
    advance(share, now);
    if (share->count == share->room) {
        uint32_t room = share->room ? 2 * share->room : 16;
        struct rw_simulate_share_job *jobs = rw_realloc(share->jobs, room * sizeof(*jobs));
        if (!jobs)
            return RW_ENOMEM;
        share->jobs = jobs;
        share->room = room;
    }
    struct rw_simulate_share_job job = {share->served + service, number};
    uint32_t at = share->count++;
    for (; at && share->jobs[(at - 1) / 2].until > job.until; at = (at - 1) / 2)
        share->jobs[at] = share->jobs[(at - 1) / 2];
    share->jobs[at] = job;
    return RW_OK;
}

double rw_simulate_share_end(const struct rw_simulate_share *share)
{
    if (!share->count)
        return INFINITY;
    return share->at + fmax(0, share->jobs[0].until - share->served) / speed(share);
}

uint32_t rw_simulate_share_take(struct rw_simulate_share *share, double now)
{
    rw_assert(share->count > 0);
    advance(share, now);
    uint32_t number = share->jobs[0].number, at = 0;
    struct rw_simulate_share_job last = share->jobs[--share->count];
    for (uint32_t child = 1; child < share->count; child = 2 * at + 1) {
        if (child + 1 < share->count && share->jobs[child + 1].until < share->jobs[child].until)
            child++;
        if (share->jobs[child].until >= last.until)
            break;
        share->jobs[at] = share->jobs[child];
        at = child;
    }
    share->jobs[at] = last;
    return number;
}
