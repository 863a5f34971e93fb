/* The executive summary: the verdict, what cannot be, what can be, and the figures behind it. */
#include "plan/choice.h"
#include "plan/proposal/chapters.h"

#define NONE ((struct rw_span){"", 0})

enum { BLOCKERS_SHOWN = 7 };

static void put_verdict(struct rw_proposal *proposal)
{
    const struct rw_findings *findings = &proposal->plan->findings;
    unsigned blockers = rw_proposal_findings_count(findings, RW_SEVERITY_BLOCKER);
    struct rw_doc_argument counts[] = {
        rw_proposal_count(proposal, blockers),
        rw_proposal_count(proposal, rw_proposal_findings_count(findings, RW_SEVERITY_WARNING)),
    };
    const struct rw_tier *tier = rw_plan_recommended(proposal->plan);
    if (blockers)
        rw_doc_note(
            proposal->doc, RW_DOC_BAD,
            rw_proposal_say(proposal,
                            RW_TEXTS("Not as it was asked for", "按现有要求无法全部承诺")),
            RW_TEXTS("Requirements that cannot be met as they stand: {0}; others that carry a "
                     "risk: {1}. Each stands with its numbers and with what to do.",
                     "有 {0} 项要求按现状无法成立，另有 {1} 项存在风险；每项均附数字依据与建议。"),
            counts, 2);
    else if (!tier && proposal->plan->tier_count)
        rw_doc_note(proposal->doc, RW_DOC_BAD,
                    rw_proposal_say(proposal, RW_TEXTS("No tier keeps all that is wanted",
                                                       "没有任何一档满足全部要求")),
                    RW_TEXTS("No requirement contradicts another, but none of the tiers keeps the "
                             "targets for availability, downtime, recovery and latency within its "
                             "budget. The findings say by how much, and what to do: {1} risks.",
                             "各项要求之间并无矛盾，但没有一档能在预算内同时满足可用性、停机时间、"
                             "恢复时间与时延目标；差距与建议见各条发现，共 {1} 项风险。"),
                    counts, 2);
    else
        rw_doc_note(proposal->doc, RW_DOC_GOOD,
                    rw_proposal_say(proposal, RW_TEXTS("It can be done", "可以实现")),
                    RW_TEXTS("No requirement contradicts another, its budget or physics; {1} carry "
                             "a risk.",
                             "各项要求之间、与预算及物理极限之间均无矛盾；{1} 项存在风险。"),
                    counts, 2);
    if (!tier)
        return;
    struct rw_doc_argument arguments[] = {
        RW_DOC_TEXT(rw_proposal_say(proposal, tier->label)),
        RW_DOC_TEXT(rw_proposal_say(proposal, tier->profile->buys)),
        rw_proposal_of_tier(proposal, "sizing", tier, "availability"),
        rw_proposal_of_tier(proposal, "money", tier, "cost_term"),
    };
    rw_doc_note(proposal->doc, RW_DOC_INFORMATION,
                rw_proposal_say(proposal, RW_TEXTS("Our recommendation", "建议方案")),
                RW_TEXTS("**{0}**: {1}. Expected availability {2}; cost over the term {3}.",
                         "**{0}**：{1}。预期可用性 {2}；订阅期成本 {3}。"),
                arguments, 4);
}

static void put_metric(struct rw_proposal *proposal, uint32_t cell, enum rw_doc_tone tone,
                       struct rw_span text)
{
    if (cell == RW_CELL_NONE)
        return;
    struct rw_label label = rw_sheet_cell(&proposal->plan->sheet, cell)->label;
    rw_doc_metric(proposal->doc, tone, rw_proposal_say(proposal, label),
                  rw_proposal_figure(proposal, cell), text);
}

static void put_metrics(struct rw_proposal *proposal)
{
    const struct rw_plan *plan = proposal->plan;
    if (!plan->tier_count)
        return;
    const struct rw_tier *shown = rw_proposal_shown(proposal);
    struct rw_span name = rw_proposal_say(proposal, shown->label);
    enum rw_doc_tone kept = rw_plan_keeps(proposal->plan, shown) ? RW_DOC_GOOD : RW_DOC_BAD;
    enum rw_doc_tone paid = rw_plan_affords(proposal->plan, shown) ? RW_DOC_GOOD : RW_DOC_BAD;
    put_metric(proposal, rw_sheet_find(&plan->sheet, "sizing.rate_peak"), RW_DOC_NEUTRAL,
               (struct rw_span){"", 0});
    put_metric(proposal, rw_plan_find(plan, "sizing", shown, "nodes"), RW_DOC_NEUTRAL, name);
    put_metric(proposal, rw_plan_find(plan, "sizing", shown, "availability"), kept, name);
    put_metric(proposal, rw_plan_find(plan, "sizing", shown, "downtime"), kept, name);
    put_metric(proposal, rw_plan_find(plan, "money", shown, "cost_term"), paid, name);
    put_metric(proposal, rw_plan_find(plan, "money", shown, "reserve"), paid, name);
}

static bool is_blocker(const struct rw_findings *findings, unsigned number)
{
    return findings->at[number].severity == RW_SEVERITY_BLOCKER;
}

/* The first of them; all stand in the section of the findings. */
static void put_blockers(struct rw_proposal *proposal)
{
    struct rw_doc *doc = proposal->doc;
    const struct rw_findings *findings = &proposal->plan->findings;
    unsigned all = rw_proposal_findings_count(findings, RW_SEVERITY_BLOCKER), shown = 0;
    if (!all)
        return;
    rw_doc_section(doc, 2, RW_TEXTS("What cannot be", "无法成立的要求"));
    struct rw_doc_table *table =
        rw_doc_table(doc,
                     rw_proposal_say(proposal, RW_TEXTS("What cannot be, and what to do",
                                                        "无法成立的要求及建议")),
                     NONE);
    rw_doc_column(doc, table, RW_DOC_STATUS,
                  rw_proposal_say(proposal, RW_TEXTS("As it stands", "现状")), NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS,
                  rw_proposal_say(proposal, RW_TEXTS("What to do", "建议")), NONE);
    for (unsigned i = 0; i < findings->count && shown < BLOCKERS_SHOWN; i++) {
        if (!is_blocker(findings, i) || rw_proposal_finding_is_told(findings, i))
            continue;
        const struct rw_finding *finding = &findings->at[i];
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        rw_doc_words(doc, &cells[0], rw_proposal_finding(proposal, finding, finding->text));
        cells[0].tone = RW_DOC_BAD;
        rw_doc_words(doc, &cells[1], rw_proposal_finding(proposal, finding, finding->action));
        shown++;
    }
    struct rw_doc_argument more[] = {rw_proposal_count(proposal, all - shown)};
    if (all > shown)
        rw_doc_paragraph(
            doc, RW_TEXTS("{0} more stand among the findings.", "另有 {0} 项见“发现与风险”一章。"),
            more, 1);
}

/* "in the budget"; else by what it is exceeded, or what is missing to tell. */
static struct rw_span money_verdict(struct rw_proposal *proposal, const struct rw_tier *tier)
{
    enum { causes_shown = 3 };
    uint32_t causes[causes_shown];
    struct rw_sheet *sheet = &proposal->plan->sheet;
    uint32_t cost = rw_plan_find(proposal->plan, "money", tier, "cost_term");
    if (rw_plan_affords(proposal->plan, tier))
        return rw_proposal_say(proposal, RW_TEXTS("within the budget", "在预算内"));
    if (cost != RW_CELL_NONE && !isnan(rw_sheet_value(sheet, cost)))
        return rw_proposal_say(proposal, RW_TEXTS("beyond the budget", "超出预算"));
    unsigned count = cost == RW_CELL_NONE ? 0 : rw_sheet_missing(sheet, cost, causes, causes_shown);
    struct rw_text text = {0};
    rw_text_adds(&text,
                 rw_label_in(RW_TEXTS("its cost cannot be told without: ", "费用无法计算，缺少："),
                             proposal->language));
    for (unsigned i = 0; i < count && i < causes_shown; i++)
        rw_text_addf(&text, "%s%s", i ? "; " : "",
                     rw_label_in(rw_sheet_cell(sheet, causes[i])->label, proposal->language));
    rw_text_adds(&text, count > causes_shown ? " …" : "");
    struct rw_span kept = rw_doc_copy(proposal->doc, rw_text_span(&text));
    if (text.err && !proposal->doc->err)
        proposal->doc->err = text.err;
    rw_text_free(&text);
    return kept;
}

static void put_status(struct rw_proposal *proposal, struct rw_doc_cell *at, bool good,
                       struct rw_span text)
{
    rw_doc_words(proposal->doc, at, text);
    at->tone = good ? RW_DOC_GOOD : RW_DOC_BAD;
}

static void put_tier(struct rw_proposal *proposal, struct rw_doc_table *table,
                     const struct rw_tier *tier)
{
    const struct rw_plan *plan = proposal->plan;
    bool keeps = rw_plan_keeps(proposal->plan, tier);
    struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
    rw_doc_words(proposal->doc, &cells[0], rw_proposal_say(proposal, tier->label));
    rw_doc_words(proposal->doc, &cells[1], rw_proposal_say(proposal, tier->profile->buys));
    rw_proposal_put(proposal, &cells[2], rw_plan_find(plan, "sizing", tier, "availability"));
    rw_proposal_put(proposal, &cells[3], rw_plan_find(plan, "money", tier, "cost_term"));
    put_status(proposal, &cells[4], keeps,
               rw_proposal_say(proposal, keeps ? RW_TEXTS("all kept", "全部达标")
                                               : RW_TEXTS("not all kept", "未全部达标")));
    put_status(proposal, &cells[5], rw_plan_affords(proposal->plan, tier),
               money_verdict(proposal, tier));
}

/* A row for each tier: what it is, gives and costs. */
static void put_tiers(struct rw_proposal *proposal)
{
    static const struct {
        struct rw_label title;
        enum rw_doc_column_kind kind;
    } columns[] = {
        {RW_LABEL("Tier", "档次"), RW_DOC_WORDS},
        {RW_LABEL("What it is", "内容"), RW_DOC_WORDS},
        {RW_LABEL("Availability", "可用性"), RW_DOC_NUMBER},
        {RW_LABEL("Cost of the term", "订阅期成本"), RW_DOC_NUMBER},
        {RW_LABEL("Targets", "指标"), RW_DOC_STATUS},
        {RW_LABEL("Budget", "预算"), RW_DOC_STATUS},
    };
    struct rw_doc *doc = proposal->doc;
    rw_doc_section(doc, 2, RW_TEXTS("What can be", "可以实现的方案"));
    struct rw_doc_table *table =
        rw_doc_table(doc, rw_proposal_say(proposal, RW_TEXTS("The tiers", "分档方案")), NONE);
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        rw_doc_column(doc, table, columns[i].kind, rw_proposal_say(proposal, columns[i].title),
                      NONE);
    for (unsigned i = 0; i < proposal->plan->tier_count; i++)
        put_tier(proposal, table, &proposal->plan->tiers[i]);
    rw_doc_paragraph(
        doc,
        RW_TEXTS("Targets are those for availability, downtime, recovery and latency; "
                 "all goals stand under goals and acceptance.",
                 "指标指可用性、停机时间、恢复时间与时延；全部目标见“目标与验收标准”。"),
        NULL, 0);
}

void rw_proposal_summary(struct rw_proposal *proposal)
{
    rw_doc_section(proposal->doc, 1, RW_TEXTS("Executive summary", "执行摘要"));
    put_verdict(proposal);
    put_metrics(proposal);
    put_blockers(proposal);
    if (proposal->plan->tier_count)
        put_tiers(proposal);
    rw_proposal_readings(proposal);
}
