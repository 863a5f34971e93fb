/* The libraries behind policy/compress/coder.h, one file each. Only coder*.c include this. */
#ifndef RW_POLICY_COMPRESS_CODER_KINDS_H
#define RW_POLICY_COMPRESS_CODER_KINDS_H

#include "base/err.h"
#include "base/list.h"
#include "policy/compress/coder.h"

struct rw_coders;

struct rw_coder {
    const struct rw_coder_kind *kind;
    struct rw_coders *coders;
    struct rw_list link; /* while it is not used */
    void *state;         /* the kind's; NULL: not begun */
};

struct rw_coder_kind {
    /* Makes coder->state, or makes what is there ready for another body. */
    enum rw_err (*begin)(struct rw_coder *coder, const struct rw_coder_options *options);
    enum rw_coder_outcome (*run)(struct rw_coder *coder, enum rw_coder_flush flush,
                                 struct rw_span *in, struct rw_buf *out);
    void (*free)(struct rw_coder *coder);
    bool once; /* cannot be made ready again: only its memory is kept */
};

extern const struct rw_coder_kind rw_coder_gzip, rw_coder_br, rw_coder_zstd;

/* For the libraries: blocks that they free are kept for the next of the same size. */
void *rw_coders_alloc(void *of, size_t size);
void rw_coders_free(void *of, void *memory);

#endif
