/* The supervisor's state. Private to serve/. */
#ifndef RW_SERVE_SUPERVISOR_H
#define RW_SERVE_SUPERVISOR_H

#include "conf/kept.h"
#include "conf/schema.h"
#include "io/loop.h"
#include "serve/serve.h"
#include "serve/shared.h"
#include "serve/sockets.h"

#include <sys/types.h>

/* Those of a program that is upgraded often drain for long. */
enum { RW_SUPERVISOR_OLD_MAX = 8 * RW_SERVE_PROCESSES_MAX };

struct rw_child {
    unsigned index;
    pid_t pid;   /* 0: none now */
    int channel; /* -1: none */
    bool ready;
    uint64_t started_ms;
    uint64_t restart_ms; /* with pid 0: not before */
    unsigned backoff_ms;
    unsigned failed_starts; /* in a row: it died before it was ready */
};

struct rw_supervisor {
    struct rw_serve_options options;
    unsigned processes, threads, series_max, limit_keys_max;
    enum rw_loop_backend backend;
    uint32_t drain_ms_max;
    struct rw_child children[RW_SERVE_PROCESSES_MAX];
    struct rw_sockets sockets;
    struct rw_shared shared;
    struct rw_kept kept;   /* the files of the configuration in force; nothing yet at the start */
    struct rw_kept coming; /* those that will be, as far as they have come */
    int known_fd;          /* what the first process has learned; -1: nothing yet */
    bool start_kept; /* after an upgrade: those on disk have turned bad since it was agreed to */
    pid_t old[RW_SUPERVISOR_OLD_MAX]; /* worker processes of the programs before an upgrade */
    unsigned old_count;
    pid_t check_pid;       /* the new program checks the configuration; not above 0: none does */
    uint64_t check_end_ms; /* at the latest */
    bool check_agreed;
    int signal_fd;
    int log_fd; /* -1: the error log is standard error */
    char *log_path;
    char *quota_file; /* NULL: none */
    struct rw_conf_place quota_file_place;
    bool ready_once; /* all processes have been ready */
    bool stopping;
    uint64_t retire_at_ms; /* 0: no socket waits to be closed */
    uint64_t kill_at_ms;
    int exit_code;
};

#endif
