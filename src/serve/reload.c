#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/file.h"
#include "gate/front/listener.h"
#include "gate/snapshot_tls.h"
#include "serve/channel.h"
#include "serve/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    RINGS_BYTES_MAX = 16 << 20, /* of a thread of each process, together */
    RING_BYTES_MIN = 256 << 10,
    DNS_WAIT_MS_MAX = 50,
};

static const size_t config_arena_bytes_max = (size_t)1 << 30;

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
        /* One that starts in the place of another serves, log or not. */
        .later = !process->snapshot && process->options.kept.count,
    };
    enum rw_err err = rw_access_create(&options, log);
    if (err)
        rw_conf_mistake_at(report, want->path_place, "access_log.path: %.*s: %s",
                           RW_SPAN_ARGS(want->path),
                           err == RW_EINVAL ? "a directory, not a file" : rw_err_text(err));
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
    rw_process_retire_sockets(process);
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

static enum rw_err give_files(const struct rw_process *process)
{
    const struct rw_kept *kept = &process->kept;
    struct rw_channel_message message = {.kind = RW_CHANNEL_KEEP, .count = kept->count};
    enum rw_err err = RW_OK;
    while (!err && message.serial < kept->count) {
        unsigned part = kept->count - message.serial;
        part = part < RW_CHANNEL_FDS_MAX ? part : RW_CHANNEL_FDS_MAX;
        err = rw_channel_send(process->options.channel, &message, kept->fds + message.serial, part);
        message.serial += part;
    }
    return err;
}

/* The first process's are what another one starts again with. */
static void keep_files(struct rw_process *process, const struct rw_kept_files *files)
{
    struct rw_kept kept;
    if (rw_kept_files_store(files, &kept)) {
        rw_log_warn("serve", "the configuration cannot be kept for a restart: no memory, or no "
                             "descriptor; a process that starts again gets the one before");
        return;
    }
    rw_kept_close(&process->kept);
    process->kept = kept;
    if (kept.left_out)
        rw_log_warn("serve",
                    "%u databases and folders of static files beyond %u are not kept for "
                    "a restart: a process that starts again opens them anew",
                    kept.left_out, RW_KEPT_FDS_MAX - 1);
    if (process->options.index == 0 && give_files(process))
        rw_log_warn("serve", "cannot give the configuration to the supervisor for a restart");
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
}

/* ---- Loading ---- */

/* Nobody accepts meanwhile: it cannot wait for name servers that do not answer. */
static bool replaces_dead(const struct rw_process *process)
{
    return !process->snapshot && process->options.kept.count;
}

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
        .dns_wait_ms_max = replaces_dead(process) ? DNS_WAIT_MS_MAX : UINT32_MAX,
    };
    enum rw_err err = rw_snapshot_create(&options, arena, config, report, &change->snapshot);
    if (!err)
        err = rw_process_make_admin(process, config, report, admin);
    if (!err)
        err = rw_process_want_sockets(process, change->snapshot, *admin, report);
    if (!err)
        err = make_access(process, config, report, &change->access);
    return err;
}

static void undo(struct rw_process *process, struct change *change, struct rw_snapshot *admin)
{
    rw_process_refuse_sockets(process);
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
    rw_conf_report_sort(report);
    rw_conf_report_print(report, &process->last_error);
    if (process->last_error.len == 0)
        rw_text_addf(&process->last_error, "%s: %s\n", process->options.config_path,
                     rw_err_text(err));
    struct rw_span lines = rw_text_span(&process->last_error), line;
    while (lines.at && rw_span_next(&lines, '\n', &line))
        if (line.len && (process->snapshot || process->options.again))
            rw_log_error("config", "%.*s", RW_SPAN_ARGS(line));
}

/* With what the load begins: nothing, then all is read; the text in force; everything. */
static enum rw_err begin_files(struct rw_process *process, enum rw_process_load_from from,
                               struct rw_kept_files **files)
{
    if (from == RW_LOAD_KEPT && process->kept.count)
        return rw_kept_files_load(&process->kept, files);
    enum rw_err err = rw_kept_files_create(files);
    if (err || from == RW_LOAD_FILES)
        return err;
    err = rw_kept_files_add(*files, process->options.config_path,
                            rw_text_span(&process->config_text), &(struct stat){0});
    if (err)
        rw_kept_files_free(*files);
    return err;
}

static enum rw_err read_and_compile(struct rw_process *process, struct rw_conf_report *report)
{
    const char *path = process->options.config_path;
    struct rw_text text = {0};
    char room[48];
    struct rw_arena arena;
    rw_arena_init(&arena, NULL, 0, 64 * 1024, config_arena_bytes_max);
    struct rw_config *config = NULL;
    enum rw_err err = rw_conf_slurp(path, RW_CONF_FILE_BYTES_MAX, true, &text);
    if (err)
        rw_conf_mistake_at(report, (struct rw_conf_place){0}, "cannot be read: %s",
                           rw_conf_slurp_flaw(err, RW_CONF_FILE_BYTES_MAX, room));
    if (!err)
        err = rw_config_load_text(rw_text_span(&text), path, &arena, &config, report);
    if (err == RW_EINVAL && config)
        rw_snapshot_look_further(config, report);
    if (!err)
        err = compile(process, &arena, config, report, &text);
    rw_arena_free(&arena);
    rw_text_free(&text);
    return err;
}

static enum rw_err load_with_files(struct rw_process *process, enum rw_process_load_from from,
                                   struct rw_conf_report *report)
{
    struct rw_kept_files *files;
    enum rw_err err = begin_files(process, from, &files);
    if (err)
        return err;
    rw_kept_files_use(files);
    bool stored = from == RW_LOAD_KEPT && process->kept.count;
    err = read_and_compile(process, report);
    rw_kept_files_use(NULL);
    if (!err && !stored)
        keep_files(process, files);
    rw_kept_files_free(files);
    return err;
}

static void tell_outcome(struct rw_process *process, enum rw_err err)
{
    const char *path = process->options.config_path;
    if (err)
        rw_log_error("config", "%s: refused, the running configuration stays", path);
    else
        rw_log_info("config", "%s: configuration %llu is in force", path,
                    (unsigned long long)process->generation);
    rw_worker_count(&process->control, err ? RW_COUNTER_RELOAD_FAILURES : RW_COUNTER_RELOADS, 1);
}

enum rw_err rw_process_load(struct rw_process *process, enum rw_process_load_from from)
{
    if (process->draining || process->replaced) {
        rw_text_free(&process->last_error);
        rw_text_adds(&process->last_error,
                     process->draining
                         ? "this process is draining: nothing is loaded any more\n"
                         : "this process is being replaced: nothing is loaded any more\n");
        return RW_ECANCELED;
    }
    struct rw_arena mistakes;
    rw_arena_init(&mistakes, NULL, 0, 16 * 1024, config_arena_bytes_max);
    struct rw_conf_report report = {.arena = &mistakes,
                                    .file = rw_span_text(process->options.config_path)};
    bool reload = process->ready;
    enum rw_err err = load_with_files(process, from, &report);
    if (err)
        remember_refusal(process, err, &report);
    if (reload)
        tell_outcome(process, err);
    rw_arena_free(&mistakes);
    return err;
}
