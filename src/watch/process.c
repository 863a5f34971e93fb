#include "watch/process.h"

#include "watch/metrics.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 64, FILE_BYTES = 4096 };

static enum rw_err read_file(const char *path, char *to, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return rw_err_from_errno(errno);
    ssize_t len = read(fd, to, room - 1);
    int error = errno;
    close(fd);
    if (len < 0)
        return rw_err_from_errno(error);
    to[len] = '\0';
    return RW_OK;
}

/* Seconds since 1970 when the machine began to count ticks. */
static double boot_time(void)
{
    struct timespec wall, since_boot;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return (double)(wall.tv_sec - since_boot.tv_sec) +
           (double)(wall.tv_nsec - since_boot.tv_nsec) / 1e9;
}

/* proc(5), /proc/PID/stat: the command in brackets may hold anything, so count from the last one.
 */
static enum rw_err read_stat(const char *directory, struct rw_process_usage *usage)
{
    char path[PATH_BYTES], text[FILE_BYTES];
    snprintf(path, sizeof(path), "%s/stat", directory);
    enum rw_err err = read_file(path, text, sizeof(text));
    if (err)
        return err;
    const char *fields = strrchr(text, ')');
    uint64_t user, system, start;
    int64_t resident_pages;
    if (!fields || sscanf(fields + 1,
                          " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                          " %*d %*d %*d %*d %*d %*d %" SCNu64 " %*u %" SCNd64,
                          &user, &system, &start, &resident_pages) != 4)
        return RW_EPROTO;
    double tick = (double)sysconf(_SC_CLK_TCK);
    usage->cpu_seconds = (double)(user + system) / tick;
    usage->start_time_seconds = boot_time() + (double)start / tick;
    usage->resident_bytes = (uint64_t)resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return RW_OK;
}

static enum rw_err count_entries(const char *path, uint64_t *count)
{
    DIR *directory = opendir(path);
    if (!directory)
        return rw_err_from_errno(errno);
    *count = 0;
    const struct dirent *entry;
    while ((entry = readdir(directory)))
        *count += entry->d_name[0] != '.';
    closedir(directory);
    return RW_OK;
}

/* Since Linux 6.2 the size of the directory is their number; before, it is 0. */
static enum rw_err read_open_fds(const char *directory, uint64_t *count)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/fd", directory);
    struct stat info;
    if (stat(path, &info) != 0)
        return rw_err_from_errno(errno);
    *count = (uint64_t)info.st_size;
    return *count ? RW_OK : count_entries(path, count);
}

enum rw_err rw_process_read(pid_t pid, struct rw_process_usage *usage)
{
    char directory[PATH_BYTES / 2] = "/proc/self";
    if (pid)
        snprintf(directory, sizeof(directory), "/proc/%d", (int)pid);
    *usage = (struct rw_process_usage){0};
    enum rw_err err = read_stat(directory, usage);
    if (err)
        return err;
    err = read_open_fds(directory, &usage->open_fds);
    if (err)
        return err;
    struct rlimit limit;
    if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) != 0)
        return errno == ESRCH ? RW_ENOENT : rw_err_from_errno(errno);
    usage->max_fds = limit.rlim_cur;
    return RW_OK;
}

static void add_usage(struct rw_process_usage *sum, const struct rw_process_usage *one)
{
    sum->cpu_seconds += one->cpu_seconds;
    sum->resident_bytes += one->resident_bytes;
    sum->open_fds += one->open_fds;
    sum->max_fds += one->max_fds;
    if (sum->start_time_seconds == 0 || one->start_time_seconds < sum->start_time_seconds)
        sum->start_time_seconds = one->start_time_seconds;
}

void rw_process_expose(struct rw_text *text, const pid_t *pids, size_t count)
{
    static const pid_t self[] = {0};
    if (count == 0) {
        pids = self;
        count = 1;
    }
    struct rw_process_usage sum = {0}, one;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (rw_process_read(pids[i], &one))
            continue;
        add_usage(&sum, &one);
        any = true;
    }
    if (!any)
        return;
    rw_metrics_expose_counter(text, "process_cpu_seconds_total",
                              "User and system CPU time spent in seconds", sum.cpu_seconds);
    rw_metrics_expose_gauge(text, "process_resident_memory_bytes", "Resident memory size in bytes",
                            (double)sum.resident_bytes);
    rw_metrics_expose_gauge(text, "process_open_fds", "Number of open file descriptors",
                            (double)sum.open_fds);
    rw_metrics_expose_gauge(text, "process_max_fds", "Maximum number of open file descriptors",
                            (double)sum.max_fds);
    rw_metrics_expose_gauge(text, "process_start_time_seconds",
                            "Start time of the process since unix epoch in seconds",
                            sum.start_time_seconds);
}
