/* The virtual users of one thread: each goes through a scenario of the script, step by step.
 *
 * The generator's own code is the caller. An arrival of the schedule is a user that begins
 * (rw_load_users_arrive); in a closed loop so many begin with the run and begin anew when they are
 * through. What a user has to send is due at once or after it has thought; while no connection is
 * free it waits in `waiting`, oldest first. A connection that takes it has its request written
 * (rw_load_user_write), tells what comes (rw_load_user_head, _body), and ends with the judgement
 * (rw_load_user_judge) and the next step (rw_load_user_go_on).
 */
#ifndef RW_LOAD_USERS_H
#define RW_LOAD_USERS_H

#include "base/list.h"
#include "base/random.h"
#include "base/slab.h"
#include "io/loop.h"
#include "load/script/judge.h"
#include "load/settings.h"
#include "load/tally.h"

struct rw_load_generator;
struct rw_load_socket;

struct rw_load_user {
    struct rw_list link; /* of those that wait for a connection */
    struct rw_list all;
    struct rw_timer timer; /* thinks */
    struct rw_load_generator *generator;
    const struct rw_load_scenario *scenario;
    unsigned step;
    unsigned round;   /* of a step that is repeated */
    bool calling;     /* its request is under way */
    uint64_t due_ns;  /* what it sends next, or has sent */
    uint64_t slot_ns; /* of a step with `every`: when this round's turn was */
    uint64_t iteration;
    struct rw_load_socket *socket; /* that it has opened; NULL: none, or it has gone */
    struct rw_load_answer answer;
    const struct rw_span *rows[RW_LOAD_DATA_MAX];
    struct rw_text captures[]; /* as many as any scenario has */
};

struct rw_load_users {
    struct rw_slab slab;
    struct rw_list waiting, speaking, all; /* the second: to their own WebSockets */
    unsigned captures;                     /* of each user */
    uint64_t begun;                        /* iterations */
    uint64_t drawn[RW_LOAD_DATA_MAX];
    bool exhausted; /* rows that are to be used once are used up: nobody new begins */
    struct rw_random random;
    char *text;                            /* what was written last: its target, fields, body */
    struct rw_load_request written;        /* points into it */
    const struct rw_load_request *request; /* what rw_load_user_write has made */
};

RW_MUST_CHECK enum rw_err rw_load_users_open(struct rw_load_generator *generator);
void rw_load_users_close(struct rw_load_generator *generator);

/* Closed loop: those of this thread begin. */
void rw_load_users_begin(struct rw_load_generator *generator);
/* A user whose first request is due now; NULL: rows are used up, or memory is, which is counted. */
struct rw_load_user *rw_load_users_arrive(struct rw_load_generator *generator, uint64_t due_ns);
/* Now and then: who has waited for too long gives up; at the end of the run all do. */
void rw_load_users_look(struct rw_load_generator *generator);
bool rw_load_users_gone(const struct rw_load_generator *generator);

/* What it sends now, at users.request, until the next call. False: its values make no request; the
 * user has been told to go on without. */
bool rw_load_user_write(struct rw_load_user *user);
void rw_load_user_head(struct rw_load_user *user, const struct rw_message *message);
void rw_load_user_body(struct rw_load_user *user, struct rw_span bytes);
static inline void rw_load_user_trailers(struct rw_load_user *user, struct rw_span lines)
{
    rw_load_answer_trailers(&user->answer, lines);
}
/* Is the message that came the one that its step waits for? If not it is forgotten. */
bool rw_load_user_hears(struct rw_load_user *user);
bool rw_load_user_judge(struct rw_load_user *user, uint64_t latency_ns);

enum rw_load_outcome {
    RW_LOAD_GOOD,
    RW_LOAD_BAD, /* answered, and not as it is to be */
    RW_LOAD_LOST /* not answered, or not sent */
};

/* To the next step, another iteration, or away: `user` may be gone afterwards. */
void rw_load_user_go_on(struct rw_load_user *user, enum rw_load_outcome outcome);

/* Its WebSocket has ended though it was not through. */
void rw_load_user_deserted(struct rw_load_user *user, enum rw_load_error why);

static inline const struct rw_load_step *rw_load_user_step(const struct rw_load_user *user)
{
    return &user->scenario->steps[user->step];
}

#endif
