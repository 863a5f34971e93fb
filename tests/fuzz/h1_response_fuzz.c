#include "fuzz/h1_head_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum rw_method request_method;

static enum rw_h1_result parse(struct rw_span bytes, struct rw_arena *arena,
                               struct rw_message *message, struct rw_h1_head *head)
{
    return rw_h1_parse_response(bytes, &rw_h1_limits_default, request_method, arena, message, head);
}

static void put_line(struct rw_h1_out *out, const struct rw_message *message)
{
    rw_h1_put_status_line(out, message->status, message->reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum rw_method methods[] = {RW_METHOD_GET, RW_METHOD_HEAD, RW_METHOD_CONNECT,
                                             RW_METHOD_POST};
    if (size)
        request_method = methods[data[0] >> 5 & 3];
    fuzz_head(parse, data, size, put_line);
    return 0;
}
