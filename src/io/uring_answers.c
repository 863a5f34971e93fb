/* What has begun is finished before more begins.
 *
 * The kernel tells what has come in the order in which it came, some twenty at a time. Under load
 * an answer so waits behind the requests of all other clients, which are begun meanwhile: with 512
 * connections each request was under way for half of the round, and what is needed to answer it had
 * left the caches. So the connections that the loop has made have a ring of their own, which is
 * heard first. Fewer requests are under way at once, over fewer connections to the origins, for the
 * same number a second.
 */
#include "io/uring_private.h"

enum {
    SUBMISSIONS = 512,
    COMPLETIONS = 4096,
    SLOTS = 4096,
    LENT_BUFFERS_FIRST = 8,
    LENT_BUFFERS_MAX = 256,
    MANY = 16, /* events at once: there may be more, since the kernel hands out 20 unasked */
    ROW_MAX = 4,
};

void rw_uring_answers_open(struct rw_loop *loop)
{
    const struct uring_bank_options options = {.submissions = SUBMISSIONS,
                                               .completions = COMPLETIONS,
                                               .slots = SLOTS,
                                               .buffers = LENT_BUFFERS_MAX,
                                               .buffers_first = LENT_BUFFERS_FIRST};
    struct uring_state *state = loop->state;
    if (rw_uring_banks_add(loop, &options) == RW_OK)
        state->answers.bank = state->count - 1;
}

struct io_uring *rw_uring_answers_enter(struct uring_state *state)
{
    if (!state->answers.bank || !rw_uring_bank_run(state->banks[state->answers.bank]))
        return NULL;
    return &state->banks[state->answers.bank]->ring;
}

bool rw_uring_answers_more(struct uring_state *state, size_t events)
{
    if (events >= MANY && ++state->answers.row < ROW_MAX)
        return true;
    state->answers.row = 0;
    return false;
}
