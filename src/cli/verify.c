#include "base/alloc.h"
#include "base/log.h"
#include "cli/cli.h"
#include "verify/report.h"
#include "verify/run.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { OUTPUTS_MAX = 8 };

struct options {
    const char *path;
    const char *outputs[OUTPUTS_MAX];
    unsigned output_count;
    struct rw_allowed allowed;
    enum rw_language language;
    bool json, quiet, check;
    /* To be the built-in server. */
    const char *origin, *origin_listen, *origin_counts, *origin_identity;
};

static struct rw_verify_run *interrupted_run;

static void on_interrupt(int signal)
{
    (void)signal;
    rw_verify_stop(interrupted_run);
}

/* ---- Arguments ---- */

static void write_json(const struct rw_verify_sheet *sheet, enum rw_language language,
                       struct rw_text *text)
{
    (void)language;
    rw_verify_report_json(sheet, text);
}

/* How a file's name ends, and who writes it. */
static const struct writer {
    const char *suffix;
    void (*write)(const struct rw_verify_sheet *sheet, enum rw_language language,
                  struct rw_text *text);
} writers[] = {
    {".json", write_json},
    {".xml", rw_verify_report_junit},
    {".html", rw_verify_report_html},
    {".txt", rw_verify_report_text},
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
        return rw_cli_usage_error("verify",
                                  "--out: \"%s\" ends with none of .json, .xml, .html, .txt", file);
    if (options->output_count == OUTPUTS_MAX)
        return rw_cli_usage_error("verify", "--out: at most %d files", OUTPUTS_MAX);
    options->outputs[options->output_count++] = file;
    return 0;
}

static int take_host(struct options *options, const char *host)
{
    if (options->allowed.count == RW_ACCEPTANCE_ALLOWED_MAX)
        return rw_cli_usage_error("verify", "--allow-target: at most %d",
                                  RW_ACCEPTANCE_ALLOWED_MAX);
    options->allowed.hosts[options->allowed.count++] = host;
    return 0;
}

static int take_language(struct options *options, const char *name)
{
    return rw_cli_language("verify", name, &options->language);
}

static int take_origin(struct options *options, const char *name)
{
    options->origin = name;
    return 0;
}

static int take_listen(struct options *options, const char *address)
{
    options->origin_listen = address;
    return 0;
}

static int take_counts(struct options *options, const char *fd)
{
    options->origin_counts = fd;
    return 0;
}

static int take_identity(struct options *options, const char *fd)
{
    options->origin_identity = fd;
    return 0;
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
    } words[] = {
        {"--out", take_output},
        {"--allow-target", take_host},
        {"--lang", take_language},
        {"--origin", take_origin},
        {"--origin-listen", take_listen},
        {"--origin-counts", take_counts},
        {"--origin-identity", take_identity},
    };
    if (take_flag(options, argv[*i]))
        return 0;
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
        bool lacking;
        const char *value = rw_cli_option(argc, argv, i, words[w].name, &lacking);
        if (lacking)
            return rw_cli_usage_error("verify", "%s needs a value", words[w].name);
        if (value)
            return words[w].take(options, value);
    }
    if (argv[*i][0] == '-')
        return rw_cli_usage_error("verify", "unknown option \"%s\"", argv[*i]);
    if (options->path)
        return rw_cli_usage_error("verify", "one file at a time: \"%s\"", argv[*i]);
    options->path = argv[*i];
    return 0;
}

static int parse(int argc, char **argv, struct options *options)
{
    int code = 0;
    for (int i = 0; i < argc && !code; i++)
        code = take(argc, argv, &i, options);
    if (!code && !options->path)
        code = rw_cli_usage_error("verify", "an acceptance file, please");
    return code;
}

/* ---- Progress ---- */

static void show_trial(const struct rw_verify_progress *progress)
{
    const struct rw_fault_class_info *class = rw_fault_class_info(progress->fault);
    fprintf(stderr, "%s on %.*s, %.0f s: %llu answers/s, %llu failed; %.0f s left at most",
            class->name, RW_SPAN_ARGS(progress->trial->dependency->name),
            progress->now->seconds > 0 ? progress->now->seconds : 0,
            (unsigned long long)progress->now->row.answered,
            (unsigned long long)progress->now->row.failed, progress->left_s);
}

static void show_progress(const struct rw_verify_progress *progress, void *user)
{
    (void)user;
    fprintf(stderr, "\r\033[K%u/%u ", progress->repetition, progress->repetitions);
    if (!progress->load)
        fputs("starting", stderr);
    else if (progress->trial)
        show_trial(progress);
    else if (progress->now->seconds < 0)
        fprintf(stderr, "%s: %u connections", progress->load->name.at, progress->now->connected);
    else
        fprintf(stderr, "%s: %llu answers/s, p99 %.2f ms, %llu failed; %.0f s left",
                progress->load->name.at, (unsigned long long)progress->now->row.answered,
                (double)progress->now->row.p99_ns / 1e6,
                (unsigned long long)progress->now->row.failed, progress->left_s);
    fflush(stderr);
}

/* ---- Results ---- */

static int write_results(const struct options *options, const struct rw_verify_sheet *sheet)
{
    struct rw_text text = {0};
    int code = 0;
    if (options->json)
        rw_verify_report_json(sheet, &text);
    else
        rw_verify_report_text(sheet, options->language, &text);
    if (!text.err && text.at)
        fputs(text.at, stdout);
    rw_text_free(&text);
    for (unsigned i = 0; i < options->output_count; i++) {
        text = (struct rw_text){0};
        find_writer(options->outputs[i])->write(sheet, options->language, &text);
        code |= rw_cli_write_file("verify", options->outputs[i], &text);
        rw_text_free(&text);
    }
    return code;
}

static int report(const struct options *options, const struct rw_verify_run *run)
{
    struct rw_verify_sheet sheet;
    const char *failed = run->why.at ? run->why.at : "";
    enum rw_err err = rw_verify_sheet_make(run->file, &run->record, failed, &sheet);
    int code = err ? 1 : write_results(options, &sheet);
    if (err)
        fprintf(stderr, "ringway verify: %s\n", rw_err_text(err));
    else if (!rw_verify_holds(&sheet))
        code = 1;
    rw_verify_sheet_free(&sheet);
    return code;
}

/* Nothing was started: the file, or its use, is at fault. */
static bool is_misuse(enum rw_err err)
{
    return err == RW_EACCES || err == RW_EDNS || err == RW_EINVAL;
}

static int execute(const struct options *options, const struct rw_acceptance *file)
{
    struct rw_verify_run *run = rw_alloc_zero(sizeof(*run));
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND};
    bool shown = !options->quiet && isatty(STDERR_FILENO);
    if (!run)
        return 1;
    rw_log_set_level(RW_LOG_ERROR); /* that handshakes fail is what some faults are about */
    run->file = file;
    run->allowed = &options->allowed;
    run->progress = shown ? show_progress : NULL;
    interrupted_run = run;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    enum rw_err err = rw_verify_run(run);
    if (shown)
        fputs("\r\033[K", stderr);
    if (err && !run->why.len)
        rw_text_addf(&run->why, "%s\n", rw_err_text(err));
    int code = is_misuse(err) ? 2 : report(options, run);
    if (code == 2)
        fprintf(stderr, "ringway verify: %s", run->why.at ? run->why.at : "");
    rw_verify_run_close(run);
    rw_free(run);
    return code;
}

/* ---- The built-in server ---- */

/* Inherited, as the counts are. NULL: it speaks plain. */
static const char *find_identity(const struct options *options, char path[64])
{
    if (options->origin_identity)
        snprintf(path, 64, "/proc/self/fd/%s", options->origin_identity);
    return options->origin_identity ? path : NULL;
}

static int serve_origin(const struct options *options, const struct rw_acceptance *file)
{
    const struct rw_verify_server *servers = rw_acceptance_servers(file), *server = NULL;
    struct rw_origin_counts *counts = NULL;
    struct rw_address address;
    for (size_t i = 0; i < file->servers.count; i++)
        if (rw_span_is(servers[i].name, options->origin))
            server = &servers[i];
    if (!server || !server->origin)
        return rw_cli_usage_error("verify", "--origin: no server called \"%s\" is built in",
                                  options->origin);
    const char *listen = options->origin_listen ? options->origin_listen : server->address.at;
    enum rw_err err = rw_address_parse(rw_span_text(listen), &address);
    char identity[64];
    uint64_t fd;
    if (!err && options->origin_counts)
        err = rw_span_to_u64(rw_span_text(options->origin_counts), &fd) && fd <= INT32_MAX
                  ? rw_origin_counts_map((int)fd, &counts)
                  : RW_EINVAL;
    if (!err)
        err = rw_origin_serve(server->origin, &address, file->seed, counts,
                              find_identity(options, identity));
    fprintf(stderr, "ringway verify: %s: %s\n", listen, rw_err_text(err));
    return 1;
}

/* ---- The verb ---- */

static void tell_counts(const struct rw_acceptance *file, const struct rw_record *record)
{
    const struct {
        const char *name;
        size_t count;
    } parts[] = {{"load", file->loads.count},
                 {"target", file->targets.count},
                 {"fault", record->case_count},
                 {"repetition", file->repetitions}};
    printf("%s: fine: ", file->path);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        printf("%zu %s%s, ", parts[i].count, parts[i].name, parts[i].count == 1 ? "" : "s");
    printf("at most %.0f s\n", rw_cases_seconds(file, record));
}

/* With what the gateway's configuration has to do with it; nothing is started. */
static int check(const struct rw_acceptance *file, struct rw_arena *arena)
{
    struct rw_record record;
    struct rw_text why = {0};
    enum rw_err err = rw_record_init(&record, (unsigned)file->loads.count, file->repetitions);
    if (!err)
        err = rw_cases_make(file, arena, &record, &why);
    if (!err)
        tell_counts(file, &record);
    else
        fprintf(stderr, "%s", why.at ? why.at : rw_err_text(err));
    rw_record_free(&record);
    rw_text_free(&why);
    return err ? 2 : 0;
}

static int read_and_go(const struct options *options)
{
    struct rw_arena arena;
    struct rw_acceptance *file;
    struct rw_conf_report mistakes = {0};
    struct rw_text text = {0};
    rw_arena_init(&arena, NULL, 0, 64 * 1024, 64u << 20);
    enum rw_err err = rw_acceptance_read(options->path, &arena, &file, &mistakes);
    rw_conf_report_print(&mistakes, &text);
    if (err && !text.len)
        rw_text_addf(&text, "%s: %s\n", options->path, rw_err_text(err));
    if (text.len)
        fprintf(stderr, "%s", text.at);
    rw_text_free(&text);
    int code = err               ? 2
               : options->check  ? check(file, &arena)
               : options->origin ? serve_origin(options, file)
                                 : execute(options, file);
    rw_arena_free(&arena);
    return code;
}

static int run(int argc, char **argv)
{
    struct options options = {0};
    int code = parse(argc, argv, &options);
    return code ? code : read_and_go(&options);
}

const struct rw_verb rw_verb_verify = {
    .name = "verify",
    .arguments = "[OPTIONS] FILE",
    .summary = "judge a system by acceptance targets, under load",
    .help =
        "FILE says what is started or attached to, what load it gets, what goes wrong and what\n"
        "must hold all the same. Each target gets a verdict: met, not met, or could not be judged,\n"
        "with the measured value and how sure it is. Try examples/acceptance.yaml; all keys are in\n"
        "docs/reference/acceptance.md, and `ringway schema --format acceptance-example` has them,\n"
        "too.\n\n"
        "  --out FILE           FILE.html, FILE.json, FILE.xml (JUnit) or FILE.txt; as\n"
        "                       often as needed\n"
        "  --json               JSON on standard output instead of the table\n"
        "  --lang zh|en         of table and page; default en\n"
        "  --allow-target HOST  load may go to this host, which is not this machine\n"
        "  --check              only tell the mistakes of FILE and of the gateway's configuration\n"
        "  --quiet              no progress on a terminal\n"
        "  --origin NAME        be the built-in server NAME of FILE, until interrupted\n\n"
        "Only addresses that FILE names are touched. What verify starts, it ends.\n\n"
        "Exit codes: 0 every target holds; 1 one does not, or could not be judged, or the\n"
        "system did not run; 2 wrong use, or mistakes in FILE.\n",
    .run = run,
};
