/* Samples: the last few things that were worth a look, as short texts under a name, from all
 * threads of all processes, for the admin API.
 *
 * The memory is one shared mapping made before the worker processes are forked. Anybody may add one
 * at any time without waiting; the oldest is overwritten. Whoever reads sees each sample whole or
 * not at all.
 */
#ifndef RW_WATCH_SAMPLES_H
#define RW_WATCH_SAMPLES_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>

enum { RW_SAMPLES = 256, RW_SAMPLE_NAME_BYTES = 64, RW_SAMPLE_TEXT_BYTES = 416 };

struct rw_samples;

struct rw_sample {
    uint64_t wall_ns;
    uint32_t name_len, text_len;
    char name[RW_SAMPLE_NAME_BYTES];
    char text[RW_SAMPLE_TEXT_BYTES];
};

RW_MUST_CHECK enum rw_err rw_samples_create(struct rw_samples **samples);
/* Unmaps it in this process. NULL is fine. */
void rw_samples_destroy(struct rw_samples *samples);

/* Texts that are too long are cut, between characters of UTF-8. */
void rw_samples_add(struct rw_samples *samples, uint64_t wall_ns, struct rw_span name,
                    struct rw_span text);

/* The newest samples of this name, newest first, at most `room`; how many. */
unsigned rw_samples_read(struct rw_samples *samples, struct rw_span name, struct rw_sample *out,
                         unsigned room);

#endif
