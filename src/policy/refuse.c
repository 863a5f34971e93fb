#include "policy/refuse.h"

enum rw_verdict rw_policy_refuse(struct rw_exchange *x, unsigned status, const char *detail)
{
    x->detail = detail;
    if (rw_exchange_make_problem(x, status, detail))
        return RW_VERDICT_FAIL;
    return RW_VERDICT_REPLY;
}

enum rw_verdict rw_policy_refuse_for_now(struct rw_exchange *x, const char *detail)
{
    enum rw_verdict verdict = rw_policy_refuse(x, 503, detail);
    if (verdict == RW_VERDICT_REPLY &&
        rw_message_set(&x->response, &x->arena, RW_LITERAL("Retry-After"), RW_LITERAL("1")))
        return RW_VERDICT_FAIL;
    return verdict;
}
