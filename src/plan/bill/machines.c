/* Machines: which of the candidates, how many of them, and which part is committed. */
#include "plan/bill/article.h"
#include "plan/bill/formulas.h"
#include "plan/bill/line.h"

#include <math.h>

struct machine {
    const char *sku, *term;
    double vcpu;
    const char *shape_source;
    double price; /* of a node and hour; INFINITY: none */
    bool here;    /* the price is of this region */
};

/* Of one node of the role, as the sizing counted it. */
static uint32_t cores_of(struct rw_bill_at *at, enum rw_bill_role role)
{
    const struct rw_tier *tier = &at->plan->tiers[at->tier];
    if (role == RW_BILL_DATABASE)
        return rw_plan_find(at->plan, "sizing", tier, "database_cores");
    if (role == RW_BILL_CACHE)
        return rw_plan_find(at->plan, "sizing", tier, "cache_cores");
    return at->plan->inputs[RW_INPUT_NODE_CORES];
}

/* Rented machines hold one node or a part of one; a server of one's own holds as many as it has
 * cores for. */
static bool is_rented(const struct rw_bill_article *article)
{
    return strcmp(article->unit, "hour") == 0;
}

static struct machine machine_for(struct rw_bill_at *at, const struct rw_bill_article *article,
                                  const char *sku, const char *term)
{
    double cores = rw_sheet_value(&at->plan->sheet, cores_of(at, article->role));
    struct rw_price_key key = rw_bill_key(at, article, sku, term);
    struct machine machine = {.sku = sku, .term = term, .price = INFINITY};
    struct rw_price_offer offer;
    double memory;
    if (!rw_prices_find(at->plan->prices, &key, at->plan->terms.date, &offer) ||
        !rw_prices_shape(at->plan->prices, sku, &machine.vcpu, &memory, &machine.shape_source))
        return machine;
    machine.price =
        offer.price * (is_rented(article) ? fmax(1, ceil(cores / machine.vcpu)) : 1 / machine.vcpu);
    machine.here = !(offer.doubts & RW_PRICE_DOUBT_REGION);
    return machine;
}

static bool is_better(const struct machine *next, const struct machine *best)
{
    if (isinf(next->price) || next->here < best->here)
        return false;
    return next->here > best->here || next->price < best->price;
}

/* The cheapest of the candidates for a node: of those with a price for this region, if any. */
static struct machine choose_on_demand(struct rw_bill_at *at, const struct rw_bill_article *article)
{
    struct machine best = {article->skus[0],        "on_demand", NAN,
                           "data/plan/prices.yaml", INFINITY,    false};
    for (unsigned i = 0; i < RW_BILL_SKUS_MAX && article->skus[i]; i++) {
        struct machine next = machine_for(at, article, article->skus[i], "on_demand");
        if (is_better(&next, &best))
            best = next;
    }
    return best;
}

/* The same among commitments for this region, of machines that are sold here without one, too:
 * a commitment that another region sells proves nothing. A longer term is not asked for its price
 * where a shorter one is all that is wanted. False: none. */
static bool choose_committed(struct rw_bill_at *at, const struct rw_bill_article *article,
                             struct machine *best)
{
    double years = at->plan->tiers[at->tier].profile->years_committed;
    bool found = false;
    for (unsigned i = 0; i < RW_BILL_SKUS_MAX && article->skus[i]; i++) {
        struct machine free = machine_for(at, article, article->skus[i], "on_demand");
        for (const char *const *term = rw_bill_terms(years); *term; term++) {
            struct machine next = machine_for(at, article, article->skus[i], *term);
            if (!free.here || !next.here || next.price >= free.price ||
                (found && next.price >= best->price))
                continue;
            *best = next;
            found = true;
        }
    }
    return found;
}

/* ---- How many ---- */

static uint32_t nodes_here(struct rw_bill_at *at, const struct rw_bill_line *line,
                           const char *nodes, const char *standby, unsigned year)
{
    static const struct rw_label what = RW_LABEL("nodes", "节点数");
    uint32_t all = rw_bill_size(at, nodes, year);
    uint32_t more = standby ? rw_bill_size(at, standby, year) : RW_CELL_NONE;
    if (all == RW_CELL_NONE)
        return RW_CELL_NONE;
    if (more == RW_CELL_NONE)
        more = rw_bill_constant(at->plan, "bill.none", (struct rw_label)RW_LABEL("None", "无"),
                                RW_UNIT_COUNT, 0, RW_BY_DEFINITION);
    return rw_sheet_compute(&at->plan->sheet, rw_bill_id(at, line->name, "nodes", year),
                            rw_bill_label(at, line->label, what, year), RW_UNIT_COUNT,
                            &rw_bill_nodes_here, 4, at->weight, all, at->standby, more);
}

/* A cell for each machine type, whoever takes it. */
static uint32_t add_vcpu(struct rw_bill_at *at, const struct machine *machine)
{
    struct rw_sheet *sheet = &at->plan->sheet;
    const char *sku = machine->sku;
    return rw_bill_constant(at->plan, rw_bill_machine_id(at->plan, at->place->provider, sku),
                            (struct rw_label){rw_sheet_text(sheet, "%s: cores of a machine", sku),
                                              rw_sheet_text(sheet, "%s：单机核数", sku)},
                            RW_UNIT_COUNT, machine->vcpu, machine->shape_source);
}

/* False: the sizing has no such nodes. */
static bool count_machines(struct rw_bill_at *at, struct rw_bill_line *line, const char *nodes,
                           const char *standby, const struct machine *machine)
{
    static const struct rw_label count = RW_LABEL("machines", "台数");
    uint32_t cores = cores_of(at, line->role);
    if (cores == RW_CELL_NONE || rw_bill_size(at, nodes, 1) == RW_CELL_NONE)
        return false;
    bool rented = strcmp(line->unit, "hour") == 0;
    uint32_t vcpu = add_vcpu(at, machine);
    uint32_t zones = rw_plan_find(at->plan, "sizing", &at->plan->tiers[at->tier], "zones");
    for (unsigned i = 0; i < at->plan->bill->years; i++) {
        uint32_t here = nodes_here(at, line, nodes, standby, i + 1);
        uint32_t spread = rented || zones == RW_CELL_NONE ? here : zones;
        line->quantity[i] =
            rw_sheet_compute(&at->plan->sheet, rw_bill_id(at, line->name, "quantity", i + 1),
                             rw_bill_label(at, line->label, count, i + 1), RW_UNIT_COUNT,
                             &rw_bill_machines, 4, here, cores, vcpu, spread);
    }
    return true;
}

/* ---- Commitments ---- */

/* The share of the hours from which a commitment is cheaper. */
static double add_breakeven(struct rw_bill_at *at, const struct rw_bill_line *line)
{
    static const struct rw_label what =
        RW_LABEL("share of hours from which the commitment is cheaper", "预留更划算的使用时长占比");
    struct rw_price_key on_demand = line->key;
    on_demand.term = "on_demand";
    struct rw_bill_price committed = rw_bill_price(at->plan, &line->key, line->unit);
    struct rw_bill_price free = rw_bill_price(at->plan, &on_demand, line->unit);
    uint32_t cell = rw_sheet_compute(&at->plan->sheet, rw_bill_id(at, line->name, "breakeven", 0),
                                     rw_bill_label(at, line->label, what, 0), RW_UNIT_SHARE,
                                     &rw_bill_breakeven, 2, committed.cell, free.cell);
    return rw_sheet_value(&at->plan->sheet, cell);
}

static uint32_t burst_share(struct rw_sheet *sheet)
{
    uint32_t share = rw_sheet_find(sheet, "bill.burst_hours");
    if (share != RW_CELL_NONE)
        return share;
    return rw_sheet_add(
        sheet, &(struct rw_cell){
                   .id = "bill.burst_hours",
                   .label = RW_LABEL("Share of the hours in which load is high", "高负载时段占比"),
                   .unit = RW_UNIT_SHARE,
                   .origin = RW_ORIGIN_ASSUMED,
                   .value = 1.0 / 3,
                   .reason = RW_LABEL("eight hours of a day in one time zone; a load curve "
                                      "makes it exact",
                                      "单时区每天八小时；提供负载曲线后可精确计算"),
                   .spread = {RW_SPREAD_TRIANGULAR, 0.2, 1.0 / 3, 0.6},
                   .spread_reason = RW_LABEL("five to fourteen hours", "五至十四小时"),
               });
}

static uint32_t burst_hours(struct rw_sheet *sheet)
{
    uint32_t hours = rw_sheet_find(sheet, "bill.burst_hours_month");
    if (hours != RW_CELL_NONE)
        return hours;
    return rw_sheet_compute(sheet, "bill.burst_hours_month",
                            RW_TEXTS("Hours of a month in which load is high", "每月高负载小时数"),
                            RW_UNIT_ONE, &rw_bill_hours, 1, burst_share(sheet));
}

static void rename_line(struct rw_bill_at *at, struct rw_bill_line *line, const char *suffix,
                        struct rw_label what)
{
    line->name = rw_sheet_text(&at->plan->sheet, "%s_%s", line->name, suffix);
    line->label = rw_bill_label(at, line->label, what, 0);
}

/* Machines that are always needed, committed where that is cheaper; those above them run a part of
 * the day and are paid by the hour. */
static void add_split(struct rw_bill_at *at, const struct rw_bill_line *all, bool committed)
{
    static const struct rw_label base_label = RW_LABEL("always on", "基线常开"),
                                 committed_label = RW_LABEL("always on, committed", "基线预留"),
                                 burst_label =
                                     RW_LABEL("above the base, on demand", "基线以上按需"),
                                 count = RW_LABEL("machines", "台数");
    struct rw_sheet *sheet = &at->plan->sheet;
    struct rw_bill_line base = *all, burst = *all;
    rename_line(at, &base, "base", committed ? committed_label : base_label);
    rename_line(at, &burst, "burst", burst_label);
    burst.key.term = "on_demand";
    burst.times = burst_hours(sheet);
    for (unsigned i = 0; i < at->plan->bill->years; i++) {
        base.quantity[i] = rw_sheet_compute(sheet, rw_bill_id(at, base.name, "quantity", i + 1),
                                            rw_bill_label(at, base.label, count, i + 1),
                                            RW_UNIT_COUNT, &rw_bill_base, 2, all->quantity[i],
                                            at->plan->inputs[RW_INPUT_PEAK_FACTOR]);
        burst.quantity[i] =
            rw_sheet_compute(sheet, rw_bill_id(at, burst.name, "quantity", i + 1),
                             rw_bill_label(at, burst.label, count, i + 1), RW_UNIT_COUNT,
                             &rw_formula_difference, 2, all->quantity[i], base.quantity[i]);
    }
    rw_bill_add(at, &base);
    rw_bill_add(at, &burst);
}

static void add_machines(struct rw_bill_at *at, enum rw_bill_role role, const char *nodes,
                         const char *standby)
{
    struct rw_bill_line line;
    const struct rw_bill_article *article;
    if (!rw_bill_begin(at, role, &line, &article))
        return;
    struct machine machine = choose_on_demand(at, article);
    bool committed = choose_committed(at, article, &machine);
    line.key = rw_bill_key(at, article, machine.sku, machine.term);
    if (!count_machines(at, &line, nodes, standby, &machine))
        return;
    double breakeven = committed ? add_breakeven(at, &line) : 1;
    double busy = rw_sheet_value(&at->plan->sheet, burst_share(&at->plan->sheet));
    /* The application follows the load; from the break-even on, what it takes is committed whole.
     * Rented machines can be given back, bought ones cannot. */
    bool follows = role == RW_BILL_COMPUTE && strcmp(line.unit, "hour") == 0;
    if (follows && busy < breakeven)
        add_split(at, &line, committed);
    else
        rw_bill_add(at, &line);
}

void rw_bill_machines_at(struct rw_bill_at *at)
{
    add_machines(at, RW_BILL_COMPUTE, "app_nodes", "app_nodes_standby");
    add_machines(at, RW_BILL_GATEWAY, "gateway_nodes", "gateway_nodes_standby");
    add_machines(at, RW_BILL_DATABASE, "database_nodes", "database_nodes_standby");
    add_machines(at, RW_BILL_CACHE, "cache_nodes", NULL);
    add_machines(at, RW_BILL_MONITOR, "monitor_nodes", NULL);
}
