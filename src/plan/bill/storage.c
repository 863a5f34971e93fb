/* What is paid for by the byte. */
#include "plan/bill/article.h"
#include "plan/bill/formulas.h"
#include "plan/bill/line.h"

uint32_t rw_bill_gib_of(struct rw_bill_at *at, const struct rw_bill_line *line,
                        const struct rw_bill_article *article, const char *size, unsigned year)
{
    static const struct rw_label gib = RW_LABEL("GiB", "GiB"), pieces = RW_LABEL("pieces", "件数");
    static const struct rw_label each_label = RW_LABEL("GiB of a piece", "每件 GiB");
    struct rw_sheet *sheet = &at->plan->sheet;
    uint32_t bytes = rw_bill_size(at, size, year);
    if (bytes == RW_CELL_NONE)
        return RW_CELL_NONE;
    const char *each_id = rw_sheet_text(sheet, "bill.piece.%s", article->provider);
    uint32_t each =
        article->gib_each > 0
            ? rw_bill_constant(at->plan, each_id, each_label, RW_UNIT_ONE, article->gib_each,
                               line->key.sku)
            : rw_bill_constant(at->plan, "bill.gib", gib, RW_UNIT_ONE, 1, "by definition");
    uint32_t ways =
        article->ways > 1
            ? rw_bill_constant(at->plan, "bill.both_ways",
                               (struct rw_label)RW_LABEL("Charged in both directions", "双向计费"),
                               RW_UNIT_ONE, article->ways, "prices.yaml")
            : rw_bill_constant(at->plan, "bill.one_way",
                               (struct rw_label)RW_LABEL("Charged once", "单次计费"), RW_UNIT_ONE,
                               1, "by definition");
    return rw_sheet_compute(
        sheet, rw_bill_id(at, line->name, "quantity", year),
        rw_bill_label(at, line->label, article->gib_each > 0 ? pieces : gib, year), RW_UNIT_COUNT,
        &rw_bill_pieces, 4, at->weight, bytes, each, ways);
}

/* Zero in every year; what is missing is not. */
static bool is_nothing(const struct rw_bill_at *at, const char *size)
{
    for (unsigned year = 1; year <= at->plan->bill->years; year++)
        if (rw_sheet_value(&at->plan->sheet, rw_bill_size(at, size, year)) != 0)
            return false;
    return true;
}

void rw_bill_bytes(struct rw_bill_at *at, enum rw_bill_role role, const char *size)
{
    struct rw_bill_line line;
    const struct rw_bill_article *article;
    if (rw_bill_size(at, size, 1) == RW_CELL_NONE || is_nothing(at, size) ||
        !rw_bill_begin(at, role, &line, &article))
        return;
    for (unsigned year = 1; year <= at->plan->bill->years; year++)
        line.quantity[year - 1] = rw_bill_gib_of(at, &line, article, size, year);
    rw_bill_add(at, &line);
}

void rw_bill_storage_at(struct rw_bill_at *at)
{
    rw_bill_bytes(at, RW_BILL_STORAGE_HOT, "storage_hot");
    rw_bill_bytes(at, RW_BILL_STORAGE_COLD, "storage_cold");
    rw_bill_bytes(at, RW_BILL_STORAGE_BACKUP, "storage_backup");
    rw_bill_bytes(at, RW_BILL_LOGS, "storage_logs");
}
