/* The clock of a gateway under test: a small library that verify brings along, and preloads into
 * the gateway that it starts (docs/decisions/0007-faults-from-outside.md).
 *
 * rw_clock_shim_open makes it; rw_clock_shim_arguments says what stands before the gateway's
 * command line; rw_clock_shim_step moves that program's wall clock, and rw_clock_shim_seen tells
 * whether it has looked at it since. Verify's thread and the fault thread.
 */
#ifndef RW_VERIFY_FAULT_CLOCK_SHIM_H
#define RW_VERIFY_FAULT_CLOCK_SHIM_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct rw_clock_state;

enum { RW_CLOCK_SHIM_ARGUMENTS = 3, RW_CLOCK_SHIM_TEXT_BYTES = 64 };

struct rw_clock_shim {
    struct rw_clock_state *state;
    int library_fd, state_fd; /* memory; programs that are started inherit both */
    char texts[RW_CLOCK_SHIM_ARGUMENTS][RW_CLOCK_SHIM_TEXT_BYTES];
};

/* RW_EIO, RW_ENOMEM, RW_ELIMIT. */
RW_MUST_CHECK enum rw_err rw_clock_shim_open(struct rw_clock_shim *shim);
void rw_clock_shim_close(struct rw_clock_shim *shim);

/* Puts RW_CLOCK_SHIM_ARGUMENTS texts of the shim's own to `arguments`: env(1) and two variables. */
void rw_clock_shim_arguments(struct rw_clock_shim *shim, char **arguments);

/* 0: the true time again. */
void rw_clock_shim_step(struct rw_clock_shim *shim, int64_t step_ms);
/* It was given a time that is moved as it is now. */
bool rw_clock_shim_seen(const struct rw_clock_shim *shim);

#endif
