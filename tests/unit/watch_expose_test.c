/* The exposition read back by a strict parser of the text format 0.0.4: names and labels by their
 * grammar, HELP and TYPE once and first, families in one piece, no sample twice, histograms
 * cumulative and whole. Where promtool is installed, it has its say too. */
#include "base/alloc.h"
#include "watch/metrics.h"
#include "watch/process.h"

#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SAMPLES_MAX = 2000, FAMILIES_MAX = 150 };

struct sample {
    char family[128]; /* without _bucket, _sum, _count */
    char suffix[16];
    char labels[512]; /* as written, without le */
    char le[32];
    double value;
};

struct parsed {
    struct sample samples[SAMPLES_MAX];
    unsigned count;
    char families[FAMILIES_MAX][128];
    char types[FAMILIES_MAX][16];
    unsigned family_count;
};

static struct parsed parsed;

static const char *parse_name(const char *at, char *to)
{
    assert_true(isalpha((unsigned char)*at) || *at == '_' || *at == ':');
    while (isalnum((unsigned char)*at) || *at == '_' || *at == ':')
        *to++ = *at++;
    *to = '\0';
    return at;
}

/* From the opening quote to behind the closing one. */
static const char *parse_quoted(const char *at, char *to)
{
    assert_int_equal(*at++, '"');
    while (*at != '"') {
        assert_true(*at && *at != '\n');
        if (*at == '\\') {
            *to++ = *at++;
            assert_true(*at == '\\' || *at == '"' || *at == 'n');
        }
        *to++ = *at++;
    }
    *to = '\0';
    return at + 1;
}

static const char *parse_labels(const char *at, struct sample *sample)
{
    char key[128], value[256];
    while (*at != '}') {
        at = parse_quoted(parse_name(at, key) + 1, value);
        if (strcmp(key, "le") == 0) {
            snprintf(sample->le, sizeof(sample->le), "%.31s", value);
        } else {
            size_t len = strlen(sample->labels);
            snprintf(sample->labels + len, sizeof(sample->labels) - len, "%s=\"%s\",", key, value);
        }
        at += *at == ',';
    }
    return at + 1;
}

static void split_suffix(struct sample *sample, const char *type)
{
    static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
    for (int i = 0; i < 3 && strcmp(type, "histogram") == 0; i++) {
        size_t len = strlen(sample->family), cut = strlen(suffixes[i]);
        if (len > cut && strcmp(sample->family + len - cut, suffixes[i]) == 0) {
            sample->family[len - cut] = '\0';
            snprintf(sample->suffix, sizeof(sample->suffix), "%s", suffixes[i]);
            return;
        }
    }
}

static const char *parse_sample(const char *at)
{
    struct sample *sample = &parsed.samples[parsed.count++];
    assert_true(parsed.count < SAMPLES_MAX);
    *sample = (struct sample){0};
    at = parse_name(at, sample->family);
    if (*at == '{')
        at = parse_labels(at + 1, sample);
    assert_int_equal(*at++, ' ');
    char *end;
    sample->value = strtod(at, &end);
    assert_true(end > at);
    assert_int_equal(*end, '\n');
    split_suffix(sample, parsed.types[parsed.family_count - 1]);
    /* Of the family that was announced last: so families lie in one piece. */
    assert_string_equal(sample->family, parsed.families[parsed.family_count - 1]);
    for (unsigned i = 0; i + 1 < parsed.count; i++) {
        struct sample *other = &parsed.samples[i];
        assert_false(strcmp(other->family, sample->family) == 0 &&
                     strcmp(other->suffix, sample->suffix) == 0 &&
                     strcmp(other->labels, sample->labels) == 0 &&
                     strcmp(other->le, sample->le) == 0);
    }
    return end + 1;
}

static const char *parse_head(const char *at)
{
    char name[128], again[128];
    assert_memory_equal(at, "# HELP ", 7);
    at = parse_name(at + 7, name);
    assert_int_equal(*at, ' ');
    at = strchr(at, '\n') + 1;
    assert_memory_equal(at, "# TYPE ", 7);
    at = parse_name(at + 7, again);
    assert_string_equal(name, again);
    for (unsigned i = 0; i < parsed.family_count; i++)
        assert_string_not_equal(parsed.families[i], name);
    assert_true(parsed.family_count < FAMILIES_MAX);
    memcpy(parsed.families[parsed.family_count], name, sizeof(name));
    size_t len = strcspn(++at, "\n");
    snprintf(parsed.types[parsed.family_count++], sizeof(parsed.types[0]), "%.*s", (int)len, at);
    const char *type = parsed.types[parsed.family_count - 1];
    assert_true(!strcmp(type, "counter") || !strcmp(type, "gauge") || !strcmp(type, "histogram"));
    return at + len + 1;
}

static const struct sample *find(const char *family, const char *suffix, const char *labels)
{
    for (unsigned i = 0; i < parsed.count; i++)
        if (strcmp(parsed.samples[i].family, family) == 0 &&
            strcmp(parsed.samples[i].suffix, suffix) == 0 &&
            strcmp(parsed.samples[i].labels, labels) == 0)
            return &parsed.samples[i];
    return NULL;
}

static void check_histogram(const struct sample *count)
{
    double last = 0, last_bound = -1;
    unsigned buckets = 0;
    for (unsigned i = 0; i < parsed.count; i++) {
        const struct sample *bucket = &parsed.samples[i];
        if (strcmp(bucket->suffix, "_bucket") != 0 || strcmp(bucket->family, count->family) != 0 ||
            strcmp(bucket->labels, count->labels) != 0)
            continue;
        double bound = strtod(bucket->le, NULL);
        assert_true(bound > last_bound && bucket->value >= last);
        last_bound = bound;
        last = bucket->value;
        buckets++;
    }
    assert_int_equal(buckets, RW_LATENCY_BUCKETS);
    assert_true(isinf(last_bound));
    assert_true(last == count->value);
    assert_non_null(find(count->family, "_sum", count->labels));
}

static void parse(const struct rw_text *text)
{
    assert_int_equal(text->err, RW_OK);
    parsed.count = parsed.family_count = 0;
    for (const char *at = text->at; *at;)
        at = *at == '#' ? parse_head(at) : parse_sample(at);
    for (unsigned i = 0; i < parsed.count; i++)
        if (strcmp(parsed.samples[i].suffix, "_count") == 0)
            check_histogram(&parsed.samples[i]);
    if (system("command -v promtool >/dev/null 2>&1") == 0) {
        FILE *promtool = popen("promtool check metrics", "w");
        assert_non_null(promtool);
        assert_int_equal(fwrite(text->at, 1, text->len, promtool), text->len);
        assert_int_equal(pclose(promtool), 0);
    }
}

static double value_of(const char *family, const char *suffix, const char *labels)
{
    const struct sample *sample = find(family, suffix, labels);
    assert_non_null(sample);
    return sample->value;
}

static struct rw_metrics *busy_metrics(void)
{
    struct rw_metrics *metrics;
    assert_int_equal(rw_metrics_create(3, 5, &metrics), RW_OK);
    unsigned orders =
        rw_metrics_series(metrics, RW_SERIES_ROUTE, RW_LITERAL("orders"), rw_span(NULL, 0));
    unsigned strange =
        rw_metrics_series(metrics, RW_SERIES_ROUTE, RW_LITERAL("a\"b\\c\nd\xff"), rw_span(NULL, 0));
    rw_metrics_series(metrics, RW_SERIES_ROUTE, RW_LITERAL("unused"), rw_span(NULL, 0));
    unsigned endpoint =
        rw_metrics_series(metrics, RW_SERIES_ENDPOINT, RW_LITERAL("shop"), RW_LITERAL("[::1]:80"));
    for (unsigned i = 0; i < 2; i++) {
        struct rw_metrics_shard *shard = rw_metrics_shard(metrics, i);
        rw_metrics_count(shard, RW_COUNTER_CONNECTIONS_ACCEPTED, 2);
        rw_metrics_observe(rw_metrics_cell(shard, orders), 2, 90, 10, 1000);
        rw_metrics_observe(rw_metrics_cell(shard, orders), 5, 1500000, 0, 7);
        rw_metrics_observe(rw_metrics_cell(shard, strange), 4, 60000000, 0, 0);
        rw_metrics_observe(rw_metrics_cell(shard, RW_SERIES_ROUTE), 0, 1, 0, 0);
        rw_metrics_observe(rw_metrics_cell(shard, endpoint), 2, 300, 0, 0);
        rw_metrics_failure(rw_metrics_cell(shard, endpoint));
    }
    return metrics;
}

static void test_exposition_is_valid_and_right(void **state)
{
    (void)state;
    struct rw_metrics *metrics = busy_metrics();
    struct rw_text text = {0};
    rw_metrics_expose(metrics, &text);
    rw_process_expose(&text, NULL, 0);
    parse(&text);
    assert_true(value_of("ringway_connections_accepted_total", "", "") == 4);
    assert_true(value_of("ringway_requests_total", "", "route=\"orders\",code=\"2xx\",") == 2);
    assert_true(value_of("ringway_requests_total", "", "route=\"orders\",code=\"5xx\",") == 2);
    assert_true(value_of("ringway_requests_total", "", "route=\"_other\",code=\"none\",") == 2);
    assert_true(
        value_of("ringway_requests_total", "", "route=\"a\\\"b\\\\c\\nd?\",code=\"4xx\",") == 2);
    assert_true(value_of("ringway_request_body_bytes_total", "", "route=\"orders\",") == 20);
    assert_true(value_of("ringway_response_body_bytes_total", "", "route=\"orders\",") == 2014);
    const char *duration = "ringway_request_duration_seconds";
    assert_true(value_of(duration, "_count", "route=\"orders\",") == 4);
    assert_true(fabs(value_of(duration, "_sum", "route=\"orders\",") - 3.00018) < 1e-9);
    const char *shop = "upstream=\"shop\",endpoint=\"[::1]:80\",";
    assert_true(value_of("ringway_upstream_failures_total", "", shop) == 2);
    assert_true(value_of("ringway_upstream_duration_seconds", "_count", shop) == 2);
    assert_null(find("ringway_request_body_bytes_total", "", "route=\"unused\","));
    assert_null(strstr(text.at, "endpoint=\"_other\""));
    rw_text_free(&text);
    rw_metrics_destroy(metrics);
}

static void test_nothing_counted_is_valid_too(void **state)
{
    (void)state;
    struct rw_metrics *metrics;
    assert_int_equal(rw_metrics_create(2, 5, &metrics), RW_OK);
    struct rw_text text = {0};
    rw_metrics_expose(metrics, &text);
    parse(&text);
    assert_int_equal(parsed.count, RW_COUNTER_COUNT);
    rw_text_free(&text);
    rw_metrics_destroy(metrics);
}

static void test_single_values(void **state)
{
    (void)state;
    struct rw_text text = {0};
    rw_metrics_expose_gauge(&text, "some_bytes", "Help with \\ and\nnewline", 1536.5);
    rw_metrics_expose_gauge(&text, "some_nan", "x", NAN);
    rw_metrics_expose_gauge(&text, "some_infinity", "x", INFINITY);
    rw_metrics_expose_gauge(&text, "some_less", "x", -INFINITY);
    rw_metrics_expose_counter(&text, "some_total", "x", 12345678901.0);
    parse(&text);
    assert_non_null(strstr(text.at, "# HELP some_bytes Help with \\\\ and\\nnewline\n"));
    assert_non_null(strstr(text.at, "\nsome_bytes 1536.5\n"));
    assert_non_null(strstr(text.at, "\nsome_nan NaN\n"));
    assert_non_null(strstr(text.at, "\nsome_infinity +Inf\n"));
    assert_non_null(strstr(text.at, "\nsome_less -Inf\n"));
    assert_non_null(strstr(text.at, "\nsome_total 12345678901\n"));
    rw_text_free(&text);
}

static void test_each_failed_allocation_is_reported(void **state)
{
    (void)state;
    struct rw_metrics *metrics = busy_metrics();
    bool failed = true;
    for (unsigned successes = 0; failed; successes++) {
        assert_true(successes < 1000);
        struct rw_text text = {0};
        rw_alloc_fail_after(successes);
        rw_metrics_expose(metrics, &text);
        rw_alloc_fail_never();
        failed = text.err == RW_ENOMEM;
        if (!failed)
            parse(&text);
        rw_text_free(&text);
    }
    rw_metrics_destroy(metrics);
}

static void test_process_usage_is_plausible(void **state)
{
    (void)state;
    struct rw_process_usage self, same, none;
    assert_int_equal(rw_process_read(0, &self), RW_OK);
    assert_int_equal(rw_process_read(getpid(), &same), RW_OK);
    assert_true(self.resident_bytes > 100000);
    assert_true(self.open_fds >= 3 && self.open_fds <= self.max_fds);
    assert_int_equal(self.max_fds, same.max_fds);
    double now = (double)time(NULL);
    assert_true(self.start_time_seconds > now - 600 && self.start_time_seconds < now + 2);
    assert_int_equal(rw_process_read(0x3ffffff0, &none), RW_ENOENT);
}

static void test_processes_add_up(void **state)
{
    (void)state;
    pid_t pids[] = {getpid(), 0x3ffffff0, getpid()};
    struct rw_text text = {0};
    rw_process_expose(&text, pids, 3);
    parse(&text);
    struct rw_process_usage self;
    assert_int_equal(rw_process_read(0, &self), RW_OK);
    assert_true(value_of("process_max_fds", "", "") == 2.0 * (double)self.max_fds);
    rw_text_free(&text);
    rw_process_expose(&text, pids + 1, 1);
    assert_int_equal(text.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exposition_is_valid_and_right),
        cmocka_unit_test(test_nothing_counted_is_valid_too),
        cmocka_unit_test(test_single_values),
        cmocka_unit_test(test_each_failed_allocation_is_reported),
        cmocka_unit_test(test_process_usage_is_plausible),
        cmocka_unit_test(test_processes_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
