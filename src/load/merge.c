#include "load/merge.h"

#include "base/alloc.h"
#include "load/script/judge.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

enum { ROWS_MAX = 7 * 24 * 3600, PAIRS_MAX = 64 << 20, ARENA_BYTES_MAX = 64 << 20 };

/* One file that is being added. What is not as it should be is remembered, so that a long sequence
 * needs one look at its end. */
struct addition {
    struct rw_load_merge *merge;
    const json_t *root;
    const char *flaw; /* the first; NULL: none */
    enum rw_err err;
};

static void find_flaw(struct addition *a, const char *flaw)
{
    if (!a->flaw)
        a->flaw = flaw;
}

/* ---- Values ---- */

static const json_t *member(struct addition *a, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        find_flaw(a, key);
    return value;
}

static uint64_t count_at(struct addition *a, const json_t *object, const char *key)
{
    const json_t *value = member(a, object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        find_flaw(a, key);
    return json_is_integer(value) && json_integer_value(value) > 0
               ? (uint64_t)json_integer_value(value)
               : 0;
}

static double number_at(struct addition *a, const json_t *object, const char *key)
{
    const json_t *value = member(a, object, key);
    double number = json_number_value(value);
    if (!json_is_number(value) || !isfinite(number) || number < 0 || number > 1e9)
        find_flaw(a, key);
    return number >= 0 && number <= 1e9 ? number : 0;
}

static uint64_t ns_at(struct addition *a, const json_t *object, const char *key)
{
    return (uint64_t)llround(number_at(a, object, key) * 1e9);
}

static struct rw_span text_at(struct addition *a, const json_t *object, const char *key)
{
    const json_t *value = member(a, object, key);
    struct rw_span copy = RW_LITERAL("");
    if (!json_is_string(value))
        find_flaw(a, key);
    else
        copy = rw_arena_copy(&a->merge->arena,
                             rw_span(json_string_value(value), json_string_length(value)));
    if (!copy.at)
        a->err = RW_ENOMEM;
    return copy.at ? copy : RW_LITERAL("");
}

/* ---- Histograms ---- */

static void add_buckets(struct addition *a, const json_t *buckets, struct rw_histogram *to)
{
    size_t i;
    const json_t *pair;
    json_array_foreach(buckets, i, pair)
    {
        json_int_t value = json_integer_value(json_array_get(pair, 0));
        json_int_t times = json_integer_value(json_array_get(pair, 1));
        if (value < 0 || times < 0)
            find_flaw(a, "buckets_ns");
        else
            rw_histogram_add_bucket(to, (uint64_t)value, (uint64_t)times);
    }
}

static void add_histogram(struct addition *a, const json_t *object, const char *key,
                          struct rw_histogram *to)
{
    const json_t *from = member(a, object, key), *buckets = member(a, from, "buckets_ns");
    uint64_t count = count_at(a, from, "count"), before = to->count;
    uint64_t least = ns_at(a, from, "min"), most = ns_at(a, from, "max");
    uint64_t sum = count_at(a, from, "sum_ns");
    add_buckets(a, buckets, to);
    if (!json_is_array(buckets) || to->count - before != count)
        find_flaw(a, "buckets_ns");
    if (count)
        rw_histogram_widen(to, least, most, (double)sum);
}

/* ---- Counts ---- */

static void add_statuses(struct addition *a, struct rw_load_counts *counts)
{
    const char *key;
    json_t *value; /* jansson walks with it; nothing is changed */
    json_t *statuses = json_object_get(a->root, "statuses");
    json_object_foreach(statuses, key, value)
    {
        uint64_t status;
        if (!rw_span_to_u64(rw_span_text(key), &status) || status >= RW_LOAD_STATUS_MAX ||
            json_integer_value(value) < 0)
            find_flaw(a, "statuses");
        else
            counts->statuses[status] += (uint64_t)json_integer_value(value);
    }
}

static void add_counts(struct addition *a)
{
    struct rw_load_counts *counts = &a->merge->result.tally.counts;
    const json_t *requests = member(a, a->root, "requests");
    const json_t *errors = member(a, a->root, "errors");
    counts->due += count_at(a, requests, "due");
    counts->sent += count_at(a, requests, "sent");
    counts->answered += count_at(a, requests, "answered");
    counts->failed += count_at(a, requests, "failed");
    counts->queued += count_at(a, requests, "queued");
    counts->connects += count_at(a, a->root, "connects");
    counts->bytes_in += count_at(a, a->root, "bytes_in");
    counts->bytes_out += count_at(a, a->root, "bytes_out");
    const json_t *sockets = member(a, a->root, "websocket");
    counts->sockets += count_at(a, sockets, "opened");
    counts->messages_out += count_at(a, sockets, "sent");
    counts->messages_in += count_at(a, sockets, "received");
    counts->pushed += count_at(a, sockets, "unasked");
    counts->pings += count_at(a, sockets, "pings");
    for (unsigned i = 0; i < RW_LOAD_ERROR_COUNT; i++)
        counts->errors[i] += count_at(a, errors, rw_load_error_name(i));
    add_statuses(a, counts);
}

/* ---- Addresses ---- */

/* The place of an address that hosts have in common, or a new one; RW_LOAD_ADDRESSES_MAX: there is
 * no room, it is not told. */
static unsigned place_of(struct rw_load_settings *settings, const struct rw_address *address)
{
    for (unsigned i = 0; i < settings->address_count; i++)
        if (rw_address_eq(&settings->addresses[i].storage, &address->storage))
            return i;
    if (settings->address_count == RW_LOAD_ADDRESSES_MAX)
        return RW_LOAD_ADDRESSES_MAX;
    settings->addresses[settings->address_count] = *address;
    return settings->address_count++;
}

static void add_addresses(struct addition *a)
{
    const char *key;
    json_t *value; /* jansson walks with it; nothing is changed */
    json_t *addresses = json_object_get(a->root, "addresses");
    json_object_foreach(addresses, key, value)
    {
        struct rw_address address = {0};
        if (rw_address_parse(rw_span_text(key), &address) || json_integer_value(value) < 0) {
            find_flaw(a, "addresses");
            continue;
        }
        unsigned place = place_of(&a->merge->settings, &address);
        if (place < RW_LOAD_ADDRESSES_MAX)
            a->merge->result.tally.counts.ways[place] += (uint64_t)json_integer_value(value);
    }
}

/* ---- Settings ---- */

/* The first of all; such texts are in the order of their times. */
static void take_began(struct addition *a)
{
    char *first = a->merge->result.began;
    const char *began = json_string_value(json_object_get(a->root, "began"));
    if (began && strlen(began) == RW_LOAD_BEGAN_BYTES - 1 &&
        (!first[0] || strcmp(began, first) < 0))
        memcpy(first, began, RW_LOAD_BEGAN_BYTES);
}

static void add_settings(struct addition *a)
{
    struct rw_load_settings *settings = &a->merge->settings;
    struct rw_load_result *result = &a->merge->result;
    double seconds = number_at(a, a->root, "seconds");
    uint64_t streams = count_at(a, a->root, "streams");
    struct rw_span url = text_at(a, a->root, "url");
    if (!a->merge->files) {
        settings->url = url;
        struct rw_span protocol = text_at(a, a->root, "protocol");
        settings->protocol = rw_span_is(protocol, "http2")       ? RW_LOAD_H2
                             : rw_span_is(protocol, "websocket") ? RW_LOAD_WEBSOCKET
                                                                 : RW_LOAD_H1;
        settings->closed = rw_span_is(text_at(a, a->root, "loop"), "closed");
    } else if (!rw_span_eq(settings->url, url)) {
        settings->url = rw_arena_format(&a->merge->arena, "%.*s, %.*s", RW_SPAN_ARGS(settings->url),
                                        RW_SPAN_ARGS(url));
    }
    if (!settings->url.at)
        a->err = RW_ENOMEM;
    settings->threads += (unsigned)count_at(a, a->root, "threads");
    settings->connections += (uint32_t)count_at(a, a->root, "connections");
    settings->held_ms = (uint32_t)llround(number_at(a, a->root, "held_seconds") * 1000);
    settings->warmup_seconds = number_at(a, a->root, "warmup_seconds");
    if (streams > settings->streams)
        settings->streams = (uint32_t)streams;
    if (seconds > result->seconds)
        result->seconds = seconds;
    take_began(a);
    result->interrupted |= json_is_true(json_object_get(a->root, "interrupted"));
    result->tally.cpu_ns += ns_at(a, a->root, "cpu_seconds");
    if (json_object_get(a->root, "busy_seconds")) /* older ones do not have it */
        result->tally.busy_ns += ns_at(a, a->root, "busy_seconds");
}

/* ---- Steps and checks ---- */

static bool make_script(struct addition *a, size_t steps, size_t checks)
{
    struct rw_load_merge *merge = a->merge;
    merge->settings.requests = rw_alloc_zero((steps + 1) * sizeof(*merge->settings.requests));
    merge->scenarios = rw_alloc_zero((steps + 1) * sizeof(*merge->scenarios));
    merge->steps = rw_alloc_zero((steps + 1) * sizeof(*merge->steps));
    merge->checks = rw_alloc_zero((checks + 1) * sizeof(*merge->checks));
    merge->counts = rw_alloc_zero((checks + 1) * sizeof(*merge->counts));
    if (!merge->settings.requests || !merge->scenarios || !merge->steps || !merge->checks ||
        !merge->counts)
        a->err = RW_ENOMEM;
    merge->settings.request_count = merge->script.scenario_count = (unsigned)steps;
    merge->script.scenarios = merge->scenarios;
    merge->script.check_count = (unsigned)checks;
    merge->settings.script = &merge->script;
    merge->result.steps = merge->steps;
    merge->result.checks = merge->counts;
    return !a->err;
}

static void add_step(struct addition *a, const json_t *from, unsigned number)
{
    struct rw_load_merge *merge = a->merge;
    struct rw_load_step_tally *step = &merge->steps[number];
    struct rw_load_scenario *scenario = &merge->scenarios[number];
    struct rw_span name = text_at(a, from, "name");
    if (!merge->files) {
        merge->settings.requests[number].name = name;
        *scenario =
            (struct rw_load_scenario){.name = text_at(a, from, "scenario"), .step_count = 1};
        /* Steps of one scenario have its very text: reports compare where it stands. */
        if (number && rw_span_eq(scenario[-1].name, scenario->name))
            scenario->name = scenario[-1].name;
        step->latency.least = UINT64_MAX;
    } else if (!rw_span_eq(merge->settings.requests[number].name, name)) {
        find_flaw(a, "steps: they are those of another scenario");
    }
    step->sent += count_at(a, from, "sent");
    step->answered += count_at(a, from, "answered");
    step->failed += count_at(a, from, "failed");
    add_histogram(a, from, "latency", &step->latency);
}

static void add_check(struct addition *a, const json_t *from, unsigned number)
{
    struct rw_load_merge *merge = a->merge;
    uint64_t step = count_at(a, from, "step");
    struct rw_span text = text_at(a, from, "check");
    if (step >= merge->settings.request_count) {
        find_flaw(a, "checks");
        return;
    }
    if (!merge->files) {
        merge->checks[number].text = text;
        merge->script.checks[number] = &merge->checks[number];
        merge->script.check_steps[number] = (unsigned)step;
    } else if (!rw_span_eq(merge->checks[number].text, text)) {
        find_flaw(a, "checks: they are those of another scenario");
    }
    merge->counts[number].held += count_at(a, from, "held");
    merge->counts[number].missed += count_at(a, from, "missed");
}

static void add_script(struct addition *a)
{
    struct rw_load_merge *merge = a->merge;
    struct rw_load_counts *counts = &merge->result.tally.counts;
    const json_t *steps = json_object_get(a->root, "steps");
    const json_t *checks = json_object_get(a->root, "checks");
    const json_t *iterations = json_object_get(a->root, "iterations");
    size_t step_count = json_array_size(steps), check_count = json_array_size(checks);
    bool known = merge->settings.script != NULL;
    if (merge->files
            ? known != (steps != NULL) || (known && (step_count != merge->settings.request_count ||
                                                     check_count != merge->script.check_count))
            : step_count > RW_LOAD_REQUESTS_MAX || check_count > RW_LOAD_CHECKS_MAX) {
        find_flaw(a, "steps: they are those of another scenario");
        return;
    }
    if (!steps || (!merge->files && !make_script(a, step_count, check_count)))
        return;
    counts->iterations_done += count_at(a, iterations, "done");
    counts->iterations_failed += count_at(a, iterations, "failed");
    counts->iterations_cut += count_at(a, iterations, "cut");
    for (unsigned i = 0; i < step_count; i++)
        add_step(a, json_array_get(steps, i), i);
    for (unsigned i = 0; i < check_count; i++)
        add_check(a, json_array_get(checks, i), i);
}

/* ---- Rows ---- */

static void raise(struct addition *a, const json_t *from, const char *key, uint64_t *to)
{
    uint64_t ns = ns_at(a, from, key);
    if (ns > *to)
        *to = ns;
}

/* The histogram of a row in a file: buckets by their distances, each with its count. False: it is
 * not there. */
static bool collect(struct addition *a, const json_t *from, struct rw_histogram *to)
{
    const json_t *buckets = json_object_get(from, "buckets");
    uint64_t answered = count_at(a, from, "answered"), before = to->count;
    json_int_t bucket = 0;
    if (!answered)
        return true;
    for (size_t i = 0; i + 1 < json_array_size(buckets); i += 2) {
        json_int_t step = json_integer_value(json_array_get(buckets, i));
        json_int_t times = json_integer_value(json_array_get(buckets, i + 1));
        bucket += step;
        if (step < 0 || step >= RW_HISTOGRAM_BUCKETS || bucket >= RW_HISTOGRAM_BUCKETS ||
            times < 0) {
            find_flaw(a, "timeline: buckets");
            return false;
        }
        rw_histogram_add_bucket(to, rw_histogram_bucket_value((unsigned)bucket), (uint64_t)times);
    }
    if (json_array_size(buckets) && to->count - before != answered)
        find_flaw(a, "timeline: buckets");
    rw_histogram_widen(to, ns_at(a, from, "min"), ns_at(a, from, "max"), 0);
    return json_array_size(buckets) > 0;
}

/* The highest of both, where a histogram is not there. */
static void raise_all(struct addition *a, const json_t *from, const struct rw_timeline_row *before,
                      struct rw_timeline_row *row)
{
    const uint64_t least_ns = ns_at(a, from, "min");
    row->p50_ns = before->p50_ns;
    row->p90_ns = before->p90_ns;
    row->p99_ns = before->p99_ns;
    row->p999_ns = before->p999_ns;
    row->most_ns = before->most_ns;
    row->least_ns = before->answered && before->least_ns < least_ns ? before->least_ns : least_ns;
    raise(a, from, "p50", &row->p50_ns);
    raise(a, from, "p90", &row->p90_ns);
    raise(a, from, "p99", &row->p99_ns);
    raise(a, from, "p99.9", &row->p999_ns);
    raise(a, from, "max", &row->most_ns);
}

/* What was before, and what the file (NULL: it ends earlier) says of the same second, as the next
 * row of `to`. */
static void add_row(struct addition *a, const json_t *from, struct rw_timeline *to)
{
    const struct rw_timeline *timeline = a->merge->timeline;
    const size_t number = to->count;
    const bool known = number < timeline->count;
    const struct rw_timeline_row before =
        known ? timeline->rows[number] : (const struct rw_timeline_row){0};
    struct rw_histogram *latency = a->merge->scratch;
    struct rw_timeline_row row = {
        .sent = before.sent, .answered = before.answered, .failed = before.failed};
    rw_histogram_clear(latency);
    bool whole = !known || rw_timeline_collect(timeline, number, latency);
    if (from) {
        row.sent += count_at(a, from, "sent");
        row.answered += count_at(a, from, "answered");
        row.failed += count_at(a, from, "failed");
        whole = collect(a, from, latency) && whole;
    }
    if (!whole)
        rw_histogram_clear(latency);
    rw_timeline_append(to, row, latency);
    if (!whole && from)
        raise_all(a, from, &before, &to->rows[number]);
    else if (!whole)
        to->rows[number] = before;
    if (!whole)
        to->rows[number].pair_count = 0;
    to->coarse |= !whole;
}

static size_t count_pairs(const json_t *rows)
{
    size_t count = 0, i;
    const json_t *row;
    json_array_foreach(rows, i, row) count += json_array_size(json_object_get(row, "buckets")) / 2;
    return count;
}

static void add_rows(struct addition *a)
{
    struct rw_load_merge *merge = a->merge;
    const struct rw_timeline *before = merge->timeline;
    const json_t *rows = member(a, a->root, "timeline");
    size_t count = json_array_size(rows), pairs = before->pair_count + count_pairs(rows);
    if (count > ROWS_MAX || pairs > PAIRS_MAX) {
        find_flaw(a, "timeline");
        return;
    }
    if (count < before->count)
        count = before->count;
    struct rw_timeline *sum = rw_alloc_zero(rw_timeline_bytes(count, pairs));
    if (!sum) {
        a->err = RW_ENOMEM;
        return;
    }
    sum->room = count;
    sum->pair_room = pairs;
    sum->lacking = before->lacking || json_is_true(json_object_get(a->root, "timeline_lacks_rows"));
    sum->coarse = before->coarse || json_is_true(json_object_get(a->root, "timeline_is_coarse"));
    for (size_t i = 0; i < count; i++)
        add_row(a, json_array_get(rows, i), sum);
    rw_free(merge->timeline);
    merge->timeline = sum;
    merge->result.timeline = sum;
}

/* ---- Files ---- */

static enum rw_err add_all(struct addition *a, char why[256])
{
    struct rw_load_tally *tally = &a->merge->result.tally;
    add_settings(a);
    add_addresses(a);
    add_counts(a);
    add_histogram(a, a->root, "latency", &tally->latency);
    add_histogram(a, a->root, "service", &tally->service);
    add_histogram(a, a->root, "lateness", &tally->lateness);
    add_script(a);
    add_rows(a);
    const json_t *verdict = member(a, a->root, "verdict");
    if (a->err)
        return a->err;
    if (a->flaw) {
        snprintf(why, 256, "not what --out result.json keeps: %s", a->flaw);
        return RW_EINVAL;
    }
    if (json_is_string(verdict) && strcmp(json_string_value(verdict), "sound") != 0)
        snprintf(why, 256, "%s",
                 json_string_value(json_object_get(a->root, "verdict_text"))
                     ? json_string_value(json_object_get(a->root, "verdict_text"))
                     : json_string_value(verdict));
    a->merge->files++;
    return RW_OK;
}

enum rw_err rw_load_merge_begin(struct rw_load_merge *merge)
{
    json_set_alloc_funcs(rw_alloc, rw_free);
    rw_arena_init(&merge->arena, NULL, 0, 4096, ARENA_BYTES_MAX);
    rw_load_tally_begin(&merge->result.tally);
    merge->timeline = rw_alloc_zero(rw_timeline_bytes(0, 0));
    merge->scratch = rw_histogram_create();
    merge->result.timeline = merge->timeline;
    return merge->timeline && merge->scratch ? RW_OK : RW_ENOMEM;
}

enum rw_err rw_load_merge_add(struct rw_load_merge *merge, struct rw_span json, char why[256])
{
    json_error_t error;
    json_t *root = json_loadb(json.at, json.len, 0, &error);
    const char *schema = json_string_value(json_object_get(root, "schema"));
    enum rw_err err = RW_EINVAL;
    why[0] = '\0';
    if (!root && json_error_code(&error) == json_error_out_of_memory)
        err = RW_ENOMEM;
    else if (!root)
        snprintf(why, 256, "not JSON: line %d, column %d: %s", error.line, error.column,
                 error.text);
    else if (!schema || strcmp(schema, "ringway.load/1") != 0)
        snprintf(why, 256, "not a result of ringway load");
    else
        err = add_all(&(struct addition){.merge = merge, .root = root}, why);
    json_decref(root);
    return err;
}

void rw_load_merge_free(struct rw_load_merge *merge)
{
    rw_free(merge->settings.requests);
    rw_free(merge->scenarios);
    rw_free(merge->steps);
    rw_free(merge->checks);
    rw_free(merge->counts);
    rw_free(merge->timeline);
    rw_free(merge->scratch);
    rw_arena_free(&merge->arena);
}
