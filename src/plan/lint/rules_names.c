/* Names of standards, laws and certificates: those that do not exist, and those that nobody here
 * knows. */
#include "plan/controls/controls.h"
#include "plan/lint/rules.h"

#include <stdlib.h>

enum { NAMES_MAX = 200 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "27001", "140-2", "27005X", "4.0.1" at the beginning of a text; a point at its end is none of it.
 */
static struct rw_span number_at(struct rw_span text)
{
    size_t len = 0;
    if (!text.len || !is_digit(text.at[0]))
        return rw_span(text.at, 0);
    while (len < text.len) {
        bool joint = (text.at[len] == '.' || text.at[len] == '-') && len + 1 < text.len &&
                     is_digit(text.at[len + 1]);
        if (!is_digit(text.at[len]) && !is_letter(text.at[len]) && !joint)
            break;
        len++;
    }
    return rw_span(text.at, len);
}

static bool is_in(struct rw_span word, const char *list)
{
    struct rw_span rest = rw_span_text(list), item;
    while (rw_intake_next_word(&rest, &item))
        if (rw_span_eq_nocase(item, word))
            return true;
    return false;
}

/* "ISO 27005X": what was read, and the nearest that there is. */
static void tell(struct rw_lint *lint, const struct rw_lint_text *text,
                 const struct rw_lint_family *family, struct rw_span number, const char *nearest)
{
    struct rw_label action = {0};
    if (nearest)
        action =
            (struct rw_label){.en = rw_lint_format(lint, "Nearest: %s %s", family->name, nearest),
                              .zh = rw_lint_format(lint, "相近的有：%s %s", family->name, nearest)};
    bool level = !is_digit(number.at[0]);
    rw_lint_tell(lint, &(struct rw_lint_hit){
                           .value = text->value,
                           .claimed = rw_lint_quantity(1, RW_UNIT_COUNT),
                           .possible = rw_lint_quantity(0, RW_UNIT_COUNT),
                           .subject = rw_lint_format(lint, "%s %.*s%s", family->name,
                                                     RW_SPAN_ARGS(number), level ? "级" : ""),
                           .source = family->source,
                           .action = action,
                       });
}

/* The nearest number of the list, as a text of its own. */
static const char *nearest_of(struct rw_lint *lint, struct rw_span number, const char *list)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    struct rw_span rest = rw_span_text(list), item;
    while (count < NAMES_MAX && rw_intake_next_word(&rest, &item))
        names[count++] = rw_lint_format(lint, "%.*s", RW_SPAN_ARGS(item));
    return rw_conf_nearest(number, names, count);
}

static void check_number(struct rw_lint *lint, const struct rw_lint_text *text,
                         const struct rw_lint_family *family, struct rw_span number)
{
    if (family->most) {
        if (strtol(number.at, NULL, 10) > strtol(family->most, NULL, 10))
            tell(lint, text, family, number, family->most);
        return;
    }
    /* "27001-2013": four digits behind a dash are the year. */
    ptrdiff_t dash = rw_span_find(number, '-');
    bool dated = dash > 0 && number.len - (size_t)dash == 5;
    struct rw_span part = rw_span(number.at, dated ? (size_t)dash : number.len);
    if (!is_in(number, family->known) && !is_in(part, family->known))
        tell(lint, text, family, number, nearest_of(lint, number, family->known));
}

/* "等保2.0三级", "等保第六级": the character before "级". */
static void check_level(struct rw_lint *lint, const struct rw_lint_text *text,
                        const struct rw_lint_family *family, struct rw_span behind)
{
    if (rw_span_starts(behind, RW_LITERAL("第")))
        behind = rw_span_skip(behind, 3);
    struct rw_span level = rw_span(behind.at, behind.len < 3 ? behind.len : 3);
    if (level.len == 3 && rw_span_starts(rw_span_skip(behind, 3), RW_LITERAL("级")) &&
        !is_in(level, family->levels))
        tell(lint, text, family, level, NULL);
}

static void check_behind(struct rw_lint *lint, const struct rw_lint_text *text,
                         const struct rw_lint_family *family, struct rw_span behind)
{
    if (family->mark) {
        if (!rw_span_starts(behind, rw_span_text(family->mark)))
            return;
        behind = rw_span_skip(behind, strlen(family->mark));
    }
    while (behind.len && memchr(" :vV-", behind.at[0], 5))
        behind = rw_span_skip(behind, 1);
    struct rw_span number = number_at(behind);
    if (number.len)
        check_number(lint, text, family, number);
    if (family->levels)
        check_level(lint, text, family, rw_span_trim(rw_span_skip(behind, number.len)));
}

void rw_lint_standard_unknown(struct rw_lint *lint)
{
    for (size_t i = 0; i < lint->text_count; i++)
        for (unsigned f = 0; f < lint->facts.family_count; f++) {
            struct rw_span rest = lint->texts[i].text;
            size_t at, len;
            while (rw_lint_find(rest, lint->facts.families[f].words, &at, &len)) {
                rest = rw_span_skip(rest, at + len);
                check_behind(lint, &lint->texts[i], &lint->facts.families[f], rest);
            }
        }
}

/* ---- Names that nobody knows ---- */

static bool is_known(const struct rw_lint *lint, struct rw_span text)
{
    const char *ids[RW_FRAMEWORK_WORDS_MAX];
    bool known = rw_controls_named(text, ids) > 0 || rw_lint_has(text, lint->facts.known_standards);
    for (unsigned i = 0; i < lint->facts.standard_count && !known; i++)
        known = rw_lint_has(text, lint->facts.standards[i].words);
    for (unsigned i = 0; i < lint->facts.family_count && !known; i++)
        known = rw_lint_has(text, lint->facts.families[i].words);
    return known;
}

/* Each word that begins like a name ("HIPPA") against the names that there are. */
static const char *nearest_name(struct rw_lint *lint, struct rw_span text)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    struct rw_span item;
    for (unsigned i = 0; i <= lint->facts.standard_count; i++) {
        struct rw_span rest =
            rw_span_text(i < lint->facts.standard_count ? lint->facts.standards[i].words
                                                        : lint->facts.known_standards);
        while (count < NAMES_MAX && rw_intake_next_word(&rest, &item))
            names[count++] = rw_lint_format(lint, "%.*s", RW_SPAN_ARGS(item));
    }
    const char *nearest = rw_conf_nearest(text, names, count);
    while (!nearest && rw_span_next(&text, ' ', &item))
        nearest = item.len > 2 ? rw_conf_nearest(item, names, count) : NULL;
    return nearest;
}

static void check_name(struct rw_lint *lint, const struct rw_lint_text *text)
{
    if (is_known(lint, text->text))
        return;
    const char *nearest = nearest_name(lint, text->text);
    struct rw_label action = {0};
    if (nearest)
        action = (struct rw_label){
            .en = rw_lint_format(lint, "Did you mean %s? Else give the document and its number",
                                 nearest),
            .zh = rw_lint_format(lint, "是否为 %s？否则请给出文件名称与编号", nearest)};
    rw_lint_tell(lint, &(struct rw_lint_hit){
                           .value = text->value,
                           .claimed = rw_lint_quantity(1, RW_UNIT_COUNT),
                           .possible = rw_lint_quantity(0, RW_UNIT_COUNT),
                           .subject = rw_lint_format(lint, "%.*s", RW_SPAN_ARGS(text->text)),
                           .action = action,
                       });
}

/* All that stands under compliance, and what is to be certified. */
void rw_lint_rule_unknown(struct rw_lint *lint)
{
    const struct rw_intake_value *compliance =
                                     rw_intake_get(lint->intake, "constraints.compliance"),
                                 *security = rw_intake_get(lint->intake, "goal.security");
    for (size_t i = 0; i < lint->text_count; i++) {
        const struct rw_lint_text *text = &lint->texts[i];
        if (text->value == compliance ||
            (text->value == security && rw_lint_has(text->text, lint->facts.certified)))
            check_name(lint, text);
    }
}
