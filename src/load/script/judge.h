/* Holds an answer against a step's checks, and keeps what it captures.
 *
 * A generator's thread: rw_load_answer_begin when a request leaves, _head once the head is there,
 * _body for each piece, _trailers, _judge when all is there. Fields are looked at in _head, since
 * their bytes are gone afterwards; the body is kept only for steps that look into it.
 */
#ifndef RW_LOAD_SCRIPT_JUDGE_H
#define RW_LOAD_SCRIPT_JUDGE_H

#include "http/message.h"
#include "load/script/script.h"

/* How often a check held and did not. */
struct rw_load_check_count {
    uint64_t held, missed;
};

struct rw_load_answer {
    struct rw_text body;
    uint16_t status;
    bool good;
    int grpc_status; /* -1: none was there */
};

void rw_load_answer_begin(struct rw_load_answer *answer);
void rw_load_answer_free(struct rw_load_answer *answer);

/* `captures` are the user's, `counts` (NULL: it is not counted) the thread's, of all checks. */
void rw_load_answer_head(struct rw_load_answer *answer, const struct rw_load_step *step,
                         const struct rw_message *message, const struct rw_load_values *values,
                         struct rw_text *captures, struct rw_load_check_count *counts);
void rw_load_answer_body(struct rw_load_answer *answer, const struct rw_load_step *step,
                         struct rw_span bytes);
/* "Name: value\r\n" lines behind the body. */
void rw_load_answer_trailers(struct rw_load_answer *answer, struct rw_span lines);
/* A message that came is whole: is it the one that the step waits for? If not it is forgotten, and
 * the next one begins. */
bool rw_load_answer_is_awaited(struct rw_load_answer *answer, const struct rw_load_step *step,
                               const struct rw_load_values *values);
/* All of it is there: is it as it is to be? */
bool rw_load_answer_judge(struct rw_load_answer *answer, const struct rw_load_step *step,
                          uint64_t latency_ns, const struct rw_load_values *values,
                          struct rw_text *captures, struct rw_load_check_count *counts);

#endif
