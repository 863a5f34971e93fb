#include "http/message.h"
#include "verify/acceptance_tables.h"
#include "verify/judge.h"

/* ---- Limits, and what stands behind a label ---- */

static double latency_limit(const void *value)
{
    return ((const struct rw_verify_target_latency *)value)->most_ms / 1e3;
}

static void latency_detail(const void *value, struct rw_text *text)
{
    rw_text_adds(text, " p");
    rw_number_write(text, ((const struct rw_verify_target_latency *)value)->percentile);
}

static double errors_limit(const void *value)
{
    return ((const struct rw_verify_target_errors *)value)->most_percent / 100;
}

static double throughput_limit(const void *value)
{
    return ((const struct rw_verify_target_throughput *)value)->least;
}

static double goodput_limit(const void *value)
{
    return ((const struct rw_verify_target_goodput *)value)->least;
}

static double concurrency_limit(const void *value)
{
    return ((const struct rw_verify_target_concurrency *)value)->least;
}

static double availability_limit(const void *value)
{
    return ((const struct rw_verify_target_availability *)value)->least_percent / 100;
}

static void availability_detail(const void *value, struct rw_text *text)
{
    rw_text_addf(text, " (%u d)",
                 ((const struct rw_verify_target_availability *)value)->window_days);
}

static double recovery_limit(const void *value)
{
    return ((const struct rw_verify_target_recovery *)value)->most_ms / 1e3;
}

static void recovery_detail(const void *value, struct rw_text *text)
{
    const struct rw_verify_target_recovery *target = value;
    if (target->from == RW_RECOVERY_FROM_BEGIN)
        rw_text_adds(text, " (from: begin)");
}

static double data_loss_limit(const void *value)
{
    return ((const struct rw_verify_target_data_loss *)value)->most;
}

static double coverage_limit(const void *value)
{
    return ((const struct rw_verify_target_coverage *)value)->least_percent / 100;
}

static double cost_limit(const void *value)
{
    return ((const struct rw_verify_target_cost *)value)->most;
}

/* ---- The table ---- */

#define FIELD(type, member_, ...)                                                                  \
    {                                                                                              \
        .flags = RW_CONF_REQUIRED, .offset = offsetof(struct rw_verify_target_##type, member_),    \
        __VA_ARGS__                                                                                \
    }
#define RECORD(key_, type, ...)                                                                    \
    {                                                                                              \
        .name = key_, .size = sizeof(struct rw_verify_target_##type), .fields = type##_fields,     \
        .place_offset = -1, __VA_ARGS__                                                            \
    }

static void check_latency(void *value, struct rw_conf_report *report)
{
    struct rw_verify_target_latency *latency = value;
    if (latency->percentile <= 0 || latency->percentile >= 100)
        rw_conf_mistake_on(report, &latency->percentile,
                           "a percentile is above 0 and below 100; for the slowest answer of all "
                           "there is the load's `timeout`");
}

static const struct rw_conf_field latency_fields[] = {
    FIELD(latency, percentile, .name = "percentile", .type = RW_CONF_NUMBER, .min = 0, .max = 100,
          .doc = "Of the requests, so many per cent.", .example = "99"),
    FIELD(latency, most_ms, .name = "at_most", .type = RW_CONF_DURATION, .min = 1, .max = 3600000,
          .doc = "They are answered within this time, counted from when they were due.",
          .example = "50ms"),
    {.name = NULL},
};

static const struct rw_conf_field errors_fields[] = {
    FIELD(errors, most_percent, .name = "at_most_percent", .type = RW_CONF_NUMBER, .min = 0,
          .max = 100,
          .doc = "So many of the requests may fail: no answer, or a status from 400 on.",
          .example = "0.1"),
    {.name = NULL},
};

static const struct rw_conf_field throughput_fields[] = {
    FIELD(throughput, least, .name = "at_least_per_second", .type = RW_CONF_NUMBER,
          .doc = "Requests answered without failure, per second; the load must ask for more.",
          .example = "1000"),
    {.name = NULL},
};

static const struct rw_conf_field goodput_fields[] = {
    FIELD(goodput, least, .name = "at_least_per_second", .type = RW_CONF_NUMBER,
          .doc = "Requests answered without failure and in time, per second, under a load that "
                 "asks for more than the system can do.",
          .example = "800"),
    FIELD(goodput, within_ms, .name = "within", .type = RW_CONF_DURATION, .min = 1, .max = 3600000,
          .doc = "An answer that comes later is of no use.", .example = "500ms"),
    {.name = NULL},
};

static const struct rw_conf_field concurrency_fields[] = {
    FIELD(concurrency, least, .name = "at_least_connections", .type = RW_CONF_UINT, .min = 1,
          .max = RW_LOAD_CONNECTIONS_MAX,
          .doc = "Connections that were open at the same time, at the worst moment.",
          .example = "1000"),
    {.name = NULL},
};

static const struct rw_conf_field availability_fields[] = {
    FIELD(availability, least_percent, .name = "at_least_percent", .type = RW_CONF_NUMBER, .min = 0,
          .max = 100, .doc = "So much of the requests within the window is served.",
          .example = "99.9"),
    {.name = "window_days",
     .type = RW_CONF_UINT,
     .offset = offsetof(struct rw_verify_target_availability, window_days),
     .fallback = "30",
     .min = 1,
     .max = 3660,
     .doc = "The window over which it is promised: faults that have `per_window` use its error "
            "budget so often."},
    {.name = NULL},
};

static const char *const recovery_from[] = {"end", "begin", NULL};

static const struct rw_conf_field recovery_fields[] = {
    FIELD(recovery, most_ms, .name = "at_most", .type = RW_CONF_DURATION, .min = 1, .max = 86400000,
          .doc = "Within this time the other targets hold again, after any fault.",
          .example = "5m"),
    {.name = "from",
     .type = RW_CONF_ENUM,
     .offset = offsetof(struct rw_verify_target_recovery, from),
     .names = recovery_from,
     .fallback = "end",
     .doc = "Counted from the fault's end, or from its begin: then the system must go around what "
            "is broken."},
    {.name = NULL},
};

static const struct rw_conf_field data_loss_fields[] = {
    FIELD(data_loss, most, .name = "at_most", .type = RW_CONF_UINT, .max = 1000000000,
          .doc = "So many writes that were acknowledged may be missing.", .example = "0"),
    {.name = "per_second",
     .type = RW_CONF_UINT,
     .offset = offsetof(struct rw_verify_target_data_loss, per_second),
     .fallback = "50",
     .min = 1,
     .max = 1000,
     .doc = "How many writes are sent, one after the other, while faults are caused."},
    {.name = "path",
     .type = RW_CONF_TEXT,
     .offset = offsetof(struct rw_verify_target_data_loss, path),
     .fallback = "/",
     .min = 1,
     .max = 2048,
     .doc = "Where they go, behind the path of `url`. Without `read` a built-in server must answer "
            "there, which counts what has come. In it, in `body` and in values of `headers` "
            "`{number}` is the number of the write: no other write has it, nor one of an earlier "
            "run (it begins with the microseconds since 1970, 16 digits).",
     .example = "\"/orders/{number}\""},
    {.name = "method",
     .type = RW_CONF_TEXT,
     .offset = offsetof(struct rw_verify_target_data_loss, method),
     .fallback = "POST",
     .min = 1,
     .max = 64,
     .doc = "How they go."},
    {.name = "body",
     .type = RW_CONF_TEXT,
     .offset = offsetof(struct rw_verify_target_data_loss, body),
     .max = 16384,
     .doc = "What they send.",
     .example = "'{\"id\": {number}}'"},
    {.name = "headers",
     .type = RW_CONF_TEXT,
     .flags = RW_CONF_MAP,
     .offset = offsetof(struct rw_verify_target_data_loss, headers),
     .doc = "Fields of the writes' heads and of the reads', without Host and Content-Length.",
     .example = "{ Content-Type: application/json }"},
    {.name = "read",
     .type = RW_CONF_TEXT,
     .offset = offsetof(struct rw_verify_target_data_loss, read),
     .max = 2048,
     .doc = "Where a write is read back, by GET, behind the path of `url`, with its `{number}`: "
            "when all faults are over, each that was acknowledged must be there (a status below "
            "300) and not be missing (404, 410). It shows what servers have lost that are not "
            "built in, and databases and brokers behind them. Before the first fault it is tried: "
            "one write must be found, and a number that nobody wrote must not.",
     .example = "\"/orders/{number}\""},
    {.name = NULL},
};

static bool has_number(struct rw_span text)
{
    static const char number[] = RW_WRITE_NUMBER;
    return text.len && memmem(text.at, text.len, number, sizeof(number) - 1);
}

static bool writes_number(const struct rw_verify_target_data_loss *target)
{
    const struct rw_conf_pair *pairs = target->headers.items;
    for (size_t i = 0; i < target->headers.count; i++)
        if (has_number(pairs[i].value))
            return true;
    return has_number(target->path) || has_number(target->body);
}

static void check_data_loss(void *value, struct rw_conf_report *report)
{
    struct rw_verify_target_data_loss *target = value;
    rw_acceptance_check_path(&target->path, report);
    rw_acceptance_check_path(&target->read, report);
    rw_acceptance_check_headers(&target->headers, report);
    if (!rw_is_token(target->method))
        rw_conf_mistake_on(report, &target->method, "%s is no method",
                           rw_conf_quote(report, target->method));
    if (target->read.len && !has_number(target->read))
        rw_conf_mistake_on(report, &target->read,
                           "which of the writes? It needs a " RW_WRITE_NUMBER);
    else if (target->read.len && !writes_number(target))
        rw_conf_mistake_on(report, &target->read,
                           "writes cannot be told apart: `path`, `body` or `headers` need "
                           "a " RW_WRITE_NUMBER);
}

static const struct rw_conf_field coverage_fields[] = {
    FIELD(coverage, least_percent, .name = "at_least_percent", .type = RW_CONF_NUMBER, .min = 0,
          .max = 100,
          .doc = "Of the pairs of dependency and fault class that apply, so many were exercised, "
                 "and the system passed.",
          .example = "70"),
    {.name = NULL},
};

static const struct rw_conf_field cost_fields[] = {
    FIELD(cost, most, .name = "at_most", .type = RW_CONF_NUMBER,
          .doc = "What a million served requests may cost, for the gateway's processor time.",
          .example = "0.02"),
    FIELD(cost, core_hour, .name = "core_hour", .type = RW_CONF_NUMBER,
          .doc = "The price of a processor core for an hour.", .example = "0.04"),
    {.name = "currency",
     .type = RW_CONF_TEXT,
     .offset = offsetof(struct rw_verify_target_cost, currency),
     .fallback = "USD",
     .min = 3,
     .max = 3,
     .doc = "Of both."},
    {.name = NULL},
};

static const struct rw_conf_record records[RW_TARGET_KIND_COUNT] = {
    [RW_TARGET_LATENCY] = RECORD("target.latency", latency, .check = check_latency,
                                 .doc = "How long an answer may take."),
    [RW_TARGET_ERRORS] = RECORD("target.error_rate", errors, .doc = "How many requests may fail."),
    [RW_TARGET_THROUGHPUT] =
        RECORD("target.throughput", throughput, .doc = "How much must be carried."),
    [RW_TARGET_GOODPUT] =
        RECORD("target.goodput", goodput, .doc = "What is left under overload: answers in time."),
    [RW_TARGET_CONCURRENCY] =
        RECORD("target.concurrency", concurrency, .doc = "How many connections must be held."),
    [RW_TARGET_AVAILABILITY] =
        RECORD("target.availability", availability, .doc = "How much of the time it must serve."),
    [RW_TARGET_RECOVERY] =
        RECORD("target.recovery_time", recovery, .doc = "How soon it must be well again."),
    [RW_TARGET_DATA_LOSS] = RECORD("target.data_loss", data_loss, .check = check_data_loss,
                                   .doc = "How many acknowledged writes may be lost."),
    [RW_TARGET_COVERAGE] =
        RECORD("target.chaos_coverage", coverage, .doc = "How many faults must be survived."),
    [RW_TARGET_COST] = RECORD("target.cost", cost, .doc = "What requests may cost."),
};

static const struct rw_target_kind kinds[RW_TARGET_KIND_COUNT] = {
    [RW_TARGET_LATENCY] = {.key = {.name = "latency",
                                   .record = &records[RW_TARGET_LATENCY],
                                   .user = &kinds[RW_TARGET_LATENCY],
                                   .doc = "A percentile of the latency."},
                           .label = RW_LABEL("Latency", "延迟"),
                           .unit = RW_UNIT_SECONDS,
                           .timed = true,
                           .limit = latency_limit,
                           .detail = latency_detail,
                           .judge = rw_judge_latency},
    [RW_TARGET_ERRORS] = {.key = {.name = "error_rate",
                                  .record = &records[RW_TARGET_ERRORS],
                                  .user = &kinds[RW_TARGET_ERRORS],
                                  .doc = "The share of requests that fail."},
                          .label = RW_LABEL("Error rate", "错误率"),
                          .unit = RW_UNIT_SHARE,
                          .limit = errors_limit,
                          .judge = rw_judge_errors},
    [RW_TARGET_THROUGHPUT] = {.key = {.name = "throughput",
                                      .record = &records[RW_TARGET_THROUGHPUT],
                                      .user = &kinds[RW_TARGET_THROUGHPUT],
                                      .doc = "Requests served per second."},
                              .label = RW_LABEL("Throughput", "吞吐量"),
                              .unit = RW_UNIT_PER_SECOND,
                              .at_least = true,
                              .timed = true,
                              .limit = throughput_limit,
                              .judge = rw_judge_throughput},
    [RW_TARGET_GOODPUT] = {.key = {.name = "goodput",
                                   .record = &records[RW_TARGET_GOODPUT],
                                   .user = &kinds[RW_TARGET_GOODPUT],
                                   .doc = "Requests answered in time per second, under overload."},
                           .label = RW_LABEL("Goodput", "有效吞吐量"),
                           .unit = RW_UNIT_PER_SECOND,
                           .at_least = true,
                           .timed = true,
                           .limit = goodput_limit,
                           .judge = rw_judge_goodput},
    [RW_TARGET_CONCURRENCY] = {.key = {.name = "concurrency",
                                       .record = &records[RW_TARGET_CONCURRENCY],
                                       .user = &kinds[RW_TARGET_CONCURRENCY],
                                       .doc = "Connections held at the same time."},
                               .label = RW_LABEL("Concurrent connections", "并发连接数"),
                               .unit = RW_UNIT_COUNT,
                               .at_least = true,
                               .limit = concurrency_limit,
                               .judge = rw_judge_concurrency},
    [RW_TARGET_AVAILABILITY] = {.key = {.name = "availability",
                                        .record = &records[RW_TARGET_AVAILABILITY],
                                        .user = &kinds[RW_TARGET_AVAILABILITY],
                                        .doc = "The share of requests served, over a window."},
                                .label = RW_LABEL("Availability", "可用性"),
                                .unit = RW_UNIT_SHARE,
                                .at_least = true,
                                .detail = availability_detail,
                                .limit = availability_limit,
                                .judge = rw_judge_availability},
    [RW_TARGET_RECOVERY] = {.key = {.name = "recovery_time",
                                    .record = &records[RW_TARGET_RECOVERY],
                                    .user = &kinds[RW_TARGET_RECOVERY],
                                    .doc = "How soon the other targets hold again after a fault."},
                            .label = RW_LABEL("Recovery time", "恢复时间"),
                            .unit = RW_UNIT_SECONDS,
                            .detail = recovery_detail,
                            .of_faults = true,
                            .limit = recovery_limit,
                            .judge = rw_judge_recovery},
    [RW_TARGET_DATA_LOSS] =
        {.key = {.name = "data_loss",
                 .record = &records[RW_TARGET_DATA_LOSS],
                 .user = &kinds[RW_TARGET_DATA_LOSS],
                 .doc = "Acknowledged writes that are not there when the faults are over."},
         .label = RW_LABEL("Lost writes", "丢失的写入"),
         .unit = RW_UNIT_COUNT,
         .of_faults = true,
         .limit = data_loss_limit,
         .judge = rw_judge_data_loss},
    [RW_TARGET_COVERAGE] = {.key = {.name = "chaos_coverage",
                                    .record = &records[RW_TARGET_COVERAGE],
                                    .user = &kinds[RW_TARGET_COVERAGE],
                                    .doc =
                                        "The share of fault pairs that were exercised and passed."},
                            .label = RW_LABEL("Chaos coverage", "故障演练覆盖率"),
                            .unit = RW_UNIT_SHARE,
                            .at_least = true,
                            .of_faults = true,
                            .limit = coverage_limit,
                            .judge = rw_judge_coverage},
    [RW_TARGET_COST] = {.key = {.name = "cost_per_million",
                                .record = &records[RW_TARGET_COST],
                                .user = &kinds[RW_TARGET_COST],
                                .doc = "What a million requests cost."},
                        .label = RW_LABEL("Cost of a million requests", "每百万请求成本"),
                        .unit = RW_UNIT_PRICE,
                        .limit = cost_limit,
                        .judge = rw_judge_cost},
};

const struct rw_conf_variant_kind *const rw_target_kinds[RW_TARGET_KIND_COUNT + 1] = {
    [RW_TARGET_LATENCY] = &kinds[RW_TARGET_LATENCY].key,
    [RW_TARGET_ERRORS] = &kinds[RW_TARGET_ERRORS].key,
    [RW_TARGET_THROUGHPUT] = &kinds[RW_TARGET_THROUGHPUT].key,
    [RW_TARGET_GOODPUT] = &kinds[RW_TARGET_GOODPUT].key,
    [RW_TARGET_CONCURRENCY] = &kinds[RW_TARGET_CONCURRENCY].key,
    [RW_TARGET_AVAILABILITY] = &kinds[RW_TARGET_AVAILABILITY].key,
    [RW_TARGET_RECOVERY] = &kinds[RW_TARGET_RECOVERY].key,
    [RW_TARGET_DATA_LOSS] = &kinds[RW_TARGET_DATA_LOSS].key,
    [RW_TARGET_COVERAGE] = &kinds[RW_TARGET_COVERAGE].key,
    [RW_TARGET_COST] = &kinds[RW_TARGET_COST].key,
};

struct rw_quantity rw_target_quantity(const struct rw_verify_target *target, double value)
{
    struct rw_quantity quantity = {.value = value, .unit = rw_target_kind(target)->unit};
    if (rw_target_is(target, RW_TARGET_COST)) {
        const struct rw_verify_target_cost *cost = target->what.value;
        quantity.currency = cost->currency.at;
        quantity.per = "1M";
    }
    return quantity;
}

void rw_target_name(const struct rw_verify_target *target, enum rw_language language,
                    struct rw_text *text)
{
    const struct rw_target_kind *kind = rw_target_kind(target);
    if (target->name.len) {
        rw_text_add(text, target->name);
        return;
    }
    rw_text_adds(text, rw_label_in(kind->label, language));
    if (kind->detail)
        kind->detail(target->what.value, text);
}
