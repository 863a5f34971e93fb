/* Within the generator: what its parts have for each other.
 *
 * generator.c has the life of it, generator_connections.c opens and loses connections,
 * generator_calls.c counts requests from their sending to their end, generator_due.c gives each
 * request that is due to a connection, users.c has those who go through a script. All on the
 * generator's own thread.
 */
#ifndef RW_LOAD_GENERATOR_PARTS_H
#define RW_LOAD_GENERATOR_PARTS_H

#include "base/clock.h"
#include "load/generator.h"

/* ---- generator.c ---- */

/* The next of the requests, or of a script's scenarios, by their weights. */
static inline uint32_t rw_load_next_choice(struct rw_load_generator *generator)
{
    uint32_t choice = generator->choice[generator->cycle];
    generator->cycle = generator->cycle + 1 == generator->choice_count ? 0 : generator->cycle + 1;
    return choice;
}

static inline uint32_t rw_load_share(uint32_t whole, unsigned index, unsigned parts)
{
    return whole / parts + (index < whole % parts);
}

/* ---- generator_connections.c ---- */

void rw_load_open_more(struct rw_load_generator *generator);
/* Now and then: an address that does not answer gives way to the others. */
void rw_load_look_elsewhere(struct rw_load_generator *generator);
/* In the list of those that can take a request, or in that of the others. */
void rw_load_put_in(struct rw_load_connection *connection, bool is_free);
void rw_load_close_connections(struct rw_load_generator *generator);

/* ---- generator_calls.c ---- */

static inline bool rw_load_is_recorded(const struct rw_load_generator *generator, uint64_t due_ns)
{
    return due_ns >= generator->record_from_ns;
}

void rw_load_count_error(struct rw_load_generator *generator, uint64_t due_ns,
                         enum rw_load_error error);
/* The seconds that are over, for the rows. */
void rw_load_report_seconds(struct rw_load_generator *generator);
void rw_load_report_second(struct rw_load_generator *generator);
void rw_load_on_timeouts(struct rw_timer *timer);

/* ---- generator_due.c ---- */

/* A closed loop's users all begin, a schedule starts. */
void rw_load_begin_due(struct rw_load_generator *generator);
/* When the next is due; UINT64_MAX: nothing is. */
uint64_t rw_load_next_due(const struct rw_load_generator *generator);
/* Closed loop, without a script: whoever has been answered asks again. */
void rw_load_ask_again(struct rw_load_generator *generator);
/* What is due for longer than a request may take, and could not be sent, has failed. */
void rw_load_give_up_backlog(struct rw_load_generator *generator);
/* A closed loop that is over: what was to be asked next is not. */
void rw_load_forget_backlog(struct rw_load_generator *generator);
void rw_load_on_alarm(struct rw_watch *watch, unsigned events);
/* At the end of a turn: what waits goes to the connections that are free. */
void rw_load_serve(struct rw_later *later);

#endif
