#include "plan/proposal/chapters.h"

#include "plan/choice.h"
#include "plan/intake/intake.h"
#include "report/number.h"

struct rw_span rw_proposal_say(const struct rw_proposal *proposal, struct rw_label text)
{
    return rw_span_text(rw_label_in(text, proposal->language));
}

/* ---- Figures ---- */

unsigned rw_proposal_figure(const struct rw_proposal *proposal, uint32_t cell)
{
    return cell == RW_CELL_NONE || proposal->doc->err ? RW_DOC_NO_FIGURE : cell + 1;
}

struct rw_doc_argument rw_proposal_argument(const struct rw_proposal *proposal, uint32_t cell)
{
    unsigned figure = rw_proposal_figure(proposal, cell);
    return figure ? RW_DOC_FIGURE(figure) : RW_DOC_TEXT(RW_LITERAL("—"));
}

struct rw_doc_argument rw_proposal_of_tier(const struct rw_proposal *proposal, const char *prefix,
                                           const struct rw_tier *tier, const char *name)
{
    return rw_proposal_argument(proposal, rw_plan_find(proposal->plan, prefix, tier, name));
}

struct rw_doc_argument rw_proposal_count(struct rw_proposal *proposal, unsigned count)
{
    return RW_DOC_TEXT(rw_doc_format(proposal->doc, "%u", count));
}

/* What a writer of the sheet wrote, as the document's; the writer's text is freed. */
static struct rw_span keep(struct rw_proposal *proposal, struct rw_text *text)
{
    struct rw_span kept = rw_doc_copy(proposal->doc, rw_text_span(text));
    if (text->err && !proposal->doc->err)
        proposal->doc->err = text->err;
    rw_text_free(text);
    return kept;
}

struct rw_span rw_proposal_quantity(struct rw_proposal *proposal, struct rw_quantity quantity)
{
    struct rw_text text = {0};
    rw_quantity_write(&text, quantity, proposal->language);
    return keep(proposal, &text);
}

void rw_proposal_put(struct rw_proposal *proposal, struct rw_doc_cell *at, uint32_t cell)
{
    if (cell == RW_CELL_NONE)
        return;
    struct rw_quantity quantity = rw_sheet_quantity(&proposal->plan->sheet, cell);
    rw_doc_words(proposal->doc, at, rw_proposal_quantity(proposal, quantity));
    at->number = quantity.value;
    at->figure = rw_proposal_figure(proposal, cell);
}

void rw_proposal_put_money(const struct rw_proposal *proposal, struct rw_doc_cell *at,
                           uint32_t cell)
{
    rw_doc_number(at, rw_sheet_value(&proposal->plan->sheet, cell),
                  rw_proposal_figure(proposal, cell));
}

struct rw_span rw_proposal_finding(struct rw_proposal *proposal, const struct rw_finding *finding,
                                   struct rw_label text)
{
    struct rw_text words = {0};
    rw_finding_write(finding, text, proposal->language, &words);
    return rw_proposal_phrase(proposal, keep(proposal, &words));
}

struct rw_span rw_proposal_date(struct rw_proposal *proposal, double days)
{
    struct rw_text text = {0};
    if (isfinite(days))
        rw_report_date(&text, (int64_t)days);
    return keep(proposal, &text);
}

const char *rw_proposal_file(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path ? path : "";
}

bool rw_proposal_has_word(struct rw_span text, const char *words)
{
    struct rw_span rest = rw_span_text(words), word;
    while (rw_intake_next_word(&rest, &word))
        for (size_t i = 0; i + word.len <= text.len; i++)
            if (rw_span_eq_nocase(rw_span(text.at + i, word.len), word))
                return true;
    return false;
}

static bool row_mentions(const struct rw_intake_row *row, const char *words)
{
    for (unsigned f = 0; f < rw_intake_field_count(row->section); f++) {
        const struct rw_intake_value *value = &row->values[f];
        for (size_t i = 0; value->there && value->texts && i < value->count; i++)
            if (rw_proposal_has_word(value->texts[i], words))
                return true;
    }
    return false;
}

bool rw_proposal_mentions(const struct rw_proposal *proposal, const char *words)
{
    for (size_t s = 0; proposal->intake && s < RW_INTAKE_SECTIONS; s++)
        for (size_t r = 0; r < proposal->intake->rows[s].count; r++)
            if (row_mentions(&proposal->intake->rows[s].at[r], words))
                return true;
    return false;
}

struct rw_span rw_proposal_currency(const struct rw_proposal *proposal)
{
    return rw_span_text(proposal->plan->sheet.currency);
}

/* ---- Tiers ---- */

static bool any_tier_has(const struct rw_proposal *proposal, const struct rw_proposal_row *row)
{
    for (unsigned i = 0; i < proposal->plan->tier_count; i++) {
        if (rw_plan_find(proposal->plan, row->prefix, &proposal->plan->tiers[i], row->name) !=
            RW_CELL_NONE)
            return true;
    }
    return false;
}

static void put_tier_row(struct rw_proposal *proposal, struct rw_doc_table *table,
                         const struct rw_proposal_row *row)
{
    struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
    for (unsigned i = 0; i < proposal->plan->tier_count; i++) {
        uint32_t cell =
            rw_plan_find(proposal->plan, row->prefix, &proposal->plan->tiers[i], row->name);
        if (cell == RW_CELL_NONE)
            continue;
        struct rw_label label = rw_sheet_cell(&proposal->plan->sheet, cell)->label;
        rw_doc_words(proposal->doc, &cells[0], rw_proposal_say(proposal, label));
        rw_proposal_put(proposal, &cells[i + 1], cell);
    }
}

struct rw_doc_table *rw_proposal_tier_table(struct rw_proposal *proposal, struct rw_label caption,
                                            const struct rw_proposal_row *rows, size_t count)
{
    struct rw_doc_table *table =
        rw_doc_table(proposal->doc, rw_proposal_say(proposal, caption), (struct rw_span){"", 0});
    rw_doc_column(proposal->doc, table, RW_DOC_WORDS, (struct rw_span){"", 0},
                  (struct rw_span){"", 0});
    for (unsigned i = 0; i < proposal->plan->tier_count; i++)
        rw_doc_column(proposal->doc, table, RW_DOC_NUMBER,
                      rw_proposal_say(proposal, proposal->plan->tiers[i].label),
                      (struct rw_span){"", 0});
    for (size_t i = 0; i < count; i++) {
        if (any_tier_has(proposal, &rows[i]))
            put_tier_row(proposal, table, &rows[i]);
    }
    return table;
}

const struct rw_tier *rw_proposal_shown(const struct rw_proposal *proposal)
{
    return &proposal->plan->tiers[rw_plan_shown(proposal->plan)];
}

uint32_t rw_proposal_next(const struct rw_proposal *proposal, const char *prefix, uint32_t *at)
{
    const struct rw_sheet *sheet = &proposal->plan->sheet;
    while (*at < sheet->count) {
        uint32_t cell = (*at)++;
        if (rw_span_starts(rw_span_text(sheet->cells[cell].id), rw_span_text(prefix)))
            return cell;
    }
    return RW_CELL_NONE;
}

/* ---- All of it ---- */

static void put_title(struct rw_proposal *proposal)
{
    const struct rw_terms *terms = &proposal->plan->terms;
    struct rw_doc *doc = proposal->doc;
    doc->customer = rw_doc_copy(doc, rw_span_text(terms->customer));
    doc->title = terms->project ? rw_doc_copy(doc, rw_span_text(terms->project))
                                : rw_proposal_say(proposal, RW_TEXTS("Proposal", "方案建议书"));
    doc->subtitle = rw_proposal_say(
        proposal, RW_TEXTS("Proposal: what can be, what cannot be, what it takes and what it costs",
                           "方案建议书：什么可行、什么不可行、需要什么、花费多少"));
    doc->date = rw_proposal_date(proposal, terms->date);
}

enum rw_err rw_report_proposal(struct rw_plan *plan, const struct rw_intake *intake,
                               enum rw_language language, struct rw_doc *doc)
{
    struct rw_proposal proposal = {plan, intake, doc, language};
    rw_doc_init(doc, language);
    if (plan->sheet.err || plan->findings.err)
        return plan->sheet.err ? plan->sheet.err : plan->findings.err;
    put_title(&proposal);
    rw_proposal_figures(&proposal);
    rw_proposal_summary(&proposal);
    rw_proposal_customer(&proposal);
    rw_proposal_findings(&proposal);
    rw_proposal_solution(&proposal);
    rw_proposal_systems(&proposal);
    rw_proposal_architecture(&proposal);
    rw_proposal_against(&proposal);
    rw_proposal_sizing(&proposal);
    rw_proposal_bill(&proposal);
    rw_proposal_money(&proposal);
    rw_proposal_outlook(&proposal);
    rw_proposal_roadmap(&proposal);
    rw_proposal_controls(&proposal);
    rw_proposal_acceptance(&proposal);
    rw_proposal_close(&proposal);
    rw_proposal_assumptions(&proposal);
    rw_proposal_sources(&proposal);
    rw_doc_section(doc, 1, RW_TEXTS("Appendix: all figures", "附录：全部数字"));
    rw_doc_all_figures(doc);
    return rw_doc_finish(doc);
}
