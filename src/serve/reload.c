#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/file.h"
#include "gate/front/listener.h"
#include "serve/channel.h"
#include "serve/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    SUPERVISOR_WAIT_MS = 5000,
    RINGS_BYTES_MAX = 16 << 20, /* of a thread of each process, together */
    RING_BYTES_MIN = 256 << 10,
};

static const size_t config_arena_bytes_max = (size_t)1 << 30;

/* ---- Sockets from the supervisor ---- */

static struct rw_process_sockets *sockets_at(struct rw_process *process, struct rw_span address)
{
    for (struct rw_list *at = process->sockets.next; at != &process->sockets; at = at->next) {
        struct rw_process_sockets *sockets = rw_container_of(at, struct rw_process_sockets, link);
        if (rw_span_is(address, sockets->address))
            return sockets;
    }
    return NULL;
}

/* One that comes later than it was waited for is dropped. */
static enum rw_err receive_answer(struct rw_process *process, struct rw_channel_message *answer,
                                  int *fds, unsigned *count)
{
    for (;;) {
        enum rw_err err =
            rw_channel_receive(process->options.channel, SUPERVISOR_WAIT_MS, answer, fds, count);
        if (err || answer->serial == process->requests)
            return err;
        rw_process_drop_answer(fds, *count);
    }
}

void rw_process_drop_answer(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
}

static enum rw_err request_sockets(struct rw_process *process, struct rw_span address, int backlog,
                                   unsigned count, int *fds, char *why, size_t why_room)
{
    struct rw_channel_message message = {.kind = RW_CHANNEL_LISTEN,
                                         .count = count,
                                         .backlog = backlog,
                                         .serial = ++process->requests};
    unsigned got = 0;
    if (address.len >= sizeof(message.text))
        return RW_EINVAL;
    memcpy(message.text, address.at, address.len);
    enum rw_err err = rw_channel_send(process->options.channel, &message, NULL, 0);
    if (!err)
        err = receive_answer(process, &message, fds, &got);
    snprintf(why, why_room, "%s", err ? "the supervisor does not answer" : message.text);
    if (!err && message.error)
        err = (enum rw_err)message.error;
    return !err && got != count ? RW_EPROTO : err;
}

static void drop_sockets(struct rw_process_sockets *sockets)
{
    for (unsigned i = 0; i < sockets->count; i++)
        close(sockets->fds[i]);
    rw_list_remove(&sockets->link);
    rw_free(sockets);
}

static enum rw_err want_sockets(struct rw_process *process, struct rw_listener_settings *listener,
                                unsigned count, struct rw_conf_report *report)
{
    struct rw_span address = listener->address_text;
    struct rw_process_sockets *sockets = sockets_at(process, address);
    if (!sockets) {
        char why[RW_CHANNEL_TEXT_MAX];
        sockets = rw_alloc_zero(sizeof(*sockets) + address.len + 1);
        if (!sockets)
            return RW_ENOMEM;
        memcpy(sockets->address, address.at, address.len);
        enum rw_err err = request_sockets(process, address, (int)listener->config->backlog, count,
                                          sockets->fds, why, sizeof(why));
        if (err) {
            rw_conf_mistake_at(report, listener->config->place, "listener %.*s: %s",
                               RW_SPAN_ARGS(listener->name), why);
            rw_free(sockets);
            return err;
        }
        sockets->count = count;
        rw_list_push_back(&process->sockets, &sockets->link);
    }
    sockets->wanted = true;
    memcpy(listener->fds, sockets->fds, count * sizeof(int));
    return RW_OK;
}

/* Not the fault of an address: the next one would fail, or wait, as well. */
static bool gives_no_more(enum rw_err err)
{
    return err == RW_ENOMEM || err == RW_ETIMEDOUT || err == RW_ECLOSED || err == RW_EPROTO;
}

/* All that cannot be had are told at once. */
static enum rw_err want_all_sockets(struct rw_process *process, struct rw_snapshot *snapshot,
                                    struct rw_snapshot *admin, struct rw_conf_report *report)
{
    for (struct rw_list *at = process->sockets.next; at != &process->sockets; at = at->next)
        rw_container_of(at, struct rw_process_sockets, link)->wanted = false;
    enum rw_err first = RW_OK;
    for (unsigned i = 0; i <= snapshot->listener_count && !gives_no_more(first); i++) {
        bool last = i == snapshot->listener_count;
        enum rw_err err = RW_OK;
        if (!last)
            err = want_sockets(process, &snapshot->listeners[i], process->options.threads, report);
        else if (admin)
            err = want_sockets(process, &admin->listeners[0], 1, report);
        first = first ? first : err;
    }
    return first;
}

/* After every thread has stopped listening there. */
static void release_unwanted(struct rw_process *process)
{
    for (struct rw_list *at = process->sockets.next, *next; at != &process->sockets; at = next) {
        struct rw_process_sockets *sockets = rw_container_of(at, struct rw_process_sockets, link);
        next = at->next;
        if (sockets->wanted)
            continue;
        struct rw_channel_message message = {.kind = RW_CHANNEL_RELEASE};
        snprintf(message.text, sizeof(message.text), "%s", sockets->address);
        if (rw_channel_send(process->options.channel, &message, NULL, 0))
            rw_log_warn("serve", "cannot tell the supervisor to close %s", sockets->address);
        drop_sockets(sockets);
    }
}

void rw_process_forget_sockets(struct rw_process *process)
{
    while (!rw_list_empty(&process->sockets))
        drop_sockets(rw_container_of(process->sockets.next, struct rw_process_sockets, link));
}

/* ---- Access log ---- */

static bool same_access(const struct rw_config_access_log *a, const struct rw_config_access_log *b)
{
    return rw_span_eq(a->path, b->path) && a->rotate_bytes == b->rotate_bytes &&
           a->rotate_keep == b->rotate_keep;
}

/* Many processes share the requests out among them, and so the memory for their lines. */
static size_t ring_bytes(unsigned processes)
{
    size_t bytes = RW_ACCESS_RING_BYTES;
    while (bytes > RING_BYTES_MIN && bytes * processes > RINGS_BYTES_MAX)
        bytes /= 2;
    return bytes;
}

static enum rw_err make_access(struct rw_process *process, const struct rw_config *config,
                               struct rw_conf_report *report, struct rw_access_log **log)
{
    const struct rw_config_access_log *want = config->access_log;
    *log = process->access;
    if (process->snapshot && same_access(want, &process->access_config))
        return RW_OK;
    *log = NULL;
    if (want->path.len == 0)
        return RW_OK;
    struct rw_access_options options = {
        .path = want->path.at,
        .rotate_bytes = want->rotate_bytes,
        .rotate_keep = want->rotate_keep,
        .ring_bytes = ring_bytes(process->options.processes),
        .rings = process->options.threads,
    };
    enum rw_err err = rw_access_create(&options, log);
    if (err)
        rw_conf_mistake_at(report, (struct rw_conf_place){0}, "access_log.path: %.*s: %s",
                           RW_SPAN_ARGS(want->path), rw_err_text(err));
    return err;
}

/* ---- Into force ---- */

/* What the threads are to change to, and what is to be freed once they have. */
struct change {
    struct rw_snapshot *snapshot;
    struct rw_access_log *access;
    struct rw_access_log *old_access; /* NULL: none, or still used */
};

static void adopt(struct rw_thread *thread, void *arg)
{
    struct change *change = arg;
    thread->worker.access = change->access ? rw_access_ring(change->access, thread->index) : NULL;
    rw_worker_adopt(&thread->worker, change->snapshot);
}

static void tell_ready(struct rw_process *process)
{
    struct rw_channel_message message = {.kind = RW_CHANNEL_READY};
    process->ready = true;
    if (rw_channel_send(process->options.channel, &message, NULL, 0))
        rw_log_warn("serve", "cannot tell the supervisor that this process is ready");
    if (process->options.index == 0 && !process->options.again)
        rw_banner(process);
}

static void adopted(struct rw_process *process, void *arg)
{
    struct change *change = arg;
    release_unwanted(process);
    if (change->old_access)
        rw_access_destroy(change->old_access);
    rw_free(change);
    if (!process->ready)
        tell_ready(process);
}

static void put_admin(struct rw_process *process, struct rw_snapshot *admin)
{
    if (!admin) {
        rw_listeners_stop(&process->control, false);
        return;
    }
    rw_process_adopt_release(process, admin);
    rw_snapshot_hold(admin, 1);
    rw_worker_adopt(&process->control, admin);
    if (process->admin)
        rw_snapshot_drop(process->admin);
    process->admin = admin;
}

/* What the supervisor has read once and the threads were made by. */
static void tell_what_waits(const struct rw_config *old, const struct rw_config *config)
{
    struct {
        const char *name;
        bool changed;
    } fixed[] = {
        {"threads", old->threads != config->threads},
        {"io", old->io != config->io},
        {"error_log.path", !rw_span_eq(old->error_log->path, config->error_log->path)},
        {"metrics.series_max", old->metrics->series_max != config->metrics->series_max},
        {"rate_limits.keys_max", old->rate_limits->keys_max != config->rate_limits->keys_max},
        {"rate_limits.quota_file",
         !rw_span_eq(old->rate_limits->quota_file, config->rate_limits->quota_file)},
    };
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (fixed[i].changed)
            rw_log_warn("config", "%s: the change waits for the next start or upgrade (SIGUSR2)",
                        fixed[i].name);
}

static void apply_shares(struct rw_process *process, const struct rw_snapshot *snapshot)
{
    const struct rw_config_redis *redis = snapshot->config->rate_limits->redis;
    if (!redis) {
        rw_shares_configure(process->shares, NULL);
        return;
    }
    const struct rw_config_tls_client *tls = redis->tls;
    const struct rw_config_tls_client *sentinel_tls = redis->sentinel ? redis->sentinel->tls : NULL;
    const struct rw_shares_setup setup = {
        .redis = redis,
        .dns = snapshot->config->dns,
        .servers = {.tls = snapshot->redis_tls, .named = tls && tls->name.len},
        .sentinels = {.tls = snapshot->sentinel_tls,
                      .named = sentinel_tls && sentinel_tls->name.len},
    };
    rw_shares_configure(process->shares, &setup);
}

static void apply_settings(struct rw_process *process, const struct rw_snapshot *snapshot)
{
    const struct rw_config *config = snapshot->config;
    struct rw_channel_message message = {.kind = RW_CHANNEL_DRAIN_TIME,
                                         .count = config->drain_ms_max};
    rw_log_set_level((enum rw_log_level)config->error_log->level);
    rw_meters_set_full(process->options.shared->meters,
                       (enum rw_meters_full)config->rate_limits->when_full);
    apply_shares(process, snapshot);
    if (rw_channel_send(process->options.channel, &message, NULL, 0))
        rw_log_warn("serve", "cannot tell the supervisor how long a drain may take");
    rw_file_watch_apply(process);
}

/* From here nothing fails. */
static void put_into_force(struct rw_process *process, struct change *change,
                           struct rw_snapshot *admin, struct rw_text *text)
{
    struct rw_snapshot *snapshot = change->snapshot, *old = process->snapshot;
    rw_process_adopt_release(process, snapshot);
    process->snapshot = snapshot;
    process->generation = snapshot->generation;
    change->old_access = process->access != change->access ? process->access : NULL;
    process->access = change->access;
    process->access_config = *snapshot->config->access_log;
    process->loaded_wall_ns = rw_clock_wall_ns();
    put_admin(process, admin);
    for (unsigned i = 0; i < snapshot->cluster_count; i++)
        rw_clusters_activate(process->clusters, snapshot->clusters[i]);
    if (process->rollouts)
        rw_rollouts_adopt(process->rollouts, snapshot->releases);
    if (old) {
        tell_what_waits(old->config, snapshot->config);
        rw_snapshot_drop(old);
    }
    rw_text_free(&process->config_text);
    process->config_text = *text;
    *text = (struct rw_text){0};
    rw_text_free(&process->last_error);
    apply_settings(process, snapshot);
    if (process->options.index == 0 &&
        rw_shared_put_config(process->options.shared, rw_text_span(&process->config_text)))
        rw_log_warn("serve", "cannot keep the configuration for a restart");
}

/* ---- Loading ---- */

/* Everything that can fail, up to the point where the threads are told. */
static enum rw_err prepare(struct rw_process *process, struct rw_arena *arena,
                           struct rw_config *config, struct rw_conf_report *report,
                           struct change *change, struct rw_snapshot **admin)
{
    struct rw_snapshot_options options = {
        .clusters = process->clusters,
        .metrics = process->options.shared->metrics,
        .meters = process->options.shared->meters,
        .shares = process->shares,
        .documents = process->documents,
        .release_states = process->options.shared->release_states,
        .samples = process->options.shared->samples,
        .ticket_keys = process->options.shared->ticket_keys,
        .workers = process->options.threads,
        .generation = process->generation + 1,
        .wait_for_dns = true,
    };
    enum rw_err err = rw_snapshot_create(&options, arena, config, report, &change->snapshot);
    if (!err)
        err = rw_process_make_admin(process, config, report, admin);
    if (!err)
        err = want_all_sockets(process, change->snapshot, *admin, report);
    if (!err)
        err = make_access(process, config, report, &change->access);
    return err;
}

static void still_wanted(struct rw_process *process, const struct rw_snapshot *snapshot)
{
    for (unsigned i = 0; snapshot && i < snapshot->listener_count; i++) {
        struct rw_process_sockets *sockets =
            sockets_at(process, snapshot->listeners[i].address_text);
        if (sockets)
            sockets->wanted = true;
    }
}

/* Sockets that only the refused configuration has would take connections that nobody accepts. */
static void release_refused(struct rw_process *process)
{
    for (struct rw_list *at = process->sockets.next; at != &process->sockets; at = at->next)
        rw_container_of(at, struct rw_process_sockets, link)->wanted = false;
    still_wanted(process, process->snapshot);
    still_wanted(process, process->admin);
    release_unwanted(process);
}

static void undo(struct rw_process *process, struct change *change, struct rw_snapshot *admin)
{
    release_refused(process);
    if (change->snapshot)
        rw_snapshot_destroy(change->snapshot, process->clusters);
    if (admin)
        rw_snapshot_destroy(admin, process->clusters);
    rw_free(change);
}

static enum rw_err compile(struct rw_process *process, struct rw_arena *arena,
                           struct rw_config *config, struct rw_conf_report *report,
                           struct rw_text *text)
{
    struct change *change = rw_alloc_zero(sizeof(*change));
    struct rw_snapshot *admin = NULL;
    if (!change)
        return RW_ENOMEM;
    enum rw_err err = prepare(process, arena, config, report, change, &admin);
    if (!err) {
        rw_snapshot_hold(change->snapshot, process->running);
        err = rw_threads_visit(process, adopt, adopted, change);
    }
    if (err) {
        undo(process, change, admin);
        return err;
    }
    put_into_force(process, change, admin, text);
    return RW_OK;
}

static void remember_refusal(struct rw_process *process, enum rw_err err,
                             struct rw_conf_report *report)
{
    rw_text_free(&process->last_error);
    rw_conf_report_print(report, &process->last_error);
    if (process->last_error.len == 0)
        rw_text_addf(&process->last_error, "%s: %s\n", process->options.config_path,
                     rw_err_text(err));
    struct rw_span lines = rw_text_span(&process->last_error), line;
    while (lines.at && rw_span_next(&lines, '\n', &line))
        if (line.len && process->snapshot)
            rw_log_error("config", "%.*s", RW_SPAN_ARGS(line));
}

enum rw_err rw_process_load(struct rw_process *process, bool from_file)
{
    if (process->draining || process->replaced) {
        rw_text_free(&process->last_error);
        rw_text_adds(&process->last_error,
                     process->draining
                         ? "this process is draining: nothing is loaded any more\n"
                         : "this process is being replaced: nothing is loaded any more\n");
        return RW_ECANCELED;
    }
    const char *path = process->options.config_path;
    struct rw_text text = {0};
    struct rw_arena arena, mistakes;
    rw_arena_init(&arena, NULL, 0, 64 * 1024, config_arena_bytes_max);
    rw_arena_init(&mistakes, NULL, 0, 16 * 1024, config_arena_bytes_max);
    struct rw_conf_report report = {.arena = &mistakes, .file = rw_span_text(path)};
    struct rw_config *config = NULL;
    enum rw_err err = from_file ? rw_conf_slurp(path, RW_CONF_FILE_BYTES_MAX, true, &text)
                                : rw_shared_get_config(process->options.shared, &text);
    if (err && from_file)
        rw_conf_mistake_at(&report, (struct rw_conf_place){0}, "cannot be read: %s",
                           err == RW_EINVAL ? "not a regular file" : rw_err_text(err));
    if (!err)
        err = rw_config_load_text(rw_text_span(&text), path, &arena, &config, &report);
    if (!err)
        err = compile(process, &arena, config, &report, &text);
    if (err)
        remember_refusal(process, err, &report);
    bool reload = process->ready;
    if (reload && err)
        rw_log_error("config", "%s: refused, the running configuration stays", path);
    else if (reload)
        rw_log_info("config", "%s: configuration %llu is in force", path,
                    (unsigned long long)process->generation);
    if (reload)
        rw_worker_count(&process->control, err ? RW_COUNTER_RELOAD_FAILURES : RW_COUNTER_RELOADS,
                        1);
    rw_arena_free(&arena);
    rw_arena_free(&mistakes);
    rw_text_free(&text);
    return err;
}
