#include "base/alloc.h"
#include "base/log.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "verify/report.h"
#include "verify/run.h"

#include <signal.h>
#include <stdio.h>

struct options {
    const char *path;
    struct rw_cli_reports reports;
    struct rw_allowed allowed;
    bool check;
    /* To be the built-in server. */
    const char *origin, *origin_listen, *origin_counts, *origin_identity;
};

static struct rw_verify_run *interrupted_run;

static void on_interrupt(int signal)
{
    (void)signal;
    rw_verify_stop(interrupted_run);
}

/* ---- Reports ---- */

static void write_text(const void *sheet, enum rw_language language, struct rw_text *text)
{
    rw_verify_report_text(sheet, language, text);
}

static void write_json(const void *sheet, enum rw_language language, struct rw_text *text)
{
    (void)language;
    rw_verify_report_json(sheet, text);
}

static void write_junit(const void *sheet, enum rw_language language, struct rw_text *text)
{
    rw_verify_report_junit(sheet, language, text);
}

static void write_html(const void *sheet, enum rw_language language, struct rw_text *text)
{
    rw_verify_report_html(sheet, language, text);
}

static const struct rw_cli_writer writers[] = {
    {".txt", write_text},  {".json", write_json}, {".xml", write_junit},
    {".html", write_html}, {NULL, NULL},
};

/* ---- Arguments ---- */

static int take_host(void *of, const char *host)
{
    struct rw_allowed *allowed = &((struct options *)of)->allowed;
    if (allowed->count == RW_ACCEPTANCE_ALLOWED_MAX)
        return rw_cli_usage_error("verify", "--allow-target: at most %d",
                                  RW_ACCEPTANCE_ALLOWED_MAX);
    allowed->hosts[allowed->count++] = host;
    return 0;
}

static const struct rw_cli_word words[] = {
    {.name = "--allow-target", .take = take_host},
    {.name = "--check", .flag = true, .offset = offsetof(struct options, check)},
    {.name = "--origin", .offset = offsetof(struct options, origin)},
    {.name = "--origin-listen", .offset = offsetof(struct options, origin_listen)},
    {.name = "--origin-counts", .offset = offsetof(struct options, origin_counts)},
    {.name = "--origin-identity", .offset = offsetof(struct options, origin_identity)},
    {.name = NULL},
};

/* ---- Progress ---- */

static void tell_trial(const struct rw_verify_progress *progress, struct rw_text *line)
{
    const struct rw_fault_class_info *class = rw_fault_class_info(progress->fault);
    rw_text_addf(line, "%s on %.*s, %.0f s: %llu answers/s, %llu failed; %.0f s left at most",
                 class->name, RW_SPAN_ARGS(progress->trial->dependency->name),
                 progress->now->seconds > 0 ? progress->now->seconds : 0,
                 (unsigned long long)progress->now->row.answered,
                 (unsigned long long)progress->now->row.failed, progress->left_s);
}

static void show_progress(const struct rw_verify_progress *progress, void *user)
{
    struct rw_text line = {0};
    (void)user;
    rw_text_addf(&line, "%u/%u ", progress->repetition, progress->repetitions);
    if (progress->reading)
        rw_text_adds(&line, "reading back what was written");
    else if (!progress->load)
        rw_text_adds(&line, "starting");
    else if (progress->trial)
        tell_trial(progress, &line);
    else if (!progress->now->rows)
        rw_text_addf(&line, "%s: %u connections", progress->load->name.at,
                     progress->now->connected);
    else
        rw_text_addf(&line, "%s: %llu answers/s, p99 %.2f ms, %llu failed; %.0f s left",
                     progress->load->name.at, (unsigned long long)progress->now->row.answered,
                     (double)progress->now->row.p99_ns / 1e6,
                     (unsigned long long)progress->now->row.failed, progress->left_s);
    rw_cli_progress_show(&line);
}

/* ---- Results ---- */

static int report(const struct options *options, const struct rw_verify_run *run)
{
    struct rw_verify_sheet sheet;
    const char *failed = run->why.at ? run->why.at : "";
    enum rw_err err = rw_verify_sheet_make(run->file, &run->record, failed, &sheet);
    int code = err ? 1 : rw_cli_reports_write(&options->reports, &sheet);
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

/* Each line has its place in a file. */
static void tell_misuse(const struct rw_verify_run *run, enum rw_err err)
{
    if (run->why.len)
        fprintf(stderr, "%s", run->why.at);
    else
        fprintf(stderr, "ringway verify: %s\n", rw_err_text(err));
}

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

static int judge(const struct options *options, struct rw_verify_run *run)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND};
    bool shown = rw_cli_progress_wanted(options->reports.quiet);
    run->progress = shown ? show_progress : NULL;
    interrupted_run = run;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    enum rw_err err = rw_verify_run(run);
    if (shown)
        rw_cli_progress_clear();
    if (err && !run->why.len)
        rw_text_addf(&run->why, "%s\n", rw_err_text(err));
    if (!is_misuse(err))
        return report(options, run);
    tell_misuse(run, err);
    return 2;
}

static int execute(const struct options *options, const struct rw_acceptance *file)
{
    struct rw_verify_run *run = rw_alloc_zero(sizeof(*run));
    int code = 2;
    if (!run)
        return 1;
    rw_log_set_level(RW_LOG_ERROR); /* that handshakes fail is what some faults are about */
    run->file = file;
    run->allowed = &options->allowed;
    enum rw_err err = rw_verify_prepare(run);
    if (err) {
        tell_misuse(run, err);
    } else if (options->check) {
        tell_counts(file, &run->record);
        code = 0;
    } else {
        code = judge(options, run);
    }
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
    int code = err ? 2 : options->origin ? serve_origin(options, file) : execute(options, file);
    rw_arena_free(&arena);
    return code;
}

static int run(int argc, char **argv)
{
    struct options options = {.reports = {.verb = "verify", .writers = writers}};
    int code = rw_cli_arguments(&(struct rw_cli_arguments){.verb = "verify",
                                                           .words = words,
                                                           .options = &options,
                                                           .reports = &options.reports,
                                                           .file = &options.path,
                                                           .lacking = "an acceptance file, please"},
                                argc, argv);
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
