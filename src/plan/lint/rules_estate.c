/* What there is: versions, regions, limits of products, borders. */
#include "plan/lint/rules.h"

#include <math.h>
#include <stdlib.h>

/* ---- Versions ---- */

/* "8.0" behind a product's name: digits and points, after blanks, "v" or "版本". */
static struct rw_span version_after(struct rw_span text, size_t at)
{
    static const char *const between[] = {" ", "v", "V", "版本", "集群", "version"};
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < sizeof(between) / sizeof(*between); i++)
            if (rw_span_starts(rw_span_skip(text, at), rw_span_text(between[i]))) {
                at += strlen(between[i]);
                more = true;
            }
    }
    size_t len = 0;
    while (at + len < text.len && ((text.at[at + len] >= '0' && text.at[at + len] <= '9') ||
                                   (len && text.at[at + len] == '.')))
        len++;
    while (len && text.at[at + len - 1] == '.')
        len--;
    return rw_span(text.at + at, len);
}

/* -1, 0, 1 by numbers: 0.12 is before 1.0, 3.10 after 3.9. */
static int compare_versions(const char *a, const char *b)
{
    while (*a || *b) {
        char *end_a, *end_b;
        unsigned long x = strtoul(a, &end_a, 10), y = strtoul(b, &end_b, 10);
        if (x != y)
            return x < y ? -1 : 1;
        if ((end_a == a && end_b == b) || (!*end_a && !*end_b))
            return 0;
        a = *end_a == '.' ? end_a + 1 : end_a;
        b = *end_b == '.' ? end_b + 1 : end_b;
    }
    return 0;
}

/* The last day of support; NaN: not known, or still supported. */
static double end_of(const struct rw_lint *lint, const struct rw_lint_component *component,
                     const char *version, const char **source)
{
    const struct rw_lifecycle *row =
        rw_reference_lifecycle(&lint->reference, component->id, version);
    double day = NAN;
    *source = lint->reference.lifecycle_source;
    if (row) {
        *source = row->source ? row->source : *source;
        return row->end.day;
    }
    if (component->older_than && compare_versions(version, component->older_than) < 0 &&
        rw_date_read(rw_span_text(component->older_ended), &day))
        *source = component->source;
    return day;
}

static double term_end(const struct rw_lint *lint)
{
    double term = rw_intake_number(rw_intake_get(lint->intake, "money.term"));
    double years =
        isnan(term) ? rw_input_entry(RW_INPUT_TERM)->assumed : term / RW_LINT_YEAR_SECONDS;
    return lint->date + years * 365.25;
}

/* Who lists a product and names it in words, too, has it once. */
static bool was_told(const struct rw_lint *lint, const char *subject)
{
    for (unsigned i = 0; i < lint->findings->count; i++) {
        const struct rw_finding *finding = &lint->findings->at[i];
        if (strcmp(finding->rule, lint->rule->name) == 0 && finding->subject &&
            strcmp(finding->subject, subject) == 0)
            return true;
    }
    return false;
}

static void check_version(struct rw_lint *lint, const struct rw_intake_value *value,
                          const struct rw_lint_component *component, struct rw_span name,
                          struct rw_span version, bool soon)
{
    const char *source;
    if (version.len == 0)
        return;
    double end =
        end_of(lint, component, rw_lint_format(lint, "%.*s", RW_SPAN_ARGS(version)), &source);
    bool ended = end < lint->date, ends = end < term_end(lint);
    const char *subject =
        rw_lint_format(lint, "%.*s %.*s", RW_SPAN_ARGS(name), RW_SPAN_ARGS(version));
    if ((soon ? ended || !ends : !ended) || was_told(lint, subject))
        return;
    rw_lint_tell(lint, &(struct rw_lint_hit){.value = value,
                                             .claimed = rw_lint_quantity(end, RW_UNIT_DATE),
                                             .possible = rw_lint_quantity(
                                                 soon ? term_end(lint) : lint->date, RW_UNIT_DATE),
                                             .subject = subject,
                                             .source = source});
}

/* The component whose name is the longest at the first place where there is one. */
static const struct rw_lint_component *next_component(const struct rw_lint *lint,
                                                      struct rw_span text, size_t *at, size_t *len)
{
    const struct rw_lint_component *found = NULL;
    *at = text.len;
    *len = 0;
    for (unsigned i = 0; i < lint->facts.component_count; i++) {
        size_t here, size;
        if (rw_lint_find(text, lint->facts.components[i].words, &here, &size) &&
            (here + size < *at + *len || (here + size == *at + *len && size > *len) || !found)) {
            found = &lint->facts.components[i];
            *at = here;
            *len = size;
        }
    }
    return found;
}

static void check_text(struct rw_lint *lint, const struct rw_lint_text *text, bool soon)
{
    struct rw_span rest = text->text;
    size_t at, len;
    const struct rw_lint_component *component;
    while ((component = next_component(lint, rest, &at, &len))) {
        check_version(lint, text->value, component, rw_span(rest.at + at, len),
                      version_after(rest, at + len), soon);
        rest = rw_span_skip(rest, at + len);
    }
}

static bool told_already(const struct rw_lint *lint, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (rw_span_eq(lint->texts[i].text, lint->texts[index].text) &&
            lint->texts[i].value == lint->texts[index].value)
            return true;
    return false;
}

static void check_versions(struct rw_lint *lint, bool soon)
{
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(lint->intake, "components", &count);
    if (isnan(lint->date))
        return;
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *name = rw_intake_in(&rows[i], "name"),
                                     *version = rw_intake_in(&rows[i], "version");
        size_t at, len;
        const struct rw_lint_component *component = next_component(lint, name->text, &at, &len);
        if (component && version->there)
            check_version(lint, version, component, name->text, version_after(version->text, 0),
                          soon);
    }
    for (size_t i = 0; i < lint->text_count; i++)
        if ((strcmp(lint->texts[i].section->name, "infrastructure") == 0 ||
             strcmp(lint->texts[i].section->name, "pains") == 0) &&
            !told_already(lint, i))
            check_text(lint, &lint->texts[i], soon);
}

void rw_lint_end_of_support(struct rw_lint *lint)
{
    check_versions(lint, false);
}

void rw_lint_support_ends_soon(struct rw_lint *lint)
{
    check_versions(lint, true);
}

/* ---- Limits ---- */

static void check_limit(struct rw_lint *lint, const struct rw_intake_value *value,
                        struct rw_span product, double stored)
{
    for (unsigned i = 0; i < lint->facts.limit_count; i++) {
        const struct rw_lint_limit *limit = &lint->facts.limits[i];
        double most = strtod(limit->bytes_max, NULL);
        if (stored > most && rw_lint_has(product, limit->words))
            rw_lint_tell(lint, &(struct rw_lint_hit){
                                   .value = value,
                                   .claimed = rw_lint_quantity(stored, RW_UNIT_BYTES),
                                   .possible = rw_lint_quantity(most, RW_UNIT_BYTES),
                                   .subject = rw_lint_format(lint, "%.*s (%s)",
                                                             RW_SPAN_ARGS(product), limit->limit),
                                   .source = limit->source});
    }
}

void rw_lint_product_limit(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(lint->intake, "components", &count);
    bool told = false;
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *stored = rw_intake_in(&rows[i], "stored");
        told |= stored->there;
        if (stored->there)
            check_limit(lint, stored, rw_intake_in(&rows[i], "name")->text,
                        rw_intake_number(stored));
    }
    const struct rw_intake_value *stored = rw_intake_get(lint->intake, "data.stored");
    struct rw_span database = rw_intake_text(lint->intake, "infrastructure.database");
    if (!told && stored->there && database.len)
        check_limit(lint, stored, rw_lint_clause(database, 0), rw_intake_number(stored));
}

/* ---- Borders ---- */

void rw_lint_cross_border(struct rw_lint *lint)
{
    const struct rw_lint_site *inside = NULL, *outside = NULL;
    for (size_t i = 0; i < lint->site_count; i++)
        *(lint->sites[i].place->mainland ? &inside : &outside) = &lint->sites[i];
    if (inside && outside)
        rw_lint_tell(
            lint, &(struct rw_lint_hit){
                      .value = outside->value,
                      .claimed = rw_lint_quantity(rw_lint_distance(inside->place, outside->place),
                                                  RW_UNIT_KILOMETRES),
                      .possible = rw_lint_quantity(
                          rw_lint_round_trip(rw_lint_distance(inside->place, outside->place)),
                          RW_UNIT_SECONDS),
                      .subject = rw_lint_format(lint, "%.*s – %.*s", RW_SPAN_ARGS(inside->name),
                                                RW_SPAN_ARGS(outside->name))});
}

/* ---- Shares of the sites ---- */

void rw_lint_sites_sum(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *sites = rw_intake_rows(lint->intake, "sites", &count);
    const struct rw_intake_value *last = NULL;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *share = rw_intake_in(&sites[i], "share");
        if (!share->there)
            return; /* the others may be what is left */
        last = share;
        sum += rw_intake_number(share);
    }
    if (last && fabs(sum - 1) > 0.005)
        rw_lint_tell(lint, &(struct rw_lint_hit){.value = last,
                                                 .claimed = rw_lint_quantity(sum, RW_UNIT_SHARE),
                                                 .possible = rw_lint_quantity(1, RW_UNIT_SHARE)});
}
