#include "io/loop.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/backend.h"

#include <limits.h>
#include <string.h>

enum {
    KEEP_BYTES = 4 * 1024 * 1024, /* of free buffers */
    STARVED_RETRY_MS = 10,
    LISTENER_PAUSE_MS = 100,
    LATE_MS = 2,
    EVENTS_PER_STREAM = 8, /* of what may have happened to it before a late timer */
};

static const size_t buffer_bytes_default = (size_t)1 << 30;

static void retry_starved(struct rw_timer *timer)
{
    struct rw_loop *loop = rw_container_of(timer, struct rw_loop, starved_retry);
    struct rw_list *item;
    while ((item = rw_list_pop_front(&loop->starved)))
        rw_list_push_back(&loop->ready, item);
}

static const struct rw_io_backend *choose_backend(enum rw_loop_backend backend)
{
    switch (backend) {
    case RW_LOOP_EPOLL:
        return &rw_backend_epoll;
    case RW_LOOP_AUTO:
    case RW_LOOP_IO_URING:
        return &rw_backend_uring;
    case RW_LOOP_SIM:
        return &rw_backend_sim;
    }
    return NULL;
}

static void init_loop(struct rw_loop *loop, const struct rw_loop_options *options)
{
    size_t cap = options->buffer_bytes_max ? options->buffer_bytes_max : buffer_bytes_default;
    rw_buf_pool_init(&loop->buffers, cap, KEEP_BYTES);
    rw_list_init(&loop->ready);
    rw_list_init(&loop->later);
    rw_list_init(&loop->starved);
    rw_list_init(&loop->closed);
    rw_list_init(&loop->closed_listeners);
    loop->starved_retry.fire = retry_starved;
    loop->backend = choose_backend(options->backend);
}

enum rw_err rw_loop_create(const struct rw_loop_options *options, struct rw_loop **loop)
{
    struct rw_loop *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    init_loop(made, options);
    /* A backend that has its own source of randomness (the simulation) seeds again. */
    rw_random_seed_system(&made->random);
    enum rw_err err = made->backend->create(made, options);
    if (err && options->backend == RW_LOOP_AUTO) {
        made->backend = &rw_backend_epoll;
        err = made->backend->create(made, options);
    }
    if (err) {
        rw_buf_pool_destroy(&made->buffers);
        rw_free(made);
        return err;
    }
    rw_loop_woke(made);
    rw_wheel_init(&made->wheel, made->now_ms);
    *loop = made;
    return RW_OK;
}

void rw_loop_destroy(struct rw_loop *loop)
{
    rw_timer_stop(loop, &loop->starved_retry);
    rw_assert(loop->streams == 0 && loop->listeners == 0);
    rw_assert(rw_wheel_empty(&loop->wheel));
    rw_assert(!atomic_load(&loop->posted));
    loop->backend->destroy(loop);
    rw_buf_pool_destroy(&loop->buffers);
    rw_free(loop);
}

void rw_loop_woke(struct rw_loop *loop)
{
    const struct rw_io_backend *backend = loop->backend;
    atomic_store_explicit(&loop->sleeping, false, memory_order_relaxed);
    loop->now_ns = backend->now_ns(loop);
    loop->now_ms = loop->now_ns / RW_NS_PER_MS;
    /* The wall clock may be set while we run: look once a second. */
    if (loop->wall_read_ns == 0 || loop->now_ns - loop->wall_read_ns >= RW_NS_PER_S) {
        loop->wall_read_ns = loop->now_ns;
        loop->wall_offset_ns = backend->wall_ns(loop) - loop->now_ns;
    }
}

/* ---- Turns ---- */

bool rw_loop_has_work(const struct rw_loop *loop)
{
    return !rw_list_empty(&loop->ready) || !rw_list_empty(&loop->later) ||
           !rw_list_empty(&loop->closed) || !rw_list_empty(&loop->closed_listeners) ||
           atomic_load_explicit(&loop->posted, memory_order_relaxed);
}

/* How long the backend may wait. After `sleeping` is set each post wakes it; one that came just
 * before is seen here (both sides are sequentially consistent). */
static int prepare_wait(struct rw_loop *loop, int wait_ms_max)
{
    if (wait_ms_max == 0 || rw_loop_has_work(loop))
        return 0;
    uint64_t next_ms = rw_wheel_next_ms(&loop->wheel);
    if (next_ms <= loop->now_ms)
        return 0;
    int wait_ms = wait_ms_max;
    if (next_ms != UINT64_MAX) {
        uint64_t until = next_ms - loop->now_ms;
        int timer_ms = until < INT_MAX ? (int)until : INT_MAX;
        if (wait_ms < 0 || timer_ms < wait_ms)
            wait_ms = timer_ms;
    }
    atomic_store(&loop->sleeping, true);
    return atomic_load(&loop->posted) ? 0 : wait_ms;
}

static void run_posted(struct rw_loop *loop)
{
    if (!atomic_load_explicit(&loop->posted, memory_order_relaxed))
        return;
    struct rw_task *task = atomic_exchange(&loop->posted, NULL);
    struct rw_task *oldest = NULL;
    while (task) {
        struct rw_task *next = task->next;
        task->next = oldest;
        oldest = task;
        task = next;
    }
    while (oldest) {
        struct rw_task *next = oldest->next;
        oldest->run(oldest);
        oldest = next;
    }
}

/* What is added meanwhile is for the next time. */
static void take_all(struct rw_list *from, struct rw_list *batch)
{
    rw_list_init(batch);
    rw_list_insert_after(from, batch);
    rw_list_remove(from);
    rw_list_init(from);
}

static void run_ready(struct rw_loop *loop)
{
    if (rw_list_empty(&loop->ready))
        return;
    struct rw_list batch, *item;
    take_all(&loop->ready, &batch);
    while ((item = rw_list_pop_front(&batch))) {
        struct rw_stream *stream = rw_container_of(item, struct rw_stream, ready);
        if (stream->flags & RW_STREAM_TLS_READY) {
            stream->flags &= ~(uint32_t)RW_STREAM_TLS_READY;
            rw_tls_hook_ready(stream);
        }
        if (!rw_stream_closing(stream))
            loop->backend->ready(stream);
    }
}

static void run_later(struct rw_loop *loop)
{
    if (rw_list_empty(&loop->later))
        return;
    struct rw_list batch, *item;
    take_all(&loop->later, &batch);
    while ((item = rw_list_pop_front(&batch))) {
        struct rw_later *later = rw_container_of(item, struct rw_later, link);
        later->run(later);
    }
}

static void run_closed(struct rw_loop *loop)
{
    struct rw_list *item;
    while ((item = rw_list_pop_front(&loop->closed))) {
        struct rw_stream *stream = rw_container_of(item, struct rw_stream, ready);
        loop->streams--;
        if (stream->tls)
            rw_tls_hook_closed(stream);
        stream->events->on_closed(stream);
    }
    while ((item = rw_list_pop_front(&loop->closed_listeners))) {
        struct rw_listener_state *state = rw_container_of(item, struct rw_listener_state, closed);
        struct rw_listener *listener = state->listener;
        loop->listeners--;
        rw_free(state);
        listener->on_closed(listener);
    }
}

/* Timers are late: this thread had no CPU, or the turns are long. What the peers did in time may
 * still be with the kernel, which hands it out in portions; it comes before the deadline that waits
 * for it, or a busy machine would cost requests. */
static void catch_up(struct rw_loop *loop)
{
    size_t left = (loop->streams + loop->listeners + 1) * EVENTS_PER_STREAM, events;
    loop->catching_up = true;
    do {
        events = loop->backend->wait(loop, 0);
        run_ready(loop);
        left -= events < left ? events : left;
    } while (events && left);
    loop->catching_up = false;
}

static void run_timers(struct rw_loop *loop)
{
    uint64_t due_ms = rw_wheel_next_ms(&loop->wheel);
    if (due_ms > loop->now_ms)
        return;
    if (loop->now_ms - due_ms >= LATE_MS)
        catch_up(loop);
    rw_wheel_run(&loop->wheel, loop->now_ms);
}

void rw_loop_turn(struct rw_loop *loop, int wait_ms_max)
{
    loop->backend->wait(loop, prepare_wait(loop, wait_ms_max));
    run_posted(loop);
    run_timers(loop);
    run_ready(loop);
    run_later(loop);
    run_closed(loop);
}

void rw_loop_run(struct rw_loop *loop)
{
    while (!loop->stopping)
        rw_loop_turn(loop, -1);
    loop->stopping = false;
}

void rw_loop_stop(struct rw_loop *loop)
{
    loop->stopping = true;
}

void rw_loop_post(struct rw_loop *loop, struct rw_task *task)
{
    task->next = atomic_load_explicit(&loop->posted, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&loop->posted, &task->next, task))
        ;
    if (atomic_load(&loop->sleeping) && atomic_exchange(&loop->sleeping, false))
        loop->backend->wake(loop);
}

/* ---- For backends ---- */

void rw_loop_stream_ready(struct rw_stream *stream)
{
    if (!rw_list_linked(&stream->ready))
        rw_list_push_back(&stream->loop->ready, &stream->ready);
}

void rw_loop_stream_starved(struct rw_stream *stream)
{
    struct rw_loop *loop = stream->loop;
    rw_log_limited(RW_LOG_WARN, "loop", "no receive buffer: memory or the cap is exhausted");
    rw_list_remove(&stream->ready);
    rw_list_push_back(&loop->starved, &stream->ready);
    if (!rw_timer_running(&loop->starved_retry))
        rw_timer_start(loop, &loop->starved_retry, loop->now_ms + STARVED_RETRY_MS);
}

void rw_loop_stream_closed(struct rw_stream *stream)
{
    rw_list_remove(&stream->ready);
    rw_list_push_back(&stream->loop->closed, &stream->ready);
}

void rw_loop_listener_closed(struct rw_listener_state *state)
{
    rw_list_push_back(&state->listener->loop->closed_listeners, &state->closed);
}

void rw_loop_listener_pause(struct rw_listener_state *state, int errno_value)
{
    struct rw_loop *loop = state->listener->loop;
    rw_log_limited(RW_LOG_WARN, "listener", "cannot accept, pausing %d ms: %s", LISTENER_PAUSE_MS,
                   strerror(errno_value));
    rw_timer_start(loop, &state->resume, loop->now_ms + LISTENER_PAUSE_MS);
}

/* ---- Small things ---- */

void rw_loop_later(struct rw_loop *loop, struct rw_later *later)
{
    if (!rw_list_linked(&later->link))
        rw_list_push_back(&loop->later, &later->link);
}

void rw_loop_later_stop(struct rw_later *later)
{
    rw_list_remove(&later->link);
}

const char *rw_loop_backend_name(const struct rw_loop *loop)
{
    return loop->backend->name;
}

enum rw_loop_backend rw_loop_backend(const struct rw_loop *loop)
{
    return loop->backend->kind;
}

uint64_t rw_loop_now_ms(const struct rw_loop *loop)
{
    return loop->now_ms;
}

uint64_t rw_loop_turn_ns(const struct rw_loop *loop)
{
    return loop->now_ns;
}

uint64_t rw_loop_now_ns(const struct rw_loop *loop)
{
    return loop->backend->now_ns(loop);
}

uint64_t rw_loop_wall_ns(const struct rw_loop *loop)
{
    return loop->now_ns + loop->wall_offset_ns;
}

struct rw_buf_pool *rw_loop_buffers(struct rw_loop *loop)
{
    return &loop->buffers;
}

struct rw_random *rw_loop_random(struct rw_loop *loop)
{
    return &loop->random;
}

void rw_timer_start(struct rw_loop *loop, struct rw_timer *timer, uint64_t due_ms)
{
    rw_wheel_add(&loop->wheel, timer, due_ms);
}

void rw_timer_stop(struct rw_loop *loop, struct rw_timer *timer)
{
    (void)loop;
    rw_list_remove(&timer->link);
}

enum rw_err rw_watch_start(struct rw_loop *loop, struct rw_watch *watch)
{
    watch->loop = loop;
    watch->backend = NULL;
    return loop->backend->watch(watch);
}

void rw_watch_stop(struct rw_watch *watch)
{
    if (watch->backend)
        watch->loop->backend->unwatch(watch);
}
