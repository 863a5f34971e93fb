#include "serve/process.h"

#include "base/alloc.h"
#include "base/log.h"
#include "gate/cluster/pool/pool.h"
#include "gate/known/known_store.h"
#include "gate/watched_file.h"
#include "serve/channel.h"
#include "serve/error_log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { SWEEP_MS = 5000, ORPHAN_LOOK_MS = 200, EXIT_CONFIG = 2 };

/* ---- Snapshots end on the control thread ---- */

static void destroy_snapshot(struct rw_task *task)
{
    struct rw_snapshot *snapshot = rw_container_of(task, struct rw_snapshot, task);
    struct rw_process *process = snapshot->user;
    rw_snapshot_destroy(snapshot, process->clusters);
    process->snapshots_alive--;
}

static void release_snapshot(struct rw_snapshot *snapshot)
{
    struct rw_process *process = snapshot->user;
    snapshot->task.run = destroy_snapshot;
    rw_loop_post(process->control.loop, &snapshot->task);
}

void rw_process_adopt_release(struct rw_process *process, struct rw_snapshot *snapshot)
{
    snapshot->release = release_snapshot;
    snapshot->user = process;
    process->snapshots_alive++;
}

struct deferred {
    void (*release)(void *object);
    void *object;
};

static void run_deferred(struct rw_process *process, void *arg)
{
    (void)process;
    struct deferred *deferred = arg;
    deferred->release(deferred->object);
    rw_free(deferred);
}

static void defer(void *user, void (*release)(void *object), void *object)
{
    struct rw_process *process = user;
    struct deferred *deferred = rw_alloc(sizeof(*deferred));
    if (deferred)
        *deferred = (struct deferred){release, object};
    if (!deferred || rw_threads_visit(process, NULL, run_deferred, deferred)) {
        /* Freeing it now could pull it from under a worker: better to lose a little memory. */
        rw_free(deferred);
        rw_log_error("serve", "out of memory: an old endpoint set is not freed");
    }
}

/* ---- Drain ---- */

static void thread_drained(struct rw_process *process, void *arg)
{
    (void)arg;
    if (++process->drained < process->running)
        return;
    if (process->access)
        rw_access_flush(process->access);
    rw_loop_stop(process->control.loop);
}

struct drained_note {
    struct rw_task task;
    struct rw_process *process;
};

static void note_drained(struct rw_task *task)
{
    struct drained_note *note = rw_container_of(task, struct drained_note, task);
    thread_drained(note->process, NULL);
    rw_free(note);
}

static void on_worker_drained(struct rw_worker *worker)
{
    struct rw_thread *thread = worker->user;
    struct drained_note *note = rw_alloc(sizeof(*note));
    rw_assert(note);
    *note = (struct drained_note){{.run = note_drained}, thread->process};
    rw_loop_post(thread->process->control.loop, &note->task);
}

static void drain_thread(struct rw_thread *thread, void *arg)
{
    struct rw_worker *worker = &thread->worker;
    uint32_t ms = *(const uint32_t *)arg;
    rw_worker_drain(worker, rw_loop_now_ms(worker->loop) + ms, on_worker_drained);
}

/* Another program may take the addresses from now on. */
static void stopped_listening(struct rw_process *process, void *arg)
{
    (void)arg;
    rw_process_forget_sockets(process);
}

void rw_process_drain(struct rw_process *process)
{
    if (process->draining)
        return;
    process->draining = true;
    rw_log_info("serve", "draining");
    if (!process->snapshot || rw_threads_visit(process, drain_thread, stopped_listening,
                                               &process->snapshot->config->drain_ms_max))
        rw_loop_stop(process->control.loop);
}

/* ---- Signals and the supervisor ---- */

static void on_signal(struct rw_watch *watch, unsigned events)
{
    (void)events;
    struct rw_process *process = rw_container_of(watch, struct rw_process, signals);
    struct signalfd_siginfo info;
    while (read(process->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGHUP:
            if (rw_process_load(process, RW_LOAD_FILES))
                break; /* told already */
            break;
        case SIGTERM:
            rw_process_drain(process);
            break;
        case SIGUSR1:
            rw_error_log_reopen(process->options.error_log_path, process->options.error_log_fd);
            if (process->access)
                rw_access_reopen(process->access);
            break;
        default:
            break;
        }
    }
}

/* The supervisor may only be changing programs: same process id, and SIGTERM follows. If it has
 * died nobody restarts or stops this process any more: it finishes its work and goes. The kernel
 * closes a dying process's descriptors before it gives its children away, so one look is not
 * enough. */
static void look_for_supervisor(struct rw_timer *timer)
{
    struct rw_process *process = rw_container_of(timer, struct rw_process, orphan_timer);
    struct rw_loop *loop = process->control.loop;
    if (getppid() != process->supervisor) {
        rw_log_error("serve", "the supervisor has died");
        rw_process_drain(process);
    } else if (!process->draining) {
        rw_timer_start(loop, timer, rw_loop_now_ms(loop) + ORPHAN_LOOK_MS);
    }
}

/* Nothing comes unasked over the channel but its end, and an answer that is too late. */
static void on_channel(struct rw_watch *watch, unsigned events)
{
    (void)events;
    struct rw_process *process = rw_container_of(watch, struct rw_process, channel);
    struct rw_channel_message message;
    int fds[RW_CHANNEL_FDS_MAX];
    unsigned count = 0;
    enum rw_err err = rw_channel_receive(process->options.channel, 0, &message, fds, &count);
    if (!err)
        rw_process_drop_answer(fds, count);
    if (err != RW_ECLOSED)
        return;
    rw_watch_stop(watch);
    rw_file_watch_stop(process);
    process->replaced = true;
    process->orphan_timer.fire = look_for_supervisor;
    look_for_supervisor(&process->orphan_timer);
}

static enum rw_err watch_signals(struct rw_process *process)
{
    /* All that the supervisor sends (it had them blocked when it made this process); nothing else
     * stays blocked. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    process->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (process->signal_fd < 0)
        return rw_err_from_errno(errno);
    process->signals =
        (struct rw_watch){.fd = process->signal_fd, .events = RW_WATCH_READ, .ready = on_signal};
    enum rw_err err = rw_watch_start(process->control.loop, &process->signals);
    process->channel = (struct rw_watch){
        .fd = process->options.channel, .events = RW_WATCH_READ, .ready = on_channel};
    return err ? err : rw_watch_start(process->control.loop, &process->channel);
}

/* ---- Housekeeping ---- */

static void sweep_thread(struct rw_thread *thread, void *arg)
{
    (void)arg;
    rw_pool_sweep(&thread->worker, false);
}

/* What the configuration in force names has changed: it is loaded anew, not its file. */
static void look_at_files(struct rw_process *process)
{
    if (process->draining || !rw_watched_files_changed(process->snapshot->watched_files))
        return;
    rw_log_info("config", "a file of keys has changed");
    if (rw_process_load(process, RW_LOAD_NAMED))
        return; /* told already */
}

/* The configuration in force is loaded anew with the keys that were fetched: nothing else of it
 * changes, and no file that cannot be read just now holds them up. */
static void load_documents(struct rw_timer *timer)
{
    struct rw_process *process = rw_container_of(timer, struct rw_process, document_timer);
    if (!process->draining && process->snapshot && rw_process_load(process, RW_LOAD_KEPT))
        return; /* told already */
}

static void documents_changed(void *user)
{
    struct rw_process *process = user;
    struct rw_loop *loop = process->control.loop;
    rw_timer_start(loop, &process->document_timer, rw_loop_now_ms(loop));
}

static void sweep(struct rw_timer *timer)
{
    struct rw_process *process = rw_container_of(timer, struct rw_process, sweep_timer);
    uint64_t lost = process->access ? rw_access_take_lost(process->access) : 0;
    rw_worker_count(&process->control, RW_COUNTER_LOG_LINES_DROPPED, (int64_t)lost);
    if (rw_threads_visit(process, sweep_thread, NULL, NULL))
        rw_log_limited(RW_LOG_WARN, "serve", "no memory for the sweep of idle connections");
    look_at_files(process);
    rw_timer_start(process->control.loop, timer, rw_loop_now_ms(process->control.loop) + SWEEP_MS);
}

/* The shortest period that a listener asks for. */
static uint32_t ticket_rotation_ms(const struct rw_snapshot *snapshot)
{
    uint32_t shortest = UINT32_MAX;
    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        const struct rw_config_tls_server *tls = snapshot->listeners[i].config->tls;
        if (tls && tls->tickets && tls->ticket_rotation_ms < shortest)
            shortest = tls->ticket_rotation_ms;
    }
    return shortest;
}

/* The first process rotates the keys that all share. */
static void rotate_tickets(struct rw_timer *timer)
{
    struct rw_process *process = rw_container_of(timer, struct rw_process, ticket_timer);
    struct rw_loop *loop = process->control.loop;
    if (rw_tls_ticket_keys_rotate(process->options.shared->ticket_keys))
        rw_log_error("tls", "the ticket keys cannot be rotated: no randomness");
    rw_timer_start(loop, timer, rw_loop_now_ms(loop) + ticket_rotation_ms(process->snapshot));
}

static void start_housekeeping(struct rw_process *process)
{
    struct rw_loop *loop = process->control.loop;
    process->sweep_timer.fire = sweep;
    rw_timer_start(loop, &process->sweep_timer, rw_loop_now_ms(loop) + SWEEP_MS);
    process->ticket_timer.fire = rotate_tickets;
    if (process->options.index == 0)
        rw_timer_start(loop, &process->ticket_timer,
                       rw_loop_now_ms(loop) + ticket_rotation_ms(process->snapshot));
}

/* ---- What was learned ---- */

/* The first process's is what another one starts again with. */
static bool store_known(void *user)
{
    struct rw_process *process = user;
    struct rw_channel_message message = {.kind = RW_CHANNEL_KNOWN};
    int fd;
    if (process->draining || process->replaced)
        return true;
    enum rw_err err = rw_known_store(process->known, &fd);
    if (!err) {
        err = rw_channel_send(process->options.channel, &message, &fd, 1);
        close(fd);
    }
    if (err)
        rw_log_limited(RW_LOG_WARN, "serve",
                       "what was learned of endpoints and keys cannot be kept for a restart: %s",
                       rw_err_text(err));
    return !err;
}

static enum rw_err create_known(struct rw_process *process)
{
    struct rw_known_options options = {.loop = process->control.loop, .user = process};
    int fd = process->options.known_fd;
    if (process->options.index == 0)
        options.changed = store_known;
    enum rw_err err = rw_known_create(&options, &process->known);
    if (err || fd < 0)
        return err;
    enum rw_err unread = rw_known_load(process->known, fd);
    if (unread)
        rw_log_warn("serve", "what was learned before cannot be taken over: %s",
                    unread == RW_EPROTO ? "it is not from a program like this one"
                                        : rw_err_text(unread));
    close(fd);
    return RW_OK;
}

/* ---- Start and end ---- */

static enum rw_err create_control(struct rw_process *process)
{
    unsigned shard =
        process->options.index * (process->options.threads + 1) + process->options.threads;
    struct rw_worker_options options = {
        .loop = {.backend = RW_LOOP_EPOLL},
        .metrics = rw_metrics_shard(process->options.shared->metrics, shard),
        .user = process,
    };
    enum rw_err err = rw_worker_create(&options, &process->control);
    if (!err)
        err = create_known(process);
    if (err)
        return err;
    struct rw_clusters_options clusters = {
        .loop = process->control.loop,
        .known = process->known,
        .metrics = process->options.shared->metrics,
        .process = process->options.index,
        .processes = process->options.processes,
        .defer = defer,
        .defer_user = process,
    };
    struct rw_shares_options shares = {
        .loop = process->control.loop,
        .known = process->known,
        .meters = process->options.shared->meters,
        .metrics = process->control.metrics,
    };
    const struct rw_documents_options documents = {
        .loop = process->control.loop,
        .known = process->known,
        .metrics = process->control.metrics,
        .changed = documents_changed,
        .user = process,
    };
    struct rw_rollouts_options rollouts = {.loop = process->control.loop,
                                           .metrics = process->options.shared->metrics};
    process->document_timer.fire = load_documents;
    err = rw_documents_create(&documents, &process->documents);
    if (!err)
        err = rw_shares_create(&shares, &process->shares);
    if (!err && process->options.index == 0)
        err = rw_rollouts_create(&rollouts, &process->rollouts);
    return err ? err : rw_clusters_create(&clusters, &process->clusters);
}

static enum rw_err start(struct rw_process *process)
{
    enum rw_err err = create_control(process);
    if (!err)
        err = watch_signals(process);
    if (!err)
        err = rw_threads_start(process, process->options.backend);
    if (err) {
        rw_log_error("serve", "cannot start: %s", rw_err_text(err));
        return err;
    }
    rw_process_init_admin(process);
    process->kept = process->options.kept;
    err = rw_process_load(process, process->kept.count ? RW_LOAD_KEPT : RW_LOAD_FILES);
    if (err) {
        if (!process->options.again) /* told by the log already */
            fprintf(stderr, "%.*s", RW_SPAN_ARGS(rw_text_span(&process->last_error)));
        process->exit_code = EXIT_CONFIG;
        return err;
    }
    rw_known_settle(process->known);
    start_housekeeping(process);
    return RW_OK;
}

/* The control worker's connections end, the threads end, then what they used. */
static void stop(struct rw_process *process)
{
    struct rw_loop *loop = process->control.loop;
    rw_file_watch_stop(process);
    rw_timer_stop(loop, &process->sweep_timer);
    rw_timer_stop(loop, &process->orphan_timer);
    rw_timer_stop(loop, &process->ticket_timer);
    rw_timer_stop(loop, &process->document_timer);
    rw_watch_stop(&process->signals);
    rw_watch_stop(&process->channel);
    rw_threads_stop(process);
    rw_rollouts_destroy(process->rollouts);
    if (process->snapshot)
        rw_snapshot_drop(process->snapshot);
    rw_worker_close(&process->control);
    if (process->admin)
        rw_snapshot_drop(process->admin);
    for (int turn = 0; process->snapshots_alive && turn < 1000; turn++)
        rw_loop_turn(loop, 1);
    if (process->access)
        rw_access_destroy(process->access);
    rw_clusters_destroy(process->clusters);
    rw_shares_destroy(process->shares);
    rw_documents_destroy(process->documents);
    rw_known_destroy(process->known);
    for (int turn = 0; turn < 3; turn++)
        rw_loop_turn(loop, 0);
    rw_process_forget_sockets(process);
    rw_worker_destroy(&process->control);
    rw_text_free(&process->config_text);
    rw_text_free(&process->last_error);
    rw_kept_close(&process->kept);
    close(process->signal_fd);
    close(process->options.channel);
}

int rw_process_run(const struct rw_process_options *options)
{
    static struct rw_process process; /* large, and there is one */
    process = (struct rw_process){.options = *options, .exit_code = 0, .supervisor = getppid()};
    process.file.fd = -1;
    rw_list_init(&process.sockets);
    rw_list_init(&process.retired);
    if (start(&process) == RW_OK)
        rw_loop_run(process.control.loop);
    else if (process.exit_code == 0)
        process.exit_code = 1;
    /* Without a snapshot the start failed, and the kernel cleans up better than a half-made
     * process. */
    if (process.snapshot)
        stop(&process);
    return process.exit_code;
}
