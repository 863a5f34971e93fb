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

void rw_h2_charge(struct rw_h2 *h2, enum rw_h2_flood flood)
{
    uint32_t limit = h2->settings->flood_max[flood];
    if (!limit || h2->ended)
        return;
    sink(h2);
    uint64_t level = (uint64_t)h2->flood_levels[flood] + PER_EVENT;
    if (level > (uint64_t)(limit < LIMIT_MAX ? limit : LIMIT_MAX) * PER_EVENT)
        rw_h2_fail_flood(h2, flood);
    else
        h2->flood_levels[flood] = (uint32_t)level;
}
