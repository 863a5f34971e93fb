/* Waiting for what another thread or process brings about: with much patience, since machines are
 * busy, and never longer than needed. Include it after cmocka.h. */
#ifndef RW_TESTS_SUPPORT_EVENTUALLY_H
#define RW_TESTS_SUPPORT_EVENTUALLY_H

#include "base/clock.h"

#include <unistd.h>

enum { EVENTUALLY_MS_MAX = 30000 };

#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        uint64_t give_up_ns_ = rw_clock_monotonic_ns() + EVENTUALLY_MS_MAX * RW_NS_PER_MS;         \
        while (!(condition)) {                                                                     \
            if (rw_clock_monotonic_ns() > give_up_ns_)                                             \
                fail_msg("waited in vain for " #condition);                                        \
            usleep(2000);                                                                          \
        }                                                                                          \
    } while (0)

#endif
