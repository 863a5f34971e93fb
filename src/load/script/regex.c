#define PCRE2_CODE_UNIT_WIDTH 8
#include "load/script/regex.h"

#include "base/alloc.h"

#include <pcre2.h>
#include <stdio.h>

enum { STEPS_MAX = 1000000, DEPTH_MAX = 1000, HEAP_KIB_MAX = 4096 };

struct rw_load_regex {
    pcre2_general_context *memory;
    pcre2_match_context *limits;
    pcre2_code *code;
};

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

static enum rw_err compile(struct rw_load_regex *regex, struct rw_span pattern, char flaw[192])
{
    int error = 0;
    size_t offset = 0;
    uint32_t options = PCRE2_DOTALL | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C;
    pcre2_compile_context *context = pcre2_compile_context_create(regex->memory);
    if (!context)
        return RW_ENOMEM;
    pcre2_set_max_pattern_length(context, RW_LOAD_REGEX_BYTES_MAX);
    regex->code =
        pcre2_compile((PCRE2_SPTR)pattern.at, pattern.len, options, &error, &offset, context);
    pcre2_compile_context_free(context);
    if (!regex->code) {
        char text[128] = "";
        pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof(text));
        snprintf(flaw, 192, "%s at offset %zu", text, offset);
        return error == PCRE2_ERROR_HEAP_FAILED ? RW_ENOMEM : RW_EINVAL;
    }
    /* Where there is no JIT the interpreter does the same more slowly. */
    (void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
    return RW_OK;
}

enum rw_err rw_load_regex_create(struct rw_span pattern, char flaw[192], struct rw_load_regex **out)
{
    enum rw_err err = RW_ENOMEM;
    struct rw_load_regex *regex = rw_alloc_zero(sizeof(*regex));
    *out = NULL;
    if (!regex)
        return RW_ENOMEM;
    regex->memory = pcre2_general_context_create(allocate, release, NULL);
    if (regex->memory)
        regex->limits = pcre2_match_context_create(regex->memory);
    if (!regex->limits)
        goto out;
    pcre2_set_match_limit(regex->limits, STEPS_MAX);
    pcre2_set_depth_limit(regex->limits, DEPTH_MAX);
    pcre2_set_heap_limit(regex->limits, HEAP_KIB_MAX);
    err = compile(regex, pattern, flaw);
out:
    if (err)
        rw_load_regex_destroy(regex);
    else
        *out = regex;
    return err;
}

void rw_load_regex_destroy(struct rw_load_regex *regex)
{
    if (!regex)
        return;
    pcre2_code_free(regex->code);
    pcre2_match_context_free(regex->limits);
    pcre2_general_context_free(regex->memory);
    rw_free(regex);
}

bool rw_load_regex_search(const struct rw_load_regex *regex, struct rw_span subject,
                          struct rw_span *found)
{
    pcre2_match_data *match = pcre2_match_data_create(2, regex->memory);
    if (!match)
        return false;
    const char *at = subject.at ? subject.at : "";
    /* 0: there are more groups than places for them. */
    int groups = pcre2_match(regex->code, (PCRE2_SPTR)at, subject.len, 0, 0, match, regex->limits);
    if (groups >= 0) {
        const size_t *ends = pcre2_get_ovector_pointer(match);
        unsigned group = groups != 1 && ends[2] != PCRE2_UNSET ? 1 : 0;
        *found = rw_span(at + ends[2 * group], ends[2 * group + 1] - ends[2 * group]);
    }
    pcre2_match_data_free(match);
    return groups >= 0;
}
