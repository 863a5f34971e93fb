#include "base/alloc.h"
#include "cli/cli.h"
#include "simulate/report.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { OUTPUTS_MAX = 8 };

struct options {
    const char *path;
    const char *outputs[OUTPUTS_MAX];
    unsigned output_count;
    enum rw_language language;
    uint32_t runs, seed;
    bool seeded, json, quiet, check;
};

static struct rw_simulate_run *interrupted_run;

static void on_interrupt(int signal)
{
    (void)signal;
    rw_simulate_stop(interrupted_run);
}

/* ---- Arguments ---- */

static void write_json(const struct rw_simulate_sheet *sheet, enum rw_language language,
                       struct rw_text *text)
{
    (void)language;
    rw_simulate_report_json(sheet, text);
}

static void write_csv(const struct rw_simulate_sheet *sheet, enum rw_language language,
                      struct rw_text *text)
{
    (void)language;
    rw_simulate_report_csv(sheet, text);
}

/* How a file's name ends, and who writes it. */
static const struct writer {
    const char *suffix;
    void (*write)(const struct rw_simulate_sheet *sheet, enum rw_language language,
                  struct rw_text *text);
} writers[] = {
    {".json", write_json},
    {".csv", write_csv},
    {".html", rw_simulate_report_html},
    {".txt", rw_simulate_report_text},
};

static const struct writer *find_writer(const char *file)
{
    const char *suffix = strrchr(file, '.');
    for (size_t i = 0; suffix && i < sizeof(writers) / sizeof(*writers); i++)
        if (strcmp(suffix, writers[i].suffix) == 0)
            return &writers[i];
    return NULL;
}

static int take_output(struct options *options, const char *file)
{
    if (!find_writer(file))
        return rw_cli_usage_error("simulate",
                                  "--out: \"%s\" ends with none of .json, .csv, .html, .txt", file);
    if (options->output_count == OUTPUTS_MAX)
        return rw_cli_usage_error("simulate", "--out: at most %d files", OUTPUTS_MAX);
    options->outputs[options->output_count++] = file;
    return 0;
}

static int take_language(struct options *options, const char *name)
{
    return rw_cli_language("simulate", name, &options->language);
}

static int take_number(const char *name, const char *text, uint64_t least, uint64_t most,
                       uint32_t *to)
{
    uint64_t value;
    if (!rw_span_to_u64(rw_span_text(text), &value) || value < least || value > most)
        return rw_cli_usage_error("simulate", "%s: expected a number from %llu to %llu, not \"%s\"",
                                  name, (unsigned long long)least, (unsigned long long)most, text);
    *to = (uint32_t)value;
    return 0;
}

static int take_runs(struct options *options, const char *text)
{
    return take_number("--runs", text, 1, RW_SIMULATE_RUNS_MAX, &options->runs);
}

static int take_seed(struct options *options, const char *text)
{
    options->seeded = true;
    return take_number("--seed", text, 0, UINT32_MAX, &options->seed);
}

static bool take_flag(struct options *options, const char *argument)
{
    const struct {
        const char *name;
        bool *to;
    } flags[] = {
        {"--json", &options->json}, {"--quiet", &options->quiet}, {"--check", &options->check}};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(argument, flags[i].name) == 0)
            return *flags[i].to = true;
    return false;
}

static int take(int argc, char **argv, int *i, struct options *options)
{
    static const struct {
        const char *name;
        int (*take)(struct options *options, const char *value);
    } words[] = {{"--out", take_output},
                 {"--lang", take_language},
                 {"--runs", take_runs},
                 {"--seed", take_seed}};
    if (take_flag(options, argv[*i]))
        return 0;
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
        bool lacking;
        const char *value = rw_cli_option(argc, argv, i, words[w].name, &lacking);
        if (lacking)
            return rw_cli_usage_error("simulate", "%s needs a value", words[w].name);
        if (value)
            return words[w].take(options, value);
    }
    if (argv[*i][0] == '-')
        return rw_cli_usage_error("simulate", "unknown option \"%s\"", argv[*i]);
    if (options->path)
        return rw_cli_usage_error("simulate", "one file at a time: \"%s\"", argv[*i]);
    options->path = argv[*i];
    return 0;
}

/* ---- Results ---- */

static void show_progress(double share, const struct rw_simulate_ledger *ledger, void *user)
{
    unsigned *shown = user, percent = (unsigned)(share * 100);
    if (percent == *shown)
        return;
    *shown = percent;
    fprintf(stderr, "\r\033[K%u %%: %.0f requests", percent, (double)ledger->arrived);
    fflush(stderr);
}

static int write_results(const struct options *options, const struct rw_simulate_sheet *sheet)
{
    struct rw_text text = {0};
    if (options->json)
        rw_simulate_report_json(sheet, &text);
    else
        rw_simulate_report_text(sheet, options->language, &text);
    int code = text.err ? 1 : 0;
    if (!text.err && text.at)
        fputs(text.at, stdout);
    rw_text_free(&text);
    for (unsigned i = 0; i < options->output_count; i++) {
        text = (struct rw_text){0};
        find_writer(options->outputs[i])->write(sheet, options->language, &text);
        code |= rw_cli_write_file("simulate", options->outputs[i], &text);
        rw_text_free(&text);
    }
    return code;
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
    bool shown = !options->quiet && isatty(STDERR_FILENO);
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
        fputs("\r\033[K", stderr);
    int code;
    if (err) {
        code = tell_failure(err);
    } else {
        struct rw_simulate_sheet sheet;
        rw_simulate_sheet_make(model, &run, &sheet);
        code = write_results(options, &sheet) || !rw_simulate_holds(&sheet);
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
    struct options options = {.runs = 1};
    int code = 0;
    for (int i = 0; i < argc && !code; i++)
        code = take(argc, argv, &i, &options);
    if (!code && !options.path)
        code = rw_cli_usage_error("simulate", "a file, please");
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
