#include "serve/error_log.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* O_NONBLOCK: neither opening a named pipe nor writing to it waits for a reader. */
int rw_error_log_open(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

void rw_error_log_reopen(const char *path, int fd)
{
    if (fd < 0)
        return;
    int again = rw_error_log_open(path);
    if (again < 0) {
        rw_log_error("serve", "error_log: %s: %s; the old file stays", path, strerror(errno));
        return;
    }
    if (dup3(again, fd, O_CLOEXEC) < 0)
        rw_log_error("serve", "error_log: %s: %s; the old file stays", path, strerror(errno));
    close(again);
}
