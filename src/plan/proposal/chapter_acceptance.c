/* The acceptance criteria: every goal that was stated, what each tier is expected to give, and how
 * it is judged, or why it cannot be. */
#include "plan/proposal/chapters.h"

#include "base/alloc.h"
#include "plan/goals/goals.h"

#define NONE ((struct rw_span){"", 0})

static struct rw_doc_table *begin_table(struct rw_proposal *proposal)
{
    struct rw_doc *doc = proposal->doc;
    const struct rw_plan *plan = proposal->plan;
    struct rw_doc_table *table = rw_doc_table(
        doc, rw_proposal_say(proposal, RW_TEXTS("Every stated goal", "全部目标的判定")), NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_proposal_say(proposal, RW_TEXTS("Goal", "目标")),
                  NONE);
    rw_doc_column(doc, table, RW_DOC_NUMBER, rw_proposal_say(proposal, RW_TEXTS("Wanted", "要求")),
                  NONE);
    for (unsigned i = 0; i < plan->tier_count; i++)
        rw_doc_column(doc, table, RW_DOC_STATUS, rw_proposal_say(proposal, plan->tiers[i].label),
                      NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS,
                  rw_proposal_say(proposal, RW_TEXTS("Judged by", "判定方式")), NONE);
    return table;
}

/* Nothing stands by to fail over to, and how long a restore takes nobody has measured. */
static bool from_backup(const struct rw_plan *plan, const struct rw_goal *goal, unsigned tier)
{
    return plan->tiers[tier].profile->regions < 2 && !rw_goal_kept(plan, goal, tier) &&
           goal->cells[tier] == rw_plan_find(plan, "sizing", &plan->tiers[tier], "recovery");
}

static void put_expected(struct rw_proposal *proposal, struct rw_doc_cell *at,
                         const struct rw_goal *goal, unsigned tier)
{
    const struct rw_plan *plan = proposal->plan;
    uint32_t cell = goal->cells[tier];
    if (cell == RW_CELL_NONE) {
        rw_doc_words(proposal->doc, at, RW_LITERAL("—"));
        return;
    }
    at->tone = rw_goal_kept(plan, goal, tier) ? RW_DOC_GOOD : RW_DOC_BAD;
    if (from_backup(plan, goal, tier)) {
        rw_doc_words(proposal->doc, at,
                     rw_proposal_say(
                         proposal, RW_TEXTS("from backup: not promised", "从备份恢复，不作承诺")));
        return;
    }
    rw_doc_words(proposal->doc, at,
                 rw_proposal_quantity(proposal, rw_sheet_quantity(&plan->sheet, cell)));
    at->number = rw_sheet_value(&plan->sheet, cell);
    at->figure = rw_proposal_figure(proposal, cell);
}

static void put_wanted(struct rw_proposal *proposal, struct rw_doc_cell *at,
                       const struct rw_goal *goal)
{
    if (goal->wanted_cell != RW_CELL_NONE)
        rw_proposal_put(proposal, at, goal->wanted_cell);
    else if (goal->text.len)
        rw_doc_words(proposal->doc, at, goal->text);
    else
        rw_doc_words(proposal->doc, at, rw_proposal_date(proposal, goal->wanted));
}

/* "availability (each service)" */
static struct rw_span name_of(struct rw_proposal *proposal, const struct rw_goal *goal)
{
    bool chinese = proposal->language == RW_LANGUAGE_ZH;
    struct rw_text text = {0};
    rw_text_add(&text, rw_proposal_say(proposal, goal->name));
    if (goal->scope.len) {
        rw_text_adds(&text, chinese ? "（" : " (");
        rw_text_add(&text, goal->scope);
        rw_text_adds(&text, chinese ? "）" : ")");
    }
    struct rw_span kept = rw_doc_copy(proposal->doc, rw_text_span(&text));
    if (text.err && !proposal->doc->err)
        proposal->doc->err = text.err;
    rw_text_free(&text);
    return kept;
}

static void put_goal(struct rw_proposal *proposal, struct rw_doc_table *table,
                     const struct rw_goal *goal)
{
    struct rw_doc *doc = proposal->doc;
    const struct rw_plan *plan = proposal->plan;
    struct rw_doc_cell *cells = rw_doc_row(doc, table);
    rw_doc_words(doc, &cells[0], name_of(proposal, goal));
    put_wanted(proposal, &cells[1], goal);
    for (unsigned i = 0; i < plan->tier_count; i++)
        put_expected(proposal, &cells[i + 2], goal, i);
    rw_doc_words(doc, &cells[plan->tier_count + 2], rw_proposal_say(proposal, goal->told));
}

static void put_goals(struct rw_proposal *proposal, const struct rw_goals *goals)
{
    static const struct rw_label headings[RW_GOAL_KINDS] = {
        RW_LABEL("Stated as figures", "以数字给出的目标"),
        RW_LABEL("From the list of targets", "指标清单"),
        RW_LABEL("Stated in words", "以文字给出的目标"),
    };
    struct rw_doc_table *table = begin_table(proposal);
    enum rw_goal_kind kind = RW_GOAL_KINDS;
    for (unsigned i = 0; i < goals->count; i++) {
        if (goals->at[i].kind != kind)
            rw_doc_group(proposal->doc, table,
                         rw_proposal_say(proposal, headings[goals->at[i].kind]));
        kind = goals->at[i].kind;
        put_goal(proposal, table, &goals->at[i]);
    }
}

/* How many are judged, and how many of these each tier keeps. */
static void put_count(struct rw_proposal *proposal, const struct rw_goals *goals)
{
    const struct rw_plan *plan = proposal->plan;
    unsigned judged = 0;
    for (unsigned i = 0; i < goals->count; i++)
        judged += goals->at[i].judged;
    struct rw_doc_argument counts[] = {
        rw_proposal_count(proposal, goals->count),
        rw_proposal_count(proposal, judged),
        rw_proposal_count(proposal, goals->count - judged + goals->left_out),
    };
    rw_doc_paragraph(proposal->doc,
                     RW_TEXTS("{0} goals were stated. The plan judges {1} of them; {2} cannot be "
                              "judged by a plan, and the last column says why and what would help.",
                              "共 {0} 项目标，其中 {1} 项可由方案判定；{2} 项无法由方案判定，"
                              "原因与补救见末列。"),
                     counts, 3);
    for (unsigned t = 0; t < plan->tier_count; t++) {
        unsigned kept = 0, open = 0;
        for (unsigned i = 0; i < goals->count; i++) {
            bool has = goals->at[i].cells[t] != RW_CELL_NONE;
            kept += has && rw_goal_kept(plan, &goals->at[i], t);
            open += has;
        }
        struct rw_doc_argument arguments[] = {
            RW_DOC_TEXT(rw_proposal_say(proposal, plan->tiers[t].label)),
            rw_proposal_count(proposal, kept),
            rw_proposal_count(proposal, open),
        };
        rw_doc_item(proposal->doc,
                    RW_TEXTS("**{0}** keeps {1} of {2}.", "**{0}**：{2} 项中预期达成 {1} 项。"),
                    arguments, 3);
    }
}

void rw_proposal_acceptance(struct rw_proposal *proposal)
{
    struct rw_doc *doc = proposal->doc;
    if (!proposal->plan->tier_count)
        return;
    struct rw_goals *goals = rw_alloc_zero(sizeof(*goals));
    if (!goals) {
        doc->err = RW_ENOMEM;
        return;
    }
    rw_goals_gather(proposal->plan, proposal->intake, goals);
    rw_doc_section(doc, 1, RW_TEXTS("Goals and acceptance", "目标与验收标准"));
    rw_doc_paragraph(doc,
                     RW_TEXTS("Goals are judged by measurement, not by opinion: the file "
                              "acceptance.yaml of this plan has those that a load generator can "
                              "measure. A tick says that the tier is expected to keep the goal.",
                              "目标以实测判定，不凭意见：本方案的 acceptance.yaml "
                              "含压测工具可测量的各项。打勾表示该档预期达标。"),
                     NULL, 0);
    if (goals->count) {
        put_count(proposal, goals);
        put_goals(proposal, goals);
    } else {
        rw_doc_note(doc, RW_DOC_WARNING, NONE,
                    RW_TEXTS("No goal was stated: there is nothing to accept the work by.",
                             "未给出任何目标：没有可据以验收的内容。"),
                    NULL, 0);
    }
    rw_free(goals);
}
