#include "plan/bill/line.h"

#include "plan/bill/article.h"
#include "plan/bill/formulas.h"
#include "plan/sizing/sizing.h"

const char *rw_bill_id(struct rw_bill_at *at, const char *item, const char *what, unsigned year)
{
    struct rw_sheet *sheet = &at->plan->sheet;
    return year ? rw_sheet_text(sheet, "%s.%s.%s.%u", at->prefix, item, what, year)
                : rw_sheet_text(sheet, "%s.%s.%s", at->prefix, item, what);
}

struct rw_label rw_bill_label(struct rw_bill_at *at, struct rw_label name, struct rw_label what,
                              unsigned year)
{
    struct rw_sheet *sheet = &at->plan->sheet;
    if (!year)
        return (struct rw_label){rw_sheet_text(sheet, "%s: %s", name.en, what.en),
                                 rw_sheet_text(sheet, "%s：%s", name.zh, what.zh)};
    return (struct rw_label){rw_sheet_text(sheet, "%s: %s, year %u", name.en, what.en, year),
                             rw_sheet_text(sheet, "%s：%s（第 %u 年）", name.zh, what.zh, year)};
}

uint32_t rw_bill_size(const struct rw_bill_at *at, const char *name, unsigned year)
{
    return rw_sizing_of_year(at->plan, &at->plan->tiers[at->tier], name, year);
}

struct rw_price_key rw_bill_key(const struct rw_bill_at *at, const struct rw_bill_article *article,
                                const char *sku, const char *term)
{
    const char *provider = at->place->provider, *region = at->place->region;
    /* What stands on premises costs the same in every city, unless the user's file says otherwise.
     */
    if (strcmp(provider, "onprem") == 0 && !rw_bill_sells(at->plan->prices, provider, region))
        region = "any";
    return (struct rw_price_key){provider, article->service, sku, region, term};
}

void rw_bill_omit(struct rw_plan *plan, const char *provider, struct rw_label label,
                  struct rw_label reason)
{
    struct rw_bill *bill = plan->bill;
    for (unsigned i = 0; i < bill->omission_count; i++) {
        const struct rw_bill_omission *known = &bill->omissions[i];
        bool same = known->provider == provider ||
                    (known->provider && provider && strcmp(known->provider, provider) == 0);
        if (same && strcmp(known->label.en, label.en) == 0)
            return;
    }
    rw_assert(bill->omission_count < RW_BILL_OMISSIONS_MAX);
    bill->omissions[bill->omission_count++] = (struct rw_bill_omission){provider, label, reason};
}

bool rw_bill_begin(struct rw_bill_at *at, enum rw_bill_role role, struct rw_bill_line *line,
                   const struct rw_bill_article **article)
{
    static const struct rw_label reason =
        RW_LABEL("the price list has no such article of this provider; ask for it",
                 "价格表中没有该云商的此类条目；请询价");
    *article = rw_bill_article(at->place->provider, role);
    if (!*article && strcmp(at->place->provider, "onprem") != 0) /* there it is one's own */
        rw_bill_omit(at->plan, at->place->provider, rw_bill_roles[role].label, reason);
    if (!*article)
        return false;
    *line = (struct rw_bill_line){
        .role = role,
        .name = rw_bill_roles[role].word,
        .label = rw_bill_roles[role].label,
        .key = rw_bill_key(at, *article, (*article)->skus[0], "on_demand"),
        .unit = (*article)->unit,
        .times = RW_CELL_NONE,
    };
    return true;
}

/* A month has 730 hours in the list: 8760 / 12. What is sold by the month is counted once. */
static uint32_t times_of(struct rw_plan *plan, const char *unit)
{
    static const struct rw_label hours = RW_LABEL("Hours of a month", "每月小时数");
    static const struct rw_label once = RW_LABEL("Once a month", "按月计");
    size_t length = strlen(unit);
    if (length >= 4 && strcmp(unit + length - 4, "hour") == 0)
        return rw_bill_constant(plan, "bill.hours_month", hours, RW_UNIT_ONE, 730,
                                "prices.yaml, meta");
    return rw_bill_constant(plan, "bill.once_month", once, RW_UNIT_ONE, 1, RW_BY_DEFINITION);
}

static struct rw_bill_item *new_item(struct rw_plan *plan)
{
    struct rw_bill *bill = plan->bill;
    struct rw_sheet *sheet = &plan->sheet;
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

static void add_year(struct rw_bill_at *at, const struct rw_bill_line *line,
                     struct rw_bill_item *item, unsigned i)
{
    static const struct rw_label month = RW_LABEL("a month", "每月");
    static const struct rw_label year = RW_LABEL("the year", "全年");
    struct rw_sheet *sheet = &at->plan->sheet;
    item->quantity[i] = line->quantity[i];
    item->month[i] =
        rw_sheet_compute(sheet, rw_bill_id(at, line->name, "month", i + 1),
                         rw_bill_label(at, line->label, month, i + 1), RW_UNIT_MONEY,
                         &rw_formula_line_item, 3, line->quantity[i], item->paid, item->times);
    item->year[i] =
        rw_sheet_compute(sheet, rw_bill_id(at, line->name, "year", i + 1),
                         rw_bill_label(at, line->label, year, i + 1), RW_UNIT_MONEY,
                         &rw_formula_product, 2, at->plan->bill->months[i], item->month[i]);
}

void rw_bill_add(struct rw_bill_at *at, const struct rw_bill_line *line)
{
    struct rw_bill_price price = rw_bill_price(at->plan, &line->key, line->unit);
    struct rw_bill_item *item = new_item(at->plan);
    if (!item)
        return;
    *item = (struct rw_bill_item){
        .tier = at->tier,
        .site = at->site,
        .name = line->name,
        .label = line->label,
        .category = rw_bill_roles[line->role].category,
        .service_category = rw_bill_services[line->role].category,
        .service_subcategory = rw_bill_services[line->role].subcategory,
        .provider = line->key.provider,
        .service = line->key.service,
        .sku = line->key.sku,
        .region = line->key.region,
        .term = line->key.term,
        .unit = line->unit,
        .currency = price.found ? price.offer.row->currency : NULL,
        .doubts = price.found ? price.offer.doubts : 0,
        .price = price.cell,
        .paid = price.paid,
        .list_price = price.found ? price.offer.row->price : NAN,
        .times = line->times == RW_CELL_NONE ? times_of(at->plan, line->unit) : line->times,
    };
    for (unsigned i = 0; i < at->plan->bill->years; i++)
        add_year(at, line, item, i);
}

bool rw_bill_item_bought(const struct rw_plan *plan, const struct rw_bill_item *item)
{
    for (unsigned i = 0; i < plan->bill->years; i++)
        if (rw_sheet_value(&plan->sheet, item->quantity[i]) != 0)
            return true;
    return false;
}
