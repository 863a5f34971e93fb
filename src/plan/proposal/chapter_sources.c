/* The data behind the figures: each price and each fact with its source and date. */
#include "plan/proposal/chapters.h"

#include "plan/elsewhere/elsewhere.h"

#define NONE ((struct rw_span){"", 0})

static void put_data(struct rw_proposal *proposal, struct rw_label caption, bool prices)
{
    struct rw_doc *doc = proposal->doc;
    const struct rw_sheet *sheet = &proposal->plan->sheet;
    struct rw_doc_table *table = rw_doc_table(doc, rw_proposal_say(proposal, caption), NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_word(doc, RW_SAY_LABEL), NONE);
    rw_doc_column(doc, table, RW_DOC_NUMBER, rw_doc_word(doc, RW_SAY_VALUE), NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_word(doc, RW_SAY_SOURCE), NONE);
    for (uint32_t i = 0; i < sheet->count; i++) {
        const struct rw_cell *cell = &sheet->cells[i];
        if (cell->origin != RW_ORIGIN_DATA || (cell->unit == RW_UNIT_PRICE) != prices ||
            strcmp(cell->source ? cell->source : "", RW_BY_DEFINITION) == 0 ||
            rw_elsewhere_owns(cell))
            continue;
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        rw_doc_words(doc, &cells[0],
                     rw_proposal_phrase(proposal, rw_proposal_say(proposal, cell->label)));
        rw_proposal_put(proposal, &cells[1], i);
        rw_doc_words(doc, &cells[2], rw_proposal_phrase(proposal, rw_span_text(cell->source)));
    }
}

static bool any_data(const struct rw_proposal *proposal)
{
    for (uint32_t i = 0; i < proposal->plan->sheet.count; i++) {
        if (proposal->plan->sheet.cells[i].origin == RW_ORIGIN_DATA)
            return true;
    }
    return false;
}

void rw_proposal_sources(struct rw_proposal *proposal)
{
    if (!any_data(proposal))
        return;
    rw_doc_section(proposal->doc, 1,
                   RW_TEXTS("Prices and data, with their sources", "价格与数据来源"));
    put_data(proposal, RW_TEXTS("Prices", "价格"), true);
    put_data(proposal, RW_TEXTS("Other data", "其他数据"), false);
}
