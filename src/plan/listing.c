#include "plan/listing.h"

/* The rows of the table of tiers. */
static const struct row {
    const char *prefix, *name;
} rows[] = {
    {"sizing", "zones"},
    {"sizing", "regions"},
    {"sizing", "app_nodes"},
    {"sizing", "gateway_nodes"},
    {"sizing", "database_nodes"},
    {"sizing", "nodes"},
    {"sizing", "storage_billed"},
    {"sizing", "egress_month"},
    {"sizing", "utilization"},
    {"sizing", "response_tail"},
    {"sizing", "availability"},
    {"sizing", "downtime"},
    {"money", "cost_setup"},
    {"money", "cost_year"},
    {"money", "cost_term"},
    {"money", "contract"},
    {"money", "reserve"},
    {"money", "tco_subscription"},
    {"money", "tco_one_off"},
    {"money", "npv"},
    {"money", "irr"},
    {"money", "payback"},
    {"money", "roi"},
};

static void write_findings(const struct rw_plan *plan, enum rw_language language,
                           struct rw_text *text)
{
    for (unsigned i = 0; i < plan->findings.count; i++) {
        const struct rw_finding *finding = &plan->findings.at[i];
        if (finding->file && finding->place.line)
            rw_text_addf(text, "%s:%u:%u: ", finding->file, finding->place.line,
                         finding->place.column);
        rw_text_addf(text, "%s (%s): ", rw_severity_text(finding->severity, language),
                     finding->rule);
        rw_finding_write(finding, finding->text, language, text);
        rw_text_adds(text, "\n    ");
        rw_finding_write(finding, finding->action, language, text);
        rw_text_adds(text, "\n");
    }
}

static void write_row(const struct rw_plan *plan, const struct row *row, enum rw_language language,
                      struct rw_text *text)
{
    bool labelled = false;
    for (unsigned i = 0; i < plan->tier_count; i++) {
        uint32_t cell = rw_plan_find(plan, row->prefix, &plan->tiers[i], row->name);
        if (cell == RW_CELL_NONE)
            continue;
        if (!labelled)
            rw_text_addf(text,
                         "  %s: ", rw_label_in(rw_sheet_cell(&plan->sheet, cell)->label, language));
        rw_text_adds(text, labelled ? " | " : "");
        rw_quantity_write(text, rw_sheet_quantity(&plan->sheet, cell), language);
        labelled = true;
    }
    rw_text_adds(text, labelled ? "\n" : "");
}

static void write_tiers(const struct rw_plan *plan, enum rw_language language, struct rw_text *text)
{
    rw_text_adds(text, language == RW_LANGUAGE_ZH ? "\n档次: " : "\nTiers: ");
    for (unsigned i = 0; i < plan->tier_count; i++)
        rw_text_addf(text, "%s%s", i ? " | " : "", rw_label_in(plan->tiers[i].label, language));
    rw_text_adds(text, "\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        write_row(plan, &rows[i], language, text);
}

static void write_range(const struct rw_plan *plan, const struct rw_draws_range *range,
                        enum rw_language language, struct rw_text *text)
{
    if (range->cell == RW_CELL_NONE)
        return;
    const struct rw_cell *cell = rw_sheet_cell(&plan->sheet, range->cell);
    struct rw_quantity quantity = rw_sheet_quantity(&plan->sheet, range->cell);
    double quantiles[] = {range->low, range->median, range->high};
    rw_text_addf(text, "    %s (10/50/90 %%): ", rw_label_in(cell->label, language));
    for (int i = 0; i < 3; i++) {
        quantity.value = quantiles[i];
        rw_text_adds(text, i ? " | " : "");
        rw_quantity_write(text, quantity, language);
    }
    rw_text_adds(text, "\n");
}

static void write_outlook(const struct rw_plan *plan, enum rw_language language,
                          struct rw_text *text)
{
    if (!plan->outlook.draws)
        return;
    rw_text_addf(text,
                 language == RW_LANGUAGE_ZH ? "\n%u 次抽样（种子 %llu）\n"
                                            : "\n%u draws (seed %llu)\n",
                 plan->outlook.draws, (unsigned long long)plan->outlook.seed);
    for (unsigned i = 0; i < plan->tier_count; i++) {
        const struct rw_outlook_tier *tier = &plan->outlook.tiers[i];
        rw_text_addf(text, "  %s\n", rw_label_in(plan->tiers[i].label, language));
        write_range(plan, &tier->cost, language, text);
        write_range(plan, &tier->npv, language, text);
        write_range(plan, &tier->roi, language, text);
    }
}

/* The causes of what is missing among the rows above, each once. */
static void write_missing(struct rw_plan *plan, enum rw_language language, struct rw_text *text)
{
    enum { causes_max = 200 };
    uint32_t causes[causes_max];
    unsigned count = 0;
    for (unsigned i = 0; i < plan->tier_count; i++)
        for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
            uint32_t found[causes_max];
            uint32_t cell = rw_plan_find(plan, rows[k].prefix, &plan->tiers[i], rows[k].name);
            unsigned more = rw_sheet_missing(&plan->sheet, cell, found, causes_max);
            for (unsigned m = 0; m < more && m < causes_max; m++) {
                bool known = count == causes_max;
                for (unsigned c = 0; c < count && !known; c++)
                    known = causes[c] == found[m];
                if (!known)
                    causes[count++] = found[m];
            }
        }
    if (count)
        rw_text_adds(text, language == RW_LANGUAGE_ZH ? "\n缺失：\n" : "\nMissing:\n");
    for (unsigned c = 0; c < count; c++) {
        const struct rw_cell *cell = rw_sheet_cell(&plan->sheet, causes[c]);
        rw_text_addf(text, "  %s: %s: %s\n", cell->id, rw_label_in(cell->label, language),
                     rw_label_in(cell->reason, language));
    }
}

void rw_listing_write(struct rw_plan *plan, enum rw_language language, struct rw_text *text)
{
    write_findings(plan, language, text);
    write_tiers(plan, language, text);
    write_outlook(plan, language, text);
    write_missing(plan, language, text);
}
