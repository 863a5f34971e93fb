/* The Prometheus text format, version 0.0.4: families one after the other, each with its HELP and
 * TYPE lines once. The series are added up once at the beginning, so that the families of one
 * scrape agree with each other. */
#include "base/alloc.h"
#include "watch/metrics_registry.h"

#include <math.h>
#include <stdio.h>

enum shape {
    SHAPE_CODES,
    SHAPE_HISTOGRAM,
    SHAPE_VALUE,
    SHAPE_LIMIT,
    SHAPE_MIRROR,
    SHAPE_EVENTS,
    SHAPE_DIFFERENCE
};

struct family {
    const char *name, *help;
    enum shape shape;
    size_t value_at; /* SHAPE_VALUE: offset in the cell */
};

static const struct family route_families[] = {
    {"ringway_requests_total", "Requests by route and status class", SHAPE_CODES, 0},
    {"ringway_request_duration_seconds",
     "Time from a request's first byte to the last byte of its response", SHAPE_HISTOGRAM, 0},
    {"ringway_request_body_bytes_total", "Body bytes received from clients", SHAPE_VALUE,
     offsetof(struct rw_series_cell, bytes_in)},
    {"ringway_response_body_bytes_total", "Body bytes sent to clients", SHAPE_VALUE,
     offsetof(struct rw_series_cell, bytes_out)},
    {NULL, NULL, SHAPE_VALUE, 0},
};

static const struct family endpoint_families[] = {
    {"ringway_upstream_requests_total", "Requests sent to endpoints, by status class", SHAPE_CODES,
     0},
    {"ringway_upstream_duration_seconds",
     "Time from a request's dispatch to the head of the endpoint's response", SHAPE_HISTOGRAM, 0},
    {"ringway_upstream_failures_total",
     "Exchanges that the endpoint failed: connect, reset, timeout", SHAPE_VALUE,
     offsetof(struct rw_series_cell, failures)},
    {NULL, NULL, SHAPE_VALUE, 0},
};

static const struct family limit_families[] = {
    {"ringway_rate_limit_requests_total", "Requests by rate limit and what became of them",
     SHAPE_LIMIT, 0},
    {NULL, NULL, SHAPE_VALUE, 0},
};

static const struct family version_families[] = {
    {"ringway_release_requests_total", "Requests by route, version and status class", SHAPE_CODES,
     0},
    {"ringway_release_duration_seconds",
     "Time from a request's first byte to the head of the version's response", SHAPE_HISTOGRAM, 0},
    {"ringway_release_errors_total",
     "Requests that a version failed: 5xx, no response, a broken one, a failed call of gRPC",
     SHAPE_VALUE, offsetof(struct rw_series_cell, failures)},
    {NULL, NULL, SHAPE_VALUE, 0},
};

static const struct family mirror_families[] = {
    {"ringway_mirror_requests_total", "Copies of requests sent to shadows, by status class",
     SHAPE_CODES, 0},
    {"ringway_mirror_duration_seconds", "Time that a copy took", SHAPE_HISTOGRAM, 0},
    {NULL, NULL, SHAPE_VALUE, 0},
};

static const struct family mirror_result_families[] = {
    {"ringway_mirror_results_total", "What became of requests that were to be mirrored",
     SHAPE_MIRROR, 0},
    {"ringway_mirror_differences_total", "Answers of shadows that differ, by what differs",
     SHAPE_DIFFERENCE, 0},
    {NULL, NULL, SHAPE_VALUE, 0},
};

static const struct family upstream_families[] = {
    {"ringway_upstream_events_total",
     "What happened to requests of an upstream, and to its endpoints, beside answers", SHAPE_EVENTS,
     0},
    {NULL, NULL, SHAPE_VALUE, 0},
};

static const struct family policy_families[] = {
    {"ringway_policy_answers_total",
     "Requests that a policy answered itself, or cut off, by status class", SHAPE_CODES, 0},
    {NULL, NULL, SHAPE_VALUE, 0},
};

/* A series as the scrape sees it. */
struct sample {
    const struct rw_metrics_entry *entry;
    struct rw_series_cell sum;
};

/* What all lines of one family and series share. */
struct line {
    struct rw_text *text;
    const char *name;
    struct rw_span labels; /* a="b",c="d" */
};

static void add_escaped(struct rw_text *text, struct rw_span value, bool quotes)
{
    size_t from = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (c != '\\' && c != '\n' && !(quotes && c == '"'))
            continue;
        rw_text_add(text, rw_span(value.at + from, i - from));
        rw_text_adds(text, c == '\n' ? "\\n" : c == '"' ? "\\\"" : "\\\\");
        from = i + 1;
    }
    if (from < value.len)
        rw_text_add(text, rw_span_skip(value, from));
}

void rw_metrics_expose_label(struct rw_text *text, struct rw_span value)
{
    add_escaped(text, value, true);
}

void rw_metrics_expose_head(struct rw_text *text, const char *name, const char *type,
                            const char *help)
{
    rw_text_addf(text, "# HELP %s ", name);
    add_escaped(text, rw_span_text(help), false);
    rw_text_addf(text, "\n# TYPE %s %s\n", name, type);
}

static void add_number(struct rw_text *text, double value)
{
    if (isnan(value))
        rw_text_adds(text, "NaN");
    else if (isinf(value))
        rw_text_adds(text, value > 0 ? "+Inf" : "-Inf");
    else
        rw_text_addf(text, "%.15g", value);
}

static void expose_single(struct rw_text *text, const char *name, const char *type,
                          const char *help, double value)
{
    rw_metrics_expose_head(text, name, type, help);
    rw_text_addf(text, "%s ", name);
    add_number(text, value);
    rw_text_adds(text, "\n");
}

void rw_metrics_expose_gauge(struct rw_text *text, const char *name, const char *help, double value)
{
    expose_single(text, name, "gauge", help, value);
}

void rw_metrics_expose_counter(struct rw_text *text, const char *name, const char *help,
                               double value)
{
    expose_single(text, name, "counter", help, value);
}

static void expose_counters(const struct rw_metrics *metrics, struct rw_text *text)
{
#define COUNTER "counter"
#define GAUGE "gauge"
#define EXPOSE(id, name, kind, help)                                                               \
    rw_metrics_expose_head(text, name, kind, help);                                                \
    rw_text_addf(text, "%s %lld\n", name, (long long)rw_metrics_total(metrics, RW_COUNTER_##id));
    RW_COUNTERS(EXPOSE)
#undef EXPOSE
#undef GAUGE
#undef COUNTER
}

static void expose_floods(const struct rw_metrics *metrics, struct rw_text *text)
{
    const char *name = "ringway_http2_floods_total";
    rw_metrics_expose_head(text, name, "counter",
                           "Client connections ended because of too much of something");
    for (unsigned flood = 0; flood < RW_H2_FLOOD_COUNT; flood++)
        rw_text_addf(text, "%s{flood=\"%s\"} %lld\n", name, rw_h2_flood_name(flood),
                     (long long)rw_metrics_total(metrics, RW_COUNTER_HTTP2_FLOODS + flood));
}

/* NAME SUFFIX {LABELS, KEY="VALUE"} -- the number and the newline are left to the caller. */
static void begin_line(const struct line *line, const char *suffix, const char *key,
                       const char *value)
{
    rw_text_adds(line->text, line->name);
    rw_text_adds(line->text, suffix);
    rw_text_adds(line->text, "{");
    rw_text_add(line->text, line->labels);
    if (key) {
        rw_text_adds(line->text, ",");
        rw_text_adds(line->text, key);
        rw_text_adds(line->text, "=\"");
        rw_text_adds(line->text, value);
        rw_text_adds(line->text, "\"");
    }
    rw_text_adds(line->text, "} ");
}

static void end_line(const struct line *line, uint64_t value)
{
    char digits[21];
    size_t len = rw_format_u64(digits, value);
    digits[len++] = '\n';
    rw_text_add(line->text, rw_span(digits, len));
}

static void expose_codes(const struct line *line, const struct rw_series_cell *sum)
{
    static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (unsigned i = 0; i < 6; i++) {
        begin_line(line, "", "code", classes[i]);
        end_line(line, sum->status[i]);
    }
}

static void expose_limit(const struct line *line, const struct rw_series_cell *sum)
{
    static const char *const results[RW_LIMIT_RESULTS] = {
        [RW_LIMIT_ADMITTED] = "admitted", [RW_LIMIT_REFUSED] = "refused",
        [RW_LIMIT_DRY_RUN] = "dry_run",   [RW_LIMIT_KEYLESS] = "keyless",
        [RW_LIMIT_BYPASSED] = "bypassed",
    };
    for (unsigned i = 0; i < RW_LIMIT_RESULTS; i++) {
        begin_line(line, "", "result", results[i]);
        end_line(line, sum->status[i]);
    }
}

static void expose_mirror(const struct line *line, const struct rw_series_cell *sum, unsigned from,
                          unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        begin_line(line, "", from ? "in" : "result", rw_mirror_result_name(i));
        end_line(line, sum->buckets[i]);
    }
}

static void expose_events(const struct line *line, const struct rw_series_cell *sum)
{
    for (unsigned i = 0; i < RW_UPSTREAM_EVENT_COUNT; i++) {
        begin_line(line, "", "event", rw_upstream_event_name(i));
        end_line(line, sum->buckets[i]);
    }
}

const char *rw_upstream_event_name(enum rw_upstream_event event)
{
    static const char *const names[] = {
#define NAME(id, name, counter) name,
        RW_UPSTREAM_EVENTS(NAME)
#undef NAME
    };
    return names[event];
}

const char *rw_mirror_result_name(enum rw_mirror_result result)
{
    static const char *const names[RW_MIRROR_CELLS] = {
        [RW_MIRROR_DROPPED] = "dropped",  [RW_MIRROR_TOO_LARGE] = "too_large",
        [RW_MIRROR_FAILED] = "failed",    [RW_MIRROR_UNCOMPARED] = "uncompared",
        [RW_MIRROR_SAME] = "same",        [RW_MIRROR_DIFFERENT] = "different",
        [RW_MIRROR_BY_STATUS] = "status", [RW_MIRROR_BY_FIELD] = "field",
        [RW_MIRROR_BY_BODY] = "body",
    };
    return names[result];
}

static void expose_histogram(const struct line *line, const struct rw_series_cell *sum)
{
    static const unsigned bounds_us[] = {
#define BOUND(us) us,
        RW_LATENCY_BOUNDS_US(BOUND)
#undef BOUND
    };
    _Static_assert(sizeof(bounds_us) / sizeof(bounds_us[0]) == RW_LATENCY_BUCKETS - 1, "bounds");
    uint64_t count = 0;
    for (unsigned i = 0; i < RW_LATENCY_BUCKETS; i++) {
        char bound[32] = "+Inf";
        if (i < RW_LATENCY_BUCKETS - 1)
            snprintf(bound, sizeof(bound), "%g", bounds_us[i] / 1e6);
        count += sum->buckets[i];
        begin_line(line, "_bucket", "le", bound);
        end_line(line, count);
    }
    begin_line(line, "_sum", NULL, NULL);
    rw_text_addf(line->text, "%llu.%06llu\n", (unsigned long long)(sum->duration_sum_us / 1000000),
                 (unsigned long long)(sum->duration_sum_us % 1000000));
    begin_line(line, "_count", NULL, NULL);
    end_line(line, count);
}

static void expose_sample(const struct line *line, const struct family *family,
                          const struct rw_series_cell *sum)
{
    switch (family->shape) {
    case SHAPE_CODES:
        expose_codes(line, sum);
        break;
    case SHAPE_HISTOGRAM:
        expose_histogram(line, sum);
        break;
    case SHAPE_LIMIT:
        expose_limit(line, sum);
        break;
    case SHAPE_MIRROR:
        expose_mirror(line, sum, 0, RW_MIRROR_RESULTS);
        break;
    case SHAPE_DIFFERENCE:
        expose_mirror(line, sum, RW_MIRROR_RESULTS, RW_MIRROR_CELLS);
        break;
    case SHAPE_EVENTS:
        expose_events(line, sum);
        break;
    case SHAPE_VALUE:
        begin_line(line, "", NULL, NULL);
        end_line(line, *(const uint64_t *)((const char *)sum + family->value_at));
        break;
    }
}

static void add_labels(struct rw_text *labels, const struct rw_metrics_entry *entry)
{
    static const struct {
        const char *name, *detail;
    } begins[RW_SERIES_KINDS] = {[RW_SERIES_ROUTE] = {"route=\"", NULL},
                                 [RW_SERIES_ENDPOINT] = {"upstream=\"", "\",endpoint=\""},
                                 [RW_SERIES_LIMIT] = {"limit=\"", NULL},
                                 [RW_SERIES_VERSION] = {"route=\"", "\",version=\""},
                                 [RW_SERIES_MIRROR] = {"route=\"", NULL},
                                 [RW_SERIES_MIRROR_RESULT] = {"route=\"", NULL},
                                 [RW_SERIES_UPSTREAM] = {"upstream=\"", NULL},
                                 [RW_SERIES_POLICY] = {"policy=\"", "\",place=\""}};
    labels->len = 0;
    rw_text_adds(labels, begins[entry->kind].name);
    rw_metrics_expose_label(labels, rw_span(entry->name, entry->name_len));
    if (begins[entry->kind].detail) {
        rw_text_adds(labels, begins[entry->kind].detail);
        rw_metrics_expose_label(labels, rw_span(entry->detail, entry->detail_len));
    }
    rw_text_adds(labels, "\"");
}

static void expose_family(struct rw_text *text, const struct family *family,
                          const struct sample *samples, unsigned count, enum rw_series_kind kind)
{
    struct rw_text labels = {0};
    bool head = false;
    for (unsigned i = 0; i < count && !text->err; i++) {
        if (samples[i].entry->kind != kind)
            continue;
        if (!head)
            rw_metrics_expose_head(text, family->name,
                                   family->shape == SHAPE_HISTOGRAM ? "histogram" : "counter",
                                   family->help);
        head = true;
        add_labels(&labels, samples[i].entry);
        if (labels.err) {
            text->err = labels.err;
            break;
        }
        struct line line = {text, family->name, rw_text_span(&labels)};
        expose_sample(&line, family, &samples[i].sum);
    }
    rw_text_free(&labels);
}

static bool is_used(const struct rw_series_cell *cell)
{
    static const struct rw_series_cell unused;
    return memcmp(cell, &unused, sizeof(unused)) != 0;
}

static void expose_series(const struct rw_metrics *metrics, struct rw_text *text)
{
    static const struct family *const families[RW_SERIES_KINDS] = {
        [RW_SERIES_ROUTE] = route_families,
        [RW_SERIES_ENDPOINT] = endpoint_families,
        [RW_SERIES_LIMIT] = limit_families,
        [RW_SERIES_VERSION] = version_families,
        [RW_SERIES_MIRROR] = mirror_families,
        [RW_SERIES_MIRROR_RESULT] = mirror_result_families,
        [RW_SERIES_UPSTREAM] = upstream_families,
        [RW_SERIES_POLICY] = policy_families,
    };
    unsigned known = atomic_load_explicit(&metrics->series_count, memory_order_acquire);
    struct sample *samples = rw_alloc_aligned(_Alignof(struct sample), known * sizeof(*samples));
    if (!samples) {
        text->err = RW_ENOMEM;
        return;
    }
    unsigned count = 0;
    for (unsigned i = 0; i < known; i++) {
        samples[count] = (struct sample){.entry = &metrics->entries[i]};
        rw_metrics_series_total(metrics, i, &samples[count].sum);
        count += is_used(&samples[count].sum);
    }
    for (unsigned kind = 0; kind < RW_SERIES_KINDS; kind++)
        for (const struct family *family = families[kind]; family->name; family++)
            expose_family(text, family, samples, count, kind);
    rw_free(samples);
}

void rw_metrics_expose(const struct rw_metrics *metrics, struct rw_text *text)
{
    expose_counters(metrics, text);
    expose_floods(metrics, text);
    if (!text->err)
        expose_series(metrics, text);
}
