#include "gate/cluster/overload/admission.h"

#include "base/alloc.h"
#include "base/log.h"

/* The requests of a tenant in a class. Times are those of the queue's own clock. */
struct line {
    struct rw_list list; /* the oldest first */
    uint32_t count;
    bool troubled;
    bool turned_away;  /* one, for want of room, since last judged */
    uint64_t well_ms;  /* when nobody had waited for long */
    uint64_t calm_ms;  /* when it was last in order; troubled: since when the next two count */
    uint32_t admitted; /* while troubled */
    uint32_t refused;
    uint64_t empty_ms; /* of the loop: since when it is empty */
};

struct tenants {
    uint64_t busy; /* bit per line that is not empty */
    uint32_t next; /* whose turn it is */
    struct line lines[RW_ADMISSION_TENANTS];
};

enum { TICK_MS_MIN = 1, TICK_MS_MAX = 10 };

_Static_assert(RW_ADMISSION_TENANTS == 64, "a bit each");

/* Of one worker, for one limiter. */
struct rw_admission_queue {
    struct rw_list link; /* in the worker's store */
    struct rw_worker *worker;
    struct rw_limiter *limiter; /* a reference */
    struct tenants classes[RW_CLASS_COUNT];
    uint32_t count;
    uint64_t clock_ms; /* how long it has run while requests waited */
    uint64_t turn_ms;  /* of the loop: when the clock was last moved */
    uint32_t tick_ms;
    struct rw_timer timer;
    struct rw_later later;
    bool others_turn;
};

/* ---- Queues of a worker ---- */

struct store {
    struct rw_worker_store store;
    struct rw_list queues;
};

static void free_queue(struct rw_admission_queue *queue)
{
    rw_timer_stop(queue->worker->loop, &queue->timer);
    rw_loop_later_stop(&queue->later);
    rw_list_remove(&queue->link);
    rw_limiter_drop(queue->limiter);
    rw_free(queue);
}

static void trim(struct rw_worker_store *base)
{
    struct store *store = rw_container_of(base, struct store, store);
    for (struct rw_list *at = store->queues.next, *next; at != &store->queues; at = next) {
        next = at->next;
        struct rw_admission_queue *queue = rw_container_of(at, struct rw_admission_queue, link);
        if (queue->count == 0)
            free_queue(queue);
    }
}

static void destroy(struct rw_worker_store *base)
{
    struct store *store = rw_container_of(base, struct store, store);
    trim(base);
    rw_assert(rw_list_empty(&store->queues));
    rw_free(store);
}

static const struct rw_worker_store_kind store_kind = {.trim = trim, .destroy = destroy};

static struct store *store_of(struct rw_worker *worker)
{
    struct rw_worker_store *found = rw_worker_store(worker, &store_kind);
    if (found)
        return rw_container_of(found, struct store, store);
    struct store *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return NULL;
    made->store.kind = &store_kind;
    rw_list_init(&made->queues);
    rw_worker_add_store(worker, &made->store);
    return made;
}

static struct rw_admission_queue *find_queue(struct rw_worker *worker,
                                             const struct rw_limiter *limiter)
{
    struct rw_worker_store *base = rw_worker_store(worker, &store_kind);
    struct store *store = base ? rw_container_of(base, struct store, store) : NULL;
    for (struct rw_list *at = store ? store->queues.next : NULL; store && at != &store->queues;
         at = at->next) {
        struct rw_admission_queue *queue = rw_container_of(at, struct rw_admission_queue, link);
        if (queue->limiter == limiter)
            return queue;
    }
    return NULL;
}

static void on_timer(struct rw_timer *timer);
static void on_later(struct rw_later *later);

static struct rw_admission_queue *make_queue(struct rw_worker *worker, struct rw_limiter *limiter)
{
    struct store *store = store_of(worker);
    struct rw_admission_queue *queue = store ? rw_alloc_zero(sizeof(*queue)) : NULL;
    if (!queue)
        return NULL;
    queue->worker = worker;
    queue->limiter = rw_limiter_hold(limiter);
    queue->timer.fire = on_timer;
    queue->later.run = on_later;
    for (unsigned class = 0; class < RW_CLASS_COUNT; class ++)
        for (unsigned i = 0; i < RW_ADMISSION_TENANTS; i++)
            rw_list_init(&queue->classes[class].lines[i].list);
    rw_list_push_back(&store->queues, &queue->link);
    return queue;
}

/* ---- Who waits ---- */

static struct line *line_of(const struct rw_admission *admission)
{
    return &admission->queue->classes[admission->class].lines[admission->tenant];
}

static struct rw_admission *oldest(const struct line *line)
{
    return rw_container_of(line->list.next, struct rw_admission, link);
}

static struct rw_admission *newest(const struct line *line)
{
    return rw_container_of(line->list.prev, struct rw_admission, link);
}

/* Of a line that was empty: only for a moment, when all that waited were refused. */
static void begin_line(struct line *line, const struct rw_admission *first)
{
    uint64_t now_ms = rw_loop_now_ms(first->queue->worker->loop);
    if (now_ms - line->empty_ms >= first->cluster->overload.queue_ms_max)
        line->troubled = false;
    if (!line->troubled)
        line->well_ms = line->calm_ms = first->since_ms;
}

static void add(struct rw_admission_queue *queue, struct rw_admission *admission)
{
    admission->queue = queue;
    admission->since_ms = queue->clock_ms;
    struct line *line = line_of(admission);
    rw_list_push_back(&line->list, &admission->link);
    if (line->count++ == 0)
        begin_line(line, admission);
    queue->classes[admission->class].busy |= 1ull << admission->tenant;
    atomic_fetch_add_explicit(&queue->limiter->waits, 1, memory_order_relaxed);
    if (queue->count++ == 0)
        rw_waiters_add(&queue->limiter->waiting, queue->worker->index);
}

static void take_out(struct rw_admission *admission)
{
    struct rw_admission_queue *queue = admission->queue;
    struct line *line = line_of(admission);
    rw_list_remove(&admission->link);
    if (--line->count == 0) {
        line->empty_ms = rw_loop_now_ms(queue->worker->loop);
        queue->classes[admission->class].busy &= ~(1ull << admission->tenant);
    }
    admission->queue = NULL;
    atomic_fetch_sub_explicit(&queue->limiter->waits, 1, memory_order_relaxed);
    if (--queue->count == 0)
        rw_waiters_remove(&queue->limiter->waiting, queue->worker->index);
}

static void note_refusal(const struct rw_worker *worker, const struct rw_cluster *cluster)
{
    struct rw_limiter *limiter = cluster->limiter;
    if (rw_limiter_refuse(limiter, rw_loop_now_ms(worker->loop)))
        rw_log_limited(RW_LOG_WARN, "overload",
                       "upstream %.*s: requests are refused: it works on %u at once, the limit is "
                       "%u, and %u wait",
                       RW_SPAN_ARGS(cluster->name), atomic_load(&limiter->in_flight),
                       rw_limiter_limit(limiter, &cluster->overload.limits),
                       atomic_load(&limiter->waits));
}

static void note_calm(const struct rw_cluster *cluster, uint64_t now_ms)
{
    struct rw_limiter_trouble trouble;
    if (rw_limiter_calms_down(cluster->limiter, now_ms, &trouble))
        rw_log_limited(RW_LOG_INFO, "overload",
                       "upstream %.*s: requests are refused no more: %llu were, in %llu ms",
                       RW_SPAN_ARGS(cluster->name), (unsigned long long)trouble.refused,
                       (unsigned long long)trouble.ms);
}

static void refuse(struct rw_admission *admission)
{
    note_refusal(admission->queue->worker, admission->cluster);
    line_of(admission)->refused++;
    take_out(admission);
    admission->on_refused(admission);
}

/* ---- Time ---- */

/* All who wait have waited for the same upstream, whose settings may have changed with a reload:
 * each goes by its own. */
static const struct rw_cluster_overload *settings_of(const struct rw_admission *admission)
{
    return &admission->cluster->overload;
}

static uint32_t tick_ms(const struct rw_cluster_overload *settings)
{
    uint32_t ms = settings->target_ms / 4;
    return ms < TICK_MS_MIN ? TICK_MS_MIN : ms > TICK_MS_MAX ? TICK_MS_MAX : ms;
}

static void move_clock(struct rw_admission_queue *queue)
{
    uint64_t now_ms = rw_loop_now_ms(queue->worker->loop);
    uint64_t by_ms = now_ms - queue->turn_ms;
    queue->turn_ms = now_ms;
    queue->clock_ms += by_ms < queue->tick_ms ? by_ms : queue->tick_ms;
}

/* Runs while somebody waits. */
static void start_tick(struct rw_admission_queue *queue)
{
    if (queue->count && !rw_timer_running(&queue->timer))
        rw_timer_start(queue->worker->loop, &queue->timer, queue->turn_ms + queue->tick_ms);
}

/* In trouble: might all that have come have been served in time? Served were `admitted` in `ms`. */
static bool caught_up(const struct line *line, const struct rw_cluster_overload *settings,
                      uint64_t ms)
{
    uint64_t others = (uint64_t)line->refused + line->count;
    return others * ms <= (uint64_t)line->admitted * settings->target_ms;
}

static void begin_count(struct line *line, uint64_t now_ms)
{
    line->calm_ms = now_ms;
    line->admitted = line->refused = 0;
}

/* Is there about as much as there was before the limit went down? In a flood there is more. */
static bool as_before(const struct rw_limiter *limiter)
{
    uint64_t there = (uint64_t)atomic_load_explicit(&limiter->in_flight, memory_order_relaxed) +
                     atomic_load_explicit(&limiter->waits, memory_order_relaxed);
    uint64_t settled = atomic_load_explicit(&limiter->settled, memory_order_relaxed);
    return there * 100 <= settled * RW_ADMISSION_TRIAL_PERCENT;
}

/* Of a line that is not empty: who waits may do so as long, because the limit is on trial; 0: it is
 * not, or not because of that. */
static uint64_t trial_ms(const struct line *line, uint64_t now_ms)
{
    const struct rw_admission *first = oldest(line);
    const struct rw_limiter *limiter = first->queue->limiter;
    uint64_t ms = atomic_load_explicit(&limiter->trial_ms, memory_order_relaxed);
    uint64_t ms_max = (uint64_t)settings_of(first)->queue_ms_max * RW_ADMISSION_TRIAL_TIMES;
    if (line->troubled || now_ms - line->well_ms >= RW_ADMISSION_TRIAL_MS_MAX ||
        !as_before(limiter))
        return 0;
    return ms < ms_max ? ms : ms_max;
}

/* Of a line that is not empty, after who could go has gone. */
static void judge(struct line *line, const struct rw_cluster_overload *settings, uint64_t now_ms)
{
    uint64_t since_ms = now_ms - line->calm_ms;
    bool bad = line->turned_away || now_ms - oldest(line)->since_ms >= settings->target_ms;
    line->turned_away = false;
    if (!bad)
        line->well_ms = now_ms;
    if (!line->troubled && (!bad || trial_ms(line, now_ms)))
        line->calm_ms = now_ms;
    if (since_ms < settings->queue_ms_max)
        return;
    if (line->troubled)
        line->troubled = !caught_up(line, settings, since_ms);
    else
        line->troubled = bad;
    begin_count(line, now_ms);
}

static void refuse_late(struct line *line, uint64_t now_ms)
{
    while (line->count) {
        struct rw_admission *first = oldest(line);
        const struct rw_cluster_overload *settings = settings_of(first);
        uint64_t allowed_ms = line->troubled ? settings->target_ms : settings->queue_ms_max;
        uint64_t waited_ms = now_ms - first->since_ms;
        if (waited_ms < allowed_ms || waited_ms < trial_ms(line, now_ms))
            return;
        refuse(first);
    }
}

static void for_each_line(struct rw_admission_queue *queue,
                          void (*act)(struct rw_admission_queue *queue, struct line *line))
{
    for (unsigned class = 0; class < RW_CLASS_COUNT; class ++)
        for (uint64_t busy = queue->classes[class].busy; busy; busy &= busy - 1)
            act(queue, &queue->classes[class].lines[__builtin_ctzll(busy)]);
}

/* ---- Who goes ---- */

/* Of the next tenant of the class in turn. */
static struct rw_admission *pick(struct tenants *tenants)
{
    uint64_t after = tenants->busy & ~0ull << tenants->next;
    unsigned tenant = (unsigned)__builtin_ctzll(after ? after : tenants->busy);
    const struct line *line = &tenants->lines[tenant];
    tenants->next = (tenant + 1) % RW_ADMISSION_TENANTS;
    return line->troubled ? newest(line) : oldest(line);
}

static uint32_t percent_of(unsigned class)
{
    return class == RW_CLASS_BULK ? RW_ADMISSION_BULK_PERCENT : 100;
}

/* False: nobody of this queue may go now. */
static bool admit_next(struct rw_admission_queue *queue)
{
    for (unsigned class = 0; class < RW_CLASS_COUNT; class ++) {
        if (!queue->classes[class].busy)
            continue;
        struct tenants *tenants = &queue->classes[class];
        const struct line *line = &tenants->lines[__builtin_ctzll(tenants->busy)];
        if (!rw_limiter_enter(queue->limiter, &settings_of(oldest(line))->limits,
                              percent_of(class)))
            return false;
        struct rw_admission *admission = pick(tenants);
        line_of(admission)->admitted++;
        take_out(admission);
        admission->held = true;
        admission->on_admitted(admission);
        return true;
    }
    return false;
}

static void tend(struct rw_admission_queue *queue, struct line *line)
{
    refuse_late(line, queue->clock_ms);
    if (line->count)
        judge(line, settings_of(oldest(line)), queue->clock_ms);
}

static void serve(struct rw_admission_queue *queue)
{
    move_clock(queue);
    while (queue->count && admit_next(queue))
        continue;
    for_each_line(queue, tend);
    start_tick(queue);
}

/* At the end of the turn, when it is known what the turn has brought. */
static void on_timer(struct rw_timer *timer)
{
    struct rw_admission_queue *queue = rw_container_of(timer, struct rw_admission_queue, timer);
    rw_loop_later(queue->worker->loop, &queue->later);
}

static void on_later(struct rw_later *later)
{
    serve(rw_container_of(later, struct rw_admission_queue, later));
}

/* All queues of a worker: there are few, and who is told does not know which limiter it was. */
static void wake(struct rw_worker *worker, uint32_t slot)
{
    struct rw_worker_store *base = rw_worker_store(worker, &store_kind);
    (void)slot;
    if (!base)
        return;
    struct store *store = rw_container_of(base, struct store, store);
    for (struct rw_list *at = store->queues.next; at != &store->queues; at = at->next) {
        struct rw_admission_queue *queue = rw_container_of(at, struct rw_admission_queue, link);
        if (queue->count)
            rw_loop_later(worker->loop, &queue->later);
    }
}

/* ---- Full ---- */

static unsigned longest_line(const struct tenants *tenants)
{
    unsigned longest = 0;
    for (unsigned i = 1; i < RW_ADMISSION_TENANTS; i++)
        if (tenants->lines[i].count > tenants->lines[longest].count)
            longest = i;
    return longest;
}

/* Makes room for it at the cost of one that has less of a right: of a lower class, or of a tenant
 * that has more waiting. False: there is none. */
static bool displace(struct rw_admission_queue *queue, const struct rw_admission *admission)
{
    for (unsigned class = RW_CLASS_COUNT; class -- > admission->class;) {
        struct tenants *tenants = &queue->classes[class];
        if (!tenants->busy)
            continue;
        struct line *longest = &tenants->lines[longest_line(tenants)];
        if (class == admission->class &&
            longest->count <= tenants->lines[admission->tenant].count + 1)
            return false;
        longest->turned_away = true;
        refuse(oldest(longest));
        return true;
    }
    return false;
}

static bool find_room(struct rw_admission_queue *queue, const struct rw_admission *admission)
{
    if (queue->count < settings_of(admission)->queue_max || displace(queue, admission))
        return true;
    struct line *line = &queue->classes[admission->class].lines[admission->tenant];
    line->turned_away = true;
    line->refused++;
    return false;
}

/* ---- Requests ---- */

static enum rw_admission_result wait_for_turn(struct rw_worker *worker,
                                              struct rw_admission_queue *queue,
                                              struct rw_admission *admission)
{
    if (!queue)
        queue = make_queue(worker, admission->cluster->limiter);
    if (!queue)
        return RW_ADMISSION_REFUSED;
    if (!find_room(queue, admission))
        return RW_ADMISSION_REFUSED;
    if (queue->count == 0)
        queue->turn_ms = rw_loop_now_ms(worker->loop);
    queue->tick_ms = tick_ms(settings_of(admission));
    move_clock(queue);
    add(queue, admission);
    start_tick(queue);
    /* Who has left since `enter` looked may not have seen that somebody waits. */
    if (queue->count == 1)
        rw_loop_later(worker->loop, &queue->later);
    return RW_ADMISSION_WAITS;
}

enum rw_admission_result rw_admission_enter(struct rw_worker *worker, struct rw_cluster *cluster,
                                            struct rw_admission *admission,
                                            enum rw_config_class class, uint64_t tenant)
{
    struct rw_admission_queue *queue = find_queue(worker, cluster->limiter);
    admission->cluster = cluster;
    admission->class = (uint8_t) class;
    admission->tenant = (uint8_t)(tenant % RW_ADMISSION_TENANTS);
    bool others_first = queue && queue->count;
    if (!others_first &&
        rw_limiter_enter(cluster->limiter, &cluster->overload.limits, percent_of(class))) {
        admission->held = true;
        return RW_ADMITTED;
    }
    rw_worker_count(worker, RW_COUNTER_OVERLOAD_QUEUED, 1);
    atomic_fetch_add_explicit(&cluster->limiter->queued, 1, memory_order_relaxed);
    enum rw_admission_result result = wait_for_turn(worker, queue, admission);
    if (result == RW_ADMISSION_REFUSED)
        note_refusal(worker, cluster);
    return result;
}

void rw_admission_answered(const struct rw_admission *admission, uint64_t us, uint64_t sent_ms,
                           uint64_t now_ms)
{
    const struct rw_cluster *cluster = admission->cluster;
    if (!admission->held)
        return;
    rw_limiter_sample(cluster->limiter, &cluster->overload.limits, us, sent_ms, now_ms);
    note_calm(cluster, now_ms);
}

static void pass_on(struct rw_worker *worker, struct rw_limiter *limiter)
{
    struct rw_admission_queue *queue = find_queue(worker, limiter);
    uint64_t others = rw_waiters_others(&limiter->waiting, worker->index);
    bool own_turn = queue && queue->count && !(others && queue->others_turn);
    if (queue)
        queue->others_turn = own_turn;
    if (own_turn)
        rw_loop_later(worker->loop, &queue->later);
    else if (others)
        rw_worker_tell_peers(worker, others, 0, wake);
}

void rw_admission_leave(struct rw_worker *worker, struct rw_admission *admission)
{
    if (admission->queue)
        take_out(admission);
    if (!admission->held)
        return;
    struct rw_limiter *limiter = admission->cluster->limiter;
    admission->held = false;
    rw_limiter_leave(limiter);
    rw_limiter_tick(limiter, &admission->cluster->overload.limits, rw_loop_now_ms(worker->loop));
    if (rw_waiters_any(&limiter->waiting))
        pass_on(worker, limiter);
}
