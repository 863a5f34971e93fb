/* The table of the whole file, and reading it. */
#include "simulate/model.h"

#include "simulate/model_tables.h"

static const char *const schemas[] = {"ringway.simulation/1", NULL};
static const char *const methods[] = {"auto", "exact", "sampled", NULL};
static const char *const balances[] = {"requests", "connections", NULL};

#define MEMBER(member) offsetof(struct rw_simulate_model, member)
#define PART(key, member_, record_, ...)                                                           \
    {                                                                                              \
        .name = key, .type = RW_CONF_RECORD, .offset = MEMBER(member_), .record = &(record_),      \
        __VA_ARGS__                                                                                \
    }

static const struct rw_conf_field fields[] = {
    {
        .name = "schema",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(schema),
        .names = schemas,
        .fallback = "ringway.simulation/1",
        .doc = "The form of this file.",
    },
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(name),
        .max = 256,
        .doc = "Of the system, for reports.",
        .example = "Shop",
    },
    {
        .name = "duration",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(duration_ms),
        .fallback = "1h",
        .min = 1000,
        .max = RW_SIMULATE_SECONDS_MAX * 1000ll,
        .doc = "How much time is simulated, in whole seconds.",
    },
    {
        .name = "begin",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(begin_text),
        .fallback = "00:00",
        .min = 1,
        .max = 8,
        .doc = "The time of day at which it begins.",
    },
    {
        .name = "seed",
        .type = RW_CONF_UINT,
        .offset = MEMBER(seed),
        .fallback = "1",
        .doc = "Of everything that chance decides: the same seed gives the same result.",
    },
    {
        .name = "method",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(method),
        .names = methods,
        .fallback = "auto",
        .doc =
            "`exact`: every request is an event; `sampled`: some of each second's requests on one "
            "node of each kind stand for all; `auto`: exact where that takes no more than two "
            "million requests.",
    },
    {
        .name = "sampled_requests",
        .type = RW_CONF_UINT,
        .offset = MEMBER(sampled_max),
        .fallback = "20000000",
        .min = 10000,
        .max = 1000000000,
        .doc = "How many requests `sampled` goes through, over the whole time.",
    },
    {
        .name = "currency",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(currency),
        .fallback = "USD",
        .min = 3,
        .max = 3,
        .doc = "Of all prices.",
    },
    PART("request", request, rw_simulate_request_record, .flags = RW_CONF_REQUIRED,
         .doc = "What a request takes of a node."),
    PART("connection", connection, rw_simulate_connection_record, .flags = RW_CONF_ALWAYS,
         .doc = "What a user's connection takes of a node."),
    PART("fleet", fleet, rw_simulate_type_record,
         .flags = RW_CONF_REQUIRED | RW_CONF_LIST | RW_CONF_UNIQUE,
         .doc = "The kinds of nodes. When more are wanted the first kind grows first."),
    {
        .name = "balance",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(balance),
        .names = balances,
        .fallback = "requests",
        .doc =
            "What is spread over the nodes, by their cores: each of the `requests`, or users' "
            "`connections`, whose requests then stay on their node (as behind a balancer of TCP).",
    },
    PART("arrivals", arrivals, rw_simulate_arrivals_record, .flags = RW_CONF_REQUIRED,
         .doc = "Who comes, and when."),
    PART("autoscaling", autoscaling, rw_simulate_autoscaling_record,
         .doc = "Without it the fleet stays as large as it begins."),
    PART("health", health, rw_simulate_health_record, .flags = RW_CONF_ALWAYS,
         .doc = "What happens when a node dies."),
    PART("failures", failures, rw_simulate_failure_record, .flags = RW_CONF_LIST,
         .doc = "What goes wrong."),
    PART("deploys", deploys, rw_simulate_deploy_record, .flags = RW_CONF_LIST,
         .doc = "When all nodes are replaced, a few at a time."),
    PART("origin", origin, rw_simulate_origin_record,
         .doc = "What stands behind the nodes. Without it they answer themselves."),
    PART("goals", goals, rw_simulate_goal_record, .flags = RW_CONF_LIST, .doc = "What must hold."),
    {.name = NULL},
};
#undef PART
#undef MEMBER

const struct rw_conf_record rw_simulate_record = {
    .name = "simulation",
    .doc = "A file for `ringway simulate`.",
    .size = sizeof(struct rw_simulate_model),
    .fields = fields,
    .place_offset = -1,
    .check = rw_simulate_check,
};

enum rw_err rw_simulate_read(const char *path, struct rw_arena *arena,
                             struct rw_simulate_model **model, struct rw_conf_report *report)
{
    *model = rw_arena_zero(arena, sizeof(**model));
    if (!*model)
        return RW_ENOMEM;
    enum rw_err err = rw_conf_read_file(path, &rw_simulate_record, arena, *model, report);
    (*model)->path = path;
    return err;
}

enum rw_err rw_simulate_read_text(struct rw_span yaml, const char *name, struct rw_arena *arena,
                                  struct rw_simulate_model **model, struct rw_conf_report *report)
{
    *model = rw_arena_zero(arena, sizeof(**model));
    if (!*model)
        return RW_ENOMEM;
    enum rw_err err = rw_conf_read_text(yaml, name, &rw_simulate_record, arena, *model, report);
    (*model)->path = name;
    return err;
}
