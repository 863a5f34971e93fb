#include "base/clock.h"
#include "gate/snapshot.h"
#include "policy/limit/limit_private.h"

static const char *const per_names[] = {
    [RW_LIMIT_SECOND] = "second",
    [RW_LIMIT_MINUTE] = "minute",
    [RW_LIMIT_HOUR] = "hour",
    [RW_LIMIT_DAY] = "day",
    [RW_LIMIT_CALENDAR_DAY] = "calendar_day",
    [RW_LIMIT_CALENDAR_MONTH] = "calendar_month",
    NULL,
};

static const char *const keyless_names[] = {
    [RW_LIMIT_TOGETHER] = "together",
    [RW_LIMIT_UNCOUNTED] = "uncounted",
    NULL,
};

uint64_t rw_limit_period_s(const struct rw_limit_config *config)
{
    static const uint64_t periods_s[] = {1, 60, 3600, 86400, 86400, 0};
    return periods_s[config->per];
}

const char *rw_limit_per_name(const struct rw_limit_config *config)
{
    return per_names[config->per];
}

/* ---- One limit ---- */

#define MEMBER(member) offsetof(struct rw_limit_config, member)
static const struct rw_conf_field limit_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(name),
        .min = 1,
        .max = RW_LIMIT_NAME_BYTES_MAX,
        .doc = "For the RateLimit fields, the log and the metrics. Limits of the same name are one "
               "limit, wherever they stand, and a limit keeps its state over a reload as long as "
               "it keeps its name.",
        .example = "per-client",
    },
    {
        .name = "requests",
        .type = RW_CONF_UINT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(requests),
        .min = 1,
        .max = 1000000000,
        .doc = "So many requests",
        .example = "100",
    },
    {
        .name = "per",
        .type = RW_CONF_ENUM,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(per),
        .names = per_names,
        .doc = "in so much time: at an even pace, as they are admitted again one by one. By "
               "`calendar_day` and `calendar_month` it is a quota, which is there again at once "
               "when the next day or month begins, and which a restart does not forget.",
        .example = "minute",
    },
    {
        .name = "burst",
        .type = RW_CONF_UINT,
        .offset = MEMBER(burst),
        .min = 1,
        .max = 1000000000,
        .doc = "So many may come at once after a pause; by default as many as `requests`. With 1 "
               "each request has to keep its distance to the one before.",
    },
    {
        .name = "key",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(key),
        .fallback = "[address]",
        .doc = "What is counted apart: `address` (of the client), `consumer`, `tenant` and "
               "`claim:NAME` (which a policy before it has to tell), `host`, `route`, `method`, "
               "`header:NAME`, `cookie:NAME`, `query:NAME`, or `constant`: all requests together. "
               "Several mean each combination of them.",
        .example = "[consumer, route]",
    },
    {
        .name = "keyless",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(keyless),
        .names = keyless_names,
        .fallback = "together",
        .doc =
            "Requests without the header, cookie, parameter or identity of `key`, or without an "
            "address (Unix sockets): all of them are counted as one client, or they are `uncounted` by "
            "this limit.",
    },
    {
        .name = "shared",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(shared),
        .fallback = "false",
        .doc = "All gateways with the same `rate_limits.redis` have this limit together. Each "
               "decides by itself, and learns some milliseconds later what the others have used.",
    },
    {.name = NULL},
};
#undef MEMBER

/* It stands in a structured field (RFC 9651 section 3.3.3) without any escapes. */
static bool is_name(struct rw_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = rw_lower(name.at[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !strchr("-_.:/", c))
            return false;
    }
    return true;
}

static uint64_t burst_of(const struct rw_limit_config *config)
{
    return config->burst ? config->burst : config->requests;
}

static bool by_calendar(const struct rw_limit_config *config)
{
    return config->per == RW_LIMIT_CALENDAR_DAY || config->per == RW_LIMIT_CALENDAR_MONTH;
}

static enum rw_err rate_of(const struct rw_limit_config *config, struct rw_meter_rate *rate)
{
    if (by_calendar(config)) {
        *rate = rw_meter_quota(config->requests);
        return RW_OK;
    }
    uint64_t period_ns = rw_limit_period_s(config) * RW_NS_PER_S;
    return rw_meter_rate(config->requests, period_ns, burst_of(config), rate);
}

static void check_limit(void *value, struct rw_conf_report *report)
{
    struct rw_limit_config *config = value;
    const struct rw_span *parts = config->key.items;
    struct rw_meter_rate rate;
    char flaw[256];
    if (!is_name(config->name))
        rw_conf_mistake_on(report, &config->name, "a name has letters, digits, and - _ . : / only");
    if (config->requests && rate_of(config, &rate))
        rw_conf_mistake_on(report, &config->burst, "a burst of more than two years");
    if (by_calendar(config) && config->burst)
        rw_conf_mistake_on(report, &config->burst, "a quota by the calendar has no burst");
    if (config->key.count == 0 || config->key.count > RW_LIMIT_PARTS_MAX)
        rw_conf_mistake_on(report, &config->key, "expected 1 to %d parts", RW_LIMIT_PARTS_MAX);
    for (size_t i = 0; i < config->key.count; i++) {
        struct rw_limit_part part;
        if (rw_limit_part_parse(parts[i], flaw, &part)) {
            const char *nearest = rw_limit_part_nearest(parts[i]);
            rw_conf_mistake_on(report, &parts[i],
                               nearest ? "%s, not %s; did you mean %s?" : "%s, not %s", flaw,
                               rw_conf_quote(report, parts[i]), nearest);
        }
    }
}

static const struct rw_conf_record limit_record = {
    .name = "policy.rate_limit.limit",
    .doc = "One limit.",
    .size = sizeof(struct rw_limit_config),
    .fields = limit_fields,
    .place_offset = offsetof(struct rw_limit_config, place),
    .check = check_limit,
};

/* ---- The policy ---- */

#define MEMBER(member) offsetof(struct rw_limits_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "limits",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED | RW_CONF_UNIQUE,
        .offset = MEMBER(limits),
        .record = &limit_record,
        .doc = "All of them have to admit a request, and only then it is charged to each.",
    },
    {
        .name = "ipv6_prefix",
        .type = RW_CONF_UINT,
        .offset = MEMBER(ipv6_prefix),
        .fallback = "64",
        .min = 16,
        .max = 128,
        .doc = "IPv6 clients are counted by networks of so many bits: who has one address of a "
               "/64 has all of it.",
    },
    {
        .name = "ipv4_prefix",
        .type = RW_CONF_UINT,
        .offset = MEMBER(ipv4_prefix),
        .fallback = "32",
        .min = 8,
        .max = 32,
        .doc = "IPv4 clients are counted by networks of so many bits.",
    },
    {
        .name = "utc_offset",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(utc_offset),
        .fallback = "+00:00",
        .doc = "Whose days and months the quotas by the calendar have: local time as its distance "
               "from UTC.",
        .example = "\"+08:00\"",
    },
    {
        .name = "status",
        .type = RW_CONF_UINT,
        .offset = MEMBER(status),
        .fallback = "429",
        .min = 400,
        .max = 599,
        .doc = "What the refused are answered.",
    },
    {
        .name = "fields",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(fields),
        .fallback = "true",
        .doc = "Responses say what is left: RateLimit-Policy and RateLimit "
               "(draft-ietf-httpapi-ratelimit-headers-11). Retry-After is always there when a "
               "request was refused.",
    },
    {
        .name = "dry_run",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(dry_run),
        .fallback = "false",
        .doc = "Nobody is refused and no field is added: metrics and log say what would have "
               "been.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check(void *value, struct rw_conf_report *report)
{
    struct rw_limits_config *config = value;
    int32_t offset_s;
    if (rw_limit_offset(config->utc_offset, &offset_s))
        rw_conf_mistake_on(report, &config->utc_offset, "expected +HH:MM or -HH:MM, not %s",
                           rw_conf_quote(report, config->utc_offset));
    if (config->limits.count == 0 || config->limits.count > RW_METERS_AT_ONCE_MAX)
        rw_conf_mistake_on(report, &config->limits, "expected 1 to %d limits",
                           RW_METERS_AT_ONCE_MAX);
}

const struct rw_conf_record rw_limits_record = {
    .name = "policy.rate_limit",
    .doc = "Limits how many requests are admitted.",
    .size = sizeof(struct rw_limits_config),
    .fields = fields,
    .place_offset = offsetof(struct rw_limits_config, place),
    .check = check,
};

/* ---- Compiling ---- */

static bool same_part(const struct rw_limit_part *a, const struct rw_limit_part *b)
{
    return a->kind == b->kind && rw_span_eq(a->name, b->name) && a->ipv4_bits == b->ipv4_bits &&
           a->ipv6_bits == b->ipv6_bits;
}

/* Do both count the same requests under the same keys? */
static bool same_keys(const struct rw_limit *a, const struct rw_limit *b)
{
    bool same = a->config->keyless == b->config->keyless &&
                a->config->shared == b->config->shared && a->part_count == b->part_count;
    for (unsigned i = 0; same && i < a->part_count; i++)
        same = same_part(&a->parts[i], &b->parts[i]);
    return same;
}

static bool same_limit(const struct rw_limit *a, const struct rw_limit *b)
{
    return a->config->per == b->config->per && a->rate.interval == b->rate.interval &&
           a->rate.capacity == b->rate.capacity && same_keys(a, b) &&
           (!a->rate.counted || a->offset_s == b->offset_s);
}

/* What both are asked about, and `a` admits, has `b` nothing against: in any time it admits as many
 * at once, and as many after that. Quotas of the same period only have their size. */
static bool covers(const struct rw_limit *a, const struct rw_limit *b)
{
    if (!same_keys(a, b) || a->rate.counted != b->rate.counted)
        return false;
    if (a->rate.counted)
        return a->config->per == b->config->per && a->config->requests <= b->config->requests;
    return a->rate.interval >= b->rate.interval &&
           a->rate.capacity / a->rate.interval <= b->rate.capacity / b->rate.interval;
}

/* Two limits that contradict each other: the larger one would never refuse anybody. */
static enum rw_err check_conflicts(struct rw_compile *compile, const struct rw_limits *limits)
{
    enum rw_err result = RW_OK;
    for (unsigned i = 0; i < limits->count; i++)
        for (unsigned k = 0; k < limits->count; k++) {
            const struct rw_limit *smaller = &limits->limits[i], *larger = &limits->limits[k];
            if (i == k || !covers(smaller, larger) || (k < i && covers(larger, smaller)))
                continue;
            rw_conf_mistake_at(compile->report, larger->config->place,
                               "rate limit %s never refuses anything: %s in line %u, by the same "
                               "key, admits no more at once and no more in any time",
                               rw_conf_quote(compile->report, larger->config->name),
                               rw_conf_quote(compile->report, smaller->config->name),
                               smaller->config->place.line);
            result = RW_EINVAL;
        }
    return result;
}

/* What has one name shares its state, and so must be one limit. */
static enum rw_err check_namesake(struct rw_compile *compile, struct rw_limit *limit)
{
    struct rw_map *names = &compile->snapshot->limit_by_name;
    struct rw_span name = limit->config->name;
    const struct rw_limit *other = rw_map_get(names, name);
    if (!other)
        return rw_map_put(names, name, limit);
    if (same_limit(limit, other))
        return RW_OK;
    rw_conf_mistake_at(compile->report, limit->config->place,
                       "rate limit %s is another one in line %u; what has one name is one limit",
                       rw_conf_quote(compile->report, name), other->config->place.line);
    return RW_EINVAL;
}

static void key_of_name(const uint64_t from[2], struct rw_span name, uint64_t key[2])
{
    struct rw_siphash hash;
    rw_siphash_begin(&hash, from);
    rw_siphash_add(&hash, name.at, name.len);
    key[0] = rw_siphash_end(&hash);
    key[1] = from[1];
}

/* What a key is called in Redis is a hash of 128 bits, the same for all who have the same prefix
 * and password there. */
static enum rw_err compile_shared(struct rw_compile *compile, struct rw_limit *limit)
{
    const struct rw_config_redis *redis = compile->snapshot->config->rate_limits->redis;
    if (!redis) {
        rw_conf_mistake_at(compile->report, limit->config->place,
                           "rate limit %s is `shared`, but there is no `rate_limits.redis`",
                           rw_conf_quote(compile->report, limit->config->name));
        return RW_EINVAL;
    }
    for (uint64_t half = 0; half < 2; half++) {
        uint64_t key[2] = {half, 0};
        key_of_name(key, redis->prefix, key);
        key_of_name(key, redis->password, key);
        key_of_name(key, limit->config->name, limit->id_key[half]);
    }
    return RW_OK;
}

/* A quota that a restart forgets would be none. */
static enum rw_err check_quota(struct rw_compile *compile, const struct rw_limit *limit)
{
    const struct rw_config *config = compile->snapshot->config;
    if (config->rate_limits->quota_file.len == 0)
        rw_conf_mistake_at(compile->report, limit->config->place,
                           "the quota %s needs `rate_limits.quota_file`",
                           rw_conf_quote(compile->report, limit->config->name));
    else if (compile->meters && !rw_meters_key(compile->meters, &limit->rate))
        rw_conf_mistake_at(compile->report, limit->config->place,
                           "the quota %s: `rate_limits.quota_file` is opened at the next start or "
                           "upgrade only",
                           rw_conf_quote(compile->report, limit->config->name));
    else
        return RW_OK;
    return RW_EINVAL;
}

static enum rw_err compile_texts(struct rw_compile *compile, const struct rw_limits *limits,
                                 struct rw_limit *limit)
{
    struct rw_span name = limit->config->name;
    limit->item = rw_arena_format(compile->arena, "\"%.*s\";r=", RW_SPAN_ARGS(name));
    limit->label = limits->config->dry_run
                       ? rw_arena_format(compile->arena, "%.*s (dry run)", RW_SPAN_ARGS(name))
                       : name;
    return limit->item.at && limit->label.at ? RW_OK : RW_ENOMEM;
}

static enum rw_err compile_limit(struct rw_compile *compile, const struct rw_limits *limits,
                                 const struct rw_limit_config *config, struct rw_limit *limit)
{
    const struct rw_span *parts = config->key.items;
    char flaw[256];
    limit->config = config;
    enum rw_err err = rw_limit_offset(limits->config->utc_offset, &limit->offset_s);
    err = err ? err : rate_of(config, &limit->rate);
    for (size_t i = 0; i < config->key.count && !err; i++) {
        struct rw_limit_part *part = &limit->parts[limit->part_count++];
        err = rw_limit_part_parse(parts[i], flaw, part);
        part->ipv4_bits = (uint8_t)limits->config->ipv4_prefix;
        part->ipv6_bits = (uint8_t)limits->config->ipv6_prefix;
    }
    rw_assert(!err); /* the checks have seen them */
    if (limit->rate.counted && check_quota(compile, limit))
        return RW_EINVAL;
    static const uint64_t none[2] = {0};
    key_of_name(compile->meters ? rw_meters_key(compile->meters, &limit->rate) : none, config->name,
                limit->hash_key);
    limit->series = RW_SERIES_LIMIT;
    if (compile->metrics)
        limit->series =
            rw_metrics_series(compile->metrics, RW_SERIES_LIMIT, config->name, (struct rw_span){0});
    err = compile_texts(compile, limits, limit);
    if (!err && config->shared)
        err = compile_shared(compile, limit);
    return err ? err : check_namesake(compile, limit);
}

/* "a";q=100;w=60, "b";q=1000;w=3600 */
static enum rw_err compile_policy_field(struct rw_compile *compile, struct rw_limits *limits)
{
    struct rw_text text = {0};
    for (unsigned i = 0; i < limits->count; i++) {
        const struct rw_limit_config *config = limits->limits[i].config;
        unsigned long long period_s = rw_limit_period_s(config);
        rw_text_addf(&text, "%s\"%.*s\";q=%u", i ? ", " : "", RW_SPAN_ARGS(config->name),
                     config->requests);
        if (period_s) /* months are not of one length */
            rw_text_addf(&text, ";w=%llu", period_s);
    }
    if (!text.err)
        limits->policy_field = rw_arena_copy(compile->arena, rw_text_span(&text));
    enum rw_err err = limits->policy_field.at ? RW_OK : RW_ENOMEM;
    rw_text_free(&text);
    return err;
}

enum rw_err rw_limits_compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct rw_limits_config *config = value;
    const struct rw_limit_config *items = config->limits.items;
    struct rw_limits *limits = rw_arena_zero(compile->arena, sizeof(*limits));
    if (!limits)
        return RW_ENOMEM;
    limits->config = config;
    limits->meters = compile->meters;
    limits->shares = compile->shares;
    limits->redis = compile->snapshot->config->rate_limits->redis;
    enum rw_err result = RW_OK;
    *instance = limits;
    for (size_t i = 0; i < config->limits.count; i++) {
        struct rw_limit *limit = &limits->limits[limits->count++];
        enum rw_err err = compile_limit(compile, limits, &items[i], limit);
        if (err == RW_ENOMEM)
            return err;
        result = err ? err : result;
    }
    if (!result)
        result = check_conflicts(compile, limits);
    return result ? result : compile_policy_field(compile, limits);
}
