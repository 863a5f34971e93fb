#include "base/alloc.h"
#include "base/log.h"
#include "gate/cluster/waiters.h"
#include "io/descriptors.h"
#include "serve/process.h"

#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/resource.h>

enum { KEPT_FDS_MAX = 1024 };

_Static_assert((int)RW_SERVE_THREADS_MAX <= (int)RW_WAITERS_MAX, "a bit each");

struct starting {
    struct rw_thread *thread;
    enum rw_loop_backend backend;
    sem_t done;
};

/* Descriptors are given out from the lowest: an eighth of them, the highest, is not for clients. */
static int client_fd_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
        return 0;
    int all = (int)limit.rlim_cur, kept = all / 8 < KEPT_FDS_MAX ? all / 8 : KEPT_FDS_MAX;
    return all - 1 - kept;
}

static void *thread_main(void *user)
{
    struct starting *starting = user;
    struct rw_thread *thread = starting->thread;
    struct rw_process *process = thread->process;
    unsigned shard = process->options.index * (process->options.threads + 1) + thread->index;
    struct rw_worker_options options = {
        .loop = {.backend = starting->backend,
                 .descriptors_max = rw_descriptors_half(),
                 .answers_first = true},
        .index = thread->index,
        .metrics = rw_metrics_shard(process->options.shared->metrics, shard),
        .client_fd_max = client_fd_max(),
        .beyond_count = &process->beyond_count,
        .user = thread,
    };
    thread->err = rw_worker_create(&options, &thread->worker);
    thread->started = thread->err == RW_OK;
    sem_post(&starting->done);
    if (!thread->started)
        return NULL;
    rw_loop_run(thread->worker.loop);
    rw_worker_close_with_peers(&thread->worker, &process->closed);
    rw_worker_destroy(&thread->worker);
    return NULL;
}

static enum rw_err start_one(struct rw_process *process, unsigned index,
                             enum rw_loop_backend backend)
{
    struct rw_thread *thread = &process->threads[index];
    *thread = (struct rw_thread){.process = process, .index = index};
    struct starting starting = {.thread = thread, .backend = backend};
    sem_init(&starting.done, 0, 0);
    if (pthread_create(&thread->id, NULL, thread_main, &starting) != 0) {
        sem_destroy(&starting.done);
        return RW_ELIMIT;
    }
    while (sem_wait(&starting.done) != 0)
        continue;
    sem_destroy(&starting.done);
    if (!thread->started) {
        pthread_join(thread->id, NULL);
        return thread->err;
    }
    char name[16];
    snprintf(name, sizeof(name), "worker-%u", index % 1000);
    pthread_setname_np(thread->id, name);
    process->peers[index] = &thread->worker;
    process->running++;
    return RW_OK;
}

static void join_peers(struct rw_thread *thread, void *arg)
{
    struct rw_process *process = arg;
    thread->worker.peers = process->peers;
    thread->worker.peer_count = process->running;
}

enum rw_err rw_threads_start(struct rw_process *process, enum rw_loop_backend backend)
{
    unsigned count = process->options.threads;
    process->threads = rw_alloc_zero(count * sizeof(*process->threads));
    process->peers = rw_alloc_zero(count * sizeof(struct rw_worker *));
    if (!process->threads || !process->peers)
        return RW_ENOMEM;
    for (unsigned i = 0; i < count; i++) {
        enum rw_err err = start_one(process, i, backend);
        if (err)
            return err;
    }
    return rw_threads_visit(process, join_peers, NULL, process);
}

static void stop_one(struct rw_thread *thread, void *arg)
{
    (void)arg;
    rw_loop_stop(thread->worker.loop);
}

void rw_threads_stop(struct rw_process *process)
{
    if (process->running && rw_threads_visit(process, stop_one, NULL, NULL))
        rw_log_error("serve", "no memory to stop the worker threads");
    for (unsigned i = 0; i < process->running; i++)
        pthread_join(process->threads[i].id, NULL);
    rw_free(process->threads);
    rw_free(process->peers);
    process->threads = NULL;
    process->running = 0;
}

/* ---- Visits ---- */

struct visit {
    struct rw_process *process;
    void (*visit)(struct rw_thread *thread, void *arg);
    void (*done)(struct rw_process *process, void *arg);
    void *arg;
    _Atomic unsigned remaining;
    struct rw_task back;
    struct call {
        struct rw_task task;
        struct visit *visit;
        struct rw_thread *thread;
    } calls[];
};

static void come_back(struct rw_task *task)
{
    struct visit *visit = rw_container_of(task, struct visit, back);
    if (visit->done)
        visit->done(visit->process, visit->arg);
    rw_free(visit);
}

static void call_on(struct rw_task *task)
{
    struct call *call = rw_container_of(task, struct call, task);
    struct visit *visit = call->visit;
    if (visit->visit)
        visit->visit(call->thread, visit->arg);
    if (atomic_fetch_sub(&visit->remaining, 1) == 1)
        rw_loop_post(visit->process->control.loop, &visit->back);
}

enum rw_err rw_threads_visit(struct rw_process *process,
                             void (*visit_one)(struct rw_thread *thread, void *arg),
                             void (*done)(struct rw_process *process, void *arg), void *arg)
{
    unsigned count = process->running;
    struct visit *visit = rw_alloc_zero(sizeof(*visit) + count * sizeof(struct call));
    if (!visit)
        return RW_ENOMEM;
    visit->process = process;
    visit->visit = visit_one;
    visit->done = done;
    visit->arg = arg;
    visit->back.run = come_back;
    atomic_init(&visit->remaining, count);
    for (unsigned i = 0; i < count; i++) {
        visit->calls[i] = (struct call){{.run = call_on}, visit, &process->threads[i]};
        rw_loop_post(process->threads[i].worker.loop, &visit->calls[i].task);
    }
    if (count == 0)
        rw_loop_post(process->control.loop, &visit->back);
    return RW_OK;
}
