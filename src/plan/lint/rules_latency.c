/* Latency: light in fibre, parts slower than the whole, queues at high utilisation. */
#include "plan/lint/rules.h"
#include "plan/model/queueing.h"

#include <math.h>

static const char fibre[] =
    "great circle, 6371 km sphere; light in fibre of refractive index 1.468";

/* The place that a name in the intake means: a place, a region, an area or a site's name. */
static const struct rw_lint_place *place_named(const struct rw_lint *lint, struct rw_span name)
{
    const struct rw_lint_facts *facts = &lint->facts;
    for (unsigned i = 0; name.len && i < facts->region_count; i++)
        if (rw_span_is_nocase(name, facts->regions[i].name))
            return rw_lint_facts_place(facts, facts->regions[i].place);
    for (unsigned i = 0; i < facts->place_count; i++)
        if (rw_lint_has(name, facts->places[i].words))
            return &facts->places[i];
    size_t count;
    const struct rw_intake_row *sites = rw_intake_rows(lint->intake, "sites", &count);
    for (size_t i = 0; i < count; i++) {
        struct rw_span region = rw_intake_in(&sites[i], "region")->text;
        if (rw_span_eq(rw_intake_in(&sites[i], "name")->text, name) && !rw_span_eq(region, name))
            return place_named(lint, region);
    }
    for (unsigned i = 0; i < facts->region_count; i++)
        if (rw_lint_has(name, facts->regions[i].words))
            return rw_lint_facts_place(facts, facts->regions[i].place);
    return NULL;
}

static void tell_floor(struct rw_lint *lint, const struct rw_intake_value *value, double target,
                       const char *subject, double kilometres, double trips)
{
    double floor = rw_lint_round_trip(kilometres) * trips;
    if (target < floor)
        rw_lint_tell(lint, &(struct rw_lint_hit){
                               .value = value,
                               .claimed = rw_lint_quantity(target, RW_UNIT_SECONDS),
                               .possible = rw_lint_quantity(floor, RW_UNIT_SECONDS),
                               .subject = rw_lint_format(lint, "%s, %.0f km", subject, kilometres),
                               .source = fibre});
}

void rw_lint_link_floor(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *links = rw_intake_rows(lint->intake, "links", &count);
    for (size_t i = 0; i < count; i++) {
        struct rw_span from = rw_intake_in(&links[i], "from")->text,
                       to = rw_intake_in(&links[i], "to")->text;
        const struct rw_intake_value *latency = rw_intake_in(&links[i], "latency");
        const struct rw_lint_place *a = place_named(lint, from), *b = place_named(lint, to);
        if (a && b && latency->there)
            tell_floor(lint, latency, rw_intake_number(latency),
                       rw_lint_format(lint, "%.*s – %.*s", RW_SPAN_ARGS(from), RW_SPAN_ARGS(to)),
                       rw_lint_distance(a, b), 1);
    }
}

static bool goal_mentions(const struct rw_lint *lint, const char *words)
{
    static const char *const paths[] = {"goal.target", "goal.scope", "goal.performance",
                                        "goal.other"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        if (rw_lint_has(rw_intake_text(lint->intake, paths[i]), words))
            return true;
    return false;
}

/* A latency between sites, without links: the farthest two count. */
void rw_lint_site_floor(struct rw_lint *lint)
{
    const struct rw_intake_value *latency = rw_intake_get(lint->intake, "goal.latency");
    const struct rw_lint_site *a = NULL, *b = NULL;
    double farthest = 0;
    if (!latency->there || !goal_mentions(lint, lint->facts.between_sites))
        return;
    for (size_t i = 0; i < lint->site_count; i++)
        for (size_t j = i + 1; j < lint->site_count; j++) {
            double distance = rw_lint_distance(lint->sites[i].place, lint->sites[j].place);
            if (distance > farthest) {
                farthest = distance;
                a = &lint->sites[i];
                b = &lint->sites[j];
            }
        }
    if (a && b)
        tell_floor(
            lint, latency, rw_intake_number(latency),
            rw_lint_format(lint, "%.*s – %.*s", RW_SPAN_ARGS(a->name), RW_SPAN_ARGS(b->name)),
            farthest, 1);
}

/* Of the cities of the world, the one that is farthest from its nearest site. */
static const struct rw_lint_place *farthest_city(const struct rw_lint *lint, double *kilometres)
{
    struct rw_span rest = rw_span_text(lint->facts.world), word;
    const struct rw_lint_place *farthest = NULL;
    *kilometres = 0;
    while (rw_intake_next_word(&rest, &word))
        for (unsigned i = 0; i < lint->facts.place_count; i++) {
            const struct rw_lint_place *city = &lint->facts.places[i];
            double nearest = INFINITY;
            if (!rw_span_is(word, city->id))
                continue;
            for (size_t site = 0; site < lint->site_count; site++)
                nearest = fmin(nearest, rw_lint_distance(city, lint->sites[site].place));
            if (isfinite(nearest) && nearest > *kilometres) {
                *kilometres = nearest;
                farthest = city;
            }
        }
    return farthest;
}

/* "圣保罗 (São Paulo)". */
static const char *city_name(struct rw_lint *lint, const struct rw_lint_place *city)
{
    struct rw_span rest = rw_span_text(city->words), zh = {0}, en = {0};
    rw_intake_next_word(&rest, &zh);
    rw_intake_next_word(&rest, &en);
    return rw_lint_format(lint, "%.*s (%.*s)", RW_SPAN_ARGS(zh), RW_SPAN_ARGS(en));
}

static void global_floor(struct rw_lint *lint, double trips_before, double trips)
{
    const struct rw_intake_value *latency = rw_intake_get(lint->intake, "goal.latency");
    double kilometres;
    if (!latency->there || !goal_mentions(lint, lint->facts.global))
        return;
    const struct rw_lint_place *city = farthest_city(lint, &kilometres);
    double target = rw_intake_number(latency);
    if (city && target >= rw_lint_round_trip(kilometres) * trips_before)
        tell_floor(lint, latency, target, city_name(lint, city), kilometres, trips);
}

void rw_lint_global_floor(struct rw_lint *lint)
{
    global_floor(lint, 0, 1);
}

/* TCP, TLS 1.3, and the request itself. */
void rw_lint_global_first_request(struct rw_lint *lint)
{
    global_floor(lint, 1, 3);
}

static const struct rw_intake_value *outer_latency(const struct rw_lint *lint)
{
    const struct rw_intake_value *goal = rw_intake_get(lint->intake, "goal.latency");
    size_t count;
    const struct rw_intake_row *targets = rw_intake_rows(lint->intake, "targets", &count);
    for (size_t i = 0; i < count && !goal->there; i++)
        if (!rw_intake_in(&targets[i], "scope")->there &&
            rw_lint_measure_of(&targets[i]) == RW_LINT_LATENCY)
            goal = rw_intake_in(&targets[i], "value");
    return goal;
}

void rw_lint_inner_latency(struct rw_lint *lint)
{
    const struct rw_intake_value *outer = outer_latency(lint);
    size_t count;
    const struct rw_intake_row *targets = rw_intake_rows(lint->intake, "targets", &count);
    for (size_t i = 0; i < count && outer->there; i++) {
        const struct rw_intake_value *value = rw_intake_in(&targets[i], "value");
        const struct rw_intake_value *scope = rw_intake_in(&targets[i], "scope");
        if (scope->there && rw_lint_measure_of(&targets[i]) == RW_LINT_LATENCY &&
            rw_intake_number(value) > rw_intake_number(outer))
            rw_lint_tell(lint,
                         &(struct rw_lint_hit){
                             .value = value,
                             .claimed = rw_lint_quantity(rw_intake_number(outer), RW_UNIT_SECONDS),
                             .possible = rw_lint_quantity(rw_intake_number(value), RW_UNIT_SECONDS),
                             .subject = scope->text.at});
    }
}

static void tell_tail(struct rw_lint *lint, const struct rw_intake_value *value, double utilization)
{
    const struct rw_intake_value *latency = outer_latency(lint);
    if (!latency->there || !(utilization >= 0.8) || utilization >= 1)
        return;
    double p = latency->amount.percentile > 0 ? latency->amount.percentile : 0.99;
    /* The service time with which one server at that utilisation just meets the target. */
    double service = rw_intake_number(latency) / rw_model_mm1_percentile(1, utilization, p);
    rw_lint_tell(lint,
                 &(struct rw_lint_hit){.value = value,
                                       .claimed = rw_lint_quantity(utilization, RW_UNIT_SHARE),
                                       .possible = rw_lint_quantity(service, RW_UNIT_SECONDS)});
}

void rw_lint_utilization_tail(struct rw_lint *lint)
{
    const struct rw_intake_value *goal = rw_intake_get(lint->intake, "goal.utilization");
    size_t count;
    const struct rw_intake_row *targets = rw_intake_rows(lint->intake, "targets", &count);
    const struct rw_intake_value *highest = goal->there ? goal : NULL;
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *value = rw_intake_in(&targets[i], "value");
        if (rw_lint_measure_of(&targets[i]) == RW_LINT_UTILIZATION &&
            (!highest || rw_intake_number(value) > rw_intake_number(highest)))
            highest = value;
    }
    if (highest)
        tell_tail(lint, highest, rw_intake_number(highest));
}

/* The two sites that are the furthest apart. */
static double widest(const struct rw_lint *lint, const struct rw_lint_site **a,
                     const struct rw_lint_site **b)
{
    double most = 0;
    for (size_t i = 0; i < lint->site_count; i++)
        for (size_t k = i + 1; k < lint->site_count; k++) {
            double distance = rw_lint_distance(lint->sites[i].place, lint->sites[k].place);
            if (distance <= most)
                continue;
            most = distance;
            *a = &lint->sites[i];
            *b = &lint->sites[k];
        }
    return most;
}

/* Nothing may be lost: then the copy is written before the answer is given. */
void rw_lint_lossless_distance(struct rw_lint *lint)
{
    const struct rw_intake_value *wanted = rw_intake_get(lint->intake, "goal.recovery_point");
    const struct rw_lint_site *a = NULL, *b = NULL;
    double kilometres = widest(lint, &a, &b);
    if (!wanted->there || rw_intake_number(wanted) > 0 || !a || !b || !(kilometres > 0))
        return;
    rw_lint_tell(lint,
                 &(struct rw_lint_hit){
                     .value = wanted,
                     .claimed = rw_lint_quantity(0, RW_UNIT_SECONDS),
                     .possible = rw_lint_quantity(rw_lint_round_trip(kilometres), RW_UNIT_SECONDS),
                     .subject = rw_lint_format(lint, "%.*s – %.*s, %.0f km", RW_SPAN_ARGS(a->name),
                                               RW_SPAN_ARGS(b->name), kilometres),
                     .source = fibre});
}
