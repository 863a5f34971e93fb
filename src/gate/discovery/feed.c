#include "gate/discovery/feed.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/random.h"
#include "gate/front/h1_pieces.h"
#include "io/socket_options.h"
#include "io/tls.h"

#include <stdio.h>

enum {
    TIMEOUT_MS = 10000,
    HEAD_BLOCK_BYTES = 4096,
    HEAD_BYTES_MAX = 256 * 1024,
    TRAILERS_ROOM = 1024,
    FAILURE_BYTES = 512,
};

/* The reply of one connection. */
struct reply {
    struct rw_arena arena;
    struct rw_message message;
    struct rw_h1_head head;
    struct rw_h1_body body;
    struct rw_h1_trailers trailers;
    struct rw_text text; /* what is not yet taken */
    bool begun;          /* the head is there */
};

struct rw_feed {
    struct rw_loop *loop;
    struct rw_feed_options options;
    struct rw_stream stream;
    struct rw_timer timer; /* the connection's time, or the pause after it */
    struct rw_text output;
    struct rw_buf *in;
    struct reply reply;
    unsigned server;
    unsigned failed; /* servers, since there was a pause */
    uint32_t pause_ms;
    bool open; /* on_closed of the stream is to come */
    bool streams, took, left, again, closing;
    bool stepped;                        /* what was taken leads to no end of the pauses */
    struct rw_feed_target target;        /* of the server */
    char text[RW_ADDRESS_TEXT_MAX + 1];  /* `target.text` and */
    char host[RW_ADDRESS_HOST_TEXT_MAX]; /* `target.host` where nobody else has them */
    uint64_t began_ms;
};

static const struct rw_h1_limits limits = {
    .head_bytes_max = 64 * 1024 - 1,
    .target_bytes_max = 8 * 1024,
    .fields_max = 200,
    .chunk_ext_bytes_max = 256,
    .trailer_bytes_max = TRAILERS_ROOM,
};

static const struct rw_socket_options socket_options = {
    .user_timeout_ms = 20000,
    .keepalive_idle_s = 20,
    .keepalive_interval_s = 5,
    .keepalive_probes = 3,
};

static void connect_now(struct rw_feed *feed);

/* ---- The end of a connection ---- */

static void free_reply(struct reply *reply)
{
    rw_arena_free(&reply->arena);
    rw_text_free(&reply->text);
    *reply = (struct reply){0};
}

static void free_feed(struct rw_feed *feed)
{
    const struct rw_feed_events *events = feed->options.events;
    void *user = feed->options.user;
    free_reply(&feed->reply);
    rw_buf_drop(feed->in);
    rw_text_free(&feed->output);
    rw_tls_client_drop(feed->options.tls);
    rw_free(feed);
    events->on_closed(user);
}

static void go_on(struct rw_feed *feed)
{
    if (feed->again) {
        connect_now(feed);
        return;
    }
    if (rw_loop_now_ms(feed->loop) - feed->began_ms > TIMEOUT_MS)
        feed->pause_ms = RW_FEED_PAUSE_MS_MIN; /* it had worked for a while */
    /* A time from half of the pause to all of it: gateways that lost one server come apart. */
    uint32_t pause_ms = feed->pause_ms;
    if (feed->failed && feed->failed < feed->options.server_count) {
        pause_ms = RW_FEED_PAUSE_MS_MIN; /* another one may be well */
    } else {
        feed->failed = 0;
        feed->pause_ms = pause_ms * 2 < RW_FEED_PAUSE_MS_MAX ? pause_ms * 2 : RW_FEED_PAUSE_MS_MAX;
    }
    uint32_t ms = pause_ms / 2 + rw_random_below(rw_loop_random(feed->loop), pause_ms / 2 + 1);
    rw_timer_start(feed->loop, &feed->timer, rw_loop_now_ms(feed->loop) + ms);
}

static void leave(struct rw_feed *feed, bool again)
{
    rw_timer_stop(feed->loop, &feed->timer);
    feed->again = again;
    feed->left = true;
    if (feed->open)
        rw_stream_close(&feed->stream);
    else
        go_on(feed);
}

static void fail(struct rw_feed *feed, const char *why)
{
    char text[FAILURE_BYTES];
    int len = snprintf(text, sizeof(text), "%s: %s", feed->target.text, why);
    if (len < 0 || (size_t)len >= sizeof(text))
        len = sizeof(text) - 1;
    rw_log_limited(RW_LOG_WARN, "discovery", "%.*s: %.*s", RW_SPAN_ARGS(feed->options.what), len,
                   text);
    feed->server = (feed->server + 1) % feed->options.server_count;
    feed->failed++;
    feed->options.events->failed(feed->options.user, rw_span(text, (size_t)len));
    leave(feed, false);
}

static const char *error_text(struct rw_stream *stream, enum rw_err err)
{
    const char *tls = err == RW_ETLS || err == RW_EVERIFY ? rw_tls_error_text(stream) : "";
    return *tls ? tls : rw_err_text(err);
}

static struct rw_feed *feed_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct rw_feed, stream);
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_feed *feed = feed_of(stream);
    feed->open = false;
    free_reply(&feed->reply);
    rw_buf_drop(feed->in);
    feed->in = NULL;
    if (feed->closing)
        free_feed(feed);
    else
        go_on(feed);
}

/* ---- The answer ---- */

/* False: it is of no use, and the connection is being left. */
static bool take(struct rw_feed *feed, struct rw_span bytes)
{
    const char *why =
        feed->options.events->take(feed->options.user, feed->reply.message.status, bytes);
    if (feed->left || feed->closing)
        return false;
    if (why) {
        fail(feed, why);
        return false;
    }
    feed->took = true;
    if (feed->stepped)
        return true;
    feed->failed = 0;
    feed->pause_ms = RW_FEED_PAUSE_MS_MIN;
    return true;
}

/* Whole lines; what is left waits for the rest of it. */
static bool take_lines(struct rw_feed *feed)
{
    struct rw_text *text = &feed->reply.text;
    struct rw_span rest = rw_text_span(text);
    ptrdiff_t end;
    while (rest.len && (end = rw_span_find(rest, '\n')) >= 0) {
        struct rw_span line = rw_span_trim(rw_span(rest.at, (size_t)end));
        rest = rw_span_skip(rest, (size_t)end + 1);
        if (line.len && !take(feed, line))
            return false;
    }
    if (rest.len && rest.at != text->at)
        memmove(text->at, rest.at, rest.len);
    text->len = rest.len;
    return true;
}

/* The last line may be without its end. */
static void end_answer(struct rw_feed *feed)
{
    bool lines = feed->streams && feed->reply.message.status == 200;
    struct rw_span left = rw_text_span(&feed->reply.text);
    if ((!lines || rw_span_trim(left).len) && !take(feed, left))
        return;
    leave(feed, feed->took); /* an answer without anything in it is not asked for at once again */
}

/* False: the connection is being left. */
static bool take_body(struct rw_feed *feed)
{
    struct reply *reply = &feed->reply;
    struct rw_piece piece;
    if (rw_h1_gather(&reply->body, &limits, &reply->trailers, &feed->in, &piece) ==
        RW_H1_BODY_BAD) {
        rw_buf_drop(piece.buf);
        fail(feed, "the answer's body is malformed");
        return false;
    }
    if (piece.data.len)
        rw_text_add(&reply->text, piece.data);
    rw_buf_drop(piece.buf);
    if (reply->text.err || reply->text.len > feed->options.bytes_max) {
        fail(feed, reply->text.err ? rw_err_text(RW_ENOMEM) : "the answer is too large");
        return false;
    }
    if (feed->streams && reply->message.status == 200 && !take_lines(feed))
        return false;
    if (piece.end)
        end_answer(feed);
    return !piece.end;
}

/* What comes may take any time from now on. */
static void begin_stream(struct rw_feed *feed)
{
    const struct rw_feed_events *events = feed->options.events;
    rw_timer_stop(feed->loop, &feed->timer);
    if (feed->reply.message.status == 200 && events->opened)
        events->opened(feed->options.user);
}

/* False: it is not complete, or the connection is being left. */
static bool take_head(struct rw_feed *feed)
{
    struct reply *reply = &feed->reply;
    enum rw_h1_result result = rw_h1_parse_response(rw_buf_span(feed->in), &limits, RW_METHOD_GET,
                                                    &reply->arena, &reply->message, &reply->head);
    if (result == RW_H1_BAD || result == RW_H1_NO_MEMORY) {
        fail(feed, result == RW_H1_BAD ? reply->head.refusal.reason : rw_err_text(RW_ENOMEM));
        return false;
    }
    if (result != RW_H1_COMPLETE)
        return false;
    feed->in->start += reply->head.consumed;
    if (feed->in->start == feed->in->end) {
        rw_buf_drop(feed->in);
        feed->in = NULL;
    }
    reply->head = (struct rw_h1_head){0};
    if (reply->message.status < 200) {
        reply->message = (struct rw_message){0};
        return true;
    }
    reply->begun = true;
    rw_h1_body_start(&reply->body, &reply->message);
    if (feed->streams)
        begin_stream(feed);
    if (!rw_message_bodiless(&reply->message))
        return true;
    end_answer(feed);
    return false;
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_feed *feed = feed_of(stream);
    if (!rw_h1_append(rw_loop_buffers(feed->loop), &feed->in, buf)) {
        fail(feed, "the answer's head is too large");
        return;
    }
    bool more = true;
    while (more && feed->in)
        more = feed->reply.begun ? take_body(feed) : take_head(feed);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct rw_feed *feed = feed_of(stream);
    bool orderly = err == RW_OK;
    if (orderly && feed->reply.begun && rw_h1_body_may_end(&feed->reply.body))
        end_answer(feed);
    else
        fail(feed, orderly || err == RW_ECLOSED ? "it closed before the answer was complete"
                                                : error_text(stream, err));
}

/* ---- The request ---- */

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    if (err)
        fail(feed_of(stream), "the request could not be sent");
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct rw_feed *feed = feed_of(stream);
    struct iovec part = {feed->output.at, feed->output.len};
    if (err)
        fail(feed, error_text(stream, err));
    else if (rw_stream_send(stream, &part, 1) == RW_SEND_FAILED)
        fail(feed, "the request could not be sent");
    else
        rw_stream_receive(stream, true, false);
}

static const struct rw_stream_events events = {.on_open = on_open,
                                               .on_data = on_data,
                                               .on_end = on_end,
                                               .on_sent = on_sent,
                                               .on_closed = on_closed};

static enum rw_err make_request(struct rw_feed *feed)
{
    struct reply *reply = &feed->reply;
    feed->streams = false;
    feed->output.len = 0;
    feed->options.events->request(feed->options.user, rw_span_text(feed->target.text),
                                  &feed->output, &feed->streams);
    rw_arena_init(&reply->arena, NULL, 0, HEAD_BLOCK_BYTES, HEAD_BYTES_MAX);
    reply->trailers.at = rw_arena_alloc(&reply->arena, TRAILERS_ROOM);
    reply->trailers.room = TRAILERS_ROOM;
    return feed->output.err || !reply->trailers.at ? RW_ENOMEM : RW_OK;
}

static const char *locate(struct rw_feed *feed)
{
    struct rw_feed_target *target = &feed->target;
    *target = (struct rw_feed_target){0};
    const char *why = feed->options.events->locate(feed->options.user, feed->server, target);
    if (why)
        return why;
    if (!target->text) {
        feed->text[rw_address_format(feed->text, &target->address.storage)] = '\0';
        target->text = feed->text;
    }
    if (!target->host) {
        feed->host[rw_address_format_host(feed->host, rw_address_sockaddr(&target->address))] =
            '\0';
        target->host = feed->host;
    }
    return NULL;
}

static enum rw_err open_stream(struct rw_feed *feed)
{
    const struct rw_feed_target *target = &feed->target;
    const struct rw_connect_options options = {
        .address = (const struct sockaddr *)&target->address.storage,
        .address_bytes = target->address.bytes,
        .socket = &socket_options,
        .tls = feed->options.tls,
        .tls_name = feed->options.tls_name ? feed->options.tls_name : target->host,
    };
    enum rw_err err = make_request(feed);
    if (!err)
        err = rw_stream_connect(feed->loop, &feed->stream, &events, &options);
    feed->open = !err;
    if (err) {
        free_reply(&feed->reply);
        rw_text_free(&feed->output);
    }
    return err;
}

static void connect_now(struct rw_feed *feed)
{
    feed->again = feed->left = feed->took = feed->stepped = false;
    feed->began_ms = rw_loop_now_ms(feed->loop);
    const char *why = locate(feed);
    enum rw_err err = why ? RW_OK : open_stream(feed);
    if (err)
        why = rw_err_text(err);
    if (!why)
        rw_timer_start(feed->loop, &feed->timer, rw_loop_now_ms(feed->loop) + TIMEOUT_MS);
    else if (*why)
        fail(feed, why);
    else
        leave(feed, false);
}

static void on_timer(struct rw_timer *timer)
{
    struct rw_feed *feed = rw_container_of(timer, struct rw_feed, timer);
    if (feed->open)
        fail(feed, "no answer in time");
    else
        connect_now(feed);
}

/* ---- The whole ---- */

enum rw_err rw_feed_create(struct rw_loop *loop, const struct rw_feed_options *options,
                           struct rw_feed **feed)
{
    struct rw_feed *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    made->loop = loop;
    made->options = *options;
    if (!options->bytes_max)
        made->options.bytes_max = RW_FEED_BYTES_MAX;
    made->timer.fire = on_timer;
    made->pause_ms = RW_FEED_PAUSE_MS_MIN;
    *feed = made;
    rw_timer_start(loop, &made->timer, rw_loop_now_ms(loop));
    return RW_OK;
}

void rw_feed_skip(struct rw_feed *feed)
{
    leave(feed, false);
}

void rw_feed_step(struct rw_feed *feed)
{
    feed->stepped = true;
}

void rw_feed_secure(struct rw_feed *feed, struct rw_tls_client *tls)
{
    rw_tls_client_drop(feed->options.tls);
    feed->options.tls = tls;
}

void rw_feed_retry(struct rw_feed *feed)
{
    feed->pause_ms = RW_FEED_PAUSE_MS_MIN;
    if (!feed->open)
        rw_timer_start(feed->loop, &feed->timer, rw_loop_now_ms(feed->loop));
}

void rw_feed_close(struct rw_feed *feed)
{
    feed->closing = true;
    rw_timer_stop(feed->loop, &feed->timer);
    if (feed->open)
        rw_stream_close(&feed->stream);
    else
        free_feed(feed);
}
