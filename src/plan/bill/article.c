#include "plan/bill/article.h"

#include "plan/bill/formulas.h"

static const struct rw_label missing_text =
    RW_LABEL("No price is known for {2}: the totals that need it are missing",
             "未找到 {2} 的价格：依赖该价格的合计缺失");
static const struct rw_label missing_action =
    RW_LABEL("Ask for a quotation and lay it over the list in a price file of your own",
             "请询价，并以自有价格文件补充");
static const struct rw_label unknown_shape =
    RW_LABEL("machines of this kind cannot be counted: give its cores in a price file of your own "
             "(shapes)",
             "无法计算此类机器的台数：请在自有价格文件中给出其核数（shapes）");
static const struct rw_label rate_text =
    RW_LABEL("Prices in {2} cannot be added to the plan: no exchange rate was given",
             "{2} 价格无法计入合计：未提供汇率");
static const struct rw_label rate_action =
    RW_LABEL("Give the rate in the intake, with its date", "请在需求表中提供汇率及日期");

uint32_t rw_bill_constant(struct rw_plan *plan, const char *id, struct rw_label label,
                          enum rw_unit unit, double value, const char *source)
{
    uint32_t cell = rw_sheet_find(&plan->sheet, id);
    if (cell != RW_CELL_NONE)
        return cell;
    return rw_sheet_add(&plan->sheet,
                        &(struct rw_cell){
                            .id = id,
                            .label = label,
                            .unit = unit,
                            .origin = RW_ORIGIN_DATA,
                            .value = value,
                            .source = source,
                            .reason = isnan(value) ? unknown_shape : (struct rw_label){NULL, NULL},
                        });
}

static const char *in_sheet(struct rw_plan *plan, struct rw_text *text)
{
    if (text->err && !plan->sheet.err)
        plan->sheet.err = text->err;
    const char *copy = rw_sheet_text(&plan->sheet, "%s", text->at ? text->at : "");
    rw_text_free(text);
    return copy;
}

/* The text as an id: what is not a letter, digit or single dot is an underscore; names in other
 * scripts, by their bytes, stay apart. The first `kept` bytes are left as they are. */
static const char *as_id(struct rw_plan *plan, const char *text, size_t kept)
{
    struct rw_text id = {0};
    for (size_t i = 0; text[i]; i++) {
        char c = i < kept ? text[i] : rw_lower(text[i]);
        bool plain = i < kept || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        /* A name of the provider's may end in a dot or begin with one. */
        bool dot = c == '.' && i && text[i - 1] != '.' && text[i + 1];
        if ((unsigned char)c >= 0x80)
            rw_text_addf(&id, "%02x", (unsigned char)c);
        else
            rw_text_addf(&id, "%c", plain || dot ? c : '_');
    }
    return in_sheet(plan, &id);
}

/* PREFIX "price": "price.aws_cn.ec2.m6i_xlarge.cn_north_1.on_demand" */
static const char *price_id(struct rw_plan *plan, const struct rw_price_key *key,
                            const char *prefix)
{
    return as_id(plan,
                 rw_sheet_text(&plan->sheet, "%s.%s.%s.%s.%s.%s", prefix, key->provider,
                               key->service, key->sku, key->region, key->term),
                 strlen(prefix) + 1);
}

const char *rw_bill_machine_id(struct rw_plan *plan, const char *provider, const char *sku)
{
    return as_id(plan, rw_sheet_text(&plan->sheet, "bill.machine.%s.%s.vcpu", provider, sku), 0);
}

static struct rw_label article_label(struct rw_plan *plan, const struct rw_price_key *key)
{
    const char *name = rw_sheet_text(&plan->sheet, "%s %s %s, %s, %s", key->provider, key->service,
                                     key->sku, key->region, key->term);
    return (struct rw_label){name, name};
}

static const char *offer_source(struct rw_plan *plan, const struct rw_price_offer *offer,
                                enum rw_language language)
{
    struct rw_text text = {0};
    rw_price_offer_write(offer, language, &text);
    return in_sheet(plan, &text);
}

static uint32_t add_missing(struct rw_plan *plan, const struct rw_price_key *key, const char *id,
                            const char *unit)
{
    struct rw_label label = article_label(plan, key);
    plan->bill->prices_missing++;
    rw_findings_add(&plan->findings, &(struct rw_finding){
                                         .rule = "price_missing",
                                         .severity = RW_SEVERITY_WARNING,
                                         .text = missing_text,
                                         .action = missing_action,
                                         .numbers = {{.value = NAN}, {.value = NAN}},
                                         .cells = {RW_CELL_NONE, RW_CELL_NONE},
                                         .subject = label.en,
                                         .source = "data/plan/prices.yaml",
                                     });
    return rw_sheet_add(&plan->sheet, &(struct rw_cell){
                                          .id = id,
                                          .label = label,
                                          .unit = RW_UNIT_PRICE,
                                          .currency = plan->sheet.currency,
                                          .per = unit,
                                          .origin = RW_ORIGIN_DATA,
                                          .value = NAN,
                                          .reason = missing_action,
                                          .source = "data/plan/prices.yaml",
                                      });
}

/* An approximate price may be off by a seventh either way; nobody knows better. */
static struct rw_spread spread_of(const struct rw_price_offer *offer)
{
    if (!(offer->doubts & (RW_PRICE_DOUBT_APPROXIMATE | RW_PRICE_DOUBT_REGION)))
        return (struct rw_spread){0};
    return (struct rw_spread){RW_SPREAD_TRIANGULAR, 0.85 * offer->price, offer->price,
                              1.15 * offer->price};
}

/* One's own old price is told where it stands; those of the list are counted together. */
static void tell_old(struct rw_plan *plan, const struct rw_price_key *key,
                     const struct rw_price *row)
{
    rw_findings_add(
        &plan->findings,
        &(struct rw_finding){
            .rule = "price_old",
            .severity = RW_SEVERITY_WARNING,
            .text = RW_LABEL("{2}: the price is of {0}, more than 12 months before the plan ({1})",
                             "{2}：价格日期为 {0}，早于方案日期（{1}）12 个月以上"),
            .action = RW_LABEL("Ask for a new quotation, and put its date beside it",
                               "请重新询价，并注明新日期"),
            .numbers = {{.value = row->date.day, .unit = RW_UNIT_DATE},
                        {.value = plan->terms.date, .unit = RW_UNIT_DATE}},
            .cells = {RW_CELL_NONE, RW_CELL_NONE},
            .subject = article_label(plan, key).en,
            .source = row->source,
            .file = row->file,
            .place = row->place,
        });
}

static uint32_t add_price(struct rw_plan *plan, const struct rw_price_key *key, const char *id,
                          const struct rw_price_offer *offer)
{
    bool stands_in = offer->doubts & RW_PRICE_DOUBT_REGION;
    plan->bill->prices_used++;
    plan->bill->prices_doubtful += offer->doubts != 0;
    if (offer->row->own && (offer->doubts & RW_PRICE_DOUBT_AGE))
        tell_old(plan, key, offer->row);
    struct rw_cell cell = {
        .id = id,
        .label = article_label(plan, key),
        .unit = RW_UNIT_PRICE,
        .currency = offer->row->currency,
        .per = offer->row->unit,
        .origin = stands_in ? RW_ORIGIN_ASSUMED : RW_ORIGIN_DATA,
        .value = offer->price,
        .source = offer_source(plan, offer, RW_LANGUAGE_EN),
        .spread = spread_of(offer),
        .spread_reason = RW_LABEL("the price is approximate or of another region: 15 % either way",
                                  "价格为估计值或取自其他区域：上下浮动15%"),
    };
    if (stands_in)
        cell.reason = (struct rw_label){cell.source, offer_source(plan, offer, RW_LANGUAGE_ZH)};
    return rw_sheet_add(&plan->sheet, &cell);
}

/* ---- Exchange rates ---- */

static uint32_t add_rate(struct rw_plan *plan, const char *id, const char *currency)
{
    struct rw_cell cell = {
        .id = id,
        .label = RW_LABEL(rw_sheet_text(&plan->sheet, "%s in %s", currency, plan->sheet.currency),
                          rw_sheet_text(&plan->sheet, "%s 兑 %s", currency, plan->sheet.currency)),
        .unit = RW_UNIT_RATE,
        .currency = currency,
        .origin = RW_ORIGIN_GIVEN,
        .value = NAN,
        .reason = rate_action,
        .file = plan->terms.file,
    };
    for (unsigned i = 0; i < plan->terms.rate_count; i++)
        if (strcmp(plan->terms.rates[i].currency, currency) == 0) {
            cell.value = plan->terms.rates[i].rate;
            cell.place = plan->terms.rates[i].place;
        }
    if (isnan(cell.value))
        rw_findings_add(&plan->findings, &(struct rw_finding){
                                             .rule = "currency_rate",
                                             .severity = RW_SEVERITY_WARNING,
                                             .text = rate_text,
                                             .action = rate_action,
                                             .numbers = {{.value = NAN}, {.value = NAN}},
                                             .cells = {RW_CELL_NONE, RW_CELL_NONE},
                                             .subject = currency,
                                             .source = "data/plan/prices.yaml",
                                         });
    return rw_sheet_add(&plan->sheet, &cell);
}

uint32_t rw_bill_rate(struct rw_plan *plan, const char *currency)
{
    if (strcmp(currency, plan->sheet.currency) == 0)
        return rw_bill_constant(plan, "bill.rate.own",
                                (struct rw_label)RW_LABEL("The plan's own currency", "方案币种"),
                                RW_UNIT_ONE, 1, RW_BY_DEFINITION);
    const char *id = rw_sheet_text(&plan->sheet, "bill.rate.%c%c%c", rw_lower(currency[0]),
                                   rw_lower(currency[1]), rw_lower(currency[2]));
    uint32_t cell = rw_sheet_find(&plan->sheet, id);
    return cell != RW_CELL_NONE ? cell : add_rate(plan, id, currency);
}

static uint32_t add_paid(struct rw_plan *plan, const struct rw_price_key *key, uint32_t price,
                         uint32_t rate)
{
    const char *id = price_id(plan, key, "paid");
    uint32_t known = rw_sheet_find(&plan->sheet, id);
    if (known != RW_CELL_NONE || plan->sheet.err)
        return known;
    uint32_t inputs[] = {price, rate};
    return rw_sheet_add(&plan->sheet, &(struct rw_cell){
                                          .id = id,
                                          .label = article_label(plan, key),
                                          .unit = RW_UNIT_PRICE,
                                          .currency = plan->sheet.currency,
                                          .per = rw_sheet_cell(&plan->sheet, price)->per,
                                          .origin = RW_ORIGIN_COMPUTED,
                                          .formula = &rw_bill_paid,
                                          .inputs = inputs,
                                          .input_count = 2,
                                      });
}

struct rw_bill_price rw_bill_price(struct rw_plan *plan, const struct rw_price_key *key,
                                   const char *unit)
{
    struct rw_bill_price price = {
        .found = rw_prices_find(plan->prices, key, plan->terms.date, &price.offer),
    };
    const char *id = price_id(plan, key, "price");
    rw_assert(!price.found || price.offer.row);
    const char *currency = price.found ? price.offer.row->currency : plan->sheet.currency;
    uint32_t rate = rw_bill_rate(plan, currency);
    price.cell = rw_sheet_find(&plan->sheet, id);
    if (price.cell == RW_CELL_NONE)
        price.cell =
            price.found ? add_price(plan, key, id, &price.offer) : add_missing(plan, key, id, unit);
    price.paid = add_paid(plan, key, price.cell, rate);
    return price;
}
