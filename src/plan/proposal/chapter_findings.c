/* All findings, worst first: what does not fit together, by which rule, and what to do. */
#include "plan/proposal/chapters.h"

static const enum rw_doc_tone tones[] = {
    [RW_SEVERITY_BLOCKER] = RW_DOC_BAD,
    [RW_SEVERITY_WARNING] = RW_DOC_WARNING,
    [RW_SEVERITY_NOTE] = RW_DOC_INFORMATION,
};

static void put_columns(struct rw_proposal *proposal, struct rw_doc_table *table)
{
    const struct rw_label titles[] = {
        RW_LABEL("Severity", "级别"),
        RW_LABEL("Finding", "发现"),
        RW_LABEL("What to do", "建议"),
        RW_LABEL("Rule, source, place", "规则、依据与位置"),
    };
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        rw_doc_column(proposal->doc, table, i ? RW_DOC_WORDS : RW_DOC_STATUS,
                      rw_proposal_say(proposal, titles[i]), (struct rw_span){"", 0});
}

/* ---- What stands in one row ---- */

/* The same rule says the same of another tier: what to do is the same. */
static bool is_of_rule(const struct rw_finding *finding, const struct rw_finding *other)
{
    return strcmp(finding->rule, other->rule) == 0 && finding->named.en && other->named.en &&
           strcmp(finding->action.en, other->action.en) == 0;
}

/* A rule over the intake's own numbers, and what the finished plan says of the same requirement. */
static bool is_of_requirement(const struct rw_finding *finding, const struct rw_finding *other)
{
    static const char *const pairs[][2] = {
        {"roadmap_impossible", "deadline_passed"},
        {"tier_roi", "roi_unsupported"},
        {"tier_downtime", "recovery_against_budget"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (strcmp(finding->rule, pairs[i][0]) == 0 && strcmp(other->rule, pairs[i][1]) == 0)
            return true;
    return false;
}

static bool is_joined(const struct rw_finding *finding, const struct rw_finding *other)
{
    return finding->severity == other->severity &&
           (is_of_rule(finding, other) || is_of_requirement(finding, other));
}

bool rw_proposal_finding_is_told(const struct rw_findings *findings, unsigned number)
{
    for (unsigned i = 0; i < number; i++)
        if (is_joined(&findings->at[i], &findings->at[number]))
            return true;
    return false;
}

unsigned rw_proposal_findings_count(const struct rw_findings *findings, enum rw_severity severity)
{
    unsigned count = 0;
    for (unsigned i = 0; i < findings->count; i++)
        count += findings->at[i].severity == severity && !rw_proposal_finding_is_told(findings, i);
    return count;
}

/* The document's, and the writer's text freed. */
static struct rw_span keep(struct rw_proposal *proposal, struct rw_text *text)
{
    struct rw_span kept = rw_doc_copy(proposal->doc, rw_text_span(text));
    if (text->err && !proposal->doc->err)
        proposal->doc->err = text->err;
    rw_text_free(text);
    return kept;
}

/* What the row says, of each tier and requirement, one after the other. */
static struct rw_span all_texts(struct rw_proposal *proposal, unsigned number)
{
    const struct rw_findings *findings = &proposal->plan->findings;
    struct rw_text text = {0};
    for (unsigned i = number; i < findings->count; i++) {
        if (i != number && !is_joined(&findings->at[number], &findings->at[i]))
            continue;
        rw_text_adds(&text, text.len ? rw_label_in(RW_TEXTS("; ", "；"), proposal->language) : "");
        rw_text_add(&text, rw_proposal_finding(proposal, &findings->at[i], findings->at[i].text));
    }
    return keep(proposal, &text);
}

static void write_place(const struct rw_finding *finding, struct rw_text *text)
{
    rw_text_addf(text, "%s%s", text->len ? "; " : "", finding->rule);
    if (finding->source)
        rw_text_addf(text, "; %s", finding->source);
    if (finding->file && finding->place.line)
        rw_text_addf(text, "; %s:%u:%u", rw_proposal_file(finding->file), finding->place.line,
                     finding->place.column);
}

/* The rules of the row, each once. */
static struct rw_span all_places(struct rw_proposal *proposal, unsigned number)
{
    const struct rw_findings *findings = &proposal->plan->findings;
    struct rw_text text = {0};
    write_place(&findings->at[number], &text);
    for (unsigned i = number + 1; i < findings->count; i++)
        if (findings->at[i].severity == findings->at[number].severity &&
            is_of_requirement(&findings->at[number], &findings->at[i]))
            write_place(&findings->at[i], &text);
    return rw_proposal_phrase(proposal, keep(proposal, &text));
}

static void put_finding(struct rw_proposal *proposal, struct rw_doc_table *table, unsigned number)
{
    const struct rw_finding *finding = &proposal->plan->findings.at[number];
    struct rw_doc *doc = proposal->doc;
    struct rw_doc_cell *cells = rw_doc_row(doc, table);
    rw_doc_words(doc, &cells[0],
                 rw_span_text(rw_severity_text(finding->severity, proposal->language)));
    cells[0].tone = tones[finding->severity];
    rw_doc_words(doc, &cells[1], all_texts(proposal, number));
    rw_doc_words(doc, &cells[2], rw_proposal_finding(proposal, finding, finding->action));
    rw_doc_words(doc, &cells[3], all_places(proposal, number));
}

void rw_proposal_findings(struct rw_proposal *proposal)
{
    const struct rw_findings *findings = &proposal->plan->findings;
    rw_doc_section(proposal->doc, 1, RW_TEXTS("Findings and risks", "发现与风险"));
    if (findings->count == 0) {
        rw_doc_paragraph(proposal->doc, RW_TEXTS("There are no findings.", "没有发现问题。"), NULL,
                         0);
        return;
    }
    rw_doc_paragraph(
        proposal->doc,
        RW_TEXTS(
            "Each finding comes from a general rule over the numbers of the intake; none of "
            "them knows the customer. Unattended findings are the risks of the project.",
            "每条发现均由通用规则对需求数字推算得出，与具体客户无关；未处理的发现即为项目风险。"),
        NULL, 0);
    struct rw_doc_table *table = rw_doc_table(
        proposal->doc,
        rw_proposal_say(proposal, RW_TEXTS("Findings, worst first", "发现（按严重程度）")),
        (struct rw_span){"", 0});
    put_columns(proposal, table);
    for (unsigned i = 0; i < findings->count; i++)
        if (!rw_proposal_finding_is_told(findings, i))
            put_finding(proposal, table, i);
}
