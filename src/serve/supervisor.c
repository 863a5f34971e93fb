#include "serve/supervisor.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "gate/snapshot_tls.h"
#include "io/descriptors.h"
#include "serve/channel.h"
#include "serve/error_log.h"
#include "serve/process.h"
#include "serve/serve.h"
#include "serve/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    EXIT_CONFIG = 2,
    QUICK_DEATH_MS = 200, /* a child that lives shorter is not restarted at once */
    BACKOFF_MS_MIN = 50,
    BACKOFF_MS_MAX = 5000,
    KILL_GRACE_MS = 2000, /* past the drain deadline */
};

static uint64_t now_ms(void)
{
    return rw_clock_monotonic_ns() / RW_NS_PER_MS;
}

/* ---- Children ---- */

/* What was learned may be what a process dies of: each third start that goes wrong is without it.
 * It is kept, as it may be something else, too. */
static bool starts_without_known(const struct rw_child *child)
{
    return child->failed_starts % 3 == 2;
}

static void become_child(struct rw_supervisor *s, struct rw_child *child, int channel,
                         pid_t supervisor)
{
    /* The end of the channel alone does not tell its death from an upgrade: the parent of an orphan
     * changes only later. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != supervisor)
        exit(1);
    for (unsigned i = 0; i < s->processes; i++)
        if (s->children[i].channel >= 0)
            close(s->children[i].channel);
    close(s->signal_fd);
    rw_sockets_close(&s->sockets);
    int known_fd = s->known_fd;
    if (known_fd >= 0 && starts_without_known(child)) {
        rw_log_warn("supervisor", "two processes in a row died while they started: this one begins "
                                  "without what was learned of endpoints and keys");
        close(known_fd);
        known_fd = -1;
    }
    /* The signals stay blocked: one that comes before the process reads them would end it. */
    struct rw_process_options options = {
        .config_path = s->options.config_path,
        .shared = &s->shared,
        .channel = channel,
        .index = child->index,
        .processes = s->processes,
        .threads = s->threads,
        .backend = s->backend,
        .error_log_path = s->log_path,
        .error_log_fd = s->log_fd,
        .again = s->ready_once || s->old_count,
        .known_fd = known_fd,
    };
    if (s->ready_once || s->start_kept)
        options.kept = s->kept;
    else
        rw_kept_close(&s->kept);
    rw_kept_close(&s->coming);
    exit(rw_process_run(&options));
}

static enum rw_err start_child(struct rw_supervisor *s, struct rw_child *child)
{
    int ends[2];
    enum rw_err err = rw_channel_create(ends);
    if (err)
        return err;
    pid_t supervisor = getpid(), pid = fork();
    if (pid == 0) {
        close(ends[0]);
        become_child(s, child, ends[1], supervisor);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return RW_ELIMIT;
    }
    child->pid = pid;
    child->channel = ends[0];
    child->started_ms = now_ms();
    child->restart_ms = 0;
    return RW_OK;
}

static struct rw_child *child_of(struct rw_supervisor *s, pid_t pid)
{
    for (unsigned i = 0; i < s->processes; i++)
        if (s->children[i].pid == pid)
            return &s->children[i];
    return NULL;
}

static void signal_children(struct rw_supervisor *s, int number, const struct rw_child *except)
{
    for (unsigned i = 0; i < s->processes; i++)
        if (s->children[i].pid > 0 && &s->children[i] != except)
            kill(s->children[i].pid, number);
}

static unsigned children_alive(const struct rw_supervisor *s)
{
    unsigned alive = 0;
    for (unsigned i = 0; i < s->processes; i++)
        alive += s->children[i].pid > 0;
    return alive;
}

/* ---- The end ---- */

static void begin_shutdown(struct rw_supervisor *s)
{
    if (s->stopping)
        return;
    s->stopping = true;
    s->kill_at_ms = now_ms() + s->drain_ms_max + KILL_GRACE_MS;
    /* First here, so that what a process accepts before it closes its own is the rest. */
    rw_sockets_hide(&s->sockets);
    rw_sockets_close(&s->sockets);
    signal_children(s, SIGTERM, NULL);
    rw_upgrade_stop_old(s);
}

static void describe_death(pid_t pid, int status, char *text, size_t room)
{
    if (WIFSIGNALED(status))
        snprintf(text, room, "process %d was ended by signal %d (%s)", (int)pid, WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, room, "process %d ended with exit code %d", (int)pid, WEXITSTATUS(status));
}

static void close_channel(struct rw_child *child)
{
    if (child->channel >= 0)
        close(child->channel);
    child->channel = -1;
}

static void tell_start_kept(const struct rw_supervisor *s)
{
    if (s->start_kept)
        rw_log_error("supervisor", "upgrade: the configuration cannot be loaded any more; the one "
                                   "in force stays");
}

/* After an upgrade: the files that were agreed to have changed meanwhile, or the new program does
 * not take what the old one had in force. */
static void start_otherwise(struct rw_supervisor *s)
{
    s->start_kept = !s->start_kept && s->kept.count;
    tell_start_kept(s);
}

static void child_died(struct rw_supervisor *s, struct rw_child *child, int status)
{
    char text[128];
    bool config = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIG;
    describe_death(child->pid, status, text, sizeof(text));
    child->pid = 0;
    child->failed_starts = child->ready ? 0 : child->failed_starts + 1;
    child->ready = false;
    close_channel(child);
    rw_sockets_disown(&s->sockets, child->index);
    if (s->stopping)
        return;
    /* At the first start that is the end; after an upgrade the old processes still serve, and it is
     * tried again. */
    if (!s->ready_once && s->old_count == 0) {
        s->exit_code = config ? EXIT_CONFIG : 1;
        if (!config)
            rw_log_error("supervisor", "%s before it was ready", text);
        begin_shutdown(s);
        return;
    }
    if (!s->ready_once && config)
        start_otherwise(s);
    bool quick = now_ms() - child->started_ms < QUICK_DEATH_MS;
    child->backoff_ms = !quick ? 0 : child->backoff_ms ? child->backoff_ms * 2 : BACKOFF_MS_MIN;
    if (child->backoff_ms > BACKOFF_MS_MAX)
        child->backoff_ms = BACKOFF_MS_MAX;
    child->restart_ms = now_ms() + child->backoff_ms;
    rw_log_error("supervisor", "%s; starting another in %u ms", text, child->backoff_ms);
}

static void reap(struct rw_supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct rw_child *child = child_of(s, pid);
        if (child)
            child_died(s, child, status);
        else if (!rw_upgrade_check_died(s, pid, status))
            rw_upgrade_old_died(s, pid);
    }
}

static void restart_due(struct rw_supervisor *s)
{
    for (unsigned i = 0; i < s->processes && !s->stopping; i++) {
        struct rw_child *child = &s->children[i];
        if (child->pid > 0 || now_ms() < child->restart_ms)
            continue;
        enum rw_err err = start_child(s, child);
        if (err) {
            rw_log_error("supervisor", "cannot start a process: %s", rw_err_text(err));
            child->restart_ms = now_ms() + 1000;
        }
    }
}

/* ---- Messages ---- */

static void answer_listen(struct rw_supervisor *s, struct rw_child *child,
                          const struct rw_channel_message *ask)
{
    int fds[RW_CHANNEL_FDS_MAX];
    struct rw_channel_message answer = {.kind = RW_CHANNEL_SOCKETS, .serial = ask->serial};
    unsigned count = ask->count <= RW_CHANNEL_FDS_MAX ? ask->count : 0;
    enum rw_err err = rw_sockets_open(&s->sockets, ask->text, ask->backlog, child->index, count,
                                      fds, answer.text, sizeof(answer.text));
    answer.error = (uint32_t)err;
    answer.count = err ? 0 : count;
    if (rw_channel_send(child->channel, &answer, fds, answer.count))
        rw_log_error("supervisor", "cannot answer process %d", (int)child->pid);
}

static void child_ready(struct rw_supervisor *s, struct rw_child *child)
{
    child->ready = true;
    for (unsigned i = 0; i < s->processes; i++)
        if (!s->children[i].ready)
            return;
    s->ready_once = true;
    if (rw_sockets_steer(&s->sockets))
        s->retire_at_ms = now_ms() + RW_SOCKETS_RETIRE_MS;
    else
        rw_upgrade_stop_old(s);
}

/* Only the old processes, if there are any, accept there, and what waits is theirs. */
static void retire_due(struct rw_supervisor *s)
{
    if (!s->retire_at_ms || now_ms() < s->retire_at_ms)
        return;
    s->retire_at_ms = 0;
    rw_sockets_sweep(&s->sockets);
    rw_upgrade_stop_old(s);
    if (s->old_count == 0)
        rw_sockets_steer(&s->sockets);
}

/* Only a whole set takes the place of the one before. */
static void keep(struct rw_supervisor *s, const struct rw_channel_message *message, const int *fds,
                 unsigned count)
{
    struct rw_kept *coming = &s->coming;
    if (message->serial == 0)
        rw_kept_close(coming);
    bool fits = message->serial == coming->count && coming->count + count <= message->count &&
                message->count <= RW_KEPT_FDS_MAX;
    for (unsigned i = 0; i < count; i++) {
        if (fits)
            coming->fds[coming->count++] = fds[i];
        else
            close(fds[i]);
    }
    if (!fits)
        rw_log_error("supervisor", "the configuration in force cannot be kept for a restart: not "
                                   "all of its files have come (descriptors are scarce)");
    if (!fits || coming->count < message->count)
        return;
    rw_kept_close(&s->kept);
    s->kept = *coming;
    coming->count = 0;
}

static void keep_known(struct rw_supervisor *s, int fd)
{
    if (s->known_fd >= 0)
        close(s->known_fd);
    s->known_fd = fd;
}

static void on_message(struct rw_supervisor *s, struct rw_child *child)
{
    struct rw_channel_message message;
    int fds[RW_CHANNEL_FDS_MAX];
    unsigned fd_count = 0;
    enum rw_err err = rw_channel_receive(child->channel, 0, &message, fds, &fd_count);
    if (err == RW_ECLOSED)
        close_channel(child); /* its death, perhaps much later, is told by SIGCHLD */
    if (err)
        return;
    switch (message.kind) {
    case RW_CHANNEL_LISTEN:
        answer_listen(s, child, &message);
        break;
    case RW_CHANNEL_RETIRE:
        rw_sockets_retire(&s->sockets, message.text, child->index);
        break;
    case RW_CHANNEL_RELEASE:
        rw_sockets_release(&s->sockets, message.text, child->index);
        break;
    case RW_CHANNEL_READY:
        child_ready(s, child);
        break;
    case RW_CHANNEL_RELOAD:
        signal_children(s, SIGHUP, child);
        break;
    case RW_CHANNEL_SHUTDOWN:
        begin_shutdown(s);
        break;
    case RW_CHANNEL_DRAIN_TIME:
        s->drain_ms_max = message.count;
        break;
    case RW_CHANNEL_KEEP:
        keep(s, &message, fds, fd_count);
        break;
    case RW_CHANNEL_KNOWN:
        if (fd_count)
            keep_known(s, fds[0]);
        break;
    default:
        break;
    }
}

/* ---- Signals ---- */

static void on_signal(struct rw_supervisor *s, unsigned number)
{
    switch (number) {
    case SIGCHLD:
        reap(s);
        break;
    case SIGTERM:
    case SIGINT:
        if (s->stopping && number == SIGINT)
            signal_children(s, SIGKILL, NULL); /* asked twice: now */
        begin_shutdown(s);
        break;
    case SIGUSR1:
        rw_error_log_reopen(s->log_path, s->log_fd);
        signal_children(s, SIGUSR1, NULL);
        break;
    case SIGHUP:
        signal_children(s, (int)number, NULL);
        break;
    case SIGUSR2:
        if (!s->stopping)
            rw_upgrade_begin(s);
        break;
    default:
        break;
    }
}

static void read_signals(struct rw_supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        on_signal(s, info.ssi_signo);
}

static enum rw_err take_signals(struct rw_supervisor *s)
{
    static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    sigset_t set;
    sigemptyset(&set);
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaddset(&set, numbers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    s->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return s->signal_fd < 0 ? rw_err_from_errno(errno) : RW_OK;
}

/* ---- The loop ---- */

static int wait_ms(const struct rw_supervisor *s)
{
    uint64_t now = now_ms(), next = now + 60000;
    if (rw_upgrade_due_ms(s) < next)
        next = rw_upgrade_due_ms(s);
    for (unsigned i = 0; i < s->processes && !s->stopping; i++)
        if (s->children[i].pid == 0 && s->children[i].restart_ms < next)
            next = s->children[i].restart_ms;
    if (s->retire_at_ms && s->retire_at_ms < next)
        next = s->retire_at_ms;
    if (s->stopping && s->kill_at_ms < next)
        next = s->kill_at_ms;
    return next > now ? (int)(next - now) : 0;
}

static void turn(struct rw_supervisor *s)
{
    struct pollfd fds[RW_SERVE_PROCESSES_MAX + 1];
    fds[0] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
    for (unsigned i = 0; i < s->processes; i++)
        fds[i + 1] = (struct pollfd){.fd = s->children[i].channel, .events = POLLIN};
    if (poll(fds, s->processes + 1, wait_ms(s)) < 0)
        return;
    for (unsigned i = 0; i < s->processes; i++)
        if (fds[i + 1].revents)
            on_message(s, &s->children[i]);
    if (fds[0].revents)
        read_signals(s);
    if (s->stopping && now_ms() >= s->kill_at_ms) {
        rw_log_error("supervisor", "the drain deadline has passed: ending what is left");
        signal_children(s, SIGKILL, NULL);
        s->kill_at_ms = now_ms() + KILL_GRACE_MS;
    }
    retire_due(s);
    rw_upgrade_go_on(s, now_ms());
    restart_due(s);
}

/* ---- Start ---- */

static int open_error_log(struct rw_supervisor *s, const struct rw_config_error_log *config)
{
    struct rw_span path = config->path;
    if (rw_span_is(path, "-"))
        return 0;
    s->log_path = rw_strdup(path.at, path.len);
    s->log_fd = s->log_path ? rw_error_log_open(s->log_path) : -1;
    const char *why = strerror(errno);
    bool upgraded = s->old_count > 0; /* it serves, log or not; SIGUSR1 tries it again */
    if (s->log_fd < 0 && upgraded)
        s->log_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    else if (s->log_fd >= 0)
        why = NULL;
    if (why)
        fprintf(stderr, "%s:%u:%u: error_log.path: %.*s: %s\n", s->options.config_path,
                config->path_place.line, config->path_place.column, RW_SPAN_ARGS(path), why);
    if (s->log_fd < 0)
        return upgraded ? 0 : EXIT_CONFIG;
    rw_log_set_fd(s->log_fd);
    return 0;
}

static bool load_config(const struct rw_supervisor *s, struct rw_arena *arena,
                        struct rw_config **config)
{
    *config = NULL;
    rw_arena_init(arena, NULL, 0, 64 * 1024, (size_t)1 << 30);
    struct rw_conf_report report = {.arena = arena};
    enum rw_err err = rw_config_load(s->options.config_path, arena, config, &report);
    if (err == RW_EINVAL)
        rw_snapshot_look_further(*config, &report);
    if (!err)
        return true;
    struct rw_text text = {0};
    rw_conf_report_sort(&report);
    rw_conf_report_print(&report, &text);
    fprintf(stderr, "%.*s", RW_SPAN_ARGS(rw_text_span(&text)));
    rw_text_free(&text);
    rw_arena_free(arena);
    return false;
}

/* The one that the program before an upgrade had in force. */
static bool load_kept_config(struct rw_supervisor *s, struct rw_arena *arena,
                             struct rw_config **config)
{
    struct rw_kept_files *files;
    if (rw_kept_files_load(&s->kept, &files))
        return false;
    rw_kept_files_use(files);
    s->start_kept = load_config(s, arena, config);
    rw_kept_files_use(NULL);
    rw_kept_files_free(files);
    return s->start_kept;
}

/* Only what has to be known before the first fork; the worker processes compile the configuration
 * themselves. */
static int read_settings(struct rw_supervisor *s)
{
    struct rw_arena arena;
    struct rw_config *config;
    if (!load_config(s, &arena, &config) && !load_kept_config(s, &arena, &config))
        return EXIT_CONFIG;
    s->threads = config->threads ? config->threads : (unsigned)get_nprocs();
    if (s->threads > RW_SERVE_THREADS_MAX)
        s->threads = RW_SERVE_THREADS_MAX;
    s->backend = (enum rw_loop_backend)config->io;
    s->series_max = config->metrics->series_max;
    s->limit_keys_max = config->rate_limits->keys_max;
    s->drain_ms_max = config->drain_ms_max;
    rw_log_set_level((enum rw_log_level)config->error_log->level);
    struct rw_span quota_file = config->rate_limits->quota_file;
    s->quota_file = quota_file.len ? rw_strdup(quota_file.at, quota_file.len) : NULL;
    s->quota_file_place = config->rate_limits->quota_file_place;
    int code = open_error_log(s, config->error_log);
    if (!code)
        tell_start_kept(s);
    rw_arena_free(&arena);
    return code;
}

/* A mistake as those that the processes tell; where the program before has a file, it goes on. */
static void tell_quota_flaw(struct rw_supervisor *s, struct rw_text *flaw, bool fatal)
{
    struct rw_text line = {0};
    rw_text_addf(&line, "%s:%u:%u: rate_limits.quota_file: %.*s", s->options.config_path,
                 s->quota_file_place.line, s->quota_file_place.column,
                 RW_SPAN_ARGS(rw_text_span(flaw)));
    if (fatal && !s->old_count) {
        fprintf(stderr, "%.*s\n", RW_SPAN_ARGS(rw_text_span(&line)));
        s->exit_code = EXIT_CONFIG;
    } else {
        rw_log_error("config", "%.*s", RW_SPAN_ARGS(rw_text_span(&line)));
    }
    rw_text_free(&line);
    rw_text_free(flaw);
}

static enum rw_err start(struct rw_supervisor *s, const struct rw_shared_fds *old)
{
    enum rw_err raised = rw_raise_descriptor_limit();
    if (raised)
        rw_log_warn("supervisor", "the limit of descriptors cannot be raised: %s",
                    rw_err_text(raised));
    struct rw_text quota_flaw = {0};
    struct rw_shared_options options = {
        .shards = s->processes * (s->threads + 1),
        .series_max = s->series_max,
        .limit_keys_max = s->limit_keys_max,
        .quota_file = s->quota_file,
        .quota_flaw = &quota_flaw,
        .old = *old,
    };
    enum rw_err err = rw_shared_create(&options, &s->shared);
    if (quota_flaw.len)
        tell_quota_flaw(s, &quota_flaw, err != RW_OK);
    if (!err)
        err = take_signals(s);
    for (unsigned i = 0; i < s->processes; i++)
        s->children[i] = (struct rw_child){.index = i, .channel = -1};
    for (unsigned i = 0; i < s->processes && !err; i++)
        err = start_child(s, &s->children[i]);
    return err;
}

int rw_serve(const struct rw_serve_options *options)
{
    static struct rw_supervisor s; /* one per program; children inherit it at fork */
    s = (struct rw_supervisor){.options = *options,
                               .processes = options->processes,
                               .log_fd = -1,
                               .signal_fd = -1,
                               .known_fd = -1};
    struct rw_shared_fds old = {.tickets = -1, .meters = -1, .releases = -1, .quotas = -1};
    enum rw_err err = rw_upgrade_inherit(&s, &old);
    int code = read_settings(&s);
    if (code)
        return code;
    err = err ? err : start(&s, &old);
    if (err && !s.exit_code) {
        rw_log_error("supervisor", "cannot start: %s", rw_err_text(err));
        s.exit_code = 1;
    }
    if (err)
        begin_shutdown(&s);
    while (!s.stopping || children_alive(&s) || s.old_count)
        turn(&s);
    rw_sockets_close(&s.sockets);
    rw_shared_destroy(&s.shared);
    rw_kept_close(&s.kept);
    rw_kept_close(&s.coming);
    keep_known(&s, -1);
    rw_free(s.log_path);
    rw_free(s.quota_file);
    return s.exit_code;
}
