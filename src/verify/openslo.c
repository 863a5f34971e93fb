#include "verify/openslo.h"

#include "conf/file.h"
#include "conf/scalar.h"
#include "conf/tree.h"
#include "verify/target.h"

#include <math.h>

enum { WINDOW_DAYS_USUAL = 30 };

struct reading {
    const char *path;
    struct rw_arena *arena;
    struct rw_conf_list *targets;
    struct rw_text *mistakes;
    enum rw_err err;
};

static void tell(struct reading *reading, const struct rw_conf_node *node, const char *what)
{
    rw_text_addf(reading->mistakes, "%s:%u:%u: %s\n", reading->path, node->place.line,
                 node->place.column, what);
    reading->err = reading->err ? reading->err : RW_EINVAL;
}

/* ---- Values ---- */

static bool read_number(struct rw_span text, double *value)
{
    static const struct rw_conf_field field = {.type = RW_CONF_NUMBER};
    struct rw_conf_complaint complaint;
    return rw_conf_scalar(&field, text, value, &complaint);
}

/* The bound of the next bucket in a query, and what stands behind it; NaN: there is none. */
static double next_bucket(struct rw_span *query)
{
    double seconds;
    for (size_t i = 0; i + 4 < query->len; i++) {
        struct rw_span rest = rw_span_skip(*query, i);
        if (!rw_span_starts(rest, RW_LITERAL("le=\"")))
            continue;
        rest = rw_span_skip(rest, 4);
        ptrdiff_t end = rw_span_find(rest, '"');
        if (end > 0 && read_number(rw_span(rest.at, (size_t)end), &seconds)) {
            *query = rw_span_skip(rest, (size_t)end);
            return seconds;
        }
    }
    return NAN;
}

/* The time within which a query counts answers: the bound of its bucket; or between two of them, as
 * `ringway plan` writes it: low + (high - low) * share. NaN: it has no bucket. */
static double bucket_of(struct rw_span query)
{
    double low = next_bucket(&query), high = next_bucket(&query), share;
    struct rw_span last = {0};
    for (size_t i = 0; i + 1 < query.len; i++)
        if (query.at[i] == '*' && query.at[i + 1] == ' ')
            last = rw_span_skip(query, i + 2);
    if (high > low && last.len && read_number(rw_span_trim(last), &share))
        return low + (high - low) * share;
    return low;
}

/* "90d", "4w", "1M": the durations of OpenSLO, in days. 0: it is none. */
static uint32_t days_of(struct rw_span text)
{
    static const struct {
        char unit;
        uint32_t days;
    } units[] = {{'d', 1}, {'w', 7}, {'M', 30}, {'Q', 90}, {'Y', 365}};
    uint64_t count;
    if (text.len < 2 || !rw_span_to_u64(rw_span(text.at, text.len - 1), &count) || count > 3660)
        return 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (text.at[text.len - 1] == units[i].unit)
            return (uint32_t)count * units[i].days;
    return 0;
}

static uint32_t window_of(const struct rw_conf_node *spec)
{
    const struct rw_conf_entry *window = rw_conf_tree_entries(rw_conf_tree_at(spec, "timeWindow"));
    uint32_t days = window ? days_of(rw_conf_tree_text(window->node, "duration")) : 0;
    return days ? days : WINDOW_DAYS_USUAL;
}

static struct rw_span query_of(const struct rw_conf_node *ratio)
{
    const struct rw_conf_node *good = rw_conf_tree_at(ratio, "good");
    const struct rw_conf_node *source = rw_conf_tree_at(good, "metricSource");
    struct rw_span query = rw_conf_tree_text(rw_conf_tree_at(source, "spec"), "query");
    return query.at ? query : RW_LITERAL("");
}

/* ---- Targets ---- */

static struct rw_verify_target *add_target(struct reading *reading, enum rw_verify_target_kind kind,
                                           size_t value_bytes)
{
    struct rw_conf_list *list = reading->targets;
    if (list->count >= RW_ACCEPTANCE_TARGETS_MAX) {
        reading->err = RW_ELIMIT;
        return NULL;
    }
    struct rw_verify_target *items =
        rw_arena_zero(reading->arena, (list->count + 1) * sizeof(*items));
    void *value = rw_arena_zero(reading->arena, value_bytes);
    if (!items || !value) {
        reading->err = RW_ENOMEM;
        return NULL;
    }
    if (list->count)
        memcpy(items, list->items, list->count * sizeof(*items));
    struct rw_verify_target *target = &items[list->count++];
    list->items = items;
    target->what = (struct rw_conf_variant){.kind = rw_target_kinds[kind], .value = value};
    return target;
}

static struct rw_span name_of(struct reading *reading, const struct rw_conf_node *slo)
{
    const struct rw_conf_node *metadata = rw_conf_tree_at(slo, "metadata");
    struct rw_span name = rw_conf_tree_text(metadata, "displayName");
    if (!name.len)
        name = rw_conf_tree_text(metadata, "name");
    return name.len ? rw_arena_copy(reading->arena, name) : RW_LITERAL("");
}

static void add_objective(struct reading *reading, const struct rw_conf_node *slo,
                          const struct rw_conf_node *objective)
{
    const struct rw_conf_node *spec = rw_conf_tree_at(slo, "spec");
    const struct rw_conf_node *indicator = rw_conf_tree_at(spec, "indicator");
    const struct rw_conf_node *ratio =
        rw_conf_tree_at(rw_conf_tree_at(indicator, "spec"), "ratioMetric");
    double share, seconds = ratio ? bucket_of(query_of(ratio)) : NAN;
    struct rw_verify_target *target;
    if (!read_number(rw_conf_tree_text(objective, "target"), &share) || share <= 0 || share >= 1) {
        tell(reading, objective, "an objective needs a `target` above 0 and below 1");
    } else if (!ratio) {
        tell(reading, objective, "only an indicator with a ratioMetric can be judged");
    } else if (isnan(seconds)) {
        target = add_target(reading, RW_TARGET_AVAILABILITY,
                            sizeof(struct rw_verify_target_availability));
        if (target)
            *(struct rw_verify_target_availability *)target->what.value =
                (struct rw_verify_target_availability){share * 100, window_of(spec)};
    } else {
        target = add_target(reading, RW_TARGET_LATENCY, sizeof(struct rw_verify_target_latency));
        if (target)
            *(struct rw_verify_target_latency *)target->what.value =
                (struct rw_verify_target_latency){share * 100,
                                                  (uint32_t)ceil(seconds * 1000 - 0.01)};
    }
    if (!reading->err) {
        struct rw_verify_target *items = reading->targets->items;
        target = &items[reading->targets->count - 1];
        target->name = name_of(reading, slo);
        target->place = objective->place;
    }
}

/* ---- Documents ---- */

static void add_document(struct reading *reading, const struct rw_conf_node *root)
{
    const struct rw_conf_node *objectives =
        rw_conf_tree_at(rw_conf_tree_at(root, "spec"), "objectives");
    if (!root || !rw_span_is(rw_conf_tree_text(root, "kind"), "SLO"))
        return;
    if (!rw_span_is(rw_conf_tree_text(root, "apiVersion"), "openslo/v1"))
        tell(reading, root, "the apiVersion is not openslo/v1");
    else if (!rw_conf_tree_entries(objectives))
        tell(reading, root, "an SLO without objectives");
    for (const struct rw_conf_entry *entry = rw_conf_tree_entries(objectives); entry;
         entry = entry->next)
        add_objective(reading, root, entry->node);
}

/* With as many empty lines before it as the file has, so that places are the file's. */
static void read_document(struct reading *reading, struct rw_span document, size_t lines_before)
{
    struct rw_conf_report report = {0};
    struct rw_conf_tree tree = {0};
    struct rw_text text = {0};
    for (size_t i = 0; i < lines_before; i++)
        rw_text_adds(&text, "\n");
    rw_text_add(&text, document);
    enum rw_err err = text.err ? text.err
                               : rw_conf_tree_read(rw_text_span(&text), reading->path,
                                                   reading->arena, &tree, &report);
    rw_conf_report_print(&report, reading->mistakes);
    reading->err = reading->err ? reading->err : err;
    if (!err)
        add_document(reading, tree.root);
    rw_conf_tree_free(&tree);
    rw_text_free(&text);
}

static bool is_separator(struct rw_span line)
{
    return rw_span_is(line, "---") || rw_span_starts(line, RW_LITERAL("--- "));
}

static void read_documents(struct reading *reading, struct rw_span text)
{
    size_t line_number = 0, begin_line = 0;
    struct rw_span rest = text;
    const char *begin = text.at;
    while (rest.len) {
        ptrdiff_t end = rw_span_find(rest, '\n');
        struct rw_span line = rw_span(rest.at, end < 0 ? rest.len : (size_t)end);
        rest = rw_span_skip(rest, end < 0 ? rest.len : (size_t)end + 1);
        line_number++;
        if (is_separator(line)) {
            read_document(reading, rw_span(begin, (size_t)(line.at - begin)), begin_line);
            begin = rest.at;
            begin_line = line_number;
        }
    }
    read_document(reading, rw_span(begin, (size_t)(text.at + text.len - begin)), begin_line);
}

enum rw_err rw_openslo_read(const char *path, struct rw_arena *arena, struct rw_conf_list *targets,
                            struct rw_text *mistakes)
{
    struct reading reading = {path, arena, targets, mistakes, RW_OK};
    struct rw_text text = {0};
    char room[48];
    enum rw_err err = rw_conf_slurp(path, RW_OPENSLO_BYTES_MAX, true, &text);
    if (err)
        rw_text_addf(mistakes, "%s: cannot be read: %s\n", path,
                     rw_conf_slurp_flaw(err, RW_OPENSLO_BYTES_MAX, room));
    else
        read_documents(&reading, rw_text_span(&text));
    rw_text_free(&text);
    return err ? err : reading.err;
}
