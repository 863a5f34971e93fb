#include "policy/refuse.h"

enum rw_verdict rw_policy_refuse(struct rw_exchange *x, unsigned status, const char *detail)
{
    x->detail = detail;
    struct rw_span body = rw_arena_format(
        &x->arena, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\"}\n",
        rw_status_reason(status), status, detail);
    if (!body.at || rw_exchange_make_reply(x, status, "application/problem+json", body))
        return RW_VERDICT_FAIL;
    return RW_VERDICT_REPLY;
}
