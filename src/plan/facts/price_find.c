/* Looking up what was read: offers, discounts, shapes. A few hundred rows and a few dozen questions
 * a plan: the rows are simply gone through, in the order of the file. */
#include "plan/facts/prices.h"

#include <math.h>
#include <stdlib.h>

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool is_article(const struct rw_price *row, const struct rw_price_key *key)
{
    return same(row->sku, key->sku) && same(row->provider, key->provider) &&
           same(row->service, key->service) && same(row->term, key->term);
}

static bool is_here(const struct rw_price *row, const struct rw_price_key *key)
{
    return same(row->region, key->region) || same(row->region, "any");
}

static const struct rw_price *find_row(const struct rw_prices *prices,
                                       const struct rw_price_key *key, bool here)
{
    for (unsigned i = prices->list_count; i-- > 0;) {
        const struct rw_price_list *list = &prices->lists[i];
        for (unsigned j = 0; j < list->row_count; j++)
            if (is_article(&list->rows[j], key) && (!here || is_here(&list->rows[j], key)))
                return &list->rows[j];
    }
    return NULL;
}

static bool covers(const char *wanted, const char *value)
{
    return !wanted || same(wanted, value);
}

/* The latest file's first that covers the row: discounts do not add up. */
static const struct rw_discount *find_discount(const struct rw_prices *prices,
                                               const struct rw_price *row)
{
    for (unsigned i = prices->list_count; i-- > 0 && !row->own;)
        for (unsigned j = 0; j < prices->lists[i].discount_count; j++) {
            const struct rw_discount *discount = &prices->lists[i].discounts[j];
            if (covers(discount->provider, row->provider) &&
                covers(discount->service, row->service) && covers(discount->sku, row->sku) &&
                covers(discount->region, row->region) && covers(discount->term, row->term))
                return discount;
        }
    return NULL;
}

static unsigned doubts_of(const struct rw_price *row, double day)
{
    unsigned doubts = 0;
    if (isnan(row->date.day))
        doubts |= RW_PRICE_DOUBT_DATE;
    else if (day - row->date.day > RW_PRICE_AGE_DAYS_MAX)
        doubts |= RW_PRICE_DOUBT_AGE;
    if (row->quality == RW_PRICE_APPROXIMATE)
        doubts |= RW_PRICE_DOUBT_APPROXIMATE;
    return doubts;
}

bool rw_prices_find(const struct rw_prices *prices, const struct rw_price_key *key, double day,
                    struct rw_price_offer *offer)
{
    const struct rw_price *here = find_row(prices, key, true);
    const struct rw_price *row = here ? here : find_row(prices, key, false);
    if (!row)
        return false;
    const struct rw_discount *discount = find_discount(prices, row);
    *offer = (struct rw_price_offer){
        .row = row,
        .price = discount ? row->price * (1 - discount->percent / 100) : row->price,
        .discount = discount,
        .doubts = doubts_of(row, day) | (here ? 0 : RW_PRICE_DOUBT_REGION),
    };
    return true;
}

/* ---- Shapes ---- */

/* Amazon and Alibaba: c5.4xlarge, ecs.g6.xlarge. "large" is two; a digit multiplies xlarge. */
static double size_vcpu(const char *size)
{
    if (same(size, "large"))
        return 2;
    char *end = NULL;
    unsigned long times = size[0] == 'x' ? 1 : strtoul(size, &end, 10);
    const char *rest = size[0] == 'x' ? size : end;
    return times && same(rest, "xlarge") ? 4 * (double)times : 0;
}

static double family_ratio(char family)
{
    switch (family) {
    case 'c':
        return 2;
    case 'm':
    case 'g':
        return 4;
    case 'r':
        return 8;
    default:
        return 0;
    }
}

static bool shape_of_dotted(const char *sku, double *vcpu, double *memory_gib)
{
    const char *name = strncmp(sku, "ecs.", 4) == 0 ? sku + 4 : sku;
    const char *point = strchr(name, '.');
    *vcpu = point ? size_vcpu(point + 1) : 0;
    *memory_gib = *vcpu * family_ratio(name[0]);
    return *memory_gib > 0;
}

/* Azure: D8s_v3, E8s_v5, F16s_v2. */
static bool shape_of_azure(const char *sku, double *vcpu, double *memory_gib)
{
    char *end = NULL;
    *vcpu = (double)strtoul(sku + 1, &end, 10);
    double ratio = sku[0] == 'D' ? 4 : sku[0] == 'E' ? 8 : sku[0] == 'F' ? 2 : 0;
    *memory_gib = *vcpu * ratio;
    return *memory_gib > 0 && strncmp(end, "s_v", 3) == 0;
}

/* Google: n2-standard-4. */
static bool shape_of_google(const char *sku, double *vcpu, double *memory_gib)
{
    const char *middle = strchr(sku, '-');
    if (!middle || strncmp(middle, "-standard-", 10) != 0)
        return false;
    *vcpu = (double)strtoul(middle + 10, NULL, 10);
    *memory_gib = 4 * *vcpu;
    return *vcpu > 0;
}

bool rw_prices_shape(const struct rw_prices *prices, const char *sku, double *vcpu,
                     double *memory_gib, const char **source)
{
    for (unsigned i = prices->list_count; i-- > 0;)
        for (unsigned j = 0; j < prices->lists[i].shape_count; j++) {
            const struct rw_shape *shape = &prices->lists[i].shapes[j];
            if (!same(shape->sku, sku))
                continue;
            *vcpu = shape->vcpu;
            *memory_gib = shape->memory_gib;
            *source = shape->source;
            return true;
        }
    *source = "the provider's naming of machine types";
    return shape_of_google(sku, vcpu, memory_gib) || shape_of_azure(sku, vcpu, memory_gib) ||
           shape_of_dotted(sku, vcpu, memory_gib);
}

/* ---- For people ---- */

void rw_price_doubts_write(unsigned doubts, enum rw_language language, struct rw_text *text)
{
    static const struct {
        enum rw_price_doubt doubt;
        struct rw_label label;
    } names[] = {
        {RW_PRICE_DOUBT_AGE, RW_LABEL("older than 12 months", "超过12个月")},
        {RW_PRICE_DOUBT_DATE, RW_LABEL("undated", "日期不明")},
        {RW_PRICE_DOUBT_APPROXIMATE, RW_LABEL("approximate", "估计值")},
        {RW_PRICE_DOUBT_REGION, RW_LABEL("of another region", "取自其他区域")},
    };
    const char *comma = "";
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (doubts & names[i].doubt) {
            rw_text_addf(text, "%s%s", comma, rw_label_in(names[i].label, language));
            comma = language == RW_LANGUAGE_ZH ? "、" : ", ";
        }
}

void rw_price_offer_write(const struct rw_price_offer *offer, enum rw_language language,
                          struct rw_text *text)
{
    bool chinese = language == RW_LANGUAGE_ZH;
    const struct rw_price *row = offer->row;
    rw_text_addf(text, "%s %s %s, %s, %s: %s", row->provider, row->sku, row->region, row->term,
                 row->date.text, row->source_text);
    if (row->own)
        rw_text_addf(text, " (%s:%u)", row->file, row->place.line);
    if (offer->discount)
        rw_text_addf(text, chinese ? "；优惠 %g%%（%s）" : "; %g %% off (%s)",
                     offer->discount->percent, offer->discount->source);
    if (offer->doubts) {
        rw_text_adds(text, chinese ? "；须重新询价：" : "; to be quoted anew: ");
        rw_price_doubts_write(offer->doubts, language, text);
    }
}
