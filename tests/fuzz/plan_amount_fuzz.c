/* Any bytes as an amount: no crash, and what is read is an amount, written and read again the
 * same. The first byte chooses the dimensions. */
#include "plan/intake/amount.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct rw_amount *amount, unsigned dimensions)
{
    rw_assert(amount->dimension & dimensions);
    rw_assert(amount->low >= 0 && amount->low <= amount->high);
    rw_assert(isfinite(amount->high));
    rw_assert(amount->per < RW_PER_COUNT);
    rw_assert((amount->dimension == RW_DIMENSION_MONEY) == (amount->currency[0] != 0));
    struct rw_text text = {0};
    struct rw_amount again;
    struct rw_amount_mistake mistake;
    rw_amount_write(amount, &text);
    rw_assert(!text.err);
    if (amount->high <= 1e15 && (amount->low == 0 || amount->low >= 1e-4))
        rw_assert(rw_amount_read(rw_text_span(&text), amount->dimension, &again, &mistake));
    rw_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned dimensions = size ? data[0] : 0;
    struct rw_span text = rw_span((const char *)data, size);
    struct rw_amount amount;
    struct rw_amount_mistake mistake;
    if (dimensions == 0 || dimensions >= 'A')
        dimensions = 255;
    else
        text = rw_span_skip(text, 1);
    if (rw_amount_read(text, dimensions, &amount, &mistake)) {
        check(&amount, dimensions);
    } else {
        rw_assert(mistake.kind != RW_AMOUNT_FINE && mistake.at <= text.len);
        struct rw_text told = {0};
        rw_amount_mistake_write(&mistake, dimensions, RW_LANGUAGE_ZH, &told);
        rw_assert(told.len > 0);
        rw_text_free(&told);
    }
    struct rw_span where;
    if (rw_amount_find(text, dimensions, &amount, &where)) {
        check(&amount, dimensions);
        rw_assert(where.at >= text.at && where.at + where.len <= text.at + text.len);
    }
    return 0;
}
