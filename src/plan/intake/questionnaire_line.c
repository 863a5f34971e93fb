/* Lines of the questionnaire: their marks, and their blanks. */
#include "plan/intake/questionnaire.h"

static bool is_example(struct rw_span text)
{
    return rw_span_starts(text, RW_LITERAL("例：")) || rw_span_starts(text, RW_LITERAL("例:")) ||
           rw_span_starts(text, RW_LITERAL("如「"));
}

/* `before` is what stands in front of the blank. */
static bool is_hint(struct rw_span before, struct rw_span text)
{
    for (const char *const *hint = rw_intake_hints; *hint; hint++) {
        struct rw_span word = rw_span_text(*hint);
        ptrdiff_t tab = rw_span_find(word, '\t');
        bool beside = tab < 0 || rw_span_ends(before, rw_span(word.at, (size_t)tab));
        if (beside && rw_span_eq(text, rw_span_skip(word, (size_t)(tab + 1))))
            return true;
    }
    return false;
}

static void append(struct rw_questionnaire_line *line, struct rw_span raw, size_t from, size_t to,
                   const uint32_t *columns)
{
    for (size_t i = from; i < to; i++) {
        line->columns[line->len] = columns[i];
        line->text[line->len++] = raw.at[i];
    }
}

/* The bracket that closes the one at `at`; raw.len: none. */
static size_t closing(struct rw_span raw, size_t at)
{
    unsigned depth = 0;
    for (size_t i = at; i < raw.len; i++) {
        depth += raw.at[i] == '(';
        if (raw.at[i] == ')' && --depth == 0)
            return i;
    }
    return raw.len;
}

static bool underscores(struct rw_span raw, size_t at)
{
    return at + 1 < raw.len && raw.at[at] == '_' && raw.at[at + 1] == '_';
}

/* Behind "__" at `at`: "(answer)__" loses its brackets, a hint goes; returns where to go on. */
static size_t blank(struct rw_questionnaire_line *line, struct rw_span raw, size_t at,
                    const uint32_t *columns)
{
    at += 2;
    if (at >= raw.len || raw.at[at] != '(')
        return at;
    size_t end = closing(raw, at);
    if (end == raw.len)
        return at;
    line->blanks++;
    struct rw_span before = rw_span_trim(rw_span(line->text, line->len));
    struct rw_span content = rw_span_trim(rw_span(raw.at + at + 1, end - at - 1));
    bool hint = is_hint(before, content);
    line->doubtful += hint;
    if (!hint && !is_example(content)) {
        line->filled++;
        append(line, raw, at + 1, end, columns);
    }
    end++;
    return underscores(raw, end) ? end + 2 : end;
}

static size_t skip_marks(struct rw_span raw, struct rw_questionnaire_line *line)
{
    size_t at = 0;
    while (at < raw.len && (raw.at[at] == ' ' || raw.at[at] == '\t'))
        at++;
    line->indent = at;
    line->heading = at < raw.len && raw.at[at] == '#';
    while (at < raw.len && (raw.at[at] == '#' || raw.at[at] == '-' || raw.at[at] == ' ' ||
                            raw.at[at] == '\t' || raw.at[at] == '>'))
        at++;
    return at;
}

bool rw_questionnaire_clean(struct rw_span raw, uint32_t number, struct rw_questionnaire_line *line)
{
    uint32_t columns[RW_QUESTIONNAIRE_LINE_MAX + 1];
    line->len = 0;
    line->blanks = line->filled = line->doubtful = 0;
    line->number = number;
    if (raw.len > RW_QUESTIONNAIRE_LINE_MAX)
        return false;
    uint32_t column = 0;
    for (size_t i = 0; i < raw.len; i++)
        columns[i] = column += ((unsigned char)raw.at[i] & 0xc0) != 0x80;
    columns[raw.len] = column + 1;
    for (size_t at = skip_marks(raw, line); at < raw.len;) {
        if (underscores(raw, at)) {
            at = blank(line, raw, at, columns);
        } else if (raw.at[at] == '*' && at + 1 < raw.len && raw.at[at + 1] == '*') {
            at += 2;
        } else {
            append(line, raw, at, at + 1, columns);
            at++;
        }
    }
    while (line->len && (line->text[line->len - 1] == ' ' || line->text[line->len - 1] == '\r' ||
                         line->text[line->len - 1] == '\t'))
        line->len--;
    line->columns[line->len] = columns[raw.len];
    return true;
}

struct rw_conf_place rw_questionnaire_place(const struct rw_questionnaire_line *line,
                                            struct rw_span part)
{
    size_t at = part.at ? (size_t)(part.at - line->text) : 0;
    rw_assert(at <= line->len);
    return (struct rw_conf_place){line->number, line->columns[at]};
}
