/* What the files of policy/mirror share; nobody else includes this. */
#ifndef RW_POLICY_MIRROR_MIRROR_PRIVATE_H
#define RW_POLICY_MIRROR_MIRROR_PRIVATE_H

#include "gate/exchange/filter.h"
#include "gate/snapshot.h"
#include "gate/worker.h"
#include "policy/mirror/json_tree.h"
#include "policy/mirror/mirror.h"
#include "watch/samples.h"

enum { RW_MIRROR_FIELDS_MAX = 32, RW_MIRROR_IGNORED_MAX = 32, RW_MIRROR_SAMPLES_SHOWN = 20 };

/* ---- As the user writes it ---- */

struct rw_mirror_compare_config {
    struct rw_conf_list fields; /* of text */
    struct rw_conf_list ignore; /* of text: JSON Pointers */
    uint64_t body_bytes_max;
    struct rw_conf_place place;
};

struct rw_mirror_config {
    struct rw_span upstream;
    struct rw_span share_text;
    double share; /* of the text: 1 is 100% */
    uint64_t body_bytes_max;
    uint32_t requests_max; /* at once, of a thread */
    uint32_t timeout_ms;
    struct rw_mirror_compare_config *compare; /* NULL: nothing is compared */
    struct rw_conf_place place;
};

extern const struct rw_conf_record rw_mirror_record;

/* ---- As it works ---- */

struct rw_mirror {
    const struct rw_mirror_config *config;
    struct rw_route shadow_route; /* the exchange's: to the shadow */
    struct rw_span route;         /* name of the client's */
    unsigned series, result_series;
    struct rw_samples *samples; /* NULL: none are kept */
};

/* mirror_config.c */
enum rw_err rw_mirror_compile(struct rw_compile *compile, const void *value, void **instance);

enum { RW_MIRROR_CLIENT, RW_MIRROR_SHADOW, RW_MIRROR_SIDES };

/* What one side answered, as far as it is compared. */
struct rw_mirror_answer {
    bool whole; /* all of it has come */
    bool lost;  /* it will not come, or says nothing */
    bool over;  /* the body is longer than what is kept */
    uint16_t status;
    struct rw_span type, coding;                 /* Content-Type, Content-Encoding */
    struct rw_span fields[RW_MIRROR_FIELDS_MAX]; /* those that are compared; at NULL: not there */
    struct rw_text body;
};

struct rw_mirror_tap {
    struct rw_filter filter;
    struct rw_mirror_job *job;
    bool installed;
};

/* Of the worker. */
struct rw_mirror_store {
    struct rw_worker_store store;
    struct rw_list jobs;
    unsigned count;
    uint64_t ids;
    bool closed;
};

/* One request that is mirrored. */
struct rw_mirror_job {
    struct rw_list link; /* in the store */
    struct rw_mirror_store *store;
    struct rw_worker *worker;
    struct rw_snapshot *snapshot; /* pinned */
    const struct rw_mirror *mirror;
    uint64_t id;
    struct rw_exchange *shadow; /* until it has finished */
    struct rw_exchange *dead;   /* finished, not freed yet */
    struct rw_mirror_tap request_tap, response_tap;
    struct rw_text request_body;
    struct rw_mirror_answer answers[RW_MIRROR_SIDES];
    struct rw_timer timer;
    struct rw_later later;
    struct rw_arena arena;
    uint64_t swallowed_bytes; /* of the shadow's body */
    bool request_whole;
    bool begun;     /* the shadow's exchange */
    bool answered;  /* all of its answer is here: tell it */
    bool cut;       /* it is to end */
    bool abandoned; /* nothing is to be counted: the request was never whole */
    struct rw_span method, path;
};

/* mirror_job.c */

/* The store of the worker; NULL: no memory. */
struct rw_mirror_store *rw_mirror_store(struct rw_worker *worker);
/* A job with a copy of the request; NULL: there is no room for one more. */
struct rw_mirror_job *rw_mirror_job_create(struct rw_mirror_store *store,
                                           const struct rw_mirror *mirror, struct rw_exchange *x);
/* NULL: it has ended already. */
struct rw_mirror_job *rw_mirror_job_find(const struct rw_mirror_store *store, uint64_t id);
/* Something has changed: it is looked at, at the end of the turn. */
void rw_mirror_job_wake(struct rw_mirror_job *job);
/* The copy will not be sent: `result` says why. */
void rw_mirror_job_give_up(struct rw_mirror_job *job, enum rw_mirror_result result);
void rw_mirror_count(const struct rw_mirror *mirror, struct rw_worker *worker,
                     enum rw_mirror_result result);

/* mirror_send.c */

/* The exchange that will carry the copy, not begun; NULL: no memory. */
struct rw_exchange *rw_mirror_copy(struct rw_mirror_job *job, const struct rw_exchange *x);
void rw_mirror_begin(struct rw_mirror_job *job);

/* mirror_answer.c */

/* The head, of which only what is compared is kept. */
void rw_mirror_take_head(struct rw_mirror_job *job, unsigned side, const struct rw_message *head);
void rw_mirror_take_body(struct rw_mirror_job *job, unsigned side, struct rw_span bytes);
/* Compares both answers, counts, and keeps a sample of what differs. */
void rw_mirror_judge(struct rw_mirror_job *job);

/* mirror_describe.c: the mirrors of a configuration one after the other; NULL: there is no further
 * one. `at` begins as 0 and is moved on. */
const struct rw_mirror *rw_mirror_next(const struct rw_snapshot *snapshot, uint64_t *at);

/* mirror_tap.c */

/* Neither fails the exchange: RW_ENOMEM means that it is not tapped. */
RW_MUST_CHECK enum rw_err rw_mirror_tap_request(struct rw_mirror_job *job, struct rw_exchange *x);
RW_MUST_CHECK enum rw_err rw_mirror_tap_response(struct rw_mirror_job *job, struct rw_exchange *x);

#endif
