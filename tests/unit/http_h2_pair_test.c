/* A client's engine and a server's, back to back: the bytes of each go to the other, cut at random,
 * while both hold back, reset, send and stop as a seed says. What arrives is compared byte by byte;
 * at the end every stream has ended or was reset, and nothing is left. Then one conversation again
 * and again with each of its allocations failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "http/h2.h"

#include <stdio.h>
#include <stdlib.h>

enum { CALLS_MAX = 24, WIRE_BYTES = 1 << 20, PIECE_BYTES = 40000, STEPS_MAX = 200000 };

struct side;

/* One stream, as one side sees it. */
struct call {
    struct side *side;
    struct rw_h2_stream *stream; /* NULL: not yet, or over */
    struct rw_arena arena;
    struct rw_message message;
    size_t to_send, sent, received;
    bool used, head_sent, waits, gave_end, got_head, got_end, reset, trailers;
};

struct wire {
    char *bytes;
    size_t start, end;
};

struct side {
    struct rw_h2 h2;
    struct rw_h2_settings settings;
    struct rw_buf_pool buffers;
    struct rw_slab streams;
    struct call calls[CALLS_MAX];
    struct wire out; /* to the other side */
    struct side *other;
    struct run *run;
    bool opened, failed;
};

struct run {
    uint64_t random;
    struct side client, server;
    unsigned call_of_id[2 * CALLS_MAX + 2];
    unsigned calls, opened;
    bool calm;  /* no more tricks: all goes on to its end */
    bool lossy; /* allocations may fail: streams may be reset at any time */
};

static uint32_t random_below(struct run *run, uint32_t bound)
{
    run->random = run->random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(((run->random >> 32) * bound) >> 32);
}

static bool chance(struct run *run, unsigned percent)
{
    return !run->calm && random_below(run, 100) < percent;
}

/* Sizes around what matters: nothing, windows, frames, buffers. */
static uint32_t random_size(struct run *run)
{
    static const uint32_t scales[] = {1, 2, 20, 300, 2000, 17000, 70000};
    return random_below(run, scales[random_below(run, 7)]);
}

static unsigned index_of(const struct call *call)
{
    return (unsigned)(call - call->side->calls);
}

static struct call *twin(const struct call *call)
{
    return &call->side->other->calls[index_of(call)];
}

/* What the sender of a body puts at a place of it. */
static char body_byte(const struct call *sender, size_t at)
{
    unsigned seed = index_of(sender) * 2 + sender->side->settings.server;
    return (char)(seed * 31 + at * 7 + (at >> 8) * 3);
}

/* ---- Sending ---- */

static void let_go(struct call *call)
{
    call->stream = NULL;
    rw_arena_free(&call->arena);
    rw_arena_init(&call->arena, NULL, 0, 4096, 1 << 24);
}

static void forget_if_over(struct call *call)
{
    if (!call->stream || !call->gave_end || !call->got_end)
        return;
    /* With what is held still to be sent now and then. */
    if (call->waits && !chance(call->side->run, 5))
        return;
    rw_h2_forget(&call->side->h2, call->stream);
    let_go(call);
}

static void send_end(struct call *call)
{
    struct rw_span trailers = {"", 0};
    if (call->trailers)
        trailers = rw_arena_copy(&call->arena, RW_LITERAL("X-Sum: 5\r\nx-more: \r\n"));
    if (!trailers.at)
        return;
    call->gave_end = true;
    call->waits = rw_h2_data(&call->side->h2, call->stream, NULL, rw_span("", 0), true, trailers) ==
                  RW_H2_HOLD;
}

static void send_piece(struct call *call)
{
    struct side *side = call->side;
    size_t left = call->to_send - call->sent;
    size_t bytes = 1 + random_below(side->run, (uint32_t)left);
    if (bytes > PIECE_BYTES)
        bytes = PIECE_BYTES;
    struct rw_buf *buf = rw_buf_get(&side->buffers, bytes);
    if (!buf)
        return;
    for (size_t i = 0; i < bytes; i++)
        buf->data[i] = body_byte(call, call->sent + i);
    call->sent += bytes;
    call->gave_end =
        call->sent == call->to_send && !call->trailers && random_below(side->run, 2) != 0;
    call->waits = rw_h2_data(&side->h2, call->stream, buf, rw_span(buf->data, bytes),
                             call->gave_end, rw_span("", 0)) == RW_H2_HOLD;
    rw_buf_drop(buf);
}

static void put_request(struct call *call)
{
    struct rw_h2 *h2 = &call->side->h2;
    char priority[16];
    rw_h2_put_pseudo(h2, RW_PSEUDO_METHOD, RW_LITERAL("POST"));
    rw_h2_put_pseudo(h2, RW_PSEUDO_SCHEME, RW_LITERAL("https"));
    rw_h2_put_pseudo(h2, RW_PSEUDO_PATH, RW_LITERAL("/some/path?query"));
    rw_h2_put_pseudo(h2, RW_PSEUDO_AUTHORITY, RW_LITERAL("a"));
    snprintf(priority, sizeof(priority), "u=%u%s", random_below(call->side->run, 8),
             random_below(call->side->run, 2) ? ", i" : "");
    if (random_below(call->side->run, 2))
        rw_h2_put_field(h2, RW_FIELD_PRIORITY, RW_LITERAL("Priority"), rw_span_text(priority));
}

/* Now and then a field that needs CONTINUATION frames. */
static void put_filler(struct call *call, size_t bytes)
{
    static char text[40000];
    memset(text, 'x', sizeof(text));
    rw_h2_put_field(&call->side->h2, RW_FIELD_OTHER, RW_LITERAL("X-Filler"), rw_span(text, bytes));
}

static void send_head(struct call *call)
{
    struct rw_h2 *h2 = &call->side->h2;
    struct run *run = call->side->run;
    bool end = call->to_send == 0 && !call->trailers && random_below(run, 2);
    size_t filler = random_below(run, 10) ? 10 : 40000;
    if (!rw_h2_head_begin(h2, call->stream, filler + 200, 8))
        return;
    if (h2->settings->server)
        rw_h2_put_status(h2, 200);
    else {
        rw_assert(call->stream->id < 2 * CALLS_MAX + 2);
        run->call_of_id[call->stream->id] = index_of(call);
        put_request(call);
    }
    put_filler(call, filler);
    rw_h2_head_end(h2, call->stream, end, false);
    call->head_sent = true;
    call->gave_end = end;
}

static void act(struct call *call)
{
    struct run *run = call->side->run;
    if (!call->stream)
        return;
    if (chance(run, 1)) {
        call->reset = true;
        rw_h2_reset(&call->side->h2, call->stream, RW_H2_CANCEL);
        let_go(call);
        return;
    }
    if (!chance(run, 50))
        rw_h2_resume(&call->side->h2, call->stream);
    if (!call->head_sent)
        send_head(call);
    else if (!call->gave_end && !call->waits) {
        if (call->sent < call->to_send)
            send_piece(call);
        else
            send_end(call);
    }
    forget_if_over(call);
}

/* ---- Events ---- */

static struct side *side_of(struct rw_h2 *h2)
{
    return h2->user;
}

static struct rw_h2_target on_target(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    struct side *side = side_of(h2);
    if (!stream->user) {
        struct call *call = &side->calls[side->run->call_of_id[stream->id]];
        rw_assert(!call->stream && !call->used);
        stream->user = call;
        call->stream = stream;
        call->used = true;
    }
    struct call *call = stream->user;
    return (struct rw_h2_target){&call->arena, &call->message};
}

static void on_head(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool end)
{
    struct call *call = stream->user;
    rw_assert(status == 0 && call->stream == stream && !call->got_head);
    call->got_head = true;
    call->got_end = end;
    rw_assert(h2->settings->server ? rw_span_is(call->message.path, "/some/path")
                                   : call->message.status == 200);
    if (chance(side_of(h2)->run, 50))
        act(call);
}

static enum rw_h2_more on_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                               struct rw_span data, bool end, struct rw_span trailers)
{
    struct call *call = stream->user;
    struct call *sender = twin(call);
    rw_assert(call->stream == stream && call->got_head && !call->got_end);
    rw_assert(!buf || (data.at >= buf->data && data.at + data.len <= buf->data + buf->end));
    for (size_t i = 0; i < data.len; i++)
        rw_assert(data.at[i] == body_byte(sender, call->received + i));
    call->received += data.len;
    rw_assert(call->received <= sender->sent);
    call->got_end = end;
    if (end) {
        rw_assert(call->received == sender->to_send);
        rw_assert(rw_span_is(trailers, sender->trailers ? "x-sum: 5\r\nx-more: \r\n" : ""));
    }
    if (chance(side_of(h2)->run, 10))
        act(call);
    return chance(side_of(h2)->run, 30) ? RW_H2_HOLD : RW_H2_GO;
}

static void on_writable(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    struct call *call = stream->user;
    rw_assert(call->stream == stream && call->waits);
    call->waits = false;
    if (chance(side_of(h2)->run, 50))
        act(call);
    else
        forget_if_over(call);
}

static void on_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code)
{
    struct call *call = stream->user;
    struct run *run = side_of(h2)->run;
    rw_assert(call->stream == stream);
    /* Only as the other side said so, or left the rest (RFC 9113 section 8.1). */
    bool allowed =
        code == RW_H2_REFUSED_STREAM || run->lossy || twin(call)->reset || side_of(h2)->failed;
    if (!allowed)
        print_error("reset by %s: %s\n", rw_h2_code_name(code), h2->reason ? h2->reason : "");
    rw_assert(allowed);
    call->reset = true;
    let_go(call);
}

static void on_nothing(struct rw_h2 *h2)
{
    (void)h2;
}

static void on_goaway(struct rw_h2 *h2, enum rw_h2_code code)
{
    rw_assert(code == RW_H2_NO_ERROR || side_of(h2)->run->lossy);
}

static void on_error(struct rw_h2 *h2, enum rw_h2_code code, enum rw_h2_flood flood,
                     const char *text)
{
    struct side *side = side_of(h2);
    if (!side->run->lossy)
        print_error("%s: %s\n", rw_h2_code_name(code), text);
    rw_assert(side->run->lossy && flood == RW_H2_FLOOD_COUNT);
    side->failed = true;
}

static const struct rw_h2_events pair_events = {
    .on_target = on_target,
    .on_head = on_head,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_reset = on_reset,
    .on_output = on_nothing,
    .on_goaway = on_goaway,
    .on_settings = on_nothing,
    .on_pong = on_nothing,
    .on_error = on_error,
};

/* ---- The wire ---- */

/* Takes some output. True: there was some. */
static bool take(struct side *side)
{
    struct iovec parts[4];
    struct wire *out = &side->out;
    if (chance(side->run, 80))
        rw_h2_wake(&side->h2);
    int count = rw_h2_output(&side->h2, parts, (int)random_below(side->run, 4) + 1);
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += parts[i].iov_len;
    if (out->end + bytes > WIRE_BYTES) {
        memmove(out->bytes, out->bytes + out->start, out->end - out->start);
        out->end -= out->start;
        out->start = 0;
    }
    rw_assert(out->end + bytes <= WIRE_BYTES);
    /* Sending takes time: more is made meanwhile. */
    if (count && random_below(side->run, 2))
        act(&side->calls[random_below(side->run, side->run->calls)]);
    for (int i = 0; i < count; i++) {
        memcpy(out->bytes + out->end, parts[i].iov_base, parts[i].iov_len);
        out->end += parts[i].iov_len;
    }
    if (count)
        rw_h2_output_sent(&side->h2);
    return count > 0;
}

/* Hands some bytes over. True: there were some. */
static bool deliver(struct side *from)
{
    struct wire *wire = &from->out;
    struct side *to = from->other;
    size_t bytes = wire->end - wire->start;
    if (bytes == 0)
        return false;
    if (random_below(from->run, 3))
        bytes = 1 + random_below(from->run, bytes < 100 ? (uint32_t)bytes : 100);
    if (bytes > RW_BUF_LARGE_BYTES)
        bytes = RW_BUF_LARGE_BYTES;
    struct rw_buf *buf = rw_buf_get_for(&to->buffers, bytes > RW_BUF_SMALL_BYTES);
    if (!buf)
        return true;
    if (bytes > buf->room)
        bytes = buf->room;
    memcpy(buf->data, wire->bytes + wire->start, bytes);
    buf->end = (uint32_t)bytes;
    wire->start += bytes;
    rw_h2_receive(&to->h2, buf, 1000);
    return true;
}

/* ---- A run ---- */

static uint32_t random_window(struct run *run)
{
    static const uint32_t windows[] = {1, 7, 1000, 16384, 65535, 200000};
    return windows[random_below(run, 6)];
}

static void side_begin(struct side *side, struct run *run, bool server)
{
    side->run = run;
    side->other = server ? &run->client : &run->server;
    side->settings = (struct rw_h2_settings){
        .server = server,
        .streams_max = 1 + random_below(run, 12),
        .stream_window_bytes = random_window(run),
        .connection_window_bytes = 65535 + random_below(run, 100000),
        .table_bytes_max = random_below(run, 2) ? 4096 : 0,
        .head_bytes_max = 60000,
        .fields_max = 20,
        .block_bytes_max = 100000,
        .continuations_max = 8,
        .output_bytes_max = 1 + random_below(run, 60000),
    };
    side->out.bytes = malloc(WIRE_BYTES);
    rw_assert(side->out.bytes);
    rw_buf_pool_init(&side->buffers, 1 << 28, side->run->lossy ? 0 : 1 << 20);
    rw_slab_init(&side->streams, sizeof(struct rw_h2_stream), 4, 100);
    for (unsigned i = 0; i < CALLS_MAX; i++) {
        side->calls[i].side = side;
        side->calls[i].to_send = random_size(run);
        side->calls[i].trailers = random_below(run, 4) == 0;
        rw_arena_init(&side->calls[i].arena, NULL, 0, 4096, 1 << 24);
    }
    side->opened = rw_h2_open(&side->h2, &side->settings, &pair_events, &side->buffers,
                              &side->streams, side) == RW_OK;
}

static void side_end(struct side *side)
{
    side->failed = true;
    if (side->opened)
        rw_h2_close(&side->h2, RW_H2_CANCEL);
    for (unsigned i = 0; i < CALLS_MAX; i++)
        rw_arena_free(&side->calls[i].arena);
    rw_slab_destroy(&side->streams);
    rw_buf_pool_destroy(&side->buffers);
    free(side->out.bytes);
}

static void open_call(struct run *run)
{
    struct call *call = &run->client.calls[run->opened];
    if (run->opened == run->calls)
        return;
    call->stream = rw_h2_stream_open(&run->client.h2, call);
    call->used = call->stream != NULL;
    run->opened += call->used;
}

static void step(struct run *run)
{
    struct side *side = random_below(run, 2) ? &run->client : &run->server;
    switch (random_below(run, 8)) {
    case 0:
        open_call(run);
        break;
    case 1:
        take(side);
        break;
    case 2:
        rw_h2_wake(&side->h2);
        break;
    case 3:
        if (chance(run, 2))
            rw_h2_ping(&side->h2);
        break;
    case 4:
        deliver(side);
        break;
    default:
        act(&side->calls[random_below(run, run->calls)]);
    }
}

static bool all_over(const struct run *run)
{
    for (unsigned i = 0; i < run->calls; i++)
        if (run->client.calls[i].stream || run->server.calls[i].stream)
            return false;
    return run->opened == run->calls;
}

/* On to the end, without tricks. False: it stands still. */
static bool finish(struct run *run)
{
    run->calm = true;
    for (unsigned rounds = 0; rounds < STEPS_MAX; rounds++) {
        if (run->client.failed || run->server.failed)
            return true;
        open_call(run);
        bool moved = false;
        for (unsigned i = 0; i < run->calls; i++) {
            act(&run->client.calls[i]);
            act(&run->server.calls[i]);
        }
        for (int i = 0; i < 2; i++) {
            struct side *side = i ? &run->client : &run->server;
            rw_h2_wake(&side->h2);
            moved = take(side) || moved;
            moved = deliver(side) || moved;
        }
        if (!moved && all_over(run))
            return true;
    }
    return false;
}

static void check_over(struct run *run)
{
    rw_assert(run->client.h2.stream_count == 0 && run->server.h2.stream_count == 0);
    rw_assert(run->client.h2.open_count == 0 && run->server.h2.open_count == 0);
    for (unsigned i = 0; i < run->calls; i++) {
        const struct call *call = &run->client.calls[i];
        rw_assert(call->reset || twin(call)->reset || (call->got_end && twin(call)->got_end));
    }
}

static void describe(const struct side *side)
{
    print_error("%s: room %u, window %d, open %u, output %u\n",
                side->settings.server ? "server" : "client", rw_h2_room(&side->h2),
                side->h2.send_window, side->h2.open_count, side->h2.out_bytes);
    for (unsigned i = 0; i < side->run->calls; i++) {
        const struct call *call = &side->calls[i];
        if (call->stream)
            print_error("  %u (%u): sent %zu/%zu%s%s, received %zu%s%s, windows %d %d\n", i,
                        call->stream->id, call->sent, call->to_send, call->waits ? " waits" : "",
                        call->gave_end ? " end" : "", call->received, call->got_end ? " end" : "",
                        call->stream->held ? " held" : "", call->stream->send_window,
                        call->stream->receive_window);
    }
}

/* A window of a byte takes two frames for each: not of a large body. */
static void limit_sizes(struct side *side)
{
    size_t most = (size_t)side->other->settings.stream_window_bytes * 100;
    for (unsigned i = 0; i < CALLS_MAX; i++)
        if (side->calls[i].to_send > most)
            side->calls[i].to_send = most;
}

static void converse(uint64_t seed, bool lossy, unsigned steps)
{
    static struct run run;
    memset(&run, 0, sizeof(run));
    run.random = seed * 2654435761u + 12345;
    run.lossy = lossy;
    run.calls = 1 + random_below(&run, CALLS_MAX);
    side_begin(&run.client, &run, false);
    side_begin(&run.server, &run, true);
    limit_sizes(&run.client);
    limit_sizes(&run.server);
    bool opened = run.client.opened && run.server.opened;
    for (unsigned i = 0; opened && i < steps && !run.client.failed && !run.server.failed; i++)
        step(&run);
    if (opened && !finish(&run)) {
        rw_alloc_fail_never();
        print_error("seed %llu stands still\n", (unsigned long long)seed);
        describe(&run.client);
        describe(&run.server);
        fail();
    }
    if (opened && !run.client.failed && !run.server.failed)
        check_over(&run);
    side_end(&run.client);
    side_end(&run.server);
}

static void test_conversations(void **state)
{
    (void)state;
    const char *only = getenv("H2_PAIR_SEED");
    if (only) {
        converse(strtoull(only, NULL, 10), false, 1000);
        return;
    }
    for (uint64_t seed = 1; seed <= 1500; seed++)
        converse(seed, false, 300);
}

static void test_failed_allocations(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        uint64_t before = rw_alloc_count();
        converse(seed, true, 200);
        uint64_t count = rw_alloc_count() - before;
        for (uint64_t i = 0; i < count; i += 1 + count / 500) {
            rw_alloc_fail_once(i);
            converse(seed, true, 200);
            rw_alloc_fail_never();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversations),
        cmocka_unit_test(test_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
