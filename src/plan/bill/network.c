/* What is paid for the network: the entry, traffic in steps and between places, links. */
#include "plan/bill/article.h"
#include "plan/bill/formulas.h"
#include "plan/bill/line.h"

/* ---- Traffic to the internet ---- */

static void add_egress(struct rw_bill_at *at)
{
    static const struct rw_label gib = RW_LABEL("GiB", "GiB");
    struct rw_bill_line line;
    const struct rw_bill_article *article;
    if (rw_bill_size(at, "egress_month", 1) == RW_CELL_NONE ||
        !rw_bill_begin(at, RW_BILL_EGRESS, &line, &article))
        return;
    for (unsigned year = 1; year <= at->plan->bill->years; year++)
        line.quantity[year - 1] = rw_bill_gib_of(at, &line, article, "egress_month", year);
    if (article->skus[1])
        rw_bill_steps(at, article, &line, line.quantity, gib);
    else
        rw_bill_add(at, &line);
}

/* ---- What is there in each place ---- */

static void same_each_year(struct rw_bill_at *at, struct rw_bill_line *line, uint32_t quantity)
{
    for (unsigned i = 0; i < at->plan->bill->years; i++)
        line->quantity[i] = quantity;
}

static void add_entry(struct rw_bill_at *at)
{
    struct rw_bill_line line;
    const struct rw_bill_article *article;
    if (!rw_bill_begin(at, RW_BILL_ENTRY, &line, &article))
        return;
    same_each_year(at, &line, at->places);
    rw_bill_add(at, &line);
}

/* By the largest of the dimensions that a unit holds; the gateways end TLS, not the entry. */
static void add_entry_units(struct rw_bill_at *at)
{
    static const struct rw_label units = RW_LABEL("capacity units", "容量单位");
    static const struct rw_label connections =
        RW_LABEL("Open connections in a capacity unit", "每容量单位的活动连接数");
    static const char source[] = "a capacity unit for TCP: 100,000 connections or 1 GB an hour "
                                 "(handbook.vantage.sh, ELB pricing, read 2026-11-20)";
    struct rw_bill_line line;
    const struct rw_bill_article *article =
        rw_bill_article(at->place->provider, RW_BILL_ENTRY_UNITS);
    if (!article || rw_bill_size(at, "entry_month", 1) == RW_CELL_NONE ||
        !rw_bill_begin(at, RW_BILL_ENTRY_UNITS, &line, &article))
        return;
    uint32_t room = rw_bill_constant(at->plan, "bill.unit_connections", connections, RW_UNIT_COUNT,
                                     100000, source);
    for (unsigned year = 1; year <= at->plan->bill->years; year++) {
        const char *open = year < at->plan->bill->years
                               ? rw_sheet_text(&at->plan->sheet, "sizing.connections.%u", year)
                               : "sizing.connections";
        line.quantity[year - 1] =
            rw_sheet_compute(&at->plan->sheet, rw_bill_id(at, line.name, "quantity", year),
                             rw_bill_label(at, line.label, units, year), RW_UNIT_COUNT,
                             &rw_bill_units, 4, at->weight, rw_bill_size(at, "entry_month", year),
                             rw_sheet_find(&at->plan->sheet, open), room);
    }
    rw_bill_add(at, &line);
}

/* One in each zone, so that outgoing calls survive the loss of one. */
static void add_nat(struct rw_bill_at *at)
{
    static const struct rw_label what = RW_LABEL("gateways", "网关数");
    static const struct rw_label data = RW_LABEL("Data through NAT gateways", "NAT 流量");
    static const struct rw_label unknown = RW_LABEL(
        "how much the system calls out to others is not in the intake", "需求未说明对外调用的流量");
    struct rw_bill_line line;
    const struct rw_bill_article *article;
    uint32_t zones = rw_plan_find(at->plan, "sizing", &at->plan->tiers[at->tier], "zones");
    if (zones == RW_CELL_NONE || strcmp(at->place->provider, "onprem") == 0 ||
        !rw_bill_begin(at, RW_BILL_NAT, &line, &article))
        return;
    same_each_year(at, &line,
                   rw_sheet_compute(&at->plan->sheet, rw_bill_id(at, line.name, "quantity", 0),
                                    rw_bill_label(at, line.label, what, 0), RW_UNIT_COUNT,
                                    &rw_formula_product, 2, zones, at->places));
    rw_bill_add(at, &line);
    rw_bill_omit(at->plan, NULL, data, unknown);
}

/* Between providers, or to the customer's own site: two ports, so that one can fail. */
static void add_link(struct rw_bill_at *at)
{
    static const struct rw_label carrier =
        RW_LABEL("Carrier of the dedicated link", "专线运营商费用");
    static const struct rw_label quote =
        RW_LABEL("carriers publish no list prices; the ports at the provider are in the totals",
                 "运营商无公开目录价；云商端口已计入合计");
    struct rw_bill_line line;
    const struct rw_bill_article *article;
    uint32_t last = rw_bill_size(at, "link", at->plan->bill->years);
    double bits = rw_sheet_value(&at->plan->sheet, last);
    if (at->plan->bill->site_count < 2 || !(bits > 0) ||
        !rw_bill_begin(at, RW_BILL_LINK, &line, &article))
        return;
    unsigned size = bits <= 1e9 ? 0 : bits <= 1e10 ? 1 : 2;
    line.key = rw_bill_key(at, article, article->skus[size], "on_demand");
    same_each_year(at, &line,
                   rw_bill_constant(at->plan, "bill.two", (struct rw_label)RW_LABEL("Two", "两个"),
                                    RW_UNIT_COUNT, 2, RW_BY_DEFINITION));
    rw_bill_add(at, &line);
    rw_bill_omit(at->plan, NULL, carrier, quote);
}

void rw_bill_network_at(struct rw_bill_at *at)
{
    add_egress(at);
    rw_bill_bytes(at, RW_BILL_ZONES, "transfer_zones");
    rw_bill_bytes(at, RW_BILL_TRANSFER, "transfer_regions");
    add_entry(at);
    add_entry_units(at);
    if (rw_bill_article(at->place->provider, RW_BILL_ENTRY_DATA))
        rw_bill_bytes(at, RW_BILL_ENTRY_DATA, "entry_month");
    add_nat(at);
    add_link(at);
}
