/* What was assumed and why, and what is missing and what that changes: nothing is invented. */
#include "plan/proposal/chapters.h"

#include "plan/elsewhere/elsewhere.h"

#define NONE ((struct rw_span){"", 0})

static struct rw_doc_table *begin_table(struct rw_proposal *proposal, struct rw_label caption,
                                        struct rw_label last)
{
    struct rw_doc *doc = proposal->doc;
    struct rw_doc_table *table = rw_doc_table(doc, rw_proposal_say(proposal, caption), NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_word(doc, RW_SAY_LABEL), NONE);
    rw_doc_column(doc, table, RW_DOC_NUMBER, rw_doc_word(doc, RW_SAY_VALUE), NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_proposal_say(proposal, last), NONE);
    return table;
}

static void put_cell(struct rw_proposal *proposal, struct rw_doc_table *table, uint32_t number,
                     struct rw_span last)
{
    const struct rw_cell *cell = rw_sheet_cell(&proposal->plan->sheet, number);
    struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
    rw_doc_words(proposal->doc, &cells[0],
                 rw_proposal_phrase(proposal, rw_proposal_say(proposal, cell->label)));
    rw_proposal_put(proposal, &cells[1], number);
    rw_doc_words(proposal->doc, &cells[2], rw_proposal_phrase(proposal, last));
}

static bool is_missing(const struct rw_cell *cell)
{
    return cell->origin != RW_ORIGIN_COMPUTED && isnan(cell->value) && !rw_elsewhere_owns(cell);
}

/* What makes a tier the one that it is stands under its name: "sizing.t1.zones". */
static bool is_of_tier(const struct rw_plan *plan, const struct rw_cell *cell)
{
    struct rw_span id = rw_span_text(cell->id), part;
    while (rw_span_next(&id, '.', &part))
        for (unsigned i = 0; i < plan->tier_count; i++)
            if (rw_span_is(part, plan->tiers[i].id))
                return true;
    return false;
}

/* Questions that have several answers, of which one is enough. */
static const struct {
    enum rw_input missing, instead[4]; /* ended by the same as `missing` */
} alternatives[] = {
    {RW_INPUT_USERS,
     {RW_INPUT_CONCURRENT_USERS, RW_INPUT_CONCURRENT_REQUESTS, RW_INPUT_PEAK_RATE,
      RW_INPUT_TRANSACTIONS_PER_DAY}},
    {RW_INPUT_CONCURRENT_USERS,
     {RW_INPUT_CONCURRENT_REQUESTS, RW_INPUT_PEAK_RATE, RW_INPUT_CONCURRENT_USERS}},
    {RW_INPUT_CONCURRENT_REQUESTS,
     {RW_INPUT_CONCURRENT_USERS, RW_INPUT_PEAK_RATE, RW_INPUT_CONCURRENT_REQUESTS}},
    {RW_INPUT_PEAK_RATE,
     {RW_INPUT_CONCURRENT_USERS, RW_INPUT_CONCURRENT_REQUESTS, RW_INPUT_PEAK_RATE}},
    {RW_INPUT_TRANSACTIONS_PER_DAY,
     {RW_INPUT_PEAK_RATE, RW_INPUT_CONCURRENT_USERS, RW_INPUT_CONCURRENT_REQUESTS,
      RW_INPUT_TRANSACTIONS_PER_DAY}},
    {RW_INPUT_BUDGET_TOTAL, {RW_INPUT_BUDGET_PER_YEAR, RW_INPUT_BUDGET_TOTAL}},
    {RW_INPUT_BUDGET_PER_YEAR, {RW_INPUT_BUDGET_TOTAL, RW_INPUT_BUDGET_PER_YEAR}},
    {RW_INPUT_BUDGET_INITIAL, {RW_INPUT_BUILD, RW_INPUT_BUILD_SHARE, RW_INPUT_BUDGET_INITIAL}},
    {RW_INPUT_BUILD, {RW_INPUT_BUDGET_INITIAL, RW_INPUT_BUILD_SHARE, RW_INPUT_BUILD}},
};

static bool answered_otherwise(const struct rw_plan *plan, uint32_t number)
{
    bool budget = number == plan->inputs[RW_INPUT_BUDGET_TOTAL] ||
                  number == plan->inputs[RW_INPUT_BUDGET_PER_YEAR];
    if (budget && plan->terms.tier_count)
        return true;
    for (size_t i = 0; i < sizeof(alternatives) / sizeof(alternatives[0]); i++) {
        if (plan->inputs[alternatives[i].missing] != number)
            continue;
        for (size_t k = 0; k < 4 && alternatives[i].instead[k] != alternatives[i].missing; k++)
            if (isfinite(rw_plan_input(plan, alternatives[i].instead[k])))
                return true;
    }
    return false;
}

static void put_assumed(struct rw_proposal *proposal)
{
    const struct rw_sheet *sheet = &proposal->plan->sheet;
    struct rw_doc_table *table =
        begin_table(proposal, RW_TEXTS("Assumptions, with their reasons", "假设及其理由"),
                    RW_TEXTS("Why", "理由"));
    for (uint32_t i = 0; i < sheet->count; i++) {
        const struct rw_cell *cell = &sheet->cells[i];
        if (cell->origin == RW_ORIGIN_ASSUMED && !isnan(cell->value) &&
            !is_of_tier(proposal->plan, cell) && !rw_elsewhere_owns(cell))
            put_cell(proposal, table, i, rw_proposal_say(proposal, cell->reason));
    }
}

static void put_measured(struct rw_proposal *proposal)
{
    const struct rw_sheet *sheet = &proposal->plan->sheet;
    struct rw_doc_table *table =
        begin_table(proposal, RW_TEXTS("Measured", "实测数据"), RW_TEXTS("Source", "出处"));
    for (uint32_t i = 0; i < sheet->count; i++) {
        if (sheet->cells[i].origin == RW_ORIGIN_MEASURED && !isnan(sheet->cells[i].value))
            put_cell(proposal, table, i, rw_span_text(sheet->cells[i].source));
    }
}

static void put_missing(struct rw_proposal *proposal)
{
    const struct rw_sheet *sheet = &proposal->plan->sheet;
    struct rw_doc_table *table =
        begin_table(proposal, RW_TEXTS("Missing, and what that changes", "缺失数据及其影响"),
                    RW_TEXTS("What its absence changes", "缺失的影响"));
    for (uint32_t i = 0; i < sheet->count; i++) {
        if (is_missing(&sheet->cells[i]) && !answered_otherwise(proposal->plan, i))
            put_cell(proposal, table, i, rw_proposal_say(proposal, sheet->cells[i].reason));
    }
    rw_proposal_gaps(proposal, table);
}

void rw_proposal_assumptions(struct rw_proposal *proposal)
{
    rw_doc_section(proposal->doc, 1, RW_TEXTS("Assumptions and missing inputs", "假设与缺失数据"));
    rw_doc_paragraph(
        proposal->doc,
        RW_TEXTS("What nobody gave was assumed, with a reason, where there is one, and "
                 "left missing where there is none. A missing value is never zero: "
                 "whatever needs it is missing, too.",
                 "客户未给出而有依据者列为假设并注明理由，没有依据者保持缺失。"
                 "缺失不等于零：依赖它的结果同样缺失。"),
        NULL, 0);
    put_missing(proposal);
    put_assumed(proposal);
    put_measured(proposal);
}
