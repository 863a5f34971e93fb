#include "serve/upgrade.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENV_SOCKETS "RINGWAY_SOCKETS"
#define ENV_OLD "RINGWAY_OLD_PROCESSES"
#define ENV_FILES "RINGWAY_FILES"
#define ENV_KNOWN "RINGWAY_KNOWN"

/* Shared memory that the new program goes on with. */
static const struct kept {
    const char *name; /* of the environment */
    size_t shared_at, old_at;
} kept[] = {
    {"RINGWAY_TICKETS", offsetof(struct rw_shared, tickets_fd),
     offsetof(struct rw_shared_fds, tickets)},
    {"RINGWAY_METERS", offsetof(struct rw_shared, meters_fd),
     offsetof(struct rw_shared_fds, meters)},
    {"RINGWAY_RELEASES", offsetof(struct rw_shared, releases_fd),
     offsetof(struct rw_shared_fds, releases)},
    {"RINGWAY_QUOTAS", offsetof(struct rw_shared, quotas_fd),
     offsetof(struct rw_shared_fds, quotas)},
};

enum { KEPT = sizeof(kept) / sizeof(kept[0]) };

static int kept_fd(const struct rw_supervisor *s, unsigned i)
{
    int fd;
    memcpy(&fd, (const char *)&s->shared + kept[i].shared_at, sizeof(fd));
    return fd;
}

enum { CHECK_MS_MAX = 10000 };

/* `program check config` as a child. */
static pid_t start_check(const struct rw_supervisor *s)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_WRONLY);
    if (null >= 0)
        dup2(null, STDOUT_FILENO);
    execl(s->options.argv[0], s->options.argv[0], "check", s->options.config_path, NULL);
    execlp(s->options.argv[0], s->options.argv[0], "check", s->options.config_path, NULL);
    _exit(127);
}

static bool write_fd(const char *name, int fd)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", fd);
    return setenv(name, number, 1) == 0;
}

static bool write_kept(const struct rw_supervisor *s)
{
    bool written = write_fd(ENV_KNOWN, s->known_fd);
    for (unsigned i = 0; i < KEPT && written; i++)
        written = write_fd(kept[i].name, kept_fd(s, i));
    return written;
}

static void keep_on_exec(const struct rw_supervisor *s, bool keep)
{
    for (unsigned i = 0; i < KEPT; i++)
        fcntl(kept_fd(s, i), F_SETFD, keep ? 0 : FD_CLOEXEC);
    for (unsigned i = 0; i < s->kept.count; i++)
        fcntl(s->kept.fds[i], F_SETFD, keep ? 0 : FD_CLOEXEC);
    fcntl(s->known_fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

static enum rw_err write_environment(const struct rw_supervisor *s)
{
    struct rw_text sockets = {0}, old = {0}, files = {0};
    rw_text_adds(&sockets, "\n");
    rw_sockets_write(&s->sockets, &sockets);
    rw_text_adds(&old, "");
    for (unsigned i = 0; i < s->processes; i++)
        if (s->children[i].pid > 0)
            rw_text_addf(&old, "%d,", (int)s->children[i].pid);
    for (unsigned i = 0; i < s->old_count; i++)
        rw_text_addf(&old, "%d,", (int)s->old[i]);
    rw_text_adds(&files, "");
    for (unsigned i = 0; i < s->kept.count; i++)
        rw_text_addf(&files, "%d,", s->kept.fds[i]);
    bool lacking = sockets.err || old.err || files.err || setenv(ENV_SOCKETS, sockets.at, 1) ||
                   setenv(ENV_OLD, old.at, 1) || setenv(ENV_FILES, files.at, 1) || !write_kept(s);
    rw_text_free(&sockets);
    rw_text_free(&old);
    rw_text_free(&files);
    return lacking ? RW_ENOMEM : RW_OK;
}

static void forget_environment(void)
{
    unsetenv(ENV_SOCKETS);
    unsetenv(ENV_OLD);
    unsetenv(ENV_FILES);
    unsetenv(ENV_KNOWN);
    for (unsigned i = 0; i < KEPT; i++)
        unsetenv(kept[i].name);
}

static void refuse(const char *why)
{
    rw_log_error("supervisor", "upgrade refused: %s; nothing has changed", why);
}

void rw_upgrade_begin(struct rw_supervisor *s)
{
    if (s->check_pid > 0)
        return;
    rw_log_info("supervisor", "upgrade: asking the program on disk to check the configuration");
    s->check_pid = start_check(s);
    s->check_end_ms = rw_clock_monotonic_ns() / RW_NS_PER_MS + CHECK_MS_MAX;
    if (s->check_pid < 0)
        refuse(strerror(errno));
}

bool rw_upgrade_check_died(struct rw_supervisor *s, pid_t pid, int status)
{
    if (s->check_pid <= 0 || pid != s->check_pid)
        return false;
    s->check_pid = 0;
    s->check_agreed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        refuse("the program on disk was killed, or took too long, while it checked the "
               "configuration");
    else if (!s->check_agreed)
        refuse("the program on disk does not start or does not accept the configuration");
    return true;
}

/* Returns only when it fails; everything is as before then. */
static void execute(struct rw_supervisor *s)
{
    if (write_environment(s) == RW_OK) {
        rw_sockets_keep_on_exec(&s->sockets, true);
        keep_on_exec(s, true);
        execv(s->options.argv[0], s->options.argv);
        execvp(s->options.argv[0], s->options.argv);
    }
    rw_log_error("supervisor", "upgrade failed: %s; nothing has changed", strerror(errno));
    rw_sockets_keep_on_exec(&s->sockets, false);
    keep_on_exec(s, false);
    forget_environment();
}

void rw_upgrade_go_on(struct rw_supervisor *s, uint64_t now_ms)
{
    bool agreed = s->check_agreed;
    s->check_agreed = false;
    if (s->check_pid > 0 && now_ms >= s->check_end_ms)
        kill(s->check_pid, SIGKILL);
    if (agreed && !s->stopping)
        execute(s);
}

uint64_t rw_upgrade_due_ms(const struct rw_supervisor *s)
{
    return s->check_pid > 0 ? s->check_end_ms : UINT64_MAX;
}

static bool inherit_fd(struct rw_span text, int *fd)
{
    uint64_t number;
    if (!rw_span_to_u64(text, &number))
        return false;
    *fd = (int)number;
    fcntl(*fd, F_SETFD, FD_CLOEXEC);
    return true;
}

static void inherit_files(struct rw_kept *files)
{
    struct rw_span fds = rw_span_text(getenv(ENV_FILES)), fd;
    while (fds.len && rw_span_next(&fds, ',', &fd))
        if (files->count < RW_KEPT_FDS_MAX && inherit_fd(fd, &files->fds[files->count]))
            files->count++;
}

enum rw_err rw_upgrade_inherit(struct rw_supervisor *s, struct rw_shared_fds *old_fds)
{
    struct rw_span sockets = rw_span_text(getenv(ENV_SOCKETS));
    struct rw_span old = rw_span_text(getenv(ENV_OLD)), pid;
    uint64_t number;
    enum rw_err err = rw_sockets_read(&s->sockets, sockets);
    while (old.at && rw_span_next(&old, ',', &pid))
        if (rw_span_to_u64(pid, &number) && s->old_count < RW_SUPERVISOR_OLD_MAX)
            s->old[s->old_count++] = (pid_t)number;
    for (unsigned i = 0; i < KEPT; i++)
        inherit_fd(rw_span_text(getenv(kept[i].name)), (int *)((char *)old_fds + kept[i].old_at));
    inherit_files(&s->kept);
    inherit_fd(rw_span_text(getenv(ENV_KNOWN)), &s->known_fd);
    forget_environment();
    return err;
}

void rw_upgrade_stop_old(struct rw_supervisor *s)
{
    for (unsigned i = 0; i < s->old_count; i++)
        kill(s->old[i], SIGTERM);
}

void rw_upgrade_old_died(struct rw_supervisor *s, pid_t pid)
{
    for (unsigned i = 0; i < s->old_count; i++)
        if (s->old[i] == pid)
            s->old[i] = s->old[--s->old_count];
    if (s->old_count == 0)
        rw_sockets_steer(&s->sockets);
}
