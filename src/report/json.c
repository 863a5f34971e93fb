#include "report/json.h"

#include "report/unit.h"

struct json {
    struct rw_text *out;
    const struct rw_doc *doc;
};

/* ---- Members: each function writes the comma before it, if one belongs there ---- */

static void separate(struct json *json)
{
    char last = json->out->len ? json->out->at[json->out->len - 1] : '{';
    if (last != '{' && last != '[' && last != ':' && last != '\n')
        rw_text_adds(json->out, ", ");
}

static void put_key(struct json *json, const char *key)
{
    separate(json);
    rw_text_add_json(json->out, rw_span_text(key));
    rw_text_adds(json->out, ":");
}

static void put_text(struct json *json, const char *key, struct rw_span text)
{
    put_key(json, key);
    rw_text_add_json(json->out, text);
}

static void put_word(struct json *json, const char *key, const char *word)
{
    put_text(json, key, rw_span_text(word));
}

static void put_number(struct json *json, const char *key, double number)
{
    put_key(json, key);
    rw_number_write(json->out, number);
}

static void put_true(struct json *json, const char *key, bool value)
{
    if (!value)
        return;
    put_key(json, key);
    rw_text_adds(json->out, "true");
}

static void put_figure(struct json *json, unsigned figure)
{
    if (figure != RW_DOC_NO_FIGURE)
        put_text(json, "figure", json->doc->figures[figure].id);
}

static void enter(struct json *json, const char *key, const char *bracket)
{
    if (key)
        put_key(json, key);
    else
        separate(json);
    rw_text_adds(json->out, bracket);
}

static void leave(struct json *json, const char *bracket)
{
    rw_text_adds(json->out, bracket);
}

/* ---- Blocks ---- */

static const char *const tones[] = {"neutral", "good", "warning", "bad", "information"};

static void put_prose(struct json *json, const struct rw_doc_prose *prose)
{
    struct rw_text text = {0};
    for (const struct rw_doc_run *run = prose->first; run; run = run->next)
        rw_text_add(&text, run->kind == RW_DOC_REFERENCE ? json->doc->figures[run->figure].value
                                                         : run->text);
    put_text(json, "text", rw_text_span(&text));
    if (text.err)
        json->out->err = text.err;
    rw_text_free(&text);
}

static void put_cell(struct json *json, const struct rw_doc_column *column,
                     const struct rw_doc_cell *cell)
{
    bool words = column->kind == RW_DOC_WORDS || column->kind == RW_DOC_STATUS;
    separate(json);
    if (cell->blank) {
        rw_text_adds(json->out, "null");
    } else if (words || cell->text.len) {
        rw_text_add_json(json->out, cell->text);
    } else {
        rw_text_adds(json->out, "{");
        if (isfinite(cell->number))
            put_number(json, "number", cell->number);
        else
            put_true(json, "missing", true);
        put_figure(json, cell->figure);
        rw_text_adds(json->out, "}");
    }
}

static void put_table(struct json *json, const struct rw_doc_table *table)
{
    static const char *const types[] = {"words", "money", "number", "share", "status"};
    put_text(json, "caption", table->caption);
    put_text(json, "currency", table->currency);
    enter(json, "columns", "[");
    for (size_t i = 0; i < table->column_count; i++) {
        enter(json, NULL, "{");
        put_text(json, "title", table->columns[i].title);
        put_text(json, "unit", table->columns[i].unit);
        put_word(json, "type", types[table->columns[i].kind]);
        leave(json, "}");
    }
    leave(json, "]");
    enter(json, "rows", "[");
    for (const struct rw_doc_row *row = table->first; row; row = row->next) {
        enter(json, NULL, "{");
        put_word(json, "role", row->total ? "total" : row->group ? "group" : "row");
        enter(json, "cells", "[");
        for (size_t i = 0; i < table->column_count; i++)
            put_cell(json, &table->columns[i], &row->cells[i]);
        leave(json, "]}");
    }
    leave(json, "]");
}

static void put_point(struct json *json, const struct rw_doc_chart *chart,
                      const struct rw_doc_point *point)
{
    enter(json, NULL, "{");
    put_text(json, "label", point->label);
    if (chart->kind >= RW_DOC_TORNADO) {
        put_number(json, "low", point->low);
        put_number(json, "high", point->high);
    }
    if (chart->kind != RW_DOC_TORNADO && chart->kind != RW_DOC_GANTT) {
        enter(json, "values", "[");
        for (size_t i = 0; i < chart->series_count; i++) {
            separate(json);
            rw_number_write(json->out, point->values[i]);
        }
        leave(json, "]");
    }
    put_true(json, "critical", point->strong);
    leave(json, "}");
}

static void put_chart(struct json *json, const struct rw_doc_chart *chart)
{
    static const char *const types[] = {"bars", "stacked", "lines", "tornado", "range", "gantt"};
    put_word(json, "type", types[chart->kind]);
    put_text(json, "caption", chart->caption);
    put_text(json, "unit", chart->unit);
    put_true(json, "cents", chart->money);
    if (chart->kind == RW_DOC_GANTT)
        put_number(json, "day_zero", chart->day_zero);
    if (chart->kind == RW_DOC_TORNADO)
        put_number(json, "base", chart->base);
    enter(json, "series", "[");
    for (size_t i = 0; i < chart->series_count; i++) {
        separate(json);
        rw_text_add_json(json->out, chart->series[i]);
    }
    leave(json, "]");
    enter(json, "points", "[");
    for (const struct rw_doc_point *point = chart->first; point; point = point->next)
        put_point(json, chart, point);
    leave(json, "]");
    enter(json, "marks", "[");
    for (const struct rw_doc_mark *mark = chart->marks; mark; mark = mark->next) {
        enter(json, NULL, "{");
        put_text(json, "label", mark->label);
        put_number(json, "at", mark->at);
        put_word(json, "tone", tones[mark->tone]);
        leave(json, "}");
    }
    leave(json, "]");
}

static void put_zones(struct json *json, const struct rw_doc_diagram *diagram)
{
    static const char *const kinds[] = {"provider", "region", "failure_domain", "outside"};
    enter(json, "zones", "[");
    for (const struct rw_doc_zone *zone = diagram->zones; zone; zone = zone->next) {
        enter(json, NULL, "{");
        put_word(json, "kind", kinds[zone->kind]);
        put_text(json, "label", zone->label);
        if (zone->residency.len)
            put_text(json, "residency", zone->residency);
        if (zone->parent)
            put_number(json, "parent", zone->parent->index);
        leave(json, "}");
    }
    leave(json, "]");
}

static void put_diagram(struct json *json, const struct rw_doc_diagram *diagram)
{
    static const char *const changes[] = {"kept", "added", "retired"};
    put_text(json, "caption", diagram->caption);
    put_zones(json, diagram);
    enter(json, "boxes", "[");
    for (const struct rw_doc_box *box = diagram->boxes; box; box = box->next) {
        enter(json, NULL, "{");
        put_text(json, "label", box->label);
        put_text(json, "detail", box->detail);
        put_number(json, "zone", box->zone->index);
        put_word(json, "change", changes[box->change]);
        leave(json, "}");
    }
    leave(json, "]");
    enter(json, "links", "[");
    for (const struct rw_doc_link *link = diagram->links; link; link = link->next) {
        enter(json, NULL, "{");
        put_number(json, "from", link->from->index);
        put_number(json, "to", link->to->index);
        put_text(json, "label", link->label);
        put_true(json, "dashed", link->dashed);
        leave(json, "}");
    }
    leave(json, "]");
}

static void put_block(struct json *json, const struct rw_doc_block *block)
{
    static const char *const kinds[] = {"section", "paragraph", "note",    "item",   "metric",
                                        "table",   "chart",     "diagram", "figures"};
    put_word(json, "kind", kinds[block->kind]);
    if (block->kind == RW_DOC_SECTION)
        put_number(json, "level", block->level);
    if (block->kind == RW_DOC_NOTE || block->kind == RW_DOC_METRIC)
        put_word(json, "tone", tones[block->tone]);
    if (block->title.len)
        put_text(json, "title", block->title);
    put_figure(json, block->figure);
    if (block->prose.first)
        put_prose(json, &block->prose);
    if (block->table)
        put_table(json, block->table);
    if (block->chart)
        put_chart(json, block->chart);
    if (block->diagram)
        put_diagram(json, block->diagram);
}

/* ---- Figures ---- */

static void put_cell_of_sheet(struct json *json, const struct rw_doc_figure *figure)
{
    static const char *const origins[] = {"given", "assumed",  "measured",
                                          "data",  "computed", "missing"};
    put_text(json, "label", figure->label);
    put_text(json, "value", figure->value);
    put_number(json, "number", figure->number);
    put_text(json, "unit", figure->unit);
    put_word(json, "origin", origins[figure->origin]);
    if (figure->formula.len)
        put_text(json, "formula", figure->formula);
    if (figure->source.len)
        put_text(json, "source", figure->source);
    if (figure->input_count == 0)
        return;
    enter(json, "inputs", "[");
    for (size_t i = 0; i < figure->input_count; i++) {
        separate(json);
        rw_text_add_json(json->out, json->doc->figures[figure->inputs[i]].id);
    }
    leave(json, "]");
}

static void put_figures(struct json *json)
{
    for (size_t i = 1; i < json->doc->figure_count; i++) {
        rw_text_adds(json->out, i > 1 ? ",\n" : "\n");
        rw_text_add_json(json->out, json->doc->figures[i].id);
        rw_text_adds(json->out, ": {");
        put_cell_of_sheet(json, &json->doc->figures[i]);
        leave(json, "}");
    }
}

enum rw_err rw_report_json(const struct rw_doc *doc, struct rw_text *out)
{
    struct json json = {out, doc};
    rw_text_adds(out, "{");
    put_word(&json, "schema", "ringway.proposal/1");
    put_text(&json, "language", rw_doc_word(doc, RW_SAY_LANGUAGE_TAG));
    put_text(&json, "title", doc->title);
    put_text(&json, "subtitle", doc->subtitle);
    put_text(&json, "customer", doc->customer);
    put_text(&json, "date", doc->date);
    enter(&json, "blocks", "[");
    for (const struct rw_doc_block *block = doc->first; block; block = block->next) {
        rw_text_adds(out, block == doc->first ? "\n{" : ",\n{");
        put_block(&json, block);
        leave(&json, "}");
    }
    rw_text_adds(out, "\n]");
    enter(&json, "figures", "{");
    put_figures(&json);
    rw_text_adds(out, "\n}}\n");
    return out->err;
}
