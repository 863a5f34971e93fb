#include "serve/upgrade.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENV_SOCKETS "RINGWAY_SOCKETS"
#define ENV_OLD "RINGWAY_OLD_PROCESSES"
#define ENV_TICKETS "RINGWAY_TICKETS"
#define ENV_METERS "RINGWAY_METERS"

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

static enum rw_err write_environment(const struct rw_supervisor *s)
{
    struct rw_text sockets = {0}, old = {0}, tickets = {0}, meters = {0};
    rw_text_adds(&sockets, "\n");
    rw_sockets_write(&s->sockets, &sockets);
    rw_text_adds(&old, "");
    for (unsigned i = 0; i < s->processes; i++)
        if (s->children[i].pid > 0)
            rw_text_addf(&old, "%d,", (int)s->children[i].pid);
    for (unsigned i = 0; i < s->old_count; i++)
        rw_text_addf(&old, "%d,", (int)s->old[i]);
    rw_text_addf(&tickets, "%d", s->shared.tickets_fd);
    rw_text_addf(&meters, "%d", s->shared.meters_fd);
    bool lacking = sockets.err || old.err || tickets.err || meters.err ||
                   setenv(ENV_SOCKETS, sockets.at, 1) || setenv(ENV_OLD, old.at, 1) ||
                   setenv(ENV_TICKETS, tickets.at, 1) || setenv(ENV_METERS, meters.at, 1);
    rw_text_free(&sockets);
    rw_text_free(&old);
    rw_text_free(&tickets);
    rw_text_free(&meters);
    return lacking ? RW_ENOMEM : RW_OK;
}

static void forget_environment(void)
{
    unsetenv(ENV_SOCKETS);
    unsetenv(ENV_OLD);
    unsetenv(ENV_TICKETS);
    unsetenv(ENV_METERS);
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
        fcntl(s->shared.tickets_fd, F_SETFD, 0);
        fcntl(s->shared.meters_fd, F_SETFD, 0);
        execv(s->options.argv[0], s->options.argv);
        execvp(s->options.argv[0], s->options.argv);
    }
    rw_log_error("supervisor", "upgrade failed: %s; nothing has changed", strerror(errno));
    rw_sockets_keep_on_exec(&s->sockets, false);
    fcntl(s->shared.tickets_fd, F_SETFD, FD_CLOEXEC);
    fcntl(s->shared.meters_fd, F_SETFD, FD_CLOEXEC);
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

enum rw_err rw_upgrade_inherit(struct rw_supervisor *s, int *tickets_fd, int *meters_fd)
{
    struct rw_span sockets = rw_span_text(getenv(ENV_SOCKETS));
    struct rw_span old = rw_span_text(getenv(ENV_OLD)), pid;
    uint64_t number;
    enum rw_err err = rw_sockets_read(&s->sockets, sockets);
    while (old.at && rw_span_next(&old, ',', &pid))
        if (rw_span_to_u64(pid, &number) && s->old_count < RW_SERVE_PROCESSES_MAX)
            s->old[s->old_count++] = (pid_t)number;
    inherit_fd(ENV_TICKETS, tickets_fd);
    inherit_fd(ENV_METERS, meters_fd);
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
}
