#include "load/script/regex.h"

#include "base/alloc.h"
#include "base/pattern.h"

static const struct rw_pattern_limits limits = {
    .pattern_bytes_max = RW_LOAD_REGEX_BYTES_MAX,
    .steps_max = 1000000,
    .depth_max = 1000,
    .heap_kib_max = 4096,
};

struct rw_load_regex {
    pcre2_general_context *memory; /* of match data */
    struct rw_pattern pattern;
};

enum rw_err rw_load_regex_create(struct rw_span pattern, char flaw[192], struct rw_load_regex **out)
{
    enum rw_err err = RW_ENOMEM;
    struct rw_load_regex *regex = rw_alloc_zero(sizeof(*regex));
    *out = NULL;
    if (!regex)
        return RW_ENOMEM;
    regex->memory = rw_pattern_memory();
    if (regex->memory)
        err = rw_pattern_create(pattern, 0, &limits, regex->memory, flaw, &regex->pattern);
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
    rw_pattern_destroy(&regex->pattern);
    pcre2_general_context_free(regex->memory);
    rw_free(regex);
}

bool rw_load_regex_search(const struct rw_load_regex *regex, struct rw_span subject,
                          struct rw_span *found)
{
    pcre2_match_data *match = pcre2_match_data_create(2, regex->memory);
    if (!match)
        return false;
    /* 0: there are more groups than places for them. */
    int groups = rw_pattern_search(&regex->pattern, subject, match);
    if (groups >= 0) {
        const size_t *ends = pcre2_get_ovector_pointer(match);
        unsigned group = groups != 1 && ends[2] != PCRE2_UNSET ? 1 : 0;
        const char *at = subject.at ? subject.at : "";
        *found = rw_span(at + ends[2 * group], ends[2 * group + 1] - ends[2 * group]);
    }
    pcre2_match_data_free(match);
    return groups >= 0;
}
