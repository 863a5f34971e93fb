/* What has to be there: the load that all tiers share, and what each tier needs for it. */
#include "plan/proposal/chapters.h"

#include <stdio.h>

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

/* ---- Year by year ---- */

/* The cell of a year: the last one has no year behind its id. */
static uint32_t of_year(const struct rw_proposal *proposal, const char *id, unsigned year)
{
    char name[128];
    bool last = year == rw_plan_term(proposal->plan);
    snprintf(name, sizeof(name), last ? "%s" : "%s.%u", id, year);
    return rw_sheet_find(&proposal->plan->sheet, name);
}

static void put_growing(struct rw_proposal *proposal, struct rw_doc_table *table,
                        struct rw_label label, const char *id)
{
    if (rw_sheet_find(&proposal->plan->sheet, id) == RW_CELL_NONE)
        return;
    struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
    rw_doc_words(proposal->doc, &cells[0], rw_proposal_say(proposal, label));
    for (unsigned year = 1; year <= rw_plan_term(proposal->plan); year++)
        rw_proposal_put(proposal, &cells[year], of_year(proposal, id, year));
}

static void put_growth(struct rw_proposal *proposal)
{
    static const struct {
        const char *name;
        struct rw_label label;
    } shared[] = {
        {"rate_peak", RW_LABEL("Peak rate", "峰值速率")},
        {"connections", RW_LABEL("Open connections at the peak", "峰值连接数")},
        {"data_raw", RW_LABEL("All data, raw", "全部数据原始量")},
    };
    struct rw_doc *doc = proposal->doc;
    const struct rw_plan *plan = proposal->plan;
    bool zh = proposal->language == RW_LANGUAGE_ZH;
    struct rw_doc_table *table =
        rw_doc_table(doc,
                     rw_proposal_say(proposal, RW_TEXTS("Each year, for the load at its end",
                                                        "逐年规模（按年末负载）")),
                     (struct rw_span){"", 0});
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_word(doc, RW_SAY_LABEL),
                  (struct rw_span){"", 0});
    for (unsigned year = 1; year <= rw_plan_term(plan); year++)
        rw_doc_column(doc, table, RW_DOC_NUMBER,
                      rw_doc_format(doc, zh ? "第 %u 年" : "Year %u", year),
                      (struct rw_span){"", 0});
    char id[64];
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        snprintf(id, sizeof(id), "sizing.%s", shared[i].name);
        put_growing(proposal, table, shared[i].label, id);
    }
    for (unsigned i = 0; i < plan->tier_count; i++) {
        struct rw_span tier = rw_proposal_say(proposal, plan->tiers[i].label);
        rw_doc_group(doc, table, tier);
        snprintf(id, sizeof(id), "sizing.%s.nodes", plan->tiers[i].id);
        put_growing(proposal, table, (struct rw_label)RW_LABEL("All nodes", "节点总数"), id);
        snprintf(id, sizeof(id), "sizing.%s.storage_billed", plan->tiers[i].id);
        put_growing(proposal, table,
                    (struct rw_label)RW_LABEL("Storage that is paid for", "计费存储总量"), id);
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
    if (rw_plan_term(proposal->plan) > 1)
        put_growth(proposal);
}
