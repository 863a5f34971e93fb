/* Replies of a Redis server: what is whole is whole whatever comes behind it, its values fill it
 * exactly, and no part of it is whole. */
#include "io/resp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_span bytes = rw_span((const char *)data, size);
    size_t len = 0, part_len = 0;
    while (bytes.len && rw_resp_whole(bytes, &len) == RW_RESP_WHOLE) {
        rw_assert(len > 0 && len <= bytes.len);
        rw_assert(rw_resp_whole(rw_span(bytes.at, len), &part_len) == RW_RESP_WHOLE);
        rw_assert(part_len == len);
        rw_assert(rw_resp_whole(rw_span(bytes.at, len - 1), &part_len) == RW_RESP_PART);
        struct rw_span reply = rw_span(bytes.at, len);
        struct rw_resp_value value;
        int64_t expected = 1;
        while (rw_resp_next(&reply, &value)) {
            expected += value.kind == RW_RESP_ARRAY && !value.null ? value.number : 0;
            expected--;
        }
        rw_assert(reply.len == 0 && expected == 0);
        bytes = rw_span_skip(bytes, len);
    }
    return 0;
}
