/* What both sides have answered, and what differs in it. */
#include "policy/mirror/mirror_private.h"

enum { DIFFERENCES_TOLD = 4 };

/* ---- Taking ---- */

static bool keep(struct rw_mirror_job *job, struct rw_span value, struct rw_span *to)
{
    *to = rw_arena_copy(&job->arena, value);
    return to->at != NULL;
}

/* All fields of this name, in their order: one list (RFC 9110 section 5.3). At NULL: there is none;
 * false: no memory. */
static bool keep_field(struct rw_mirror_job *job, const struct rw_message *head,
                       struct rw_span name, struct rw_span *to)
{
    *to = (struct rw_span){0};
    for (unsigned i = 0; i < head->field_count; i++) {
        if (!rw_span_eq_nocase(head->fields[i].name, name))
            continue;
        struct rw_span value = head->fields[i].value;
        *to = to->at ? rw_arena_format(&job->arena, "%.*s, %.*s", RW_SPAN_ARGS(*to),
                                       RW_SPAN_ARGS(value))
                     : rw_arena_copy(&job->arena, value);
        if (!to->at)
            return false;
    }
    return true;
}

void rw_mirror_take_head(struct rw_mirror_job *job, unsigned side, const struct rw_message *head)
{
    const struct rw_mirror_compare_config *compare = job->mirror->config->compare;
    struct rw_mirror_answer *answer = &job->answers[side];
    answer->status = head->status;
    if (!compare)
        return;
    const struct rw_span *names = compare->fields.items;
    bool kept = keep(job, rw_message_value(head, RW_FIELD_CONTENT_TYPE), &answer->type) &&
                keep(job, rw_message_value(head, RW_FIELD_CONTENT_ENCODING), &answer->coding);
    for (size_t i = 0; kept && i < compare->fields.count; i++)
        kept = keep_field(job, head, names[i], &answer->fields[i]);
    answer->lost = !kept;
}

void rw_mirror_take_body(struct rw_mirror_job *job, unsigned side, struct rw_span bytes)
{
    const struct rw_mirror_compare_config *compare = job->mirror->config->compare;
    struct rw_mirror_answer *answer = &job->answers[side];
    if (!compare || answer->over || bytes.len == 0)
        return;
    answer->over = answer->body.len + bytes.len > compare->body_bytes_max;
    if (!answer->over)
        rw_text_add(&answer->body, bytes);
}

/* ---- Comparing ---- */

/* What is found, piece by piece. */
struct verdict {
    bool by[RW_MIRROR_CELLS];
    bool unknown; /* the bodies cannot be compared */
    struct rw_text text;
};

static void differs(struct verdict *verdict, enum rw_mirror_result kind)
{
    verdict->by[kind] = true;
    rw_text_adds(&verdict->text, verdict->text.len ? "; " : "");
}

static void compare_status(const struct rw_mirror_answer *client,
                           const struct rw_mirror_answer *shadow, struct verdict *verdict)
{
    if (client->status == shadow->status)
        return;
    differs(verdict, RW_MIRROR_BY_STATUS);
    rw_text_addf(&verdict->text, "status %u, not %u", shadow->status, client->status);
}

static void compare_fields(const struct rw_mirror_job *job, struct verdict *verdict)
{
    const struct rw_mirror_answer *client = &job->answers[RW_MIRROR_CLIENT];
    const struct rw_mirror_answer *shadow = &job->answers[RW_MIRROR_SHADOW];
    const struct rw_conf_list *fields = &job->mirror->config->compare->fields;
    const struct rw_span *names = fields->items;
    for (size_t i = 0; i < fields->count; i++) {
        struct rw_span left = client->fields[i], right = shadow->fields[i];
        bool same = left.at && right.at ? rw_span_eq(left, right) : left.at == right.at;
        if (same)
            continue;
        differs(verdict, RW_MIRROR_BY_FIELD);
        rw_text_addf(&verdict->text, "field %.*s %s", RW_SPAN_ARGS(names[i]),
                     !right.at  ? "is missing"
                     : !left.at ? "is new"
                                : "has another value");
    }
}

/* application/json, application/problem+json. */
static bool is_json(const struct rw_mirror_answer *answer)
{
    ptrdiff_t semicolon = rw_span_find(answer->type, ';');
    struct rw_span type =
        semicolon < 0 ? answer->type : rw_span(answer->type.at, (size_t)semicolon);
    type = rw_span_trim(type);
    struct rw_span end = type.len > 5 ? rw_span_skip(type, type.len - 5) : type;
    return rw_span_is_nocase(type, "application/json") || rw_span_is_nocase(end, "+json");
}

/* RW_EPROTO: one of them is no JSON after all. */
static enum rw_err compare_json(struct rw_mirror_job *job, struct verdict *verdict)
{
    const struct rw_mirror_compare_config *compare = job->mirror->config->compare;
    const struct rw_json_ignored ignored = {compare->ignore.items, compare->ignore.count};
    struct rw_json_tree trees[RW_MIRROR_SIDES];
    struct rw_text where = {0};
    unsigned count = 0;
    enum rw_err err = RW_OK;
    for (unsigned side = 0; side < RW_MIRROR_SIDES && !err; side++)
        err = rw_json_parse(rw_text_span(&job->answers[side].body), &job->arena, &trees[side]);
    if (!err)
        err = rw_json_compare(&trees[RW_MIRROR_CLIENT], &trees[RW_MIRROR_SHADOW], &ignored,
                              DIFFERENCES_TOLD, &count, &where);
    struct rw_span lines = rw_text_span(&where), line;
    while (!err && lines.at && rw_span_next(&lines, '\n', &line)) {
        differs(verdict, RW_MIRROR_BY_BODY);
        rw_text_addf(&verdict->text, "body %.*s", RW_SPAN_ARGS(line));
    }
    rw_text_free(&where);
    return err;
}

static void compare_bytes(const struct rw_mirror_job *job, struct verdict *verdict)
{
    differs(verdict, RW_MIRROR_BY_BODY);
    rw_text_addf(&verdict->text, "body of %zu bytes, not these %zu",
                 job->answers[RW_MIRROR_SHADOW].body.len, job->answers[RW_MIRROR_CLIENT].body.len);
}

static void compare_bodies(struct rw_mirror_job *job, struct verdict *verdict)
{
    const struct rw_mirror_answer *client = &job->answers[RW_MIRROR_CLIENT];
    const struct rw_mirror_answer *shadow = &job->answers[RW_MIRROR_SHADOW];
    bool kept = !client->over && !shadow->over && !client->body.err && !shadow->body.err;
    bool coded = client->coding.len || shadow->coding.len;
    if (kept && rw_span_eq(rw_text_span(&client->body), rw_text_span(&shadow->body)))
        return;
    enum rw_err err = RW_ELIMIT;
    if (kept && !coded)
        err = is_json(client) && is_json(shadow) ? compare_json(job, verdict) : RW_EPROTO;
    if (err == RW_EPROTO)
        compare_bytes(job, verdict);
    else if (err)
        verdict->unknown = true;
}

/* Never a value, and never the query: those are somebody's. */
static void keep_sample(const struct rw_mirror_job *job, const struct verdict *verdict)
{
    struct rw_text text = {0};
    if (!job->mirror->samples)
        return;
    rw_text_addf(&text, "%.*s %.*s: ", RW_SPAN_ARGS(job->method), RW_SPAN_ARGS(job->path));
    rw_text_add(&text, rw_text_span(&verdict->text));
    if (!text.err)
        rw_samples_add(job->mirror->samples, rw_loop_wall_ns(job->worker->loop), job->mirror->route,
                       rw_text_span(&text));
    rw_text_free(&text);
}

static enum rw_mirror_result compare(struct rw_mirror_job *job, struct verdict *verdict)
{
    compare_status(&job->answers[RW_MIRROR_CLIENT], &job->answers[RW_MIRROR_SHADOW], verdict);
    compare_fields(job, verdict);
    compare_bodies(job, verdict);
    bool different = false;
    for (unsigned kind = RW_MIRROR_RESULTS; kind < RW_MIRROR_CELLS; kind++) {
        if (verdict->by[kind])
            rw_mirror_count(job->mirror, job->worker, kind);
        different = different || verdict->by[kind];
    }
    if (different)
        keep_sample(job, verdict);
    return different          ? RW_MIRROR_DIFFERENT
           : verdict->unknown ? RW_MIRROR_UNCOMPARED
                              : RW_MIRROR_SAME;
}

void rw_mirror_judge(struct rw_mirror_job *job)
{
    enum rw_mirror_result result = RW_MIRROR_UNCOMPARED;
    if (job->answers[RW_MIRROR_SHADOW].lost) {
        result = RW_MIRROR_FAILED;
    } else if (job->mirror->config->compare && !job->answers[RW_MIRROR_CLIENT].lost) {
        struct verdict verdict = {0};
        result = compare(job, &verdict);
        rw_text_free(&verdict.text);
    }
    rw_mirror_count(job->mirror, job->worker, result);
}
