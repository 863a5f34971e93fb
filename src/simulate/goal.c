#include "simulate/goal.h"

#include "simulate/model_tables.h"

#include <math.h>

#define MONTH_HOURS 730.0

/* ---- Limits and values ---- */

static double latency_limit(const void *value)
{
    return ((const struct rw_simulate_goal_latency *)value)->most_ms / 1e3;
}

static double latency_value(const struct rw_simulate_model *model,
                            const struct rw_simulate_ledger *ledger, const void *value)
{
    (void)model;
    return rw_simulate_ledger_quantile(
        ledger, ((const struct rw_simulate_goal_latency *)value)->percentile / 100);
}

static void latency_detail(const void *value, struct rw_text *text)
{
    rw_text_adds(text, " p");
    rw_number_write(text, ((const struct rw_simulate_goal_latency *)value)->percentile);
}

static double availability_limit(const void *value)
{
    return ((const struct rw_simulate_goal_availability *)value)->least_percent / 100;
}

static double availability_value(const struct rw_simulate_model *model,
                                 const struct rw_simulate_ledger *ledger, const void *value)
{
    (void)model;
    (void)value;
    return rw_simulate_ledger_availability(ledger);
}

static double nodes_limit(const void *value)
{
    return ((const struct rw_simulate_goal_nodes *)value)->most;
}

static double nodes_value(const struct rw_simulate_model *model,
                          const struct rw_simulate_ledger *ledger, const void *value)
{
    (void)model;
    (void)value;
    return ledger->most.billed;
}

static double cost_limit(const void *value)
{
    return ((const struct rw_simulate_goal_cost *)value)->most;
}

static double cost_value(const struct rw_simulate_model *model,
                         const struct rw_simulate_ledger *ledger, const void *value)
{
    const struct rw_simulate_goal_cost *goal = value;
    double hours = model->seconds / 3600.0;
    if (goal->per == RW_SIMULATE_PER_RUN)
        return ledger->cost;
    return ledger->cost / hours * (goal->per == RW_SIMULATE_PER_MONTH ? MONTH_HOURS : 1);
}

static void cost_detail(const void *value, struct rw_text *text)
{
    static const char *const texts[] = {"", " /h", " /730 h"};
    rw_text_adds(text, texts[((const struct rw_simulate_goal_cost *)value)->per]);
}

static double busy_limit(const void *value)
{
    return ((const struct rw_simulate_goal_busy *)value)->most_percent / 100;
}

static double busy_value(const struct rw_simulate_model *model,
                         const struct rw_simulate_ledger *ledger, const void *value)
{
    (void)model;
    (void)value;
    return ledger->row_busy_most;
}

static double memory_limit(const void *value)
{
    return ((const struct rw_simulate_goal_memory *)value)->most_percent / 100;
}

static double memory_value(const struct rw_simulate_model *model,
                           const struct rw_simulate_ledger *ledger, const void *value)
{
    (void)model;
    (void)value;
    return ledger->most.node_memory_share;
}

/* ---- The table ---- */

#define FIELD(type_, member_, ...)                                                                 \
    {                                                                                              \
        .flags = RW_CONF_REQUIRED, .offset = offsetof(struct rw_simulate_goal_##type_, member_),   \
        __VA_ARGS__                                                                                \
    }

static const struct rw_conf_field latency_fields[] = {
    FIELD(latency, percentile, .name = "percentile", .type = RW_CONF_NUMBER, .min = 0, .max = 100,
          .doc = "Of the requests, so many per cent, those that fail among them.", .example = "99"),
    FIELD(latency, most_ms, .name = "at_most", .type = RW_CONF_DURATION, .min = 1, .max = 3600000,
          .doc = "They are answered within this time.", .example = "50ms"),
    {.name = NULL},
};
static const struct rw_conf_field availability_fields[] = {
    FIELD(availability, least_percent, .name = "at_least_percent", .type = RW_CONF_NUMBER, .min = 0,
          .max = 100, .doc = "So many of the requests are served.", .example = "99.99"),
    {.name = NULL},
};
static const struct rw_conf_field nodes_fields[] = {
    FIELD(nodes, most, .name = "at_most", .type = RW_CONF_UINT, .max = RW_SIMULATE_NODES_MAX,
          .doc = "So many are paid for at the same time.", .example = "40"),
    {.name = NULL},
};
static const char *const pers[] = {"run", "hour", "month", NULL};
static const struct rw_conf_field cost_fields[] = {
    FIELD(cost, most, .name = "at_most", .type = RW_CONF_NUMBER,
          .doc = "What the nodes may cost, in the file's currency.", .example = "250"),
    {.name = "per",
     .type = RW_CONF_ENUM,
     .offset = offsetof(struct rw_simulate_goal_cost, per),
     .names = pers,
     .fallback = "run",
     .doc = "For the simulated time, an hour of it, or a month (730 hours) like it."},
    {.name = NULL},
};
static const struct rw_conf_field busy_fields[] = {
    FIELD(busy, most_percent, .name = "at_most_percent", .type = RW_CONF_NUMBER, .min = 0,
          .max = 100,
          .doc = "How busy the serving nodes' cores may be, in the busiest row of the report.",
          .example = "80"),
    {.name = NULL},
};
static const struct rw_conf_field memory_fields[] = {
    FIELD(memory, most_percent, .name = "at_most_percent", .type = RW_CONF_NUMBER, .min = 0,
          .max = 100, .doc = "How full the fullest node's memory may be.", .example = "80"),
    {.name = NULL},
};

#define RECORD(key_, type_, ...)                                                                   \
    {                                                                                              \
        .name = "goal." key_, .size = sizeof(struct rw_simulate_goal_##type_),                     \
        .fields = type_##_fields, .place_offset = -1, __VA_ARGS__                                  \
    }

static void check_latency(void *value, struct rw_conf_report *report)
{
    struct rw_simulate_goal_latency *latency = value;
    if (latency->percentile <= 0 || latency->percentile >= 100)
        rw_conf_mistake_on(report, &latency->percentile, "a percentile is above 0 and below 100");
}

static const struct rw_conf_record records[RW_SIMULATE_GOAL_KINDS] = {
    [RW_SIMULATE_GOAL_LATENCY] =
        RECORD("latency", latency, .check = check_latency, .doc = "How long an answer may take."),
    [RW_SIMULATE_GOAL_AVAILABILITY] =
        RECORD("availability", availability, .doc = "How many requests must be served."),
    [RW_SIMULATE_GOAL_NODES] = RECORD("nodes", nodes, .doc = "How many nodes there may be."),
    [RW_SIMULATE_GOAL_COST] = RECORD("cost", cost, .doc = "What the nodes may cost."),
    [RW_SIMULATE_GOAL_BUSY] = RECORD("utilisation", busy, .doc = "How busy the processors may be."),
    [RW_SIMULATE_GOAL_MEMORY] = RECORD("memory", memory, .doc = "How full a node may be."),
};

#define KIND(which, name_, doc_)                                                                   \
    .key = {.name = name_, .record = &records[which], .user = &kinds[which], .doc = doc_}

static const struct rw_simulate_goal_kind kinds[RW_SIMULATE_GOAL_KINDS] = {
    [RW_SIMULATE_GOAL_LATENCY] = {KIND(RW_SIMULATE_GOAL_LATENCY, "latency",
                                       "A percentile of the latency."),
                                  .label = RW_LABEL("Latency", "延迟"), .unit = RW_UNIT_SECONDS,
                                  .limit = latency_limit, .value = latency_value,
                                  .detail = latency_detail},
    [RW_SIMULATE_GOAL_AVAILABILITY] = {KIND(RW_SIMULATE_GOAL_AVAILABILITY, "availability",
                                            "The share of requests served."),
                                       .label = RW_LABEL("Availability", "可用性"),
                                       .unit = RW_UNIT_SHARE, .at_least = true,
                                       .limit = availability_limit, .value = availability_value},
    [RW_SIMULATE_GOAL_NODES] = {KIND(RW_SIMULATE_GOAL_NODES, "nodes", "Nodes at the same time."),
                                .label = RW_LABEL("Nodes", "节点数"), .unit = RW_UNIT_COUNT,
                                .limit = nodes_limit, .value = nodes_value},
    [RW_SIMULATE_GOAL_COST] = {KIND(RW_SIMULATE_GOAL_COST, "cost", "What the nodes cost."),
                               .label = RW_LABEL("Cost", "成本"), .unit = RW_UNIT_MONEY,
                               .limit = cost_limit, .value = cost_value, .detail = cost_detail},
    [RW_SIMULATE_GOAL_BUSY] = {KIND(RW_SIMULATE_GOAL_BUSY, "utilisation",
                                    "How busy the processors are."),
                               .label = RW_LABEL("Processors busy", "处理器利用率"),
                               .unit = RW_UNIT_SHARE, .limit = busy_limit, .value = busy_value},
    [RW_SIMULATE_GOAL_MEMORY] = {KIND(RW_SIMULATE_GOAL_MEMORY, "memory",
                                      "How full the fullest node is."),
                                 .label = RW_LABEL("Memory of a node", "节点内存占用"),
                                 .unit = RW_UNIT_SHARE, .limit = memory_limit,
                                 .value = memory_value},
};

const struct rw_conf_variant_kind *const rw_simulate_goal_kinds[] = {
    [RW_SIMULATE_GOAL_LATENCY] = &kinds[RW_SIMULATE_GOAL_LATENCY].key,
    [RW_SIMULATE_GOAL_AVAILABILITY] = &kinds[RW_SIMULATE_GOAL_AVAILABILITY].key,
    [RW_SIMULATE_GOAL_NODES] = &kinds[RW_SIMULATE_GOAL_NODES].key,
    [RW_SIMULATE_GOAL_COST] = &kinds[RW_SIMULATE_GOAL_COST].key,
    [RW_SIMULATE_GOAL_BUSY] = &kinds[RW_SIMULATE_GOAL_BUSY].key,
    [RW_SIMULATE_GOAL_MEMORY] = &kinds[RW_SIMULATE_GOAL_MEMORY].key,
    [RW_SIMULATE_GOAL_KINDS] = NULL,
};
static const struct rw_conf_variant_kind *const *const variants = rw_simulate_goal_kinds;

static const struct rw_conf_field goal_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = offsetof(struct rw_simulate_goal, name),
        .max = 128,
        .doc = "What reports call it; without one, they say what it is.",
    },
    {
        .name = "goal",
        .type = RW_CONF_VARIANT,
        .flags = RW_CONF_REQUIRED,
        .offset = offsetof(struct rw_simulate_goal, what),
        .variants = &variants,
        .doc = "What must hold, one of:",
    },
    {.name = NULL},
};

const struct rw_conf_record rw_simulate_goal_record = {
    .name = "goal",
    .doc = "Something that must hold.",
    .size = sizeof(struct rw_simulate_goal),
    .fields = goal_fields,
    .place_offset = offsetof(struct rw_simulate_goal, place),
};

/* ---- Words ---- */

void rw_simulate_goal_name(const struct rw_simulate_goal *goal, enum rw_language language,
                           struct rw_text *text)
{
    const struct rw_simulate_goal_kind *kind = rw_simulate_goal_kind(goal);
    if (goal->name.len) {
        rw_text_add(text, goal->name);
        return;
    }
    rw_text_adds(text, rw_label_in(kind->label, language));
    if (kind->detail)
        kind->detail(goal->what.value, text);
}

struct rw_quantity rw_simulate_goal_quantity(const struct rw_simulate_model *model,
                                             const struct rw_simulate_goal *goal, double value)
{
    bool cost = rw_simulate_goal_is(goal, RW_SIMULATE_GOAL_COST);
    return (struct rw_quantity){.value = cost ? round(value * 100) : value,
                                .unit = rw_simulate_goal_kind(goal)->unit,
                                .currency = cost ? model->currency.at : NULL};
}

bool rw_simulate_goal_holds(const struct rw_simulate_goal *goal, double value)
{
    const struct rw_simulate_goal_kind *kind = rw_simulate_goal_kind(goal);
    double limit = kind->limit(goal->what.value);
    return kind->at_least ? value >= limit : value <= limit;
}

double rw_simulate_budget_used(const struct rw_simulate_model *model,
                               const struct rw_simulate_ledger *ledger)
{
    double most = NAN, errors = 1 - rw_simulate_ledger_availability(ledger);
    for (size_t i = 0; i < model->goals.count; i++) {
        const struct rw_simulate_goal *goal = &rw_simulate_goals(model)[i];
        if (!rw_simulate_goal_is(goal, RW_SIMULATE_GOAL_AVAILABILITY) || isnan(errors))
            continue;
        double allowed = 1 - availability_limit(goal->what.value);
        most = fmax(most, allowed > 0 ? errors / allowed : errors > 0 ? INFINITY : 0);
    }
    return most;
}
