/* Which ${names} of a draft are given by something: those of no variable, no column and no capture
 * of an earlier step stand for themselves, as other tools send them, for a scenario file with one
 * would be refused. */
#include "load/import/draft.h"

#include <string.h>

struct known {
    struct rw_draft *draft;
    const struct rw_draft_scenario *scenario;
    const struct rw_draft_step *step;
};

static bool is_column(const struct rw_draft *draft, struct rw_span name)
{
    for (const struct rw_draft_data *data = draft->first_data; data; data = data->next) {
        struct rw_span columns = data->columns, column;
        while (rw_span_next(&columns, ',', &column))
            if (rw_span_eq(column, name))
                return true;
    }
    return false;
}

/* Such a line begins with "as: NAME, ". */
static bool is_captured(const struct rw_draft_step *step, struct rw_span name)
{
    const struct rw_span begin = RW_LITERAL("as: ");
    for (const struct rw_draft_line *line = step->captures.first; line; line = line->next) {
        struct rw_span rest = line->text, as;
        if (rw_span_starts(rest, begin))
            rest = rw_span_skip(rest, begin.len);
        if (rw_span_next(&rest, ',', &as) && rw_span_eq(as, name))
            return true;
    }
    return false;
}

static bool is_known(const struct known *known, struct rw_span name)
{
    const struct rw_draft_step *step = known->scenario->first;
    bool found = rw_span_is(name, "uuid") || rw_span_is(name, "iteration") ||
                 rw_draft_find(&known->draft->variables, name) || is_column(known->draft, name);
    for (; !found && step != known->step; step = step->next)
        found = is_captured(step, name);
    return found;
}

/* `text` begins with "${"; how much of it is one use, 0: it has no end. */
static size_t put_use(const struct known *known, struct rw_span text, struct rw_text *out)
{
    ptrdiff_t end = rw_span_find(text, '}');
    if (end < 0)
        return 0;
    struct rw_span use = rw_span(text.at, (size_t)end + 1);
    struct rw_span name = rw_span(text.at + 2, (size_t)end - 2);
    ptrdiff_t encoding = rw_span_find(name, '|');
    if (encoding >= 0)
        name.len = (size_t)encoding;
    if (is_known(known, name)) {
        rw_text_add(out, use);
        return use.len;
    }
    rw_text_addf(out, "$${%.*s}", RW_SPAN_ARGS(name));
    rw_draft_note(known->draft, "nothing gives ${%.*s} of %.*s a value: it stands as it is",
                  RW_SPAN_ARGS(name), RW_SPAN_ARGS(known->step->name));
    return use.len;
}

static void settle(const struct known *known, struct rw_span *template)
{
    struct rw_text out = {0};
    struct rw_span rest = *template;
    if (!rest.len || !memchr(rest.at, '$', rest.len))
        return;
    while (rest.len) {
        size_t taken = 0;
        if (rw_span_starts(rest, RW_LITERAL("${")))
            taken = put_use(known, rest, &out);
        if (!taken) {
            taken = rw_span_starts(rest, RW_LITERAL("$$")) ? 2 : 1;
            rw_text_add(&out, rw_span(rest.at, taken));
        }
        rest = rw_span_skip(rest, taken);
    }
    if (out.err)
        known->draft->err = out.err;
    else
        *template = rw_draft_copy(known->draft, rw_text_span(&out));
    rw_text_free(&out);
}

void rw_draft_settle_names(struct rw_draft *draft)
{
    for (const struct rw_draft_data *data = draft->first_data; data; data = data->next)
        if (!data->columns.len) /* its first line names them, and is not read here */
            return;
    for (struct rw_draft_scenario *scenario = draft->first; scenario; scenario = scenario->next)
        for (struct rw_draft_step *step = scenario->first; step; step = step->next) {
            const struct known known = {draft, scenario, step};
            settle(&known, &step->path);
            settle(&known, &step->body);
            for (struct rw_draft_pair *pair = step->headers.first; pair; pair = pair->next)
                settle(&known, &pair->value);
        }
}
