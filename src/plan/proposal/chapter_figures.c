/* Every cell of the sheet as a figure of the document, in the sheet's order. */
#include "plan/proposal/chapters.h"

#include "base/alloc.h"

static const enum rw_doc_origin origins[] = {
    [RW_ORIGIN_GIVEN] = RW_DOC_GIVEN,       [RW_ORIGIN_ASSUMED] = RW_DOC_ASSUMED,
    [RW_ORIGIN_MEASURED] = RW_DOC_MEASURED, [RW_ORIGIN_DATA] = RW_DOC_DATA,
    [RW_ORIGIN_COMPUTED] = RW_DOC_COMPUTED,
};

/* Where a cell that is not computed comes from, or why it is what it is. */
static void write_source(const struct rw_cell *cell, enum rw_language language,
                         struct rw_text *text)
{
    if (cell->set)
        rw_text_adds(text, rw_label_in(RW_TEXTS("set by --set. ", "由 --set 设定。"), language));
    if (cell->origin == RW_ORIGIN_GIVEN && cell->file && cell->place.line)
        rw_text_addf(text, "%s:%u:%u", rw_proposal_file(cell->file), cell->place.line,
                     cell->place.column);
    bool twice = cell->source && cell->reason.en && strcmp(cell->source, cell->reason.en) == 0;
    if (cell->source && cell->origin != RW_ORIGIN_GIVEN && !twice)
        rw_text_adds(text, cell->source);
    if (cell->origin == RW_ORIGIN_ASSUMED || isnan(cell->value))
        rw_text_addf(text, "%s%s", text->len ? "; " : "", rw_label_in(cell->reason, language));
}

static unsigned *figures_of(const struct rw_cell *cell, struct rw_doc *doc)
{
    if (cell->input_count == 0)
        return NULL;
    unsigned *inputs = rw_alloc(cell->input_count * sizeof(*inputs));
    if (!inputs)
        doc->err = RW_ENOMEM;
    for (unsigned i = 0; inputs && i < cell->input_count; i++)
        inputs[i] = cell->inputs[i] + 1;
    return inputs;
}

static void add_cell(struct rw_proposal *proposal, uint32_t number)
{
    struct rw_doc *doc = proposal->doc;
    const struct rw_sheet *sheet = &proposal->plan->sheet;
    const struct rw_cell *cell = rw_sheet_cell(sheet, number);
    struct rw_text formula = {0}, source = {0};
    rw_sheet_formula_write(sheet, number, proposal->language, &formula);
    write_source(cell, proposal->language, &source);
    unsigned *inputs = figures_of(cell, doc);
    struct rw_quantity quantity = rw_sheet_quantity(sheet, number);
    struct rw_doc_figure figure = {
        .id = rw_span_text(cell->id),
        .label = rw_proposal_phrase(proposal,
                                    rw_span_text(rw_label_in(cell->label, proposal->language))),
        .value = rw_proposal_quantity(proposal, quantity),
        .unit = rw_span_text(quantity.currency ? quantity.currency : ""),
        .number = quantity.value,
        .origin = cell->origin == RW_ORIGIN_GIVEN && isnan(cell->value) ? RW_DOC_ABSENT
                                                                        : origins[cell->origin],
        .formula = rw_proposal_phrase(proposal, rw_text_span(&formula)),
        .source = rw_proposal_phrase(proposal, rw_text_span(&source)),
        .inputs = inputs,
        .input_count = cell->input_count,
    };
    if (!doc->err && (formula.err || source.err))
        doc->err = RW_ENOMEM;
    rw_doc_figure(doc, &figure);
    rw_free(inputs);
    rw_text_free(&formula);
    rw_text_free(&source);
}

void rw_proposal_figures(struct rw_proposal *proposal)
{
    for (uint32_t i = 0; i < proposal->plan->sheet.count && !proposal->doc->err; i++)
        add_cell(proposal, i);
}
