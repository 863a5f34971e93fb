#include "policy/faults/faults_private.h"

#include "http/message.h"

enum { DELAY_MS_MAX = 600 * 1000, RATE_MAX = 1 << 30 };

#define PERCENT(fault)                                                                             \
    {                                                                                              \
        .name = "percent", .type = RW_CONF_UINT, .flags = RW_CONF_REQUIRED,                        \
        .offset = offsetof(struct rw_faults_config_##fault, percent), .min = 1, .max = 100,        \
        .doc = "Of the requests that `when` describes, chosen by chance.", .example = "10"         \
    }

static const struct rw_conf_field delay_fields[] = {
    PERCENT(delay),
    {
        .name = "by",
        .type = RW_CONF_DURATION,
        .offset = offsetof(struct rw_faults_config_delay, by_ms),
        .fallback = "1s",
        .min = 1,
        .max = DELAY_MS_MAX,
        .doc = "So long the request waits before the next policy and the origin get it.",
    },
    {
        .name = "jitter",
        .type = RW_CONF_DURATION,
        .offset = offsetof(struct rw_faults_config_delay, jitter_ms),
        .fallback = "0ms",
        .min = 0,
        .max = DELAY_MS_MAX,
        .doc = "At most so much longer, by chance.",
    },
    {.name = NULL},
};

static const struct rw_conf_field reset_fields[] = {
    PERCENT(reset),
    {.name = NULL},
};

static const struct rw_conf_field abort_fields[] = {
    PERCENT(abort),
    {
        .name = "status",
        .type = RW_CONF_UINT,
        .offset = offsetof(struct rw_faults_config_abort, status),
        .fallback = "503",
        .min = 400,
        .max = 599,
        .doc = "What the client is answered; the origin does not get the request.",
    },
    {.name = NULL},
};

static const struct rw_conf_field truncate_fields[] = {
    PERCENT(truncate),
    {
        .name = "after",
        .type = RW_CONF_SIZE,
        .offset = offsetof(struct rw_faults_config_truncate, after_bytes),
        .fallback = "1KiB",
        .min = 1,
        .max = INT64_MAX,
        .doc = "So many bytes of the body come, then the connection is cut. Shorter bodies come "
               "whole.",
    },
    {.name = NULL},
};

static const struct rw_conf_field throttle_fields[] = {
    PERCENT(throttle),
    {
        .name = "bytes_per_second",
        .type = RW_CONF_SIZE,
        .offset = offsetof(struct rw_faults_config_throttle, bytes_per_second),
        .fallback = "10KiB",
        .min = 1,
        .max = RATE_MAX,
        .doc = "The body comes no faster.",
    },
    {.name = NULL},
};
#undef PERCENT

#define RECORD(fault, text)                                                                        \
    static const struct rw_conf_record fault##_record = {                                          \
        .name = "policy.faults." #fault,                                                           \
        .doc = (text),                                                                             \
        .size = sizeof(struct rw_faults_config_##fault),                                           \
        .fields = fault##_fields,                                                                  \
        .place_offset = -1,                                                                        \
    }
RECORD(delay, "Requests that are held up.");
RECORD(reset, "Requests whose connection (over HTTP/2: stream) is cut without an answer.");
RECORD(abort, "Requests that are answered with an error.");
RECORD(truncate, "Responses that are cut in the middle.");
RECORD(throttle, "Responses that come slowly.");
#undef RECORD

/* ---- Which requests ---- */

#define MEMBER(member) offsetof(struct rw_faults_config_when, member)
static const struct rw_conf_field when_fields[] = {
    {
        .name = "methods",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(methods),
        .min = 1,
        .max = 64,
        .doc = "One of these methods.",
        .example = "[GET, HEAD]",
    },
    {
        .name = "headers",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = MEMBER(headers),
        .max = 1024,
        .doc = "All of these fields, with exactly this value, or any: `*`.",
        .example = "{X-Fault-Drill: \"*\"}",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_when(void *value, struct rw_conf_report *report)
{
    struct rw_faults_config_when *when = value;
    const struct rw_span *methods = when->methods.items;
    const struct rw_conf_pair *headers = when->headers.items;
    for (size_t i = 0; i < when->methods.count; i++)
        if (!rw_is_token(methods[i]))
            rw_conf_mistake_on(report, &methods[i], "%s is no method",
                               rw_conf_quote(report, methods[i]));
    for (size_t i = 0; i < when->headers.count; i++)
        if (!rw_is_token(headers[i].key))
            rw_conf_mistake_on(report, &when->headers, "%s is no name of a header field",
                               rw_conf_quote(report, headers[i].key));
}

static const struct rw_conf_record when_record = {
    .name = "policy.faults.when",
    .doc = "Which of the requests are concerned: all that fit every key.",
    .size = sizeof(struct rw_faults_config_when),
    .fields = when_fields,
    .place_offset = -1,
    .check = check_when,
};

/* ---- The policy ---- */

#define MEMBER(member) offsetof(struct rw_faults_config, member)
#define KIND(fault, text)                                                                          \
    {                                                                                              \
        .name = #fault, .type = RW_CONF_RECORD, .offset = MEMBER(fault),                           \
        .record = &fault##_record, .doc = (text)                                                   \
    }
static const struct rw_conf_field fields[] = {
    {
        .name = "enabled",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(enabled),
        .fallback = "false",
        .doc = "Nothing happens unless this is set.",
    },
    {
        .name = "seed",
        .type = RW_CONF_UINT,
        .offset = MEMBER(seed),
        .fallback = "0",
        .max = UINT32_MAX,
        .doc = "With a seed each worker thread draws the same again after each start and reload; "
               "0: by chance.",
    },
    {
        .name = "when",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(when),
        .record = &when_record,
        .doc = "Which requests; without it all.",
    },
    KIND(delay, "Holds requests up."),
    KIND(reset, "Cuts connections."),
    KIND(abort, "Answers with an error."),
    KIND(truncate, "Cuts responses in the middle."),
    KIND(throttle, "Slows responses down."),
    {.name = NULL},
};
#undef KIND

uint32_t rw_faults_percent(const struct rw_faults_config *config, enum rw_faults_kind kind)
{
    switch (kind) {
    case RW_FAULTS_DELAY:
        return config->delay ? config->delay->percent : 0;
    case RW_FAULTS_RESET:
        return config->reset ? config->reset->percent : 0;
    case RW_FAULTS_ABORT:
        return config->abort ? config->abort->percent : 0;
    case RW_FAULTS_TRUNCATE:
        return config->truncate ? config->truncate->percent : 0;
    case RW_FAULTS_THROTTLE:
        return config->throttle ? config->throttle->percent : 0;
    case RW_FAULTS_COUNT:
        break;
    }
    return 0;
}

const char *rw_faults_kind_name(enum rw_faults_kind kind)
{
    static const char *const names[] = {
#define NAME(id, name) [RW_FAULTS_##id] = (name),
        RW_FAULTS(NAME)
#undef NAME
    };
    return names[kind];
}

static void check(void *value, struct rw_conf_report *report)
{
    struct rw_faults_config *config = value;
    uint32_t any = 0;
    for (unsigned i = 0; i < RW_FAULTS_COUNT; i++)
        any |= rw_faults_percent(config, (enum rw_faults_kind)i);
    if (!any)
        rw_conf_mistake_at(report, config->place,
                           "no fault: expected one of delay, reset, abort, truncate, throttle");
}

const struct rw_conf_record rw_faults_record = {
    .name = "policy.faults",
    .doc = "Failures on purpose: to see what clients, retries and alerts make of them. Off by "
           "default; counted and logged.",
    .size = sizeof(struct rw_faults_config),
    .fields = fields,
    .place_offset = MEMBER(place),
    .check = check,
};
#undef MEMBER
