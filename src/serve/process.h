/* A worker process, seen from its control thread. Private to serve/.
 *
 *   process.c     start, signals, drain, end
 *   threads.c     the worker threads, and visits to all of them
 *   reload.c      configuration text -> snapshot -> published to the threads
 *   process_sockets.c  listening sockets: had from the supervisor, given back to it
 *   admin_host.c  what the admin API shows and does
 *   file_watch.c  reload when the file changes
 *   banner.c      what is said at the start
 */
#ifndef RW_SERVE_PROCESS_H
#define RW_SERVE_PROCESS_H

#include "admin/admin.h"
#include "conf/kept.h"
#include "gate/document/document.h"
#include "gate/known/known.h"
#include "gate/limit/share.h"
#include "gate/release/rollout.h"
#include "gate/worker.h"
#include "serve/shared.h"

#include <pthread.h>

struct rw_process_options {
    const char *config_path;
    const struct rw_shared *shared;
    int channel;
    unsigned index, processes;
    unsigned threads;
    enum rw_loop_backend backend;
    const char *error_log_path;
    int error_log_fd;    /* -1: standard error */
    bool again;          /* another one died, or the one before: nothing is said at the start */
    struct rw_kept kept; /* what to start with; nothing is stored: with the files as they are */
    int known_fd;        /* what others had learned; -1: nothing */
};

struct rw_thread {
    struct rw_process *process;
    pthread_t id;
    struct rw_worker worker;
    unsigned index;
    bool started;
    enum rw_err err; /* of its start */
};

/* Listening sockets of one address, one per thread. */
struct rw_process_sockets {
    struct rw_list link;
    bool wanted;       /* by the configuration being compiled */
    uint64_t close_ms; /* retired: accepting ends then */
    unsigned count;
    int fds[RW_SERVE_THREADS_MAX];
    char address[];
};

struct rw_process {
    struct rw_process_options options;
    struct rw_worker control; /* its loop is the control thread's; it serves the admin listener */
    struct rw_thread *threads;
    struct rw_worker **peers;
    unsigned running;            /* threads whose loop has been created */
    _Atomic unsigned closed;     /* threads whose worker has closed at the end */
    _Atomic size_t beyond_count; /* of all workers: see gate/worker.h */
    struct rw_clusters *clusters;
    struct rw_shares *shares;
    struct rw_rollouts *rollouts; /* NULL: another process decides */
    struct rw_documents *documents;
    struct rw_known *known;
    struct rw_access_log *access;
    struct rw_config_access_log access_config; /* of `access` */
    struct rw_list sockets;                    /* rw_process_sockets */
    struct rw_list retired;                    /* ... that no configuration wants any more */
    struct rw_snapshot *snapshot;              /* in force; a reference */
    struct rw_snapshot *admin;                 /* of the control worker */
    uint64_t generation;
    struct rw_text config_text; /* in force */
    struct rw_kept kept;        /* the files that it was made of; nothing: no memory for them */
    struct rw_text last_error;  /* of the last reload that was refused; empty after a good one */
    uint64_t loaded_wall_ns;
    unsigned snapshots_alive; /* not yet destroyed */
    bool ready, draining;
    bool replaced;    /* the supervisor that made it has gone, or is another program now */
    unsigned drained; /* threads */
    int exit_code;
    int signal_fd;
    int supervisor;    /* its process id */
    uint32_t requests; /* to it, of sockets: the serial of the last */
    struct rw_watch signals, channel, file;
    struct rw_timer file_timer, sweep_timer, ticket_timer, orphan_timer, document_timer,
        retire_timer;
    struct rw_admin_host admin_host;
};

/* Never returns before the process is done; the exit code. */
int rw_process_run(const struct rw_process_options *options);

void rw_process_drain(struct rw_process *process);

/* threads.c */
RW_MUST_CHECK enum rw_err rw_threads_start(struct rw_process *process,
                                           enum rw_loop_backend backend);
void rw_threads_stop(struct rw_process *process);
/* Runs `visit` on each worker thread, then `done` (may be NULL) on the control thread. RW_ENOMEM:
 * nothing happened. */
RW_MUST_CHECK enum rw_err rw_threads_visit(struct rw_process *process,
                                           void (*visit)(struct rw_thread *thread, void *arg),
                                           void (*done)(struct rw_process *process, void *arg),
                                           void *arg);

enum rw_process_load_from {
    RW_LOAD_FILES, /* the configuration, and what it names, are read */
    RW_LOAD_NAMED, /* the configuration in force; what it names is read */
    RW_LOAD_KEPT,  /* all as it is in force */
};

/* reload.c: loads a configuration, compiles it and puts it into force. On error the old one stays,
 * and process->last_error says why. */
RW_MUST_CHECK enum rw_err rw_process_load(struct rw_process *process,
                                          enum rw_process_load_from from);

/* process_sockets.c */
/* Those for all listeners of both (`admin` may be NULL) into their settings. All that cannot be had
 * are told at once. */
RW_MUST_CHECK enum rw_err rw_process_want_sockets(struct rw_process *process,
                                                  struct rw_snapshot *snapshot,
                                                  struct rw_snapshot *admin,
                                                  struct rw_conf_report *report);
/* The threads have adopted that configuration. They accept what is on its way to the sockets that
 * only the one before had; soon these are closed. */
void rw_process_retire_sockets(struct rw_process *process);
/* It is refused: sockets that only it has would take connections that nobody accepts. */
void rw_process_refuse_sockets(struct rw_process *process);
/* All are closed, nobody accepts any more. The loop lives still. */
void rw_process_forget_sockets(struct rw_process *process);
/* Sockets that nobody waits for any more. */
void rw_process_drop_answer(const int *fds, unsigned count);

/* admin_host.c */
void rw_process_init_admin(struct rw_process *process);
/* Compiles the admin listener of this configuration for the control worker; NULL when it has none.
 */
RW_MUST_CHECK enum rw_err rw_process_make_admin(struct rw_process *process,
                                                const struct rw_config *config,
                                                struct rw_conf_report *report,
                                                struct rw_snapshot **snapshot);

/* file_watch.c: watches the file or not, as the configuration in force says. */
void rw_file_watch_apply(struct rw_process *process);
void rw_file_watch_stop(struct rw_process *process);

/* banner.c */
void rw_banner(const struct rw_process *process);

/* Releases a snapshot on the control thread: rw_snapshot.release. */
void rw_process_adopt_release(struct rw_process *process, struct rw_snapshot *snapshot);

#endif
