#include "gate/config_tables.h"
#include "gate/meter.h"

static const char *const full_names[] = {
    [RW_METERS_EVICT] = "evict",
    [RW_METERS_ADMIT] = "admit",
    [RW_METERS_REFUSE] = "refuse",
    NULL,
};

#define MEMBER(member) offsetof(struct rw_config_rate_limits, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "keys_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(keys_max),
        .fallback = "100000",
        .min = RW_METERS_KEYS_MIN,
        .max = RW_METERS_KEYS_MAX,
        .doc = "Keys (clients, for example) that are counted at a time, of all limits together: 64 "
               "bytes each, which are taken once they are used. A key that has its whole "
               "allowance again takes no room.",
    },
    {
        .name = "when_full",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(when_full),
        .names = full_names,
        .fallback = "evict",
        .doc = "What happens to a new key when there is no room for it: `evict` forgets the key "
               "that has used the smallest part of its allowance, `admit` lets the request pass "
               "uncounted, `refuse` refuses it.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_rate_limits_record = {
    .name = "rate_limits",
    .doc = "The table behind all policies `rate_limit`: which keys have used how much.",
    .size = sizeof(struct rw_config_rate_limits),
    .fields = fields,
    .place_offset = -1,
};
