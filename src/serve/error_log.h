/* The file of the error log, which the supervisor opens and its worker processes inherit: under the
 * same number in all of them. */
#ifndef RW_SERVE_ERROR_LOG_H
#define RW_SERVE_ERROR_LOG_H

/* Negative: errno says why. */
int rw_error_log_open(const char *path);
/* Opens the file at the path anew and puts it under the same number, in this process. When that
 * fails, it is logged and the old file stays. `fd` -1: standard error, nothing to do. */
void rw_error_log_reopen(const char *path, int fd);

#endif
