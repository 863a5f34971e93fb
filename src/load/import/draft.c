#include "load/import/draft.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- Texts ---- */

struct rw_span rw_draft_copy(struct rw_draft *draft, struct rw_span text)
{
    struct rw_span copy = rw_arena_copy(draft->arena, text);
    if (copy.at)
        return copy;
    draft->err = RW_ENOMEM;
    return RW_LITERAL("");
}

static struct rw_span take_text(struct rw_draft *draft, struct rw_text *text)
{
    struct rw_span copy = rw_draft_copy(draft, text->at ? rw_text_span(text) : RW_LITERAL(""));
    if (text->err)
        draft->err = text->err;
    rw_text_free(text);
    return copy;
}

static struct rw_span format_text(struct rw_draft *draft, const char *format, va_list args)
{
    char room[1024];
    int len = vsnprintf(room, sizeof(room), format, args);
    return rw_draft_copy(draft, rw_span(room, len < 0                   ? 0
                                              : len < (int)sizeof(room) ? (size_t)len
                                                                        : sizeof(room) - 1));
}

struct rw_span rw_draft_format(struct rw_draft *draft, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct rw_span text = format_text(draft, format, args);
    va_end(args);
    return text;
}

struct rw_span rw_draft_plain(struct rw_draft *draft, struct rw_span text)
{
    struct rw_text plain = {0};
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '$')
            rw_text_adds(&plain, "$");
        rw_text_add(&plain, rw_span(text.at + i, 1));
    }
    return take_text(draft, &plain);
}

struct rw_span rw_draft_quoted(struct rw_draft *draft, struct rw_span text)
{
    struct rw_text quoted = {0};
    rw_text_add_json(&quoted, text);
    return take_text(draft, &quoted);
}

bool rw_draft_passes_over(struct rw_span field)
{
    static const char *const names[] = {
        "host",    "content-length", "connection",       "keep-alive", "transfer-encoding",
        "upgrade", "cookie",         "proxy-connection", "te",         "accept-encoding",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (rw_span_is_nocase(field, names[i]))
            return true;
    return field.len == 0 || field.at[0] == ':';
}

/* ---- Pieces ---- */

struct rw_draft_scenario *rw_draft_add_scenario(struct rw_draft *draft, struct rw_span name)
{
    struct rw_draft_scenario *scenario = rw_arena_zero(draft->arena, sizeof(*scenario));
    if (!scenario) {
        draft->err = RW_ENOMEM;
        return NULL;
    }
    scenario->name = rw_draft_copy(draft, name);
    scenario->weight = 1;
    if (draft->last)
        draft->last->next = scenario;
    else
        draft->first = scenario;
    draft->last = scenario;
    return scenario;
}

struct rw_draft_step *rw_draft_add_step(struct rw_draft *draft, struct rw_draft_scenario *scenario)
{
    struct rw_draft_step *step = NULL;
    if (!scenario || draft->steps == RW_DRAFT_STEPS_MAX) {
        rw_draft_note(draft, "only the first %d requests are here", RW_DRAFT_STEPS_MAX);
        return NULL;
    }
    step = rw_arena_zero(draft->arena, sizeof(*step));
    if (!step) {
        draft->err = RW_ENOMEM;
        return NULL;
    }
    draft->steps++;
    if (scenario->last)
        scenario->last->next = step;
    else
        scenario->first = step;
    scenario->last = step;
    return step;
}

void rw_draft_add_pair(struct rw_draft *draft, struct rw_draft_pairs *pairs, struct rw_span name,
                       struct rw_span value)
{
    struct rw_draft_pair *pair = rw_arena_zero(draft->arena, sizeof(*pair));
    if (!pair) {
        draft->err = RW_ENOMEM;
        return;
    }
    pair->name = rw_draft_copy(draft, name);
    pair->value = rw_draft_copy(draft, value);
    if (pairs->last)
        pairs->last->next = pair;
    else
        pairs->first = pair;
    pairs->last = pair;
}

void rw_draft_add_data(struct rw_draft *draft, struct rw_span file, struct rw_span columns,
                       bool once)
{
    struct rw_draft_data *data = rw_arena_zero(draft->arena, sizeof(*data));
    if (!data) {
        draft->err = RW_ENOMEM;
        return;
    }
    *data = (struct rw_draft_data){NULL, rw_draft_copy(draft, file), rw_draft_copy(draft, columns),
                                   once};
    if (draft->last_data)
        draft->last_data->next = data;
    else
        draft->first_data = data;
    draft->last_data = data;
}

static void add_line(struct rw_draft *draft, struct rw_draft_lines *lines, struct rw_span text)
{
    struct rw_draft_line *line = rw_arena_zero(draft->arena, sizeof(*line));
    if (!line) {
        draft->err = RW_ENOMEM;
        return;
    }
    line->text = text;
    if (lines->last)
        lines->last->next = line;
    else
        lines->first = line;
    lines->last = line;
}

void rw_draft_add_line(struct rw_draft *draft, struct rw_draft_lines *lines, const char *format,
                       ...)
{
    va_list args;
    va_start(args, format);
    add_line(draft, lines, format_text(draft, format, args));
    va_end(args);
}

/* It stands in a comment: one line. */
void rw_draft_note(struct rw_draft *draft, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct rw_span text = format_text(draft, format, args);
    va_end(args);
    for (const struct rw_draft_line *line = draft->notes.first; line; line = line->next)
        if (rw_span_eq(line->text, text))
            return;
    if (draft->note_count == RW_DRAFT_NOTES_MAX)
        return;
    draft->note_count++;
    add_line(draft, &draft->notes, text);
}

const struct rw_draft_pair *rw_draft_find(const struct rw_draft_pairs *pairs, struct rw_span name)
{
    const struct rw_draft_pair *pair = pairs->first;
    while (pair && !rw_span_eq_nocase(pair->name, name))
        pair = pair->next;
    return pair;
}

/* ---- Common fields ---- */

static bool all_have(const struct rw_draft *draft, const struct rw_draft_pair *pair)
{
    for (const struct rw_draft_scenario *s = draft->first; s; s = s->next)
        for (const struct rw_draft_step *step = s->first; step; step = step->next) {
            if (step->kind > RW_DRAFT_OPEN)
                continue; /* messages have none */
            const struct rw_draft_pair *own = rw_draft_find(&step->headers, pair->name);
            if (!own || !rw_span_eq(own->value, pair->value))
                return false;
        }
    return true;
}

void rw_draft_drop(struct rw_draft_pairs *pairs, struct rw_span name)
{
    struct rw_draft_pairs kept = {NULL, NULL};
    for (struct rw_draft_pair *pair = pairs->first, *next; pair; pair = next) {
        next = pair->next;
        if (rw_span_eq_nocase(pair->name, name))
            continue;
        pair->next = NULL;
        if (kept.last)
            kept.last->next = pair;
        else
            kept.first = pair;
        kept.last = pair;
    }
    *pairs = kept;
}

void rw_draft_share_headers(struct rw_draft *draft)
{
    const struct rw_draft_step *example = draft->first ? draft->first->first : NULL;
    if (!example || draft->steps < 2)
        return;
    for (const struct rw_draft_pair *pair = example->headers.first, *next; pair; pair = next) {
        next = pair->next;
        if (!all_have(draft, pair))
            continue;
        struct rw_span name = pair->name;
        rw_draft_add_pair(draft, &draft->headers, name, pair->value);
        for (struct rw_draft_scenario *s = draft->first; s; s = s->next)
            for (struct rw_draft_step *step = s->first; step; step = step->next)
                rw_draft_drop(&step->headers, name);
    }
}

/* ---- YAML ---- */

static void write_pairs(const char *indent, const char *key, const struct rw_draft_pairs *pairs,
                        struct rw_text *yaml)
{
    if (!pairs->first)
        return;
    rw_text_addf(yaml, "%s%s:\n", indent, key);
    for (const struct rw_draft_pair *pair = pairs->first; pair; pair = pair->next) {
        rw_text_addf(yaml, "%s  ", indent);
        rw_text_add_json(yaml, pair->name);
        rw_text_adds(yaml, ": ");
        rw_text_add_json(yaml, pair->value);
        rw_text_adds(yaml, "\n");
    }
}

static void write_text(const char *indent, const char *key, struct rw_span text,
                       struct rw_text *yaml)
{
    if (!text.len)
        return;
    rw_text_addf(yaml, "%s%s: ", indent, key);
    rw_text_add_json(yaml, text);
    rw_text_adds(yaml, "\n");
}

static void write_lines(const char *key, const struct rw_draft_lines *lines, struct rw_text *yaml)
{
    if (!lines->first)
        return;
    rw_text_addf(yaml, "        %s:\n", key);
    for (const struct rw_draft_line *line = lines->first; line; line = line->next)
        rw_text_addf(yaml, "          - { %.*s }\n", RW_SPAN_ARGS(line->text));
}

static void write_step(const struct rw_draft_step *step, struct rw_text *yaml)
{
    static const char *const keys[] = {[RW_DRAFT_REQUEST] = "path",
                                       [RW_DRAFT_OPEN] = "open",
                                       [RW_DRAFT_SEND] = "send",
                                       [RW_DRAFT_SEND_BINARY] = "send_binary",
                                       [RW_DRAFT_CLOSE] = "close"};
    bool sends = step->kind == RW_DRAFT_SEND || step->kind == RW_DRAFT_SEND_BINARY;
    bool is_request = step->kind == RW_DRAFT_REQUEST;
    rw_text_addf(yaml, "      - %s: ", keys[step->kind]);
    if (step->kind == RW_DRAFT_CLOSE)
        rw_text_adds(yaml, "1000");
    else
        rw_text_add_json(yaml, sends ? step->body : step->path);
    rw_text_adds(yaml, "\n");
    write_text("        ", "name", step->name, yaml);
    bool usual = !is_request || rw_span_is(step->method, step->body.len ? "POST" : "GET");
    write_text("        ", "method", usual ? RW_LITERAL("") : step->method, yaml);
    write_pairs("        ", "headers", &step->headers, yaml);
    write_text("        ", "body", sends ? RW_LITERAL("") : step->body, yaml);
    if (step->unanswered)
        rw_text_adds(yaml, "        unanswered: true\n");
    write_lines("check", &step->checks, yaml);
    write_lines("capture", &step->captures, yaml);
    if (step->think_ms_most > step->think_ms_least)
        rw_text_addf(yaml, "        think: %ums-%ums\n", step->think_ms_least, step->think_ms_most);
    else if (step->think_ms_most)
        rw_text_addf(yaml, "        think: %ums\n", step->think_ms_most);
}

static void write_data(const struct rw_draft *draft, struct rw_text *yaml)
{
    unsigned number = 0;
    if (draft->first_data)
        rw_text_adds(yaml, "data:\n");
    for (const struct rw_draft_data *data = draft->first_data; data; data = data->next) {
        rw_text_addf(yaml, "  - name: data-%u\n", ++number);
        write_text("    ", "file", data->file, yaml);
        if (data->columns.len)
            rw_text_addf(yaml, "    columns: [%.*s]\n", RW_SPAN_ARGS(data->columns));
        if (data->once)
            rw_text_adds(yaml, "    order: once\n");
    }
}

static void write_head(const struct rw_draft *draft, struct rw_text *yaml)
{
    rw_text_addf(yaml,
                 "# Drafted from %.*s by `ringway load import`. Look it over: values that were "
                 "recorded may\n# be of one day only, and what is asked for at once comes here "
                 "one after the other.\n",
                 RW_SPAN_ARGS(draft->source));
    if (draft->notes.first)
        rw_text_adds(yaml, "#\n# What has no place here, or is a guess:\n");
    for (const struct rw_draft_line *line = draft->notes.first; line; line = line->next) {
        rw_text_adds(yaml, "# - ");
        for (size_t i = 0; i < line->text.len; i++)
            rw_text_add(yaml, (uint8_t)line->text.at[i] < ' ' ? RW_LITERAL(" ")
                                                              : rw_span(line->text.at + i, 1));
        rw_text_adds(yaml, "\n");
    }
}

void rw_draft_write(const struct rw_draft *draft, struct rw_text *yaml)
{
    write_head(draft, yaml);
    write_text("", "target", draft->target, yaml);
    rw_text_addf(yaml, "users: %u\nduration: %us\n", draft->users ? draft->users : 10,
                 draft->seconds ? draft->seconds : 60);
    write_pairs("", "variables", &draft->variables, yaml);
    write_data(draft, yaml);
    write_pairs("", "headers", &draft->headers, yaml);
    rw_text_adds(yaml, "scenarios:\n");
    for (const struct rw_draft_scenario *s = draft->first; s; s = s->next) {
        if (!s->first)
            continue;
        rw_text_adds(yaml, "  - name: ");
        rw_text_add_json(yaml, s->name);
        rw_text_addf(yaml, "\n    weight: %u\n    steps:\n", s->weight);
        for (const struct rw_draft_step *step = s->first; step; step = step->next)
            write_step(step, yaml);
    }
}
