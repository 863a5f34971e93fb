#include "gate/route/router_regex.h"

#include "base/alloc.h"
#include "base/pattern.h"
#include "gate/route/router.h"

#include <stdalign.h>
#include <stdio.h>

struct rw_router_regex {
    struct rw_pattern pattern;
    unsigned group_count;
    struct {
        struct rw_span name; /* inside the pattern */
        unsigned number;
    } groups[RW_ROUTE_PARAMS_MAX];
};

static const struct rw_pattern_limits limits = {
    .pattern_bytes_max = RW_ROUTER_REGEX_BYTES_MAX,
    .steps_max = RW_ROUTER_REGEX_STEPS_MAX,
    .depth_max = RW_ROUTER_REGEX_DEPTH_MAX,
    .heap_kib_max = RW_ROUTER_REGEX_HEAP_KIB_MAX,
};

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

/* The table of names: entries of equal size, each a number (big-endian) and a terminated name. */
static enum rw_err read_groups(struct rw_router_regex *regex, char flaw[256])
{
    uint32_t count = 0, entry_bytes = 0;
    PCRE2_SPTR table = NULL;
    pcre2_pattern_info(regex->pattern.code, PCRE2_INFO_NAMECOUNT, &count);
    if (count == 0)
        return RW_OK;
    pcre2_pattern_info(regex->pattern.code, PCRE2_INFO_NAMEENTRYSIZE, &entry_bytes);
    pcre2_pattern_info(regex->pattern.code, PCRE2_INFO_NAMETABLE, &table);
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
    const uint32_t options =
        PCRE2_DOLLAR_ENDONLY | (whole ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0);
    pcre2_general_context *memory = rw_pattern_memory();
    struct rw_router_regex *regex = rw_alloc_zero(sizeof(*regex));
    *out = NULL;
    if (memory && regex)
        err = rw_pattern_create(pattern, options, &limits, memory, flaw, &regex->pattern);
    if (!err)
        err = read_groups(regex, flaw);
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
    rw_pattern_destroy(&regex->pattern);
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
        int pairs = rw_pattern_search(&regex->pattern, subject, data);
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
