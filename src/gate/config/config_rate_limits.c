#include "gate/config/config_tables.h"
#include "gate/limit/meter.h"

static const char *const full_names[] = {
    [RW_METERS_EVICT] = "evict",
    [RW_METERS_ADMIT] = "admit",
    [RW_METERS_REFUSE] = "refuse",
    NULL,
};

static const char *const down_names[] = {
    [RW_REDIS_DOWN_LOCAL] = "local",
    [RW_REDIS_DOWN_ADMIT] = "admit",
    [RW_REDIS_DOWN_REFUSE] = "refuse",
    NULL,
};

#define MEMBER(member) offsetof(struct rw_config_redis, member)
static const struct rw_conf_field redis_fields[] = {
    {
        .name = "address",
        .type = RW_CONF_ADDRESS,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(address),
        .doc = "IP address and port, or a Unix socket, of a server from version 5 on.",
        .example = "127.0.0.1:6379",
    },
    {
        .name = "username",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(username),
        .doc = "For servers with access control lists.",
        .example = "ringway",
    },
    {
        .name = "password",
        .type = RW_CONF_SECRET,
        .offset = MEMBER(password),
        .doc = "The server's, or that of `username`.",
        .example = "file:/etc/ringway/redis-password",
    },
    {
        .name = "database",
        .type = RW_CONF_UINT,
        .offset = MEMBER(database),
        .fallback = "0",
        .min = 0,
        .max = 65535,
        .doc = "Number of the database there.",
    },
    {
        .name = "prefix",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(prefix),
        .fallback = "ringway:limit:",
        .min = 1,
        .max = RW_REDIS_PREFIX_BYTES_MAX,
        .doc = "What the keys there begin with. Gateways that share have the same.",
    },
    {
        .name = "interval",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(interval_ms),
        .fallback = "50ms",
        .min = 5,
        .max = 10000,
        .doc = "How often the server is told what was used here, and answers what all have used.",
    },
    {
        .name = "timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(timeout_ms),
        .fallback = "500ms",
        .min = 10,
        .max = 60000,
        .doc = "To connect and for an answer; after that the server counts as gone.",
    },
    {
        .name = "when_down",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(when_down),
        .names = down_names,
        .fallback = "local",
        .doc = "What becomes of shared limits while the server is gone: `local` counts on with "
               "what this gateway knows, `admit` lets everything pass, `refuse` answers 503.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_redis(void *value, struct rw_conf_report *report)
{
    struct rw_config_redis *redis = value;
    if (redis->username.len && redis->password.len == 0)
        rw_conf_mistake_on(report, &redis->username, "\"username\" needs \"password\"");
}

static const struct rw_conf_record redis_record = {
    .name = "rate_limits.redis",
    .doc = "The Redis server through which gateways share the limits with `shared`. A text in "
           "place of the mapping is the address.",
    .size = sizeof(struct rw_config_redis),
    .fields = redis_fields,
    .place_offset = -1,
    .scalar_field = "address",
    .check = check_redis,
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
    {
        .name = "quota_file",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(quota_file),
        .doc = "Where quotas by the calendar are kept, so that a restart does not forget them: a "
               "file of this gateway alone, made when it is missing, of 64 bytes for each key. It "
               "keeps the `keys_max` that it was made with.",
        .example = "/var/lib/ringway/quotas",
    },
    {
        .name = "redis",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(redis),
        .record = &redis_record,
        .doc = "The Redis server through which gateways share limits.",
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
