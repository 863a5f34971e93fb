#include "policy/refuse.h"

enum rw_verdict rw_policy_refuse(struct rw_exchange *x, unsigned status, const char *detail)
{
    x->detail = detail;
    if (rw_exchange_make_problem(x, status, detail))
        return RW_VERDICT_FAIL;
    return RW_VERDICT_REPLY;
}
