/* The life of a generator: connections up, requests out on time, everything counted. */
#include "load/generator.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "http/h2.h"
#include "io/tls.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    OPENING_MAX = 64, /* connections under way at a time: less than any server's backlog */
    TICK_MS = 20,     /* how often it looks whether all are there */
    SCRATCH_BYTES = 64 * 1024,
    REFUSED_MIN = 10, /* connections, before a target is taken to be down */
};

/* ---- Recording ---- */

static bool is_recorded(const struct rw_load_generator *g, uint64_t due_ns)
{
    return due_ns >= g->record_from_ns;
}

static void report_second(struct rw_load_generator *g)
{
    rw_timeline_report(g->timeline, g->second, &g->second_row, g->second_latency);
    rw_histogram_clear(g->second_latency);
    g->second_row = (struct rw_timeline_row){0};
    g->second++;
}

static void report_seconds(struct rw_load_generator *g)
{
    uint64_t now = rw_loop_now_ns(g->loop);
    while (g->running && now >= g->record_from_ns + (g->second + 1) * RW_NS_PER_S)
        report_second(g);
}

static void count_error(struct rw_load_generator *g, uint64_t due_ns, enum rw_load_error error)
{
    if (!is_recorded(g, due_ns))
        return;
    g->tally->counts.errors[error]++;
    g->tally->counts.failed++;
    g->second_row.failed++;
}

/* Since then, without the time that the target takes by design. */
static uint64_t without_hold(const struct rw_load_generator *g, uint64_t since_ns)
{
    uint64_t took_ns = rw_loop_now_ns(g->loop) - since_ns;
    uint64_t held_ns = g->settings->held_ms * RW_NS_PER_MS;
    return took_ns > held_ns ? took_ns - held_ns : 0;
}

static void count_answer(struct rw_load_generator *g, const struct rw_load_call *call)
{
    if (!is_recorded(g, call->due_ns))
        return;
    uint64_t latency_ns = without_hold(g, call->due_ns);
    bool failed = call->status >= 400;
    rw_histogram_record(&g->tally->latency, latency_ns);
    rw_histogram_record(&g->tally->service, without_hold(g, call->sent_ns));
    rw_histogram_record(g->second_latency, latency_ns);
    g->tally->counts.answered++;
    g->tally->counts.statuses[call->status]++;
    g->tally->counts.failed += failed;
    g->second_row.answered++;
    g->second_row.failed += failed;
}

/* ---- Timeouts ---- */

static void arm_timeouts(struct rw_load_generator *g)
{
    if (rw_list_empty(&g->all_calls) || rw_timer_running(&g->timeouts))
        return;
    const struct rw_load_call *oldest =
        rw_container_of(g->all_calls.next, struct rw_load_call, link);
    rw_timer_start(g->loop, &g->timeouts,
                   oldest->sent_ns / RW_NS_PER_MS + g->settings->timeout_ms + 1);
}

static void on_timeouts(struct rw_timer *timer)
{
    struct rw_load_generator *g = rw_container_of(timer, struct rw_load_generator, timeouts);
    uint64_t now = rw_loop_now_ns(g->loop);
    while (!rw_list_empty(&g->all_calls)) {
        struct rw_load_call *call = rw_container_of(g->all_calls.next, struct rw_load_call, link);
        if (now < call->sent_ns + g->settings->timeout_ms * RW_NS_PER_MS)
            break;
        rw_load_failed(call, RW_LOAD_ERROR_TIMEOUT);
        g->protocol->give_up(call);
    }
    arm_timeouts(g);
}

/* ---- Requests ---- */

const struct rw_load_request *rw_load_choose(struct rw_load_generator *g, struct rw_load_call *call,
                                             uint64_t due_ns)
{
    call->request = (uint16_t)g->choice[g->cycle];
    g->cycle = g->cycle + 1 == g->choice_count ? 0 : g->cycle + 1;
    call->due_ns = due_ns;
    call->sent_ns = rw_loop_now_ns(g->loop);
    rw_list_push_back(&g->all_calls, &call->link);
    arm_timeouts(g);
    if (is_recorded(g, due_ns)) {
        g->tally->counts.sent++;
        g->second_row.sent++;
    }
    return &g->settings->requests[call->request];
}

static bool may_send(const struct rw_load_generator *g)
{
    return g->running && !g->stopped;
}

static void queue(struct rw_load_generator *g, uint64_t due_ns)
{
    if (!rw_dues_push(&g->backlog, due_ns))
        count_error(g, due_ns, RW_LOAD_ERROR_UNSENT);
}

/* Closed loop: whoever has been answered asks again. */
static void ask_again(struct rw_load_generator *g)
{
    uint64_t think_ns = g->settings->think_ms * RW_NS_PER_MS;
    uint64_t due_ns = rw_loop_now_ns(g->loop) + think_ns;
    if (!g->settings->closed || due_ns >= g->end_ns)
        return;
    if (!think_ns) {
        g->tally->counts.due += is_recorded(g, due_ns);
        queue(g, due_ns);
    } else if (!rw_dues_push(&g->thinking, due_ns)) {
        count_error(g, due_ns, RW_LOAD_ERROR_UNSENT);
    }
}

void rw_load_answered(struct rw_load_call *call)
{
    struct rw_load_generator *g = call->connection->generator;
    count_answer(g, call);
    rw_list_remove(&call->link);
    ask_again(g);
}

void rw_load_failed(struct rw_load_call *call, enum rw_load_error error)
{
    struct rw_load_generator *g = call->connection->generator;
    count_error(g, call->due_ns, error);
    rw_list_remove(&call->link);
    ask_again(g);
}

static void put_in(struct rw_load_connection *connection, bool is_free)
{
    struct rw_load_generator *g = connection->generator;
    rw_list_remove(&connection->link);
    rw_list_push_back(is_free ? &g->free : &g->others, &connection->link);
    connection->free = is_free;
}

static bool has_room(const struct rw_load_connection *connection)
{
    return connection->open && connection->generator->protocol->room(connection) > 0;
}

void rw_load_ready(struct rw_load_connection *connection)
{
    struct rw_load_generator *g = connection->generator;
    while (g->backlog.count && may_send(g) && has_room(connection))
        g->protocol->send(connection, rw_dues_pop(&g->backlog));
    if (!connection->free && has_room(connection))
        put_in(connection, true);
}

/* ---- What is due ---- */

static void send_or_queue(struct rw_load_generator *g, uint64_t due_ns)
{
    bool recorded = is_recorded(g, due_ns);
    g->tally->counts.due += recorded;
    if (g->backlog.count || rw_list_empty(&g->free)) {
        g->tally->counts.queued += recorded;
        queue(g, due_ns);
        return;
    }
    struct rw_load_connection *connection =
        rw_container_of(g->free.next, struct rw_load_connection, link);
    if (recorded)
        rw_histogram_record(&g->tally->lateness, rw_loop_now_ns(g->loop) - due_ns);
    put_in(connection, false);
    g->protocol->send(connection, due_ns);
    rw_load_ready(connection);
}

/* The source of what is due: the schedule, or in a closed loop those who think. */
static uint64_t next_due(const struct rw_load_generator *g)
{
    if (g->settings->closed)
        return g->thinking.count ? rw_dues_first(&g->thinking) : UINT64_MAX;
    return g->next_due_ns;
}

static void draw_next(struct rw_load_generator *g)
{
    uint64_t offset_ns;
    if (g->settings->closed)
        rw_dues_pop(&g->thinking);
    else if (rw_schedule_next(&g->schedule, &offset_ns))
        g->next_due_ns = g->begin_ns + offset_ns;
    else
        g->next_due_ns = UINT64_MAX;
}

static void set_alarm(struct rw_load_generator *g)
{
    uint64_t due_ns = next_due(g);
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(due_ns / RW_NS_PER_S),
                     .tv_nsec = (long)(due_ns % RW_NS_PER_S)},
    };
    if (due_ns == UINT64_MAX)
        when = (struct itimerspec){0};
    timerfd_settime(g->alarm.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void send_due(struct rw_load_generator *g)
{
    for (uint64_t due_ns; may_send(g) && (due_ns = next_due(g)) <= rw_loop_now_ns(g->loop);) {
        draw_next(g);
        send_or_queue(g, due_ns);
    }
    set_alarm(g);
}

static void on_alarm(struct rw_watch *watch, unsigned events)
{
    (void)events;
    send_due(rw_container_of(watch, struct rw_load_generator, alarm));
}

/* ---- Connections ---- */

enum rw_load_error rw_load_error_of(enum rw_err err)
{
    switch (err) {
    case RW_ETLS:
    case RW_EVERIFY:
        return RW_LOAD_ERROR_TLS;
    case RW_OK:
    case RW_ECLOSED:
        return RW_LOAD_ERROR_CLOSED;
    case RW_EPROTO:
        return RW_LOAD_ERROR_PROTOCOL;
    default:
        return RW_LOAD_ERROR_RESET;
    }
}

/* The first reason is the one to tell. */
static void note_why(struct rw_load_generator *g, const struct rw_stream *stream, enum rw_err err)
{
    const char *tls = g->settings->tls ? rw_tls_error_text(stream) : "";
    if (!g->slot->why[0])
        snprintf(g->slot->why, sizeof(g->slot->why), "%s%s%s", rw_err_text(err), tls[0] ? ": " : "",
                 tls);
}

/* 127.1.0.1 and on: each has ports of its own. */
static struct sockaddr_in source_of(const struct rw_load_generator *g)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(0x7f010001u + g->index)};
}

static void open_one(struct rw_load_generator *g)
{
    struct rw_load_connection *connection = rw_slab_get(&g->connections);
    const struct sockaddr_in source = source_of(g);
    struct rw_connect_options options = {
        .address = rw_address_sockaddr(&g->settings->address),
        .address_bytes = g->settings->address.bytes,
        .tls = g->settings->tls,
    };
    if (g->settings->sources) {
        options.source = (const struct sockaddr *)&source;
        options.source_bytes = sizeof(source);
    }
    if (!connection) {
        g->err = RW_ENOMEM;
        return;
    }
    memset(connection, 0, g->protocol->connection_bytes);
    connection->generator = g;
    rw_list_push_back(&g->others, &connection->link);
    enum rw_err err =
        rw_stream_connect(g->loop, &connection->stream, g->protocol->events, &options);
    if (err) {
        snprintf(g->slot->why, sizeof(g->slot->why), "%s", rw_err_text(err));
        rw_list_remove(&connection->link);
        rw_slab_put(&g->connections, connection);
        g->err = err;
        return;
    }
    g->existing++;
    g->opening++;
}

static void open_more(struct rw_load_generator *g)
{
    g->err = RW_OK;
    while (!g->err && !g->ended && g->existing < g->wanted && g->opening < OPENING_MAX)
        open_one(g);
}

static void settle(struct rw_load_connection *connection)
{
    if (!connection->settled)
        connection->generator->opening--;
    connection->settled = true;
}

void rw_load_on_open(struct rw_stream *stream, enum rw_err err)
{
    struct rw_load_connection *connection = rw_load_connection_of(stream);
    struct rw_load_generator *g = connection->generator;
    settle(connection);
    if (!err)
        err = g->protocol->begin(connection);
    if (err) {
        note_why(g, stream, err);
        rw_load_lost(connection, err == RW_ETLS || err == RW_EVERIFY ? RW_LOAD_ERROR_TLS
                                                                     : RW_LOAD_ERROR_CONNECT);
        return;
    }
    g->tally->counts.connects++;
    g->connected++;
    connection->open = true;
    atomic_store_explicit(&g->slot->connected, g->connected, memory_order_relaxed);
    rw_stream_receive(stream, true, false);
    rw_load_ready(connection);
    open_more(g);
}

void rw_load_lost(struct rw_load_connection *connection, enum rw_load_error why)
{
    struct rw_load_generator *g = connection->generator;
    if (connection->closing)
        return;
    settle(connection);
    connection->closing = true;
    put_in(connection, false);
    if (!connection->open) {
        count_error(g, rw_loop_now_ns(g->loop), why);
        g->refused++;
    }
    g->connected -= connection->open;
    connection->open = false;
    g->protocol->end(connection, why);
    rw_stream_close(&connection->stream);
}

/* The next tick opens another: not at once, so that a target that is down is not hammered. */
void rw_load_on_closed(struct rw_stream *stream)
{
    struct rw_load_connection *connection = rw_load_connection_of(stream);
    struct rw_load_generator *g = connection->generator;
    g->existing--;
    rw_list_remove(&connection->link);
    rw_slab_put(&g->connections, connection);
}

/* ---- From the begin to the end ---- */

/* All users at once, or, if they think, spread over the time that they do. */
static void wake_users(struct rw_load_generator *g)
{
    uint64_t users = (uint64_t)g->wanted * g->settings->streams;
    uint64_t think_ns = g->settings->think_ms * RW_NS_PER_MS;
    for (uint64_t i = 0; i < users; i++)
        if (!rw_dues_push(&g->thinking, g->begin_ns + think_ns * i / users))
            count_error(g, g->begin_ns, RW_LOAD_ERROR_UNSENT);
}

static void begin(struct rw_load_generator *g)
{
    const struct rw_load_settings *settings = g->settings;
    g->begin_ns = atomic_load(&g->gate->begin_ns);
    g->record_from_ns = g->begin_ns + (uint64_t)(settings->warmup_seconds * 1e9);
    g->end_ns = g->begin_ns + (uint64_t)(settings->closed_seconds * 1e9);
    g->running = true;
    if (settings->closed) {
        wake_users(g);
    } else {
        rw_schedule_begin(&g->schedule, &settings->profile, g->index, settings->threads,
                          settings->seed);
        draw_next(g);
    }
    send_due(g);
}

static bool is_over(const struct rw_load_generator *g)
{
    if (atomic_load(&g->gate->failed) || (g->stopped && !g->running))
        return true;
    if (!g->running || !rw_list_empty(&g->all_calls))
        return false;
    bool sent = g->settings->closed ? rw_loop_now_ns(g->loop) >= g->end_ns
                                    : next_due(g) == UINT64_MAX && !g->backlog.count;
    return g->stopped || sent;
}

/* What is due for longer than a request may take, and could not be sent, has failed. */
static void give_up_backlog(struct rw_load_generator *g)
{
    uint64_t patience_ns = g->settings->timeout_ms * RW_NS_PER_MS;
    while (g->backlog.count &&
           (g->stopped || rw_loop_now_ns(g->loop) > rw_dues_first(&g->backlog) + patience_ns))
        count_error(g, rw_dues_pop(&g->backlog), RW_LOAD_ERROR_UNSENT);
}

/* Nobody is there: no need to knock until the time is over. */
static bool is_down(const struct rw_load_generator *g)
{
    return !g->tally->counts.connects && g->refused >= g->wanted + REFUSED_MIN;
}

static void look_at_the_gate(struct rw_load_generator *g)
{
    if (is_down(g))
        atomic_store(&g->gate->failed, true);
    if (!g->ready && g->connected == g->wanted) {
        g->ready = true;
        atomic_fetch_sub(&g->gate->waiting, 1);
    }
    if (!g->running && atomic_load(&g->gate->begin_ns))
        begin(g);
}

static void on_tick(struct rw_timer *timer)
{
    struct rw_load_generator *g = rw_container_of(timer, struct rw_load_generator, tick);
    g->stopped = g->stopped || atomic_load(&g->gate->stop);
    report_seconds(g);
    give_up_backlog(g);
    look_at_the_gate(g);
    if (is_over(g)) {
        rw_loop_stop(g->loop);
        return;
    }
    open_more(g);
    rw_timer_start(g->loop, &g->tick, rw_loop_now_ms(g->loop) + TICK_MS);
}

static uint64_t thread_cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * RW_NS_PER_S + (uint64_t)time.tv_nsec;
}

void rw_load_generator_work(struct rw_load_generator *g)
{
    open_more(g);
    rw_timer_start(g->loop, &g->tick, rw_loop_now_ms(g->loop) + 1);
    rw_loop_run(g->loop);
    g->tally->cpu_ns = thread_cpu_ns();
    if (g->running)
        report_second(g);
}

/* ---- Opening and closing ---- */

static enum rw_err make_choice(struct rw_load_generator *g)
{
    const struct rw_load_settings *settings = g->settings;
    uint32_t sum = 0;
    for (unsigned i = 0; i < settings->request_count; i++)
        sum += settings->requests[i].weight;
    g->choice = rw_alloc(sum * sizeof(*g->choice));
    if (!g->choice)
        return RW_ENOMEM;
    for (unsigned i = 0; i < settings->request_count; i++)
        for (uint32_t k = 0; k < settings->requests[i].weight; k++)
            g->choice[g->choice_count++] = i;
    struct rw_random random;
    rw_random_seed(&random, settings->seed + g->index);
    for (uint32_t i = sum; i > 1; i--) {
        uint32_t k = rw_random_below(&random, i), swapped = g->choice[i - 1];
        g->choice[i - 1] = g->choice[k];
        g->choice[k] = swapped;
    }
    return RW_OK;
}

static uint32_t share_of(uint32_t whole, unsigned index, unsigned parts)
{
    return whole / parts + (index < whole % parts);
}

static enum rw_err make_memory(struct rw_load_generator *g)
{
    const struct rw_load_settings *settings = g->settings;
    g->wanted = share_of(settings->connections, g->index, settings->threads);
    rw_slab_init(&g->connections, g->protocol->connection_bytes, 256, g->wanted);
    rw_slab_init(&g->streams, sizeof(struct rw_h2_stream), 256, SIZE_MAX);
    rw_slab_init(&g->calls, sizeof(struct rw_load_call), 256, SIZE_MAX);
    g->scratch_memory = rw_alloc(SCRATCH_BYTES);
    g->second_latency = rw_histogram_create();
    if (!g->scratch_memory || !g->second_latency)
        return RW_ENOMEM;
    return make_choice(g);
}

static enum rw_err make_alarm(struct rw_load_generator *g)
{
    g->alarm = (struct rw_watch){.loop = g->loop, .events = RW_WATCH_READ, .ready = on_alarm};
    g->alarm.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (g->alarm.fd < 0)
        return RW_EIO;
    enum rw_err err = rw_watch_start(g->loop, &g->alarm);
    if (err) {
        close(g->alarm.fd);
        g->alarm.fd = -1;
    }
    return err;
}

enum rw_err rw_load_generator_open(struct rw_load_generator *g)
{
    const struct rw_loop_options options = {.backend = g->settings->backend};
    g->protocol = g->settings->protocol == RW_LOAD_H2 ? &rw_load_protocol_h2 : &rw_load_protocol_h1;
    g->tick.fire = on_tick;
    g->timeouts.fire = on_timeouts;
    g->alarm.fd = -1;
    rw_list_init(&g->free);
    rw_list_init(&g->others);
    rw_list_init(&g->all_calls);
    enum rw_err err = rw_loop_create(&options, &g->loop);
    if (!err)
        err = make_memory(g);
    return err ? err : make_alarm(g);
}

static void close_all(struct rw_list *connections)
{
    while (!rw_list_empty(connections)) {
        struct rw_load_connection *connection =
            rw_container_of(connections->next, struct rw_load_connection, link);
        rw_list_remove(&connection->link);
        rw_load_lost(connection, RW_LOAD_ERROR_CLOSED);
    }
}

/* Nothing of the end is counted. */
static void close_connections(struct rw_load_generator *g)
{
    g->ended = g->stopped = true;
    g->record_from_ns = UINT64_MAX;
    rw_timer_stop(g->loop, &g->tick);
    rw_timer_stop(g->loop, &g->timeouts);
    struct rw_list all;
    rw_list_init(&all);
    for (struct rw_list *item;
         (item = rw_list_pop_front(&g->free)) || (item = rw_list_pop_front(&g->others));)
        rw_list_push_back(&all, item);
    close_all(&all);
    while (g->existing)
        rw_loop_turn(g->loop, TICK_MS);
    rw_timer_stop(g->loop, &g->timeouts);
}

void rw_load_generator_end(struct rw_load_generator *g)
{
    if (g->alarm.fd >= 0)
        rw_watch_stop(&g->alarm);
    if (g->loop) {
        close_connections(g);
        rw_loop_turn(g->loop, 0); /* the watch has gone with it */
        rw_loop_destroy(g->loop);
    }
    if (g->alarm.fd >= 0)
        close(g->alarm.fd);
    rw_slab_destroy(&g->connections);
    rw_slab_destroy(&g->streams);
    rw_slab_destroy(&g->calls);
    rw_dues_free(&g->backlog);
    rw_dues_free(&g->thinking);
    rw_free(g->scratch_memory);
    rw_free(g->choice);
    rw_free(g->second_latency);
}
