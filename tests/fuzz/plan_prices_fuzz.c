/* Any bytes as a user's price file: read, then each row asked for. */
#include "plan/facts/prices.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct rw_prices *prices, const struct rw_price *row)
{
    const struct rw_price_key key = {row->provider, row->service, row->sku, row->region, row->term};
    struct rw_price_offer offer;
    double vcpu, memory;
    const char *source;
    rw_assert(rw_prices_find(prices, &key, 20777, &offer));
    rw_assert(isfinite(offer.price) && offer.price >= 0);
    if (rw_prices_shape(prices, row->sku, &vcpu, &memory, &source))
        rw_assert(vcpu > 0 && memory > 0);
    struct rw_text text = {0};
    rw_price_offer_write(&offer, RW_LANGUAGE_ZH, &text);
    rw_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* In place of the embedded list: an empty one. */
    static struct rw_prices prices;
    prices = (struct rw_prices){.list_count = 1};
    rw_arena_init(&prices.arena, NULL, 0, 16 << 10, RW_PRICES_BYTES_MAX);
    struct rw_conf_report report = {0};
    enum rw_err err =
        rw_prices_overlay_text(&prices, rw_span((const char *)data, size), "fuzz.yaml", &report);
    rw_assert((err == RW_OK) == (report.count == 0) || err == RW_ENOMEM);
    struct rw_text text = {0};
    rw_conf_report_print(&report, &text);
    for (unsigned i = 0; !err && i < prices.lists[1].row_count; i++)
        ask(&prices, &prices.lists[1].rows[i]);
    rw_text_free(&text);
    rw_prices_free(&prices);
    return 0;
}
