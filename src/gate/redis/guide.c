#include "gate/redis/guide.h"

#include "base/alloc.h"

struct rw_redis_guide {
    struct rw_loop *loop;
    struct rw_redis_guide_options options;
    struct rw_redis *redis;
    struct rw_timer timer;     /* the next question */
    struct rw_place *place;    /* whom it asks, or tries to */
    struct rw_address address; /* of `place`, where it connects to */
    unsigned number;
    uint64_t asked_ms;
    bool up;
};

/* ---- Questions ---- */

static void ask_at(struct rw_redis_guide *guide, uint64_t at_ms)
{
    if (!rw_timer_running(&guide->timer) || guide->timer.due_ms > at_ms)
        rw_timer_start(guide->loop, &guide->timer, at_ms);
}

/* Without memory it is asked a little later. */
static void on_timer(struct rw_timer *timer)
{
    struct rw_redis_guide *guide = rw_container_of(timer, struct rw_redis_guide, timer);
    struct rw_text text = {0};
    guide->asked_ms = rw_loop_now_ms(guide->loop);
    if (!rw_redis_ready(guide->redis)) {
        if (guide->up)
            ask_at(guide, guide->asked_ms + RW_REDIS_GUIDE_MS_MIN);
        return;
    }
    guide->options.events->question(guide->options.user, &text);
    if (text.err)
        ask_at(guide, guide->asked_ms + RW_REDIS_GUIDE_MS_MIN);
    else
        rw_redis_send(guide->redis, &text, 1);
    rw_text_free(&text);
}

void rw_redis_guide_ask(struct rw_redis_guide *guide, uint32_t within_ms)
{
    uint64_t at_ms = rw_loop_now_ms(guide->loop) + within_ms;
    uint64_t first_ms = guide->asked_ms + RW_REDIS_GUIDE_MS_MIN;
    if (guide->up)
        ask_at(guide, at_ms > first_ms ? at_ms : first_ms);
}

/* ---- Its connection ---- */

static const char *locate(void *user, struct rw_redis_target *target)
{
    struct rw_redis_guide *guide = user;
    guide->place = guide->options.events->place(guide->options.user, guide->number);
    if (!guide->place)
        return "there is nobody to ask";
    const char *why = rw_redis_aim(guide->place, guide->options.secure, target);
    guide->address = target->address;
    return why;
}

static void on_up(void *user)
{
    struct rw_redis_guide *guide = user;
    guide->up = true;
    rw_timer_start(guide->loop, &guide->timer, rw_loop_now_ms(guide->loop));
}

static void on_reply(void *user, struct rw_span reply)
{
    struct rw_redis_guide *guide = user;
    const char *why = guide->options.events->take(guide->options.user, guide->place, reply);
    if (why)
        rw_redis_fail(guide->redis, why);
    else
        ask_at(guide, guide->asked_ms + guide->options.interval_ms);
}

static void on_down(void *user, const char *why)
{
    struct rw_redis_guide *guide = user;
    guide->up = false;
    guide->number++;
    rw_timer_stop(guide->loop, &guide->timer);
    guide->options.events->failed(guide->options.user, guide->place, why);
}

static void on_closed(void *user)
{
    struct rw_redis_guide *guide = user;
    const struct rw_redis_guide_options options = guide->options;
    rw_free(guide);
    options.events->on_closed(options.user);
}

static const struct rw_redis_events events = {
    .locate = locate,
    .on_up = on_up,
    .on_reply = on_reply,
    .on_down = on_down,
    .on_closed = on_closed,
};

void rw_redis_guide_moved(struct rw_redis_guide *guide, const struct rw_place *place)
{
    if (guide->place != place)
        return;
    if (guide->up && !rw_place_has(place, &guide->address))
        rw_redis_fail(guide->redis, "its name has another address");
    rw_redis_hurry(guide->redis);
}

void rw_redis_guide_leave(struct rw_redis_guide *guide, const struct rw_place *place)
{
    if (guide->place != place)
        return;
    rw_redis_fail(guide->redis, "it is no longer a member");
    guide->place = NULL;
}

const struct rw_place *rw_redis_guide_at(const struct rw_redis_guide *guide)
{
    return guide->up ? guide->place : NULL;
}

/* ---- Start and end ---- */

enum rw_err rw_redis_guide_create(struct rw_loop *loop,
                                  const struct rw_redis_guide_options *options,
                                  struct rw_redis_guide **made)
{
    struct rw_redis_guide *guide = rw_alloc_zero(sizeof(*guide));
    if (!guide)
        return RW_ENOMEM;
    const struct rw_redis_options redis = {
        .username = options->username,
        .password = options->password,
        .timeout_ms = options->timeout_ms,
        .events = &events,
        .user = guide,
    };
    guide->loop = loop;
    guide->options = *options;
    guide->options.username = guide->options.password = (struct rw_span){0};
    guide->timer.fire = on_timer;
    enum rw_err err = rw_redis_create(loop, &redis, &guide->redis);
    if (err)
        rw_free(guide);
    else
        *made = guide;
    return err;
}

void rw_redis_guide_close(struct rw_redis_guide *guide)
{
    guide->up = false;
    rw_timer_stop(guide->loop, &guide->timer);
    rw_redis_close(guide->redis);
}
