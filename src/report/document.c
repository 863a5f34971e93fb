#include "report/document.h"

#include "base/alloc.h"

#include <stdio.h>

void rw_doc_init(struct rw_doc *doc, enum rw_language language)
{
    *doc = (struct rw_doc){.language = language, .figure_count = 1};
    rw_arena_init(&doc->arena, NULL, 0, 64 << 10, RW_DOC_BYTES_MAX);
}

void rw_doc_free(struct rw_doc *doc)
{
    rw_arena_free(&doc->arena);
    rw_free(doc->figures);
    doc->figures = NULL;
}

static void *take(struct rw_doc *doc, size_t size)
{
    void *at = doc->err ? NULL : rw_arena_zero(&doc->arena, size);
    if (!at && !doc->err)
        doc->err = doc->arena.used_bytes + size > RW_DOC_BYTES_MAX ? RW_ELIMIT : RW_ENOMEM;
    return at;
}

/* New zeroed object of the type of `scratch`, or, after an error, `scratch` itself. */
#define TAKE(doc, scratch)                                                                         \
    ({                                                                                             \
        typeof(scratch) taken_ = take(doc, sizeof(*(scratch)));                                    \
        if (!taken_) {                                                                             \
            taken_ = (scratch);                                                                    \
            *taken_ = (typeof(*taken_)){0};                                                        \
        }                                                                                          \
        taken_;                                                                                    \
    })

/* Appends to a list with `first` and `last`; nothing after an error. */
#define APPEND(doc, first_, last_, item)                                                           \
    do {                                                                                           \
        if (!(doc)->err) {                                                                         \
            *((last_) ? &(last_)->next : &(first_)) = (item);                                      \
            (last_) = (item);                                                                      \
        }                                                                                          \
    } while (0)

struct rw_span rw_doc_copy(struct rw_doc *doc, struct rw_span text)
{
    if (text.len == 0 || doc->err)
        return (struct rw_span){"", 0};
    struct rw_span copy = rw_arena_copy(&doc->arena, text);
    if (copy.at)
        return copy;
    doc->err = RW_ENOMEM;
    return (struct rw_span){"", 0};
}

struct rw_span rw_doc_format(struct rw_doc *doc, const char *format, ...)
{
    char line[512];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(line, sizeof(line), format, values);
    va_end(values);
    rw_assert(length >= 0 && (size_t)length < sizeof(line));
    return rw_doc_copy(doc, rw_span(line, (size_t)length));
}

/* ---- Figures ---- */

static bool figure_room(struct rw_doc *doc)
{
    if (doc->err)
        return false;
    if (doc->figure_count < doc->figure_room)
        return true;
    size_t room = doc->figure_room ? doc->figure_room * 2 : 64;
    struct rw_doc_figure *figures = rw_realloc(doc->figures, room * sizeof(*figures));
    if (!figures) {
        doc->err = RW_ENOMEM;
        return false;
    }
    if (!doc->figures)
        figures[0] = (struct rw_doc_figure){.number = NAN};
    doc->figures = figures;
    doc->figure_room = room;
    return true;
}

unsigned rw_doc_figure(struct rw_doc *doc, const struct rw_doc_figure *figure)
{
    if (!figure_room(doc))
        return RW_DOC_NO_FIGURE;
    struct rw_doc_figure copy = *figure;
    copy.id = rw_doc_copy(doc, figure->id);
    copy.label = rw_doc_copy(doc, figure->label);
    copy.value = rw_doc_copy(doc, figure->value);
    copy.unit = rw_doc_copy(doc, figure->unit);
    copy.formula = rw_doc_copy(doc, figure->formula);
    copy.source = rw_doc_copy(doc, figure->source);
    copy.inputs = NULL;
    if (figure->input_count) {
        unsigned *inputs = take(doc, figure->input_count * sizeof(*inputs));
        if (!inputs)
            return RW_DOC_NO_FIGURE;
        for (size_t i = 0; i < figure->input_count; i++) {
            rw_assert(figure->inputs[i] < doc->figure_count);
            inputs[i] = figure->inputs[i];
        }
        copy.inputs = inputs;
    }
    doc->figures[doc->figure_count] = copy;
    return (unsigned)doc->figure_count++;
}

/* ---- Blocks of text ---- */

static struct rw_doc_block *add_block(struct rw_doc *doc, enum rw_doc_block_kind kind)
{
    struct rw_doc_block *block = TAKE(doc, &doc->scratch.block);
    block->kind = kind;
    APPEND(doc, doc->first, doc->last, block);
    return block;
}

static void add_run(struct rw_doc *doc, struct rw_doc_prose *prose, struct rw_doc_run run)
{
    struct rw_doc_run *copy = run.text.len || run.figure ? take(doc, sizeof(*copy)) : NULL;
    if (!copy)
        return;
    *copy = run;
    copy->text = rw_doc_copy(doc, run.text);
    APPEND(doc, prose->first, prose->last, copy);
}

static void add_argument(struct rw_doc *doc, struct rw_doc_prose *prose,
                         struct rw_doc_argument argument, enum rw_doc_run_kind kind)
{
    if (argument.figure != RW_DOC_NO_FIGURE)
        add_run(doc, prose,
                (struct rw_doc_run){.kind = RW_DOC_REFERENCE, .figure = argument.figure});
    else
        add_run(doc, prose, (struct rw_doc_run){.kind = kind, .text = argument.text});
}

/* The texts come from our tables: what they name is there. */
/* What stands last in a text so far, as it is shown. */
static struct rw_span shown_last(const struct rw_doc *doc, const struct rw_doc_prose *prose)
{
    const struct rw_doc_run *last = prose->last;
    if (!last || doc->err)
        return rw_span("", 0);
    return last->kind == RW_DOC_REFERENCE ? doc->figures[last->figure].value : last->text;
}

static void add_words(struct rw_doc *doc, struct rw_doc_prose *prose, struct rw_span words,
                      enum rw_doc_run_kind kind)
{
    words = rw_report_behind(shown_last(doc, prose), words);
    add_run(doc, prose, (struct rw_doc_run){.kind = kind, .text = words});
}

static void fill_in(struct rw_doc *doc, struct rw_doc_prose *prose, struct rw_label text,
                    const struct rw_doc_argument *arguments, size_t count)
{
    struct rw_span rest = rw_span_text(rw_label_in(text, doc->language));
    enum rw_doc_run_kind kind = RW_DOC_PLAIN;
    size_t plain = 0;
    while (plain < rest.len) {
        const char *at = rest.at + plain;
        bool strong = rest.len - plain >= 2 && at[0] == '*' && at[1] == '*';
        bool place = rest.len - plain >= 3 && at[0] == '{' && at[2] == '}';
        if (!strong && !place) {
            plain++;
            continue;
        }
        add_words(doc, prose, rw_span(rest.at, plain), kind);
        if (strong) {
            kind = kind == RW_DOC_PLAIN ? RW_DOC_STRONG : RW_DOC_PLAIN;
        } else {
            size_t which = (size_t)(at[1] - '0');
            rw_assert(which < count);
            add_argument(doc, prose, arguments[which], kind);
        }
        rest = rw_span_skip(rest, plain + (strong ? 2 : 3));
        plain = 0;
    }
    add_words(doc, prose, rest, kind);
}

void rw_doc_section(struct rw_doc *doc, unsigned level, struct rw_label title)
{
    rw_assert(level == 1 || level == 2);
    struct rw_doc_block *block = add_block(doc, RW_DOC_SECTION);
    block->level = level;
    block->title = rw_doc_copy(doc, rw_span_text(rw_label_in(title, doc->language)));
    block->number = ++doc->sections[level - 1];
    if (level == 1)
        doc->sections[1] = 0;
}

void rw_doc_paragraph(struct rw_doc *doc, struct rw_label text,
                      const struct rw_doc_argument *arguments, size_t count)
{
    fill_in(doc, &add_block(doc, RW_DOC_PARAGRAPH)->prose, text, arguments, count);
}

void rw_doc_item(struct rw_doc *doc, struct rw_label text, const struct rw_doc_argument *arguments,
                 size_t count)
{
    fill_in(doc, &add_block(doc, RW_DOC_ITEM)->prose, text, arguments, count);
}

void rw_doc_note(struct rw_doc *doc, enum rw_doc_tone tone, struct rw_span title,
                 struct rw_label text, const struct rw_doc_argument *arguments, size_t count)
{
    struct rw_doc_block *block = add_block(doc, RW_DOC_NOTE);
    block->tone = tone;
    block->title = rw_doc_copy(doc, title);
    fill_in(doc, &block->prose, text, arguments, count);
}

void rw_doc_metric(struct rw_doc *doc, enum rw_doc_tone tone, struct rw_span title, unsigned figure,
                   struct rw_span text)
{
    struct rw_doc_block *block = add_block(doc, RW_DOC_METRIC);
    block->tone = tone;
    block->title = rw_doc_copy(doc, title);
    block->figure = figure;
    add_run(doc, &block->prose, (struct rw_doc_run){.text = text});
}

void rw_doc_all_figures(struct rw_doc *doc)
{
    add_block(doc, RW_DOC_ALL_FIGURES);
}

/* ---- Tables ---- */

struct rw_doc_table *rw_doc_loose_table(struct rw_doc *doc, struct rw_span caption,
                                        struct rw_span currency)
{
    struct rw_doc_table *table = TAKE(doc, &doc->scratch.table);
    table->caption = rw_doc_copy(doc, caption);
    table->currency = rw_doc_copy(doc, currency);
    return table;
}

struct rw_doc_table *rw_doc_table(struct rw_doc *doc, struct rw_span caption,
                                  struct rw_span currency)
{
    struct rw_doc_table *table = rw_doc_loose_table(doc, caption, currency);
    struct rw_doc_block *block = add_block(doc, RW_DOC_TABLE);
    block->table = table;
    block->number = ++doc->tables;
    return table;
}

struct rw_doc_column *rw_doc_column(struct rw_doc *doc, struct rw_doc_table *table,
                                    enum rw_doc_column_kind kind, struct rw_span title,
                                    struct rw_span unit)
{
    rw_assert(table->column_count < RW_DOC_COLUMNS_MAX && !table->first);
    struct rw_doc_column *column = &table->columns[table->column_count];
    *column = (struct rw_doc_column){.kind = kind, .sum = kind == RW_DOC_MONEY};
    column->title = rw_doc_copy(doc, title);
    column->unit = rw_doc_copy(doc, unit);
    table->column_count++;
    return column;
}

static struct rw_doc_row *add_row(struct rw_doc *doc, struct rw_doc_table *table)
{
    struct rw_doc_row *row = take(doc, sizeof(*row));
    struct rw_doc_cell *cells = take(doc, (table->column_count + 1) * sizeof(*cells));
    if (!row || !cells)
        return NULL;
    for (size_t i = 0; i < table->column_count; i++)
        cells[i] = (struct rw_doc_cell){.text = {"", 0}, .blank = true};
    row->cells = cells;
    table->row_count++;
    APPEND(doc, table->first, table->last, row);
    return row;
}

struct rw_doc_cell *rw_doc_row(struct rw_doc *doc, struct rw_doc_table *table)
{
    struct rw_doc_row *row = add_row(doc, table);
    return row ? row->cells : doc->scratch.cells;
}

void rw_doc_group(struct rw_doc *doc, struct rw_doc_table *table, struct rw_span title)
{
    struct rw_doc_row *row = add_row(doc, table);
    if (!row)
        return;
    row->group = true;
    rw_doc_words(doc, &row->cells[0], title);
}

/* A row's share of a total: blank cells have none. */
static double addend(const struct rw_doc_row *row, size_t column)
{
    const struct rw_doc_cell *cell = &row->cells[column];
    return row->total || row->group || cell->blank ? 0 : cell->number;
}

struct rw_doc_cell *rw_doc_total(struct rw_doc *doc, struct rw_doc_table *table)
{
    struct rw_doc_row *total = add_row(doc, table);
    if (!total)
        return doc->scratch.cells;
    total->total = true;
    rw_doc_words(doc, &total->cells[0], rw_doc_word(doc, RW_SAY_TOTAL));
    for (size_t i = 0; i < table->column_count; i++) {
        if (!table->columns[i].sum)
            continue;
        double sum = 0;
        for (const struct rw_doc_row *row = table->first; row; row = row->next)
            sum += addend(row, i);
        rw_doc_number(&total->cells[i], sum, RW_DOC_NO_FIGURE);
    }
    return total->cells;
}

void rw_doc_words(struct rw_doc *doc, struct rw_doc_cell *cell, struct rw_span text)
{
    cell->text = rw_doc_copy(doc, text);
    cell->blank = false;
}

void rw_doc_number(struct rw_doc_cell *cell, double number, unsigned figure)
{
    cell->number = number;
    cell->figure = figure;
    cell->blank = false;
}

/* ---- Charts ---- */

struct rw_doc_chart *rw_doc_chart(struct rw_doc *doc, enum rw_doc_chart_kind kind,
                                  struct rw_span caption, struct rw_span unit)
{
    struct rw_doc_chart *chart = TAKE(doc, &doc->scratch.chart);
    struct rw_doc_block *block = add_block(doc, RW_DOC_CHART);
    chart->kind = kind;
    chart->caption = rw_doc_copy(doc, caption);
    chart->unit = rw_doc_copy(doc, unit);
    block->chart = chart;
    block->number = ++doc->charts;
    return chart;
}

void rw_doc_series(struct rw_doc *doc, struct rw_doc_chart *chart, struct rw_span name)
{
    if (doc->err)
        return;
    rw_assert(chart->series_count < RW_DOC_SERIES_MAX);
    chart->series[chart->series_count++] = rw_doc_copy(doc, name);
}

struct rw_doc_point *rw_doc_point(struct rw_doc *doc, struct rw_doc_chart *chart,
                                  struct rw_span label)
{
    struct rw_doc_point *point = TAKE(doc, &doc->scratch.point);
    point->label = rw_doc_copy(doc, label);
    APPEND(doc, chart->first, chart->last, point);
    chart->point_count += doc->err ? 0 : 1;
    return point;
}

void rw_doc_mark(struct rw_doc *doc, struct rw_doc_chart *chart, struct rw_span label, double at,
                 enum rw_doc_tone tone)
{
    struct rw_doc_mark *mark = take(doc, sizeof(*mark));
    if (!mark)
        return;
    mark->label = rw_doc_copy(doc, label);
    mark->at = at;
    mark->tone = tone;
    APPEND(doc, chart->marks, chart->last_mark, mark);
}

/* ---- The diagram ---- */

static void limit(struct rw_doc *doc, bool within)
{
    if (!within && !doc->err)
        doc->err = RW_ELIMIT;
}

void rw_doc_band(struct rw_doc *doc, struct rw_doc_chart *chart, struct rw_span label, double from,
                 double to)
{
    if (!isfinite(from) || !isfinite(to) || to < from)
        return;
    chart->band = rw_doc_copy(doc, label);
    chart->band_from = from;
    chart->band_to = to;
}

struct rw_doc_diagram *rw_doc_diagram(struct rw_doc *doc, struct rw_span caption)
{
    struct rw_doc_diagram *diagram = TAKE(doc, &doc->scratch.diagram);
    struct rw_doc_block *block = add_block(doc, RW_DOC_DIAGRAM);
    diagram->caption = rw_doc_copy(doc, caption);
    block->diagram = diagram;
    block->number = ++doc->charts; /* they are counted together */
    return diagram;
}

struct rw_doc_zone *rw_doc_zone(struct rw_doc *doc, struct rw_doc_diagram *diagram,
                                struct rw_doc_zone *parent, enum rw_doc_zone_kind kind,
                                struct rw_span label)
{
    unsigned depth = 1;
    for (const struct rw_doc_zone *outer = parent; outer && !doc->err; outer = outer->parent)
        depth++;
    limit(doc, diagram->zone_count < RW_DOC_ZONES_MAX && depth <= RW_DOC_ZONE_DEPTH_MAX);
    struct rw_doc_zone *zone = TAKE(doc, &doc->scratch.zone);
    zone->parent = doc->err ? NULL : parent; /* the scratch object is nobody's parent */
    zone->kind = kind;
    zone->label = rw_doc_copy(doc, label);
    APPEND(doc, diagram->zones, diagram->last_zone, zone);
    zone->index = diagram->zone_count;
    diagram->zone_count += doc->err ? 0 : 1;
    return zone;
}

struct rw_doc_box *rw_doc_box(struct rw_doc *doc, struct rw_doc_diagram *diagram,
                              struct rw_doc_zone *zone, struct rw_span label, struct rw_span detail)
{
    limit(doc, diagram->box_count < RW_DOC_BOXES_MAX);
    struct rw_doc_box *box = TAKE(doc, &doc->scratch.box);
    box->zone = zone;
    box->label = rw_doc_copy(doc, label);
    box->detail = rw_doc_copy(doc, detail);
    APPEND(doc, diagram->boxes, diagram->last_box, box);
    box->index = diagram->box_count;
    diagram->box_count += doc->err ? 0 : 1;
    return box;
}

struct rw_doc_link *rw_doc_link(struct rw_doc *doc, struct rw_doc_diagram *diagram,
                                const struct rw_doc_box *from, const struct rw_doc_box *to,
                                struct rw_span label)
{
    struct rw_doc_link *link = TAKE(doc, &doc->scratch.link);
    link->from = from;
    link->to = to;
    link->label = rw_doc_copy(doc, label);
    APPEND(doc, diagram->links, diagram->last_link, link);
    diagram->link_count += doc->err ? 0 : 1;
    return link;
}
