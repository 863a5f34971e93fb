/* The bill as a forecast with the columns of FOCUS 1.2, a row for each item and month of the term.
 * FOCUS describes bills that were issued: x_Forecast marks each row as none. */
#include "plan/artefact/shared.h"
#include "plan/bill/bill.h"

/* X(column) in the order of the file: mandatory ones of FOCUS, some that help, and our own. */
#define COLUMNS(X)                                                                                 \
    X(BilledCost)                                                                                  \
    X(BillingAccountId)                                                                            \
    X(BillingAccountName)                                                                          \
    X(BillingCurrency)                                                                             \
    X(BillingPeriodEnd)                                                                            \
    X(BillingPeriodStart)                                                                          \
    X(ChargeCategory)                                                                              \
    X(ChargeClass)                                                                                 \
    X(ChargeDescription)                                                                           \
    X(ChargeFrequency)                                                                             \
    X(ChargePeriodEnd)                                                                             \
    X(ChargePeriodStart)                                                                           \
    X(CommitmentDiscountType)                                                                      \
    X(ContractedCost)                                                                              \
    X(EffectiveCost)                                                                               \
    X(InvoiceIssuerName)                                                                           \
    X(ListCost)                                                                                    \
    X(ListUnitPrice)                                                                               \
    X(PricingCategory)                                                                             \
    X(PricingCurrency)                                                                             \
    X(PricingQuantity)                                                                             \
    X(PricingUnit)                                                                                 \
    X(ProviderName)                                                                                \
    X(PublisherName)                                                                               \
    X(RegionId)                                                                                    \
    X(ServiceCategory)                                                                             \
    X(ServiceName)                                                                                 \
    X(ServiceSubcategory)                                                                          \
    X(SkuId)                                                                                       \
    X(SkuPriceId)                                                                                  \
    X(x_Forecast)                                                                                  \
    X(x_PriceDoubts)                                                                               \
    X(x_Tier)

/* RFC 4180; and what a spreadsheet would take for a formula stays a text. */
static void add_field(struct rw_text *text, const char *value)
{
    bool formula = value[0] && strchr("=+-@\t", value[0]);
    if (!formula && !strpbrk(value, ",\"\r\n")) {
        rw_text_adds(text, value);
        return;
    }
    rw_text_adds(text, formula ? "\"'" : "\"");
    for (const char *at = value; *at; at++)
        rw_text_add(text, *at == '"' ? RW_LITERAL("\"\"") : rw_span(at, 1));
    rw_text_adds(text, "\"");
}

static void comma(struct rw_text *text)
{
    rw_text_adds(text, ",");
}

static void add_text(struct rw_text *text, const char *value)
{
    comma(text);
    add_field(text, value ? value : "");
}

static void add_number(struct rw_text *text, double value)
{
    comma(text);
    if (!isnan(value))
        rw_number_write(text, value);
}

static void add_cents(struct rw_text *text, double cents)
{
    if (!isnan(cents))
        rw_text_addf(text, "%.2f", cents / 100);
}

static void add_time(struct rw_text *text, double day, int month)
{
    comma(text);
    if (isnan(day))
        return;
    rw_artefact_month(day, month, text);
    rw_text_adds(text, "T00:00:00Z");
}

static bool committed(const struct rw_bill_item *item)
{
    return strcmp(item->term, "on_demand") != 0;
}

/* What is priced by the hour has as many hours of each machine in a month. */
static double quantity_of(const struct rw_plan *plan, const struct rw_bill_item *item, int month)
{
    return rw_sheet_value(&plan->sheet, item->quantity[month / 12]) *
           rw_sheet_value(&plan->sheet, item->times);
}

static double cost_of(const struct rw_plan *plan, const struct rw_bill_item *item, int month)
{
    return rw_sheet_value(&plan->sheet, item->month[month / 12]);
}

/* What it would cost without the customer's discount. */
static double list_cost_of(const struct rw_plan *plan, const struct rw_bill_item *item, int month)
{
    double price = rw_sheet_value(&plan->sheet, item->price);
    double cost = cost_of(plan, item, month);
    return price > 0 ? rint(cost * item->list_price / price) : cost;
}

static void add_charge(const struct rw_plan *plan, const struct rw_bill_item *item, int month,
                       struct rw_text *text)
{
    double cost = cost_of(plan, item, month);
    double date = plan->terms.date;
    add_cents(text, cost);
    add_text(text, "forecast");
    add_text(text, plan->terms.customer);
    add_text(text, plan->sheet.currency);
    add_time(text, date, month + 2);
    add_time(text, date, month + 1);
    add_text(text, "Usage");
    add_text(text, "");
    add_text(text, item->label.en);
    add_text(text, committed(item) ? "Recurring" : "Usage-Based");
    add_time(text, date, month + 2);
    add_time(text, date, month + 1);
    add_text(text, committed(item) ? item->term : "");
    comma(text);
    add_cents(text, cost);
    comma(text);
    add_cents(text, cost);
}

static void add_article(const struct rw_plan *plan, const struct rw_bill_item *item, int month,
                        struct rw_text *text)
{
    add_text(text, item->provider);
    comma(text);
    add_cents(text, list_cost_of(plan, item, month));
    add_number(text, item->list_price);
    add_text(text, committed(item) ? "Committed" : "Standard");
    add_text(text, item->currency);
    add_number(text, quantity_of(plan, item, month));
    add_text(text, item->unit);
    add_text(text, item->provider);
    add_text(text, item->provider);
    add_text(text, item->region);
    add_text(text, item->service_category);
    add_text(text, item->service);
    add_text(text, item->service_subcategory);
    add_text(text, item->sku);
    add_text(text, item->price == RW_CELL_NONE ? "" : rw_sheet_cell(&plan->sheet, item->price)->id);
}

static void add_own(const struct rw_plan *plan, const struct rw_bill_item *item,
                    struct rw_text *text)
{
    struct rw_text doubts = {0};
    add_text(text, "true");
    if (item->currency)
        rw_price_doubts_write(item->doubts, RW_LANGUAGE_EN, &doubts);
    else
        rw_text_adds(&doubts, "price missing");
    add_text(text, doubts.at);
    text->err = text->err ? text->err : doubts.err;
    rw_text_free(&doubts);
    add_text(text, plan->tiers[item->tier].name);
    rw_text_adds(text, "\r\n");
}

static void add_month(const struct rw_plan *plan, unsigned tier, int month, struct rw_text *text)
{
    for (unsigned i = 0; i < plan->bill->item_count; i++) {
        const struct rw_bill_item *item = &plan->bill->items[i];
        if (item->tier != tier || !rw_bill_item_bought(plan, item))
            continue;
        add_charge(plan, item, month, text);
        add_article(plan, item, month, text);
        add_own(plan, item, text);
    }
}

void rw_artefact_forecast(const struct rw_plan *plan, unsigned tier, struct rw_text *text)
{
    const char *between = "";
#define COLUMN(name)                                                                               \
    rw_text_addf(text, "%s%s", between, #name);                                                    \
    between = ",";
    COLUMNS(COLUMN)
#undef COLUMN
    rw_text_adds(text, "\r\n");
    if (!plan->bill)
        return;
    for (unsigned year = 0; year < plan->bill->years; year++) {
        int months = (int)rw_sheet_value(&plan->sheet, plan->bill->months[year]);
        for (int month = 0; month < months; month++)
            add_month(plan, tier, 12 * (int)year + month, text);
    }
}
