#define PCRE2_CODE_UNIT_WIDTH 8
#include "gate/route/router_regex.h"

#include "base/alloc.h"
#include "gate/route/router.h"

#include <pcre2.h>
#include <stdalign.h>
#include <stdio.h>

struct rw_router_regex {
    pcre2_code *code;
    pcre2_match_context *limits;
    unsigned group_count;
    struct {
        struct rw_span name; /* inside `code` */
        unsigned number;
    } groups[RW_ROUTE_PARAMS_MAX];
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

/* What a match needs for a moment: enough on the stack with JIT; the interpreter's frames go to the
 * heap. */
struct scratch {
    alignas(max_align_t) char bytes[1536];
    size_t used;
};

static void *scratch_allocate(size_t size, void *user)
{
    struct scratch *scratch = user;
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (size > sizeof(scratch->bytes) - scratch->used)
        return rw_alloc(size);
    void *block = scratch->bytes + scratch->used;
    scratch->used += size;
    return block;
}

static void scratch_release(void *block, void *user)
{
    const struct scratch *scratch = user;
    uintptr_t at = (uintptr_t)block, start = (uintptr_t)scratch->bytes;
    if (at < start || at >= start + sizeof(scratch->bytes))
        rw_free(block);
}

static enum rw_err compile(struct rw_router_regex *regex, struct rw_span pattern, bool whole,
                           pcre2_general_context *memory, char flaw[256])
{
    uint32_t options =
        PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C;
    int error = 0;
    size_t offset = 0;
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    if (!context)
        return RW_ENOMEM;
    pcre2_set_max_pattern_length(context, RW_ROUTER_REGEX_BYTES_MAX);
    if (whole)
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    regex->code =
        pcre2_compile((PCRE2_SPTR)pattern.at, pattern.len, options, &error, &offset, context);
    pcre2_compile_context_free(context);
    if (!regex->code) {
        char text[160] = "";
        pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof(text));
        snprintf(flaw, 256, "%s at offset %zu", text, offset);
        return error == PCRE2_ERROR_HEAP_FAILED ? RW_ENOMEM : RW_EINVAL;
    }
    /* Where there is no JIT, or no memory for it, the interpreter does the same more slowly. */
    (void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
    return RW_OK;
}

/* The table of names: entries of equal size, each a number (big-endian) and a terminated name. */
static enum rw_err read_groups(struct rw_router_regex *regex, char flaw[256])
{
    uint32_t count = 0, entry_bytes = 0;
    PCRE2_SPTR table = NULL;
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &count);
    if (count == 0)
        return RW_OK;
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &entry_bytes);
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &table);
    if (count > RW_ROUTE_PARAMS_MAX) {
        snprintf(flaw, 256, "%u named groups, at most %d are possible", count, RW_ROUTE_PARAMS_MAX);
        return RW_EINVAL;
    }
    for (uint32_t i = 0; i < count; i++, table += entry_bytes) {
        unsigned number = (unsigned)table[0] << 8 | table[1];
        if (number >= RW_ROUTER_GROUPS_MAX) {
            snprintf(flaw, 256, "the named group \"%s\" is group %u, at most %d are possible",
                     (const char *)table + 2, number, RW_ROUTER_GROUPS_MAX - 1);
            return RW_EINVAL;
        }
        regex->groups[i].name = rw_span_text((const char *)table + 2);
        regex->groups[i].number = number;
    }
    regex->group_count = count;
    return RW_OK;
}

enum rw_err rw_router_regex_create(struct rw_span pattern, bool whole, char flaw[256],
                                   struct rw_router_regex **out)
{
    enum rw_err err = RW_ENOMEM;
    pcre2_general_context *memory = pcre2_general_context_create(allocate, release, NULL);
    struct rw_router_regex *regex = rw_alloc_zero(sizeof(*regex));
    *out = NULL;
    if (!memory || !regex)
        goto out;
    regex->limits = pcre2_match_context_create(memory);
    if (!regex->limits)
        goto out;
    pcre2_set_match_limit(regex->limits, RW_ROUTER_REGEX_STEPS_MAX);
    pcre2_set_depth_limit(regex->limits, RW_ROUTER_REGEX_DEPTH_MAX);
    pcre2_set_heap_limit(regex->limits, RW_ROUTER_REGEX_HEAP_KIB_MAX);
    err = compile(regex, pattern, whole, memory, flaw);
    if (!err)
        err = read_groups(regex, flaw);
out:
    pcre2_general_context_free(memory);
    if (err)
        rw_router_regex_destroy(regex);
    else
        *out = regex;
    return err;
}

void rw_router_regex_destroy(struct rw_router_regex *regex)
{
    if (!regex)
        return;
    pcre2_match_context_free(regex->limits);
    pcre2_code_free(regex->code);
    rw_free(regex);
}

unsigned rw_router_regex_group_count(const struct rw_router_regex *regex)
{
    return regex->group_count;
}

struct rw_span rw_router_regex_group_name(const struct rw_router_regex *regex, unsigned group)
{
    rw_assert(group < regex->group_count);
    return regex->groups[group].name;
}

static void copy_groups(const struct rw_router_regex *regex, pcre2_match_data *data, int pairs,
                        struct rw_router_group *groups)
{
    const size_t *offsets = pcre2_get_ovector_pointer(data);
    for (unsigned i = 0; i < regex->group_count; i++) {
        unsigned number = regex->groups[i].number;
        groups[i] = (struct rw_router_group){SIZE_MAX, SIZE_MAX};
        if ((int)number >= pairs || offsets[2 * number] == PCRE2_UNSET)
            continue;
        groups[i].start = offsets[2 * number];
        groups[i].end = offsets[2 * number + 1];
    }
}

enum rw_router_regex_result rw_router_regex_match(const struct rw_router_regex *regex,
                                                  struct rw_span subject,
                                                  struct rw_router_group *groups)
{
    struct scratch scratch;
    scratch.used = 0;
    enum rw_router_regex_result result = RW_REGEX_EXHAUSTED;
    pcre2_general_context *memory =
        pcre2_general_context_create(scratch_allocate, scratch_release, &scratch);
    pcre2_match_data *data = memory ? pcre2_match_data_create(RW_ROUTER_GROUPS_MAX, memory) : NULL;
    if (data) {
        int pairs = pcre2_match(regex->code, (PCRE2_SPTR)(subject.at ? subject.at : ""),
                                subject.len, 0, 0, data, regex->limits);
        if (pairs >= 0)
            result = RW_REGEX_YES;
        else if (pairs == PCRE2_ERROR_NOMATCH)
            result = RW_REGEX_NO;
        if (pairs >= 0 && groups)
            copy_groups(regex, data, pairs ? pairs : RW_ROUTER_GROUPS_MAX, groups);
    }
    pcre2_match_data_free(data);
    pcre2_general_context_free(memory);
    return result;
}
