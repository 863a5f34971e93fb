/* What is generated from the list of steps. */
#include "gate/exchange/steps.h"

#include "gate/exchange/exchange_private.h"

const unsigned rw_step_moves[RW_STEP_COUNT] = {
#define RW_STEP_MOVES(name, moves, doc) [RW_STEP_##name] = (moves),
    RW_STEPS(RW_STEP_MOVES)
#undef RW_STEP_MOVES
};

const char *rw_step_name(enum rw_step step)
{
    static const char *const names[] = {
#define RW_STEP_NAME(name, moves, doc) #name,
        RW_STEPS(RW_STEP_NAME)
#undef RW_STEP_NAME
    };
    return names[step];
}

void rw_steps_manual(struct rw_text *text)
{
    static const char *const docs[] = {
#define RW_STEP_DOC(name, moves, doc) (doc),
        RW_STEPS(RW_STEP_DOC)
#undef RW_STEP_DOC
    };
    rw_text_adds(text,
                 "# The steps of an exchange\n\n"
                 "Generated from src/gate/exchange/steps.h by `ringway schema --format steps`; "
                 "driven by the loop in src/gate/exchange/exchange.c.\n\n"
                 "| step | what happens | may be followed by |\n|---|---|---|\n");
    for (unsigned step = 0; step < RW_STEP_COUNT; step++) {
        rw_text_addf(text, "| %s | %s |", rw_step_name(step), docs[step]);
        for (unsigned next = 0; next < RW_STEP_COUNT; next++)
            if (rw_step_moves[step] & (1u << next))
                rw_text_addf(text, " %s", rw_step_name(next));
        rw_text_adds(text, " |\n");
    }
}
