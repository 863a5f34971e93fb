#include "fuzz/h1_head_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum rw_h1_result parse(struct rw_span bytes, struct rw_arena *arena,
                               struct rw_message *message, struct rw_h1_head *head)
{
    return rw_h1_parse_request(bytes, &rw_h1_limits_default, arena, message, head);
}

static void put_line(struct rw_h1_out *out, const struct rw_message *message)
{
    rw_h1_put_request_line(out, message->method_text, message->target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_head(parse, data, size, put_line);
    return 0;
}
