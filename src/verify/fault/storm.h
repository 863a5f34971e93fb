/* A storm of reloads: POST /reload to the gateway's admin listener, so many times a second, one
 * after the other, and how many were done. It uses the admin API and no signal, since only that
 * says what came of each. One thread, that of the loop.
 */
#ifndef RW_VERIFY_FAULT_STORM_H
#define RW_VERIFY_FAULT_STORM_H

#include "io/address.h"
#include "io/loop.h"

struct rw_storm;

enum { RW_STORM_PER_SECOND_MAX = 1000 };

/* RW_ENOMEM, RW_ELIMIT (per_second is 0 or too much). */
RW_MUST_CHECK enum rw_err rw_storm_open(struct rw_loop *loop, const struct rw_address *admin,
                                        uint32_t per_second, struct rw_storm **storm);
void rw_storm_close(struct rw_storm *storm, void (*closed)(void *user), void *user);

struct rw_storm_counts {
    uint64_t done;    /* answered with 200 */
    uint64_t refused; /* another status */
    uint64_t failed;  /* no answer */
};

void rw_storm_count(const struct rw_storm *storm, struct rw_storm_counts *counts);

#endif
