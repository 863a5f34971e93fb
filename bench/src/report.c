#include "report.h"
#include "net.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CELL_BYTES 48

/* Four digits are more than the spread deserves; whole numbers stay whole. */
static json_t *number(double value)
{
    if (isnan(value)) {
        return json_null();
    }
    if (fabs(value) >= 1000 || value == floor(value)) {
        return json_integer((json_int_t)llround(value));
    }
    return json_real(value);
}

static json_t *median_of(const struct bench_column *column)
{
    return column->count == 0 ? json_null() : number(column->median);
}

static json_t *per_contender(const struct bench_result *result, size_t member_offset)
{
    json_t *object = json_object();
    for (int role = 0; role < BENCH_ROLES; role++) {
        const struct bench_column *column = &result->columns[role];
        double value = *(const double *)((const char *)column + member_offset);
        if (column->count > 0) {
            json_object_set_new(object, bench_contenders[role].name,
                                json_real(round(value * 1e4) / 1e4));
        }
    }
    return object;
}

static json_t *verdict_of(const struct bench_result *result)
{
    return result->verdict == BENCH_UNKNOWN ? json_null()
                                            : json_boolean(result->verdict == BENCH_MET);
}

/* What the verdict's ratio or, without one, the value itself is held against. */
static json_t *target_of(const struct bench_case *each)
{
    return number(each->ratio > 0 ? each->ratio : each->limit);
}

static json_t *costs_of(const struct bench_column *column)
{
    json_t *object = json_object();
    for (int i = 0; i < column->floods; i++) {
        const struct bench_flood_cost *cost = &column->costs[i];
        json_object_set_new(object, cost->name,
                            json_pack("{s:o, s:o, s:o}", "gateway_us", number(cost->gateway_us),
                                      "sender_us", number(cost->sender_us), "ratio",
                                      number(cost->ratio)));
    }
    return object;
}

static void add_details(json_t *line, const struct bench_result *result)
{
    const struct bench_column *ringway = &result->columns[BENCH_RINGWAY];
    const struct bench_case *each = result->each;
    if (each->baseline_routes > 0) {
        json_object_set_new(line, "baseline", median_of(&result->columns[BENCH_BASELINE]));
    }
    if (each->floor_ratio > 0) {
        json_object_set_new(line, "floor_ratio", number(result->floor_ratio));
        json_object_set_new(line, "floor_target", number(each->floor_ratio));
    }
    if (each->floods) {
        json_object_set_new(line, "floods", costs_of(ringway));
        json_object_set_new(line, "unguarded", costs_of(&result->columns[BENCH_BASELINE]));
    }
    if (each->tolerance > 0) {
        json_object_set_new(line, "tolerance", number(each->tolerance));
    }
    if (each->changing) {
        json_object_set_new(line, "memory_growth",
                            ringway->count == 0 ? json_null() : number(ringway->growth));
    }
    json_object_set_new(line, "failures",
                        ringway->count == 0 ? json_null() : number((double)ringway->failures));
    json_object_set_new(line, "spread",
                        per_contender(result, offsetof(struct bench_column, spread)));
    json_object_set_new(line, "busy", per_contender(result, offsetof(struct bench_column, busy)));
}

/* Who stands in the two columns of the peers. */
static const enum bench_role *peers_of(const struct bench_case *each)
{
    static const enum bench_role gateways[] = {BENCH_NGINX, BENCH_HAPROXY};
    static const enum bench_role generators[] = {BENCH_WRK, BENCH_H2LOAD};
    return each->generator ? generators : gateways;
}

void bench_report_json(FILE *out, const struct bench_result *result)
{
    const struct bench_case *each = result->each;
    json_t *peers = json_object();
    for (int i = 0; i < 2; i++) {
        json_object_set_new(peers, bench_contenders[peers_of(each)[i]].name,
                            median_of(&result->columns[peers_of(each)[i]]));
    }
    json_t *line =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "case", each->name, "unit",
                  each->unit, "better", each->lower_is_better ? "lower" : "higher", "ringway",
                  median_of(&result->columns[BENCH_RINGWAY]), "peers", peers, "floor",
                  median_of(&result->columns[BENCH_FLOOR]), "ratio", number(result->ratio),
                  "target", target_of(each), "met", verdict_of(result));
    if (line == NULL) {
        bench_fail("out of memory");
    }
    add_details(line, result);
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(4));
    fprintf(out, "%s\n", text);
    fflush(out);
    free(text);
    json_decref(line);
}

/* Groups digits by thousands. */
static void write_number(char *into, size_t size, double value)
{
    char digits[CELL_BYTES];
    if (value < 1000) {
        snprintf(into, size, value == floor(value) ? "%.0f" : "%.1f", value);
        return;
    }
    snprintf(digits, sizeof digits, "%.0f", value);
    size_t length = strlen(digits);
    size_t at = 0;
    for (size_t i = 0; i < length && at + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            into[at++] = ',';
        }
        into[at++] = digits[i];
    }
    into[at] = '\0';
}

static void print_value(FILE *out, const struct bench_column *column)
{
    char text[CELL_BYTES];
    char cell[2 * CELL_BYTES];
    if (column->count == 0) {
        snprintf(cell, sizeof cell, "-");
    } else {
        write_number(text, sizeof text, column->median);
        snprintf(cell, sizeof cell, "%s (%.0f%%)", text, column->spread * 100);
    }
    fprintf(out, " %18s |", cell);
}

static void print_ratio(FILE *out, double ratio)
{
    if (isnan(ratio)) {
        fprintf(out, " %7s |", "-");
    } else {
        fprintf(out, " %7.2f |", ratio);
    }
}

const char *bench_report_target(const struct bench_case *each)
{
    static char text[160];
    char limit[CELL_BYTES];
    const char *rival = each->baseline_routes > 0 ? "the baseline" : "the better peer";
    if (each->ratio > 0 && each->floor_ratio > 0) {
        snprintf(text, sizeof text, "%.2f x %s, %.2f x the floor", each->ratio, rival,
                 each->floor_ratio);
    } else if (each->ratio > 0 && each->tolerance > 0) {
        snprintf(text, sizeof text, "%.2f x %s (noise %.2f)", each->ratio, rival, each->tolerance);
    } else if (each->ratio > 0) {
        snprintf(text, sizeof text, "%.2f x %s", each->ratio, rival);
    } else {
        write_number(limit, sizeof limit, each->limit);
        snprintf(text, sizeof text, "at most %s", limit);
    }
    return text;
}

void bench_report_table(FILE *out, const struct bench_result *results, size_t count)
{
    static const char *const verdicts[] = {
        [BENCH_UNKNOWN] = "-", [BENCH_MET] = "met", [BENCH_MISSED] = "MISSED"};
    fprintf(out, "| %-13s | %-25s | %18s | %18s | %18s | %18s | %7s | %7s | %-37s | %-6s |\n",
            "case", "unit", "ringway", "nginx (wrk)", "haproxy (h2load)", "floor (baseline)",
            "ratio", "floor x", "target", "result");
    fputs("|---|---|--:|--:|--:|--:|--:|--:|---|---|\n", out);
    for (size_t i = 0; i < count; i++) {
        const struct bench_result *result = &results[i];
        bool based = result->each->baseline_routes > 0;
        fprintf(out, "| %-13s | %-25s |", result->each->name, result->each->unit);
        print_value(out, &result->columns[BENCH_RINGWAY]);
        print_value(out, &result->columns[peers_of(result->each)[0]]);
        print_value(out, &result->columns[peers_of(result->each)[1]]);
        print_value(out, &result->columns[based ? BENCH_BASELINE : BENCH_FLOOR]);
        print_ratio(out, result->ratio);
        print_ratio(out, result->floor_ratio);
        fprintf(out, " %-37s | %-6s |\n", bench_report_target(result->each),
                verdicts[result->verdict]);
    }
    fflush(out);
}
