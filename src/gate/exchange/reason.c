#include "gate/exchange/reason.h"

#include <stddef.h>

static const struct {
    const char *name;
    unsigned status;
    const char *text;
} reasons[] = {
#define RW_REASON_ROW(id, name, status, text) {name, status, text},
    RW_REASONS(RW_REASON_ROW)
#undef RW_REASON_ROW
};

const char *rw_reason_name(enum rw_reason reason)
{
    return reasons[reason].name;
}

unsigned rw_reason_status(enum rw_reason reason)
{
    return reasons[reason].status;
}

const char *rw_reason_text(enum rw_reason reason)
{
    return reasons[reason].text;
}

bool rw_reason_ours(enum rw_reason reason)
{
    return reason == RW_REASON_MEMORY || reason == RW_REASON_DESCRIPTORS ||
           reason == RW_REASON_EXCHANGE_LIMIT || reason == RW_REASON_QUEUE_FULL ||
           reason == RW_REASON_QUEUE_TIMEOUT || reason == RW_REASON_NO_UPGRADE ||
           reason == RW_REASON_HEAD_TOO_LARGE;
}
