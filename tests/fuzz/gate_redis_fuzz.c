/* What servers of Redis say about slots, moves and primaries: of any reply that is whole, what is
 * taken from it is within bounds, and is there. */
#include "gate/redis/slots.h"
#include "io/resp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_within(struct rw_span part, struct rw_span whole)
{
    if (part.len)
        rw_assert(part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

static void read_map(struct rw_span reply)
{
    struct rw_redis_ranges ranges;
    struct rw_redis_range range;
    if (rw_redis_ranges_begin(&ranges, reply))
        return;
    while (rw_redis_ranges_next(&ranges, &range) == RW_OK) {
        rw_assert(range.first <= range.last && range.last < RW_REDIS_SLOTS && range.port > 0);
        is_within(range.host, reply);
    }
}

static void read_error(struct rw_span reply)
{
    struct rw_redis_redirect redirect;
    struct rw_resp_value value;
    struct rw_span rest = reply;
    rw_assert(rw_resp_next(&rest, &value));
    enum rw_redis_turn turn = rw_redis_turn(value.text, &redirect);
    if (turn != RW_REDIS_TURN_MOVED && turn != RW_REDIS_TURN_ASK)
        return;
    rw_assert(redirect.slot < RW_REDIS_SLOTS && redirect.port > 0);
    is_within(redirect.host, reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_span bytes = rw_span((const char *)data, size), host;
    uint16_t port;
    size_t len;
    rw_assert(rw_redis_slot(bytes) < RW_REDIS_SLOTS);
    while (bytes.len && rw_resp_whole(bytes, &len) == RW_RESP_WHOLE) {
        struct rw_span reply = rw_span(bytes.at, len);
        read_map(reply);
        read_error(reply);
        if (!rw_redis_primary(reply, &host, &port)) {
            rw_assert(host.len > 0 && port > 0);
            is_within(host, reply);
        }
        bytes = rw_span_skip(bytes, len);
    }
    return 0;
}
