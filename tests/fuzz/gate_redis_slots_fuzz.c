/* What servers say about slots, moves and primaries: ranges are in order and within the slots,
 * names lie within the reply, and nothing is believed that is out of bounds. */
#include "gate/redis/slots.h"

#include "io/resp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct rw_span part, struct rw_span all)
{
    return part.len == 0 || (part.at >= all.at && part.at + part.len <= all.at + all.len);
}

static void read_ranges(struct rw_span reply)
{
    struct rw_redis_ranges ranges;
    struct rw_redis_range range;
    if (rw_redis_ranges_begin(&ranges, reply))
        return;
    unsigned count = 0;
    while (rw_redis_ranges_next(&ranges, &range) == RW_OK) {
        rw_assert(range.first <= range.last && range.last < RW_REDIS_SLOTS);
        rw_assert(range.port > 0 && within(range.host, reply));
        rw_assert(++count <= RW_RESP_ITEMS_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_span bytes = rw_span((const char *)data, size), host;
    struct rw_redis_redirect redirect;
    size_t len;
    uint16_t port;
    enum rw_redis_turn turn = rw_redis_turn(bytes, &redirect);
    if (turn == RW_REDIS_TURN_MOVED || turn == RW_REDIS_TURN_ASK)
        rw_assert(redirect.slot < RW_REDIS_SLOTS && redirect.port > 0 &&
                  within(redirect.host, bytes));
    rw_assert(rw_redis_slot(bytes) < RW_REDIS_SLOTS);
    if (size == 0 || rw_resp_whole(bytes, &len) != RW_RESP_WHOLE)
        return 0;
    struct rw_span reply = rw_span(bytes.at, len);
    read_ranges(reply);
    if (!rw_redis_primary(reply, &host, &port))
        rw_assert(port > 0 && host.len > 0 && within(host, reply));
    return 0;
}
