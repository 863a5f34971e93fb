#include "plan/facts/reference.h"

#include "plan/facts/embed.h"

#define FIELD(type, name, kind, required, member)                                                  \
    {                                                                                              \
        name, kind, required, offsetof(struct type, member)                                        \
    }

struct raw_model {
    const char *id, *name_en, *name_zh, *group;
    const struct rw_conf_node *formula, *valid_when, *source, *other;
};

static const struct rw_facts_field model_fields[] = {
    FIELD(raw_model, "id", RW_FACTS_TEXT, true, id),
    FIELD(raw_model, "name_en", RW_FACTS_TEXT, true, name_en),
    FIELD(raw_model, "name_zh", RW_FACTS_TEXT, true, name_zh),
    FIELD(raw_model, "group", RW_FACTS_TEXT, true, group),
    FIELD(raw_model, "formula", RW_FACTS_NODE, true, formula),
    FIELD(raw_model, "valid_when", RW_FACTS_NODE, true, valid_when),
    FIELD(raw_model, "source", RW_FACTS_NODE, true, source),
    FIELD(raw_model, "variables", RW_FACTS_NODE, true, other),
    FIELD(raw_model, "use_in_plan", RW_FACTS_NODE, true, other),
    FIELD(raw_model, "test_vectors", RW_FACTS_NODE, true, other),
    FIELD(raw_model, "alert_table", RW_FACTS_NODE, false, other),
    FIELD(raw_model, "cost_lines", RW_FACTS_NODE, false, other),
    {0},
};
static const struct rw_facts_record model_record = {"model", model_fields, sizeof(struct raw_model),
                                                    -1};

static const struct rw_facts_field lifecycle_fields[] = {
    FIELD(rw_lifecycle, "component", RW_FACTS_TEXT, true, component),
    FIELD(rw_lifecycle, "version", RW_FACTS_TEXT, true, version),
    FIELD(rw_lifecycle, "end_of_support", RW_FACTS_DAY, true, end),
    FIELD(rw_lifecycle, "extended_support_end", RW_FACTS_DAY, false, extended),
    FIELD(rw_lifecycle, "note", RW_FACTS_TEXT, false, note),
    FIELD(rw_lifecycle, "source", RW_FACTS_TEXT, false, source),
    {0},
};
static const struct rw_facts_record lifecycle_record = {"lifecycle row", lifecycle_fields,
                                                        sizeof(struct rw_lifecycle),
                                                        offsetof(struct rw_lifecycle, place)};

static const struct rw_facts_field limit_fields[] = {
    FIELD(rw_product_limit, "product", RW_FACTS_TEXT, true, product),
    FIELD(rw_product_limit, "limit", RW_FACTS_TEXT, true, limit),
    FIELD(rw_product_limit, "source", RW_FACTS_TEXT, true, source),
    FIELD(rw_product_limit, "note", RW_FACTS_TEXT, false, note),
    {0},
};
static const struct rw_facts_record limit_record = {"product limit", limit_fields,
                                                    sizeof(struct rw_product_limit), -1};

static const struct rw_facts_field distance_fields[] = {
    FIELD(rw_distance, "from", RW_FACTS_TEXT, true, from),
    FIELD(rw_distance, "to", RW_FACTS_TEXT, true, to),
    FIELD(rw_distance, "km", RW_FACTS_NUMBER, true, kilometres),
    FIELD(rw_distance, "rtt_min_ms", RW_FACTS_NUMBER, true, rtt_ms_min),
    {0},
};
static const struct rw_facts_record distance_record = {"distance", distance_fields,
                                                       sizeof(struct rw_distance), -1};

/* The source of a model is a text, or a mapping with urls, a second place, a note. */
static const char *model_source(const struct rw_conf_node *source)
{
    if (source->kind == RW_CONF_NODE_SCALAR)
        return source->text.at;
    const struct rw_conf_entry *urls = rw_conf_tree_entries(rw_conf_tree_at(source, "urls"));
    if (urls && urls->node->kind == RW_CONF_NODE_SCALAR)
        return urls->node->text.at;
    struct rw_span also = rw_conf_tree_text(source, "also");
    return also.len ? also.at : rw_conf_tree_text(source, "note").at;
}

static enum rw_err fill_models(struct rw_reference *reference, const struct raw_model *rows)
{
    if (reference->model_count == 0)
        return RW_OK;
    reference->models =
        rw_arena_zero(&reference->arena, reference->model_count * sizeof(*reference->models));
    if (!reference->models)
        return RW_ENOMEM;
    for (unsigned i = 0; i < reference->model_count; i++)
        reference->models[i] = (struct rw_model_fact){
            .id = rows[i].id,
            .name = {rows[i].name_en, rows[i].name_zh},
            .formula = rows[i].formula,
            .valid_when = rows[i].valid_when,
            .source = model_source(rows[i].source),
        };
    return RW_OK;
}

static enum rw_err read_lifecycle_source(struct rw_reference *reference)
{
    const struct rw_conf_node *root = rw_conf_tree_at(reference->tree.root, "component_lifecycle");
    const struct rw_conf_node *source = rw_conf_tree_at(root, "source");
    reference->lifecycle_source =
        rw_arena_format(&reference->arena, "%s, %s", rw_conf_tree_text(source, "repo").at,
                        rw_conf_tree_text(source, "date").at)
            .at;
    return reference->lifecycle_source ? RW_OK : RW_ENOMEM;
}

static enum rw_err decode(struct rw_reference *reference, struct rw_conf_report *report)
{
    const struct rw_conf_node *root = reference->tree.root;
    struct rw_arena *arena = &reference->arena;
    const struct rw_conf_node *rows =
        rw_conf_tree_at(rw_conf_tree_at(root, "component_lifecycle"), "rows");
    void *models = NULL, *lifecycles = NULL, *limits = NULL, *distances = NULL;
    enum rw_err err = rw_facts_decode_list(&model_record, rw_conf_tree_at(root, "models"), arena,
                                           report, &models, &reference->model_count);
    if (!err)
        err = fill_models(reference, models);
    if (!err)
        err = rw_facts_decode_list(&lifecycle_record, rows, arena, report, &lifecycles,
                                   &reference->lifecycle_count);
    if (!err)
        err = rw_facts_decode_list(&limit_record, rw_conf_tree_at(root, "product_limits"), arena,
                                   report, &limits, &reference->limit_count);
    if (!err)
        err = rw_facts_decode_list(&distance_record, rw_conf_tree_at(root, "distance_floors"),
                                   arena, report, &distances, &reference->distance_count);
    reference->lifecycles = lifecycles;
    reference->limits = limits;
    reference->distances = distances;
    return err ? err : read_lifecycle_source(reference);
}

enum rw_err rw_reference_load(struct rw_reference *reference, struct rw_conf_report *report)
{
    *reference = (struct rw_reference){0};
    rw_arena_init(&reference->arena, NULL, 0, 64 << 10, RW_REFERENCE_BYTES_MAX);
    enum rw_err err =
        rw_conf_tree_read(rw_facts_embedded(RW_FACTS_MODELS), rw_facts_file_name(RW_FACTS_MODELS),
                          &reference->arena, &reference->tree, report);
    if (!err)
        err = decode(reference, report);
    if (!err && report->err)
        err = report->err;
    return !err && report->count ? RW_EINVAL : err;
}

void rw_reference_free(struct rw_reference *reference)
{
    rw_conf_tree_free(&reference->tree);
    rw_arena_free(&reference->arena);
    *reference = (struct rw_reference){0};
}

const struct rw_model_fact *rw_reference_model(const struct rw_reference *reference, const char *id)
{
    for (unsigned i = 0; i < reference->model_count; i++)
        if (strcmp(reference->models[i].id, id) == 0)
            return &reference->models[i];
    return NULL;
}

const struct rw_lifecycle *rw_reference_lifecycle(const struct rw_reference *reference,
                                                  const char *component, const char *version)
{
    for (unsigned i = 0; i < reference->lifecycle_count; i++)
        if (strcmp(reference->lifecycles[i].component, component) == 0 &&
            strcmp(reference->lifecycles[i].version, version) == 0)
            return &reference->lifecycles[i];
    return NULL;
}

/* ---- Regions ---- */

enum { REGIONS_MAX = 256 };

enum rw_region_answer rw_reference_region(const struct rw_reference *reference,
                                          const char *provider, struct rw_span name,
                                          const char **nearest)
{
    /* Only Azure's list is that of all (public) regions. */
    bool azure = strcmp(provider, "azure") == 0;
    bool amazon = strcmp(provider, "aws") == 0 || strcmp(provider, "aws_cn") == 0;
    const char *key = azure ? "azure_public" : amazon ? "aws_seen_in_prices" : "";
    const struct rw_conf_node *lists = rw_conf_tree_at(reference->tree.root, "region_names");
    const struct rw_conf_node *names = rw_conf_tree_at(rw_conf_tree_at(lists, key), "names");
    const char *known[REGIONS_MAX];
    size_t count = 0;
    if (nearest)
        *nearest = NULL;
    for (const struct rw_conf_entry *e = rw_conf_tree_entries(names); e; e = e->next) {
        if (rw_span_eq_nocase(e->node->text, name))
            return RW_REGION_EXISTS;
        if (count < REGIONS_MAX)
            known[count++] = e->node->text.at;
    }
    if (nearest)
        *nearest = rw_conf_nearest(name, known, count);
    return azure ? RW_REGION_UNKNOWN : RW_REGION_UNDECIDABLE;
}
