/* What a scenario file may say of checks and captures. */
#include "load/script/config_parts.h"

#include "load/script/script.h"

#define MEMBER(name) offsetof(struct rw_load_config_check, name)
static const struct rw_conf_field check_fields[] = {
    {
        .name = "status",
        .type = RW_CONF_UINT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(status),
        .min = 100,
        .max = 999,
        .doc = "The status is one of these. Without such a check a step fails from 400 on.",
        .example = "[200, 201]",
    },
    {
        .name = "grpc",
        .type = RW_CONF_UINT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(grpc),
        .max = 999,
        .doc =
            "The status of gRPC is one of these. Without such a check a call of gRPC fails where "
            "it is not 0.",
        .example = "[0, 5]",
    },
    {
        .name = "below",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(below_ms),
        .min = 1,
        .max = 3600000,
        .doc = "The answer is there in less than this, from when the request was due.",
        .example = "500ms",
    },
    {
        .name = "header",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(header),
        .min = 1,
        .max = 256,
        .doc = "The answer has this header field, and, with `equals` or `contains`, that value.",
        .example = "Content-Type",
    },
    {
        .name = "json",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(json),
        .min = 1,
        .max = 1024,
        .doc = "The body is JSON and has a value at this JSON pointer (RFC 6901).",
        .example = "/items/0/id",
    },
    {
        .name = "regex",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(regex),
        .min = 1,
        .max = 4096,
        .doc = "The body matches this regular expression (PCRE2). `equals` and `contains` are "
               "about its first group, or all of the match where there is none.",
        .example = "order ([0-9]+)",
    },
    {
        .name = "equals",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(equals),
        .max = 16384,
        .doc = "... is this text; `${variables}` are filled in. Numbers and the like are compared "
               "as they are written. Alone: the whole body is.",
        .example = "${id}",
    },
    {
        .name = "contains",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(contains),
        .max = 16384,
        .doc = "... has this text in it; `${variables}` are filled in. Alone: the body has.",
        .example = "in stock",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_check(void *value, struct rw_conf_report *report)
{
    const struct rw_load_config_check *check = value;
    unsigned parts = (check->status.count > 0) + (check->grpc.count > 0) + (check->below_ms > 0) +
                     (check->header.len > 0) + (check->json.len > 0) + (check->regex.len > 0);
    bool about_text = check->equals.len || check->contains.len;
    if (parts > 1)
        rw_conf_mistake_on(report, check,
                           "one check is about one of status, grpc, below, header, json, regex");
    if (parts == 0 && !about_text)
        rw_conf_mistake_on(report, check,
                           "a check needs one of status, grpc, below, header, json, regex, equals, "
                           "contains");
    if (about_text && (check->status.count || check->grpc.count || check->below_ms))
        rw_conf_mistake_on(report, check, "equals and contains are about texts");
    if (check->json.len && check->json.at[0] != '/')
        rw_conf_mistake_on(report, &check->json, "a JSON pointer begins with \"/\"");
    if (check->status.count > RW_LOAD_STATUSES_MAX || check->grpc.count > RW_LOAD_STATUSES_MAX)
        rw_conf_mistake_on(report, check->grpc.count ? &check->grpc : &check->status,
                           "at most %d of them", RW_LOAD_STATUSES_MAX);
}

const struct rw_conf_record rw_load_check_record = {
    .name = "check",
    .doc =
        "What an answer is to be like. One that is not counts as failed, and the iteration ends. "
        "A number in place of the mapping is the status.",
    .size = sizeof(struct rw_load_config_check),
    .fields = check_fields,
    .place_offset = offsetof(struct rw_load_config_check, place),
    .scalar_field = "status",
    .check = check_check,
};

#define MEMBER(name) offsetof(struct rw_load_config_capture, name)
static const struct rw_conf_field capture_fields[] = {
    {
        .name = "as",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(as),
        .min = 1,
        .max = 64,
        .doc = "The variable that gets the value, for the steps that follow.",
        .example = "id",
    },
    {
        .name = "json",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(json),
        .min = 1,
        .max = 1024,
        .doc = "From the body, which is JSON: the value at this JSON pointer.",
        .example = "/id",
    },
    {
        .name = "header",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(header),
        .min = 1,
        .max = 256,
        .doc = "The value of this header field.",
        .example = "Location",
    },
    {
        .name = "regex",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_VERBATIM,
        .offset = MEMBER(regex),
        .min = 1,
        .max = 4096,
        .doc = "From the body: the first group of this regular expression (PCRE2), or all of the "
               "match.",
        .example = "token=([0-9a-f]+)",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_capture(void *value, struct rw_conf_report *report)
{
    const struct rw_load_config_capture *capture = value;
    unsigned parts = (capture->header.len > 0) + (capture->json.len > 0) + (capture->regex.len > 0);
    if (parts != 1)
        rw_conf_mistake_on(report, capture, "a capture needs one of json, header, regex");
    if (capture->json.len && capture->json.at[0] != '/')
        rw_conf_mistake_on(report, &capture->json, "a JSON pointer begins with \"/\"");
}

const struct rw_conf_record rw_load_capture_record = {
    .name = "capture",
    .doc = "Keeps a value of the answer. Where it is not there the request counts as failed, and "
           "the iteration ends.",
    .size = sizeof(struct rw_load_config_capture),
    .fields = capture_fields,
    .place_offset = offsetof(struct rw_load_config_capture, place),
    .check = check_capture,
};
