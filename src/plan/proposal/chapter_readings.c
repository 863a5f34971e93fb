/* What the load may mean, and which load the budgets pay for: the first thing to settle. */
#include "plan/proposal/chapters.h"

#define NONE ((struct rw_span){"", 0})

/* Down to three digits: more would be read as precision. */
static double floor_digits(double value)
{
    double unit = pow(10, floor(log10(value)) - 2);
    return unit * floor(value / unit * (1 + 1e-12));
}

static struct rw_span rate_text(struct rw_proposal *proposal, double rate)
{
    return rw_proposal_quantity(proposal,
                                (struct rw_quantity){.value = rate, .unit = RW_UNIT_PER_SECOND});
}

static struct rw_span money_text(struct rw_proposal *proposal, double cents)
{
    struct rw_span currency = rw_proposal_currency(proposal);
    struct rw_span text = rw_proposal_quantity(
        proposal,
        (struct rw_quantity){.value = cents, .unit = RW_UNIT_MONEY, .currency = currency.at});
    bool ends = text.len > currency.len + 1 && !isnan(cents); /* it is in the caption */
    return ends ? rw_span(text.at, text.len - currency.len - 1) : text;
}

static struct rw_doc_table *begin(struct rw_proposal *proposal)
{
    struct rw_doc *doc = proposal->doc;
    struct rw_doc_table *table = rw_doc_table(
        doc,
        rw_proposal_say(proposal, RW_TEXTS("Cost of the term by reading, and the peak "
                                           "that each budget pays",
                                           "各口径下的订阅期成本，以及预算可承受的峰值")),
        rw_proposal_currency(proposal));
    rw_doc_column(doc, table, RW_DOC_WORDS,
                  rw_proposal_say(proposal, RW_TEXTS("The load", "负载口径")), NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS,
                  rw_proposal_say(proposal, RW_TEXTS("Peak today", "当前峰值")), NONE);
    for (unsigned i = 0; i < proposal->plan->tier_count; i++)
        rw_doc_column(doc, table, RW_DOC_STATUS,
                      rw_proposal_say(proposal, proposal->plan->tiers[i].label), NONE);
    return table;
}

static void put_reading(struct rw_proposal *proposal, struct rw_doc_table *table,
                        const struct rw_reading *reading)
{
    struct rw_doc *doc = proposal->doc;
    struct rw_doc_cell *cells = rw_doc_row(doc, table);
    struct rw_span label = rw_proposal_say(proposal, reading->label);
    struct rw_span planned =
        rw_proposal_say(proposal, reading->planned ? RW_TEXTS(" (as planned)", "（本方案采用）")
                                                   : RW_TEXTS("", ""));
    rw_doc_words(doc, &cells[0],
                 rw_doc_format(doc, "%.*s%.*s", RW_SPAN_ARGS(label), RW_SPAN_ARGS(planned)));
    rw_doc_words(doc, &cells[1], rate_text(proposal, reading->rate));
    for (unsigned i = 0; i < proposal->plan->tier_count; i++) {
        rw_doc_words(doc, &cells[2 + i], money_text(proposal, reading->cost[i]));
        if (!isnan(reading->reserve[i]))
            cells[2 + i].tone = reading->reserve[i] >= 0 ? RW_DOC_GOOD : RW_DOC_BAD;
    }
}

static bool any_budget(const struct rw_plan *plan)
{
    for (unsigned i = 0; i < plan->tier_count; i++)
        if (!isnan(plan->readings.most[i]))
            return true;
    return false;
}

static void put_most(struct rw_proposal *proposal, struct rw_doc_table *table)
{
    const struct rw_plan *plan = proposal->plan;
    struct rw_doc *doc = proposal->doc;
    double think = rw_plan_input(plan, RW_INPUT_THINK_TIME);
    double time = rw_plan_input(plan, RW_INPUT_LATENCY);
    struct rw_doc_cell *rates = rw_doc_row(doc, table);
    struct rw_doc_cell *users = rw_doc_row(doc, table);
    rw_doc_words(doc, &rates[0],
                 rw_proposal_say(
                     proposal, RW_TEXTS("the most that the budget pays", "预算可承受的最高峰值")));
    rw_doc_words(doc, &users[0],
                 rw_proposal_say(proposal, RW_TEXTS("the same, in users who think",
                                                    "同上，折合有思考时间的在线用户")));
    for (unsigned i = 0; i < plan->tier_count; i++) {
        double most = plan->readings.most[i];
        if (isnan(most))
            continue;
        if (most < 1) {
            rw_doc_words(doc, &rates[2 + i],
                         rw_proposal_say(proposal, RW_TEXTS("none: its data alone costs more",
                                                            "无：仅数据费用即已超出")));
            continue;
        }
        most = floor_digits(most);
        double people = floor_digits(most * ((isnan(time) ? 0 : time) + think));
        rw_doc_words(doc, &rates[2 + i], rate_text(proposal, most));
        rw_doc_words(doc, &users[2 + i],
                     rw_proposal_quantity(
                         proposal, (struct rw_quantity){.value = people, .unit = RW_UNIT_COUNT}));
    }
}

void rw_proposal_readings(struct rw_proposal *proposal)
{
    const struct rw_readings *readings = &proposal->plan->readings;
    bool budget = any_budget(proposal->plan);
    if (readings->count < 2 && !budget)
        return;
    rw_doc_section(
        proposal->doc, 2,
        RW_TEXTS("What the load means, and what the budget pays", "负载口径与预算可承受的规模"));
    struct rw_doc_argument think[] = {
        rw_proposal_argument(proposal, proposal->plan->inputs[RW_INPUT_THINK_TIME]),
        rw_proposal_argument(proposal, rw_sheet_find(&proposal->plan->sheet, "sizing.rate_today")),
    };
    rw_doc_paragraph(
        proposal->doc,
        RW_TEXTS(
            "Machines, databases and traffic follow the peak rate; the plan takes {1}. Users "
            "who think wait {0} between two actions. Each figure is the whole plan computed "
            "again: ringway plan whatif INTAKE --set sizing.rate_today=RATE.",
            "机器、数据库与流量均取决于峰值速率，本方案取 {1}；有思考时间的用户两次操作间隔 {0}。"
            "每个数字均为整份方案重新计算所得：ringway plan whatif INTAKE "
            "--set sizing.rate_today=速率。"),
        think, 2);
    struct rw_doc_table *table = begin(proposal);
    for (unsigned i = 0; i < readings->count; i++)
        put_reading(proposal, table, &readings->at[i]);
    if (budget)
        put_most(proposal, table);
}
