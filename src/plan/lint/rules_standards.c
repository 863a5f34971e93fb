/* Standards, laws and attestations: types and versions that do not exist, certificates of laws. */
#include "plan/lint/rules.h"

#include <math.h>

/* Calls `check` for each text that names a standard of one kind (NULL: any), with the clause. */
static void each(struct rw_lint *lint, const char *kind,
                 void (*check)(struct rw_lint *, const struct rw_lint_text *,
                               const struct rw_lint_standard *, struct rw_span behind,
                               struct rw_span clause))
{
    for (size_t i = 0; i < lint->text_count; i++)
        for (unsigned s = 0; s < lint->facts.standard_count; s++) {
            const struct rw_lint_standard *standard = &lint->facts.standards[s];
            struct rw_span text = lint->texts[i].text;
            size_t at, len;
            if ((!kind || strcmp(standard->kind, kind) == 0) &&
                rw_lint_find(text, standard->words, &at, &len))
                check(lint, &lint->texts[i], standard, rw_span_skip(text, at + len),
                      rw_lint_clause(text, at));
        }
}

static struct rw_label instead(const struct rw_lint_standard *standard)
{
    return (struct rw_label){.en = standard->instead_en, .zh = standard->instead_zh};
}

static void tell(struct rw_lint *lint, const struct rw_lint_text *text,
                 const struct rw_lint_standard *standard, struct rw_span what, double claimed,
                 double possible, enum rw_unit unit)
{
    struct rw_label action = {.en = rw_lint_format(lint, "%s", instead(standard).en),
                              .zh = rw_lint_format(lint, "%s", instead(standard).zh)};
    rw_lint_tell(lint, &(struct rw_lint_hit){.value = text->value,
                                             .claimed = rw_lint_quantity(claimed, unit),
                                             .possible = rw_lint_quantity(possible, unit),
                                             .subject = rw_lint_format(
                                                 lint, "%.*s", RW_SPAN_ARGS(rw_span_trim(what))),
                                             .source = standard->source,
                                             .action = action});
}

static bool is_listed(struct rw_span word, const char *list)
{
    struct rw_span rest = rw_span_text(list), item;
    while (rw_intake_next_word(&rest, &item))
        if (rw_span_eq_nocase(item, word))
            return true;
    return false;
}

static size_t word_len(struct rw_span text)
{
    size_t len = 0;
    while (len < text.len && ((text.at[len] >= '0' && text.at[len] <= '9') || text.at[len] == '.' ||
                              (text.at[len] >= 'a' && text.at[len] <= 'z') ||
                              (text.at[len] >= 'A' && text.at[len] <= 'Z')))
        len++;
    return len;
}

static void check_type(struct rw_lint *lint, const struct rw_lint_text *text,
                       const struct rw_lint_standard *standard, struct rw_span behind,
                       struct rw_span clause)
{
    (void)clause;
    size_t at, len;
    struct rw_span near = rw_span(behind.at, behind.len < 16 ? behind.len : 16);
    if (!standard->types || !rw_lint_find(near, "Type|类型", &at, &len))
        return;
    struct rw_span rest = rw_span_trim(rw_span_skip(behind, at + len));
    struct rw_span type = rw_span(rest.at, word_len(rest));
    if (type.len && !is_listed(type, standard->types)) {
        struct rw_span name = rw_span_text(standard->words), first = {0};
        rw_intake_next_word(&name, &first);
        const char *subject =
            rw_lint_format(lint, "%.*s Type %.*s", RW_SPAN_ARGS(first), RW_SPAN_ARGS(type));
        tell(lint, text, standard, rw_span_text(subject), 1, 0, RW_UNIT_COUNT);
    }
}

void rw_lint_standard_type(struct rw_lint *lint)
{
    each(lint, NULL, check_type);
}

/* "3.2.1=2024-03-31|4.0=2024-12-31": the day on which a version was retired; NaN: it was not. */
static double retired_on(const struct rw_lint_standard *standard, struct rw_span version)
{
    struct rw_span rest = rw_span_text(standard->retired), item;
    double day = NAN;
    while (rw_intake_next_word(&rest, &item)) {
        ptrdiff_t equals = rw_span_find(item, '=');
        if (equals > 0 && rw_span_eq(rw_span(item.at, (size_t)equals), version) &&
            rw_date_read(rw_span_skip(item, (size_t)equals + 1), &day))
            return day;
    }
    return NAN;
}

static void check_standard_version(struct rw_lint *lint, const struct rw_lint_text *text,
                                   const struct rw_lint_standard *standard, struct rw_span behind,
                                   struct rw_span clause)
{
    (void)clause;
    size_t skip = 0;
    while (skip < behind.len && memchr(" :vV-", behind.at[skip], 5))
        skip++;
    struct rw_span rest = rw_span_skip(behind, skip), version = rw_span(rest.at, word_len(rest));
    double day = standard->retired ? retired_on(standard, version) : NAN;
    if (day < lint->date) {
        struct rw_span name = rw_span_text(standard->words), first = {0};
        rw_intake_next_word(&name, &first);
        const char *subject =
            rw_lint_format(lint, "%.*s %.*s", RW_SPAN_ARGS(first), RW_SPAN_ARGS(version));
        tell(lint, text, standard, rw_span_text(subject), day, lint->date, RW_UNIT_DATE);
    }
}

void rw_lint_standard_version(struct rw_lint *lint)
{
    each(lint, NULL, check_standard_version);
}

static void check_law(struct rw_lint *lint, const struct rw_lint_text *text,
                      const struct rw_lint_standard *standard, struct rw_span behind,
                      struct rw_span clause)
{
    (void)behind;
    for (unsigned i = 0; i < lint->findings->count; i++)
        if (lint->findings->at[i].rule == lint->rule->name &&
            lint->findings->at[i].place.line == text->value->place.line)
            return; /* one list of laws, told once */
    /* "通过GDPR、CCPA等主要隐私法规认证": the word may stand behind the list. */
    struct rw_span sentence = clause;
    sentence.len = (size_t)(text->text.at + text->text.len - clause.at);
    if (rw_lint_has(sentence, lint->facts.certified))
        tell(lint, text, standard, clause, 1, 0, RW_UNIT_COUNT);
}

void rw_lint_law_certified(struct rw_lint *lint)
{
    each(lint, "law", check_law);
}

static void check_authority(struct rw_lint *lint, const struct rw_lint_text *text,
                            const struct rw_lint_standard *standard, struct rw_span behind,
                            struct rw_span clause)
{
    (void)behind;
    bool numbered = rw_lint_has(clause, lint->facts.named);
    for (size_t i = 0; i < clause.len; i++)
        numbered |= clause.at[i] >= '0' && clause.at[i] <= '9';
    if (!numbered && rw_lint_has(clause, lint->facts.rules))
        tell(lint, text, standard, clause, 1, 0, RW_UNIT_COUNT);
}

void rw_lint_rule_unnamed(struct rw_lint *lint)
{
    each(lint, "authority", check_authority);
}
