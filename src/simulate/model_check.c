/* What the tables cannot say: checks of and between the records, and what is filled in for all. */
#include "simulate/arrivals.h"
#include "simulate/fleet.h"
#include "simulate/measured.h"
#include "simulate/model_tables.h"

#include <math.h>

/* "08:30" as seconds since midnight; NaN: it is none. */
static double time_of_day(struct rw_span text)
{
    unsigned digits[4], count = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (i == 2 && text.at[i] == ':')
            continue;
        if (count == 4 || text.at[i] < '0' || text.at[i] > '9')
            return NAN;
        digits[count++] = (unsigned)(text.at[i] - '0');
    }
    if (text.len != 5 || count != 4)
        return NAN;
    unsigned hours = digits[0] * 10 + digits[1], minutes = digits[2] * 10 + digits[3];
    return hours < 24 && minutes < 60 ? hours * 3600.0 + minutes * 60.0 : NAN;
}

static void check_count(const struct rw_conf_list *list, size_t most, const char *what,
                        struct rw_conf_report *report)
{
    if (list->count > most)
        rw_conf_mistake_on(report, list, "%zu %s are more than %zu", list->count, what, most);
}

void rw_simulate_check_request(void *value, struct rw_conf_report *report)
{
    struct rw_simulate_request *request = value;
    unsigned given =
        (request->per_cpu_second > 0) + (request->cpu_us > 0) + (request->from.len > 0);
    if (given != 1) {
        rw_conf_mistake_on(report, given ? &request->per_cpu_second : value,
                           "a request's cost is given once: by `per_cpu_second`, `cpu_us` or "
                           "`capacity_from`");
        return;
    }
    double cpu_s =
        request->per_cpu_second > 0 ? 1 / request->per_cpu_second : request->cpu_us / 1e6;
    rw_simulate_draw_init(&request->cpu, (enum rw_simulate_kind)request->distribution, cpu_s,
                          request->variation);
}

void rw_simulate_check_connection(void *value, struct rw_conf_report *report)
{
    struct rw_simulate_connection *connection = value;
    (void)report;
    connection->handshake_s =
        connection->handshakes_per_cpu_second > 0 ? 1 / connection->handshakes_per_cpu_second : 0;
}

static void fill_zones(struct rw_simulate_type *type, struct rw_conf_report *report)
{
    struct rw_span *zone = rw_arena_zero(rw_conf_results(report), sizeof(*zone));
    if (!zone) {
        report->err = RW_ENOMEM;
        return;
    }
    *zone = RW_LITERAL("a");
    type->zones = (struct rw_conf_list){zone, 1};
}

void rw_simulate_check_type(void *value, struct rw_conf_report *report)
{
    struct rw_simulate_type *type = value;
    if (!type->zones.count)
        fill_zones(type, report);
    if (!type->most)
        type->most = type->begin;
    if (type->least > type->most)
        rw_conf_mistake_on(report, &type->least, "is above `max` (%u)", type->most);
    else if (type->begin < type->least || type->begin > type->most)
        rw_conf_mistake_on(report, &type->begin, "is not from `min` (%u) to `max` (%u)",
                           type->least, type->most);
    if (type->base_bytes >= type->memory_bytes)
        rw_conf_mistake_on(report, &type->base_bytes, "the program needs more than the node has");
}

void rw_simulate_check_point(void *value, struct rw_conf_report *report)
{
    struct rw_simulate_point *point = value;
    point->at_s = time_of_day(point->at_text);
    if (point->at_text.len && isnan(point->at_s))
        rw_conf_mistake_on(report, &point->at_text,
                           "expected a time of day from 00:00 to 23:59, not %s",
                           rw_conf_quote(report, point->at_text));
    if (point->rate > 0 && point->users > 0)
        rw_conf_mistake_on(report, &point->users, "a point has `rate` or `users`, not both");
}

void rw_simulate_check_spike(void *value, struct rw_conf_report *report)
{
    struct rw_simulate_spike *spike = value;
    double over_s = (double)spike->at_ms + 2.0 * spike->ramp_ms + spike->for_ms;
    if (over_s > RW_SIMULATE_SECONDS_MAX * 1e3)
        rw_conf_mistake_on(report, &spike->for_ms, "it ends after more than %d days",
                           RW_SIMULATE_SECONDS_MAX / 86400);
}

static void check_points(struct rw_simulate_arrivals *arrivals, struct rw_conf_report *report)
{
    struct rw_simulate_point *points = arrivals->points.items;
    unsigned rates = 0, users = 0;
    for (size_t i = 0; i < arrivals->points.count; i++) {
        rates += points[i].rate > 0;
        users += points[i].users > 0;
        if (i && points[i].at_s <= points[i - 1].at_s)
            rw_conf_mistake_on(report, &points[i].at_text,
                               "points stand in the order of their times: %s is not after %s",
                               rw_conf_quote(report, points[i].at_text),
                               rw_conf_quote(report, points[i - 1].at_text));
    }
    if (rates && users)
        rw_conf_mistake_on(report, &arrivals->points,
                           "all points have `rate`, or all have `users`");
    arrivals->by_users = users > 0;
}

void rw_simulate_check_arrivals(void *value, struct rw_conf_report *report)
{
    struct rw_simulate_arrivals *arrivals = value;
    unsigned given = (arrivals->rate > 0) + (arrivals->users > 0) + (arrivals->points.count > 0);
    check_count(&arrivals->points, RW_SIMULATE_POINTS_MAX, "points", report);
    check_count(&arrivals->spikes, RW_SIMULATE_SPIKES_MAX, "spikes", report);
    if (given != 1)
        rw_conf_mistake_on(report, value,
                           "who comes is given once: by `rate`, `users` or `points`");
    arrivals->by_users = arrivals->users > 0;
    if (arrivals->points.count)
        check_points(arrivals, report);
}

void rw_simulate_check_deploy(void *value, struct rw_conf_report *report)
{
    struct rw_simulate_deploy *deploy = value;
    if (!deploy->surge && !deploy->unavailable)
        rw_conf_mistake_on(report, &deploy->surge,
                           "with neither `surge` nor `unavailable` no node can be replaced");
}

void rw_simulate_check_origin(void *value, struct rw_conf_report *report)
{
    struct rw_simulate_origin *origin = value;
    if ((origin->latency_ms > 0) + (origin->latency_from.len > 0) != 1)
        rw_conf_mistake_on(report, value,
                           "its latency is given once: by `latency_ms` or `latency_from`");
    double places = (double)origin->endpoints * ((double)origin->concurrency + origin->waiting_max);
    if (places > RW_SIMULATE_PLACES_MAX)
        rw_conf_mistake_on(report, &origin->endpoints,
                           "all endpoints have %.0f servers and places in their queues, more than "
                           "%d",
                           places, RW_SIMULATE_PLACES_MAX);
    rw_simulate_draw_init(&origin->service, (enum rw_simulate_kind)origin->distribution,
                          origin->latency_ms / 1e3, origin->variation);
}

/* ---- The file ---- */

static bool find_zone(const struct rw_simulate_model *model, struct rw_span name, unsigned *zone)
{
    for (*zone = 0; *zone < model->zone_count; ++*zone)
        if (rw_span_eq(model->zones[*zone], name))
            return true;
    return false;
}

static void collect_zones(struct rw_simulate_model *model, struct rw_conf_report *report)
{
    for (size_t i = 0; i < model->fleet.count; i++) {
        const struct rw_simulate_type *type = &rw_simulate_types(model)[i];
        const struct rw_span *names = type->zones.items;
        for (size_t z = 0; z < type->zones.count; z++) {
            unsigned zone;
            if (find_zone(model, names[z], &zone))
                continue;
            if (model->zone_count == RW_SIMULATE_ZONES_MAX) {
                rw_conf_mistake_on(report, &type->zones, "more than %d zones",
                                   RW_SIMULATE_ZONES_MAX);
                return;
            }
            model->zones[model->zone_count++] = names[z];
        }
    }
}

static void check_zone(struct rw_simulate_model *model, struct rw_simulate_fail_zone *failure,
                       struct rw_conf_report *report)
{
    const char *names[RW_SIMULATE_ZONES_MAX];
    for (unsigned i = 0; i < model->zone_count; i++)
        names[i] = model->zones[i].at;
    if (!find_zone(model, failure->name, &failure->zone))
        rw_conf_mistake_on(report, &failure->name, "no node is in zone %s%s",
                           rw_conf_quote(report, failure->name),
                           rw_conf_hint(report, failure->name, names, model->zone_count));
}

static void check_failures(struct rw_simulate_model *model, struct rw_conf_report *report)
{
    struct rw_simulate_failure *failures = model->failures.items;
    unsigned random = 0;
    for (size_t i = 0; i < model->failures.count; i++) {
        if (!failures[i].what.kind)
            continue;
        if (rw_simulate_fails(&failures[i], RW_SIMULATE_FAIL_ZONE))
            check_zone(model, failures[i].what.value, report);
        if (rw_simulate_fails(&failures[i], RW_SIMULATE_FAIL_RANDOM) && random++)
            rw_conf_mistake_at(report, failures[i].place, "`by_chance` stands there once");
        if (rw_simulate_fails(&failures[i], RW_SIMULATE_FAIL_ORIGIN) && !model->origin)
            rw_conf_mistake_at(report, failures[i].place, "there is no `origin` that could fail");
    }
}

/* What would never come is as good as forgotten: goals would hold without it. */
static void check_time(const struct rw_simulate_model *model, const uint32_t *at_ms,
                       struct rw_conf_report *report)
{
    if (*at_ms >= model->seconds * 1000.0)
        rw_conf_mistake_on(report, at_ms, "is not within the simulated time: `duration` is %u s",
                           model->seconds);
}

static void check_failure_time(const struct rw_simulate_model *model,
                               const struct rw_simulate_failure *failure,
                               struct rw_conf_report *report)
{
    const struct rw_simulate_fail_nodes *nodes = failure->what.value;
    const struct rw_simulate_fail_zone *zone = failure->what.value;
    const struct rw_simulate_fail_origin *origin = failure->what.value;
    if (rw_simulate_fails(failure, RW_SIMULATE_FAIL_NODES))
        check_time(model, &nodes->at_ms, report);
    else if (rw_simulate_fails(failure, RW_SIMULATE_FAIL_ZONE))
        check_time(model, &zone->at_ms, report);
    else if (rw_simulate_fails(failure, RW_SIMULATE_FAIL_ORIGIN))
        check_time(model, &origin->at_ms, report);
}

static void check_times(const struct rw_simulate_model *model, struct rw_conf_report *report)
{
    const struct rw_simulate_failure *failures = model->failures.items;
    const struct rw_simulate_deploy *deploys = model->deploys.items;
    const struct rw_simulate_spike *spikes = model->arrivals ? model->arrivals->spikes.items : NULL;
    for (size_t i = 0; i < model->failures.count; i++)
        if (failures[i].what.kind)
            check_failure_time(model, &failures[i], report);
    for (size_t i = 0; i < model->deploys.count; i++)
        check_time(model, &deploys[i].at_ms, report);
    for (size_t i = 0; spikes && i < model->arrivals->spikes.count; i++)
        check_time(model, &spikes[i].at_ms, report);
}

/* Without autoscaling the fleet is what it is at the begin. */
static void check_sizes(struct rw_simulate_model *model, struct rw_conf_report *report)
{
    struct rw_simulate_type *types = model->fleet.items;
    for (size_t i = 0; !model->autoscaling && i < model->fleet.count; i++)
        types[i].least = types[i].most = types[i].begin;
    unsigned most = rw_simulate_fleet_most(model);
    if (!most && rw_conf_place_of(report, &model->fleet).line)
        rw_conf_mistake_on(report, &model->fleet, "there is no node");
    if (most > RW_SIMULATE_NODES_MAX)
        rw_conf_mistake_on(report, &model->fleet, "up to %u nodes are more than %d", most,
                           RW_SIMULATE_NODES_MAX);
    else if ((double)most * model->seconds > RW_SIMULATE_NODE_SECONDS_MAX)
        rw_conf_mistake_on(report, &model->duration_ms,
                           "up to %u nodes for %u s are too much to simulate: at most %.0f "
                           "seconds of one node",
                           most, model->seconds, RW_SIMULATE_NODE_SECONDS_MAX);
}

static void choose_method(struct rw_simulate_model *model, struct rw_conf_report *report)
{
    double expected = rw_simulate_expected(model);
    if (model->method == RW_SIMULATE_AUTO)
        model->method =
            expected <= RW_SIMULATE_EXACT_AUTO ? RW_SIMULATE_EXACT : RW_SIMULATE_SAMPLED;
    if (model->method == RW_SIMULATE_EXACT && expected > RW_SIMULATE_EXACT_MAX)
        rw_conf_mistake_on(report, &model->method,
                           "some %.0f requests are too many to follow each: at most %.0f, or "
                           "`method: sampled`",
                           expected, RW_SIMULATE_EXACT_MAX);
}

void rw_simulate_check(void *value, struct rw_conf_report *report)
{
    struct rw_simulate_model *model = value;
    model->seconds = model->duration_ms / 1000;
    model->begin_s = time_of_day(model->begin_text);
    if (isnan(model->begin_s))
        rw_conf_mistake_on(report, &model->begin_text,
                           "expected a time of day from 00:00 to 23:59, not %s",
                           rw_conf_quote(report, model->begin_text));
    check_count(&model->fleet, RW_SIMULATE_TYPES_MAX, "kinds of nodes", report);
    check_count(&model->failures, RW_SIMULATE_FAILURES_MAX, "failures", report);
    check_count(&model->deploys, RW_SIMULATE_DEPLOYS_MAX, "deploys", report);
    check_count(&model->goals, RW_SIMULATE_GOALS_MAX, "goals", report);
    collect_zones(model, report);
    check_failures(model, report);
    check_times(model, report);
    check_sizes(model, report);
    rw_simulate_take_measured(model, report);
    if (!model->arrivals || report->count || report->err)
        return;
    choose_method(model, report);
    if (model->balance == RW_SIMULATE_BY_CONNECTION && !model->arrivals->by_users)
        rw_conf_mistake_on(report, &model->balance,
                           "connections are those of users: `arrivals` has none");
}
