#include "gate/cluster/overload/admission.h"

#include "base/alloc.h"

struct tenants {
    uint64_t busy; /* bit per list that is not empty */
    uint32_t next; /* whose turn it is */
    uint32_t counts[RW_ADMISSION_TENANTS];
    struct rw_list lists[RW_ADMISSION_TENANTS];
};

_Static_assert(RW_ADMISSION_TENANTS == 64, "a bit each");

/* Of one worker, for one limiter. */
struct rw_admission_queue {
    struct rw_list link; /* in the worker's store */
    struct rw_worker *worker;
    struct rw_limiter *limiter; /* a reference */
    struct rw_list ages;        /* of all who wait, the oldest first */
    struct tenants classes[RW_CLASS_COUNT];
    uint32_t count;
    uint64_t empty_ms; /* when it was last empty */
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
    rw_list_init(&queue->ages);
    for (unsigned class = 0; class < RW_CLASS_COUNT; class ++)
        for (unsigned i = 0; i < RW_ADMISSION_TENANTS; i++)
            rw_list_init(&queue->classes[class].lists[i]);
    rw_list_push_back(&store->queues, &queue->link);
    return queue;
}

/* ---- Who waits ---- */

static void add(struct rw_admission_queue *queue, struct rw_admission *admission)
{
    struct tenants *tenants = &queue->classes[admission->class];
    rw_list_push_back(&queue->ages, &admission->age);
    rw_list_push_back(&tenants->lists[admission->tenant], &admission->link);
    tenants->counts[admission->tenant]++;
    tenants->busy |= 1ull << admission->tenant;
    admission->queue = queue;
    if (queue->count++ == 0)
        rw_waiters_add(&queue->limiter->waiting, queue->worker->index);
}

static void take_out(struct rw_admission *admission)
{
    struct rw_admission_queue *queue = admission->queue;
    struct tenants *tenants = &queue->classes[admission->class];
    rw_list_remove(&admission->age);
    rw_list_remove(&admission->link);
    if (--tenants->counts[admission->tenant] == 0)
        tenants->busy &= ~(1ull << admission->tenant);
    admission->queue = NULL;
    if (--queue->count == 0) {
        queue->empty_ms = rw_loop_now_ms(queue->worker->loop);
        rw_waiters_remove(&queue->limiter->waiting, queue->worker->index);
    }
}

/* As the settings of one who waits have it. */
static bool overloaded(const struct rw_admission_queue *queue, const struct rw_admission *one,
                       uint64_t now_ms)
{
    return now_ms - queue->empty_ms >= one->cluster->overload.queue_ms_max;
}

static struct rw_admission *oldest(const struct rw_admission_queue *queue)
{
    return rw_list_empty(&queue->ages)
               ? NULL
               : rw_container_of(queue->ages.next, struct rw_admission, age);
}

static void refuse(struct rw_admission *admission)
{
    take_out(admission);
    admission->on_refused(admission);
}

/* Those who have waited too long. All who wait have waited for the same upstream, whose settings
 * may have changed with a reload: each goes by its own. */
static void refuse_late(struct rw_admission_queue *queue, uint64_t now_ms)
{
    struct rw_admission *first;
    while ((first = oldest(queue))) {
        const struct rw_cluster_overload *settings = &first->cluster->overload;
        uint64_t allowed_ms =
            overloaded(queue, first, now_ms) ? settings->target_ms : settings->queue_ms_max;
        if (now_ms - first->since_ms < allowed_ms)
            return;
        refuse(first);
    }
}

static void start_timer(struct rw_admission_queue *queue, uint64_t now_ms)
{
    const struct rw_admission *first = oldest(queue);
    if (!first)
        return;
    const struct rw_cluster_overload *settings = &first->cluster->overload;
    uint64_t due_ms = first->since_ms + settings->queue_ms_max;
    uint64_t strict_ms = queue->empty_ms + settings->queue_ms_max;
    if (strict_ms < first->since_ms + settings->target_ms)
        strict_ms = first->since_ms + settings->target_ms;
    due_ms = strict_ms < due_ms ? strict_ms : due_ms;
    rw_timer_start(queue->worker->loop, &queue->timer, due_ms > now_ms ? due_ms : now_ms + 1);
}

/* ---- Who goes ---- */

/* The next tenant of the class in turn; when overloaded its newest, else its oldest. */
static struct rw_admission *pick(struct rw_admission_queue *queue, unsigned class, uint64_t now_ms)
{
    struct tenants *tenants = &queue->classes[class];
    uint64_t after = tenants->busy & ~0ull << tenants->next;
    unsigned tenant = (unsigned)__builtin_ctzll(after ? after : tenants->busy);
    struct rw_list *list = &tenants->lists[tenant];
    struct rw_admission *first = rw_container_of(list->next, struct rw_admission, link);
    struct rw_admission *newest = rw_container_of(list->prev, struct rw_admission, link);
    tenants->next = (tenant + 1) % RW_ADMISSION_TENANTS;
    return overloaded(queue, first, now_ms) ? newest : first;
}

static uint32_t percent_of(unsigned class)
{
    return class == RW_CLASS_BULK ? RW_ADMISSION_BULK_PERCENT : 100;
}

/* False: nobody of this queue may go now. */
static bool admit_next(struct rw_admission_queue *queue, uint64_t now_ms)
{
    for (unsigned class = 0; class < RW_CLASS_COUNT; class ++) {
        if (!queue->classes[class].busy)
            continue;
        if (!rw_limiter_enter(queue->limiter, percent_of(class)))
            return false;
        struct rw_admission *admission = pick(queue, class, now_ms);
        take_out(admission);
        admission->held = true;
        admission->on_admitted(admission);
        return true;
    }
    return false;
}

static void serve(struct rw_admission_queue *queue)
{
    uint64_t now_ms = rw_loop_now_ms(queue->worker->loop);
    refuse_late(queue, now_ms);
    while (queue->count && admit_next(queue, now_ms))
        continue;
    start_timer(queue, now_ms);
}

static void on_timer(struct rw_timer *timer)
{
    serve(rw_container_of(timer, struct rw_admission_queue, timer));
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

static unsigned longest_list(const struct tenants *tenants)
{
    unsigned longest = 0;
    for (unsigned i = 1; i < RW_ADMISSION_TENANTS; i++)
        if (tenants->counts[i] > tenants->counts[longest])
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
        unsigned longest = longest_list(tenants);
        if (class == admission->class &&
            tenants->counts[longest] <= tenants->counts[admission->tenant] + 1)
            return false;
        refuse(rw_container_of(tenants->lists[longest].next, struct rw_admission, link));
        return true;
    }
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
    uint64_t now_ms = rw_loop_now_ms(worker->loop);
    if (queue->count >= admission->cluster->overload.queue_max && !displace(queue, admission))
        return RW_ADMISSION_REFUSED;
    if (queue->count == 0)
        queue->empty_ms = now_ms;
    admission->since_ms = now_ms;
    add(queue, admission);
    if (!rw_timer_running(&queue->timer))
        start_timer(queue, now_ms);
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
    if (!others_first && rw_limiter_enter(cluster->limiter, percent_of(class))) {
        admission->held = true;
        return RW_ADMITTED;
    }
    rw_worker_count(worker, RW_COUNTER_OVERLOAD_QUEUED, 1);
    return wait_for_turn(worker, queue, admission);
}

void rw_admission_answered(const struct rw_admission *admission, uint64_t us, uint64_t sent_ms,
                           uint64_t now_ms)
{
    if (admission->held)
        rw_limiter_sample(admission->cluster->limiter, &admission->cluster->overload.limits, us,
                          sent_ms, now_ms);
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
