#include "plan/facts/prices.h"

#include "base/map.h"
#include "conf/file.h"
#include "plan/facts/embed.h"

#include <math.h>

#define FIELD(type, name, kind, required, member)                                                  \
    {                                                                                              \
        name, kind, required, offsetof(struct type, member)                                        \
    }

static const struct rw_facts_field price_fields[] = {
    FIELD(rw_price, "id", RW_FACTS_TEXT, false, id),
    FIELD(rw_price, "provider", RW_FACTS_TEXT, true, provider),
    FIELD(rw_price, "service", RW_FACTS_TEXT, true, service),
    FIELD(rw_price, "sku", RW_FACTS_TEXT, true, sku),
    FIELD(rw_price, "region", RW_FACTS_TEXT, true, region),
    FIELD(rw_price, "term", RW_FACTS_TEXT, true, term),
    FIELD(rw_price, "unit", RW_FACTS_TEXT, true, unit),
    FIELD(rw_price, "price", RW_FACTS_NUMBER, true, price),
    FIELD(rw_price, "currency", RW_FACTS_TEXT, true, currency),
    FIELD(rw_price, "quality", RW_FACTS_TEXT, false, quality_text),
    FIELD(rw_price, "source", RW_FACTS_TEXT, true, source),
    FIELD(rw_price, "date", RW_FACTS_DAY, true, date),
    FIELD(rw_price, "note", RW_FACTS_TEXT, false, note),
    {0},
};
static const struct rw_facts_record price_record = {"price", price_fields, sizeof(struct rw_price),
                                                    offsetof(struct rw_price, place)};

static const struct rw_facts_field discount_fields[] = {
    FIELD(rw_discount, "provider", RW_FACTS_TEXT, true, provider),
    FIELD(rw_discount, "service", RW_FACTS_TEXT, false, service),
    FIELD(rw_discount, "sku", RW_FACTS_TEXT, false, sku),
    FIELD(rw_discount, "region", RW_FACTS_TEXT, false, region),
    FIELD(rw_discount, "term", RW_FACTS_TEXT, false, term),
    FIELD(rw_discount, "percent", RW_FACTS_NUMBER, true, percent),
    FIELD(rw_discount, "source", RW_FACTS_TEXT, true, source),
    FIELD(rw_discount, "date", RW_FACTS_DAY, true, date),
    {0},
};
static const struct rw_facts_record discount_record = {
    "discount", discount_fields, sizeof(struct rw_discount), offsetof(struct rw_discount, place)};

static const struct rw_facts_field shape_fields[] = {
    FIELD(rw_shape, "sku", RW_FACTS_TEXT, true, sku),
    FIELD(rw_shape, "vcpu", RW_FACTS_NUMBER, true, vcpu),
    FIELD(rw_shape, "mem_gib", RW_FACTS_NUMBER, true, memory_gib),
    FIELD(rw_shape, "source", RW_FACTS_TEXT, true, source),
    {0},
};
static const struct rw_facts_record shape_record = {"shape", shape_fields, sizeof(struct rw_shape),
                                                    offsetof(struct rw_shape, place)};

/* ---- Checks that the table cannot make ---- */

static const struct {
    const char *name;
    struct rw_label label;
} qualities[] = {
    [RW_PRICE_EXACT] = {"exact", RW_LABEL("exact", "准确")},
    [RW_PRICE_DERIVED] = {"derived", RW_LABEL("derived", "推算")},
    [RW_PRICE_APPROXIMATE] = {"approximate", RW_LABEL("approximate", "估计")},
    [RW_PRICE_QUOTED] = {"quoted", RW_LABEL("quoted", "报价")},
};
enum { QUALITIES = sizeof(qualities) / sizeof(*qualities) };

static bool read_quality(struct rw_price *price, bool own, struct rw_conf_report *report)
{
    price->quality = own ? RW_PRICE_QUOTED : RW_PRICE_APPROXIMATE;
    if (!price->quality_text)
        return true;
    const char *names[QUALITIES];
    for (unsigned i = 0; i < QUALITIES; i++) {
        names[i] = qualities[i].name;
        if (strcmp(price->quality_text, names[i]) == 0) {
            price->quality = i;
            return true;
        }
    }
    struct rw_span text = rw_span_text(price->quality_text);
    rw_facts_tell(report, price->place,
                  "quality: expected exact, derived, approximate or quoted, not %s%s",
                  "quality：应为 exact、derived、approximate 或 quoted，而不是 %s%s",
                  rw_conf_quote(report, text), rw_conf_hint(report, text, names, QUALITIES));
    return false;
}

static void check_currency(const struct rw_price *price, struct rw_conf_report *report)
{
    const char *code = price->currency;
    bool right = strlen(code) == 3;
    for (unsigned i = 0; i < 3 && right; i++)
        right = code[i] >= 'A' && code[i] <= 'Z';
    if (!right)
        rw_facts_tell(report, price->place,
                      "currency: expected a code of three capital letters such as USD, not %s",
                      "currency：应为三个大写字母的币种代码，如 USD，而不是 %s",
                      rw_conf_quote(report, rw_span_text(code)));
}

/* ---- Sources ---- */

static const char *source_text(const struct rw_conf_node *sources, const char *id,
                               struct rw_arena *arena)
{
    const struct rw_conf_node *source = rw_conf_tree_at(sources, id);
    if (!source)
        return id;
    struct rw_span what = rw_conf_tree_text(source, "what");
    struct rw_span where = rw_conf_tree_text(source, "url");
    if (where.len == 0)
        where = rw_conf_tree_text(source, "repo");
    if (where.len == 0)
        return what.len ? what.at : id;
    return rw_arena_format(arena, "%s%s%s", what.at, what.len ? ", " : "", where.at).at;
}

/* Rows of one source stand together mostly: its text is made once. */
static enum rw_err add_sources(struct rw_price_list *list, struct rw_arena *arena)
{
    const struct rw_conf_node *sources = rw_conf_tree_at(list->tree.root, "sources");
    struct rw_map seen;
    rw_map_init(&seen, 0x5eed);
    enum rw_err err = RW_OK;
    for (unsigned i = 0; i < list->row_count && !err; i++) {
        struct rw_price *row = &list->rows[i];
        struct rw_span id = rw_span_text(row->source);
        const char *text = rw_map_get(&seen, id);
        if (!text) {
            text = source_text(sources, row->source, arena);
            err = text ? rw_map_put(&seen, id, (void *)(uintptr_t)text) : RW_ENOMEM;
        }
        row->source_text = text;
    }
    rw_map_free(&seen);
    return err;
}

/* ---- Reading ---- */

static void check_rows(struct rw_price_list *list, bool own, struct rw_conf_report *report)
{
    for (unsigned i = 0; i < list->row_count; i++) {
        struct rw_price *row = &list->rows[i];
        row->file = list->file;
        row->own = own;
        (void)read_quality(row, own, report);
        check_currency(row, report);
    }
    for (unsigned i = 0; i < list->discount_count; i++) {
        struct rw_discount *discount = &list->discounts[i];
        discount->file = list->file;
        if (!(discount->percent > 0 && discount->percent < 100))
            rw_facts_tell(report, discount->place,
                          "percent: expected more than 0 and less than 100, not %g",
                          "percent：应大于 0 且小于 100，而不是 %g", discount->percent);
    }
    for (unsigned i = 0; i < list->shape_count; i++)
        if (!(list->shapes[i].vcpu > 0) || !(list->shapes[i].memory_gib > 0))
            rw_facts_tell(report, list->shapes[i].place,
                          "a shape has more than 0 vcpu and more than 0 mem_gib",
                          "shape 的 vcpu 与 mem_gib 均须大于 0");
}

static void check_keys(const struct rw_conf_node *root, const char *const *keys, size_t count,
                       struct rw_conf_report *report)
{
    for (const struct rw_conf_entry *e = rw_conf_tree_entries(root); e; e = e->next) {
        size_t i = 0;
        while (i < count && !rw_span_is(e->key, keys[i]))
            i++;
        if (i == count)
            rw_facts_tell(report, e->key_place, "a price file has no key %s%s",
                          "价格文件没有字段 %s%s", rw_conf_quote(report, e->key),
                          rw_conf_hint(report, e->key, keys, count));
    }
}

static void check_head(const struct rw_conf_node *root, bool own, struct rw_conf_report *report)
{
    static const char *const own_keys[] = {"schema", "prices", "discounts", "shapes", "sources"};
    static const char *const list_keys[] = {
        "schema", "meta", "sources", "shapes", "prices", "price_structures", "gaps", "pitfalls"};
    const char *schema = own ? "ringway.prices/1" : "facts.prices/1";
    struct rw_conf_place begin = {1, 1};
    if (!root || root->kind != RW_CONF_NODE_MAP) {
        rw_facts_tell(report, begin, "expected a price file, which begins with schema: %s",
                      "此处应为价格文件，首行为 schema: %s", schema);
        return;
    }
    const struct rw_conf_node *node = rw_conf_tree_at(root, "schema");
    if (!node || !rw_span_is(node->text, schema))
        rw_facts_tell(report, node ? node->place : begin,
                      "schema: expected %s, not %s: is this a price file?",
                      "schema：应为 %s，而不是 %s：这是价格文件吗？", schema,
                      node ? rw_conf_quote(report, node->text) : "nothing");
    if (own)
        check_keys(root, own_keys, sizeof(own_keys) / sizeof(*own_keys), report);
    else
        check_keys(root, list_keys, sizeof(list_keys) / sizeof(*list_keys), report);
}

static enum rw_err decode(struct rw_prices *prices, struct rw_price_list *list,
                          struct rw_conf_report *report)
{
    const struct rw_conf_node *root = list->tree.root;
    void *rows, *discounts, *shapes;
    enum rw_err err = rw_facts_decode_list(&price_record, rw_conf_tree_at(root, "prices"),
                                           &prices->arena, report, &rows, &list->row_count);
    if (!err)
        err = rw_facts_decode_list(&discount_record, rw_conf_tree_at(root, "discounts"),
                                   &prices->arena, report, &discounts, &list->discount_count);
    if (!err)
        err = rw_facts_decode_list(&shape_record, rw_conf_tree_at(root, "shapes"), &prices->arena,
                                   report, &shapes, &list->shape_count);
    if (err)
        return err;
    list->rows = rows;
    list->discounts = discounts;
    list->shapes = shapes;
    return RW_OK;
}

static enum rw_err read_list(struct rw_prices *prices, struct rw_span yaml, const char *name,
                             struct rw_conf_report *report)
{
    bool own = prices->list_count > 0;
    struct rw_price_list *list = &prices->lists[prices->list_count++];
    enum rw_err err = rw_conf_tree_read(yaml, name, &prices->arena, &list->tree, report);
    if (err)
        return err;
    list->file = report->file.at;
    check_head(list->tree.root, own, report);
    if (report->count == 0) {
        err = decode(prices, list, report);
        if (err)
            return err;
        check_rows(list, own, report);
        err = add_sources(list, &prices->arena);
    }
    rw_conf_report_sort(report);
    if (report->err)
        return report->err;
    return !err && report->count ? RW_EINVAL : err;
}

enum rw_err rw_prices_load(struct rw_prices *prices, struct rw_conf_report *report)
{
    *prices = (struct rw_prices){0};
    rw_arena_init(&prices->arena, NULL, 0, 64 << 10, RW_PRICES_BYTES_MAX);
    return read_list(prices, rw_facts_embedded(RW_FACTS_PRICES),
                     rw_facts_file_name(RW_FACTS_PRICES), report);
}

enum rw_err rw_prices_overlay_text(struct rw_prices *prices, struct rw_span yaml, const char *name,
                                   struct rw_conf_report *report)
{
    if (prices->list_count > RW_PRICES_OVERLAYS_MAX)
        return RW_ELIMIT;
    return read_list(prices, yaml, name, report);
}

static void tell_unreadable(struct rw_prices *prices, const char *path, enum rw_err err,
                            struct rw_conf_report *report)
{
    struct rw_arena *arena = report->arena ? report->arena : &prices->arena;
    *report = (struct rw_conf_report){.arena = arena, .voice = report->voice};
    report->file = rw_arena_copy(arena, rw_span_text(path));
    if (!report->file.at)
        report->err = RW_ENOMEM;
    else
        rw_facts_tell(report, ((struct rw_conf_place){0, 0}), "cannot be read: %s", "无法读取：%s",
                      rw_conf_err_text(report, err));
}

enum rw_err rw_prices_overlay(struct rw_prices *prices, const char *path,
                              struct rw_conf_report *report)
{
    struct rw_text text = {0};
    enum rw_err err = rw_conf_slurp(path, RW_CONF_FILE_BYTES_MAX, false, &text);
    if (!err)
        err = rw_prices_overlay_text(prices, rw_text_span(&text), path, report);
    else if (err != RW_ENOMEM)
        tell_unreadable(prices, path, err, report);
    rw_text_free(&text);
    return err;
}

void rw_prices_free(struct rw_prices *prices)
{
    for (unsigned i = 0; i < prices->list_count; i++)
        rw_conf_tree_free(&prices->lists[i].tree);
    rw_arena_free(&prices->arena);
    *prices = (struct rw_prices){0};
}
