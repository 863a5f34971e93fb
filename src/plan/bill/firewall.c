/* A web application firewall before each site, where the customer has none that stays. */
#include "plan/bill/article.h"
#include "plan/bill/formulas.h"
#include "plan/bill/line.h"

enum { RULES = 10 }; /* of a web ACL: the usual managed groups and a few of one's own */

static void same_each_year(struct rw_bill_at *at, struct rw_bill_line *line, uint32_t quantity)
{
    for (unsigned i = 0; i < at->plan->bill->years; i++)
        line->quantity[i] = quantity;
}

/* The provider's article of the role, when it has one. */
static bool begin(struct rw_bill_at *at, enum rw_bill_role role, struct rw_bill_line *line)
{
    const struct rw_bill_article *article;
    return rw_bill_article(at->place->provider, role) && rw_bill_begin(at, role, line, &article);
}

static void add_rules(struct rw_bill_at *at)
{
    static const struct rw_label rules = RW_LABEL("rules", "规则数");
    static const struct rw_label each = RW_LABEL("Rules of a firewall", "单个防火墙规则数");
    static const struct rw_label reason =
        RW_LABEL("the managed groups against common attacks, and a few of one's own",
                 "常见攻击的托管规则组与少量自有规则");
    struct rw_sheet *sheet = &at->plan->sheet;
    struct rw_bill_line line;
    if (!begin(at, RW_BILL_FIREWALL_RULES, &line))
        return;
    uint32_t count = rw_sheet_find(sheet, "bill.firewall_rules");
    if (count == RW_CELL_NONE)
        count = rw_sheet_choose(sheet, "bill.firewall_rules", each, RW_UNIT_COUNT, RULES, reason);
    same_each_year(at, &line,
                   rw_sheet_compute(sheet, rw_bill_id(at, line.name, "quantity", 0),
                                    rw_bill_label(at, line.label, rules, 0), RW_UNIT_COUNT,
                                    &rw_formula_product, 2, at->places, count));
    rw_bill_add(at, &line);
}

/* "sizing.NAME" of the year; the last year is the end of the term. */
static uint32_t of_year(const struct rw_bill_at *at, const char *name, unsigned year)
{
    struct rw_sheet *sheet = &at->plan->sheet;
    bool last = year == at->plan->bill->years;
    return rw_sheet_find(sheet, last ? rw_sheet_text(sheet, "sizing.%s", name)
                                     : rw_sheet_text(sheet, "sizing.%s.%u", name, year));
}

static void add_requests(struct rw_bill_at *at)
{
    static const struct rw_label millions = RW_LABEL("millions", "百万次");
    struct rw_bill_line line;
    if (!begin(at, RW_BILL_FIREWALL_REQUESTS, &line))
        return;
    for (unsigned year = 1; year <= at->plan->bill->years; year++)
        line.quantity[year - 1] =
            rw_sheet_compute(&at->plan->sheet, rw_bill_id(at, line.name, "quantity", year),
                             rw_bill_label(at, line.label, millions, year), RW_UNIT_COUNT,
                             &rw_bill_millions, 3, of_year(at, "requests_month", year),
                             at->plan->inputs[RW_INPUT_INSPECTED_SHARE], at->weight);
    rw_bill_add(at, &line);
}

static void add_units(struct rw_bill_at *at)
{
    static const struct rw_label units = RW_LABEL("capacity units", "容量单位");
    struct rw_bill_line line;
    if (!begin(at, RW_BILL_FIREWALL_UNITS, &line))
        return;
    for (unsigned year = 1; year <= at->plan->bill->years; year++)
        line.quantity[year - 1] = rw_sheet_compute(
            &at->plan->sheet, rw_bill_id(at, line.name, "quantity", year),
            rw_bill_label(at, line.label, units, year), RW_UNIT_COUNT, &rw_bill_firewall_units, 4,
            at->weight, of_year(at, "connections", year), of_year(at, "requests_month", year),
            at->plan->inputs[RW_INPUT_INSPECTED_SHARE]);
    rw_bill_add(at, &line);
}

void rw_bill_firewall_at(struct rw_bill_at *at)
{
    static const struct rw_label kept =
        RW_LABEL("the customer's own stays before the entry; what it costs for this load is its "
                 "maker's to quote",
                 "客户现有的防火墙保留在入口之前；在此负载下的费用由其厂商报价");
    const char *provider = at->place->provider;
    struct rw_bill_line line;
    const struct rw_bill_article *article;
    if (at->plan->terms.own_firewall) {
        rw_bill_omit(at->plan, NULL, rw_bill_roles[RW_BILL_FIREWALL].label, kept);
        return;
    }
    bool metered = rw_bill_article(provider, RW_BILL_FIREWALL_REQUESTS);
    if (!metered || rw_bill_article(provider, RW_BILL_FIREWALL)) {
        if (!rw_bill_begin(at, RW_BILL_FIREWALL, &line, &article))
            return;
        same_each_year(at, &line, at->places);
        rw_bill_add(at, &line);
    }
    add_rules(at);
    add_requests(at);
    add_units(at);
}
