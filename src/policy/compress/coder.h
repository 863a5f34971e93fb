/* Encoders of content codings, kept by each worker from one response to the next: to make one anew
 * costs more than to compress a page.
 *
 * A filter takes one (rw_coder_take), runs it over the pieces of one body, and gives it back in
 * whatever state it is. What the libraries allocate goes through base/alloc.h and is counted; what
 * is kept unused is bounded, and freed when the worker rests. The worker's thread only.
 */
#ifndef RW_POLICY_COMPRESS_CODER_H
#define RW_POLICY_COMPRESS_CODER_H

#include "io/buf.h"
#include "policy/compress/accept.h"

struct rw_coder;
struct rw_worker;

enum rw_coder_flush {
    RW_CODER_GATHER, /* output comes when it is worth it */
    RW_CODER_FLUSH,  /* all that went in comes out, and the stream goes on */
    RW_CODER_END
};

enum rw_coder_outcome {
    RW_CODER_DONE, /* all input is taken, and of the output what was asked for has come */
    RW_CODER_FULL, /* there is more: again, with a new buffer, the rest of the input, the same flush
                    */
    RW_CODER_FAILED
};

struct rw_coder_options {
    enum rw_coding coding;
    int level;
    unsigned window_bits; /* of the window of br and zstd: its binary logarithm; gzip has 15 */
    bool stream;          /* a stream of messages: many may be open for long, so take less memory */
    uint64_t bytes;       /* of the whole body, if it is known; UINT64_MAX: it is not */
    size_t memory_max;    /* of all encoders of this worker */
};

/* NULL: out of memory, or all encoders together have more than memory_max already. */
struct rw_coder *rw_coder_take(struct rw_worker *worker, const struct rw_coder_options *options);
void rw_coder_give_back(struct rw_coder *coder);

/* Takes bytes off the front of `in`, and appends to `out`. */
enum rw_coder_outcome rw_coder_run(struct rw_coder *coder, enum rw_coder_flush flush,
                                   struct rw_span *in, struct rw_buf *out);

#endif
