#include "verify/process.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_US = 2000, LAST_WORDS_BYTES = 2000, DESCENT_MAX = 8 };

/* In the child. Its own group, so that an interrupt at the terminal reaches only us, and we end it
 * in good order. */
_Noreturn static void become(char *const *arguments, int log, pid_t parent)
{
    int nothing = open("/dev/null", O_RDWR);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || nothing < 0)
        _exit(127);
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO); /* an access log may go there: without end */
    dup2(log, STDERR_FILENO);
    execvp(arguments[0], arguments);
    fprintf(stderr, "%s cannot be started: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

enum rw_err rw_process_start(struct rw_process *process, const char *name, char *const *arguments)
{
    *process = (struct rw_process){.name = name, .log = -1};
    process->log = memfd_create("ringway-verify-log", MFD_CLOEXEC);
    if (process->log < 0)
        return RW_EIO;
    fcntl(process->log, F_SETFL, O_APPEND);
    pid_t parent = getpid();
    process->pid = fork();
    if (process->pid == 0)
        become(arguments, process->log, parent);
    if (process->pid > 0)
        return RW_OK;
    rw_process_close(process);
    return RW_ELIMIT;
}

bool rw_process_runs(struct rw_process *process)
{
    if (process->pid <= 0)
        return false;
    if (waitpid(process->pid, &process->status, WNOHANG) == 0)
        return true;
    process->pid = 0;
    return false;
}

void rw_process_stop(struct rw_process *process, uint32_t patience_ms)
{
    if (!rw_process_runs(process))
        return;
    uint64_t end_ns = rw_clock_monotonic_ns() + patience_ms * RW_NS_PER_MS;
    kill(process->pid, SIGCONT);
    kill(process->pid, SIGTERM);
    while (rw_process_runs(process) && rw_clock_monotonic_ns() < end_ns)
        usleep(LOOK_US);
    if (!process->pid)
        return;
    kill(-process->pid, SIGKILL); /* its group: children that it has not taken along */
    waitpid(process->pid, &process->status, 0);
    process->pid = 0;
}

void rw_process_forget(struct rw_process *process)
{
    (void)rw_process_runs(process); /* so that one that has ended is gone */
    if (process->log >= 0)
        close(process->log);
    process->log = -1;
    process->pid = 0;
}

void rw_process_close(struct rw_process *process)
{
    rw_process_stop(process, 0);
    rw_process_forget(process);
}

static void add_shown(const struct rw_process *process, struct rw_span words, struct rw_text *text)
{
    size_t len = process->file ? strlen(process->file) : 0;
    const char *found;
    while (len && (found = memmem(words.at, words.len, process->file, len))) {
        size_t before = (size_t)(found - words.at);
        rw_text_add(text, rw_span(words.at, before));
        rw_text_adds(text, process->file_shown);
        words = rw_span_skip(words, before + len);
    }
    rw_text_add(text, words);
}

void rw_process_last_words(const struct rw_process *process, struct rw_text *text)
{
    char words[LAST_WORDS_BYTES];
    struct stat log;
    if (process->log < 0 || fstat(process->log, &log) != 0)
        return;
    off_t from = log.st_size > LAST_WORDS_BYTES ? log.st_size - LAST_WORDS_BYTES : 0;
    ssize_t length = pread(process->log, words, sizeof(words), from);
    if (length <= 0)
        return;
    struct rw_span said = rw_span(words, (size_t)length);
    ptrdiff_t line = from ? rw_span_find(said, '\n') : -1;
    add_shown(process, rw_span_skip(said, (size_t)(line + 1)), text);
    if (words[length - 1] != '\n')
        rw_text_adds(text, "\n");
}

/* ---- Processor time ---- */

/* utime, stime, cutime, cstime: fields 14 to 17 of proc(5), counted behind the name's bracket. */
static double own_ticks(pid_t pid)
{
    char path[64], line[1024];
    unsigned long long user, kernel;
    long long waited_user, waited_kernel;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(line, 1, sizeof(line) - 1, file) : 0;
    if (file)
        fclose(file);
    line[length] = '\0';
    const char *behind = strrchr(line, ')');
    if (!behind ||
        sscanf(behind + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld",
               &user, &kernel, &waited_user, &waited_kernel) != 4)
        return NAN;
    return (double)user + (double)kernel + (double)waited_user + (double)waited_kernel;
}

static double ticks_below(pid_t pid, int depth);

static double ticks_of_children(pid_t pid, const char *task, int depth)
{
    char path[320];
    double sum = 0;
    int child;
    snprintf(path, sizeof(path), "/proc/%d/task/%s/children", pid, task);
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%d", &child) == 1)
        sum += ticks_below(child, depth + 1);
    if (file)
        fclose(file);
    return sum;
}

static double ticks_below(pid_t pid, int depth)
{
    char path[64];
    double sum = own_ticks(pid);
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *tasks = depth < DESCENT_MAX ? opendir(path) : NULL;
    for (struct dirent *task; tasks && (task = readdir(tasks));)
        if (task->d_name[0] != '.')
            sum += ticks_of_children(pid, task->d_name, depth);
    if (tasks)
        closedir(tasks);
    return isnan(sum) && depth ? 0 : sum; /* a child may just have ended */
}

double rw_process_cpu_seconds(pid_t pid)
{
    return ticks_below(pid, 0) / (double)sysconf(_SC_CLK_TCK);
}
