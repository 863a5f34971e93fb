/* All cells and findings as JSON. */
#include "plan/listing.h"

static void member(struct rw_text *text, const char *name, const char *value)
{
    if (!value || value[0] == '\0')
        return;
    rw_text_addf(text, ", \"%s\": ", name);
    rw_text_add_json(text, rw_span_text(value));
}

static void number(struct rw_text *text, const char *name, double value)
{
    rw_text_addf(text, ", \"%s\": ", name);
    rw_number_write(text, value);
}

static void label(struct rw_text *text, const char *name, struct rw_label both)
{
    if (!both.en)
        return;
    rw_text_addf(text, ", \"%s\": {\"en\": ", name);
    rw_text_add_json(text, rw_span_text(both.en));
    rw_text_adds(text, ", \"zh\": ");
    rw_text_add_json(text, rw_span_text(both.zh));
    rw_text_adds(text, "}");
}

static void place(struct rw_text *text, const char *file, struct rw_conf_place at)
{
    member(text, "file", file);
    if (at.line)
        rw_text_addf(text, ", \"line\": %u, \"column\": %u", at.line, at.column);
}

static void write_formula(const struct rw_plan *plan, uint32_t index, struct rw_text *text)
{
    const struct rw_cell *cell = &plan->sheet.cells[index];
    struct rw_text both[2] = {{0}, {0}};
    if (!cell->formula)
        return;
    for (int i = 0; i < 2; i++)
        rw_sheet_formula_write(&plan->sheet, index, i ? RW_LANGUAGE_ZH : RW_LANGUAGE_EN, &both[i]);
    text->err = text->err ? text->err : both[0].err ? both[0].err : both[1].err;
    if (!text->err && both[0].at && both[1].at)
        label(text, "formula", (struct rw_label){both[0].at, both[1].at});
    rw_text_free(&both[0]);
    rw_text_free(&both[1]);
    member(text, "model", cell->formula->model);
    rw_text_adds(text, ", \"inputs\": [");
    for (unsigned i = 0; i < cell->input_count; i++) {
        rw_text_adds(text, i ? ", " : "");
        rw_text_add_json(text, rw_span_text(plan->sheet.cells[cell->inputs[i]].id));
    }
    rw_text_adds(text, "]");
}

static void write_spread(const struct rw_cell *cell, struct rw_text *text)
{
    static const char *const shapes[] = {"", "triangular", "normal", "lognormal", "uniform"};
    if (cell->spread.shape == RW_SPREAD_NONE)
        return;
    rw_text_addf(text, ", \"spread\": {\"shape\": \"%s\"", shapes[cell->spread.shape]);
    number(text, "low", cell->spread.low);
    number(text, "mode", cell->spread.mode);
    number(text, "high", cell->spread.high);
    rw_text_adds(text, "}");
}

static void write_cell(const struct rw_plan *plan, uint32_t index, struct rw_text *text)
{
    const struct rw_cell *cell = &plan->sheet.cells[index];
    rw_text_adds(text, index ? ",\n    {\"id\": " : "\n    {\"id\": ");
    rw_text_add_json(text, rw_span_text(cell->id));
    label(text, "label", cell->label);
    member(text, "unit", rw_unit_name(cell->unit));
    member(text, "currency", cell->currency);
    member(text, "per", cell->per);
    member(text, "origin", rw_origin_kind_text(cell->origin, RW_LANGUAGE_EN));
    number(text, "value", cell->value);
    write_formula(plan, index, text);
    label(text, "reason", cell->reason);
    member(text, "source", cell->source);
    place(text, cell->file, cell->place);
    write_spread(cell, text);
    rw_text_adds(text, "}");
}

static void write_quantity(struct rw_text *text, const struct rw_plan *plan,
                           const struct rw_finding *finding, unsigned index)
{
    const struct rw_quantity *quantity = &finding->numbers[index];
    rw_text_addf(text, "%s{\"unit\": \"%s\"", index ? ", " : "", rw_unit_name(quantity->unit));
    number(text, "value", quantity->value);
    member(text, "currency", quantity->currency);
    if (finding->cells[index] < plan->sheet.count)
        member(text, "cell", plan->sheet.cells[finding->cells[index]].id);
    rw_text_adds(text, "}");
}

static void write_filled(const struct rw_finding *finding, const char *name,
                         struct rw_label template, struct rw_text *text)
{
    struct rw_text both[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++)
        rw_finding_write(finding, template, i ? RW_LANGUAGE_ZH : RW_LANGUAGE_EN, &both[i]);
    text->err = text->err ? text->err : both[0].err ? both[0].err : both[1].err;
    if (!text->err && both[0].at && both[1].at)
        label(text, name, (struct rw_label){both[0].at, both[1].at});
    rw_text_free(&both[0]);
    rw_text_free(&both[1]);
}

static void write_finding(const struct rw_plan *plan, unsigned index, struct rw_text *text)
{
    const struct rw_finding *finding = &plan->findings.at[index];
    rw_text_adds(text, index ? ",\n    {\"rule\": " : "\n    {\"rule\": ");
    rw_text_add_json(text, rw_span_text(finding->rule));
    member(text, "severity", rw_severity_text(finding->severity, RW_LANGUAGE_EN));
    member(text, "subject", finding->subject);
    write_filled(finding, "text", finding->text, text);
    write_filled(finding, "action", finding->action, text);
    rw_text_adds(text, ", \"numbers\": [");
    write_quantity(text, plan, finding, 0);
    write_quantity(text, plan, finding, 1);
    rw_text_adds(text, "]");
    member(text, "source", finding->source);
    place(text, finding->file, finding->place);
    rw_text_adds(text, "}");
}

static void write_range(struct rw_text *text, const char *name, const struct rw_draws_range *range)
{
    if (range->cell == RW_CELL_NONE)
        return;
    rw_text_addf(text, ", \"%s\": {\"draws\": true", name);
    number(text, "p10", range->low);
    number(text, "p50", range->median);
    number(text, "p90", range->high);
    number(text, "mean", range->mean);
    number(text, "below_zero", range->below_zero);
    number(text, "within_plan", range->within_plan);
    number(text, "unbounded", range->unbounded);
    rw_text_adds(text, "}");
}

static void write_tier(const struct rw_plan *plan, unsigned index, struct rw_text *text)
{
    const struct rw_tier *tier = &plan->tiers[index];
    const struct rw_outlook_tier *outlook = &plan->outlook.tiers[index];
    rw_text_addf(text, "%s\n    {\"id\": \"%s\"", index ? "," : "", tier->id);
    label(text, "name", tier->label);
    member(text, "profile", tier->profile->name);
    if (plan->outlook.draws) {
        write_range(text, "npv", &outlook->npv);
        write_range(text, "roi", &outlook->roi);
        write_range(text, "cost_term", &outlook->cost);
    }
    rw_text_adds(text, ", \"swings\": [");
    for (unsigned i = 0; i < outlook->swing_count; i++) {
        const struct rw_swing *swing = &outlook->swings[i];
        rw_text_addf(text, "%s{\"of\": \"%s\"", i ? ", " : "",
                     plan->sheet.cells[outlook->swing_cell].id);
        member(text, "input", plan->sheet.cells[swing->input].id);
        number(text, "low", swing->low);
        number(text, "high", swing->high);
        number(text, "at_low", swing->at_low);
        number(text, "at_high", swing->at_high);
        rw_text_adds(text, "}");
    }
    rw_text_adds(text, "]}");
}

void rw_listing_write_json(struct rw_plan *plan, struct rw_text *text)
{
    rw_text_adds(text, "{\n  \"schema\": \"ringway.plan/1\"");
    if (!isnan(plan->terms.date)) {
        rw_text_adds(text, ",\n  \"date\": \"");
        rw_quantity_write(text, (struct rw_quantity){plan->terms.date, RW_UNIT_DATE, NULL, NULL},
                          RW_LANGUAGE_EN);
        rw_text_adds(text, "\"");
    }
    rw_text_addf(text, ",\n  \"currency\": \"%s\",\n  \"draws\": %u,\n  \"seed\": %llu",
                 plan->sheet.currency, plan->outlook.draws, (unsigned long long)plan->outlook.seed);
    rw_text_adds(text, ",\n  \"tiers\": [");
    for (unsigned i = 0; i < plan->tier_count; i++)
        write_tier(plan, i, text);
    rw_text_adds(text, "\n  ],\n  \"findings\": [");
    for (unsigned i = 0; i < plan->findings.count; i++)
        write_finding(plan, i, text);
    rw_text_adds(text, "\n  ],\n  \"cells\": [");
    for (uint32_t i = 0; i < plan->sheet.count; i++)
        write_cell(plan, i, text);
    rw_text_adds(text, "\n  ]\n}\n");
}
