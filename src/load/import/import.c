#include "load/import/import.h"

enum { LOOK_BYTES = 64 * 1024 };

static bool has(struct rw_span text, const char *word)
{
    return memmem(text.at, text.len, word, strlen(word)) != NULL;
}

enum rw_load_import_kind rw_load_import_kind_of(struct rw_span name, struct rw_span content)
{
    struct rw_span begin = rw_span(content.at, content.len < LOOK_BYTES ? content.len : LOOK_BYTES);
    if (!begin.len)
        return RW_LOAD_IMPORT_NONE;
    if (has(begin, "<jmeterTestPlan"))
        return RW_LOAD_JMETER;
    if (rw_span_ends(name, RW_LITERAL(".har")) ||
        (has(begin, "\"log\"") && has(begin, "\"entries\"")))
        return RW_LOAD_HAR;
    return has(begin, "openapi") ? RW_LOAD_OPENAPI : RW_LOAD_IMPORT_NONE;
}

enum rw_err rw_load_import(enum rw_load_import_kind kind, const char *name, struct rw_span content,
                           struct rw_draft *draft, struct rw_text *why)
{
    enum rw_err err = RW_EINVAL;
    switch (kind) {
    case RW_LOAD_HAR:
        err = rw_import_har(content, draft, why);
        break;
    case RW_LOAD_OPENAPI:
        err = rw_import_openapi(name, content, draft, why);
        break;
    case RW_LOAD_JMETER:
        err = rw_import_jmeter(content, draft, why);
        break;
    case RW_LOAD_IMPORT_NONE:
        rw_text_adds(why, "neither a HAR recording, an OpenAPI 3 description nor a JMeter plan");
        break;
    }
    if (!err && !draft->steps) {
        rw_text_adds(why, "there are no requests in it");
        err = RW_EINVAL;
    }
    if (!err) {
        rw_draft_settle_names(draft);
        rw_draft_share_headers(draft);
    }
    return draft->err ? draft->err : err;
}
