/* Within plan/report: what the chapters of a proposal share, and the chapters themselves.
 *
 * Figure and cell have one order: the cell with the number n of the sheet is the figure n + 1.
 */
#ifndef RW_PLAN_PROPOSAL_CHAPTERS_H
#define RW_PLAN_PROPOSAL_CHAPTERS_H

#include "plan/proposal/proposal.h"

struct rw_proposal {
    struct rw_plan *plan;
    const struct rw_intake *intake; /* or NULL */
    struct rw_doc *doc;
    enum rw_language language;
};

/* ---- Words and figures ---- */

struct rw_span rw_proposal_say(const struct rw_proposal *proposal, struct rw_label text);

/* RW_DOC_NO_FIGURE for RW_CELL_NONE. */
unsigned rw_proposal_figure(const struct rw_proposal *proposal, uint32_t cell);
/* The figure of a cell as an argument of a text; a dash when there is no such cell. */
struct rw_doc_argument rw_proposal_argument(const struct rw_proposal *proposal, uint32_t cell);
/* The same of "PREFIX.TIER.NAME". */
struct rw_doc_argument rw_proposal_of_tier(const struct rw_proposal *proposal, const char *prefix,
                                           const struct rw_tier *tier, const char *name);
struct rw_doc_argument rw_proposal_count(struct rw_proposal *proposal, unsigned count);

/* The value with its unit, as the sheet writes it; lives in the document. */
struct rw_span rw_proposal_quantity(struct rw_proposal *proposal, struct rw_quantity quantity);
/* A cell of a table: the cell's value with its unit; blank when there is no such cell. */
void rw_proposal_put(struct rw_proposal *proposal, struct rw_doc_cell *at, uint32_t cell);
/* A cell of a money column. */
void rw_proposal_put_money(const struct rw_proposal *proposal, struct rw_doc_cell *at,
                           uint32_t cell);

/* A finding's text or action with its numbers. */
struct rw_span rw_proposal_finding(struct rw_proposal *proposal, const struct rw_finding *finding,
                                   struct rw_label text);

/* What the rows of the findings tell: what a rule says of several tiers is one row, and so is what
 * two rules say of one requirement. Whether a finding stands in the row of an earlier one; how many
 * rows there are of a severity. */
bool rw_proposal_finding_is_told(const struct rw_findings *findings, unsigned number);
unsigned rw_proposal_findings_count(const struct rw_findings *findings, enum rw_severity severity);

/* A source in the words of the data files, in the language of the proposal. */
struct rw_span rw_proposal_phrase(struct rw_proposal *proposal, struct rw_span text);

/* A date in days since 1970; nothing for NaN. */
struct rw_span rw_proposal_date(struct rw_proposal *proposal, double days);

/* A file's name without its folders: who reads a proposal has other ones. */
const char *rw_proposal_file(const char *path);

/* Whether any text of the intake has one of `words` (parted by '|', ASCII case ignored). */
bool rw_proposal_mentions(const struct rw_proposal *proposal, const char *words);
/* The same of one text. */
bool rw_proposal_has_word(struct rw_span text, const char *words);

struct rw_span rw_proposal_currency(const struct rw_proposal *proposal);
/* "Alibaba Cloud" for "alibaba"; a name that nobody knows is itself. */
struct rw_span rw_proposal_provider(const struct rw_proposal *proposal, const char *id);
/* "Computing" for "Compute" of FOCUS. */
struct rw_span rw_proposal_category(const struct rw_proposal *proposal, const char *category);

/* ---- Tables of the tiers ---- */

struct rw_proposal_row {
    const char *prefix, *name; /* of the cells PREFIX.TIER.NAME */
};

/* A table with a column for each tier; rows that no tier has are left out. */
struct rw_doc_table *rw_proposal_tier_table(struct rw_proposal *proposal, struct rw_label caption,
                                            const struct rw_proposal_row *rows, size_t count);

/* The tier that charts and drawings are of: rw_plan_shown. */
const struct rw_tier *rw_proposal_shown(const struct rw_proposal *proposal);

/* The next cell from `*at` on whose id begins with `prefix`; RW_CELL_NONE at the end. */
uint32_t rw_proposal_next(const struct rw_proposal *proposal, const char *prefix, uint32_t *at);

/* ---- Chapters, in the order of the document ---- */

/* Within the summary: what the load may mean, and which load the budgets pay for.
 * Within the customer's chapter: what hurts, and what answers it; his own words. Within the
 * assumptions: fields that nobody filled in, as rows of a table. Within the architecture: what
 * there is today. */
void rw_proposal_answers(struct rw_proposal *proposal);
void rw_proposal_words(struct rw_proposal *proposal);
void rw_proposal_gaps(struct rw_proposal *proposal, struct rw_doc_table *table);
void rw_proposal_before(struct rw_proposal *proposal);

void rw_proposal_figures(struct rw_proposal *proposal);
void rw_proposal_summary(struct rw_proposal *proposal);
void rw_proposal_customer(struct rw_proposal *proposal);
void rw_proposal_readings(struct rw_proposal *proposal);
void rw_proposal_findings(struct rw_proposal *proposal);
void rw_proposal_solution(struct rw_proposal *proposal);
void rw_proposal_systems(struct rw_proposal *proposal);
void rw_proposal_against(struct rw_proposal *proposal);
void rw_proposal_close(struct rw_proposal *proposal);
void rw_proposal_sizing(struct rw_proposal *proposal);
void rw_proposal_architecture(struct rw_proposal *proposal);
void rw_proposal_bill(struct rw_proposal *proposal);
void rw_proposal_elsewhere(struct rw_proposal *proposal);
void rw_proposal_money(struct rw_proposal *proposal);
void rw_proposal_outlook(struct rw_proposal *proposal);
void rw_proposal_roadmap(struct rw_proposal *proposal);
void rw_proposal_controls(struct rw_proposal *proposal);
void rw_proposal_acceptance(struct rw_proposal *proposal);
void rw_proposal_assumptions(struct rw_proposal *proposal);
void rw_proposal_sources(struct rw_proposal *proposal);

#endif
