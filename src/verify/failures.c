#include "verify/failures.h"

#include "report/unit.h"

#include <inttypes.h>

enum { KINDS = RW_LOAD_ERROR_COUNT + RW_LOAD_STATUS_MAX, TOLD_MAX = 4, STATUS_BAD = 400 };

static const struct rw_label errors[RW_LOAD_ERROR_COUNT] = {
    [RW_LOAD_ERROR_CONNECT] = RW_LABEL("could not connect", "无法连接"),
    [RW_LOAD_ERROR_TLS] = RW_LABEL("TLS failed", "TLS 失败"),
    [RW_LOAD_ERROR_RESET] = RW_LABEL("connection broken", "连接中断"),
    [RW_LOAD_ERROR_CLOSED] = RW_LABEL("connection closed", "连接被关闭"),
    [RW_LOAD_ERROR_REFUSED] = RW_LABEL("stream refused", "流被拒绝"),
    [RW_LOAD_ERROR_PROTOCOL] = RW_LABEL("answer is not HTTP", "应答不是 HTTP"),
    [RW_LOAD_ERROR_TIMEOUT] = RW_LABEL("no answer in time", "超时无应答"),
    [RW_LOAD_ERROR_UNSENT] = RW_LABEL("no connection was free in time", "没有及时空闲的连接"),
    [RW_LOAD_ERROR_UNMADE] = RW_LABEL("could not be made", "无法生成请求"),
};

void rw_failures_of(const struct rw_record *record, unsigned load, struct rw_failures *failures)
{
    *failures = (struct rw_failures){0};
    for (unsigned i = 0; i < record->repetitions; i++) {
        const struct rw_take *take = rw_record_take(record, load, i);
        if (!take->done)
            continue;
        const struct rw_load_counts *counts = &take->tally->counts;
        failures->asked += counts->answered;
        failures->failed += counts->failed;
        for (unsigned k = 0; k < RW_LOAD_ERROR_COUNT; k++) {
            failures->asked += counts->errors[k];
            failures->errors[k] += counts->errors[k];
        }
        for (unsigned k = STATUS_BAD; k < RW_LOAD_STATUS_MAX; k++)
            failures->statuses[k] += counts->statuses[k];
    }
}

/* ---- In words ---- */

static void add_count(struct rw_text *text, uint64_t count, enum rw_language language)
{
    rw_quantity_write(text, (struct rw_quantity){(double)count, RW_UNIT_COUNT, NULL, NULL},
                      language);
}

/* Errors first, then statuses. */
static uint64_t count_of(const struct rw_failures *failures, unsigned kind)
{
    return kind < RW_LOAD_ERROR_COUNT ? failures->errors[kind]
                                      : failures->statuses[kind - RW_LOAD_ERROR_COUNT];
}

static void add_kind(struct rw_text *text, const struct rw_failures *failures, unsigned kind,
                     enum rw_language language)
{
    if (kind < RW_LOAD_ERROR_COUNT)
        rw_text_adds(text, rw_label_in(errors[kind], language));
    else
        rw_text_addf(text, "%s %u", rw_label_in(RW_TEXTS("status", "状态码"), language),
                     kind - RW_LOAD_ERROR_COUNT);
    rw_text_adds(text, " (");
    add_count(text, count_of(failures, kind), language);
    rw_text_adds(text, ")");
}

/* The most frequent that is not more so than `before`, which comes before it; KINDS: none. */
static unsigned next_kind(const struct rw_failures *failures, unsigned before)
{
    uint64_t most = before < KINDS ? count_of(failures, before) : UINT64_MAX;
    unsigned found = KINDS;
    for (unsigned i = 0; i < KINDS; i++) {
        uint64_t count = count_of(failures, i);
        bool told = count > most || (before < KINDS && count == most && i <= before);
        if (count && !told && (found == KINDS || count > count_of(failures, found)))
            found = i;
    }
    return found;
}

void rw_failures_describe(const struct rw_failures *failures, enum rw_language language,
                          struct rw_text *text)
{
    if (!failures->failed)
        return;
    add_count(text, failures->failed, language);
    rw_text_adds(text, rw_label_in(RW_TEXTS(" of ", " / "), language));
    add_count(text, failures->asked, language);
    rw_text_adds(text, rw_label_in(RW_TEXTS(" requests failed: ", " 个请求失败："), language));
    unsigned kind = KINDS, told = 0;
    while (told < TOLD_MAX && (kind = next_kind(failures, kind)) < KINDS) {
        rw_text_adds(text, told++ ? rw_label_in(RW_TEXTS(", ", "，"), language) : "");
        add_kind(text, failures, kind, language);
    }
    if (told == TOLD_MAX && next_kind(failures, kind) < KINDS)
        rw_text_adds(text, rw_label_in(RW_TEXTS(", and others", "，及其他"), language));
}

/* ---- For programs ---- */

void rw_failures_json(const struct rw_load_counts *counts, struct rw_text *text)
{
    const char *separator = "";
    rw_text_adds(text, "{");
    for (unsigned i = 0; i < RW_LOAD_ERROR_COUNT; i++) {
        if (!counts->errors[i])
            continue;
        rw_text_addf(text, "%s\"%s\": %" PRIu64, separator, rw_load_error_name(i),
                     counts->errors[i]);
        separator = ", ";
    }
    for (unsigned i = STATUS_BAD; i < RW_LOAD_STATUS_MAX; i++) {
        if (!counts->statuses[i])
            continue;
        rw_text_addf(text, "%s\"%u\": %" PRIu64, separator, i, counts->statuses[i]);
        separator = ", ";
    }
    rw_text_adds(text, "}");
}
