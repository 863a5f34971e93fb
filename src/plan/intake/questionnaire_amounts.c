/* Amounts in the sentences of the questionnaire: which field each belongs to. A field takes the
 * amount of its dimension that stands beside one of its words (schema.h, `cues`). */
#include "plan/intake/questionnaire.h"

enum { TAKEN_MAX = 32, SHORTEST_DEADLINE_SECONDS = 7 * 86400 };

struct clause {
    struct rw_intake_reader *reader;
    const struct rw_questionnaire_line *line;
    struct rw_span key, text;
    struct rw_span *taken; /* amounts that already belong to a field */
    unsigned *taken_count;
};

static bool is_taken(const struct clause *clause, struct rw_span amount)
{
    for (unsigned i = 0; i < *clause->taken_count; i++) {
        const struct rw_span *other = &clause->taken[i];
        if (amount.at < other->at + other->len && other->at < amount.at + amount.len)
            return true;
    }
    return false;
}

static bool can_be(const struct rw_intake_field *field, const struct rw_amount *amount)
{
    bool deadline = rw_intake_field_dimensions(field) & RW_DIMENSION_DATE;
    return !(deadline && amount->dimension == RW_DIMENSION_TIME &&
             amount->high < SHORTEST_DEADLINE_SECONDS);
}

/* The next amount of the field's dimension in text[*from...] that is free. */
static bool next_amount(const struct clause *clause, const struct rw_intake_field *field,
                        size_t *from, struct rw_amount *amount, struct rw_span *where)
{
    unsigned dimensions = rw_intake_field_dimensions(field);
    while (*from < clause->text.len &&
           rw_amount_find(rw_span_skip(clause->text, *from), dimensions, amount, where)) {
        *from = (size_t)(where->at - clause->text.at) + where->len;
        if (!is_taken(clause, *where) && can_be(field, amount))
            return true;
    }
    return false;
}

static bool find_word(struct rw_span text, struct rw_span word, size_t *at)
{
    for (size_t i = 0; word.len && i + word.len <= text.len; i++)
        if (rw_span_eq_nocase(rw_span(text.at + i, word.len), word)) {
            *at = i;
            return true;
        }
    return false;
}

/* The amount that ends at the word, or has it as its own last word ("6个月内"). */
static bool amount_ending_at(const struct clause *clause, const struct rw_intake_field *field,
                             size_t word_at, size_t word_len, struct rw_amount *amount,
                             struct rw_span *where)
{
    size_t from = 0;
    while (next_amount(clause, field, &from, amount, where)) {
        size_t end = (size_t)(where->at - clause->text.at) + where->len;
        if (end >= word_at && end <= word_at + word_len + 6)
            return true;
    }
    return false;
}

static bool amount_beside(const struct clause *clause, const struct rw_intake_field *field,
                          struct rw_span cue, struct rw_amount *amount, struct rw_span *where)
{
    bool ends = cue.len > 1 && cue.at[0] == '<';
    if (ends)
        cue = rw_span_skip(cue, 1);
    size_t at, from;
    if (!find_word(clause->text, cue, &at)) {
        from = 0; /* the key may have the word */
        return !ends && find_word(clause->key, cue, &at) &&
               next_amount(clause, field, &from, amount, where);
    }
    if (ends)
        return amount_ending_at(clause, field, at, cue.len, amount, where);
    from = at;
    if (next_amount(clause, field, &from, amount, where))
        return true;
    from = 0;
    return next_amount(clause, field, &from, amount, where);
}

/* "99%理赔请求在15秒内完成": the share of requests is the percentile of the time. */
static void add_percentile(const struct clause *clause, struct rw_amount *amount)
{
    struct rw_amount share;
    struct rw_span where;
    size_t at;
    if (amount->dimension == RW_DIMENSION_TIME && !amount->percentile)
        amount->percentile = rw_amount_percentile(clause->text);
    bool requests = find_word(clause->text, RW_LITERAL("请求"), &at) ||
                    find_word(clause->text, RW_LITERAL("requests"), &at);
    if (amount->dimension == RW_DIMENSION_TIME && !amount->percentile && requests &&
        rw_amount_find(clause->text, RW_DIMENSION_FRACTION, &share, &where) && share.high < 1 &&
        share.high > 0.5)
        amount->percentile = share.high;
}

static bool take(const struct clause *clause, struct rw_intake_value *value)
{
    const struct rw_intake_field *field = value->field;
    struct rw_span rest = rw_span_text(field->cues ? field->cues : field->keys), cue, where;
    struct rw_amount amount;
    if (field->kind != RW_INTAKE_AMOUNT || value->there)
        return false;
    while (rw_intake_next_word(&rest, &cue)) {
        if (*clause->taken_count == TAKEN_MAX || clause->reader->err)
            return false;
        if (!amount_beside(clause, field, cue, &amount, &where))
            continue;
        add_percentile(clause, &amount);
        struct rw_amount *kept = rw_arena_zero(&clause->reader->intake->arena, sizeof(*kept));
        struct rw_span text = rw_arena_copy(&clause->reader->intake->arena, where);
        if (!kept || !text.at) {
            clause->reader->err = RW_ENOMEM;
            return false;
        }
        if (!amount.per && amount.dimension != RW_DIMENSION_DATE)
            amount.per = rw_intake_field_per(field);
        *kept = amount;
        value->there = true;
        value->origin = RW_ORIGIN_GIVEN;
        value->text = text;
        value->amounts = kept;
        value->amount = amount;
        value->count = 1;
        value->place = rw_questionnaire_place(clause->line, where);
        clause->taken[(*clause->taken_count)++] = where;
        return true;
    }
    return false;
}

struct rw_intake_value *rw_questionnaire_value(struct rw_intake_reader *reader, struct rw_span path)
{
    ptrdiff_t dot = rw_span_find(path, '.');
    rw_assert(dot > 0);
    const struct rw_intake_section *section = rw_intake_find_section(rw_span(path.at, (size_t)dot));
    rw_assert(section);
    const struct rw_intake_field *field =
        rw_intake_find_field(section, rw_span_skip(path, (size_t)dot + 1));
    rw_assert(field);
    return rw_intake_slot(rw_intake_single(reader->intake, section), field);
}

static unsigned take_all(const struct clause *clause, const char *sections)
{
    struct rw_span rest = rw_span_text(sections), word;
    unsigned taken = 0;
    while (rw_intake_next_word(&rest, &word)) {
        if (rw_span_find(word, '.') >= 0) {
            taken += take(clause, rw_questionnaire_value(clause->reader, word));
            continue;
        }
        const struct rw_intake_section *section = rw_intake_find_section(word);
        rw_assert(section);
        struct rw_intake_row *row = rw_intake_single(clause->reader->intake, section);
        for (unsigned i = 0; i < rw_intake_field_count(section); i++)
            taken += take(clause, &row->values[i]);
    }
    return taken;
}

/* Bytes of a mark between clauses at `at`; 0: none. A comma within a number is none. */
static size_t clause_mark(struct rw_span text, size_t at)
{
    static const char *const marks[] = {"，", "；", "。", "; ", ", ", "| ", "|"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if (rw_span_starts(rw_span_skip(text, at), rw_span_text(marks[i])))
            return strlen(marks[i]);
    return 0;
}

unsigned rw_questionnaire_amounts(struct rw_intake_reader *reader,
                                  const struct rw_questionnaire_block *block,
                                  const struct rw_questionnaire_line *line, struct rw_span key,
                                  struct rw_span sentence)
{
    struct rw_span spans[TAKEN_MAX];
    unsigned taken = 0, count = 0;
    size_t begin = 0;
    for (size_t at = 0; at <= sentence.len; at++) {
        size_t mark = at < sentence.len ? clause_mark(sentence, at) : 0;
        if (at < sentence.len && !mark)
            continue;
        struct clause clause = {.reader = reader,
                                .line = line,
                                .key = key,
                                .text = rw_span(sentence.at + begin, at - begin),
                                .taken = spans,
                                .taken_count = &taken};
        if (clause.text.len)
            count += take_all(&clause, block->amounts);
        begin = at + mark;
        at += mark ? mark - 1 : 0;
    }
    return count;
}
