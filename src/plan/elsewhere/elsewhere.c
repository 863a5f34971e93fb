#include "plan/elsewhere/elsewhere.h"

#include "base/alloc.h"
#include "plan/bill/bill.h"
#include "plan/choice.h"

/* ---- Places ---- */

static bool sells_machines(const struct rw_price *row, const char *provider)
{
    return strcmp(row->provider, provider) == 0 && strcmp(row->service, "support") != 0 &&
           strcmp(row->region, "any") != 0;
}

static unsigned rows_of(const struct rw_prices *prices, const char *provider, const char *region)
{
    unsigned count = 0;
    for (unsigned i = 0; i < prices->list_count; i++)
        for (unsigned j = 0; j < prices->lists[i].row_count; j++) {
            const struct rw_price *row = &prices->lists[i].rows[j];
            count += sells_machines(row, provider) && strcmp(row->region, region) == 0;
        }
    return count;
}

/* The provider's region under that law of which the list knows the most; NULL: none. */
static const char *region_under(const struct rw_prices *prices, const char *provider,
                                const char *law)
{
    const char *best = NULL;
    unsigned most = 0;
    for (unsigned i = 0; i < prices->list_count; i++)
        for (unsigned j = 0; j < prices->lists[i].row_count; j++) {
            const struct rw_price *row = &prices->lists[i].rows[j];
            struct rw_term_site site = {provider, row->region, 1, {0, 0}};
            const char *theirs = sells_machines(row, provider) && row->region != best
                                     ? rw_bill_jurisdiction(&site)
                                     : NULL;
            if (!theirs || strcmp(theirs, law) != 0)
                continue;
            unsigned rows = rows_of(prices, provider, row->region);
            if (rows > most) {
                most = rows;
                best = row->region;
            }
        }
    return best;
}

/* Of the site that carries the most, chosen or assumed; NULL: its name tells nothing. */
static const char *law_of(const struct rw_bill *bill)
{
    const struct rw_term_site *most = &bill->sites[0];
    for (unsigned i = 1; i < bill->site_count; i++)
        if (bill->sites[i].weight > most->weight)
            most = &bill->sites[i];
    return rw_bill_jurisdiction(most);
}

static struct rw_elsewhere_place choose_place(const struct rw_plan *plan, const char *provider,
                                              const char *law)
{
    struct rw_elsewhere_place place = {.provider = provider, .year = RW_CELL_NONE};
    const char *id;
    place.region = law ? region_under(plan->prices, provider, law) : NULL;
    place.other_law = law && !place.region && strcmp(provider, "onprem") != 0;
    if (!place.region &&
        !rw_bill_place(rw_span_text(provider), (struct rw_span){"", 0}, &id, &place.region))
        place.region = "any";
    return place;
}

/* The plan's, when the list of that provider is in it or a rate was given. */
static const char *currency_for(const struct rw_plan *plan, const char *provider)
{
    const struct rw_prices *prices = plan->prices;
    const char *theirs = plan->sheet.currency;
    for (unsigned i = 0; i < prices->lists[0].row_count; i++)
        if (sells_machines(&prices->lists[0].rows[i], provider)) {
            theirs = prices->lists[0].rows[i].currency;
            break;
        }
    for (unsigned i = 0; i < plan->terms.rate_count; i++)
        if (strcmp(plan->terms.rates[i].currency, theirs) == 0)
            return plan->sheet.currency;
    return theirs;
}

/* ---- The other bill ---- */

static bool is_size(const struct rw_cell *cell)
{
    struct rw_span id = rw_span_text(cell->id);
    return rw_span_starts(id, RW_LITERAL("intake.")) || rw_span_starts(id, RW_LITERAL("sizing.")) ||
           rw_span_starts(id, RW_LITERAL("plan."));
}

/* What the bill reads of the plan, as facts. */
static void put_sizes(const struct rw_plan *plan, struct rw_plan *other)
{
    for (uint32_t i = 0; i < plan->sheet.count; i++) {
        const struct rw_cell *cell = &plan->sheet.cells[i];
        if (is_size(cell))
            (void)rw_sheet_add(&other->sheet, &(struct rw_cell){.id = cell->id,
                                                                .label = cell->label,
                                                                .unit = cell->unit,
                                                                .currency = cell->currency,
                                                                .per = cell->per,
                                                                .origin = RW_ORIGIN_DATA,
                                                                .value = cell->value});
    }
    for (unsigned i = 0; i < RW_INPUT_END; i++)
        other->inputs[i] =
            rw_sheet_find(&other->sheet, rw_sheet_cell(&plan->sheet, plan->inputs[i])->id);
}

static enum rw_err make_bill(const struct rw_plan *plan, const struct rw_elsewhere_place *place,
                             struct rw_plan *other)
{
    other->terms = plan->terms;
    other->terms.sites[0] = (struct rw_term_site){place->provider, place->region, 1, {0, 0}};
    other->terms.site_count = 1;
    other->terms.fleet_count = 0;
    other->prices = plan->prices;
    other->sheet.currency = place->currency;
    other->tiers[0] = plan->tiers[plan->elsewhere->tier];
    other->tier_count = 1;
    put_sizes(plan, other);
    return rw_bill_chapter(other);
}

/* ---- Sums ---- */

static unsigned category_of(struct rw_elsewhere *elsewhere, const char *category)
{
    unsigned at = 0;
    while (at < elsewhere->category_count && strcmp(elsewhere->categories[at], category) != 0)
        at++;
    rw_assert(at < RW_ELSEWHERE_CATEGORIES_MAX);
    if (at == elsewhere->category_count)
        elsewhere->categories[elsewhere->category_count++] = category;
    return at;
}

static uint32_t add_sum(struct rw_plan *plan, const struct rw_elsewhere_place *place,
                        const char *what, struct rw_label label, const uint32_t *inputs,
                        unsigned count)
{
    char id[96] = {0};
    for (size_t i = 0; what[i] && i + 1 < sizeof(id); i++)
        id[i] = what[i] == ' ' ? '_' : rw_lower(what[i]);
    return rw_sheet_add(&plan->sheet,
                        &(struct rw_cell){
                            .id = rw_sheet_text(&plan->sheet, "elsewhere.%s.%s",
                                                place->provider ? place->provider : "plan", id),
                            .label = label,
                            .unit = RW_UNIT_MONEY,
                            .currency = place->currency,
                            .origin = RW_ORIGIN_COMPUTED,
                            .formula = &rw_formula_sum,
                            .inputs = inputs,
                            .input_count = count,
                        });
}

/* The first year of each line of the bill, as cells of the plan's sheet, `years` of them; those of
 * other tiers and of a category apart are RW_CELL_NONE. */
static void add_category(struct rw_plan *plan, struct rw_elsewhere_place *place,
                         const struct rw_bill *bill, const uint32_t *years, unsigned category)
{
    struct rw_elsewhere *elsewhere = plan->elsewhere;
    uint32_t inputs[RW_SHEET_INPUTS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < bill->item_count; i++)
        if (years[i] != RW_CELL_NONE && count < RW_SHEET_INPUTS_MAX &&
            strcmp(bill->items[i].category, elsewhere->categories[category]) == 0)
            inputs[count++] = years[i];
    if (count)
        place->categories[category] =
            add_sum(plan, place, elsewhere->categories[category],
                    (struct rw_label)RW_LABEL("The year's lines of this kind", "该类全年各项"),
                    inputs, count);
}

static void add_sums(struct rw_plan *plan, struct rw_elsewhere_place *place,
                     const struct rw_bill *bill, const uint32_t *years)
{
    struct rw_elsewhere *elsewhere = plan->elsewhere;
    uint32_t inputs[RW_ELSEWHERE_CATEGORIES_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < RW_ELSEWHERE_CATEGORIES_MAX; i++)
        place->categories[i] = RW_CELL_NONE;
    for (unsigned i = 0; i < bill->item_count; i++)
        if (years[i] != RW_CELL_NONE)
            (void)category_of(elsewhere, bill->items[i].category);
    for (unsigned i = 0; i < elsewhere->category_count; i++) {
        add_category(plan, place, bill, years, i);
        if (place->categories[i] != RW_CELL_NONE)
            inputs[count++] = place->categories[i];
    }
    place->year = add_sum(plan, place, "year", (struct rw_label)RW_LABEL("The first year", "首年"),
                          inputs, count);
    place->prices_used = bill->prices_used;
    place->prices_doubtful = bill->prices_doubtful;
    place->prices_missing = bill->prices_missing;
}

/* ---- Gaps ---- */

static void add_gap(struct rw_plan *plan, bool stops, struct rw_label label, const char *article)
{
    struct rw_elsewhere *elsewhere = plan->elsewhere;
    if (elsewhere->gap_count == RW_ELSEWHERE_GAPS_MAX)
        return;
    elsewhere->gaps[elsewhere->gap_count++] = (struct rw_elsewhere_gap){
        elsewhere->place_count,
        stops,
        {rw_sheet_text(&plan->sheet, "%s", label.en), rw_sheet_text(&plan->sheet, "%s", label.zh)},
        article};
}

static void add_gaps(struct rw_plan *plan, const struct rw_plan *other)
{
    const struct rw_bill *bill = other->bill;
    for (unsigned i = 0; i < bill->item_count; i++) {
        const struct rw_bill_item *item = &bill->items[i];
        if (!item->currency && rw_bill_item_bought(other, item))
            add_gap(plan, true, item->label,
                    rw_sheet_text(&plan->sheet, "%s %s, %s", item->service, item->sku, item->term));
    }
    for (unsigned i = 0; i < bill->omission_count; i++)
        if (bill->omissions[i].provider)
            add_gap(plan, false, bill->omissions[i].label, NULL);
}

/* ---- All places ---- */

static void move_years(struct rw_plan *plan, const struct rw_plan *other,
                       const struct rw_elsewhere_place *place, uint32_t *years, uint32_t *moved)
{
    for (uint32_t i = 0; i < other->sheet.count; i++)
        moved[i] = RW_CELL_NONE;
    for (unsigned i = 0; i < other->bill->item_count; i++)
        years[i] = rw_bill_item_bought(other, &other->bill->items[i])
                       ? rw_elsewhere_move(plan, other, place->provider,
                                           other->bill->items[i].year[0], moved)
                       : RW_CELL_NONE;
}

/* The first line that buys them is the one that is committed, if any is. */
static const char *machine_of(struct rw_plan *plan, const struct rw_bill *bill, unsigned tier,
                              const char *name)
{
    for (unsigned i = 0; i < bill->item_count; i++) {
        const struct rw_bill_item *item = &bill->items[i];
        if (item->tier == tier && strncmp(item->name, name, strlen(name)) == 0)
            return rw_sheet_text(&plan->sheet, "%s, %s", item->sku, item->term);
    }
    return NULL;
}

static void name_machines(struct rw_plan *plan, struct rw_elsewhere_place *place,
                          const struct rw_bill *bill, unsigned tier)
{
    place->machines[0] = machine_of(plan, bill, tier, "app");
    place->machines[1] = machine_of(plan, bill, tier, "database");
}

static enum rw_err take_bill(struct rw_plan *plan, struct rw_elsewhere_place *place,
                             const struct rw_plan *other)
{
    uint32_t *years = rw_alloc((other->bill->item_count + 1) * sizeof(*years));
    uint32_t *moved = rw_alloc((other->sheet.count + 1) * sizeof(*moved));
    enum rw_err err = years && moved ? RW_OK : RW_ENOMEM;
    if (!err) {
        move_years(plan, other, place, years, moved);
        add_sums(plan, place, other->bill, years);
        add_gaps(plan, other);
        name_machines(plan, place, other->bill, 0);
        plan->elsewhere->places[plan->elsewhere->place_count++] = *place;
    }
    rw_free(years);
    rw_free(moved);
    return err ? err : plan->sheet.err;
}

static enum rw_err add_place(struct rw_plan *plan, const char *provider, const char *law)
{
    struct rw_elsewhere_place place = choose_place(plan, provider, law);
    struct rw_plan *other = rw_alloc(sizeof(*other));
    if (!other)
        return RW_ENOMEM;
    place.currency = currency_for(plan, provider);
    rw_plan_init(other);
    enum rw_err err = make_bill(plan, &place, other);
    if (!err)
        err = take_bill(plan, &place, other);
    rw_plan_free(other);
    rw_free(other);
    return err;
}

static enum rw_err add_own(struct rw_plan *plan)
{
    const struct rw_bill *bill = plan->bill;
    struct rw_elsewhere_place place = {.currency = plan->sheet.currency};
    uint32_t *years = rw_alloc((bill->item_count + 1) * sizeof(*years));
    if (!years)
        return RW_ENOMEM;
    for (unsigned i = 0; i < bill->item_count; i++)
        years[i] = bill->items[i].tier == plan->elsewhere->tier &&
                           rw_bill_item_bought(plan, &bill->items[i])
                       ? bill->items[i].year[0]
                       : RW_CELL_NONE;
    add_sums(plan, &place, bill, years);
    rw_free(years);
    name_machines(plan, &place, bill, plan->elsewhere->tier);
    plan->elsewhere->places[plan->elsewhere->place_count++] = place;
    return plan->sheet.err;
}

/* Where all of the plan runs already. */
static bool is_home(const struct rw_bill *bill, const char *provider)
{
    for (unsigned i = 0; i < bill->site_count; i++)
        if (strcmp(bill->sites[i].provider, provider) != 0)
            return false;
    return true;
}

enum rw_err rw_elsewhere_chapter(struct rw_plan *plan)
{
    static const char *const providers[] = {"aws", "azure", "gcp", "alibaba", "onprem"};
    if (!plan->bill || !plan->bill->item_count || !plan->tier_count)
        return RW_OK;
    plan->elsewhere = rw_arena_zero(&plan->sheet.arena, sizeof(*plan->elsewhere));
    if (!plan->elsewhere)
        return RW_ENOMEM;
    plan->elsewhere->tier = rw_plan_shown(plan);
    const char *law = law_of(plan->bill);
    enum rw_err err = add_own(plan);
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]) && !err; i++) {
        bool china = i == 0 && law && strcmp(law, "CN") == 0; /* a provider of its own there */
        const char *provider = china ? "aws_cn" : providers[i];
        if (!is_home(plan->bill, provider))
            err = add_place(plan, provider, law);
    }
    return err;
}
