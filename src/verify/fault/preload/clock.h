/* What verify and the library that it preloads share: one page, mapped by both. */
#ifndef RW_VERIFY_FAULT_PRELOAD_CLOCK_H
#define RW_VERIFY_FAULT_PRELOAD_CLOCK_H

#include <stdatomic.h>

/* Names the file to map. */
#define RW_CLOCK_VARIABLE "RINGWAY_VERIFY_CLOCK"

struct rw_clock_state {
    _Atomic long long offset_ns; /* verify's: what the wall clock is moved by */
    _Atomic long long seen_ns;   /* the program's: the last one that it was given a time with */
};

#endif
