/* Today against the plan: what the customer said of today, or that he did not, beside the figures
 * of the tier. And the end: what is to be decided, given and measured next. */
#include "plan/bill/bill.h"
#include "plan/choice.h"
#include "plan/intake/intake.h"
#include "plan/proposal/points.h"

#define NONE ((struct rw_span){"", 0})

/* ---- Today and the plan ---- */

static const struct aspect {
    struct rw_label name;
    const char *cell;     /* of today, or NULL */
    const char *bound;    /* one that says something of it, where that one is missing */
    bool machines;        /* the sites may have named them */
    const char *words[2]; /* where the customer may have said it in words */
    const char *about;    /* then one of these is among them; NULL: it is asked for by itself */
    struct rw_proposal_point planned;
} aspects[] = {
    {RW_LABEL("Load that is carried", "承载能力"),
     NULL,
     NULL,
     false,
     {"infrastructure.capacity", "infrastructure.bottleneck"},
     NULL,
     {RW_LABEL("{0}, {1} connections", "{0}，{1} 条连接"),
      {"sizing.rate_peak", "sizing.connections"}}},
    {RW_LABEL("Latency", "时延"),
     NULL,
     NULL,
     false,
     {"pains.system", "pains.problem"},
     "慢|延迟|时延|超时|响应|卡顿|slow|latency|delay|timeout|response|seconds",
     {RW_LABEL("{0} at the stated percentile", "目标分位 {0}"), {"sizing.*.response_tail"}}},
    {RW_LABEL("Downtime", "停机时间"),
     "intake.money.downtime_now",
     NULL,
     false,
     {NULL},
     NULL,
     {RW_LABEL("{0} ({1})", "{0}（{1}）"), {"sizing.*.downtime", "sizing.*.availability"}}},
    {RW_LABEL("Scaling", "扩缩容"),
     NULL,
     NULL,
     false,
     {"infrastructure.operations", "pains.operations"},
     NULL,
     {RW_LABEL("by rule, within {0}", "按规则自动，{0} 内就绪"), {"intake.load.scale_out_time"}}},
    {RW_LABEL("Machines", "机器"),
     NULL,
     NULL,
     true,
     {"infrastructure.private_cloud", "infrastructure.public_cloud"},
     NULL,
     {RW_LABEL("{0} nodes, {1} cores for application and gateway",
               "{0} 个节点，应用与网关共 {1} 核"),
      {"sizing.*.nodes", "sizing.*.cores"}}},
    {RW_LABEL("Data", "数据"),
     "intake.data.stored",
     NULL,
     false,
     {"infrastructure.database"},
     NULL,
     {RW_LABEL("{0} in all, with copies, archive and backups", "含副本、归档与备份共 {0}"),
      {"sizing.*.storage_billed"}}},
    {RW_LABEL("Loss of a region", "地域失效"),
     NULL,
     NULL,
     false,
     {NULL},
     NULL,
     {RW_LABEL("{0} until the first answer", "{0} 内恢复应答"), {"sizing.*.recovery"}}},
    {RW_LABEL("Cost of a year", "年成本"),
     "intake.money.cost_now",
     "bill.now.year",
     false,
     {NULL},
     NULL,
     {RW_LABEL("{0}", "{0}"), {"money.*.cost_year"}}},
    {RW_LABEL("Support", "支持"),
     NULL,
     NULL,
     false,
     {NULL},
     NULL,
     {RW_LABEL("first answer within {0}, at any hour", "7x24，{0} 内首次响应"),
      {"goals.*.support"}}},
};

/* "Not stated; 336,384 USD at the list price for the machines named". */
static void put_bound(struct rw_proposal *proposal, struct rw_doc_cell *at, uint32_t cell)
{
    rw_proposal_put(proposal, at, cell);
    struct rw_span value =
        rw_proposal_quantity(proposal, rw_sheet_quantity(&proposal->plan->sheet, cell));
    bool chinese = proposal->language == RW_LANGUAGE_ZH;
    rw_doc_words(proposal->doc, at,
                 rw_doc_format(proposal->doc,
                               chinese
                                   ? "未说明；所列机器按目录价为 %.*s"
                                   : "not stated; %.*s at the list price for the machines named",
                               RW_SPAN_ARGS(value)));
}

/* "100 × D8s_v3, 30 × c5.4xlarge": the machines that the sites name. */
static struct rw_span fleet_words(struct rw_proposal *proposal)
{
    const struct rw_terms *terms = &proposal->plan->terms;
    struct rw_span words = RW_LITERAL("");
    for (unsigned i = 0; i < terms->fleet_count; i++)
        words =
            rw_doc_format(proposal->doc, "%.*s%s%.0f × %.60s", RW_SPAN_ARGS(words),
                          words.len ? ", " : "", terms->fleets[i].machines, terms->fleets[i].shape);
    return words;
}

static struct rw_span said_of(const struct rw_proposal *proposal, const struct aspect *aspect,
                              size_t field)
{
    struct rw_span words = rw_intake_text(proposal->intake, aspect->words[field]);
    bool meant = !aspect->about || rw_proposal_has_word(words, aspect->about);
    return meant ? words : RW_LITERAL("");
}

static void put_today(struct rw_proposal *proposal, struct rw_doc_cell *at,
                      const struct aspect *aspect)
{
    const struct rw_sheet *sheet = &proposal->plan->sheet;
    uint32_t cell = aspect->cell ? rw_sheet_find(sheet, aspect->cell) : RW_CELL_NONE;
    struct rw_span words = RW_LITERAL("");
    for (size_t i = 0; i < 2 && proposal->intake && aspect->words[i] && !words.len; i++)
        words = said_of(proposal, aspect, i);
    if (!words.len && aspect->machines)
        words = fleet_words(proposal);
    uint32_t bound = aspect->bound ? rw_sheet_find(sheet, aspect->bound) : RW_CELL_NONE;
    if (isfinite(rw_sheet_value(sheet, cell)))
        rw_proposal_put(proposal, at, cell);
    else if (isfinite(rw_sheet_value(sheet, bound)))
        put_bound(proposal, at, bound);
    else
        rw_doc_words(proposal->doc, at,
                     words.len ? words
                               : rw_proposal_say(proposal, RW_TEXTS("not stated", "未说明")));
}

void rw_proposal_against(struct rw_proposal *proposal)
{
    const struct rw_label titles[] = {RW_LABEL("Aspect", "方面"), RW_LABEL("Today", "现有方案"),
                                      RW_LABEL("This plan", "本方案")};
    struct rw_doc *doc = proposal->doc;
    struct rw_plan *plan = proposal->plan;
    if (!plan->tier_count)
        return;
    const struct rw_tier *tier = &plan->tiers[rw_plan_shown(plan)];
    rw_doc_section(doc, 1, RW_TEXTS("Today against the plan", "与现有方案的对比"));
    struct rw_doc_argument arguments[] = {RW_DOC_TEXT(rw_proposal_say(proposal, tier->label))};
    rw_doc_paragraph(doc,
                     RW_TEXTS("Of today is told what the customer wrote; where nothing was stated "
                              "no improvement is claimed. Figures are of the tier **{0}**.",
                              "现状仅引用客户所述；未说明之处不声称改进。数字属 **{0}** 档。"),
                     arguments, 1);
    struct rw_doc_table *table = rw_doc_table(
        doc, rw_proposal_say(proposal, RW_TEXTS("Today and the plan", "现状与方案")), NONE);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        rw_doc_column(doc, table, RW_DOC_WORDS, rw_proposal_say(proposal, titles[i]), NONE);
    for (size_t i = 0; i < sizeof(aspects) / sizeof(aspects[0]); i++) {
        struct rw_span planned = rw_proposal_point_text(proposal, tier, &aspects[i].planned);
        if (!planned.len)
            continue;
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        rw_doc_words(doc, &cells[0], rw_proposal_say(proposal, aspects[i].name));
        put_today(proposal, &cells[1], &aspects[i]);
        rw_doc_words(doc, &cells[2], planned);
        uint32_t cell = rw_proposal_point_cell(proposal, tier, aspects[i].planned.figures[0]);
        cells[2].number = rw_sheet_value(&plan->sheet, cell);
        cells[2].figure = rw_proposal_figure(proposal, cell);
    }
}

/* ---- The end ---- */

static void put_measures(struct rw_proposal *proposal, const struct rw_tier *tier)
{
    enum { SHOWN = 3 };
    const struct rw_plan *plan = proposal->plan;
    const struct rw_outlook_tier *outlook = &plan->outlook.tiers[tier - plan->tiers];
    struct rw_text text = {0};
    for (unsigned i = 0; i < outlook->swing_count && i < SHOWN; i++)
        rw_text_addf(&text, "%s%s", i ? rw_label_in(RW_TEXTS(", ", "、"), proposal->language) : "",
                     rw_label_in(rw_sheet_cell(&plan->sheet, outlook->swings[i].input)->label,
                                 proposal->language));
    struct rw_doc_argument arguments[] = {
        RW_DOC_TEXT(rw_doc_copy(proposal->doc, rw_text_span(&text)))};
    if (text.len)
        rw_doc_item(proposal->doc,
                    RW_TEXTS("**Measure** first what moves the result most: {0}.",
                             "**实测**：优先实测对结果影响最大的输入：{0}。"),
                    arguments, 1);
    if (text.err && !proposal->doc->err)
        proposal->doc->err = text.err;
    rw_text_free(&text);
}

static void put_verdict(struct rw_proposal *proposal)
{
    const struct rw_findings *findings = &proposal->plan->findings;
    const struct rw_tier *tier = rw_plan_recommended(proposal->plan);
    struct rw_doc_argument arguments[] = {
        tier ? RW_DOC_TEXT(rw_proposal_say(proposal, tier->label)) : RW_DOC_TEXT(RW_LITERAL("")),
        rw_proposal_count(proposal, rw_proposal_findings_count(findings, RW_SEVERITY_BLOCKER)),
    };
    if (tier)
        rw_doc_paragraph(proposal->doc,
                         RW_TEXTS("The tier **{0}** keeps the targets within its budget.",
                                  "**{0}** 档可在其预算内达成各项指标。"),
                         arguments, 2);
    else
        rw_doc_paragraph(
            proposal->doc,
            RW_TEXTS("No tier keeps all targets within its budget. {1} findings must be "
                     "resolved before anything is promised; the figures say by how "
                     "much each target, the budget or the load would have to move.",
                     "没有一档能在预算内达成全部指标。承诺之前须先解决 {1} 项“无法成立”的"
                     "发现；各数字表明指标、预算或负载需要调整的幅度。"),
            arguments, 2);
}

void rw_proposal_close(struct rw_proposal *proposal)
{
    struct rw_plan *plan = proposal->plan;
    if (!plan->tier_count)
        return;
    const struct rw_bill *bill = plan->bill;
    const struct rw_tier *tier = &plan->tiers[rw_plan_shown(plan)];
    struct rw_doc_argument counts[] = {
        rw_proposal_count(proposal, bill ? bill->prices_doubtful + bill->prices_missing : 0),
    };
    rw_doc_section(proposal->doc, 1, RW_TEXTS("Conclusion and next steps", "结论与下一步"));
    put_verdict(proposal);
    rw_doc_item(proposal->doc,
                RW_TEXTS("**Decide** on each finding that cannot be: change the requirement, or "
                         "accept in writing that it is not promised.",
                         "**决定**：逐项处理“无法成立”的发现，调整要求，或书面确认不作承诺。"),
                NULL, 0);
    rw_doc_item(proposal->doc,
                RW_TEXTS("**Give** what is missing: each entry of that table says what it changes.",
                         "**补充**：缺失的数据；“假设与缺失数据”说明每一项的影响。"),
                NULL, 0);
    put_measures(proposal, tier);
    if (bill && bill->prices_doubtful + bill->prices_missing)
        rw_doc_item(proposal->doc,
                    RW_TEXTS("**Quote** {0} prices anew before signing.",
                             "**询价**：签约前对 {0} 个价格重新询价。"),
                    counts, 1);
    rw_doc_item(
        proposal->doc,
        RW_TEXTS("**Make the plan again** with the new answers: it takes a second, and "
                 "`ringway plan diff` shows what has changed.",
                 "**重做方案**：以新的答案重新生成，仅需一秒；ringway plan diff 可列出全部变化。"),
        NULL, 0);
}
