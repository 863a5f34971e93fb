/* What clients are told: draft-ietf-httpapi-ratelimit-headers-11. `r` is what would be admitted at
 * once (section 4.1.1), `t` the seconds within which no more than that is (4.1.2): of GCRA the time
 * until the next one comes back, also where all are there, as one that is used now comes back
 * then. */
#include "base/clock.h"
#include "gate/exchange/grpc.h"
#include "policy/limit/limit_private.h"

enum { ITEM_BYTES_MAX = RW_LIMIT_NAME_BYTES_MAX + 64, PROBLEM_DETAIL_BYTES = 512 };

static char *put(char *to, struct rw_span text)
{
    memcpy(to, text.at, text.len);
    return to + text.len;
}

static uint64_t seconds(uint64_t ns)
{
    uint64_t up = (ns + RW_NS_PER_S - 1) / RW_NS_PER_S;
    return up ? up : 1;
}

static uint64_t retry_after_s(const struct rw_meter *meters, unsigned count)
{
    uint64_t most = 1;
    for (unsigned i = 0; i < count; i++) {
        uint64_t wait_s = meters[i].admits ? 0 : seconds(rw_meter_next_ns(&meters[i]));
        most = wait_s > most ? wait_s : most;
    }
    return most;
}

enum rw_err rw_limit_note_keep(struct rw_exchange *x, const struct rw_limits *limits,
                               const struct rw_limit *const *asked, const struct rw_meter *meters,
                               unsigned count, bool refused)
{
    struct rw_limit_note *note = rw_arena_alloc(&x->arena, sizeof(*note));
    if (!note)
        return RW_ENOMEM;
    note->field = (struct rw_span){0};
    note->retry_after_s = refused ? retry_after_s(meters, count) : 0;
    if (limits->config->fields) {
        char text[RW_METERS_AT_ONCE_MAX * ITEM_BYTES_MAX], *to = text;
        for (unsigned i = 0; i < count; i++) {
            to = i ? put(to, RW_LITERAL(", ")) : to;
            to = put(to, asked[i]->item);
            to += rw_format_u64(to, rw_meter_left(&meters[i]));
            to = put(to, RW_LITERAL(";t="));
            to += rw_format_u64(to, seconds(rw_meter_next_ns(&meters[i])));
        }
        note->field = rw_arena_copy(&x->arena, rw_span(text, (size_t)(to - text)));
        if (!note->field.at)
            return RW_ENOMEM;
    }
    rw_policy_keep(x, &note->note, limits);
    return RW_OK;
}

static enum rw_err add(struct rw_exchange *x, const char *name, struct rw_span value)
{
    return rw_message_add(&x->response, &x->arena, rw_span_text(name), value);
}

enum rw_err rw_limit_note_tell(struct rw_exchange *x, const struct rw_limits *limits)
{
    const struct rw_limit_note *note = (struct rw_limit_note *)rw_policy_kept(x, limits);
    if (!note)
        return RW_OK;
    enum rw_err err = RW_OK;
    if (note->field.at) {
        err = add(x, "RateLimit-Policy", limits->policy_field);
        err = err ? err : add(x, "RateLimit", note->field);
    }
    if (note->retry_after_s && !err) {
        struct rw_span value =
            rw_arena_format(&x->arena, "%llu", (unsigned long long)note->retry_after_s);
        err = value.at ? add(x, "Retry-After", value) : RW_ENOMEM;
    }
    return err;
}

/* Names have nothing in them that JSON would escape. */
static struct rw_span violated(struct rw_exchange *x, const struct rw_limit *const *asked,
                               const struct rw_meter *meters, unsigned count)
{
    char text[RW_METERS_AT_ONCE_MAX * ITEM_BYTES_MAX], *to = text;
    for (unsigned i = 0; i < count; i++) {
        if (meters[i].admits)
            continue;
        to = put(to, to == text ? RW_LITERAL("\"") : RW_LITERAL(",\""));
        to = put(to, asked[i]->config->name);
        *to++ = '"';
    }
    return rw_arena_copy(&x->arena, rw_span(text, (size_t)(to - text)));
}

enum rw_err rw_limit_refusal(struct rw_exchange *x, unsigned status,
                             const struct rw_limit *const *asked, const struct rw_meter *meters,
                             unsigned count)
{
    x->detail = "Too many requests.";
    if (rw_grpc_call(&x->request))
        return rw_exchange_make_problem(x, status, x->detail);
    struct rw_span names = violated(x, asked, meters, count);
    if (!names.at)
        return RW_ENOMEM;
    struct rw_span body = rw_arena_format(
        &x->arena,
        "{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\","
        "\"title\":\"Request cannot be satisfied as assigned quota has been exceeded\","
        "\"status\":%u,\"violated-policies\":[%.*s]}\n",
        status, RW_SPAN_ARGS(names));
    if (!body.at)
        return RW_ENOMEM;
    return rw_exchange_make_reply(x, status, "application/problem+json", body);
}
