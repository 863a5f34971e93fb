#include "serve/upgrade.h"

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
};

enum { KEPT = sizeof(kept) / sizeof(kept[0]) };

static int kept_fd(const struct rw_supervisor *s, unsigned i)
{
    int fd;
    memcpy(&fd, (const char *)&s->shared + kept[i].shared_at, sizeof(fd));
    return fd;
}

/* How long the new program may take to check the configuration; nothing else is done meanwhile. */
enum { CHECK_MS_MAX = 10000, LOOK_MS = 10 };

/* `program check config` as a child; false when it says no or cannot be run. */
static bool new_program_agrees(const struct rw_supervisor *s)
{
    pid_t pid = fork();
    if (pid == 0) {
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
    int status = 0;
    for (int waited_ms = 0; pid > 0 && waitpid(pid, &status, WNOHANG) == 0; waited_ms += LOOK_MS) {
        if (waited_ms == CHECK_MS_MAX)
            kill(pid, SIGKILL);
        usleep(LOOK_MS * 1000);
    }
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool write_kept(const struct rw_supervisor *s)
{
    for (unsigned i = 0; i < KEPT; i++) {
        char number[16];
        snprintf(number, sizeof(number), "%d", kept_fd(s, i));
        if (setenv(kept[i].name, number, 1))
            return false;
    }
    return true;
}

static void keep_on_exec(const struct rw_supervisor *s, bool keep)
{
    for (unsigned i = 0; i < KEPT; i++)
        fcntl(kept_fd(s, i), F_SETFD, keep ? 0 : FD_CLOEXEC);
}

static enum rw_err write_environment(const struct rw_supervisor *s)
{
    struct rw_text sockets = {0}, old = {0};
    rw_text_adds(&sockets, "\n");
    rw_sockets_write(&s->sockets, &sockets);
    rw_text_adds(&old, "");
    for (unsigned i = 0; i < s->processes; i++)
        if (s->children[i].pid > 0)
            rw_text_addf(&old, "%d,", (int)s->children[i].pid);
    for (unsigned i = 0; i < s->old_count; i++)
        rw_text_addf(&old, "%d,", (int)s->old[i]);
    bool lacking = sockets.err || old.err || setenv(ENV_SOCKETS, sockets.at, 1) ||
                   setenv(ENV_OLD, old.at, 1) || !write_kept(s);
    rw_text_free(&sockets);
    rw_text_free(&old);
    return lacking ? RW_ENOMEM : RW_OK;
}

static void forget_environment(void)
{
    unsetenv(ENV_SOCKETS);
    unsetenv(ENV_OLD);
    for (unsigned i = 0; i < KEPT; i++)
        unsetenv(kept[i].name);
}

void rw_upgrade_begin(struct rw_supervisor *s)
{
    rw_log_info("supervisor", "upgrade: asking the program on disk to check the configuration");
    if (!new_program_agrees(s)) {
        rw_log_error("supervisor",
                     "upgrade refused: the program on disk does not start or does not "
                     "accept the configuration; nothing has changed");
        return;
    }
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

static void inherit_fd(const char *name, int *fd)
{
    uint64_t number;
    if (!rw_span_to_u64(rw_span_text(getenv(name)), &number))
        return;
    *fd = (int)number;
    fcntl(*fd, F_SETFD, FD_CLOEXEC);
}

enum rw_err rw_upgrade_inherit(struct rw_supervisor *s, struct rw_shared_fds *old_fds)
{
    struct rw_span sockets = rw_span_text(getenv(ENV_SOCKETS));
    struct rw_span old = rw_span_text(getenv(ENV_OLD)), pid;
    uint64_t number;
    enum rw_err err = rw_sockets_read(&s->sockets, sockets);
    while (old.at && rw_span_next(&old, ',', &pid))
        if (rw_span_to_u64(pid, &number) && s->old_count < RW_SERVE_PROCESSES_MAX)
            s->old[s->old_count++] = (pid_t)number;
    for (unsigned i = 0; i < KEPT; i++)
        inherit_fd(kept[i].name, (int *)((char *)old_fds + kept[i].old_at));
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
