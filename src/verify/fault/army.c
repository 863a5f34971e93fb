#include "verify/fault/army.h"

#include "base/alloc.h"
#include "base/text.h"
#include "io/stream.h"
#include "io/tls.h"

#include <sys/ioctl.h>

enum {
    SLOW_AFTER_BYTES = RW_ARMY_SLOW_BYTES / 2,
    READER_REQUESTS = 64,
    READER_SOCKET_BYTES = 4096
};

struct soldier {
    struct rw_army *army;
    struct rw_stream stream;
    uint64_t since_ms; /* when it began to connect */
    size_t sent;
    bool alive, open, sending, answered, counted;
};

struct rw_army {
    struct rw_army_options options;
    struct rw_address address;
    struct rw_text text; /* what each sends */
    struct soldier *soldiers;
    uint32_t alive;
    struct rw_timer tick;
    struct rw_army_counts counts;
    struct rw_later later;
    void (*closed)(void *user);
    void *closed_user;
};

static void count(struct soldier *soldier)
{
    soldier->army->counts.hit += !soldier->counted;
    soldier->counted = true;
}

/* ---- What each does ---- */

static void send_bytes(struct soldier *soldier, const char *at, size_t len)
{
    struct iovec part = {.iov_base = (char *)at, .iov_len = len};
    switch (rw_stream_send(&soldier->stream, &part, 1)) {
    case RW_SEND_DONE:
        soldier->sent += len;
        break;
    case RW_SEND_PENDING:
        soldier->sent += len;
        soldier->sending = true;
        break;
    case RW_SEND_FAILED:
        rw_stream_close(&soldier->stream);
        break;
    }
}

/* The last byte of the text again and again: a field that grows. */
static void send_slowly(struct soldier *soldier)
{
    const struct rw_text *text = &soldier->army->text;
    size_t at = soldier->sent < text->len ? soldier->sent : text->len - 1;
    if (soldier->sent >= SLOW_AFTER_BYTES)
        count(soldier);
    if (!soldier->sending)
        send_bytes(soldier, text->at + at, 1);
}

static void leave_unread(struct soldier *soldier)
{
    int waiting = 0;
    if (ioctl(rw_stream_fd(&soldier->stream), FIONREAD, &waiting) == 0 && waiting > 0)
        count(soldier);
}

static void wait_for_answer(struct soldier *soldier)
{
    uint64_t now_ms = rw_loop_now_ms(soldier->army->options.loop);
    if (now_ms - soldier->since_ms >= RW_ARMY_PATIENCE_MS)
        count(soldier);
}

static void act(struct soldier *soldier)
{
    switch (soldier->army->options.kind) {
    case RW_ARMY_SENDERS:
        if (soldier->open)
            send_slowly(soldier);
        break;
    case RW_ARMY_READERS:
        if (soldier->open)
            leave_unread(soldier);
        break;
    case RW_ARMY_ASKERS: /* also who is not even greeted */
        wait_for_answer(soldier);
        break;
    }
}

/* ---- Streams ---- */

static struct soldier *soldier_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct soldier, stream);
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct soldier *soldier = soldier_of(stream);
    struct rw_army *army = soldier->army;
    if (err) {
        rw_stream_close(stream);
        return;
    }
    soldier->open = true;
    army->counts.opened++;
    if (army->options.kind == RW_ARMY_READERS) {
        int bytes = READER_SOCKET_BYTES;
        setsockopt(rw_stream_fd(stream), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    } else {
        rw_stream_receive(stream, true, false); /* an end is to be noticed */
    }
    if (army->options.kind != RW_ARMY_SENDERS)
        send_bytes(soldier, army->text.at, army->text.len);
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct soldier *soldier = soldier_of(stream);
    rw_buf_drop(buf);
    soldier->answered = true;
    if (soldier->army->options.kind == RW_ARMY_ASKERS)
        rw_stream_close(stream);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    struct soldier *soldier = soldier_of(stream);
    soldier->army->counts.ended++;
    if (soldier->army->options.kind == RW_ARMY_ASKERS && !soldier->answered)
        count(soldier);
    rw_stream_close(stream);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    soldier_of(stream)->sending = false;
    if (err)
        rw_stream_close(stream);
}

static void settle(struct rw_army *army);

static void on_closed(struct rw_stream *stream)
{
    struct soldier *soldier = soldier_of(stream);
    *soldier = (struct soldier){.army = soldier->army};
    soldier->army->alive--;
    settle(soldier->army);
}

static const struct rw_stream_events events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

static void enlist(struct soldier *soldier)
{
    struct rw_army *army = soldier->army;
    const struct rw_connect_options options = {.address = rw_address_sockaddr(&army->address),
                                               .address_bytes = army->address.bytes,
                                               .tls = army->options.tls};
    soldier->since_ms = rw_loop_now_ms(army->options.loop);
    soldier->alive = !rw_stream_connect(army->options.loop, &soldier->stream, &events, &options);
    army->alive += soldier->alive;
}

static void on_tick(struct rw_timer *timer)
{
    struct rw_army *army = rw_container_of(timer, struct rw_army, tick);
    unsigned opens = 0;
    for (uint32_t i = 0; i < army->options.connections; i++) {
        struct soldier *soldier = &army->soldiers[i];
        if (soldier->alive)
            act(soldier);
        else if (opens++ < RW_ARMY_OPENS_MAX)
            enlist(soldier);
    }
    rw_timer_start(army->options.loop, timer,
                   rw_loop_now_ms(army->options.loop) + army->options.tick_ms);
}

/* ---- Life ---- */

static void write_text(struct rw_army *army)
{
    const struct rw_army_options *options = &army->options;
    unsigned requests = options->kind == RW_ARMY_READERS ? READER_REQUESTS : 1;
    for (unsigned i = 0; i < requests; i++)
        rw_text_addf(&army->text,
                     "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: ringway-verify\r\n%s",
                     RW_SPAN_ARGS(options->path), RW_SPAN_ARGS(options->host),
                     options->kind == RW_ARMY_SENDERS ? "X-Slow: a" : "\r\n");
}

static void free_army(struct rw_army *army)
{
    rw_tls_client_drop(army->options.tls);
    rw_text_free(&army->text);
    rw_free(army->soldiers);
    rw_free(army);
}

static void settle(struct rw_army *army)
{
    if (!army->closed || army->alive)
        return;
    void (*closed)(void *user) = army->closed;
    void *user = army->closed_user;
    rw_loop_later_stop(&army->later);
    free_army(army);
    closed(user);
}

static void settle_later(struct rw_later *later)
{
    settle(rw_container_of(later, struct rw_army, later));
}

enum rw_err rw_army_open(const struct rw_army_options *options, struct rw_army **out)
{
    if (options->connections == 0 || options->connections > RW_ARMY_MAX)
        return RW_ELIMIT;
    struct rw_army *army = rw_alloc_zero(sizeof(*army));
    if (!army)
        return RW_ENOMEM;
    *army = (struct rw_army){.options = *options,
                             .address = *options->address,
                             .tick = {.fire = on_tick},
                             .later = {.run = settle_later}};
    if (options->tls)
        rw_tls_client_hold(options->tls);
    write_text(army);
    army->soldiers = rw_alloc_zero(options->connections * sizeof(*army->soldiers));
    if (army->text.err || !army->soldiers) {
        free_army(army);
        return RW_ENOMEM;
    }
    for (uint32_t i = 0; i < options->connections; i++)
        army->soldiers[i].army = army;
    rw_timer_start(options->loop, &army->tick, rw_loop_now_ms(options->loop));
    *out = army;
    return RW_OK;
}

void rw_army_close(struct rw_army *army, void (*closed)(void *user), void *user)
{
    army->closed = closed;
    army->closed_user = user;
    rw_timer_stop(army->options.loop, &army->tick);
    for (uint32_t i = 0; i < army->options.connections; i++)
        if (army->soldiers[i].alive)
            rw_stream_abort(&army->soldiers[i].stream);
    rw_loop_later(army->options.loop, &army->later);
}

void rw_army_count(const struct rw_army *army, struct rw_army_counts *counts)
{
    *counts = army->counts;
}
