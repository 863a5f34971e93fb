#include "verify/fault/fault_private.h"

#include "base/alloc.h"

#include <signal.h>
#include <stdio.h>

static const struct rw_fault_means *const means[RW_FAULT_CLASS_COUNT] = {
    [RW_FAULT_REFUSE] = &rw_fault_by_relay,
    [RW_FAULT_RESET] = &rw_fault_by_relay,
    [RW_FAULT_DELAY] = &rw_fault_by_relay,
    [RW_FAULT_THROTTLE] = &rw_fault_by_relay,
    [RW_FAULT_TRUNCATE] = &rw_fault_by_relay,
    [RW_FAULT_STALL] = &rw_fault_by_relay,
    [RW_FAULT_BLACKHOLE] = &rw_fault_by_relay,
    [RW_FAULT_KILL] = &rw_fault_by_signal,
    [RW_FAULT_STOP] = &rw_fault_by_signal,
    [RW_FAULT_DNS_FAIL] = &rw_fault_by_names,
    [RW_FAULT_DNS_UNKNOWN] = &rw_fault_by_names,
    [RW_FAULT_DNS_SILENT] = &rw_fault_by_names,
    [RW_FAULT_DNS_LIE] = &rw_fault_by_names,
    [RW_FAULT_CERTIFICATE_EXPIRED] = &rw_fault_by_certificate,
    [RW_FAULT_CERTIFICATE_NAME] = &rw_fault_by_certificate,
    [RW_FAULT_DESCRIPTORS] = &rw_fault_by_limits,
    [RW_FAULT_MEMORY] = &rw_fault_by_limits,
    [RW_FAULT_CLOCK_STEP] = &rw_fault_by_clock,
    [RW_FAULT_SLOW_SENDERS] = &rw_fault_by_clients,
    [RW_FAULT_SLOW_READERS] = &rw_fault_by_clients,
    [RW_FAULT_RELOAD_STORM] = &rw_fault_by_reloads,
};

/* ---- The thread ---- */

struct call {
    struct rw_task task;
    void (*run)(void *arg);
    void *arg;
    sem_t done;
};

static void run_call(struct rw_task *task)
{
    struct call *call = rw_container_of(task, struct call, task);
    call->run(call->arg);
    sem_post(&call->done);
}

void rw_faults_call(struct rw_faults *faults, void (*run)(void *arg), void *arg)
{
    struct call call = {.task = {.run = run_call}, .run = run, .arg = arg};
    sem_init(&call.done, 0, 0);
    rw_loop_post(faults->loop, &call.task);
    while (sem_wait(&call.done) != 0)
        continue;
    sem_destroy(&call.done);
}

struct starting {
    struct rw_faults *faults;
    enum rw_err err;
    sem_t done;
};

static void *work(void *user)
{
    struct starting *starting = user;
    struct rw_faults *faults = starting->faults;
    const struct rw_loop_options options = {.backend = RW_LOOP_EPOLL};
    enum rw_err err = starting->err = rw_loop_create(&options, &faults->loop);
    sem_post(&starting->done);
    if (err)
        return NULL;
    rw_loop_run(faults->loop);
    while (sem_wait(&faults->leave) != 0)
        continue;
    rw_loop_destroy(faults->loop);
    return NULL;
}

/* Signals stay verify's. */
static enum rw_err start_thread(struct rw_faults *faults)
{
    struct starting starting = {.faults = faults};
    sigset_t all, before;
    sem_init(&starting.done, 0, 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool made = pthread_create(&faults->thread, NULL, work, &starting) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    while (made && sem_wait(&starting.done) != 0)
        continue;
    sem_destroy(&starting.done);
    if (!made)
        return RW_ELIMIT;
    if (starting.err)
        pthread_join(faults->thread, NULL);
    return starting.err;
}

enum rw_err rw_faults_open(const struct rw_faults_options *options, struct rw_faults **out)
{
    struct rw_faults *faults = rw_alloc_zero(sizeof(*faults));
    if (!faults)
        return RW_ENOMEM;
    rw_list_init(&faults->armed);
    rw_random_seed(&faults->random, options->seed);
    sem_init(&faults->leave, 0, 0);
    enum rw_err err = rw_guard_open(&faults->guard); /* forks: before there is a thread */
    if (!err) {
        err = start_thread(faults);
        if (err)
            rw_guard_close(&faults->guard);
    }
    if (err) {
        sem_destroy(&faults->leave);
        rw_free(faults);
    } else {
        *out = faults;
    }
    return err;
}

void rw_faults_part_opened(struct rw_faults *faults)
{
    faults->parts++;
}

void rw_faults_part_closed(void *user)
{
    struct rw_faults *faults = user;
    if (--faults->parts == 0 && faults->closing)
        rw_loop_stop(faults->loop);
}

static void over(struct rw_fault *fault)
{
    if (fault->over)
        return;
    fault->over = true;
    rw_timer_stop(fault->faults->loop, &fault->last_moment);
    fault->means->observe(fault);
    fault->means->end(fault);
    fault->faults->armed_count--;
}

static void close_all(void *arg)
{
    struct rw_faults *faults = arg;
    for (struct rw_list *item; (item = rw_list_pop_front(&faults->armed));) {
        struct rw_fault *fault = rw_container_of(item, struct rw_fault, link);
        over(fault);
        rw_free(fault);
    }
    rw_faults_part_opened(faults); /* so that it is not over while this goes on */
    faults->closing = true;
    if (faults->names)
        rw_names_close(faults->names, rw_faults_part_closed, faults);
    for (unsigned i = 0; i < faults->relay_count; i++)
        rw_relay_close(faults->relays[i], rw_faults_part_closed, faults);
    rw_faults_part_closed(faults);
}

void rw_faults_close(struct rw_faults *faults)
{
    if (!faults)
        return;
    rw_faults_call(faults, close_all, faults);
    sem_post(&faults->leave);
    pthread_join(faults->thread, NULL);
    sem_destroy(&faults->leave);
    rw_guard_close(&faults->guard);
    rw_free(faults);
}

/* ---- Relays ---- */

struct relay_call {
    struct rw_faults *faults;
    struct rw_relay_options options;
    struct rw_relay *relay;
    enum rw_err err;
};

static void open_relay(void *arg)
{
    struct relay_call *call = arg;
    struct rw_faults *faults = call->faults;
    if (faults->relay_count == RW_FAULTS_RELAYS_MAX) {
        call->err = RW_ELIMIT;
        return;
    }
    call->options.loop = faults->loop;
    call->options.seed = rw_random_u64(&faults->random);
    call->err = rw_relay_open(&call->options, &call->relay);
    if (call->err)
        return;
    faults->relays[faults->relay_count++] = call->relay;
    rw_faults_part_opened(faults);
}

enum rw_err rw_faults_relay(struct rw_faults *faults, const struct rw_address *listen,
                            const struct rw_address *server, struct rw_relay **relay)
{
    struct relay_call call = {.faults = faults, .options = {.listen = listen, .server = server}};
    rw_faults_call(faults, open_relay, &call);
    *relay = call.relay;
    return call.err;
}

/* ---- Names ---- */

struct names_call {
    struct rw_faults *faults;
    const struct rw_address *address;
    struct rw_span name, target;
    enum rw_err err;
};

static void open_names(void *arg)
{
    struct names_call *call = arg;
    struct rw_faults *faults = call->faults;
    call->err =
        faults->names ? RW_EEXIST : rw_names_open(faults->loop, call->address, &faults->names);
}

enum rw_err rw_faults_names(struct rw_faults *faults, const struct rw_address *listen,
                            struct rw_names **names)
{
    struct names_call call = {.faults = faults, .address = listen};
    rw_faults_call(faults, open_names, &call);
    *names = faults->names;
    return call.err;
}

static void add_name(void *arg)
{
    struct names_call *call = arg;
    uint16_t port = rw_address_port(&call->address->storage);
    call->err = call->target.len
                    ? rw_names_add_service(call->faults->names, call->name, call->target, port)
                    : rw_names_add(call->faults->names, call->name, call->address);
}

enum rw_err rw_faults_name(struct rw_faults *faults, struct rw_span name, struct rw_span target,
                           const struct rw_address *address)
{
    struct names_call call = {.faults = faults, .address = address, .name = name, .target = target};
    rw_assert(faults->names);
    rw_faults_call(faults, add_name, &call);
    return call.err;
}

/* ---- Orders ---- */

void rw_fault_order_init(struct rw_fault_order *order, enum rw_fault_class fault)
{
    *order = (struct rw_fault_order){
        .fault = fault,
        .bytes = fault == RW_FAULT_TRUNCATE ? 64 : 0,
        .bytes_per_second = fault == RW_FAULT_THROTTLE ? 10 * 1000 : RW_ARMY_BYTES_PER_SECOND,
    };
}

bool rw_fault_possible(const struct rw_fault_target *target, enum rw_fault_class fault, char *why)
{
    const struct rw_dependency *dependency = target->dependency;
    const char *name = rw_fault_class_info(fault)->name;
    const char *lack = NULL;
    if (!rw_fault_applies(fault, dependency->kind))
        lack = "that can happen to other dependencies only";
    else
        lack = means[fault]->lacks(target, fault);
    const char *kind = rw_dependency_name(dependency->kind);
    bool single = rw_span_is(dependency->name, kind); /* there is one of its kind */
    if (lack)
        snprintf(why, RW_FAULT_WHY_BYTES, "%s of %s%s%.*s: %s", name, single ? "" : kind,
                 single ? "" : " ", RW_SPAN_ARGS(dependency->name), lack);
    return !lack;
}

void rw_fault_choose(struct rw_faults *faults, uint32_t parts, size_t count, bool *chosen)
{
    size_t left = parts && parts < count ? parts : count;
    for (size_t i = 0; i < count; i++) {
        chosen[i] = rw_random_below(&faults->random, (uint32_t)(count - i)) < left;
        left -= chosen[i];
    }
}

/* ---- Armed ---- */

static void last_moment(struct rw_timer *timer)
{
    over(rw_container_of(timer, struct rw_fault, last_moment));
}

struct begin_call {
    struct rw_fault *fault;
    char *why;
    enum rw_err err;
};

static void begin(void *arg)
{
    struct begin_call *call = arg;
    struct rw_fault *fault = call->fault;
    struct rw_faults *faults = fault->faults;
    if (faults->armed_count == RW_FAULTS_ARMED_MAX) {
        snprintf(call->why, RW_FAULT_WHY_BYTES, "%d faults are armed already", RW_FAULTS_ARMED_MAX);
        call->err = RW_ELIMIT;
        return;
    }
    call->err = fault->means->begin(fault, call->why);
    if (call->err)
        return;
    faults->armed_count++;
    rw_list_push_back(&faults->armed, &fault->link);
    rw_timer_start(faults->loop, &fault->last_moment,
                   rw_loop_now_ms(faults->loop) + fault->order.ms_max);
}

enum rw_err rw_fault_begin(struct rw_faults *faults, const struct rw_fault_target *target,
                           const struct rw_fault_order *order, struct rw_fault **out, char *why)
{
    why[0] = '\0';
    if (!rw_fault_possible(target, order->fault, why))
        return RW_EINVAL;
    struct rw_fault *fault = rw_alloc_zero(sizeof(*fault));
    if (!fault)
        return RW_ENOMEM;
    *fault = (struct rw_fault){.faults = faults,
                               .means = means[order->fault],
                               .target = *target,
                               .order = *order,
                               .last_moment = {.fire = last_moment}};
    if (fault->order.ms_max == 0 || fault->order.ms_max > RW_FAULT_MS_MAX)
        fault->order.ms_max = RW_FAULT_MS_MAX;
    struct begin_call call = {.fault = fault, .why = why};
    rw_faults_call(faults, begin, &call);
    if (call.err && !why[0])
        snprintf(why, RW_FAULT_WHY_BYTES, "%s", rw_err_text(call.err));
    if (call.err)
        rw_free(fault);
    else
        *out = fault;
    return call.err;
}

static void observe(void *arg)
{
    struct rw_fault *fault = arg;
    if (!fault->over)
        fault->means->observe(fault);
}

void rw_fault_observe(struct rw_fault *fault, struct rw_fault_observed *observed)
{
    rw_faults_call(fault->faults, observe, fault);
    *observed = fault->observed;
}

static void end(void *arg)
{
    struct rw_fault *fault = arg;
    over(fault);
    rw_list_remove(&fault->link);
}

void rw_fault_end(struct rw_fault *fault, struct rw_fault_observed *observed)
{
    rw_faults_call(fault->faults, end, fault);
    *observed = fault->observed;
    rw_free(fault);
}
