/* What an origin answers to the health check of gRPC: any body, any trailers. And the question with
 * any name is one whole message that ends with the name. */
#include "http/grpc_health.h"
#include "http/grpc_web.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct rw_span name)
{
    char body[RW_GRPC_HEALTH_REQUEST_BYTES_MAX];
    struct rw_grpc_frames frames = {0};
    struct rw_span service = rw_span(
        name.at, name.len < RW_GRPC_SERVICE_BYTES_MAX ? name.len : RW_GRPC_SERVICE_BYTES_MAX);
    size_t bytes = rw_grpc_health_request(body, service);
    rw_assert(bytes <= sizeof(body));
    rw_assert(!rw_grpc_frames_pass(&frames, rw_span(body, bytes), 0));
    rw_assert(rw_grpc_frames_whole(&frames) && rw_span_ends(rw_span(body, bytes), service));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t status;
    char *block = malloc(size ? size : 1); /* exactly */
    if (!block)
        abort();
    memcpy(block, data, size);
    struct rw_span body = rw_span(block, size);
    rw_assert(*rw_grpc_health_text(rw_grpc_health_answer(body)));
    if (rw_grpc_status_of(body, &status))
        rw_assert(size > sizeof("grpc-status:") - 1);
    ask(body);
    free(block);
    return 0;
}
