#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/load_options.h"
#include "cli/progress.h"
#include "load/report.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { AGAIN_MS = 500 /* a second interrupt after this ends it at once */ };

static struct rw_load_run *interrupted_run;

static volatile sig_atomic_t interrupted;
static uint64_t interrupted_ns;

/* The first ends the run in good order. A second is for who will not wait for that; some tools send
 * two at a time, which are one. */
static void on_interrupt(int signal)
{
    uint64_t now = rw_clock_monotonic_ns();
    if (interrupted && now - interrupted_ns > AGAIN_MS * RW_NS_PER_MS)
        _exit(128 + signal);
    if (!interrupted)
        interrupted_ns = now;
    interrupted = 1;
    rw_load_stop(interrupted_run);
}

/* ---- Progress ---- */

static void show_progress(const struct rw_load_progress *progress, void *user)
{
    const struct rw_load_options *options = user;
    const struct rw_load_settings *settings = &options->settings;
    char p50[16], p99[16];
    struct rw_text line = {0};
    double left = rw_load_seconds(settings) + settings->warmup_seconds - progress->seconds;
    left = left > 0 ? left : 0;
    if (progress->seconds < 0)
        rw_text_addf(&line, "%u of %u connections", progress->connected, settings->connections);
    else if (!progress->rows)
        rw_text_addf(&line, "%.0f s left: %u connections%s", left, progress->connected,
                     progress->seconds < settings->warmup_seconds ? ", warming up" : "");
    else
        rw_text_addf(&line,
                     "%.0f s left: %" PRIu64 " answers/s, p50 %s, p99 %s, %" PRIu64 " failed", left,
                     progress->row.answered, rw_load_format_ns(p50, (double)progress->row.p50_ns),
                     rw_load_format_ns(p99, (double)progress->row.p99_ns), progress->row.failed);
    rw_cli_progress_show(&line);
}

/* ---- The run ---- */

static int tell_failure(const struct rw_load_options *options, enum rw_err err, const char *why)
{
    if (err == RW_EREFUSED)
        fprintf(stderr, "ringway load: %s: the %u connections could not all be had: %s\n",
                options->url, options->settings.connections, why[0] ? why : "no answer in time");
    else
        fprintf(stderr, "ringway load: %s\n", rw_err_text(err));
    return 1;
}

static int execute(struct rw_load_options *options)
{
    struct rw_load_run run = {.settings = &options->settings, .user = options};
    struct rw_load_result *result = rw_alloc_zero(sizeof(*result));
    const struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    bool shown = rw_cli_progress_wanted(options->reports.quiet);
    if (!result)
        return tell_failure(options, RW_ENOMEM, "");
    if (shown)
        run.progress = show_progress;
    interrupted_run = &run;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    enum rw_err err = rw_load_run(&run, result);
    if (shown)
        rw_cli_progress_clear();
    int code = err ? tell_failure(options, err, result->why)
                   : rw_load_write(&options->reports, &options->settings, result);
    rw_load_result_close(result);
    rw_free(result);
    return code;
}

static void tell_count(size_t count, const char *what)
{
    printf("%zu %s%s, ", count, what, count == 1 ? "" : "s");
}

/* All of it has been read by now. */
static int tell_fine(const struct rw_load_options *options)
{
    const struct rw_load_settings *settings = &options->settings;
    printf("%s: fine: ", options->url);
    if (settings->script && settings->script->scenario_count) {
        tell_count(settings->script->scenario_count, "scenario");
        tell_count(settings->request_count, "step");
    } else {
        tell_count(settings->request_count, "request");
    }
    tell_count(settings->connections, "connection");
    printf("%.0f s to %.*s\n", rw_load_seconds(settings), RW_SPAN_ARGS(settings->authority));
    return 0;
}

static int run(int argc, char **argv)
{
    if (argc && strcmp(argv[0], "merge") == 0)
        return rw_load_merge_files(argc - 1, argv + 1);
    if (argc && strcmp(argv[0], "import") == 0)
        return rw_load_import_file(argc - 1, argv + 1);
    struct rw_load_options *options = rw_alloc_zero(sizeof(*options));
    if (!options)
        return 1;
    rw_log_set_level(RW_LOG_ERROR); /* what becomes of connections is in the report */
    int code = rw_load_options_parse(argc, argv, options);
    if (!code)
        code = options->check ? tell_fine(options) : execute(options);
    rw_load_options_free(options);
    rw_free(options);
    return code;
}

const struct rw_verb rw_verb_load = {
    .name = "load",
    .arguments = "[OPTIONS] URL | FILE",
    .summary = "send requests at a rate and tell how long the answers take",
    .help =
        "With a rate, requests leave when they are due, whatever becomes of those before (open\n"
        "loop): a system that stalls is charged for all who would have waited. Without one, each\n"
        "connection asks again as soon as it is answered (closed loop). A scenario file has users\n"
        "with several steps, variables and checks; `ringway schema --format load` has its keys.\n\n"
        "How much:\n"
        "  -r, --rate N            requests per second, evenly spaced\n"
        "  --phases LIST           rates that change: 10s:100,30s:100-1000,5s:5000\n"
        "  --arrivals poisson      at random, as independent users come; default even\n"
        "  -d, --duration TIME     default 10s\n"
        "  --warmup TIME           before that, sent and not counted; default 0s\n"
        "  -c, --connections N     default 64\n"
        "  -t, --threads N         in each process; default 1\n"
        "  --processes N           started together and added up; default 1\n"
        "  --sources               each thread connects from loopback addresses of its own\n"
        "                          (127.1.0.1 and on): 28,000 ports each\n"
        "  --http2                 over HTTP/2; with http:// by prior knowledge\n"
        "  -m, --streams N         requests at a time on one connection of HTTP/2; default 32\n"
        "  --think TIME            closed loop: between an answer and the next request\n"
        "  --timeout TIME          of a request; default 10s\n"
        "  --held TIME             the target takes so long by design: latencies are told without\n"
        "  --seed N                of what is random; default 1\n\n"
        "What:\n"
        "  --target URL            of a scenario file: in place of the one that it names\n"
        "  --replay LOG            the requests of an access log (Ringway's, common, combined), at\n"
        "                          its times; --speed 2 in half of them; --all-methods also those\n"
        "                          that change something, without bodies\n"
        "  ws://, wss://           each connection is a WebSocket, with --http2 each stream (RFC 8441);\n"
        "                          what is due is a message (--body), the next that comes its answer\n"
        "  -X, --method METHOD     default GET, with a body POST\n"
        "  -H, --header 'N: value' as often as needed\n"
        "  --body TEXT, --body-file FILE\n"
        "  --ca FILE               certificates to trust; default the system's\n"
        "  --insecure              trust any certificate\n"
        "  --check                 send nothing; only tell the mistakes of the file or the options\n\n"
        "Results:\n"
        "  --out FILE              FILE.json, FILE.csv or FILE.html; as often as needed\n"
        "  --lang zh|en            of the page; default en\n"
        "  --json                  JSON on standard output instead of the summary\n"
        "  --quiet                 no progress on a terminal\n\n"
        "`ringway load merge A.json B.json` adds up what several hosts wrote with --out, exactly;\n"
        "it takes --out, --json and --lang. `ringway load import FILE [--out FILE.yaml]` drafts a\n"
        "scenario file from a HAR recording, an OpenAPI 3 description or a JMeter plan.\n\n"
        "Exit codes: 0 done; 1 the target is down, or the generator was the bottleneck; 2 wrong\n"
        "use. An interrupted run reports what it has.\n",
    .run = run,
};
