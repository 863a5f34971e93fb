#include "base/clock.h"
#include "gate/worker.h"
#include "policy/limit/limit_private.h"
#include "policy/refuse.h"

#include <stdio.h>

/* False: the limit does not count this request. */
static bool hash_key(const struct rw_limit *limit, const struct rw_exchange *x,
                     const uint64_t secret[2], uint64_t *key)
{
    struct rw_siphash hash;
    bool whole = true;
    rw_siphash_begin(&hash, secret);
    for (unsigned i = 0; i < limit->part_count && whole; i++)
        whole = limit->parts[i].kind->add(&limit->parts[i], x, &hash);
    if (!whole) {
        if (limit->config->keyless == RW_LIMIT_UNCOUNTED)
            return false;
        /* The keys there are have their lengths in front: none is of this kind. */
        rw_siphash_begin(&hash, secret);
        rw_siphash_add(&hash, "-", 1);
    }
    *key = rw_siphash_end(&hash);
    return true;
}

/* In a cluster it may depend on the key. */
static enum rw_shares_mode mode_of(const struct rw_limits *limits, const struct rw_limit *limit,
                                   const struct rw_exchange *x, enum rw_shares_mode mode)
{
    uint64_t id;
    if (!limit->config->shared)
        return RW_SHARES_ENFORCE;
    if (mode != RW_SHARES_PARTLY)
        return mode;
    if (!hash_key(limit, x, limit->id_key[0], &id))
        return RW_SHARES_ENFORCE; /* it is not counted at all */
    return rw_shares_mode_of(limits->shares, id);
}

static void count_result(const struct rw_exchange *x, const struct rw_limit *limit,
                         enum rw_limit_result result)
{
    rw_metrics_limit(rw_metrics_cell(x->worker->metrics, limit->series), result);
}

/* What a limit asks of its meter, but for the key. A quota is counted on while Redis is gone and it
 * admits everything: what was used is used. */
static struct rw_meter meter_of(const struct rw_limit *limit, enum rw_shares_mode mode,
                                const struct rw_meters_time *time)
{
    struct rw_meter meter = {.rate = &limit->rate};
    if (!limit->rate.counted)
        return meter;
    meter.end_s = rw_limit_period_end(limit->config->per, limit->offset_s, time->wall_s);
    meter.shared = limit->config->shared;
    meter.lenient = mode == RW_SHARES_ADMIT;
    return meter;
}

/* Which limits count the request, with the key of each. */
static unsigned gather(const struct rw_limits *limits, const struct rw_exchange *x,
                       enum rw_shares_mode mode, const struct rw_meters_time *time,
                       const struct rw_limit **asked, struct rw_meter *meters)
{
    unsigned count = 0;
    for (unsigned i = 0; i < limits->count; i++) {
        const struct rw_limit *limit = &limits->limits[i];
        enum rw_shares_mode now = mode_of(limits, limit, x, mode);
        meters[count] = meter_of(limit, now, time);
        if (now != RW_SHARES_ENFORCE && !meters[count].lenient) {
            count_result(x, limit, RW_LIMIT_BYPASSED);
            continue;
        }
        if (!hash_key(limit, x, limit->hash_key, &meters[count].hash)) {
            count_result(x, limit, RW_LIMIT_KEYLESS);
            continue;
        }
        asked[count++] = limit;
    }
    return count;
}

/* A request that is refused is counted where it was refused, one that is admitted with all. */
static void count_answer(struct rw_exchange *x, const struct rw_limits *limits,
                         const struct rw_limit *const *asked, struct rw_meter *meters,
                         unsigned count, const struct rw_meters_answer *answer)
{
    enum rw_limit_result refused = limits->config->dry_run ? RW_LIMIT_DRY_RUN : RW_LIMIT_REFUSED;
    if (answer->evicted)
        rw_worker_count(x->worker, RW_COUNTER_LIMIT_EVICTIONS, answer->evicted);
    if (answer->lacking)
        rw_worker_count(x->worker, RW_COUNTER_LIMIT_UNTRACKED, answer->lacking);
    for (unsigned i = count; i-- > 0;) {
        if (!answer->admitted && answer->lacking)
            meters[i].admits = false; /* the table is full, and that refuses */
        if (answer->admitted) {
            count_result(x, asked[i], meters[i].lenient ? RW_LIMIT_BYPASSED : RW_LIMIT_ADMITTED);
        } else if (!meters[i].admits) {
            count_result(x, asked[i], refused);
            x->limit = asked[i]->label;
        }
    }
}

/* What was admitted is noted, for the other gateways. A quota that refuses is told, too: Redis may
 * have lost what all had used, and learns it again also when nothing more is admitted. */
static void share(const struct rw_limits *limits, const struct rw_exchange *x,
                  const struct rw_limit *const *asked, const struct rw_meter *meters,
                  unsigned count, bool admitted)
{
    for (unsigned i = 0; i < count; i++) {
        const struct rw_limit *limit = asked[i];
        bool news = admitted || (limit->rate.counted && !meters[i].admits);
        uint64_t id[2];
        if (!limit->config->shared || !news || rw_shares_use(limits->shares, meters[i].hash))
            continue;
        if (hash_key(limit, x, limit->id_key[0], &id[0]) &&
            hash_key(limit, x, limit->id_key[1], &id[1]))
            rw_shares_add(limits->shares, meters[i].hash, id, &limit->rate);
    }
}

/* Redis is gone, and a shared limit refuses then. */
static enum rw_verdict refuse_unshared(struct rw_exchange *x, const struct rw_limits *limits,
                                       enum rw_shares_mode mode)
{
    for (unsigned i = 0; i < limits->count; i++) {
        const struct rw_limit *limit = &limits->limits[i];
        if (mode_of(limits, limit, x, mode) != RW_SHARES_REFUSE)
            continue;
        count_result(x, limit, limits->config->dry_run ? RW_LIMIT_DRY_RUN : RW_LIMIT_REFUSED);
        x->limit = limit->label;
        if (!limits->config->dry_run)
            return rw_policy_refuse_for_now(x, "The rate limit cannot be checked at the moment.");
    }
    return RW_VERDICT_NEXT;
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct rw_limits *limits = instance;
    const struct rw_limit *asked[RW_METERS_AT_ONCE_MAX];
    struct rw_meter meters[RW_METERS_AT_ONCE_MAX];
    const struct rw_meters_time time = {
        .now_ns = rw_loop_turn_ns(x->worker->loop),
        .wall_s = rw_loop_wall_ns(x->worker->loop) / RW_NS_PER_S,
    };
    enum rw_shares_mode mode = limits->shares ? rw_shares_mode(limits->shares) : RW_SHARES_ENFORCE;
    enum rw_verdict verdict =
        mode == RW_SHARES_ENFORCE ? RW_VERDICT_NEXT : refuse_unshared(x, limits, mode);
    if (verdict != RW_VERDICT_NEXT)
        return verdict;
    unsigned count = limits->meters ? gather(limits, x, mode, &time, asked, meters) : 0;
    if (count == 0)
        return RW_VERDICT_NEXT;
    struct rw_meters_answer answer = rw_meters_take(limits->meters, meters, count, &time);
    count_answer(x, limits, asked, meters, count, &answer);
    if (limits->shares)
        share(limits, x, asked, meters, count, answer.admitted);
    if (limits->config->dry_run)
        return RW_VERDICT_NEXT;
    if ((limits->config->fields || !answer.admitted) &&
        rw_limit_note_keep(x, limits, asked, meters, count, !answer.admitted))
        return RW_VERDICT_FAIL;
    if (answer.admitted)
        return RW_VERDICT_NEXT;
    if (rw_limit_refusal(x, limits->config->status, asked, meters, count))
        return RW_VERDICT_FAIL;
    return RW_VERDICT_REPLY;
}

static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    return rw_limit_note_tell(x, instance) ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
}

/* Who asks has to be known by then. */
static enum rw_err check_route(const void *instance, const struct rw_route *route,
                               const struct rw_snapshot *snapshot, struct rw_conf_report *report)
{
    const struct rw_limits *limits = instance;
    enum rw_err result = RW_OK;
    for (unsigned i = 0; i < limits->count; i++) {
        const struct rw_limit *limit = &limits->limits[i];
        char what[RW_LIMIT_NAME_BYTES_MAX + 32];
        snprintf(what, sizeof(what), "the rate limit \"%.*s\"", RW_SPAN_ARGS(limit->config->name));
        for (unsigned p = 0; p < limit->part_count; p++) {
            const struct rw_limit_part *part = &limit->parts[p];
            if (!part->kind->of_identity)
                continue;
            enum rw_err err = rw_identity_expect(part->kind->identity, part->name, instance, route,
                                                 snapshot, report, limit->config->place, what);
            result = err ? err : result;
        }
    }
    return result;
}

/* Through which Redis it is shared, and what becomes of it without. */
static void explain_shared(const struct rw_config_redis *redis, struct rw_text *text)
{
    const struct rw_span *members = redis->cluster.items;
    rw_text_adds(text, ", shared through ");
    if (redis->sentinel)
        rw_text_addf(text, "the primary %.*s of %zu sentinels",
                     RW_SPAN_ARGS(redis->sentinel->primary), redis->sentinel->addresses.count);
    else if (redis->cluster.count)
        rw_text_addf(text, "the cluster of %.*s", RW_SPAN_ARGS(members[0]));
    else
        rw_text_addf(text, "redis %.*s", RW_SPAN_ARGS(redis->address));
    rw_text_addf(text, " (when down: %s)", rw_config_redis_down_name(redis->when_down));
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct rw_limits *limits = instance;
    for (unsigned i = 0; i < limits->count; i++) {
        const struct rw_limit *limit = &limits->limits[i];
        const struct rw_span *parts = limit->config->key.items;
        rw_text_addf(text, "%s%.*s %u per %s, ", i ? "; " : "", RW_SPAN_ARGS(limit->config->name),
                     limit->config->requests, rw_limit_per_name(limit->config));
        if (!limit->rate.counted)
            rw_text_addf(text, "burst %llu, ",
                         (unsigned long long)(limit->rate.capacity / limit->rate.interval));
        rw_text_adds(text, "by");
        for (unsigned p = 0; p < limit->part_count; p++)
            rw_text_addf(text, "%s%.*s", p ? " + " : " ", RW_SPAN_ARGS(parts[p]));
        if (limit->config->shared)
            explain_shared(limits->redis, text);
    }
    if (limits->config->dry_run)
        rw_text_adds(text, "; counted only");
    else
        rw_text_addf(text, "; what is over gets %u", limits->config->status);
}

static void explain_client(struct rw_exchange *x, const void *instance, struct rw_text *text)
{
    const struct rw_limits *limits = instance;
    const char *separator = "; this client is counted";
    for (unsigned i = 0; i < limits->count; i++)
        for (unsigned p = 0; p < limits->limits[i].part_count; p++) {
            struct rw_text network = {0};
            if (rw_limit_part_tell_network(&limits->limits[i].parts[p], x->client, &network))
                rw_text_addf(text, "%s by %.*s as %s", separator,
                             RW_SPAN_ARGS(limits->limits[i].config->name), network.at);
            if (network.len)
                separator = ",";
            rw_text_free(&network);
        }
}

const struct rw_policy rw_policy_rate_limit = {
    .kind = {.name = "rate_limit",
             .record = &rw_limits_record,
             .doc = "Limits how many requests are admitted.",
             .user = &rw_policy_rate_limit},
    .compile = rw_limits_compile,
    .check_route = check_route,
    .on_request = on_request,
    .on_response = on_response,
    .explain = explain,
    .explain_client = explain_client,
};
