/* What is left of an exchange's time is told to the endpoint, so that it does not work for nobody.
 */
#include "gate/exchange/grpc.h"
#include "origin/upstream_call.h"

enum { GRPC_COUNT_MAX = 99999999 }; /* eight digits */

static uint64_t left_ms(const struct rw_exchange *x)
{
    uint64_t now_ms = rw_loop_now_ms(x->worker->loop);
    return x->total_timer.due_ms > now_ms ? x->total_timer.due_ms - now_ms : 1;
}

static enum rw_err set(struct rw_exchange *x, struct rw_span name, const char *format,
                       uint64_t value)
{
    struct rw_span text = rw_arena_format(&x->arena, format, (unsigned long long)value);
    return text.at ? rw_message_set(&x->request, &x->arena, name, text) : RW_ENOMEM;
}

static enum rw_err tell_grpc(struct rw_exchange *x, uint64_t ms)
{
    const struct rw_span name = RW_LITERAL("grpc-timeout");
    if (ms <= GRPC_COUNT_MAX)
        return set(x, name, "%llum", ms);
    return set(x, name, "%lluS", ms / 1000);
}

enum rw_err rw_upstream_pass_on_deadline(struct rw_exchange *x)
{
    struct rw_span name = x->route->config->timeouts->deadline_field;
    uint64_t ms = left_ms(x);
    enum rw_err err = RW_OK;
    if (rw_grpc_call(&x->request))
        err = tell_grpc(x, ms);
    return !err && name.len ? set(x, name, "%llu", ms) : err;
}
