#include "gate/cluster/retry/retry_budget.h"

#include "base/clock.h"

enum { ONE = 1000 };

/* What time has added since the last look; whole thousandths only, the rest stays to be added. */
static void fill(struct rw_retry_budget *budget, uint64_t per_second, unsigned parts,
                 uint64_t now_ms)
{
    uint64_t elapsed_ms = rw_elapsed_ms(now_ms, budget->filled_ms);
    if (budget->filled_ms == 0 || per_second == 0) {
        budget->filled_ms = now_ms;
        return;
    }
    uint64_t added = elapsed_ms * per_second / parts;
    if (added >= budget->spent) {
        budget->spent = 0;
        budget->filled_ms = now_ms;
        return;
    }
    budget->spent -= added;
    budget->filled_ms += added * parts / per_second;
}

bool rw_retry_budget_take(struct rw_retry_budget *budget,
                          const struct rw_retry_budget_settings *settings, unsigned parts,
                          uint64_t now_ms)
{
    fill(budget, settings->per_second, parts, now_ms);
    uint64_t room = (uint64_t)settings->burst * ONE / parts;
    if (budget->spent + ONE > (room > ONE ? room : ONE))
        return false;
    budget->spent += ONE;
    return true;
}
