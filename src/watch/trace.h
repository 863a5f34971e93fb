/* W3C Trace Context (https://www.w3.org/TR/trace-context/): a valid traceparent is kept, else one
 * is begun. On the worker thread, once a request. */
#ifndef RW_WATCH_TRACE_H
#define RW_WATCH_TRACE_H

#include "base/random.h"
#include "base/span.h"

enum { RW_TRACEPARENT_BYTES = 55, RW_TRACE_ID_BYTES = 32 };

/* Version 00 strictly; a higher version by its first four fields (ff is invalid); all-zero ids are
 * invalid, upper-case digits too (section 3.2.2). */
bool rw_traceparent_valid(struct rw_span value);

/* A new sampled one: RW_TRACEPARENT_BYTES at `to`. */
void rw_traceparent_begin(char *to, struct rw_random *random);

/* The trace id inside a valid traceparent. */
struct rw_span rw_traceparent_trace_id(struct rw_span traceparent);

#endif
