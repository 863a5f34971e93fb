/* The promises of a plan as targets: for ringway verify, and as OpenSLO v1. */
#include "plan/artefact/shared.h"
#include "plan/model/scale.h"
#include "watch/metrics.h"

#include <stdio.h>

/* Bounds of the acceptance file. */
enum {
    rate_max = 100000000,
    connections_max = 10000000,
    processes_max = 256,
    connections_each = 15000,
    writes_per_second = 10
};

/* ---- acceptance.yaml ---- */

/* Without an exponent, which the file does not take. */
static void add_number(struct rw_text *text, const char *key, double value)
{
    char digits[64];
    if (isnan(value))
        return;
    snprintf(digits, sizeof(digits), "%.7f", value);
    size_t length = strlen(digits);
    while (digits[length - 1] == '0')
        length--;
    length -= digits[length - 1] == '.';
    rw_text_addf(text, "      %s: %.*s\n", key, (int)length, digits);
}

/* A whole number, at least the value; what only rounding put above one is that one. */
static void add_count(struct rw_text *text, const char *key, double value)
{
    rw_text_addf(text, "      %s: %.0f\n", key, rw_model_round_up(value));
}

static void begin_target(struct rw_text *text, const char *name)
{
    rw_text_addf(text, "  - name: %s\n", name);
}

static void add_latency(const struct rw_plan *plan, struct rw_text *text)
{
    double latency = rw_plan_input(plan, RW_INPUT_LATENCY);
    double percentile = rw_plan_input(plan, RW_INPUT_LATENCY_PERCENTILE);
    if (isnan(latency) || isnan(percentile))
        return;
    begin_target(text, "latency");
    rw_text_adds(text, "    latency:\n");
    add_number(text, "percentile", percentile * 100);
    rw_text_adds(text, "      at_most: ");
    rw_artefact_milliseconds(latency, text);
    rw_text_adds(text, "\n");
}

static void add_load(const struct rw_plan *plan, struct rw_text *text)
{
    double rate = rw_sheet_value_of(&plan->sheet, "sizing.rate_peak");
    double connections = rw_sheet_value_of(&plan->sheet, "sizing.connections");
    if (isfinite(rate)) {
        begin_target(text, "throughput");
        rw_text_adds(text, "    throughput:\n");
        add_count(text, "at_least_per_second", rate);
    }
    if (isfinite(connections)) {
        begin_target(text, "concurrency");
        rw_text_adds(text, "    concurrency:\n");
        add_count(text, "at_least_connections", fmin(connections_max, fmax(1, connections)));
    }
}

static void add_failures(const struct rw_plan *plan, struct rw_text *text)
{
    double availability = rw_plan_input(plan, RW_INPUT_AVAILABILITY);
    double recovery = rw_plan_input(plan, RW_INPUT_RECOVERY_TIME);
    double point = rw_plan_input(plan, RW_INPUT_RECOVERY_POINT);
    if (!isnan(availability)) {
        begin_target(text, "availability");
        rw_text_adds(text, "    availability:\n");
        add_number(text, "at_least_percent", availability * 100);
        rw_text_adds(text, "      window_days: 90\n");
        begin_target(text, "errors");
        rw_text_adds(text, "    error_rate:\n");
        add_number(text, "at_most_percent", (1 - availability) * 100);
    }
    if (!isnan(recovery)) {
        begin_target(text, "recovery");
        rw_text_adds(text, "    recovery_time:\n      from: begin\n      at_most: ");
        rw_artefact_milliseconds(recovery, text);
        rw_text_adds(text, "\n");
    }
    if (!isnan(point)) {
        begin_target(text, "data_loss");
        rw_text_addf(text,
                     "    data_loss: # acknowledged writes: those of the recovery point\n"
                     "      per_second: %d\n      at_most: %.0f\n",
                     writes_per_second, floor(fmin(86400, point) * writes_per_second));
    }
}

/* A little more than the target, so that chance does not decide; as many connections and processes
 * (each has descriptors for some) as it takes. */
static void add_peak(const struct rw_plan *plan, struct rw_text *text)
{
    double rate = rw_sheet_value_of(&plan->sheet, "sizing.rate_peak");
    double connections = rw_sheet_value_of(&plan->sheet, "sizing.connections");
    rw_text_adds(text, "load:\n  - name: peak\n    duration: 10m\n    warmup: 30s\n");
    if (isfinite(rate))
        rw_text_addf(text, "    rate: %.0f # 5 %% above the target\n",
                     fmin(rate_max, rw_model_round_up(1.05 * rate)));
    if (!isfinite(connections))
        return;
    double count = rw_model_round_up(fmin(connections_max, fmax(1, connections)));
    rw_text_addf(text, "    connections: %.0f\n    processes: %.0f\n", count,
                 fmin(processes_max, ceil(count / connections_each)));
}

void rw_artefact_acceptance(const struct rw_plan *plan, unsigned tier, struct rw_text *text)
{
    rw_artefact_head(plan, tier, "Acceptance targets", text);
    rw_text_adds(
        text, "# ringway verify acceptance.yaml judges them. It starts the gateway; without that\n"
              "# line it judges what runs at `url`. Load only goes to this machine, unless the\n"
              "# command line says --allow-target HOST.\n"
              "schema: ringway.acceptance/1\n");
    if (plan->terms.project) {
        rw_text_adds(text, "name: ");
        rw_text_add_json(text, rw_span_text(plan->terms.project));
        rw_text_adds(text, "\n");
    }
    rw_text_adds(
        text,
        "gateway: gateway.yaml\n"
        "url: http://127.0.0.1:8080\n"
        "# What the gateway's upstream app is while you try it here, with its endpoint set to "
        "this:\n"
        "# servers: [{ name: app, address: \"127.0.0.1:9000\", origin: { latency: 20ms } }]\n");
    add_peak(plan, text);
    rw_text_adds(text, "targets:\n");
    add_load(plan, text);
    add_latency(plan, text);
    add_failures(plan, text);
    rw_text_adds(text,
                 "faults: # each under the load; per_window: how often it is to be expected\n"
                 "  - { cause: kill, on: worker, per_window: 3 }\n"
                 "  - { cause: reload_storm, on: configuration, for: 10s, per_window: 90 }\n"
                 "  - { cause: slow_senders, on: clients, for: 10s, per_window: 3 }\n"
                 "  # With `servers`, too:\n"
                 "  # - { cause: reset, on: app, share_percent: 10, for: 10s, per_window: 3 }\n"
                 "  # - { cause: delay, on: app, for: 10s, per_window: 3 }\n"
                 "  # - { cause: stall, on: app, parts: 1, for: 10s, per_window: 3 }\n"
                 "  # - { cause: kill, on: app, parts: 1, for: 10s, per_window: 3 }\n"
                 "repetitions: 3\n");
}

/* ---- OpenSLO ---- */

static void add_service(const struct rw_plan *plan, struct rw_text *text)
{
    const char *name = plan->terms.project ? plan->terms.project : "Planned system";
    rw_text_adds(text, "apiVersion: openslo/v1\n"
                       "kind: Service\n"
                       "metadata:\n"
                       "  name: planned-system\n"
                       "  displayName: ");
    rw_text_add_json(text, rw_span_text(name));
    rw_text_adds(text,
                 "\nspec:\n  description: \"What the plan promises, as the gateway sees it\"\n");
}

static void add_metric(struct rw_text *text, const char *part, const char *query)
{
    rw_text_addf(text,
                 "        %s:\n"
                 "          metricSource:\n"
                 "            type: Prometheus\n"
                 "            spec:\n"
                 "              query: ",
                 part);
    rw_text_add_json(text, rw_span_text(query));
    rw_text_adds(text, "\n");
}

static void add_objective(struct rw_text *text, const char *name, const char *title,
                          const char *origin, const char *good, double target)
{
    rw_text_addf(text,
                 "---\n"
                 "apiVersion: openslo/v1\n"
                 "kind: SLO\n"
                 "metadata:\n"
                 "  name: %s\n"
                 "  displayName: %s\n"
                 "spec:\n"
                 "  service: planned-system\n"
                 "  indicator:\n"
                 "    metadata:\n"
                 "      name: %s-ratio\n"
                 "    spec:\n"
                 "      ratioMetric:\n"
                 "        counter: true\n",
                 name, title, name);
    add_metric(text, "good", good);
    add_metric(text, "total", "sum(ringway_requests_total)");
    rw_text_addf(text,
                 "  timeWindow:\n"
                 "    - duration: 90d\n"
                 "      isRolling: true\n"
                 "  budgetingMethod: Occurrences\n"
                 "  objectives:\n"
                 "    - displayName: %s\n"
                 "      target: ",
                 origin);
    rw_number_write(text, target);
    rw_text_adds(text, "\n");
}

/* ---- Objectives ---- */

#define QUERY "ringway_request_duration_seconds_bucket"
#define BOUND_SECONDS(us) (us) / 1e6,
static const double bounds[] = {RW_LATENCY_BOUNDS_US(BOUND_SECONDS)};

static void add_bucket(struct rw_text *query, double bound)
{
    rw_text_adds(query, "sum(" QUERY "{le=\"");
    rw_number_write(query, bound);
    rw_text_adds(query, "\"})");
}

/* Answers within the target: the histogram's bucket that ends there. Between two of its bounds they
 * are counted as histogram_quantile does, in a straight line from one to the next; verify/openslo.c
 * reads it back. */
static void add_good(struct rw_text *query, double target)
{
    const size_t count = sizeof(bounds) / sizeof(*bounds);
    size_t above = 0;
    while (above < count && bounds[above] < target * (1 - 1e-9))
        above++;
    if (above == count || above == 0 || bounds[above] <= target * (1 + 1e-9)) {
        add_bucket(query, bounds[above < count ? above : count - 1]);
        return;
    }
    double low = bounds[above - 1], high = bounds[above];
    add_bucket(query, low);
    rw_text_adds(query, " + (");
    add_bucket(query, high);
    rw_text_adds(query, " - ");
    add_bucket(query, low);
    rw_text_adds(query, ") * ");
    rw_number_write(query, rint((target - low) / (high - low) * 1e6) / 1e6);
}

/* What was promised; where nobody stated an availability, what the tier is expected to have. */
static void add_availability(const struct rw_plan *plan, unsigned tier, struct rw_text *text)
{
    double stated = rw_plan_input(plan, RW_INPUT_AVAILABILITY);
    double expected = rw_sheet_value(
        &plan->sheet, rw_plan_find(plan, "sizing", &plan->tiers[tier], "availability"));
    bool promised = !isnan(stated);
    if (promised || !isnan(expected))
        add_objective(text, "availability", "Availability", promised ? "promised" : "expected",
                      "sum(ringway_requests_total{code!=\"5xx\"})",
                      promised ? stated : floor(expected * 1e5) / 1e5);
}

void rw_artefact_openslo(const struct rw_plan *plan, unsigned tier, struct rw_text *text)
{
    double latency = rw_plan_input(plan, RW_INPUT_LATENCY);
    double percentile = rw_plan_input(plan, RW_INPUT_LATENCY_PERCENTILE);
    rw_artefact_head(plan, tier, "Objectives (OpenSLO v1)", text);
    add_service(plan, text);
    add_availability(plan, tier, text);
    if (isnan(latency) || isnan(percentile))
        return;
    struct rw_text query = {0};
    add_good(&query, latency);
    if (query.err)
        text->err = text->err ? text->err : query.err;
    else
        add_objective(text, "latency", "Latency", "promised", query.at, percentile);
    rw_text_free(&query);
}
