#include "verify/fault/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum duty_kind { DUTY_NONE, DUTY_CONTINUE, DUTY_LIMIT };

struct rw_guard_duty {
    _Atomic int kind; /* enum duty_kind; written last */
    pid_t pid;
    uint64_t began;
    int resource;
    rlim_t soft; /* to give back */
};

/* ---- Looking at processes: what the guard does after a fork needs no memory and no locks ---- */

/* What follows the name in /proc/PID/stat (a name may hold anything): field 3 and so on. */
static const char *read_stat(pid_t pid, char *text, size_t room)
{
    char path[40];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, room - 1);
    if (fd >= 0)
        close(fd);
    if (len <= 0)
        return NULL;
    text[len] = '\0';
    const char *bracket = strrchr(text, ')');
    return bracket && bracket[1] == ' ' ? bracket + 2 : NULL;
}

uint64_t rw_process_began(pid_t pid)
{
    enum { FIELD_STATE = 3, FIELD_BEGAN = 22 }; /* proc(5) */
    char text[1024];
    const char *at = read_stat(pid, text, sizeof(text));
    if (!at || *at == 'Z' || *at == 'X')
        return 0;
    for (int field = FIELD_STATE; field < FIELD_BEGAN; field++) {
        at = strchr(at, ' ');
        if (!at)
            return 0;
        at++;
    }
    return strtoull(at, NULL, 10);
}

char rw_process_state(pid_t pid)
{
    char text[1024];
    const char *at = read_stat(pid, text, sizeof(text));
    return at ? *at : '\0';
}

static size_t children_of_thread(pid_t pid, const char *thread, pid_t *pids, size_t most)
{
    char path[320];
    size_t count = 0;
    int child;
    snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid, thread);
    FILE *file = fopen(path, "re");
    while (file && count < most && fscanf(file, "%d", &child) == 1)
        pids[count++] = child;
    if (file)
        fclose(file);
    return count;
}

/* A child is told of with the thread that has forked it. */
size_t rw_process_children(pid_t pid, pid_t *pids, size_t most)
{
    char path[40];
    size_t count = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    for (struct dirent *thread; threads && (thread = readdir(threads));)
        if (thread->d_name[0] != '.')
            count += children_of_thread(pid, thread->d_name, pids + count, most - count);
    if (threads)
        closedir(threads);
    return count;
}

size_t rw_process_family(pid_t pid, pid_t *pids, size_t most)
{
    size_t count = 0;
    if (most)
        pids[count++] = pid;
    for (size_t i = 0; i < count; i++)
        count += rw_process_children(pids[i], pids + count, most - count);
    return count;
}

/* ---- Undoing ---- */

void rw_guard_undo(struct rw_guard_duty *duty)
{
    int kind = duty ? atomic_load(&duty->kind) : DUTY_NONE;
    if (kind == DUTY_NONE)
        return;
    bool same = rw_process_began(duty->pid) == duty->began;
    struct rlimit limit;
    if (kind == DUTY_CONTINUE && same) {
        kill(duty->pid, SIGCONT);
    } else if (kind == DUTY_LIMIT && same &&
               prlimit(duty->pid, (__rlimit_resource_t)duty->resource, NULL, &limit) == 0) {
        limit.rlim_cur = duty->soft;
        prlimit(duty->pid, (__rlimit_resource_t)duty->resource, &limit, NULL);
    }
    atomic_store(&duty->kind, DUTY_NONE);
}

static void undo_all(struct rw_guard_duty *duties)
{
    for (size_t i = 0; i < RW_GUARD_DUTIES_MAX; i++)
        rw_guard_undo(&duties[i]);
}

/* `verify_fd`: a pidfd, readable once verify has ended. */
_Noreturn static void stand_guard(struct rw_guard_duty *duties, int verify_fd)
{
    setsid(); /* an interrupt at the terminal is not for us */
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_IGN);
    dup2(verify_fd, STDIN_FILENO);
    close_range(STDIN_FILENO + 1, ~0u, 0); /* ports and pipes of verify end with it */
    prctl(PR_SET_NAME, "ringway-guard");
    struct pollfd verify = {.fd = STDIN_FILENO, .events = POLLIN};
    while (poll(&verify, 1, -1) < 0 && errno == EINTR)
        continue;
    undo_all(duties);
    _exit(0);
}

/* ---- Life ---- */

enum { DUTIES_BYTES = RW_GUARD_DUTIES_MAX * sizeof(struct rw_guard_duty) };

enum rw_err rw_guard_open(struct rw_guard *guard)
{
    void *memory =
        mmap(NULL, DUTIES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return RW_ENOMEM;
    int verify_fd = pidfd_open(getpid(), 0);
    enum rw_err err = verify_fd < 0 ? rw_err_from_errno(errno) : RW_OK;
    pid_t pid = err ? -1 : fork();
    if (pid == 0)
        stand_guard(memory, verify_fd);
    if (verify_fd >= 0)
        close(verify_fd);
    if (pid < 0) {
        munmap(memory, DUTIES_BYTES);
        return err ? err : RW_ELIMIT;
    }
    *guard = (struct rw_guard){.duties = memory, .pid = pid};
    return RW_OK;
}

void rw_guard_close(struct rw_guard *guard)
{
    undo_all(guard->duties);
    kill(guard->pid, SIGKILL); /* nothing is left to do */
    while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    munmap(guard->duties, DUTIES_BYTES);
}

/* ---- Doing ---- */

static enum rw_err take_on(struct rw_guard *guard, struct rw_guard_duty duty, int kind,
                           struct rw_guard_duty **out)
{
    duty.began = duty.pid > 0 ? rw_process_began(duty.pid) : 0;
    if (!duty.began)
        return RW_ENOENT;
    for (size_t i = 0; i < RW_GUARD_DUTIES_MAX; i++) {
        struct rw_guard_duty *free_one = &guard->duties[i];
        if (atomic_load(&free_one->kind) != DUTY_NONE)
            continue;
        free_one->pid = duty.pid;
        free_one->began = duty.began;
        free_one->resource = duty.resource;
        free_one->soft = duty.soft;
        atomic_store(&free_one->kind, kind);
        *out = free_one;
        return RW_OK;
    }
    return RW_ELIMIT;
}

static enum rw_err done(int result, struct rw_guard_duty **duty)
{
    if (result == 0)
        return RW_OK;
    enum rw_err err = errno == ESRCH ? RW_ENOENT : errno == EPERM ? RW_EACCES : RW_EIO;
    atomic_store(&(*duty)->kind, DUTY_NONE);
    *duty = NULL;
    return err;
}

enum rw_err rw_guard_stop(struct rw_guard *guard, pid_t pid, struct rw_guard_duty **duty)
{
    enum rw_err err = take_on(guard, (struct rw_guard_duty){.pid = pid}, DUTY_CONTINUE, duty);
    return err ? err : done(kill(pid, SIGSTOP), duty);
}

enum rw_err rw_guard_limit(struct rw_guard *guard, pid_t pid, int resource, uint64_t soft,
                           struct rw_guard_duty **duty)
{
    struct rlimit limit;
    if (pid <= 0 || prlimit(pid, (__rlimit_resource_t)resource, NULL, &limit) != 0)
        return pid > 0 && errno == EPERM ? RW_EACCES : RW_ENOENT;
    struct rw_guard_duty wanted = {.pid = pid, .resource = resource, .soft = limit.rlim_cur};
    enum rw_err err = take_on(guard, wanted, DUTY_LIMIT, duty);
    if (err)
        return err;
    limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
    return done(prlimit(pid, (__rlimit_resource_t)resource, &limit, NULL), duty);
}
