#include "verify/attach.h"

#include "base/text.h"
#include "conf/file.h"
#include "verify/fault/guard.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SOCKETS_MAX = 256, CHILDREN_MAX = 256, DESCENT_MAX = 4, LISTENING = 0x0a };

/* Sockets that listen at a port, by their inodes. */
struct sockets {
    uint64_t inodes[SOCKETS_MAX];
    size_t count;
};

/* /proc/PID/net/tcp is that of the process's own network; proc_pid_net(5). */
static void find_sockets(pid_t pid, const char *table, unsigned port, struct sockets *sockets)
{
    char path[64], line[512];
    snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, table);
    FILE *file = fopen(path, "re");
    while (file && sockets->count < SOCKETS_MAX && fgets(line, sizeof(line), file)) {
        unsigned local_port, state;
        uint64_t inode;
        if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %" SCNu64,
                   &local_port, &state, &inode) == 3 &&
            state == LISTENING && local_port == port)
            sockets->inodes[sockets->count++] = inode;
    }
    if (file)
        fclose(file);
}

static bool is_one(const struct sockets *sockets, const char *link)
{
    uint64_t inode;
    if (sscanf(link, "socket:[%" SCNu64 "]", &inode) != 1)
        return false;
    for (size_t i = 0; i < sockets->count; i++)
        if (sockets->inodes[i] == inode)
            return true;
    return false;
}

static bool has_one(pid_t pid, const struct sockets *sockets)
{
    char path[320], link[64];
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && !found && (entry = readdir(directory));) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, entry->d_name);
        ssize_t len = readlink(path, link, sizeof(link) - 1);
        link[len > 0 ? len : 0] = '\0';
        found = is_one(sockets, link);
    }
    if (directory)
        closedir(directory);
    return found;
}

static bool descent_has_one(pid_t pid, const struct sockets *sockets, int depth)
{
    pid_t children[CHILDREN_MAX];
    bool found = has_one(pid, sockets);
    size_t count = depth < DESCENT_MAX ? rw_process_children(pid, children, CHILDREN_MAX) : 0;
    for (size_t i = 0; i < count && !found; i++)
        found = descent_has_one(children[i], sockets, depth + 1);
    return found;
}

/* The first line; what PostgreSQL writes behind it does not matter. */
static pid_t read_pid(const char *pid_file, char *why, size_t why_bytes)
{
    struct rw_text text = {0};
    enum rw_err err = rw_conf_slurp(pid_file, 4096, true, &text);
    long pid = !err && text.at ? strtol(text.at, NULL, 10) : 0;
    rw_text_free(&text);
    if (err)
        snprintf(why, why_bytes, "%s cannot be read: %s", pid_file, rw_err_text(err));
    else if (pid <= 1 || pid > INT32_MAX)
        snprintf(why, why_bytes, "%s has no process id", pid_file);
    return err || pid <= 1 || pid > INT32_MAX ? 0 : (pid_t)pid;
}

pid_t rw_attach(const char *pid_file, const struct rw_address *address, char *why, size_t why_bytes)
{
    struct sockets sockets = {.count = 0};
    unsigned port = rw_address_port(&address->storage);
    pid_t pid = read_pid(pid_file, why, why_bytes);
    if (!pid)
        return 0;
    find_sockets(pid, "tcp", port, &sockets);
    find_sockets(pid, "tcp6", port, &sockets);
    if (descent_has_one(pid, &sockets, 0))
        return pid;
    snprintf(why, why_bytes,
             "process %d of %s does not listen at port %u (or is not ours to look at): it is left "
             "alone",
             (int)pid, pid_file, port);
    return 0;
}
