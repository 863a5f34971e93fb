/* What has to be there: the load that all tiers share, and what each tier needs for it. */
#include "plan/proposal/chapters.h"

/* "sizing.rate_peak", and not "sizing.t1.nodes": no further dot. */
static bool is_shared(const struct rw_cell *cell)
{
    struct rw_span id = rw_span_text(cell->id);
    ptrdiff_t dot = rw_span_find(id, '.');
    return dot >= 0 && rw_span_find(rw_span_skip(id, (size_t)dot + 1), '.') < 0;
}

static void put_shared(struct rw_proposal *proposal)
{
    struct rw_doc *doc = proposal->doc;
    struct rw_doc_table *table = rw_doc_table(
        doc, rw_proposal_say(proposal, RW_TEXTS("Load, the same for all tiers", "各档共同的负载")),
        (struct rw_span){"", 0});
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_word(doc, RW_SAY_LABEL),
                  (struct rw_span){"", 0});
    rw_doc_column(doc, table, RW_DOC_NUMBER, rw_doc_word(doc, RW_SAY_VALUE),
                  (struct rw_span){"", 0});
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_word(doc, RW_SAY_FORMULA),
                  (struct rw_span){"", 0});
    uint32_t at = 0, number;
    while ((number = rw_proposal_next(proposal, "sizing.", &at)) != RW_CELL_NONE) {
        const struct rw_cell *cell = rw_sheet_cell(&proposal->plan->sheet, number);
        if (!is_shared(cell) || cell->origin != RW_ORIGIN_COMPUTED)
            continue;
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        rw_doc_words(doc, &cells[0], rw_proposal_say(proposal, cell->label));
        rw_proposal_put(proposal, &cells[1], number);
        if (!doc->err)
            rw_doc_words(doc, &cells[2], doc->figures[number + 1].formula);
    }
}

static const struct node_kind {
    const char *name;
    struct rw_label label;
} node_kinds[] = {
    {"app_nodes", RW_LABEL("Application", "应用")},
    {"app_nodes_standby", RW_LABEL("Application, standby", "应用（待命）")},
    {"gateway_nodes", RW_LABEL("Gateway", "网关")},
    {"gateway_nodes_standby", RW_LABEL("Gateway, standby", "网关（待命）")},
    {"database_nodes", RW_LABEL("Database", "数据库")},
    {"database_nodes_standby", RW_LABEL("Database, standby", "数据库（待命）")},
    {"cache_nodes", RW_LABEL("Cache", "缓存")},
};

enum { node_kind_count = sizeof(node_kinds) / sizeof(node_kinds[0]) };

static void put_nodes(struct rw_proposal *proposal)
{
    struct rw_doc_chart *chart = rw_doc_chart(
        proposal->doc, RW_DOC_STACKED,
        rw_proposal_say(proposal, RW_TEXTS("Nodes of the tiers by their work", "各档节点构成")),
        rw_proposal_say(proposal, RW_TEXTS("nodes", "节点")));
    for (size_t i = 0; i < node_kind_count; i++)
        rw_doc_series(proposal->doc, chart, rw_proposal_say(proposal, node_kinds[i].label));
    for (unsigned i = 0; i < proposal->plan->tier_count; i++) {
        const struct rw_tier *tier = &proposal->plan->tiers[i];
        struct rw_doc_point *point =
            rw_doc_point(proposal->doc, chart, rw_proposal_say(proposal, tier->label));
        for (size_t k = 0; k < node_kind_count; k++)
            point->values[k] =
                rw_sheet_value(&proposal->plan->sheet,
                               rw_plan_find(proposal->plan, "sizing", tier, node_kinds[k].name));
    }
}

void rw_proposal_sizing(struct rw_proposal *proposal)
{
    static const struct rw_proposal_row rows[] = {
        {"sizing", "zones"},          {"sizing", "regions"},
        {"sizing", "app_nodes"},      {"sizing", "app_nodes_standby"},
        {"sizing", "gateway_nodes"},  {"sizing", "gateway_nodes_standby"},
        {"sizing", "database_nodes"}, {"sizing", "database_nodes_standby"},
        {"sizing", "database_cores"}, {"sizing", "cache_nodes"},
        {"sizing", "cache_cores"},    {"sizing", "nodes"},
        {"sizing", "cores"},          {"sizing", "memory"},
        {"sizing", "storage_hot"},    {"sizing", "storage_cold"},
        {"sizing", "storage_backup"}, {"sizing", "storage_billed"},
        {"sizing", "egress_month"},   {"sizing", "transfer_month"},
        {"sizing", "link"},           {"sizing", "utilization"},
        {"sizing", "response"},       {"sizing", "response_tail"},
        {"sizing", "availability"},   {"sizing", "downtime"},
        {"sizing", "recovery"},
    };
    uint32_t at = 0;
    if (rw_proposal_next(proposal, "sizing.", &at) == RW_CELL_NONE)
        return;
    rw_doc_section(proposal->doc, 1, RW_TEXTS("Sizing", "容量规划"));
    rw_doc_section(proposal->doc, 2, RW_TEXTS("The load", "负载"));
    put_shared(proposal);
    rw_doc_section(proposal->doc, 2, RW_TEXTS("What each tier needs", "各档所需资源"));
    rw_proposal_tier_table(proposal, RW_TEXTS("Resources and what they give", "资源与能力"), rows,
                           sizeof(rows) / sizeof(rows[0]));
    if (proposal->plan->tier_count)
        put_nodes(proposal);
}
