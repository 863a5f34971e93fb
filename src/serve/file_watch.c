#include "base/log.h"
#include "serve/process.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Editors write a file in several steps: the reload waits until it has been quiet for so long. */
enum { QUIET_MS = 200 };

static void file_is_quiet(struct rw_timer *timer)
{
    struct rw_process *process = rw_container_of(timer, struct rw_process, file_timer);
    if (!process->draining && rw_process_load(process, RW_LOAD_FILES))
        return; /* told already */
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void on_change(struct rw_watch *watch, unsigned events)
{
    (void)events;
    struct rw_process *process = rw_container_of(watch, struct rw_process, file);
    union {
        struct inotify_event align;
        char bytes[4096 + NAME_MAX + 1];
    } buffer;
    const char *name = base_name(process->options.config_path);
    ssize_t got;
    bool ours = false;
    while ((got = read(watch->fd, buffer.bytes, sizeof(buffer.bytes))) > 0) {
        for (char *at = buffer.bytes; at < buffer.bytes + got;) {
            struct inotify_event *event = (struct inotify_event *)at;
            /* A Kubernetes config map is a link to a folder that is exchanged: "..data". What
             * editors keep beside the file begins with one dot. */
            ours |= event->len &&
                    (strcmp(event->name, name) == 0 || strncmp(event->name, "..", 2) == 0);
            at += sizeof(*event) + event->len;
        }
    }
    struct rw_loop *loop = process->control.loop;
    if (ours)
        rw_timer_start(loop, &process->file_timer, rw_loop_now_ms(loop) + QUIET_MS);
}

/* The folder is watched, since editors put a new file in the place of the old one. */
static void start(struct rw_process *process)
{
    const char *path = process->options.config_path;
    process->file = (struct rw_watch){.fd = -1, .events = RW_WATCH_READ, .ready = on_change};
    process->file_timer.fire = file_is_quiet;
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    bool works = fd >= 0 && inotify_add_watch(fd, slash ? folder : ".",
                                              IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE) >= 0;
    process->file.fd = fd;
    if (!works || rw_watch_start(process->control.loop, &process->file)) {
        rw_log_warn("config", "cannot watch %s for changes: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        process->file.fd = -1;
    }
}

void rw_file_watch_apply(struct rw_process *process)
{
    bool wanted = process->snapshot->config->watch_file;
    if (wanted && process->file.fd < 0)
        start(process);
    else if (!wanted)
        rw_file_watch_stop(process);
}

void rw_file_watch_stop(struct rw_process *process)
{
    rw_timer_stop(process->control.loop, &process->file_timer);
    if (process->file.fd < 0)
        return;
    rw_watch_stop(&process->file);
    close(process->file.fd);
    process->file.fd = -1;
}
