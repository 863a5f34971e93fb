/* The table of a release's rollout. */
#include "conf/scalar.h"
#include "gate/config/config_release.h"
#include "gate/config/config_tables.h"

#define EACH(type, item, list)                                                                     \
    type *item = (list).items;                                                                     \
    item &&item < (type *)(list).items + (list).count;                                             \
    item++

/* ---- One stage ---- */

#define STAGE_TIME_MS_MIN 1000
#define STAGE_TIME_MS_MAX (30 * 86400000ll)
#define STAGE_REQUESTS_MIN 20
#define STAGE_REQUESTS_MAX 1000000000

#define MEMBER(member) offsetof(struct rw_config_rollout_stage, member)
static const struct rw_conf_field stage_fields[] = {
    {
        .name = "percent",
        .type = RW_CONF_UINT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(percent),
        .min = 1,
        .max = 100,
        .doc = "The version's share.",
        .example = "5",
    },
    {
        .name = "time",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(time_ms),
        .min = STAGE_TIME_MS_MIN,
        .max = STAGE_TIME_MS_MAX,
        .doc = "It lasts at least so long; by default `stage_time`.",
        .example = "1h",
    },
    {
        .name = "requests",
        .type = RW_CONF_UINT,
        .offset = MEMBER(requests),
        .min = STAGE_REQUESTS_MIN,
        .max = STAGE_REQUESTS_MAX,
        .doc = "and until both versions have answered so many requests; by default "
               "`stage_requests`.",
        .example = "5000",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record stage_record = {
    .name = "release.rollout.stage",
    .doc = "One stage of a rollout. A number in place of the mapping is its `percent`.",
    .size = sizeof(struct rw_config_rollout_stage),
    .fields = stage_fields,
    .place_offset = -1,
    .scalar_field = "percent",
};

/* ---- All of it ---- */

#define MEMBER(member) offsetof(struct rw_config_rollout, member)
static const struct rw_conf_field rollout_fields[] = {
    {
        .name = "version",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(version),
        .min = 1,
        .max = 48,
        .doc =
            "The version that is brought in: its share is the stage's, in place of a weight. The "
            "others share the rest by their weights. How far it has come is kept over reloads "
            "and upgrades, as long as route, version and its upstream keep their names.",
        .example = "canary",
    },
    {
        .name = "against",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(against),
        .min = 1,
        .max = 48,
        .doc = "The version that it is compared with. By default the first of the others.",
        .example = "stable",
    },
    {
        .name = "stages",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(stages),
        .record = &stage_record,
        .doc = "Its share in percent, stage by stage; the last is 100. By default 1, 5, 25, 50 and "
               "100.",
        .example = "[1, {percent: 10, time: 1h, requests: 5000}, 50, 100]",
    },
    {
        .name = "automatic",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(automatic),
        .fallback = "true",
        .doc = "Begins by itself, goes on to the next stage by itself, and back to nothing. "
               "Otherwise it begins with nothing and waits for `promote` and `rollback` of the "
               "admin API; with `stages: [100]` that is a blue/green switch.",
    },
    {
        .name = "stage_time",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(stage_ms),
        .fallback = "10m",
        .min = STAGE_TIME_MS_MIN,
        .max = STAGE_TIME_MS_MAX,
        .doc = "A stage lasts at least so long,",
    },
    {
        .name = "stage_requests",
        .type = RW_CONF_UINT,
        .offset = MEMBER(stage_requests),
        .fallback = "500",
        .min = STAGE_REQUESTS_MIN,
        .max = STAGE_REQUESTS_MAX,
        .doc = "and until both versions have answered so many requests in it.",
    },
    {
        .name = "error_tolerance",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(error_tolerance_text),
        .fallback = "0.5%",
        .max = 16,
        .doc = "The share of errors may be so much larger than the other version's, in points. "
               "What is over that stops the rollout, and what is over that and no chance turns it "
               "back.",
    },
    {
        .name = "latency_quantile",
        .type = RW_CONF_UINT,
        .offset = MEMBER(latency_quantile),
        .fallback = "95",
        .min = 50,
        .max = 99,
        .doc = "Latency, up to the head of the response, is compared at this percentile.",
    },
    {
        .name = "latency_tolerance",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(latency_tolerance_text),
        .fallback = "25%",
        .max = 16,
        .doc = "It may be so much longer than the other version's.",
    },
    {
        .name = "false_alarms",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(false_alarms_text),
        .fallback = "1%",
        .max = 16,
        .doc = "The chance that a version which is as good as the other is turned back, over all "
               "stages and looks together. A smaller one means that it takes more requests to "
               "be sure.",
    },
    {.name = NULL},
};
#undef MEMBER

static void take_percent(struct rw_conf_report *report, const struct rw_span *text, double least,
                         double most, double *value)
{
    if (rw_conf_percent(*text, value) || *value < least || *value > most)
        rw_conf_mistake_on(report, text, "expected a share from %g%% to %g%%, not %s", 100 * least,
                           100 * most, rw_conf_quote(report, *text));
}

static void usual_stages(struct rw_config_rollout *rollout, struct rw_conf_report *report)
{
    static const struct rw_config_rollout_stage usual[] = {
        {.percent = 1}, {.percent = 5}, {.percent = 25}, {.percent = 50}, {.percent = 100}};
    void *stages = rw_arena_alloc(rw_conf_results(report), sizeof(usual));
    if (!stages) {
        report->err = RW_ENOMEM;
        return;
    }
    memcpy(stages, usual, sizeof(usual));
    rollout->stages = (struct rw_conf_list){stages, sizeof(usual) / sizeof(*usual)};
}

static void check_stages(struct rw_config_rollout *rollout, struct rw_conf_report *report)
{
    const struct rw_config_rollout_stage *before = NULL;
    if (!rollout->stages.count)
        usual_stages(rollout, report);
    for (EACH(struct rw_config_rollout_stage, stage, rollout->stages)) {
        if (before && stage->percent && stage->percent <= before->percent)
            rw_conf_mistake_on(report, &stage->percent,
                               "not more than the stage before, which is %u", before->percent);
        stage->time_ms = stage->time_ms ? stage->time_ms : rollout->stage_ms;
        stage->requests = stage->requests ? stage->requests : rollout->stage_requests;
        before = stage;
    }
    if (!before || before->percent != 100)
        rw_conf_mistake_on(report, &rollout->stages, "the last stage has to be 100");
    else if (rollout->automatic && rollout->stages.count < 2)
        rw_conf_mistake_on(report, &rollout->stages,
                           "an automatic rollout needs a stage below 100, to compare the versions "
                           "in");
}

static void check_rollout(void *value, struct rw_conf_report *report)
{
    struct rw_config_rollout *rollout = value;
    take_percent(report, &rollout->error_tolerance_text, 0, 1, &rollout->error_tolerance);
    take_percent(report, &rollout->latency_tolerance_text, 0, 10, &rollout->latency_tolerance);
    take_percent(report, &rollout->false_alarms_text, 0.0001, 0.2, &rollout->false_alarms);
    check_stages(rollout, report);
}

/* What is not in the file, as the place is not, has that of the version. */
static bool weight_written(const struct rw_config_version *version,
                           const struct rw_conf_report *report)
{
    struct rw_conf_place place = rw_conf_place_of(report, &version->weight);
    struct rw_conf_place whole = rw_conf_place_of(report, &version->place);
    return place.line != whole.line || place.column != whole.column;
}

static void check_weights(const struct rw_config_release *release, struct rw_conf_report *report)
{
    const struct rw_config_rollout *rollout = release->rollout;
    const struct rw_config_version *against = rw_config_version_named(release, rollout->against);
    const struct rw_config_version *first = NULL;
    for (EACH(const struct rw_config_version, version, release->versions)) {
        if (!rw_span_eq(version->name, rollout->version)) {
            first = first ? first : version;
            continue;
        }
        if (weight_written(version, report))
            rw_conf_mistake_on(report, &version->weight,
                               "\"weight\" has no effect: the share of %s is the rollout's",
                               rw_conf_quote(report, version->name));
    }
    against = against ? against : first;
    if (against && against->weight == 0)
        rw_conf_mistake_on(report, &rollout->version,
                           "it is compared with %s, which gets no request: its weight is 0",
                           rw_conf_quote(report, against->name));
}

void rw_config_check_rollout(const struct rw_config_release *release, struct rw_conf_report *report)
{
    const struct rw_config_rollout *rollout = release->rollout;
    rw_config_expect_version(release, &rollout->version, report);
    rw_config_expect_version(release, &rollout->against, report);
    if (rollout->against.len && rw_span_eq(rollout->version, rollout->against))
        rw_conf_mistake_on(report, &rollout->against, "a version is not compared with itself");
    else if (rw_config_version_named(release, rollout->version))
        check_weights(release, report);
}

const struct rw_conf_record rw_config_rollout_record = {
    .name = "release.rollout",
    .doc = "Brings a version in by stages, and turns it back when it is worse than the one beside "
           "it.",
    .size = sizeof(struct rw_config_rollout),
    .fields = rollout_fields,
    .place_offset = offsetof(struct rw_config_rollout, place),
    .check = check_rollout,
};
