#include "http/grpc_health.h"

#include "http/grpc_web.h"

/* Protocol Buffers, as far as these messages have them. */
enum { WIRE_VARINT = 0, WIRE_BYTES = 2, VARINT_BYTES_MAX = 10, FIELD = 1 };

static char tag_of(unsigned field, unsigned wire)
{
    return (char)(field << 3 | wire);
}

/* ---- Requests ---- */

size_t rw_grpc_health_request(char *to, struct rw_span service)
{
    rw_assert(service.len <= RW_GRPC_SERVICE_BYTES_MAX);
    char *at = to + RW_GRPC_FRAME_HEAD_BYTES;
    if (service.len) {
        *at++ = tag_of(FIELD, WIRE_BYTES);
        if (service.len >= 0x80)
            *at++ = (char)(service.len | 0x80);
        *at++ = (char)(service.len >= 0x80 ? service.len >> 7 : service.len);
        memcpy(at, service.at, service.len);
        at += service.len;
    }
    size_t bytes = (size_t)(at - to) - RW_GRPC_FRAME_HEAD_BYTES;
    memset(to, 0, RW_GRPC_FRAME_HEAD_BYTES);
    to[3] = (char)(bytes >> 8);
    to[4] = (char)bytes;
    return (size_t)(at - to);
}

/* ---- Answers ---- */

static bool take_varint(struct rw_span *rest, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX && rest->len; i++) {
        uint64_t byte = (uint8_t)rest->at[0];
        *rest = rw_span_skip(*rest, 1);
        *value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* The next field; of bytes the value is their length, and they are passed over. */
static bool take_field(struct rw_span *rest, uint64_t *tag, uint64_t *value)
{
    if (!take_varint(rest, tag) || !take_varint(rest, value))
        return false;
    if ((*tag & 7) == WIRE_VARINT)
        return true;
    if ((*tag & 7) != WIRE_BYTES || *value > rest->len)
        return false;
    *rest = rw_span_skip(*rest, (size_t)*value);
    return true;
}

enum rw_grpc_health rw_grpc_health_answer(struct rw_span body)
{
    struct rw_grpc_frames frames = {0};
    uint64_t status = RW_GRPC_HEALTH_UNKNOWN, tag, value;
    if (body.len < RW_GRPC_FRAME_HEAD_BYTES || body.at[0] != 0 ||
        rw_grpc_frames_pass(&frames, rw_span(body.at, RW_GRPC_FRAME_HEAD_BYTES), 0) ||
        frames.left != body.len - RW_GRPC_FRAME_HEAD_BYTES)
        return RW_GRPC_HEALTH_BAD;
    struct rw_span rest = rw_span_skip(body, RW_GRPC_FRAME_HEAD_BYTES);
    while (rest.len) {
        if (!take_field(&rest, &tag, &value))
            return RW_GRPC_HEALTH_BAD;
        if (tag == (FIELD << 3 | WIRE_VARINT))
            status = value;
    }
    return status < RW_GRPC_HEALTH_BAD ? (enum rw_grpc_health)status : RW_GRPC_HEALTH_UNKNOWN;
}

const char *rw_grpc_health_text(enum rw_grpc_health health)
{
    static const char *const texts[] = {
        [RW_GRPC_HEALTH_UNKNOWN] = "it does not know whether it is serving",
        [RW_GRPC_HEALTH_SERVING] = "it is SERVING",
        [RW_GRPC_HEALTH_NOT_SERVING] = "it is NOT_SERVING",
        [RW_GRPC_HEALTH_SERVICE_UNKNOWN] = "it does not know the service",
        [RW_GRPC_HEALTH_BAD] = "its answer is no HealthCheckResponse",
    };
    return texts[health];
}

bool rw_grpc_status_of(struct rw_span trailers, uint64_t *status)
{
    struct rw_span line;
    while (rw_span_next(&trailers, '\n', &line)) {
        ptrdiff_t colon = rw_span_find(line, ':');
        if (colon < 0 || !rw_span_is_nocase(rw_span(line.at, (size_t)colon), "grpc-status"))
            continue;
        struct rw_span value = rw_span_skip(line, (size_t)colon + 1);
        if (value.len && value.at[value.len - 1] == '\r')
            value.len--;
        return rw_span_to_u64(rw_span_trim(value), status);
    }
    return false;
}
