#include "http/h2_engine.h"

/* A level counts what has come, in ten-thousandths, and sinks by the limit each millisecond: so the
 * limit's number of events fills it, and ten seconds empty it. */
enum {
    PER_EVENT = 10000,
    LIMIT_MAX = 400000, /* levels have 32 bits */
};

const char *rw_h2_flood_name(enum rw_h2_flood flood)
{
    static const char *const names[RW_H2_FLOOD_COUNT] = {
#define FLOOD_NAME(name, text, number, doc) text,
        RW_H2_FLOODS(FLOOD_NAME)
#undef FLOOD_NAME
            "continuations",
        "head",
        "hpack_bomb",
    };
    return (unsigned)flood < RW_H2_FLOOD_COUNT ? names[flood] : "none";
}

static void sink(struct rw_h2 *h2)
{
    uint64_t elapsed_ms = h2->now_ms - h2->flood_ms;
    if (!elapsed_ms)
        return;
    h2->flood_ms = h2->now_ms;
    for (unsigned i = 0; i < RW_H2_FLOOD_CONTINUATIONS; i++) {
        uint64_t less =
            elapsed_ms > PER_EVENT ? UINT64_MAX : elapsed_ms * h2->settings->flood_max[i];
        h2->flood_levels[i] = less < h2->flood_levels[i] ? h2->flood_levels[i] - (uint32_t)less : 0;
    }
}

static uint64_t capacity(const struct rw_h2 *h2, enum rw_h2_flood flood)
{
    uint32_t limit = h2->settings->flood_max[flood];
    return (uint64_t)(limit < LIMIT_MAX ? limit : LIMIT_MAX) * PER_EVENT;
}

void rw_h2_charge_times(struct rw_h2 *h2, enum rw_h2_flood flood, uint32_t times)
{
    if (!h2->settings->flood_max[flood] || h2->ended)
        return;
    sink(h2);
    uint64_t level = h2->flood_levels[flood] + (uint64_t)times * PER_EVENT;
    if (level > capacity(h2, flood))
        rw_h2_fail_flood(h2, flood);
    else
        h2->flood_levels[flood] = (uint32_t)level;
}

bool rw_h2_was_half_flooded(struct rw_h2 *h2, uint64_t now_ms)
{
    h2->now_ms = now_ms;
    sink(h2);
    uint64_t stalls = (uint64_t)rw_h2_stalled_count(h2) * PER_EVENT;
    for (unsigned i = 0; i < RW_H2_FLOOD_CONTINUATIONS; i++) {
        uint64_t level = h2->flood_levels[i] + (i == RW_H2_FLOOD_STALLS ? stalls : 0);
        if (h2->settings->flood_max[i] && 2 * level >= capacity(h2, (enum rw_h2_flood)i))
            return true;
    }
    return false;
}
