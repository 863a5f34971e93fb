#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "gate/limit/share_private.h"

#include <stdio.h>
#include <stdlib.h>

enum { TICKS_PER_US = 1000 * RW_METER_TICKS_PER_NS };

/* ---- Commands ---- */

static struct rw_share_told *told_of(struct rw_redis_command *command)
{
    return rw_container_of(command, struct rw_share_told, command);
}

static int compare_tags(const void *a, const void *b)
{
    unsigned left = rw_share_tag(((const struct rw_usage *)a)->id[0]);
    unsigned right = rw_share_tag(((const struct rw_usage *)b)->id[0]);
    return (left > right) - (left < right);
}

/* How many from `items` on are told with one command. */
static unsigned run_length(const struct rw_shares *shares, const struct rw_usage *items,
                           unsigned count)
{
    unsigned run = 1, most = count < RW_SHARE_COMMAND_KEYS ? count : RW_SHARE_COMMAND_KEYS;
    uint16_t slot = shares->slots[rw_share_tag(items[0].id[0])];
    while (!items[0].apart && run < most && !items[run].apart &&
           shares->slots[rw_share_tag(items[run].id[0])] == slot)
        run++;
    return run;
}

/* What there is no memory for is not shared, nor is a quota that the table had no room for. */
static void put_command(struct rw_shares *shares, const struct rw_usage *usages, unsigned count)
{
    struct rw_share_told *told = rw_alloc(sizeof(*told) + count * sizeof(*told->items));
    if (!told)
        return;
    told->count = 0;
    told->command = (struct rw_redis_command){.slot = shares->slots[rw_share_tag(usages[0].id[0])]};
    for (unsigned i = 0; i < count; i++) {
        struct rw_share_item item = {.usage = usages[i]};
        if (item.usage.rate.counted)
            item.used = rw_meters_used(shares->options.meters, item.usage.hash);
        if (!item.usage.rate.counted || item.used.end_s)
            told->items[told->count++] = item;
    }
    if (told->count)
        rw_redis_store_put(shares->store, &told->command);
    else
        rw_free(told);
}

void rw_share_put_batch(struct rw_shares *shares)
{
    if (rw_redis_store_kind(shares->store) == RW_REDIS_CLUSTER && shares->batch_count)
        qsort(shares->batch, shares->batch_count, sizeof(*shares->batch), compare_tags);
    for (unsigned at = 0, run; at < shares->batch_count; at += run) {
        run = run_length(shares, &shares->batch[at], shares->batch_count - at);
        put_command(shares, &shares->batch[at], run);
    }
    shares->batch_count = 0;
}

static void on_write(void *user, const struct rw_redis_command *command, struct rw_text *text)
{
    const struct rw_share_told *told =
        (const struct rw_share_told *)(const void *)command; /* its first member */
    rw_share_write(user, text, told->items, told->count);
}

/* ---- Replies ---- */

static void learn_pace(struct rw_shares *shares, const struct rw_usage *usage, int64_t ahead_us)
{
    uint64_t ahead = ahead_us > 0 ? (uint64_t)ahead_us * TICKS_PER_US : 0;
    if (ahead > 2 * usage->rate.capacity)
        ahead = 2 * usage->rate.capacity; /* not what the script says */
    ahead += rw_usages_of(&shares->usages, usage->hash) * usage->rate.interval;
    rw_meters_raise(shares->options.meters, usage->hash, &usage->rate, ahead,
                    rw_loop_now_ns(shares->options.loop));
}

static uint32_t to_count(int64_t number)
{
    return number <= 0 ? 0 : number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static void learn_quota(struct rw_shares *shares, const struct rw_share_item *item, int64_t had,
                        int64_t others)
{
    struct rw_loop *loop = shares->options.loop;
    const struct rw_usage *usage = &item->usage;
    const struct rw_meters_time time = {.now_ns = rw_loop_now_ns(loop),
                                        .wall_s = rw_loop_wall_ns(loop) / RW_NS_PER_S};
    const struct rw_meters_news news = {
        .end_s = item->used.end_s,
        .others = to_count(others),
        .had = to_count(had),
        .since = usage->count + rw_usages_of(&shares->usages, usage->hash),
    };
    rw_meters_learn(shares->options.meters, usage->hash, &news, &time);
}

/* Redis does not always say which command or key it was: its log of refusals does. */
static bool lacks_right(struct rw_span error)
{
    static const char *const signs[] = {"NOPERM", "The user executing the script can't",
                                        "ACL failure"};
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
        if (memmem(error.at, error.len, signs[i], strlen(signs[i])))
            return true;
    return false;
}

/* A read-only server, no permission, no memory: what was told is not known there, and shares->why
 * says so. */
static bool judge(struct rw_shares *shares, const struct rw_resp_value *value)
{
    if (value->kind == RW_RESP_ARRAY && !value->null)
        return true;
    struct rw_span text = value->kind == RW_RESP_ERROR ? value->text : RW_LITERAL("no array");
    snprintf(shares->why, sizeof(shares->why), "the script failed%s: %.*s",
             lacks_right(text) ? " for want of a right that `ACL LOG` there names" : "",
             (int)(text.len < 160 ? text.len : 160), text.at);
    return false;
}

/* `rest`: for each a number, or two. */
static void learn_all(struct rw_shares *shares, const struct rw_share_told *told,
                      struct rw_span rest)
{
    struct rw_resp_value value, others;
    for (unsigned i = 0; i < told->count; i++) {
        const struct rw_share_item *item = &told->items[i];
        if (!rw_resp_next(&rest, &value) || value.kind != RW_RESP_INTEGER)
            return;
        if (!item->usage.rate.counted)
            learn_pace(shares, &item->usage, value.number);
        else if (rw_resp_next(&rest, &others) && others.kind == RW_RESP_INTEGER)
            learn_quota(shares, item, value.number, others.number);
    }
}

static const char *on_take(void *user, struct rw_redis_command *command, struct rw_span reply)
{
    struct rw_shares *shares = user;
    struct rw_resp_value value;
    rw_assert(rw_resp_next(&reply, &value));
    bool good = judge(shares, &value);
    if (command && good)
        learn_all(shares, told_of(command), reply);
    if (command)
        rw_free(told_of(command));
    return good ? NULL : shares->why;
}

/* Of quotas the next number says it again. */
static void on_lost(void *user, struct rw_redis_command *command)
{
    struct rw_shares *shares = user;
    struct rw_share_told *told = told_of(command);
    for (unsigned i = 0; i < told->count; i++)
        if (told->items[i].usage.rate.counted)
            rw_usages_add(&shares->usages, &told->items[i].usage);
    rw_free(told);
}

/* It is told with the next round. */
static void on_again(void *user, struct rw_redis_command *command, bool apart)
{
    struct rw_shares *shares = user;
    struct rw_share_told *told = told_of(command);
    for (unsigned i = 0; i < told->count; i++) {
        struct rw_usage *usage = &told->items[i].usage;
        usage->apart = usage->apart || apart;
        rw_usages_add(&shares->usages, usage);
    }
    rw_free(told);
}

/* ---- Up and down ---- */

static const char *consequence(const struct rw_shares *shares)
{
    static const char *const consequences[] = {
        [RW_REDIS_DOWN_LOCAL] = "are counted by this gateway alone",
        [RW_REDIS_DOWN_ADMIT] = "admit everything",
        [RW_REDIS_DOWN_REFUSE] = "refuse everything",
    };
    return consequences[shares->when_down];
}

static void on_changed(void *user, const struct rw_redis_node *node, const char *why)
{
    struct rw_shares *shares = user;
    bool cluster = rw_redis_store_kind(shares->store) == RW_REDIS_CLUSTER;
    const char *those = cluster ? " whose keys it has" : "";
    if (!why) {
        rw_log_info("limits", "redis %s: connected, shared limits%s are shared", node->place.text,
                    those);
    } else {
        rw_metrics_count(shares->options.metrics, RW_COUNTER_LIMIT_SHARE_FAILURES, 1);
        rw_log_limited(RW_LOG_WARN, "limits", "redis %s: %s; shared limits%s %s meanwhile",
                       node->place.text, why, those, consequence(shares));
    }
    rw_share_judge(shares);
}

static void on_moved(void *user)
{
    rw_share_judge(user);
}

static void on_astray(void *user, const struct rw_place *from, const char *why)
{
    struct rw_shares *shares = user;
    bool cluster = rw_redis_store_kind(shares->store) == RW_REDIS_CLUSTER;
    if (shares->up)
        rw_log_limited(RW_LOG_WARN, "limits", "redis %s %s: %s; another one is asked",
                       cluster ? "cluster member" : "sentinel", from ? from->text : "", why);
    else
        rw_log_limited(RW_LOG_WARN, "limits",
                       "redis %s %s: %s; another one is asked, shared limits %s meanwhile",
                       cluster ? "cluster member" : "sentinel", from ? from->text : "", why,
                       consequence(shares));
}

static void on_closed(void *user)
{
    ((struct rw_shares *)user)->alive--;
}

const struct rw_redis_store_events rw_share_events = {
    .probe = rw_share_probe,
    .write = on_write,
    .take = on_take,
    .lost = on_lost,
    .again = on_again,
    .changed = on_changed,
    .moved = on_moved,
    .astray = on_astray,
    .closed = on_closed,
};
