#include "cli/load_options.h"

#include "base/clock.h"
#include "cli/cli.h"
#include "conf/scalar.h"
#include "http/url.h"
#include "io/tls.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY_BYTES_MAX = 64 * 1024 * 1024, CONNECT_MS_MAX = 10000 };

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

static int take_output(struct rw_load_options *o, const char *file)
{
    const char *suffix = strrchr(file, '.');
    if (!suffix || (strcmp(suffix, ".json") != 0 && strcmp(suffix, ".csv") != 0 &&
                    strcmp(suffix, ".html") != 0))
        return fail("--out: \"%s\" ends with none of .json, .csv, .html", file);
    if (o->output_count == RW_CLI_OUTPUTS_MAX)
        return fail("--out: at most %d files", RW_CLI_OUTPUTS_MAX);
    o->outputs[o->output_count++] = file;
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
                 {"--json", &o->json},
                 {"--quiet", &o->quiet}};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(argument, flags[i].name) == 0)
            return *flags[i].to = true;
    return false;
}

static int take(int argc, char **argv, int *i, struct rw_load_options *o)
{
    const char *header = NULL, *output = NULL;
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
        {"--lang", &o->lang},
        {"--out", &output},
    };
    if (take_flag(o, argv[*i]))
        return 0;
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
        bool lacking;
        const char *value = rw_cli_option(argc, argv, i, words[w].name, &lacking);
        if (lacking)
            return fail("%s needs a value", words[w].name);
        if (!value)
            continue;
        *words[w].to = value;
        return header ? take_header(o, header) : output ? take_output(o, output) : 0;
    }
    if (argv[*i][0] == '-')
        return fail("unknown option \"%s\"", argv[*i]);
    if (o->url)
        return fail("one URL at a time: \"%s\"", argv[*i]);
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

static int set_profile(struct rw_load_options *o)
{
    struct rw_load_settings *s = &o->settings;
    uint32_t ms = 10000, warmup_ms = 0;
    double rate = 0;
    const char *end = "";
    int code = duration("--duration", o->duration, &ms);
    if (!code)
        code = duration("--warmup", o->warmup, &warmup_ms);
    if (code)
        return code;
    if (o->phases && (o->rate || o->duration))
        return fail("--phases tells rates and durations itself: not with --rate, --duration");
    if (o->think && (o->rate || o->phases))
        return fail("--think is for a closed loop: not with --rate, --phases");
    if (o->rate && (!parse_rate(o->rate, &end, &rate) || *end || rate <= 0))
        return fail("--rate: \"%s\" is not a number of requests per second", o->rate);
    if (o->arrivals && strcmp(o->arrivals, "even") != 0 && strcmp(o->arrivals, "poisson") != 0)
        return fail("--arrivals: \"%s\" is neither even nor poisson", o->arrivals);
    if (o->arrivals && strcmp(o->arrivals, "poisson") == 0)
        s->profile.arrivals = RW_ARRIVALS_POISSON;
    s->warmup_seconds = warmup_ms / 1000.0;
    s->closed = !o->rate && !o->phases;
    s->closed_seconds = (ms + warmup_ms) / 1000.0;
    if (o->rate)
        return add_phase(&s->profile, (ms + warmup_ms) / 1000.0, rate, rate);
    return o->phases ? parse_phases(o) : 0;
}

static int set_numbers(struct rw_load_options *o)
{
    struct rw_load_settings *s = &o->settings;
    uint32_t threads = 1, processes = 1, streams = o->http2 ? 32 : 1, seed = 1;
    s->connections = 64;
    s->timeout_ms = 10000;
    s->connect_ms_max = CONNECT_MS_MAX;
    int code = number("--connections", o->connections, 1, RW_LOAD_CONNECTIONS_MAX, &s->connections);
    if (!code)
        code = number("--threads", o->threads, 1, RW_LOAD_THREADS_MAX, &threads);
    if (!code)
        code = number("--processes", o->processes, 1, RW_LOAD_THREADS_MAX / threads, &processes);
    if (!code)
        code = number("--streams", o->streams, 1, RW_LOAD_STREAMS_MAX, &streams);
    if (!code)
        code = number("--seed", o->seed, 0, UINT32_MAX, &seed);
    if (!code)
        code = duration("--timeout", o->timeout, &s->timeout_ms);
    if (!code)
        code = duration("--held", o->held, &s->held_ms);
    if (!code)
        code = duration("--think", o->think, &s->think_ms);
    if (!code && !o->http2 && streams > 1)
        code = fail("--streams: HTTP/1.1 takes one request at a time on a connection; --http2?");
    s->processes = processes;
    s->threads = threads * processes;
    if (!code && s->threads > s->connections)
        code = fail("--threads: %u threads need at least as many --connections", s->threads);
    s->streams = streams;
    s->seed = seed;
    return code;
}

/* ---- The target ---- */

static int resolve(struct rw_load_options *o, const struct rw_url *url, bool tls)
{
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (url->host.len >= sizeof(host))
        return fail("the host of the URL is too long");
    snprintf(host, sizeof(host), "%.*s", RW_SPAN_ARGS(url->host));
    snprintf(port, sizeof(port), "%u", url->port ? url->port : tls ? 443u : 80u);
    int error = getaddrinfo(host, port, &hints, &found);
    if (error) {
        fprintf(stderr, "ringway load: %s: %s\n", host, gai_strerror(error));
        return 1;
    }
    memcpy(&o->settings.address.storage, found->ai_addr, found->ai_addrlen);
    o->settings.address.bytes = found->ai_addrlen;
    freeaddrinfo(found);
    const struct sockaddr_in *ip = (const struct sockaddr_in *)&o->settings.address.storage;
    o->settings.sources = o->sources;
    if (o->sources && (ip->sin_family != AF_INET || ntohl(ip->sin_addr.s_addr) >> 24 != 127))
        return fail("--sources is for targets at 127.x.x.x: \"%s\"", o->url);
    return 0;
}

static int set_tls(struct rw_load_options *o, const struct rw_url *url)
{
    const struct rw_span h1 = RW_LITERAL("http/1.1"), h2 = RW_LITERAL("h2");
    const struct rw_tls_client_options client = {
        .insecure = o->insecure,
        .ca = rw_span_text(o->ca),
        .name = url->host,
        .alpn = o->http2 ? &h2 : &h1,
        .alpn_count = 1,
    };
    struct rw_text why = {0};
    int code = 0;
    if (rw_tls_client_create(&client, &o->settings.tls, &why))
        code = fail("TLS: %s", why.at ? why.at : "out of memory");
    rw_text_free(&why);
    return code;
}

static int set_target(struct rw_load_options *o)
{
    struct rw_url url;
    const char *why;
    if (rw_url_parse(rw_span_text(o->url), &url, &why))
        return fail("\"%s\": %s", o->url, why);
    bool tls = rw_span_is_nocase(url.scheme, "https");
    if (!tls && !rw_span_is_nocase(url.scheme, "http"))
        return fail("\"%s\": the scheme is none of http, https", o->url);
    struct rw_span slash = RW_LITERAL("/");
    o->settings.url = rw_span_text(o->url);
    o->settings.authority = url.authority;
    o->request.target = url.target;
    if (!rw_span_starts(url.target, slash))
        o->request.target = rw_arena_format(&o->arena, "/%.*s", RW_SPAN_ARGS(url.target));
    int code = resolve(o, &url, tls);
    return !code && tls ? set_tls(o, &url) : code;
}

/* ---- The request ---- */

static int read_body(struct rw_load_options *o)
{
    FILE *file = fopen(o->body_file, "rb");
    char *at = file ? rw_arena_alloc(&o->arena, BODY_BYTES_MAX) : NULL;
    size_t len = at ? fread(at, 1, BODY_BYTES_MAX, file) : 0;
    bool bad = !at || ferror(file) || !feof(file);
    if (file)
        fclose(file);
    if (bad)
        return fail("--body-file: \"%s\" cannot be read, or has more than %d MiB", o->body_file,
                    BODY_BYTES_MAX >> 20);
    o->request.body = rw_span(at, len);
    return 0;
}

static int set_headers(struct rw_load_options *o)
{
    for (unsigned i = 0; i < o->header_count; i++) {
        struct rw_span line = rw_span_text(o->headers[i]);
        size_t len = (size_t)rw_span_find(line, ':');
        struct rw_load_header *header = &o->request.headers[o->request.header_count];
        header->name = rw_span(line.at, len);
        header->value = rw_span_trim(rw_span_skip(line, len + 1));
        if (!rw_is_token(header->name) || !rw_is_field_value(header->value))
            return fail("--header: \"%s\" is no field that HTTP has", o->headers[i]);
        if (rw_span_is_nocase(header->name, "host"))
            o->settings.authority = header->value;
        else
            o->request.header_count++;
    }
    return 0;
}

static int set_request(struct rw_load_options *o)
{
    o->request.weight = 1;
    o->request.method = rw_span_text(o->method                 ? o->method
                                     : o->body || o->body_file ? "POST"
                                                               : "GET");
    o->request.name = o->request.target;
    if (!rw_is_token(o->request.method))
        return fail("--method: \"%s\" is no method", o->method);
    if (o->body && o->body_file)
        return fail("--body and --body-file: one of them");
    o->request.body = rw_span_text(o->body);
    int code = o->body_file ? read_body(o) : 0;
    if (!code)
        code = set_headers(o);
    o->settings.requests = &o->request;
    o->settings.request_count = 1;
    o->settings.protocol = o->http2 ? RW_LOAD_H2 : RW_LOAD_H1;
    if (!code && rw_load_prepare(&o->settings, &o->arena))
        code = fail("the request is too large");
    return code;
}

int rw_load_options_parse(int argc, char **argv, struct rw_load_options *o)
{
    int code = 0;
    *o = (struct rw_load_options){0};
    rw_arena_init(&o->arena, NULL, 0, 64 * 1024, 4 * (size_t)BODY_BYTES_MAX);
    for (int i = 0; i < argc && !code; i++)
        code = take(argc, argv, &i, o);
    if (!code && !o->url)
        code = fail("needs a URL");
    if (!code && o->lang && strcmp(o->lang, "en") != 0 && strcmp(o->lang, "zh") != 0)
        code = fail("--lang: \"%s\" is neither en nor zh", o->lang);
    o->language = o->lang && strcmp(o->lang, "zh") == 0 ? RW_LANGUAGE_ZH : RW_LANGUAGE_EN;
    if (!code)
        code = set_profile(o);
    if (!code)
        code = set_numbers(o);
    if (!code && o->settings.warmup_seconds >= rw_profile_seconds(&o->settings.profile) &&
        o->phases)
        code = fail("--warmup is longer than all the phases");
    if (!code)
        code = set_target(o);
    return code ? code : set_request(o);
}

void rw_load_options_free(struct rw_load_options *o)
{
    rw_tls_client_drop(o->settings.tls);
    rw_arena_free(&o->arena);
}
