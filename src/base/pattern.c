#include "base/pattern.h"

#include "base/alloc.h"

#include <stdio.h>

enum { COMMON_OPTIONS = PCRE2_DOTALL | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C };

static void *allocate(size_t size, void *user)
{
    (void)user;
    return rw_alloc(size);
}

static void release(void *block, void *user)
{
    (void)user;
    rw_free(block);
}

pcre2_general_context *rw_pattern_memory(void)
{
    return pcre2_general_context_create(allocate, release, NULL);
}

static enum rw_err compile(struct rw_pattern *pattern, struct rw_span text, uint32_t options,
                           pcre2_compile_context *context, char flaw[RW_PATTERN_FLAW_BYTES])
{
    int error = 0;
    size_t offset = 0;
    pattern->code = pcre2_compile((PCRE2_SPTR)text.at, text.len, options | COMMON_OPTIONS, &error,
                                  &offset, context);
    if (!pattern->code) {
        char words[128] = "";
        pcre2_get_error_message(error, (PCRE2_UCHAR *)words, sizeof(words));
        snprintf(flaw, RW_PATTERN_FLAW_BYTES, "%s at offset %zu", words, offset);
        return error == PCRE2_ERROR_HEAP_FAILED ? RW_ENOMEM : RW_EINVAL;
    }
    /* Where there is no JIT, or no memory for it, the interpreter does the same more slowly. */
    (void)pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
    return RW_OK;
}

enum rw_err rw_pattern_create(struct rw_span text, uint32_t options,
                              const struct rw_pattern_limits *limits, pcre2_general_context *memory,
                              char flaw[RW_PATTERN_FLAW_BYTES], struct rw_pattern *pattern)
{
    enum rw_err err = RW_ENOMEM;
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    *pattern = (struct rw_pattern){.limits = pcre2_match_context_create(memory)};
    if (!context || !pattern->limits)
        goto out;
    pcre2_set_max_pattern_length(context, limits->pattern_bytes_max);
    pcre2_set_match_limit(pattern->limits, limits->steps_max);
    pcre2_set_depth_limit(pattern->limits, limits->depth_max);
    pcre2_set_heap_limit(pattern->limits, limits->heap_kib_max);
    err = compile(pattern, text, options, context, flaw);
out:
    pcre2_compile_context_free(context);
    if (err)
        rw_pattern_destroy(pattern);
    return err;
}

void rw_pattern_destroy(struct rw_pattern *pattern)
{
    pcre2_match_context_free(pattern->limits);
    pcre2_code_free(pattern->code);
    *pattern = (struct rw_pattern){0};
}

int rw_pattern_search(const struct rw_pattern *pattern, struct rw_span subject,
                      pcre2_match_data *match)
{
    return pcre2_match(pattern->code, (PCRE2_SPTR)(subject.at ? subject.at : ""), subject.len, 0, 0,
                       match, pattern->limits);
}
