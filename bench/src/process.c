#include "process.h"
#include "net.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define END_PATIENCE_MS 2000
#define POLL_MS 20
#define PRIORITY (-15)

struct member {
    pid_t pid;
    pid_t parent;
    uint64_t started;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

bool bench_interrupted(void)
{
    return interrupted != 0;
}

void bench_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool bench_sleep_ms(long milliseconds)
{
    struct timespec left = {.tv_sec = milliseconds / 1000,
                            .tv_nsec = milliseconds % 1000 * 1000000};
    while (!interrupted && nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
    return !interrupted;
}

void bench_process_adopt_orphans(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1UL);
}

void bench_process_reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

/* With autogroups the kernel shares a core between sessions first, so the session needs weight too.
 */
static void raise_session(void)
{
    FILE *group = fopen("/proc/self/autogroup", "we");
    if (group != NULL) {
        fprintf(group, "%d", PRIORITY);
        fclose(group);
    }
}

/* Keeps other work of the machine off the clock, as far as we are allowed to. Real time is for
 * latency at partial load only: a core that is full of it starves everything else. */
static void raise_priority(bool realtime)
{
    const struct sched_param first = {.sched_priority = 1};
    if (!realtime || sched_setscheduler(0, SCHED_FIFO, &first) != 0) {
        setpriority(PRIO_PROCESS, 0, PRIORITY);
        raise_session();
    }
}

__attribute__((noreturn)) static void become(const struct bench_launch *launch)
{
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    bench_pin(launch->core);
    raise_priority(launch->realtime);
    int input = open("/dev/null", O_RDONLY);
    int output = open(launch->output_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (input < 0 || output < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 ||
        dup2(output, 2) < 0) {
        _exit(127);
    }
    if (launch->inherited_fd >= 0) {
        fcntl(launch->inherited_fd, F_SETFD, 0);
    }
    execvp(launch->arguments[0], launch->arguments);
    fprintf(stderr, "cannot start %s: %s\n", launch->arguments[0], strerror(errno));
    _exit(127);
}

/* Returns only when the child has become the program (or given up): the pipe closes on exec. So its
 * session exists, and nobody takes a process that is not yet there for one that is gone. */
pid_t bench_process_start(const struct bench_launch *launch)
{
    int begun[2];
    char nothing;
    fflush(NULL);
    if (pipe2(begun, O_CLOEXEC) != 0) {
        bench_fail("cannot make a pipe: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        become(launch);
    }
    close(begun[1]);
    while (pid > 0 && read(begun[0], &nothing, 1) < 0 && errno == EINTR) {
    }
    close(begun[0]);
    return pid;
}

/* Reads what of /proc/PID/stat we need. The name in parentheses may hold anything, so search for
 * its end from behind. Returns false when the process is gone, a zombie, or of another session. */
static bool read_member(pid_t pid, pid_t session, struct member *member)
{
    char path[64];
    char text[1024];
    char state = 0;
    int parent = 0;
    int found_session = 0;
    unsigned long long started = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    char *rest = strrchr(text, ')');
    if (rest == NULL ||
        sscanf(rest + 1,
               " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &state, &parent, &found_session, &started) != 4) {
        return false;
    }
    *member = (struct member){.pid = pid, .parent = parent, .started = started};
    return found_session == session && state != 'Z' && state != 'X';
}

static size_t list_session(pid_t session, struct member *members, size_t size)
{
    DIR *processes = opendir("/proc");
    size_t count = 0;
    struct dirent *entry;
    if (processes == NULL) {
        bench_fail("cannot read /proc: %s", strerror(errno));
    }
    while (count < size && (entry = readdir(processes)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0]) &&
            read_member((pid_t)atoi(entry->d_name), session, &members[count])) {
            count++;
        }
    }
    closedir(processes);
    return count;
}

size_t bench_session_members(pid_t session, pid_t *members, size_t size)
{
    static struct member found[BENCH_SESSION_PROCESSES_MAX];
    size_t count = list_session(session, found, BENCH_SESSION_PROCESSES_MAX);
    for (size_t i = 0; i < count && i < size; i++) {
        members[i] = found[i].pid;
    }
    return count < size ? count : size;
}

static bool has_parent_among(const struct member *member, const struct member *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (all[i].pid == member->parent) {
            return true;
        }
    }
    return false;
}

pid_t bench_session_root(pid_t session)
{
    static struct member found[BENCH_SESSION_PROCESSES_MAX];
    size_t count = list_session(session, found, BENCH_SESSION_PROCESSES_MAX);
    const struct member *root = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!has_parent_among(&found[i], found, count) &&
            (root == NULL || found[i].started > root->started)) {
            root = &found[i];
        }
    }
    return root == NULL ? 0 : root->pid;
}

uint64_t bench_session_cpu_ns(pid_t session)
{
    pid_t members[BENCH_SESSION_PROCESSES_MAX];
    size_t count = bench_session_members(session, members, BENCH_SESSION_PROCESSES_MAX);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        clockid_t clock;
        struct timespec used;
        /* The kernel's own account of run time: nanoseconds, all threads, ended ones too. */
        if (clock_getcpuclockid(members[i], &clock) == 0 && clock_gettime(clock, &used) == 0) {
            sum += (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
        }
    }
    return sum;
}

static void add_memory(pid_t pid, struct bench_memory *memory)
{
    char path[64];
    char line[256];
    unsigned long kib;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "Pss: %lu kB", &kib) == 1) {
            memory->resident += kib * 1024;
        } else if (sscanf(line, "Pss_Anon: %lu kB", &kib) == 1 ||
                   sscanf(line, "Pss_Shmem: %lu kB", &kib) == 1) {
            memory->own += kib * 1024;
        }
    }
    fclose(file);
}

struct bench_memory bench_session_memory(pid_t session)
{
    pid_t members[BENCH_SESSION_PROCESSES_MAX];
    size_t count = bench_session_members(session, members, BENCH_SESSION_PROCESSES_MAX);
    struct bench_memory memory = {0};
    for (size_t i = 0; i < count; i++) {
        add_memory(members[i], &memory);
    }
    return memory;
}

static size_t signal_session(pid_t session, int number)
{
    pid_t members[BENCH_SESSION_PROCESSES_MAX];
    size_t count = bench_session_members(session, members, BENCH_SESSION_PROCESSES_MAX);
    for (size_t i = 0; i < count && number != 0; i++) {
        kill(members[i], number);
    }
    return count;
}

void bench_session_end(pid_t session)
{
    struct timespec pause = {.tv_nsec = POLL_MS * 1000000};
    if (session <= 0) {
        return;
    }
    /* Not bench_sleep_ms(): after an interrupt the children deserve their time all the same. */
    signal_session(session, SIGTERM);
    for (int waited = 0; waited < END_PATIENCE_MS; waited += POLL_MS) {
        size_t left = signal_session(session, 0);
        bench_process_reap();
        if (left == 0) {
            return;
        }
        nanosleep(&pause, NULL);
    }
    while (signal_session(session, SIGKILL) > 0) {
        nanosleep(&pause, NULL);
        bench_process_reap();
    }
}
