/* `ringway plan whatif` and `ringway plan diff`: two plans side by side. */
#include "cli/cli.h"
#include "cli/plan.h"
#include "plan/compare.h"

#include <stdio.h>

static int write_comparison(const struct rw_cli_plan *arguments, const struct rw_plan *before,
                            const struct rw_plan *after)
{
    struct rw_text text = {0};
    bool json = arguments->format && strcmp(arguments->format, "json") == 0;
    struct rw_comparison counts = {0};
    if (json)
        rw_compare_write_json(before, after, &text);
    else
        counts = rw_compare_write(before, after, arguments->cells, arguments->language, &text);
    if (!json)
        rw_text_addf(&text,
                     arguments->language == RW_LANGUAGE_ZH
                         ? "%u 个数值改变，%u 个仅在前者，%u 个仅在后者\n"
                         : "cells that differ: %u; only in the first: %u; only in the second: %u\n",
                     counts.changed, counts.only_before, counts.only_after);
    int code = rw_cli_plan_write(arguments->out, &text);
    rw_text_free(&text);
    return code;
}

static int compare(const struct rw_cli_plan *before_arguments, const char *before_file,
                   const struct rw_cli_plan *after_arguments, const char *after_file)
{
    struct rw_plan_made before, after;
    int code = rw_cli_plan_make(before_arguments, before_file, &before);
    if (!code) {
        code = rw_cli_plan_make(after_arguments, after_file, &after);
        if (!code)
            code = write_comparison(after_arguments, &before.plan, &after.plan);
        rw_plan_made_free(&after);
    }
    rw_plan_made_free(&before);
    return code;
}

int rw_cli_plan_whatif(const struct rw_cli_plan *arguments)
{
    struct rw_cli_plan before = *arguments;
    if (arguments->file_count != 1 || !arguments->options.setting_count)
        return rw_cli_usage_error("plan", "whatif needs one intake and at least one --set");
    before.options.setting_count = 0;
    return compare(&before, arguments->files[0], arguments, arguments->files[0]);
}

int rw_cli_plan_diff(const struct rw_cli_plan *arguments)
{
    if (arguments->file_count != 2)
        return rw_cli_usage_error("plan", "diff needs two intakes");
    return compare(arguments, arguments->files[0], arguments, arguments->files[1]);
}
