#include "load/dues.h"

#include "base/alloc.h"

#include <string.h>

enum { ROOM_MIN = 64 };

static bool grow(struct rw_dues *dues)
{
    uint32_t room = dues->room ? 2 * dues->room : ROOM_MIN;
    if (room > RW_DUES_MAX)
        return false;
    uint64_t *at = rw_alloc(room * sizeof(*at));
    if (!at)
        return false;
    for (uint32_t i = 0; i < dues->count; i++)
        at[i] = dues->at[(dues->first + i) & (dues->room - 1)];
    rw_free(dues->at);
    *dues = (struct rw_dues){.at = at, .count = dues->count, .room = room};
    return true;
}

bool rw_dues_push(struct rw_dues *dues, uint64_t due_ns)
{
    if (dues->count == dues->room && !grow(dues))
        return false;
    dues->at[(dues->first + dues->count++) & (dues->room - 1)] = due_ns;
    return true;
}

void rw_dues_free(struct rw_dues *dues)
{
    rw_free(dues->at);
    *dues = (struct rw_dues){0};
}
