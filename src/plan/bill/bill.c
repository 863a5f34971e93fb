#include "plan/bill/bill.h"

#include "plan/bill/article.h"
#include "plan/bill/catalog.h"
#include "plan/bill/formulas.h"

#include <stdio.h>

struct bill_at {
    struct rw_plan *plan;
    unsigned tier, site;
    const struct rw_term_site *place;
    char prefix[64];          /* "bill.t1.s1" */
    uint32_t weight, standby; /* shares of this site */
    double years_committed;
};

static const char *text_of(struct bill_at *at, const char *item, const char *what)
{
    return rw_sheet_text(&at->plan->sheet, "%s.%s.%s", at->prefix, item, what);
}

static struct rw_label named(struct bill_at *at, struct rw_label name, struct rw_label what)
{
    struct rw_sheet *sheet = &at->plan->sheet;
    return (struct rw_label){rw_sheet_text(sheet, "%s: %s", name.en, what.en),
                             rw_sheet_text(sheet, "%s：%s", name.zh, what.zh)};
}

static uint32_t sizing(struct bill_at *at, const char *name)
{
    return rw_plan_find(at->plan, "sizing", &at->plan->tiers[at->tier], name);
}

/* A month has 730 hours in the list: 8760 / 12. What is sold by the month is counted once. */
static uint32_t hours_of(struct bill_at *at, const char *unit)
{
    static const struct rw_label hours = RW_LABEL("Hours of a month", "每月小时数");
    static const struct rw_label once = RW_LABEL("Once a month", "按月计");
    if (strcmp(unit, "hour") == 0)
        return rw_bill_constant(at->plan, "bill.hours_month", hours, RW_UNIT_ONE, 730,
                                "prices.yaml, meta");
    return rw_bill_constant(at->plan, "bill.once_month", once, RW_UNIT_ONE, 1, "by definition");
}

/* ---- Items ---- */

static struct rw_bill_item *new_item(struct bill_at *at)
{
    struct rw_bill *bill = at->plan->bill;
    struct rw_sheet *sheet = &at->plan->sheet;
    if (bill->item_count == RW_BILL_ITEMS_MAX) {
        sheet->err = sheet->err ? sheet->err : RW_ELIMIT;
        return NULL;
    }
    if (bill->item_count == bill->room) {
        unsigned room = bill->room ? 2 * bill->room : 64;
        struct rw_bill_item *items = rw_arena_alloc(&sheet->arena, room * sizeof(*items));
        if (!items) {
            sheet->err = sheet->err ? sheet->err : RW_ENOMEM;
            return NULL;
        }
        if (bill->item_count)
            memcpy(items, bill->items, bill->item_count * sizeof(*items));
        bill->items = items;
        bill->room = room;
    }
    return &bill->items[bill->item_count++];
}

struct item_plan {
    enum rw_bill_role role;
    const char *name; /* of the cells; NULL: the role's */
    struct rw_label label;
    struct rw_price_key key;
    const char *unit;
    uint32_t quantity;
    uint32_t share; /* of the hours, or RW_CELL_NONE: all */
};

static void record(struct bill_at *at, const struct item_plan *item,
                   const struct rw_bill_price *price, uint32_t month)
{
    static const struct rw_label year = RW_LABEL("a year", "每年");
    uint32_t cells =
        rw_sheet_compute(&at->plan->sheet, text_of(at, item->name, "year"),
                         named(at, item->label, year), RW_UNIT_MONEY, &rw_bill_year, 1, month);
    struct rw_bill_item *row = new_item(at);
    if (!row)
        return;
    *row = (struct rw_bill_item){
        .tier = at->tier,
        .site = at->site,
        .name = item->name,
        .label = item->label,
        .category = rw_bill_roles[item->role].category,
        .provider = item->key.provider,
        .service = item->key.service,
        .sku = item->key.sku,
        .region = item->key.region,
        .term = item->key.term,
        .unit = item->unit,
        .currency = price->found ? price->offer.row->currency : NULL,
        .doubts = price->found ? price->offer.doubts : 0,
        .quantity = item->quantity,
        .price = price->cell,
        .month = month,
        .year = cells,
        .share = item->share,
    };
}

static void add_item(struct bill_at *at, const struct item_plan *item)
{
    static const struct rw_label month = RW_LABEL("a month", "每月");
    struct rw_bill_price price = rw_bill_price(at->plan, &item->key, item->unit);
    struct rw_sheet *sheet = &at->plan->sheet;
    uint32_t hours = hours_of(at, item->unit);
    const char *id = text_of(at, item->name, "month");
    struct rw_label label = named(at, item->label, month);
    uint32_t cell =
        item->share == RW_CELL_NONE
            ? rw_sheet_compute(sheet, id, label, RW_UNIT_MONEY, &rw_formula_line_item, 4,
                               price.cell, item->quantity, hours, price.rate)
            : rw_sheet_compute(sheet, id, label, RW_UNIT_MONEY, &rw_formula_line_item, 5,
                               price.cell, item->quantity, hours, price.rate, item->share);
    record(at, item, &price, cell);
}

static struct rw_price_key key_of(struct bill_at *at, const struct rw_bill_article *article,
                                  const char *sku, const char *term)
{
    return (struct rw_price_key){at->place->provider, article->service, sku, at->place->region,
                                 term};
}

/* ---- Machines ---- */

struct machine {
    const char *sku, *term;
    double vcpu;
    const char *shape_source;
    double price; /* of a core and hour; INFINITY: none */
    bool here;    /* the price is of this region */
};

static struct machine machine_for(struct bill_at *at, const struct rw_bill_article *article,
                                  const char *sku, const char *term)
{
    struct rw_price_key key = key_of(at, article, sku, term);
    struct machine machine = {.sku = sku, .term = term, .price = INFINITY};
    struct rw_price_offer offer;
    double memory;
    if (!rw_prices_find(at->plan->prices, &key, at->plan->terms.date, &offer) ||
        !rw_prices_shape(at->plan->prices, sku, &machine.vcpu, &memory, &machine.shape_source))
        return machine;
    machine.price = offer.price / machine.vcpu;
    machine.here = !(offer.doubts & RW_PRICE_DOUBT_REGION);
    return machine;
}

static bool is_better(const struct machine *next, const struct machine *best)
{
    if (isinf(next->price) || next->here < best->here)
        return false;
    return next->here > best->here || next->price < best->price;
}

/* The cheapest of the candidates by the core: of those with a price for this region, if any. */
static struct machine choose_on_demand(struct bill_at *at, const struct rw_bill_article *article)
{
    struct machine best = {article->skus[0], "on_demand", NAN, "", INFINITY, false};
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
static bool choose_committed(struct bill_at *at, const struct rw_bill_article *article,
                             struct machine *best)
{
    bool found = false;
    for (unsigned i = 0; i < RW_BILL_SKUS_MAX && article->skus[i]; i++) {
        struct machine free = machine_for(at, article, article->skus[i], "on_demand");
        for (const char *const *term = rw_bill_terms(at->years_committed); *term; term++) {
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

static uint32_t nodes_here(struct bill_at *at, const struct item_plan *item, const char *nodes,
                           const char *standby)
{
    static const struct rw_label what = RW_LABEL("nodes", "节点数");
    uint32_t all = sizing(at, nodes);
    uint32_t more = standby ? sizing(at, standby) : RW_CELL_NONE;
    if (all == RW_CELL_NONE)
        return RW_CELL_NONE;
    if (more == RW_CELL_NONE)
        more = rw_bill_constant(at->plan, "bill.none", (struct rw_label)RW_LABEL("None", "无"),
                                RW_UNIT_COUNT, 0, "by definition");
    return rw_sheet_compute(&at->plan->sheet, text_of(at, item->name, "nodes"),
                            named(at, item->label, what), RW_UNIT_COUNT, &rw_bill_nodes_here, 4,
                            at->weight, all, at->standby, more);
}

/* Of one node of the role, as the sizing counted it. */
static uint32_t cores_of(struct bill_at *at, enum rw_bill_role role)
{
    if (role == RW_BILL_DATABASE)
        return sizing(at, "database_cores");
    if (role == RW_BILL_CACHE)
        return sizing(at, "cache_cores");
    return at->plan->inputs[RW_INPUT_NODE_CORES];
}

static uint32_t machine_count(struct bill_at *at, const struct item_plan *item, uint32_t nodes,
                              uint32_t node_cores, const struct machine *machine)
{
    struct rw_sheet *sheet = &at->plan->sheet;
    static const struct rw_label cores = RW_LABEL("cores of a machine", "单机核数");
    static const struct rw_label count = RW_LABEL("machines", "台数");
    uint32_t vcpu = rw_sheet_add(sheet, &(struct rw_cell){
                                            .id = text_of(at, item->name, "vcpu"),
                                            .label = named(at, item->label, cores),
                                            .unit = RW_UNIT_COUNT,
                                            .origin = RW_ORIGIN_DATA,
                                            .value = machine->vcpu,
                                            .source = machine->shape_source,
                                        });
    return rw_sheet_compute(sheet, text_of(at, item->name, "quantity"),
                            named(at, item->label, count), RW_UNIT_COUNT, &rw_bill_machines, 3,
                            nodes, node_cores, vcpu);
}

/* Of machines that follow the load, those above the base run a part of the day. Which is committed
 * is a question of that part against the break-even. */
static void add_burst(struct bill_at *at, struct item_plan item, uint32_t all, uint32_t base)
{
    static const struct rw_label part =
        RW_LABEL("Share of the hours in which load is high", "高负载时段占比");
    static const struct rw_label what = RW_LABEL("above the base, on demand", "基线以上按需");
    struct rw_sheet *sheet = &at->plan->sheet;
    uint32_t share = rw_sheet_find(sheet, "bill.burst_hours");
    if (share == RW_CELL_NONE)
        share = rw_sheet_add(
            sheet, &(struct rw_cell){
                       .id = "bill.burst_hours",
                       .label = part,
                       .unit = RW_UNIT_SHARE,
                       .origin = RW_ORIGIN_ASSUMED,
                       .value = 1.0 / 3,
                       .reason = RW_LABEL("eight hours of a day in one time zone; a load curve "
                                          "makes it exact",
                                          "单时区每天八小时；提供负载曲线后可精确计算"),
                       .spread = {RW_SPREAD_TRIANGULAR, 0.2, 1.0 / 3, 0.6},
                       .spread_reason = RW_LABEL("five to fourteen hours", "五至十四小时"),
                   });
    item.name = rw_sheet_text(sheet, "%s_burst", item.name);
    item.label = named(at, item.label, what);
    item.key.term = "on_demand";
    item.share = share;
    item.quantity = rw_sheet_compute(sheet, text_of(at, item.name, "quantity"), item.label,
                                     RW_UNIT_COUNT, &rw_formula_difference, 2, all, base);
    add_item(at, &item);
}

static void add_breakeven(struct bill_at *at, const struct item_plan *item)
{
    static const struct rw_label what =
        RW_LABEL("share of hours from which the commitment is cheaper", "预留更划算的使用时长占比");
    struct rw_price_key on_demand = item->key;
    on_demand.term = "on_demand";
    struct rw_bill_price committed = rw_bill_price(at->plan, &item->key, item->unit);
    struct rw_bill_price free = rw_bill_price(at->plan, &on_demand, item->unit);
    (void)rw_sheet_compute(&at->plan->sheet, text_of(at, item->name, "breakeven"),
                           named(at, item->label, what), RW_UNIT_SHARE, &rw_bill_breakeven, 2,
                           committed.cell, free.cell);
}

static void add_machines(struct bill_at *at, enum rw_bill_role role, const char *nodes,
                         const char *standby)
{
    const struct rw_bill_article *article = rw_bill_article(at->place->provider, role);
    if (!article)
        return;
    struct machine machine = choose_on_demand(at, article);
    bool committed = choose_committed(at, article, &machine);
    struct item_plan item = {
        .role = role,
        .name = rw_bill_roles[role].word,
        .label = rw_bill_roles[role].label,
        .unit = article->unit,
        .share = RW_CELL_NONE,
    };
    uint32_t here = nodes_here(at, &item, nodes, standby), cores = cores_of(at, role);
    if (here == RW_CELL_NONE || cores == RW_CELL_NONE)
        return;
    item.key = key_of(at, article, machine.sku, machine.term);
    item.quantity = machine_count(at, &item, here, cores, &machine);
    if (!committed || role != RW_BILL_COMPUTE) {
        if (committed)
            add_breakeven(at, &item);
        add_item(at, &item);
        return;
    }
    static const struct rw_label base_label = RW_LABEL("always on, committed", "基线预留");
    uint32_t all = item.quantity;
    struct item_plan burst = item;
    add_breakeven(at, &item);
    item.name = rw_sheet_text(&at->plan->sheet, "%s_base", item.name);
    item.label = named(at, item.label, base_label);
    item.quantity = rw_sheet_compute(&at->plan->sheet, text_of(at, item.name, "quantity"),
                                     item.label, RW_UNIT_COUNT, &rw_bill_base, 2, all,
                                     at->plan->inputs[RW_INPUT_PEAK_FACTOR]);
    add_item(at, &item);
    add_burst(at, burst, all, item.quantity);
}

/* ---- Bytes ---- */

static uint32_t gib_of(struct bill_at *at, const struct item_plan *item, const char *source,
                       double gib_each)
{
    struct rw_sheet *sheet = &at->plan->sheet;
    uint32_t bytes = sizing(at, source);
    if (bytes == RW_CELL_NONE)
        return RW_CELL_NONE;
    const char *id = text_of(at, item->name, "quantity");
    if (gib_each == 0)
        return rw_sheet_compute(sheet, id, named(at, item->label, (struct rw_label){"GiB", "GiB"}),
                                RW_UNIT_ONE, &rw_bill_gib, 2, at->weight, bytes);
    static const struct rw_label pieces = RW_LABEL("pieces", "件数");
    uint32_t each = rw_bill_constant(at->plan, text_of(at, item->name, "gib_each"),
                                     named(at, item->label, (struct rw_label){"GiB", "GiB"}),
                                     RW_UNIT_ONE, gib_each, item->key.sku);
    return rw_sheet_compute(sheet, id, named(at, item->label, pieces), RW_UNIT_COUNT,
                            &rw_bill_pieces, 3, at->weight, bytes, each);
}

static void add_bytes(struct bill_at *at, enum rw_bill_role role, const char *source)
{
    const struct rw_bill_article *article = rw_bill_article(at->place->provider, role);
    if (!article)
        return;
    struct item_plan item = {
        .role = role,
        .name = rw_bill_roles[role].word,
        .label = rw_bill_roles[role].label,
        .key = key_of(at, article, article->skus[0], "on_demand"),
        .unit = article->unit,
        .share = RW_CELL_NONE,
    };
    item.quantity = gib_of(at, &item, source, article->gib_each);
    if (item.quantity == RW_CELL_NONE || rw_sheet_value(&at->plan->sheet, item.quantity) == 0)
        return;
    add_item(at, &item);
}

/* Each part of the traffic at its own price; a step that the plan does not reach needs none, but
 * has one for the draws when the list knows it. */
static void add_egress(struct bill_at *at)
{
    const struct rw_bill_article *article = rw_bill_article(at->place->provider, RW_BILL_EGRESS);
    const struct rw_formula *steps = rw_bill_steps(at->place->provider);
    if (!article)
        return;
    if (!steps) {
        add_bytes(at, RW_BILL_EGRESS, "egress_month");
        return;
    }
    static const struct rw_label month = RW_LABEL("a month", "每月");
    struct item_plan item = {
        .role = RW_BILL_EGRESS,
        .name = rw_bill_roles[RW_BILL_EGRESS].word,
        .label = rw_bill_roles[RW_BILL_EGRESS].label,
        .key = key_of(at, article, article->skus[0], "on_demand"),
        .unit = article->unit,
        .share = RW_CELL_NONE,
    };
    item.quantity = gib_of(at, &item, "egress_month", 0);
    if (item.quantity == RW_CELL_NONE)
        return;
    double quantity = rw_sheet_value(&at->plan->sheet, item.quantity);
    uint32_t inputs[2 + RW_BILL_STEPS_MAX] = {item.quantity};
    unsigned count = 2;
    double from = 0;
    struct rw_bill_price first = rw_bill_price(at->plan, &item.key, item.unit);
    inputs[1] = first.rate;
    for (unsigned i = 0; i < RW_BILL_STEPS_MAX && article->skus[i]; i++) {
        struct rw_price_key key = key_of(at, article, article->skus[i], "on_demand");
        struct rw_price_offer offer;
        if (!(quantity > from) &&
            !rw_prices_find(at->plan->prices, &key, at->plan->terms.date, &offer))
            break;
        inputs[count++] = rw_bill_price(at->plan, &key, item.unit).cell;
        from = article->upto[i];
    }
    uint32_t cell = rw_sheet_add(&at->plan->sheet, &(struct rw_cell){
                                                       .id = text_of(at, item.name, "month"),
                                                       .label = named(at, item.label, month),
                                                       .unit = RW_UNIT_MONEY,
                                                       .currency = at->plan->sheet.currency,
                                                       .origin = RW_ORIGIN_COMPUTED,
                                                       .formula = steps,
                                                       .inputs = inputs,
                                                       .input_count = count,
                                                   });
    record(at, &item, &first, cell);
}

/* ---- The rest of a site ---- */

static void add_entry(struct bill_at *at)
{
    const struct rw_bill_article *article = rw_bill_article(at->place->provider, RW_BILL_ENTRY);
    if (!article)
        return;
    struct item_plan item = {
        .role = RW_BILL_ENTRY,
        .name = rw_bill_roles[RW_BILL_ENTRY].word,
        .label = rw_bill_roles[RW_BILL_ENTRY].label,
        .key = key_of(at, article, article->skus[0], "on_demand"),
        .unit = article->unit,
        .quantity = rw_bill_constant(at->plan, "bill.one", (struct rw_label)RW_LABEL("One", "一个"),
                                     RW_UNIT_COUNT, 1, "by definition"),
        .share = RW_CELL_NONE,
    };
    add_item(at, &item);
}

/* Between providers, or to the customer's own site: two ports, so that one can fail. */
static void add_link(struct bill_at *at)
{
    const struct rw_bill_article *article = rw_bill_article(at->place->provider, RW_BILL_LINK);
    double bits = rw_sheet_value(&at->plan->sheet, sizing(at, "link"));
    if (!article || at->plan->bill->site_count < 2 || !(bits > 0))
        return;
    unsigned size = bits <= 1e9 ? 0 : bits <= 1e10 ? 1 : 2;
    struct item_plan item = {
        .role = RW_BILL_LINK,
        .name = rw_bill_roles[RW_BILL_LINK].word,
        .label = rw_bill_roles[RW_BILL_LINK].label,
        .key = key_of(at, article, article->skus[size], "on_demand"),
        .unit = article->unit,
        .quantity = rw_bill_constant(at->plan, "bill.two", (struct rw_label)RW_LABEL("Two", "两个"),
                                     RW_UNIT_COUNT, 2, "one may fail"),
        .share = RW_CELL_NONE,
    };
    add_item(at, &item);
}

static void add_site(struct bill_at *at)
{
    add_machines(at, RW_BILL_COMPUTE, "app_nodes", "app_nodes_standby");
    add_machines(at, RW_BILL_GATEWAY, "gateway_nodes", "gateway_nodes_standby");
    add_machines(at, RW_BILL_DATABASE, "database_nodes", "database_nodes_standby");
    add_machines(at, RW_BILL_CACHE, "cache_nodes", NULL);
    add_bytes(at, RW_BILL_STORAGE_HOT, "storage_hot");
    add_bytes(at, RW_BILL_STORAGE_COLD, "storage_cold");
    add_bytes(at, RW_BILL_STORAGE_BACKUP, "storage_backup");
    add_egress(at);
    add_bytes(at, RW_BILL_TRANSFER, "transfer_month");
    add_entry(at);
    add_link(at);
}

/* ---- Tiers ---- */

static void add_sum(struct rw_plan *plan, unsigned tier, unsigned first, bool year)
{
    static const struct rw_label labels[] = {RW_LABEL("Running cost, a month", "运行费用（月）"),
                                             RW_LABEL("Running cost, a year", "运行费用（年）")};
    uint32_t inputs[RW_SHEET_INPUTS_MAX];
    unsigned count = 0;
    for (unsigned i = first; i < plan->bill->item_count; i++) {
        if (count == RW_SHEET_INPUTS_MAX) {
            plan->sheet.err = plan->sheet.err ? plan->sheet.err : RW_ELIMIT;
            return;
        }
        inputs[count++] = year ? plan->bill->items[i].year : plan->bill->items[i].month;
    }
    if (count == 0)
        return;
    (void)rw_sheet_add(&plan->sheet,
                       &(struct rw_cell){
                           .id = rw_sheet_text(&plan->sheet, "bill.%s.%s", plan->tiers[tier].id,
                                               year ? "year" : "month"),
                           .label = labels[year],
                           .unit = RW_UNIT_MONEY,
                           .currency = plan->sheet.currency,
                           .origin = RW_ORIGIN_COMPUTED,
                           .formula = &rw_formula_sum,
                           .inputs = inputs,
                           .input_count = count,
                       });
}

static void add_setup(struct rw_plan *plan, unsigned tier)
{
    (void)rw_sheet_add(
        &plan->sheet,
        &(struct rw_cell){
            .id = rw_sheet_text(&plan->sheet, "bill.%s.setup", plan->tiers[tier].id),
            .label = RW_LABEL("Bought once", "一次性采购"),
            .unit = RW_UNIT_MONEY,
            .currency = plan->sheet.currency,
            .origin = RW_ORIGIN_ASSUMED,
            .value = 0,
            .reason = RW_LABEL("everything is rented; project work is paid from its own share of "
                               "the budget, as no rate for it was given",
                               "全部按租用计；项目实施费用未提供费率，由预算中的相应份额支付"),
        });
}

static uint32_t weight_cell(struct rw_plan *plan, unsigned site, const char *name,
                            struct rw_label label, double value)
{
    return rw_bill_constant(plan, rw_sheet_text(&plan->sheet, "bill.site%u.%s", site + 1, name),
                            label, RW_UNIT_SHARE, value,
                            plan->bill->site_assumed ? "assumed: one site" : "sites of the intake");
}

static void add_tier(struct rw_plan *plan, unsigned tier)
{
    struct rw_bill *bill = plan->bill;
    unsigned first = bill->item_count;
    double all = 0;
    for (unsigned i = 0; i < bill->site_count; i++)
        all += bill->sites[i].weight;
    for (unsigned i = 0; i < bill->site_count; i++) {
        unsigned before = (i + bill->site_count - 1) % bill->site_count;
        static const struct rw_label weight = RW_LABEL("Share of this site", "本站点占比");
        static const struct rw_label standby = RW_LABEL("Stands by for", "为其他站点待命占比");
        struct bill_at at = {
            .plan = plan,
            .tier = tier,
            .site = i,
            .place = &bill->sites[i],
            .weight = weight_cell(plan, i, "weight", weight, bill->sites[i].weight / all),
            .standby = weight_cell(plan, i, "standby", standby, bill->sites[before].weight / all),
            .years_committed = plan->tiers[tier].profile->years_committed,
        };
        snprintf(at.prefix, sizeof(at.prefix), "bill.%s.s%u", plan->tiers[tier].id, i + 1);
        add_site(&at);
    }
    add_sum(plan, tier, first, false);
    add_sum(plan, tier, first, true);
    add_setup(plan, tier);
}

/* ---- Findings about the whole ---- */

static void tell_site(struct rw_plan *plan)
{
    rw_findings_add(
        &plan->findings,
        &(struct rw_finding){
            .rule = "site_assumed",
            .severity = RW_SEVERITY_NOTE,
            .text = RW_LABEL("Nobody said where the system is to run: {2} is assumed",
                             "未说明部署位置：按 {2} 估算"),
            .action = RW_LABEL("Name provider and region of each site, with its share",
                               "请列出各站点的云厂商、区域及占比"),
            .numbers = {{.value = NAN}, {.value = NAN}},
            .cells = {RW_CELL_NONE, RW_CELL_NONE},
            .subject = rw_sheet_text(&plan->sheet, "%s %s", plan->bill->sites[0].provider,
                                     plan->bill->sites[0].region),
            .source = "src/plan/bill",
        });
}

static void tell_doubts(struct rw_plan *plan)
{
    const struct rw_bill *bill = plan->bill;
    rw_findings_add(
        &plan->findings,
        &(struct rw_finding){
            .rule = "price_requote",
            .severity = RW_SEVERITY_NOTE,
            .text = RW_LABEL("{0} of {1} prices are to be quoted anew: older than 12 months, "
                             "undated, approximate, or of another region",
                             "共 {1} 项价格，其中 {0} 项须重新询价：超过12个月、日期不明、为估计值"
                             "或取自其他区域"),
            .action =
                RW_LABEL("Ask the providers before the proposal is signed", "签约前向供应商询价"),
            .numbers = {{.value = bill->prices_doubtful, .unit = RW_UNIT_COUNT},
                        {.value = bill->prices_used, .unit = RW_UNIT_COUNT}},
            .cells = {RW_CELL_NONE, RW_CELL_NONE},
            .source = "data/plan/prices.yaml",
        });
}

static bool sells(const struct rw_prices *prices, const char *provider)
{
    for (unsigned i = 0; i < prices->list_count; i++)
        for (unsigned j = 0; j < prices->lists[i].row_count; j++)
            if (strcmp(prices->lists[i].rows[j].provider, provider) == 0)
                return true;
    return false;
}

static void tell_left_out(struct rw_plan *plan, const struct rw_term_site *site)
{
    rw_findings_add(
        &plan->findings,
        &(struct rw_finding){
            .rule = "site_unpriced",
            .severity = RW_SEVERITY_NOTE,
            .text =
                RW_LABEL("The machines on premises stay as they are: nothing is bought there, as "
                         "no price file has prices for {2}",
                         "本地站点维持现状：价格文件中没有 {2} 的价格，清单不含本地采购"),
            .action = RW_LABEL("Give prices of servers and storage in a price file of your own, if "
                               "the site is part of the plan",
                               "如方案包含本地站点，请以自有价格文件提供服务器与存储价格"),
            .numbers = {{.value = NAN}, {.value = NAN}},
            .cells = {RW_CELL_NONE, RW_CELL_NONE},
            .subject = site->provider,
            .source = "data/plan/prices.yaml",
            .file = plan->terms.file,
            .place = site->place,
        });
}

/* Prices for "any" region say nothing about which there are. */
static bool sells_in(const struct rw_prices *prices, const struct rw_term_site *site)
{
    for (unsigned i = 0; i < prices->list_count; i++)
        for (unsigned j = 0; j < prices->lists[i].row_count; j++)
            if (strcmp(prices->lists[i].rows[j].provider, site->provider) == 0 &&
                strcmp(prices->lists[i].rows[j].region, site->region) == 0)
                return true;
    return false;
}

static void tell_region(struct rw_plan *plan, const struct rw_term_site *site)
{
    rw_findings_add(
        &plan->findings,
        &(struct rw_finding){
            .rule = "region_unknown",
            .severity = RW_SEVERITY_WARNING,
            .text = RW_LABEL("The price list knows no region \"{2}\": prices of another region "
                             "stand in for it",
                             "价格表中没有区域“{2}”：以其他区域的价格代替"),
            .action = RW_LABEL("Name the region by its technical name; if it is right, ask the "
                               "provider for its prices",
                               "请写明区域的技术名称；如名称无误，请向供应商询价"),
            .numbers = {{.value = NAN}, {.value = NAN}},
            .cells = {RW_CELL_NONE, RW_CELL_NONE},
            .subject = rw_sheet_text(&plan->sheet, "%s %s", site->provider, site->region),
            .source = "data/plan/prices.yaml",
            .file = plan->terms.file,
            .place = site->place,
        });
}

/* What stands on premises is part of the bill once somebody gives prices for it. */
static void choose_sites(struct rw_plan *plan)
{
    static const struct rw_term_site china = {"alibaba", "cn-beijing", 1, {0, 0}};
    static const struct rw_term_site world = {"aws", "us-east-1", 1, {0, 0}};
    struct rw_bill *bill = plan->bill;
    const struct rw_terms *terms = &plan->terms;
    for (unsigned i = 0; i < terms->site_count; i++) {
        const struct rw_term_site *site = &terms->sites[i];
        if (strcmp(site->provider, "onprem") == 0 && !sells(plan->prices, "onprem"))
            tell_left_out(plan, site);
        else
            bill->sites[bill->site_count++] = *site;
        if (strcmp(site->provider, "onprem") != 0 && !sells_in(plan->prices, site))
            tell_region(plan, site);
    }
    if (bill->site_count)
        return;
    bill->site_assumed = true;
    bill->sites[bill->site_count++] = strcmp(plan->sheet.currency, "CNY") == 0 ? china : world;
    tell_site(plan);
}

enum rw_err rw_bill_chapter(struct rw_plan *plan)
{
    rw_assert(plan->prices);
    plan->bill = rw_arena_zero(&plan->sheet.arena, sizeof(*plan->bill));
    if (!plan->bill)
        return RW_ENOMEM;
    choose_sites(plan);
    for (unsigned i = 0; i < plan->tier_count; i++)
        add_tier(plan, i);
    if (plan->bill->prices_doubtful)
        tell_doubts(plan);
    return plan->sheet.err ? plan->sheet.err : plan->findings.err;
}
