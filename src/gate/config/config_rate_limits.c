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

const char *rw_config_redis_down_name(int when_down)
{
    return down_names[when_down];
}

/* ---- Sentinels ---- */

#define MEMBER(member) offsetof(struct rw_config_sentinel, member)
static const struct rw_conf_field sentinel_fields[] = {
    {
        .name = "addresses",
        .type = RW_CONF_ADDRESS,
        .flags = RW_CONF_LIST | RW_CONF_REMOTE | RW_CONF_REQUIRED,
        .offset = MEMBER(addresses),
        .doc = "Addresses or names of the Sentinels, with ports; the first that works is asked.",
        .example = "[sentinel-1.internal:26379, sentinel-2.internal:26379]",
    },
    {
        .name = "primary",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(primary),
        .min = 1,
        .max = 255,
        .doc = "What the Sentinels call the primary (`sentinel monitor NAME ...`).",
        .example = "limits",
    },
    {
        .name = "username",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(username),
        .doc = "To sign in at the Sentinels, which have users of their own.",
        .example = "ringway",
    },
    {
        .name = "password",
        .type = RW_CONF_SECRET,
        .offset = MEMBER(password),
        .doc = "The Sentinels', or that of `username` there.",
        .example = "file:/etc/ringway/sentinel-password",
    },
    {
        .name = "tls",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(tls),
        .record = &rw_config_tls_client_record,
        .doc = "TLS towards the Sentinels. Without it, connections to them are plain.",
    },
    {.name = NULL},
};
#undef MEMBER

void rw_config_check_remote(struct rw_conf_report *report, const struct rw_span *address)
{
    if (rw_span_starts(*address, RW_LITERAL("srv:")))
        rw_conf_mistake_on(report, address, "expected an address or name with a port, not %s",
                           rw_conf_quote(report, *address));
}

static void check_remotes(struct rw_conf_report *report, const struct rw_conf_list *list)
{
    const struct rw_span *addresses = list->items;
    if (list->count > RW_REDIS_ADDRESSES_MAX)
        rw_conf_mistake_on(report, list, "at most %d addresses", (int)RW_REDIS_ADDRESSES_MAX);
    for (size_t i = 0; i < list->count; i++)
        rw_config_check_remote(report, &addresses[i]);
}

static void check_sentinel(void *value, struct rw_conf_report *report)
{
    struct rw_config_sentinel *sentinel = value;
    if (sentinel->username.len && sentinel->password.len == 0)
        rw_conf_mistake_on(report, &sentinel->username, "\"username\" needs \"password\"");
    check_remotes(report, &sentinel->addresses);
}

static const struct rw_conf_record sentinel_record = {
    .name = "rate_limits.redis.sentinel",
    .doc = "The Sentinels that say which server is the primary at present.",
    .size = sizeof(struct rw_config_sentinel),
    .fields = sentinel_fields,
    .place_offset = -1,
    .check = check_sentinel,
};

/* ---- The servers ---- */

#define MEMBER(member) offsetof(struct rw_config_redis, member)
static const struct rw_conf_field redis_fields[] = {
    {
        .name = "address",
        .type = RW_CONF_ADDRESS,
        .flags = RW_CONF_REMOTE,
        .offset = MEMBER(address),
        .doc = "Address or name with a port, or a Unix socket, of one server from version 5 on. A "
               "name is looked up again when the server is lost, and followed when it changes.",
        .example = "redis.internal:6379",
    },
    {
        .name = "sentinel",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(sentinel),
        .record = &sentinel_record,
        .doc = "In place of `address`: Sentinels know which of several servers is the primary.",
    },
    {
        .name = "cluster",
        .type = RW_CONF_ADDRESS,
        .flags = RW_CONF_LIST | RW_CONF_REMOTE,
        .offset = MEMBER(cluster),
        .doc = "In place of `address`: addresses or names of some members of a Redis Cluster; the "
               "others are learnt from them.",
        .example = "[redis-1.internal:6379, redis-2.internal:6379]",
    },
    {
        .name = "tls",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(tls),
        .record = &rw_config_tls_client_record,
        .doc = "TLS towards the servers (not the Sentinels). Without it, connections are plain.",
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
    int kinds = (redis->address.len > 0) + (redis->sentinel != NULL) + (redis->cluster.count > 0);
    if (kinds != 1)
        rw_conf_mistake_at(report, redis->place,
                           "expected one of \"address\", \"sentinel\" and \"cluster\"");
    if (redis->cluster.count && redis->database)
        rw_conf_mistake_on(report, &redis->database, "a Redis Cluster has no database but 0");
    rw_config_check_remote(report, &redis->address);
    check_remotes(report, &redis->cluster);
    if (redis->username.len && redis->password.len == 0)
        rw_conf_mistake_on(report, &redis->username, "\"username\" needs \"password\"");
}

static const struct rw_conf_record redis_record = {
    .name = "rate_limits.redis",
    .doc = "The Redis through which gateways share the limits with `shared`: one server, the "
           "primary that Sentinels know, or a Cluster. A text in place of the mapping is the "
           "address.",
    .size = sizeof(struct rw_config_redis),
    .fields = redis_fields,
    .place_offset = offsetof(struct rw_config_redis, place),
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
        .doc = "Keys (clients, for example) that are counted at a time, of all limits together: 32 "
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
               "file of this gateway alone, made when it is missing, of 32 bytes for each key. It "
               "keeps the `keys_max` that it was made with.",
        .example = "/var/lib/ringway/quotas",
    },
    {
        .name = "redis",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(redis),
        .record = &redis_record,
        .doc = "The Redis through which gateways share limits.",
    },
    {.name = NULL},
};
#undef MEMBER

static void note_places(void *value, struct rw_conf_report *report)
{
    struct rw_config_rate_limits *limits = value;
    limits->quota_file_place = rw_conf_place_of(report, &limits->quota_file);
}

const struct rw_conf_record rw_config_rate_limits_record = {
    .name = "rate_limits",
    .doc = "The table behind all policies `rate_limit`: which keys have used how much.",
    .size = sizeof(struct rw_config_rate_limits),
    .fields = fields,
    .place_offset = -1,
    .check = note_places,
};
