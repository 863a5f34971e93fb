#include "io/redis.h"

#include "base/alloc.h"
#include "io/stream.h"
#include "io/tls.h"

#include <stdio.h>

enum { ROLE_BEFORE_END = 1 }; /* only PING comes after it */

enum state { DOWN, CONNECTING, GREETING, READY, WAITING, CLOSING };

struct rw_redis {
    struct rw_loop *loop;
    struct rw_redis_options options;
    enum state state;
    bool open; /* on_closed of the stream is still to come */
    struct rw_stream stream;
    struct rw_timer timer; /* down: to connect again; else the time limit */
    uint32_t pause_ms;
    struct rw_text greeting; /* AUTH, SELECT, ROLE, PING */
    unsigned greeting_replies;
    struct rw_text output, input;
    bool sending;
    unsigned replies; /* still to come */
    char why[240];    /* it went down */
};

static void connect_now(struct rw_redis *redis);

static struct rw_redis *redis_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct rw_redis, stream);
}

/* ---- Down, and the end ---- */

static void free_redis(struct rw_redis *redis)
{
    const struct rw_redis_options options = redis->options;
    rw_text_free(&redis->greeting);
    rw_text_free(&redis->output);
    rw_text_free(&redis->input);
    rw_free(redis);
    options.events->on_closed(options.user);
}

static void connect_later(struct rw_redis *redis)
{
    uint32_t next = redis->pause_ms * 2;
    rw_timer_start(redis->loop, &redis->timer, rw_loop_now_ms(redis->loop) + redis->pause_ms);
    redis->pause_ms = next < RW_REDIS_PAUSE_MS_MAX ? next : RW_REDIS_PAUSE_MS_MAX;
}

/* The stream goes; when it has gone, a new one is made. */
static void go_down(struct rw_redis *redis, const char *why)
{
    if (redis->state == DOWN || redis->state == CLOSING)
        return;
    redis->state = DOWN;
    redis->replies = 0;
    rw_timer_stop(redis->loop, &redis->timer);
    snprintf(redis->why, sizeof(redis->why), "%s", why);
    if (redis->open)
        rw_stream_close(&redis->stream);
    else
        connect_later(redis);
    redis->options.events->on_down(redis->options.user, redis->why);
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_redis *redis = redis_of(stream);
    redis->open = false;
    redis->sending = false;
    if (redis->state == CLOSING)
        free_redis(redis);
    else
        connect_later(redis);
}

static void on_timer(struct rw_timer *timer)
{
    struct rw_redis *redis = rw_container_of(timer, struct rw_redis, timer);
    if (redis->state == CLOSING)
        free_redis(redis);
    else if (redis->state == DOWN)
        connect_now(redis);
    else
        go_down(redis, redis->state == CONNECTING ? "connecting takes too long"
                                                  : "it does not answer in time");
}

/* ---- Sending ---- */

static void send_output(struct rw_redis *redis, unsigned replies)
{
    struct iovec part = {.iov_base = redis->output.at, .iov_len = redis->output.len};
    redis->replies = replies;
    redis->sending = true;
    enum rw_send sent =
        redis->output.err ? RW_SEND_FAILED : rw_stream_send(&redis->stream, &part, 1);
    if (sent == RW_SEND_DONE)
        redis->sending = false;
    if (sent == RW_SEND_FAILED) { /* told from the loop, by the time limit, which is now */
        redis->sending = false;
        rw_timer_start(redis->loop, &redis->timer, rw_loop_now_ms(redis->loop));
        return;
    }
    rw_timer_start(redis->loop, &redis->timer,
                   rw_loop_now_ms(redis->loop) + redis->options.timeout_ms);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct rw_redis *redis = redis_of(stream);
    redis->sending = false;
    if (err)
        go_down(redis, rw_err_text(err));
}

void rw_redis_send(struct rw_redis *redis, struct rw_text *commands, unsigned replies)
{
    rw_assert(rw_redis_ready(redis) && replies > 0);
    rw_text_free(&redis->output);
    redis->output = *commands;
    *commands = (struct rw_text){0};
    redis->state = WAITING;
    send_output(redis, replies);
}

bool rw_redis_ready(const struct rw_redis *redis)
{
    return redis->state == READY && !redis->sending;
}

/* ---- Receiving ---- */

/* *3 $6 master ...: a replica says "slave", a Sentinel "sentinel". */
static const char *judge_role(struct rw_span reply)
{
    struct rw_resp_value value;
    if (!rw_resp_next(&reply, &value) || value.kind == RW_RESP_ERROR)
        return NULL; /* not permitted: what it is good for shows when it is used */
    if (value.kind != RW_RESP_ARRAY || value.null || !rw_resp_next(&reply, &value) ||
        value.kind != RW_RESP_BULK)
        return "it does not say what its role is";
    if (rw_span_is(value.text, "slave"))
        return "it is a replica, not the primary";
    return rw_span_is(value.text, "master") ? NULL : "it is no server of data";
}

/* NULL: good. `why` has room for what the server says. */
static const char *judge_greeting(const struct rw_redis *redis, struct rw_span reply, char why[128])
{
    struct rw_resp_value value;
    if (redis->options.primary && redis->replies == ROLE_BEFORE_END)
        return judge_role(reply);
    if (!rw_resp_next(&reply, &value) || value.kind != RW_RESP_ERROR)
        return NULL;
    snprintf(why, 128, "%.*s", (int)(value.text.len < 100 ? value.text.len : 100), value.text.at);
    return why;
}

static void greeting_reply(struct rw_redis *redis, struct rw_span reply)
{
    char text[128];
    const char *why = judge_greeting(redis, reply, text);
    if (why) {
        go_down(redis, why);
        return;
    }
    if (redis->replies)
        return;
    rw_timer_stop(redis->loop, &redis->timer);
    redis->state = READY;
    redis->options.events->on_up(redis->options.user);
}

static void take_reply(struct rw_redis *redis, struct rw_span reply)
{
    if (redis->replies == 0) {
        go_down(redis, "it answers what nobody has asked");
        return;
    }
    redis->replies--;
    if (redis->state == GREETING) {
        greeting_reply(redis, reply);
        return;
    }
    if (redis->replies == 0) {
        rw_timer_stop(redis->loop, &redis->timer);
        redis->state = READY;
    }
    redis->options.events->on_reply(redis->options.user, reply);
    if (redis->state == READY || redis->state == WAITING)
        redis->pause_ms = RW_REDIS_PAUSE_MS_MIN;
}

/* Whole replies are taken; what is left of the next one waits at the front. */
static void take_input(struct rw_redis *redis)
{
    struct rw_span rest = rw_text_span(&redis->input);
    while (rest.len &&
           (redis->state == GREETING || redis->state == WAITING || redis->state == READY)) {
        size_t len;
        enum rw_resp_result result = rw_resp_whole(rest, &len);
        if (result == RW_RESP_PART)
            break;
        if (result == RW_RESP_BAD) {
            go_down(redis, "it does not speak the protocol of Redis");
            break;
        }
        struct rw_span reply = rw_span(rest.at, len);
        rest = rw_span_skip(rest, len);
        take_reply(redis, reply);
    }
    if (rest.len)
        memmove(redis->input.at, rest.at, rest.len);
    redis->input.len = rest.len;
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_redis *redis = redis_of(stream);
    rw_text_add(&redis->input, rw_span(buf->data + buf->start, buf->end - buf->start));
    rw_buf_drop(buf);
    if (redis->input.err)
        go_down(redis, rw_err_text(redis->input.err));
    else
        take_input(redis);
}

/* Of TLS with what it says itself: which certificate is not trusted, and why. */
static void fail_stream(struct rw_redis *redis, enum rw_err err)
{
    const char *tls = err == RW_ETLS || err == RW_EVERIFY ? rw_tls_error_text(&redis->stream) : "";
    char why[200];
    if (*tls)
        snprintf(why, sizeof(why), "TLS: %s", tls);
    go_down(redis, *tls                ? why
                   : err == RW_ECLOSED ? "it has closed the connection"
                                       : rw_err_text(err));
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    fail_stream(redis_of(stream), err ? err : RW_ECLOSED);
}

/* ---- Connecting ---- */

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct rw_redis *redis = redis_of(stream);
    if (redis->state != CONNECTING)
        return;
    if (err) {
        fail_stream(redis, err);
        return;
    }
    redis->state = GREETING;
    rw_stream_receive(stream, true, false);
    rw_text_free(&redis->output);
    redis->output = (struct rw_text){0};
    rw_text_add(&redis->output, rw_text_span(&redis->greeting));
    send_output(redis, redis->greeting_replies);
}

static const struct rw_stream_events stream_events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

/* Fails from within, as the network would. */
static void connect_now(struct rw_redis *redis)
{
    struct rw_redis_target target = {0};
    rw_text_free(&redis->input);
    redis->input = (struct rw_text){0};
    redis->state = CONNECTING;
    const char *why = redis->options.events->locate(redis->options.user, &target);
    if (why) {
        go_down(redis, why);
        return;
    }
    const struct rw_connect_options options = {
        .address = rw_address_sockaddr(&target.address),
        .address_bytes = target.address.bytes,
        .tls = target.tls,
        .tls_name = target.tls_name,
    };
    rw_timer_start(redis->loop, &redis->timer,
                   rw_loop_now_ms(redis->loop) + redis->options.timeout_ms);
    enum rw_err err = rw_stream_connect(redis->loop, &redis->stream, &stream_events, &options);
    redis->open = err == RW_OK;
    if (err)
        go_down(redis, rw_err_text(err));
}

/* ---- Start and end ---- */

static void add_command(struct rw_redis *redis, const char *name, struct rw_span first,
                        struct rw_span second)
{
    rw_resp_begin(&redis->greeting, 1 + (first.len > 0) + (second.len > 0));
    rw_resp_word(&redis->greeting, rw_span_text(name));
    if (first.len)
        rw_resp_word(&redis->greeting, first);
    if (second.len)
        rw_resp_word(&redis->greeting, second);
    redis->greeting_replies++;
}

static void write_greeting(struct rw_redis *redis)
{
    static const struct rw_span none;
    const struct rw_redis_options *options = &redis->options;
    char database[16];
    if (options->password.len)
        add_command(redis, "AUTH", options->username.len ? options->username : options->password,
                    options->username.len ? options->password : none);
    if (options->database) {
        snprintf(database, sizeof(database), "%u", options->database);
        add_command(redis, "SELECT", rw_span_text(database), none);
    }
    if (options->primary)
        add_command(redis, "ROLE", none, none);
    add_command(redis, "PING", none, none);
}

enum rw_err rw_redis_create(struct rw_loop *loop, const struct rw_redis_options *options,
                            struct rw_redis **made)
{
    struct rw_redis *redis = rw_alloc_zero(sizeof(*redis));
    if (!redis)
        return RW_ENOMEM;
    redis->loop = loop;
    redis->options = *options;
    redis->pause_ms = RW_REDIS_PAUSE_MS_MIN;
    redis->timer.fire = on_timer;
    write_greeting(redis);
    redis->options.username = redis->options.password = (struct rw_span){0};
    if (redis->greeting.err) {
        rw_text_free(&redis->greeting);
        rw_free(redis);
        return RW_ENOMEM;
    }
    /* From the loop, as all that follows. */
    rw_timer_start(loop, &redis->timer, rw_loop_now_ms(loop));
    *made = redis;
    return RW_OK;
}

void rw_redis_fail(struct rw_redis *redis, const char *why)
{
    go_down(redis, why);
}

void rw_redis_hurry(struct rw_redis *redis)
{
    redis->pause_ms = RW_REDIS_PAUSE_MS_MIN;
    if (redis->state == DOWN && !redis->open)
        rw_timer_start(redis->loop, &redis->timer, rw_loop_now_ms(redis->loop));
}

void rw_redis_close(struct rw_redis *redis)
{
    redis->state = CLOSING;
    if (redis->open)
        rw_stream_close(&redis->stream);
    rw_timer_stop(redis->loop, &redis->timer);
    if (!redis->open)
        rw_timer_start(redis->loop, &redis->timer, rw_loop_now_ms(redis->loop));
}
