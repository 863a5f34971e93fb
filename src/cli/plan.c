#include "cli/plan.h"

#include "cli/cli.h"
#include "plan/intake/interview.h"
#include "plan/listing.h"

#include <errno.h>
#include <stdio.h>

int rw_cli_plan_write(const char *path, const struct rw_text *text)
{
    if (text->err) {
        fprintf(stderr, "ringway plan: %s\n", rw_err_text(text->err));
        return 1;
    }
    FILE *to = path ? fopen(path, "w") : stdout;
    if (!to) {
        fprintf(stderr, "ringway plan: %s: %s\n", path, strerror(errno));
        return 1;
    }
    bool failed = text->len && fwrite(text->at, 1, text->len, to) != text->len;
    failed |= fflush(to) != 0;
    if (path)
        failed |= fclose(to) != 0;
    if (failed)
        fprintf(stderr, "ringway plan: %s: %s\n", path ? path : "standard output", strerror(errno));
    return failed;
}

static void print_report(const struct rw_conf_report *report)
{
    struct rw_text text = {0};
    rw_conf_report_print(report, &text);
    if (text.len)
        fprintf(stderr, "%s", text.at);
    rw_text_free(&text);
}

int rw_cli_plan_make(const struct rw_cli_plan *arguments, const char *file,
                     struct rw_plan_made *made)
{
    struct rw_conf_report report = {0};
    struct rw_plan_options options = arguments->options;
    options.intake = file;
    options.settings = arguments->settings;
    options.prices = arguments->prices;
    enum rw_err err = rw_plan_make(made, &options, &report);
    rw_conf_report_sort(&report);
    print_report(&report);
    if (!err)
        return 0;
    if (!report.count)
        fprintf(stderr, "ringway plan: %s: %s\n", file, rw_err_text(err));
    return report.count ? 2 : 1;
}

static int write_plan(const struct rw_cli_plan *arguments, struct rw_plan_made *made)
{
    struct rw_text text = {0};
    if (!arguments->format && rw_cli_plan_is_folder(arguments->out))
        return rw_cli_plan_write_folder(arguments, made);
    const char *format = arguments->format ? arguments->format : "text";
    if (strcmp(format, "text") == 0)
        rw_listing_write(&made->plan, arguments->language, &text);
    else if (strcmp(format, "cells") == 0)
        rw_listing_write_json(&made->plan, &text);
    else
        return rw_cli_plan_report(arguments, made);
    int code = rw_cli_plan_write(arguments->out, &text);
    rw_text_free(&text);
    return code;
}

static int make_and_write(const struct rw_cli_plan *arguments)
{
    struct rw_plan_made made;
    if (arguments->file_count != 1)
        return rw_cli_usage_error("plan", "one intake, please");
    int code = rw_cli_plan_make(arguments, arguments->files[0], &made);
    if (!code)
        code = write_plan(arguments, &made);
    rw_plan_made_free(&made);
    return code;
}

static int write_template(const struct rw_cli_plan *arguments)
{
    struct rw_text text = {0};
    rw_intake_write_template(arguments->language, &text);
    int code = rw_cli_plan_write(arguments->out, &text);
    rw_text_free(&text);
    return code;
}

/* The interview talks on standard error when the answer goes to standard output. */
static int interview(const struct rw_cli_plan *arguments)
{
    struct rw_text text = {0};
    struct rw_intake intake;
    if (arguments->file_count)
        return rw_cli_usage_error("plan", "init asks on the terminal and takes no file; see --out");
    enum rw_err err = rw_intake_interview(stdin, arguments->out ? stdout : stderr,
                                          arguments->language, false, &intake);
    if (err)
        fprintf(stderr, "ringway plan: %s\n", rw_err_text(err));
    else
        rw_intake_write_yaml(&intake, arguments->language, &text);
    int code = err ? 1 : rw_cli_plan_write(arguments->out, &text);
    if (!code && arguments->out)
        printf(arguments->language == RW_LANGUAGE_ZH ? "\n已写入 %s。下一步：ringway plan %s\n"
                                                     : "\nWritten to %s. Next: ringway plan %s\n",
               arguments->out, arguments->out);
    rw_intake_free(&intake);
    rw_text_free(&text);
    return code;
}

static const struct command {
    const char *name;
    int (*run)(const struct rw_cli_plan *);
} commands[] = {
    {"init", interview},
    {"whatif", rw_cli_plan_whatif},
    {"diff", rw_cli_plan_diff},
};

static int run(int argc, char **argv)
{
    struct rw_cli_plan arguments;
    int (*act)(const struct rw_cli_plan *) = make_and_write;
    for (size_t i = 0; argc && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[0], commands[i].name) == 0)
            act = commands[i].run;
    bool named = act != make_and_write;
    int code = rw_cli_plan_parse(argc - named, argv + named, &arguments);
    if (code)
        return code;
    return arguments.template ? write_template(&arguments) : act(&arguments);
}

const struct rw_verb rw_verb_plan = {
    .name = "plan",
    .arguments = "INTAKE",
    .summary = "make a proposal of a customer's requirements",
    .help =
        "Reads INTAKE (YAML with English or Chinese keys, or the filled-in questionnaire) and prints\n"
        "what it comes to: findings, tiers, money, and what is missing. Every number has its formula,\n"
        "inputs and source (--format cells).\n\n"
        "  ringway plan INTAKE [OPTIONS]           the plan\n"
        "  ringway plan whatif INTAKE --set C=V    what changes when cell C has the value V\n"
        "  ringway plan diff INTAKE INTAKE         two plans side by side\n"
        "  ringway plan init [--out FILE]          ask for an intake, question by question\n"
        "  ringway plan --template [--lang zh]     a commented intake to fill in\n\n"
        "  --lang zh|en        language of the output (en)\n"
        "  --format FORMAT     text, cells (JSON), html, md, json or pdf\n"
        "  --out PATH          a file, or a folder for everything (it exists, or ends with /)\n"
        "  --draws N           Monte Carlo draws (10,000; 0 for none)\n"
        "  --seed N            of the draws (1): the same seed gives the same plan\n"
        "  --date YYYY-MM-DD   the plan's date, when the intake has none\n"
        "  --tier NAME         one tier only\n"
        "  --set CELL=VALUE    a what-if; any number of times\n"
        "  --prices FILE       your own prices and discounts; any number of times\n"
        "  --cells PREFIX      of whatif and diff: only cells that begin so\n\n"
        "Exit codes: 0 done; 1 it failed; 2 the intake or the options are wrong, each mistake on\n"
        "standard error with file, line and column.\n",
    .run = run,
};
