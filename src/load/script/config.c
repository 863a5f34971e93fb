/* What a scenario file may say. */
#include "load/script/compile.h"
#include "load/script/config_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

bool rw_load_parse_rate(struct rw_span text, double *rate)
{
    char copy[32], *end;
    if (rw_span_ends(text, RW_LITERAL("/s")))
        text.len -= 2;
    if (!text.len || text.len >= sizeof(copy) || text.at[0] < '0' || text.at[0] > '9')
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    errno = 0;
    *rate = strtod(copy, &end);
    return errno == 0 && *end == '\0' && isfinite(*rate) && *rate <= 1e8;
}

/* ---- Scenarios ---- */

#define MEMBER(name) offsetof(struct rw_load_config_scenario, name)
static const struct rw_conf_field scenario_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(name),
        .fallback = "main",
        .min = 1,
        .max = 64,
        .doc = "For reports.",
        .example = "browse",
    },
    {
        .name = "weight",
        .type = RW_CONF_UINT,
        .offset = MEMBER(weight),
        .fallback = "1",
        .min = 1,
        .max = RW_LOAD_WEIGHT_MAX,
        .doc = "How often, beside the others: of two with 3 and 1, three users in four do this.",
    },
    {
        .name = "think",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(think),
        .fallback = "0s",
        .max = 32,
        .doc = "After each step: `1s`, or `500ms-2s` for a time by chance between these.",
    },
    {
        .name = "steps",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED,
        .offset = MEMBER(steps),
        .record = &rw_load_step_record,
        .doc = "In this order. An iteration ends with the last, or with the first that fails.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record scenario_record = {
    .name = "scenario",
    .doc = "What one virtual user does.",
    .size = sizeof(struct rw_load_config_scenario),
    .fields = scenario_fields,
    .place_offset = offsetof(struct rw_load_config_scenario, place),
};

/* ---- Data ---- */

static const char *const orders[] = {"sequential", "random", "once", NULL};

#define MEMBER(name) offsetof(struct rw_load_config_data, name)
static const struct rw_conf_field data_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(name),
        .fallback = "data",
        .min = 1,
        .max = 64,
        .doc = "For messages.",
        .example = "people",
    },
    {
        .name = "file",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(file),
        .min = 1,
        .max = 4096,
        .doc = "A CSV file (RFC 4180); its path is from where the scenario file lies.",
        .example = "people.csv",
    },
    {
        .name = "columns",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(columns),
        .min = 1,
        .max = 64,
        .doc = "The variables, one a column. By default the first line of the file names them.",
        .example = "[name, card]",
    },
    {
        .name = "order",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(order),
        .fallback = "sequential",
        .names = orders,
        .doc = "Which row an iteration gets: one after the other and again from the first, by "
               "chance, or each once; then nobody new begins once they are used up.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record data_record = {
    .name = "data",
    .doc = "Values for variables from a file. Each iteration has one row. A text in place of the "
           "mapping is the file.",
    .size = sizeof(struct rw_load_config_data),
    .fields = data_fields,
    .place_offset = offsetof(struct rw_load_config_data, place),
    .scalar_field = "file",
};

/* ---- Phases ---- */

#define MEMBER(name) offsetof(struct rw_load_config_phase, name)
static const struct rw_conf_field phase_fields[] = {
    {
        .name = "for",
        .type = RW_CONF_DURATION,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(for_ms),
        .min = 1,
        .max = 604800000,
        .doc = "How long.",
        .example = "30s",
    },
    {
        .name = "rate",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(rate),
        .max = 32,
        .doc = "Users that begin, per second.",
        .example = "100",
    },
    {
        .name = "to",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(to),
        .max = 32,
        .doc = "The rate at the end, to which it changes evenly. By default it stays as it is.",
        .example = "1000",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_phase(void *value, struct rw_conf_report *report)
{
    const struct rw_load_config_phase *phase = value;
    double rate;
    if (phase->rate.len && !rw_load_parse_rate(phase->rate, &rate))
        rw_conf_mistake_on(report, &phase->rate, "expected a number of users per second");
    if (phase->to.len && !rw_load_parse_rate(phase->to, &rate))
        rw_conf_mistake_on(report, &phase->to, "expected a number of users per second");
}

static const struct rw_conf_record phase_record = {
    .name = "phase",
    .doc =
        "A time with a rate that is constant or changes evenly. A row of them makes ramps, steps "
        "and spikes.",
    .size = sizeof(struct rw_load_config_phase),
    .fields = phase_fields,
    .place_offset = offsetof(struct rw_load_config_phase, place),
    .check = check_phase,
};

/* ---- The file ---- */

static const char *const protocols[] = {[RW_LOAD_H1] = "http1", [RW_LOAD_H2] = "http2", NULL};
static const char *const arrivals[] =
    {[RW_ARRIVALS_EVEN] = "even", [RW_ARRIVALS_POISSON] = "poisson", NULL};

#define MEMBER(name) offsetof(struct rw_load_config, name)
static const struct rw_conf_field fields[] = {
    {
        .name = "target",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(target),
        .min = 1,
        .max = 2048,
        .doc = "Scheme, host and port: all requests go there. `--target` on the command line comes "
               "first.",
        .example = "https://shop.example",
    },
    {
        .name = "protocol",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(protocol),
        .fallback = "http1",
        .names = protocols,
        .doc = "HTTP/1.1 or HTTP/2 (with http:// by prior knowledge).",
    },
    {
        .name = "ca",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(ca),
        .max = 4096,
        .doc = "Certificates to trust, a PEM file. By default the system's.",
        .example = "/etc/shop/ca.pem",
    },
    {
        .name = "insecure",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(insecure),
        .fallback = "false",
        .doc = "Trust any certificate.",
    },
    {
        .name = "rate",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(rate),
        .max = 32,
        .doc = "Open loop: users that begin per second, whatever becomes of those before.",
        .example = "200",
    },
    {
        .name = "phases",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(phases),
        .record = &phase_record,
        .doc = "Open loop with a rate that changes, in place of `rate` and `duration`.",
    },
    {
        .name = "arrivals",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(arrivals),
        .fallback = "even",
        .names = arrivals,
        .doc = "Evenly spaced, or at random as independent users come.",
    },
    {
        .name = "users",
        .type = RW_CONF_UINT,
        .offset = MEMBER(users),
        .max = RW_LOAD_USERS_MAX,
        .doc = "Closed loop: so many users, each of which begins anew when it is through. By "
               "default as many as requests can be under way on all connections.",
        .example = "50",
    },
    {
        .name = "duration",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(duration_ms),
        .fallback = "10s",
        .min = 1,
        .max = 604800000,
        .doc = "Without `phases`: how long, beside the warm-up.",
    },
    {
        .name = "warmup",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(warmup_ms),
        .fallback = "0s",
        .max = 86400000,
        .doc = "Of the beginning: it is sent and not counted.",
    },
    {
        .name = "connections",
        .type = RW_CONF_UINT,
        .offset = MEMBER(connections),
        .fallback = "64",
        .min = 1,
        .max = RW_LOAD_CONNECTIONS_MAX,
        .doc = "Of all threads. Users share them.",
    },
    {
        .name = "streams",
        .type = RW_CONF_UINT,
        .offset = MEMBER(streams),
        .fallback = "32",
        .min = 1,
        .max = RW_LOAD_STREAMS_MAX,
        .doc = "HTTP/2: requests at a time on one connection.",
    },
    {
        .name = "threads",
        .type = RW_CONF_UINT,
        .offset = MEMBER(threads),
        .fallback = "1",
        .min = 1,
        .max = RW_LOAD_THREADS_MAX,
        .doc = "In each process.",
    },
    {
        .name = "processes",
        .type = RW_CONF_UINT,
        .offset = MEMBER(processes),
        .fallback = "1",
        .min = 1,
        .max = RW_LOAD_THREADS_MAX,
        .doc = "For more connections than one process may have descriptors.",
    },
    {
        .name = "timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(timeout_ms),
        .fallback = "10s",
        .min = 1,
        .max = 3600000,
        .doc = "Of a request.",
    },
    {
        .name = "seed",
        .type = RW_CONF_UINT,
        .offset = MEMBER(seed),
        .fallback = "1",
        .max = UINT32_MAX,
        .doc = "Of what is random.",
    },
    {
        .name = "variables",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = MEMBER(variables),
        .max = 65536,
        .doc = "Constants. Only here `${NAME}` is the environment: what is secret need not stand "
               "in the file.",
        .example = "{tenant: acme}",
    },
    {
        .name = "data",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_UNIQUE,
        .offset = MEMBER(data),
        .record = &data_record,
        .doc = "Variables with values from files.",
    },
    {
        .name = "headers",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP | RW_CONF_VERBATIM,
        .offset = MEMBER(headers),
        .max = 8192,
        .doc = "Header fields of all steps; `${variables}` are filled in.",
        .example = "{Accept: application/json}",
    },
    {
        .name = "scenarios",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_UNIQUE | RW_CONF_REQUIRED,
        .offset = MEMBER(scenarios),
        .record = &scenario_record,
        .doc = "What users do.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_file(void *value, struct rw_conf_report *report)
{
    struct rw_load_config *config = value;
    double rate;
    if (config->rate.len && (!rw_load_parse_rate(config->rate, &rate) || rate <= 0))
        rw_conf_mistake_on(report, &config->rate, "expected a number of users per second");
    if (config->rate.len && config->phases.count)
        rw_conf_mistake_on(report, &config->rate, "rate or phases, not both");
    if (config->users && (config->rate.len || config->phases.count))
        rw_conf_mistake_on(report, &config->users,
                           "users are for a closed loop, without rate and phases");
    if (config->phases.count > RW_PHASES_MAX)
        rw_conf_mistake_on(report, &config->phases, "at most %d of them", RW_PHASES_MAX);
    if (config->data.count > RW_LOAD_DATA_MAX)
        rw_conf_mistake_on(report, &config->data, "at most %d of them", RW_LOAD_DATA_MAX);
    if (config->scenarios.count > RW_LOAD_SCENARIOS_MAX)
        rw_conf_mistake_on(report, &config->scenarios, "at most %d of them", RW_LOAD_SCENARIOS_MAX);
    if (config->data.count <= RW_LOAD_DATA_MAX && config->scenarios.count <= RW_LOAD_SCENARIOS_MAX)
        rw_load_script_compile(config, report);
}

const struct rw_conf_record rw_load_config_record = {
    .name = "scenario file",
    .doc = "What `ringway load FILE` does.",
    .size = sizeof(struct rw_load_config),
    .fields = fields,
    .place_offset = -1,
    .check = check_file,
};
