#include "base/alloc.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "simulate/report.h"

#include <signal.h>
#include <stdio.h>

struct options {
    const char *path;
    struct rw_cli_reports reports;
    uint32_t runs, seed;
    bool seeded, check;
};

static struct rw_simulate_run *interrupted_run;

static void on_interrupt(int signal)
{
    (void)signal;
    rw_simulate_stop(interrupted_run);
}

/* ---- Reports ---- */

static void write_text(const void *sheet, enum rw_language language, struct rw_text *text)
{
    rw_simulate_report_text(sheet, language, text);
}

static void write_json(const void *sheet, enum rw_language language, struct rw_text *text)
{
    (void)language;
    rw_simulate_report_json(sheet, text);
}

static void write_csv(const void *sheet, enum rw_language language, struct rw_text *text)
{
    (void)language;
    rw_simulate_report_csv(sheet, text);
}

static void write_html(const void *sheet, enum rw_language language, struct rw_text *text)
{
    rw_simulate_report_html(sheet, language, text);
}

static const struct rw_cli_writer writers[] = {
    {".txt", write_text},  {".json", write_json}, {".csv", write_csv},
    {".html", write_html}, {NULL, NULL},
};

/* ---- Arguments ---- */

static int take_runs(void *options, const char *text)
{
    return rw_cli_number("simulate", "--runs", text, 1, RW_SIMULATE_RUNS_MAX,
                         &((struct options *)options)->runs);
}

static int take_seed(void *of, const char *text)
{
    struct options *options = of;
    options->seeded = true;
    return rw_cli_number("simulate", "--seed", text, 0, UINT32_MAX, &options->seed);
}

static const struct rw_cli_word words[] = {
    {.name = "--runs", .take = take_runs},
    {.name = "--seed", .take = take_seed},
    {.name = "--check", .flag = true, .offset = offsetof(struct options, check)},
    {.name = NULL},
};

/* ---- Results ---- */

static void show_progress(double share, const struct rw_simulate_ledger *ledger, void *user)
{
    unsigned *shown = user, percent = (unsigned)(share * 100);
    if (percent == *shown)
        return;
    struct rw_text line = {0};
    *shown = percent;
    rw_text_addf(&line, "%u %%: %.0f requests", percent, (double)ledger->arrived);
    rw_cli_progress_show(&line);
}

static int tell_failure(enum rw_err err)
{
    if (err == RW_ELIMIT)
        fprintf(stderr, "ringway simulate: more requests or nodes at a time than can be followed: "
                        "try `method: sampled`\n");
    else
        fprintf(stderr, "ringway simulate: %s\n",
                err == RW_ECANCELED ? "interrupted" : rw_err_text(err));
    return 1;
}

static int execute(const struct options *options, const struct rw_simulate_model *model)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND};
    bool shown = rw_cli_progress_wanted(options->reports.quiet);
    unsigned percent = 0;
    struct rw_simulate_run run = {.model = model,
                                  .runs = options->runs,
                                  .progress = shown ? show_progress : NULL,
                                  .user = &percent};
    interrupted_run = &run;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    enum rw_err err = rw_simulate_run(&run);
    if (shown)
        rw_cli_progress_clear();
    int code;
    if (err) {
        code = tell_failure(err);
    } else {
        struct rw_simulate_sheet sheet;
        rw_simulate_sheet_make(model, &run, &sheet);
        code = rw_cli_reports_write(&options->reports, &sheet) || !rw_simulate_holds(&sheet);
    }
    rw_simulate_run_close(&run);
    return code;
}

/* ---- The verb ---- */

static int tell_plan(const struct rw_simulate_model *model)
{
    printf("%s: fine: %u s, %s, %zu goal%s\n", model->path, model->seconds,
           rw_simulate_engine_of(model)->name, model->goals.count,
           model->goals.count == 1 ? "" : "s");
    return 0;
}

static int read_and_go(const struct options *options)
{
    struct rw_arena arena;
    struct rw_simulate_model *model;
    struct rw_conf_report mistakes = {0};
    struct rw_text text = {0};
    rw_arena_init(&arena, NULL, 0, 64 * 1024, 64u << 20);
    enum rw_err err = rw_simulate_read(options->path, &arena, &model, &mistakes);
    rw_conf_report_print(&mistakes, &text);
    if (err && !text.len)
        rw_text_addf(&text, "%s: %s\n", options->path, rw_err_text(err));
    if (text.len)
        fprintf(stderr, "%s", text.at);
    rw_text_free(&text);
    if (!err && options->seeded)
        model->seed = options->seed;
    int code = err ? 2 : options->check ? tell_plan(model) : execute(options, model);
    rw_arena_free(&arena);
    return code;
}

static int run(int argc, char **argv)
{
    struct options options = {.runs = 1, .reports = {.verb = "simulate", .writers = writers}};
    int code = rw_cli_arguments(&(struct rw_cli_arguments){.verb = "simulate",
                                                           .words = words,
                                                           .options = &options,
                                                           .reports = &options.reports,
                                                           .file = &options.path,
                                                           .lacking = "a file, please"},
                                argc, argv);
    return code ? code : read_and_go(&options);
}

const struct rw_verb rw_verb_simulate = {
    .name = "simulate",
    .arguments = "[OPTIONS] FILE",
    .summary = "hours of a whole fleet in seconds: latency, nodes, cost",
    .help =
        "FILE says what a request costs, as it was measured, which nodes there are, who comes and\n"
        "when, what goes wrong, and what must hold: examples/simulation.yaml is one to try,\n"
        "ringway schema --format simulation-markdown explains its keys.\n\n"
        "  --out FILE     FILE.html, FILE.json, FILE.csv (over time) or FILE.txt; as often as needed\n"
        "  --runs N       so many runs, each with the next seed: how far results differ by chance\n"
        "  --seed N       instead of the file's\n"
        "  --json         JSON on standard output instead of the table\n"
        "  --lang zh|en   of table and page; default en\n"
        "  --check        only tell the mistakes of FILE\n"
        "  --quiet        no progress on a terminal\n\n"
        "Exit codes: 0 every goal holds in every run; 1 one does not, or it could not be simulated;\n"
        "2 wrong use, or mistakes in FILE.\n",
    .run = run,
};
