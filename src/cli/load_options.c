#include "cli/load_options.h"

#include "cli/cli.h"
#include "conf/scalar.h"
#include "io/tls.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONNECT_MS_MAX = 10000 };

static const size_t ARENA_BYTES_MAX = (size_t)2 << 30;

#define fail(...) rw_cli_usage_error("load", __VA_ARGS__)

/* ---- Words ---- */

struct word {
    const char *name;
    const char **to;
};

static int take_header(struct rw_load_options *o, const char *header)
{
    if (!strchr(header, ':') || o->header_count == RW_LOAD_HEADERS_MAX)
        return fail("--header: \"%s\" is not `Name: value`", header);
    o->headers[o->header_count++] = header;
    return 0;
}

static bool take_flag(struct rw_load_options *o, const char *argument)
{
    const struct {
        const char *name;
        bool *to;
    } flags[] = {{"--http2", &o->http2},
                 {"--insecure", &o->insecure},
                 {"--sources", &o->sources},
                 {"--all-methods", &o->all_methods},
                 {"--check", &o->check}};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(argument, flags[i].name) == 0)
            return *flags[i].to = true;
    return false;
}

static int take(int argc, char **argv, int *i, struct rw_load_options *o)
{
    const char *header = NULL;
    const struct word words[] = {
        {"--rate", &o->rate},
        {"-r", &o->rate},
        {"--phases", &o->phases},
        {"--arrivals", &o->arrivals},
        {"--duration", &o->duration},
        {"-d", &o->duration},
        {"--warmup", &o->warmup},
        {"--connections", &o->connections},
        {"-c", &o->connections},
        {"--streams", &o->streams},
        {"-m", &o->streams},
        {"--threads", &o->threads},
        {"-t", &o->threads},
        {"--processes", &o->processes},
        {"--think", &o->think},
        {"--timeout", &o->timeout},
        {"--held", &o->held},
        {"--seed", &o->seed},
        {"--method", &o->method},
        {"-X", &o->method},
        {"--header", &header},
        {"-H", &header},
        {"--body", &o->body},
        {"--body-file", &o->body_file},
        {"--ca", &o->ca},
        {"--target", &o->target},
        {"--replay", &o->replay},
        {"--speed", &o->speed},
    };
    int code = 0;
    if (take_flag(o, argv[*i]) || rw_cli_reports_option(argc, argv, i, &o->reports, &code))
        return code;
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
        bool lacking;
        const char *value = rw_cli_option(argc, argv, i, words[w].name, &lacking);
        if (lacking)
            return fail("%s needs a value", words[w].name);
        if (!value)
            continue;
        *words[w].to = value;
        return header ? take_header(o, header) : 0;
    }
    if (argv[*i][0] == '-')
        return fail("unknown option \"%s\"", argv[*i]);
    if (o->url)
        return fail("one URL or file at a time: \"%s\"", argv[*i]);
    o->url = argv[*i];
    return 0;
}

/* ---- Numbers ---- */

static int number(const char *name, const char *text, uint64_t least, uint64_t most, uint32_t *to)
{
    uint64_t value;
    if (!text)
        return 0;
    if (!rw_span_to_u64(rw_span_text(text), &value) || value < least || value > most)
        return fail("%s: \"%s\" is not a number from %llu to %llu", name, text,
                    (unsigned long long)least, (unsigned long long)most);
    *to = (uint32_t)value;
    return 0;
}

static int duration(const char *name, const char *text, uint32_t *ms)
{
    if (text && (rw_conf_duration(rw_span_text(text), ms) || (!*ms && text[0] != '0')))
        return fail("%s: \"%s\" is not a duration like 250ms, 10s, 2m", name, text);
    return 0;
}

/* "1000", "1000/s", "2.5k"? No: only what cannot be misread. */
static bool parse_rate(const char *text, const char **end, double *rate)
{
    char *after;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *rate = strtod(text, &after);
    if (strncmp(after, "/s", 2) == 0)
        after += 2;
    *end = after;
    return errno == 0 && isfinite(*rate) && *rate <= 1e8;
}

static int add_phase(struct rw_profile *profile, double seconds, double from, double to)
{
    if (profile->phase_count == RW_PHASES_MAX)
        return fail("--phases: at most %d", RW_PHASES_MAX);
    profile->phases[profile->phase_count++] = (struct rw_phase){seconds, from, to};
    return 0;
}

/* "10s:100" or "30s:100-1000". */
static int parse_phase(struct rw_profile *profile, struct rw_span word)
{
    char text[64];
    uint32_t ms;
    double from = 0, to;
    const char *end = "";
    ptrdiff_t colon = rw_span_find(word, ':');
    if (colon < 0 || word.len >= sizeof(text) ||
        rw_conf_duration(rw_span(word.at, (size_t)colon), &ms) || !ms)
        return fail(
            "--phases: \"%.*s\" is not DURATION:RATE or DURATION:FROM-TO, like 30s:100-1000",
            RW_SPAN_ARGS(word));
    memcpy(text, word.at, word.len);
    text[word.len] = '\0';
    bool good = parse_rate(text + colon + 1, &end, &from);
    to = from;
    if (good && *end == '-')
        good = parse_rate(end + 1, &end, &to);
    if (!good || *end)
        return fail("--phases: \"%s\": the rate is not a number, or two with a dash", text);
    return add_phase(profile, ms / 1000.0, from, to);
}

static int parse_phases(struct rw_load_options *o)
{
    struct rw_span rest = rw_span_text(o->phases), word;
    int code = 0;
    while (!code && rw_span_next(&rest, ',', &word))
        code = parse_phase(&o->settings.profile, word);
    return code;
}

/* What the file says stands, but for how long. */
static int set_file_duration(struct rw_load_options *o, uint32_t ms, uint32_t warmup_ms)
{
    struct rw_load_settings *s = &o->settings;
    if (!o->duration && !o->warmup)
        return 0;
    if (o->config.phases.count && o->duration)
        return fail("--duration: \"%s\" has phases, which tell durations themselves", o->url);
    if (!o->duration)
        ms = o->config.duration_ms;
    if (!o->warmup)
        warmup_ms = o->config.warmup_ms;
    s->warmup_seconds = warmup_ms / 1000.0;
    s->closed_seconds = (ms + warmup_ms) / 1000.0;
    if (o->config.rate.len)
        s->profile.phases[0].seconds = s->closed_seconds;
    return 0;
}

static int set_rates(struct rw_load_options *o, uint32_t ms, uint32_t warmup_ms)
{
    struct rw_load_settings *s = &o->settings;
    double rate = 0;
    const char *end = "";
    if (o->phases && (o->rate || o->duration))
        return fail("--phases tells rates and durations itself: not with --rate, --duration");
    if (o->think && (o->rate || o->phases))
        return fail("--think is for a closed loop: not with --rate, --phases");
    if (o->rate && (!parse_rate(o->rate, &end, &rate) || *end || rate <= 0))
        return fail("--rate: \"%s\" is not a number of requests per second", o->rate);
    if (s->script && !o->rate && !o->phases)
        return set_file_duration(o, ms, warmup_ms);
    s->warmup_seconds = warmup_ms / 1000.0;
    s->closed = !o->rate && !o->phases;
    s->closed_seconds = (ms + warmup_ms) / 1000.0;
    s->profile.phase_count = 0;
    if (o->rate)
        return add_phase(&s->profile, (ms + warmup_ms) / 1000.0, rate, rate);
    return o->phases ? parse_phases(o) : 0;
}

static int set_profile(struct rw_load_options *o)
{
    if (o->replay && (o->rate || o->phases || o->duration || o->think || o->warmup || o->arrivals))
        return fail("--replay: the log tells when requests are due; --speed makes it faster");
    if (o->replay)
        return 0;
    uint32_t ms = 10000, warmup_ms = 0;
    int code = duration("--duration", o->duration, &ms);
    if (!code)
        code = duration("--warmup", o->warmup, &warmup_ms);
    if (!code && ms == 0)
        code = fail("--duration: a run takes more than no time");
    if (!code && o->arrivals && strcmp(o->arrivals, "even") != 0 &&
        strcmp(o->arrivals, "poisson") != 0)
        code = fail("--arrivals: \"%s\" is neither even nor poisson", o->arrivals);
    if (code)
        return code;
    if (o->arrivals)
        o->settings.profile.arrivals =
            strcmp(o->arrivals, "poisson") == 0 ? RW_ARRIVALS_POISSON : RW_ARRIVALS_EVEN;
    code = set_rates(o, ms, warmup_ms);
    const struct rw_load_settings *s = &o->settings;
    if (!code && !s->closed && s->warmup_seconds >= rw_profile_seconds(&s->profile))
        code = fail("--warmup is longer than all the phases");
    return code;
}

static void set_defaults(struct rw_load_options *o)
{
    struct rw_load_settings *s = &o->settings;
    s->connections = 64;
    s->timeout_ms = 10000;
    s->streams = o->http2 ? 32 : 1;
    s->threads = s->processes = 1;
    s->seed = 1;
    s->protocol = o->http2 ? RW_LOAD_H2 : RW_LOAD_H1;
}

static int set_numbers(struct rw_load_options *o)
{
    struct rw_load_settings *s = &o->settings;
    uint32_t threads = s->threads, processes = s->processes, seed = (uint32_t)s->seed;
    s->connect_ms_max = CONNECT_MS_MAX;
    int code = number("--connections", o->connections, 1, RW_LOAD_CONNECTIONS_MAX, &s->connections);
    if (!code)
        code = number("--threads", o->threads, 1, RW_LOAD_THREADS_MAX, &threads);
    if (!code)
        code = number("--processes", o->processes, 1, RW_LOAD_THREADS_MAX / threads, &processes);
    if (!code)
        code = number("--streams", o->streams, 1, RW_LOAD_STREAMS_MAX, &s->streams);
    if (!code)
        code = number("--seed", o->seed, 0, UINT32_MAX, &seed);
    if (!code)
        code = duration("--timeout", o->timeout, &s->timeout_ms);
    if (!code)
        code = duration("--held", o->held, &s->held_ms);
    if (!code)
        code = duration("--think", o->think, &s->think_ms);
    if (!code && s->protocol == RW_LOAD_H1 && s->streams > 1)
        code = fail("--streams: HTTP/1.1 takes one request at a time on a connection; --http2?");
    if (!code && processes > RW_LOAD_THREADS_MAX / threads)
        code = fail("more than %d threads in all", RW_LOAD_THREADS_MAX);
    s->processes = processes;
    s->threads = threads * processes;
    if (!code && s->threads > s->connections)
        code = fail("--threads: %u threads need at least as many --connections", s->threads);
    s->seed = seed;
    return code;
}

/* ---- A scenario file ---- */

static bool names_file(const char *text)
{
    struct rw_span name = rw_span_text(text);
    return !strstr(text, "://") &&
           (rw_span_ends(name, RW_LITERAL(".yaml")) || rw_span_ends(name, RW_LITERAL(".yml")));
}

static int read_scenario(struct rw_load_options *o)
{
    struct rw_conf_report report = {0};
    struct rw_text text = {0};
    if (o->method || o->header_count || o->body || o->body_file || o->think || o->http2)
        return fail("\"%s\" tells requests, think times and the protocol itself", o->url);
    enum rw_err err = rw_load_script_read(o->url, &o->arena, &o->config, &o->settings, &report);
    if (!err)
        return 0;
    rw_conf_report_print(&report, &text);
    fputs(text.at ? text.at : "ringway load: out of memory\n", stderr);
    rw_text_free(&text);
    return 2;
}

static void take_from_file(struct rw_load_options *o)
{
    if (!o->target)
        o->target = o->config.target.at;
    if (!o->ca && o->config.ca.len)
        o->ca = o->config.ca.at;
    o->insecure = o->insecure || o->config.insecure;
}

int rw_load_options_parse(int argc, char **argv, struct rw_load_options *o)
{
    int code = 0;
    *o = (struct rw_load_options){.reports = rw_load_reports};
    rw_arena_init(&o->arena, NULL, 0, 64 * 1024, ARENA_BYTES_MAX);
    for (int i = 0; i < argc && !code; i++)
        code = take(argc, argv, &i, o);
    if (!code && !o->url)
        return fail("needs a URL or a scenario file");
    if (code)
        return code;
    set_defaults(o);
    if (names_file(o->url))
        code = read_scenario(o);
    else if (o->target)
        code = fail("--target is for scenario files: the URL has it");
    if (!code && o->replay && o->settings.script)
        code = fail("--replay goes with a URL, not with a scenario file");
    if (!code && (o->speed || o->all_methods) && !o->replay)
        code = fail("--speed and --all-methods are for --replay");
    if (!code && o->settings.script)
        take_from_file(o);
    if (!code)
        code = set_profile(o);
    if (!code)
        code = set_numbers(o);
    if (!code)
        code = rw_load_options_target(o);
    return code ? code : rw_load_options_request(o);
}

void rw_load_options_free(struct rw_load_options *o)
{
    rw_tls_client_drop(o->settings.tls);
    rw_load_script_free(o->settings.script);
    rw_arena_free(&o->arena);
}
