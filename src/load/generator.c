/* The life of a generator: its memory, its begin, its ticks, its end. */
#include "load/generator_parts.h"

#include "base/alloc.h"
#include "http/h2.h"
#include "io/descriptors.h"
#include "load/socket.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    TICK_MS = 20, /* how often it looks whether all are there */
    SCRATCH_BYTES = 64 * 1024,
    REFUSED_MIN = 10, /* connections, before a target is taken to be down */
};

/* ---- From the begin to the end ---- */

static uint64_t thread_cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * RW_NS_PER_S + (uint64_t)time.tv_nsec;
}

/* How long this thread has run, or waited for a processor although it had something to do: what
 * Linux counts of each thread (Documentation/scheduler/sched-stats.rst). Where it does not, how
 * long it has run. */
static uint64_t thread_busy_ns(void)
{
    char text[64] = "";
    unsigned long long ran_ns, waited_ns;
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return thread_cpu_ns();
    ssize_t len = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (len <= 0 || sscanf(text, "%llu %llu", &ran_ns, &waited_ns) != 2)
        return thread_cpu_ns();
    return ran_ns + waited_ns;
}

/* Until the schedule is over: behind it there are only answers to wait for. */
static void count_busy(struct rw_load_generator *g)
{
    bool over = g->running && (g->stopped || rw_loop_now_ns(g->loop) >= g->end_ns);
    if (over && !g->tally->busy_ns)
        g->tally->busy_ns = thread_busy_ns() - g->busy_before_ns;
}

static void begin(struct rw_load_generator *g)
{
    const struct rw_load_settings *settings = g->settings;
    g->begin_ns = atomic_load(&g->gate->begin_ns);
    g->record_from_ns = g->begin_ns + (uint64_t)(settings->warmup_seconds * 1e9);
    double seconds =
        settings->closed ? settings->closed_seconds : rw_profile_seconds(&settings->profile);
    g->end_ns = g->begin_ns + (uint64_t)(seconds * 1e9);
    g->running = true;
    g->busy_before_ns = thread_busy_ns();
    rw_load_begin_due(g);
}

static bool is_over(const struct rw_load_generator *g)
{
    if (atomic_load(&g->gate->failed) || (g->stopped && !g->running))
        return true;
    if (!g->running || !rw_list_empty(&g->all_calls))
        return false;
    if (!rw_load_users_gone(g))
        return false;
    bool sent = g->settings->closed ? g->users.exhausted || rw_loop_now_ns(g->loop) >= g->end_ns
                                    : rw_load_next_due(g) == UINT64_MAX && !g->backlog.count;
    return g->stopped || sent;
}

/* Whoever is done keeps its connections until all are: closing a million takes the target's time
 * from the last answers. */
static bool may_leave(struct rw_load_generator *g)
{
    if (!g->done) {
        g->done = true;
        atomic_fetch_sub(&g->gate->busy, 1);
    }
    return atomic_load(&g->gate->busy) == 0 || atomic_load(&g->gate->failed);
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
    count_busy(g);
    rw_load_report_seconds(g);
    rw_load_give_up_backlog(g);
    rw_load_users_look(g);
    rw_load_sockets_look(g);
    look_at_the_gate(g);
    if (is_over(g)) {
        if (may_leave(g)) {
            rw_loop_stop(g->loop);
            return;
        }
    } else {
        rw_load_look_elsewhere(g);
        rw_load_open_more(g);
    }
    rw_timer_start(g->loop, &g->tick, rw_loop_now_ms(g->loop) + TICK_MS);
}

void rw_load_generator_work(struct rw_load_generator *g)
{
    rw_load_open_more(g);
    rw_timer_start(g->loop, &g->tick, rw_loop_now_ms(g->loop) + 1);
    rw_loop_run(g->loop);
    g->tally->cpu_ns = thread_cpu_ns();
    rw_load_forget_backlog(g);
    if (g->running)
        rw_load_report_second(g);
}

/* ---- Opening and closing ---- */

/* Requests have weights, or, with a script, its scenarios do. */
static uint32_t weight_of(const struct rw_load_settings *settings, unsigned which)
{
    return settings->script ? settings->script->scenarios[which].weight
                            : settings->requests[which].weight;
}

static enum rw_err make_choice(struct rw_load_generator *g)
{
    const struct rw_load_settings *settings = g->settings;
    unsigned count = settings->script ? settings->script->scenario_count : settings->request_count;
    uint32_t sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += weight_of(settings, i);
    g->choice = rw_alloc(sum * sizeof(*g->choice));
    if (!g->choice)
        return RW_ENOMEM;
    for (unsigned i = 0; i < count; i++)
        for (uint32_t k = 0; k < weight_of(settings, i); k++)
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

static enum rw_err make_memory(struct rw_load_generator *g)
{
    const struct rw_load_settings *settings = g->settings;
    g->wanted = rw_load_share(settings->connections, g->index, settings->threads);
    rw_slab_init(&g->connections, g->protocol->connection_bytes, 256, g->wanted);
    rw_slab_init(&g->sockets, sizeof(struct rw_load_socket), 64, SIZE_MAX);
    rw_slab_init(&g->streams, sizeof(struct rw_h2_stream), 256, SIZE_MAX);
    rw_slab_init(&g->calls, sizeof(struct rw_load_call), 256, SIZE_MAX);
    g->scratch_memory = rw_alloc(SCRATCH_BYTES);
    g->second_latency = rw_histogram_create();
    if (!g->scratch_memory || !g->second_latency)
        return RW_ENOMEM;
    enum rw_err err = rw_load_users_open(g);
    return err ? err : make_choice(g);
}

static enum rw_err make_alarm(struct rw_load_generator *g)
{
    g->alarm =
        (struct rw_watch){.loop = g->loop, .events = RW_WATCH_READ, .ready = rw_load_on_alarm};
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
    /* What is due leaves when it is due. */
    const struct rw_loop_options options = {.backend = g->settings->backend,
                                            .prompt = !g->settings->closed,
                                            .descriptors_max = rw_descriptors_half()};
    g->protocol = g->settings->protocol == RW_LOAD_H2 ? &rw_load_protocol_h2 : &rw_load_protocol_h1;
    g->way = g->index % (g->settings->address_count ? g->settings->address_count : 1);
    g->tick.fire = on_tick;
    g->timeouts.fire = rw_load_on_timeouts;
    g->alarm.fd = -1;
    rw_list_init(&g->free);
    rw_list_init(&g->others);
    rw_list_init(&g->all_calls);
    rw_list_init(&g->leaving);
    rw_random_seed_system(&g->masks);
    g->serve.run = rw_load_serve;
    enum rw_err err = rw_loop_create(&options, &g->loop);
    if (!err)
        err = make_memory(g);
    return err ? err : make_alarm(g);
}

void rw_load_generator_end(struct rw_load_generator *g)
{
    if (g->alarm.fd >= 0)
        rw_watch_stop(&g->alarm);
    if (g->loop) {
        rw_load_close_connections(g);
        rw_load_users_close(g);
        rw_loop_later_stop(&g->serve);
        rw_loop_turn(g->loop, 0); /* the watch has gone with it */
        rw_loop_destroy(g->loop);
    }
    if (g->alarm.fd >= 0)
        close(g->alarm.fd);
    rw_slab_destroy(&g->connections);
    rw_slab_destroy(&g->sockets);
    rw_slab_destroy(&g->streams);
    rw_slab_destroy(&g->calls);
    rw_dues_free(&g->backlog);
    rw_dues_free(&g->thinking);
    rw_free(g->scratch_memory);
    rw_free(g->choice);
    rw_free(g->second_latency);
}
