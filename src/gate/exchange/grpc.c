#include "gate/exchange/grpc.h"

enum { TIMEOUT_DIGITS_MAX = 8, TIMEOUT_DAYS_MAX = 30 };

bool rw_grpc_call(const struct rw_message *request)
{
    const struct rw_span kind = RW_LITERAL("application/grpc");
    struct rw_span type = rw_message_value(request, RW_FIELD_CONTENT_TYPE);
    if (type.len < kind.len || !rw_span_eq_nocase(rw_span(type.at, kind.len), kind))
        return false;
    return type.len == kind.len || memchr("+-; ", type.at[kind.len], 4);
}

/* Of one unit in nanoseconds; 0: it is none. */
static uint64_t unit_ns(char unit)
{
    switch (unit) {
    case 'H':
        return 3600000000000;
    case 'M':
        return 60000000000;
    case 'S':
        return 1000000000;
    case 'm':
        return 1000000;
    case 'u':
        return 1000;
    case 'n':
        return 1;
    default:
        return 0;
    }
}

uint64_t rw_grpc_timeout_ms(const struct rw_message *request)
{
    const uint64_t ms = 1000000;
    const struct rw_field *field = rw_message_find_name(request, RW_LITERAL("grpc-timeout"));
    uint64_t count;
    if (!field || field->value.len < 2 || field->value.len > TIMEOUT_DIGITS_MAX + 1)
        return UINT64_MAX;
    struct rw_span digits = rw_span(field->value.at, field->value.len - 1);
    uint64_t unit = unit_ns(field->value.at[digits.len]);
    if (!unit || !rw_span_to_u64(digits, &count))
        return UINT64_MAX;
    /* Hours, a hundred million of them, are too many nanoseconds. */
    uint64_t whole = unit >= ms ? count * (unit / ms) : count * unit / ms;
    if (whole > (uint64_t)TIMEOUT_DAYS_MAX * 86400 * 1000)
        return UINT64_MAX;
    return whole ? whole : 1;
}

enum rw_grpc_status rw_grpc_status(enum rw_reason reason, unsigned status)
{
    switch (reason) {
    case RW_REASON_TOTAL_TIMEOUT:
    case RW_REASON_FIRST_BYTE_TIMEOUT:
    case RW_REASON_UPSTREAM_STALLED:
        return RW_GRPC_DEADLINE_EXCEEDED;
    case RW_REASON_BODY_TOO_LARGE:
    case RW_REASON_EXCHANGE_LIMIT:
    case RW_REASON_HEAD_TOO_LARGE:
    case RW_REASON_MEMORY:
        return RW_GRPC_RESOURCE_EXHAUSTED;
    default:
        break;
    }
    switch (status) {
    case 400:
        return RW_GRPC_INTERNAL;
    case 401:
        return RW_GRPC_UNAUTHENTICATED;
    case 403:
        return RW_GRPC_PERMISSION_DENIED;
    case 404:
        return RW_GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return RW_GRPC_UNAVAILABLE;
    default:
        return RW_GRPC_UNKNOWN;
    }
}

struct rw_span rw_grpc_trailers(struct rw_arena *arena, enum rw_reason reason, unsigned *status)
{
    unsigned http = rw_reason_status(reason);
    *status = rw_grpc_status(reason, http ? http : 503);
    return rw_arena_format(arena, "grpc-status: %u\r\ngrpc-message: %s\r\n", *status,
                           rw_reason_text(reason));
}
