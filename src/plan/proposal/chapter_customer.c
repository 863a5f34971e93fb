/* The customer and the scale: what was given, as it was given. */
#include "plan/proposal/chapters.h"

static struct rw_doc_table *begin_table(struct rw_proposal *proposal, struct rw_label caption)
{
    struct rw_doc_table *table =
        rw_doc_table(proposal->doc, rw_proposal_say(proposal, caption), (struct rw_span){"", 0});
    rw_doc_column(proposal->doc, table, RW_DOC_WORDS,
                  rw_proposal_say(proposal, RW_TEXTS("Requirement", "要求")),
                  (struct rw_span){"", 0});
    rw_doc_column(proposal->doc, table, RW_DOC_NUMBER, rw_doc_word(proposal->doc, RW_SAY_VALUE),
                  (struct rw_span){"", 0});
    rw_doc_column(proposal->doc, table, RW_DOC_WORDS, rw_doc_word(proposal->doc, RW_SAY_SOURCE),
                  (struct rw_span){"", 0});
    return table;
}

static void put_given(struct rw_proposal *proposal, struct rw_doc_table *table, uint32_t number)
{
    const struct rw_cell *cell = rw_sheet_cell(&proposal->plan->sheet, number);
    if (cell->origin != RW_ORIGIN_GIVEN || isnan(cell->value))
        return;
    struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
    rw_doc_words(proposal->doc, &cells[0], rw_proposal_say(proposal, cell->label));
    rw_proposal_put(proposal, &cells[1], number);
    if (!proposal->doc->err)
        rw_doc_words(proposal->doc, &cells[2], proposal->doc->figures[number + 1].source);
}

void rw_proposal_customer(struct rw_proposal *proposal)
{
    const struct rw_terms *terms = &proposal->plan->terms;
    struct rw_doc_argument arguments[] = {
        RW_DOC_TEXT(rw_span_text(terms->customer)),
        RW_DOC_TEXT(rw_proposal_date(proposal, terms->deadline)),
    };
    rw_doc_section(proposal->doc, 1, RW_TEXTS("The customer and the scale", "客户与规模"));
    if (terms->customer)
        rw_doc_paragraph(proposal->doc, RW_TEXTS("Customer: **{0}**.", "客户：**{0}**。"),
                         arguments, 2);
    if (isfinite(terms->deadline))
        rw_doc_paragraph(proposal->doc, RW_TEXTS("Wanted by **{1}**.", "要求完成日期：**{1}**。"),
                         arguments, 2);
    rw_doc_paragraph(proposal->doc,
                     RW_TEXTS("This is what was given. What was assumed, and what is missing, "
                              "stands in a section of its own.",
                              "以下为客户给出的数据；假设与缺失的数据另见专章。"),
                     NULL, 0);
    struct rw_doc_table *table =
        begin_table(proposal, RW_TEXTS("What the customer gave", "客户给出的数据"));
    for (unsigned i = 0; i < RW_INPUT_END; i++)
        put_given(proposal, table, proposal->plan->inputs[i]);
    rw_proposal_answers(proposal);
    rw_doc_section(proposal->doc, 2, RW_TEXTS("In the customer's words", "客户原文"));
    rw_proposal_words(proposal);
}
