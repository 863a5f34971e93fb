#include "io/sim.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "io/sim_private.h"

struct sim_call {
    struct sim_event event;
    struct rw_list link;
    void (*run)(void *user);
    void *user;
};

enum { WINDOW_BYTES_DEFAULT = 65536, JITTER_NS = 50 * 1000, HOP_NS_MIN = 20 * 1000 };

/* ---- The heap ---- */

static bool comes_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void put_at(struct rw_sim *sim, size_t place, struct sim_event *event)
{
    sim->heap[place] = event;
    event->place = place;
}

static void sift_up(struct rw_sim *sim, struct sim_event *event, size_t place)
{
    while (place > 1 && comes_before(event, sim->heap[place / 2])) {
        put_at(sim, place, sim->heap[place / 2]);
        place /= 2;
    }
    put_at(sim, place, event);
}

static void sift_down(struct rw_sim *sim, struct sim_event *event, size_t place)
{
    for (;;) {
        size_t child = place * 2;
        if (child > sim->heap_count)
            break;
        if (child < sim->heap_count && comes_before(sim->heap[child + 1], sim->heap[child]))
            child++;
        if (!comes_before(sim->heap[child], event))
            break;
        put_at(sim, place, sim->heap[child]);
        place = child;
    }
    put_at(sim, place, event);
}

static void heap_remove(struct rw_sim *sim, struct sim_event *event)
{
    size_t place = event->place;
    if (place == 0)
        return;
    event->place = 0;
    struct sim_event *last = sim->heap[sim->heap_count--];
    if (last == event)
        return;
    if (place > 1 && comes_before(last, sim->heap[place / 2]))
        sift_up(sim, last, place);
    else
        sift_down(sim, last, place);
}

enum rw_err rw_sim_reserve(struct rw_sim *sim)
{
    size_t need = sim->heap_reserved + 2; /* place 0 is not used */
    if (need > sim->heap_room) {
        size_t room = sim->heap_room ? sim->heap_room * 2 : 64;
        struct sim_event **bigger = rw_realloc(sim->heap, room * sizeof(struct sim_event *));
        if (!bigger)
            return RW_ENOMEM;
        sim->heap = bigger;
        sim->heap_room = room;
    }
    sim->heap_reserved++;
    return RW_OK;
}

void rw_sim_release(struct rw_sim *sim, struct sim_event *event)
{
    heap_remove(sim, event);
    sim->heap_reserved--;
}

void rw_sim_wake(struct rw_sim *sim, struct sim_event *event, uint64_t due_ns)
{
    if (due_ns < sim->now_ns)
        due_ns = sim->now_ns;
    due_ns += 1 + rw_random_below(&sim->random, JITTER_NS);
    if (event->place) {
        if (event->due_ns <= due_ns)
            return;
        heap_remove(sim, event);
    }
    event->due_ns = due_ns;
    event->order = sim->orders++;
    sift_up(sim, event, ++sim->heap_count);
}

/* ---- Chance ---- */

bool rw_sim_chance(struct rw_sim *sim, unsigned parts_per_10000)
{
    return parts_per_10000 && rw_random_below(&sim->random, 10000) < parts_per_10000;
}

uint64_t rw_sim_latency_ns(struct rw_sim *sim)
{
    uint64_t latency_ns = HOP_NS_MIN + rw_random_below(&sim->random, 3 * JITTER_NS);
    if (sim->faults.delay_ms_max && rw_sim_chance(sim, sim->faults.delay))
        latency_ns += RW_NS_PER_MS * (1 + rw_random_below(&sim->random, sim->faults.delay_ms_max));
    return latency_ns;
}

/* ---- Steps ---- */

static void run_call(struct rw_sim *sim, struct sim_call *call)
{
    void (*run)(void *user) = call->run;
    void *user = call->user;
    rw_list_remove(&call->link);
    rw_sim_release(sim, &call->event);
    rw_free(call);
    run(user);
}

static void free_dead(struct rw_sim *sim)
{
    struct rw_list *item;
    while ((item = rw_list_pop_front(&sim->dead)))
        rw_sim_socket_free(rw_container_of(item, struct rw_sim_socket, link));
}

static void run_event(struct rw_sim *sim, struct sim_event *event)
{
    heap_remove(sim, event);
    if (event->kind == SIM_CALL) {
        run_call(sim, rw_container_of(event, struct sim_call, event));
    } else {
        struct rw_sim_socket *socket = rw_container_of(event, struct rw_sim_socket, event);
        /* Scripts are not under test: memory never fails them. */
        bool fail = socket->role != SIM_PEER && rw_sim_chance(sim, sim->faults.alloc);
        if (fail)
            rw_alloc_fail_after(rw_random_below(&sim->random, 4));
        rw_sim_socket_step(socket);
        if (fail)
            rw_alloc_fail_never();
    }
    free_dead(sim);
}

/* When the loop has something to do without the network. */
static uint64_t loop_due_ns(struct rw_sim *sim, struct rw_loop *loop)
{
    if (rw_loop_has_work(loop))
        return sim->now_ns;
    uint64_t next_ms = rw_wheel_next_ms(&loop->wheel);
    return next_ms >= SIM_NEVER / RW_NS_PER_MS ? SIM_NEVER : next_ms * RW_NS_PER_MS;
}

static struct rw_loop *next_loop(struct rw_sim *sim, uint64_t *due_ns)
{
    struct rw_loop *next = NULL;
    *due_ns = SIM_NEVER;
    for (struct rw_list *at = sim->loops.next; at != &sim->loops; at = at->next) {
        struct rw_loop *loop = rw_container_of(at, struct sim_loop, link)->loop;
        uint64_t due = loop_due_ns(sim, loop);
        if (due < *due_ns) {
            *due_ns = due;
            next = loop;
        }
    }
    return next;
}

static void turn_loop(struct rw_sim *sim, struct rw_loop *loop)
{
    bool fail = rw_sim_chance(sim, sim->faults.alloc);
    if (fail)
        rw_alloc_fail_after(rw_random_below(&sim->random, 4));
    rw_loop_turn(loop, 0);
    if (fail)
        rw_alloc_fail_never();
    free_dead(sim);
}

static bool step_running(struct rw_sim *sim, uint64_t limit_ns)
{
    uint64_t loop_ns;
    struct rw_loop *loop = next_loop(sim, &loop_ns);
    struct sim_event *event = sim->heap_count ? sim->heap[1] : NULL;
    uint64_t event_ns = event ? event->due_ns : SIM_NEVER;
    uint64_t due_ns = loop_ns < event_ns ? loop_ns : event_ns;
    if (due_ns > limit_ns || due_ns == SIM_NEVER) {
        if (due_ns != SIM_NEVER && limit_ns > sim->now_ns)
            sim->now_ns = limit_ns;
        return false;
    }
    sim->steps++;
    if (due_ns > sim->now_ns)
        sim->now_ns = due_ns;
    if (event && event_ns < loop_ns)
        run_event(sim, event);
    else
        turn_loop(sim, loop);
    return true;
}

bool rw_sim_step(struct rw_sim *sim, uint64_t limit_ns)
{
    bool was_running = sim->running;
    sim->running = true;
    bool stepped = step_running(sim, limit_ns);
    sim->running = was_running;
    return stepped;
}

bool rw_sim_step_network(struct rw_sim *sim, uint64_t limit_ns)
{
    struct sim_event *event = sim->heap_count ? sim->heap[1] : NULL;
    if (!event || event->due_ns > limit_ns) {
        if (limit_ns < SIM_NEVER / 2)
            sim->now_ns = limit_ns;
        return false;
    }
    sim->steps++;
    if (event->due_ns > sim->now_ns)
        sim->now_ns = event->due_ns;
    run_event(sim, event);
    return true;
}

bool rw_sim_run(struct rw_sim *sim, uint64_t ms_max, uint64_t steps_max)
{
    uint64_t span_ns =
        ms_max < SIM_NEVER / RW_NS_PER_MS / 2 ? ms_max * RW_NS_PER_MS : SIM_NEVER / 2;
    uint64_t limit_ns = sim->now_ns + span_ns;
    for (uint64_t i = 0; i < steps_max; i++)
        if (!rw_sim_step(sim, limit_ns))
            return true;
    return false;
}

/* ---- The world ---- */

enum rw_err rw_sim_create(uint64_t seed, const struct rw_sim_faults *faults, struct rw_sim **sim)
{
    struct rw_sim *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    made->faults = *faults;
    if (!made->faults.window_bytes)
        made->faults.window_bytes = WINDOW_BYTES_DEFAULT;
    rw_random_seed(&made->random, seed);
    rw_list_init(&made->loops);
    rw_list_init(&made->sockets);
    rw_list_init(&made->dead);
    rw_list_init(&made->listeners);
    rw_list_init(&made->calls);
    made->now_ns = RW_NS_PER_S; /* zero would look like "never" to some */
    *sim = made;
    return RW_OK;
}

void rw_sim_destroy(struct rw_sim *sim)
{
    struct rw_list *item;
    rw_assert(rw_list_empty(&sim->loops) && !sim->running);
    free_dead(sim);
    while ((item = rw_list_pop_front(&sim->sockets)))
        rw_sim_socket_free(rw_container_of(item, struct rw_sim_socket, link));
    while ((item = rw_list_pop_front(&sim->listeners)))
        rw_free(rw_container_of(item, struct sim_listener, link));
    while ((item = rw_list_pop_front(&sim->calls)))
        rw_free(rw_container_of(item, struct sim_call, link));
    rw_free(sim->heap);
    rw_free(sim);
}

enum rw_err rw_sim_at(struct rw_sim *sim, uint64_t due_ms, void (*run)(void *user), void *user)
{
    struct sim_call *call = rw_alloc_zero(sizeof(*call));
    if (!call)
        return RW_ENOMEM;
    enum rw_err err = rw_sim_reserve(sim);
    if (err) {
        rw_free(call);
        return err;
    }
    call->event.kind = SIM_CALL;
    call->run = run;
    call->user = user;
    rw_list_push_back(&sim->calls, &call->link);
    rw_sim_wake(sim, &call->event, due_ms * RW_NS_PER_MS);
    return RW_OK;
}

uint64_t rw_sim_now_ms(const struct rw_sim *sim)
{
    return sim->now_ns / RW_NS_PER_MS;
}

struct rw_random *rw_sim_random(struct rw_sim *sim)
{
    return &sim->random;
}

uint64_t rw_sim_steps(const struct rw_sim *sim)
{
    return sim->steps;
}
