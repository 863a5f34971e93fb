/* The acceptance criteria: what is wanted, what each tier is expected to give, and how it is
 * judged. */
#include "plan/proposal/chapters.h"

#define NONE ((struct rw_span){"", 0})

static const struct criterion {
    enum rw_input wanted;
    const char *prefix, *name; /* of the tier's cell */
    bool at_least;             /* else at most */
    struct rw_label judged;
} criteria[] = {
    {RW_INPUT_AVAILABILITY, "sizing", "availability", true,
     RW_LABEL("share of answered requests in the window of the objective",
              "目标窗口内成功应答请求的比例")},
    {RW_INPUT_DOWNTIME_ALLOWED, "sizing", "downtime", false,
     RW_LABEL("minutes without answers in a quarter", "每季度无应答的分钟数")},
    {RW_INPUT_LATENCY, "sizing", "response_tail", false,
     RW_LABEL("percentile under the peak rate, open loop", "峰值速率下按开环方式测得的分位值")},
    {RW_INPUT_RECOVERY_TIME, "sizing", "recovery", false,
     RW_LABEL("from the loss of the region to the first answer, in a rehearsal",
              "演练中自地域失效至恢复应答的时间")},
};

static void put_expected(struct rw_proposal *proposal, struct rw_doc_cell *at,
                         const struct criterion *criterion, const struct rw_tier *tier)
{
    const struct rw_plan *plan = proposal->plan;
    uint32_t cell = rw_plan_find(plan, criterion->prefix, tier, criterion->name);
    double wanted = rw_plan_input(plan, criterion->wanted);
    double expected = rw_sheet_value(&plan->sheet, cell);
    if (cell == RW_CELL_NONE)
        return;
    bool kept = criterion->at_least ? expected >= wanted : expected <= wanted;
    if (criterion->wanted == RW_INPUT_RECOVERY_TIME && tier->profile->regions < 2 && !kept) {
        /* Nothing stands by to fail over to. */
        rw_doc_words(proposal->doc, at,
                     rw_proposal_say(
                         proposal, RW_TEXTS("from backup: not promised", "从备份恢复，不作承诺")));
        at->tone = RW_DOC_BAD;
        return;
    }
    rw_doc_words(proposal->doc, at,
                 rw_proposal_quantity(proposal, rw_sheet_quantity(&plan->sheet, cell)));
    at->number = expected;
    at->tone = kept ? RW_DOC_GOOD : RW_DOC_BAD;
    at->figure = rw_proposal_figure(proposal, cell);
}

static void put_criterion(struct rw_proposal *proposal, struct rw_doc_table *table,
                          const struct criterion *criterion)
{
    const struct rw_plan *plan = proposal->plan;
    uint32_t wanted = plan->inputs[criterion->wanted];
    if (isnan(rw_plan_input(plan, criterion->wanted)))
        return;
    struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
    rw_doc_words(proposal->doc, &cells[0],
                 rw_proposal_say(proposal, rw_sheet_cell(&plan->sheet, wanted)->label));
    rw_proposal_put(proposal, &cells[1], wanted);
    for (unsigned i = 0; i < plan->tier_count; i++)
        put_expected(proposal, &cells[i + 2], criterion, &plan->tiers[i]);
    rw_doc_words(proposal->doc, &cells[plan->tier_count + 2],
                 rw_proposal_say(proposal, criterion->judged));
}

void rw_proposal_acceptance(struct rw_proposal *proposal)
{
    struct rw_doc *doc = proposal->doc;
    const struct rw_plan *plan = proposal->plan;
    if (!plan->tier_count)
        return;
    rw_doc_section(doc, 1, RW_TEXTS("Acceptance criteria", "验收标准"));
    rw_doc_paragraph(doc,
                     RW_TEXTS("Each target is judged by measurement, not by opinion: the file "
                              "acceptance.yaml of this plan has them for the load generator. A "
                              "tick says that the tier is expected to keep the target.",
                              "各项指标以实测判定：本方案的 acceptance.yaml 供压测工具逐项验证。"
                              "打勾表示该档预期达标。"),
                     NULL, 0);
    struct rw_doc_table *table = rw_doc_table(
        doc,
        rw_proposal_say(proposal, RW_TEXTS("Targets and what the tiers give", "目标与各档预期")),
        NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_proposal_say(proposal, RW_TEXTS("Target", "指标")),
                  NONE);
    rw_doc_column(doc, table, RW_DOC_NUMBER, rw_proposal_say(proposal, RW_TEXTS("Wanted", "要求")),
                  NONE);
    for (unsigned i = 0; i < plan->tier_count; i++)
        rw_doc_column(doc, table, RW_DOC_STATUS, rw_proposal_say(proposal, plan->tiers[i].label),
                      NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS,
                  rw_proposal_say(proposal, RW_TEXTS("Judged by", "判定方式")), NONE);
    for (size_t i = 0; i < sizeof(criteria) / sizeof(criteria[0]); i++)
        put_criterion(proposal, table, &criteria[i]);
}
