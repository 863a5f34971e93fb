#include "report/markdown.h"

#include "report/markup.h"
#include "report/number.h"

struct markdown {
    struct rw_text *out;
    const struct rw_doc *doc;
};

/* What our own markup is made of goes in as it is. */
#define MARK(markdown, literal) rw_text_add((markdown)->out, RW_LITERAL("" literal ""))

/* ---- Text ---- */

/* All that means something anywhere in a line; characters with a meaning at its beginning only are
 * put_first's. A reference is understood inside tables, too, where a backslash is not always. */
static void put_character(struct markdown *markdown, struct rw_span character)
{
    if (character.len == 1 && strchr("\\`*_[]#~!$^", character.at[0]))
        MARK(markdown, "\\");
    if (rw_span_is(character, "<"))
        MARK(markdown, "&lt;");
    else if (rw_span_is(character, ">"))
        MARK(markdown, "&gt;");
    else if (rw_span_is(character, "&"))
        MARK(markdown, "&amp;");
    else if (rw_span_is(character, "|"))
        MARK(markdown, "&#124;");
    else
        rw_text_add(markdown->out, character);
}

/* A text within a line. */
static void put_text(struct markdown *markdown, struct rw_span text)
{
    struct rw_span character;
    while (rw_visible_next(&text, &character))
        put_character(markdown, character);
}

/* A text that begins a block: no list, no heading underline, no number with a point. */
static void put_first(struct markdown *markdown, struct rw_span text)
{
    while (text.len && text.at[0] == ' ')
        text = rw_span_skip(text, 1);
    size_t digits = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    if (text.len && strchr("-+=:", text.at[0])) {
        MARK(markdown, "\\");
    } else if (digits && digits < text.len && strchr(".)", text.at[digits])) {
        rw_text_add(markdown->out, rw_span(text.at, digits));
        MARK(markdown, "\\");
        text = rw_span_skip(text, digits);
    }
    put_text(markdown, text);
}

static void put_word(struct markdown *markdown, enum rw_report_word word)
{
    put_text(markdown, rw_doc_word(markdown->doc, word));
}

static void put_prose(struct markdown *markdown, const struct rw_doc_prose *prose)
{
    for (const struct rw_doc_run *run = prose->first; run; run = run->next) {
        struct rw_span text =
            run->kind == RW_DOC_REFERENCE ? markdown->doc->figures[run->figure].value : run->text;
        bool strong = run->kind == RW_DOC_STRONG && rw_span_trim(text).len;
        if (strong)
            MARK(markdown, "**");
        if (run == prose->first && !strong)
            put_first(markdown, text);
        else
            put_text(markdown, text);
        if (strong)
            MARK(markdown, "**");
    }
}

/* ---- Tables ---- */

static void put_head(struct markdown *markdown, const struct rw_doc_table *table)
{
    MARK(markdown, "|");
    for (size_t i = 0; i < table->column_count; i++) {
        MARK(markdown, " ");
        put_text(markdown, table->columns[i].title);
        if (table->columns[i].unit.len) {
            MARK(markdown, " (");
            put_text(markdown, table->columns[i].unit);
            MARK(markdown, ")");
        }
        MARK(markdown, " |");
    }
    MARK(markdown, "\n|");
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].kind == RW_DOC_WORDS || table->columns[i].kind == RW_DOC_STATUS)
            MARK(markdown, " --- |");
        else
            MARK(markdown, " ---: |");
    }
    MARK(markdown, "\n");
}

/* What colours say on the page. */
static const char *const signs[] = {"", "✓ ", "▲ ", "✕ ", "● "};

static void put_row(struct markdown *markdown, const struct rw_doc_table *table,
                    const struct rw_doc_row *row)
{
    MARK(markdown, "|");
    for (size_t i = 0; i < table->column_count; i++) {
        struct rw_text text = {0};
        rw_report_cell(&text, &table->columns[i], &row->cells[i], markdown->doc->language);
        bool strong = (row->total || row->group) && text.len;
        MARK(markdown, " ");
        if (table->columns[i].kind == RW_DOC_STATUS)
            rw_text_adds(markdown->out, signs[row->cells[i].tone]);
        if (strong)
            MARK(markdown, "**");
        put_text(markdown, rw_text_span(&text));
        if (strong)
            MARK(markdown, "**");
        MARK(markdown, " |");
        if (text.err)
            markdown->out->err = text.err;
        rw_text_free(&text);
    }
    MARK(markdown, "\n");
}

static void put_table(struct markdown *markdown, const struct rw_doc_table *table)
{
    put_head(markdown, table);
    for (const struct rw_doc_row *row = table->first; row; row = row->next)
        put_row(markdown, table, row);
    MARK(markdown, "\n");
}

static void put_caption(struct markdown *markdown, enum rw_report_word kind, unsigned number,
                        struct rw_span caption)
{
    MARK(markdown, "**");
    put_word(markdown, kind);
    rw_text_addf(markdown->out, "%u", number);
    MARK(markdown, "** ");
    put_text(markdown, caption);
}

/* ---- The diagram in words ---- */

static void put_inside(struct markdown *markdown, const struct rw_doc_diagram *diagram,
                       const struct rw_doc_zone *zone, unsigned depth)
{
    for (const struct rw_doc_box *box = diagram->boxes; box; box = box->next) {
        if (box->zone != zone)
            continue;
        rw_text_addf(markdown->out, "%*s- ", (int)depth * 2, "");
        put_first(markdown, box->label);
        if (box->detail.len)
            MARK(markdown, ", ");
        put_text(markdown, box->detail);
        if (box->change != RW_DOC_KEPT) {
            MARK(markdown, " (");
            put_word(markdown,
                     box->change == RW_DOC_ADDED ? RW_SAY_LEGEND_NEW : RW_SAY_LEGEND_GONE);
            MARK(markdown, ")");
        }
        MARK(markdown, "\n");
    }
    for (const struct rw_doc_zone *inner = diagram->zones; inner; inner = inner->next) {
        if (inner->parent != zone)
            continue;
        rw_text_addf(markdown->out, "%*s- **", (int)depth * 2, "");
        put_text(markdown, inner->label);
        MARK(markdown, "**");
        if (inner->residency.len) {
            MARK(markdown, " (");
            put_text(markdown, inner->residency);
            MARK(markdown, ": ");
            put_word(markdown, RW_SAY_LEGEND_RESIDENT);
            MARK(markdown, ")");
        }
        MARK(markdown, "\n");
        put_inside(markdown, diagram, inner, depth + 1);
    }
}

static bool is_repeated(const struct rw_doc_diagram *diagram, const struct rw_doc_link *link)
{
    const struct rw_doc_link *other = diagram->links;
    while (other != link && !(rw_span_eq(other->from->label, link->from->label) &&
                              rw_span_eq(other->to->label, link->to->label) &&
                              rw_span_eq(other->label, link->label)))
        other = other->next;
    return other != link;
}

static void put_diagram(struct markdown *markdown, const struct rw_doc_diagram *diagram)
{
    put_inside(markdown, diagram, NULL, 0);
    for (const struct rw_doc_link *link = diagram->links; link; link = link->next) {
        if (is_repeated(diagram, link))
            continue; /* the same in another zone */
        MARK(markdown, "- ");
        put_first(markdown, link->from->label);
        MARK(markdown, " → ");
        put_text(markdown, link->to->label);
        if (link->label.len)
            MARK(markdown, ": ");
        put_text(markdown, link->label);
        MARK(markdown, "\n");
    }
    MARK(markdown, "\n");
}

/* ---- All figures ---- */

static void put_figures(struct markdown *markdown)
{
    const enum rw_report_word origins[] = {RW_SAY_GIVEN, RW_SAY_ASSUMED,  RW_SAY_MEASURED,
                                           RW_SAY_DATA,  RW_SAY_COMPUTED, RW_SAY_MISSING_VALUE};
    const enum rw_report_word heads[] = {RW_SAY_CELL, RW_SAY_LABEL, RW_SAY_VALUE, RW_SAY_ORIGIN,
                                         RW_SAY_HOW};
    MARK(markdown, "|");
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        MARK(markdown, " ");
        put_word(markdown, heads[i]);
        MARK(markdown, " |");
    }
    MARK(markdown, "\n| --- | --- | ---: | --- | --- |\n");
    for (size_t i = 1; i < markdown->doc->figure_count; i++) {
        const struct rw_doc_figure *figure = &markdown->doc->figures[i];
        MARK(markdown, "| ");
        put_text(markdown, figure->id);
        MARK(markdown, " | ");
        put_text(markdown, figure->label);
        MARK(markdown, " | ");
        put_text(markdown, figure->value);
        MARK(markdown, " | ");
        put_word(markdown, origins[figure->origin]);
        MARK(markdown, " | ");
        put_text(markdown, figure->formula.len ? figure->formula : figure->source);
        MARK(markdown, " |\n");
    }
    MARK(markdown, "\n");
}

/* ---- Blocks ---- */

static void put_section(struct markdown *markdown, const struct rw_doc_block *block,
                        unsigned *outer)
{
    if (block->level == 1)
        *outer = block->number;
    if (block->level == 1)
        rw_text_addf(markdown->out, "## %u ", block->number);
    else
        rw_text_addf(markdown->out, "### %u.%u ", *outer, block->number);
    put_text(markdown, block->title);
    MARK(markdown, "\n\n");
}

static void put_note(struct markdown *markdown, const struct rw_doc_block *block)
{
    MARK(markdown, "> ");
    rw_text_adds(markdown->out, signs[block->tone]);
    if (block->title.len) {
        MARK(markdown, "**");
        put_text(markdown, block->title);
        MARK(markdown, "** ");
    }
    put_prose(markdown, &block->prose);
    MARK(markdown, "\n\n");
}

static void put_metric(struct markdown *markdown, const struct rw_doc_block *block)
{
    MARK(markdown, "- ");
    put_first(markdown, block->title);
    put_word(markdown, RW_SAY_COLON);
    MARK(markdown, "**");
    put_text(markdown, markdown->doc->figures[block->figure].value);
    MARK(markdown, "**");
    if (block->prose.first)
        MARK(markdown, " — ");
    put_prose(markdown, &block->prose);
    MARK(markdown, "\n");
}

static void put_block(struct markdown *markdown, const struct rw_doc_block *block, unsigned *outer)
{
    switch (block->kind) {
    case RW_DOC_SECTION:
        put_section(markdown, block, outer);
        return;
    case RW_DOC_PARAGRAPH:
        put_prose(markdown, &block->prose);
        MARK(markdown, "\n\n");
        return;
    case RW_DOC_NOTE:
        put_note(markdown, block);
        return;
    case RW_DOC_ITEM:
        MARK(markdown, "- ");
        put_prose(markdown, &block->prose);
        MARK(markdown, "\n");
        break;
    case RW_DOC_METRIC:
        put_metric(markdown, block);
        break;
    case RW_DOC_TABLE:
        put_caption(markdown, RW_SAY_TABLE_NUMBER, block->number, block->table->caption);
        if (block->table->currency.len) {
            MARK(markdown, " (");
            put_text(markdown, block->table->currency);
            MARK(markdown, ")");
        }
        MARK(markdown, "\n\n");
        put_table(markdown, block->table);
        return;
    case RW_DOC_CHART:
        put_caption(markdown, RW_SAY_CHART_NUMBER, block->number, block->chart->caption);
        MARK(markdown, "\n\n");
        put_table(markdown, block->chart->data);
        return;
    case RW_DOC_DIAGRAM:
        put_caption(markdown, RW_SAY_CHART_NUMBER, block->number, block->diagram->caption);
        MARK(markdown, "\n\n");
        put_diagram(markdown, block->diagram);
        return;
    case RW_DOC_ALL_FIGURES:
        put_figures(markdown);
        return;
    }
    /* A list ends where its neighbour is something else. */
    if (!block->next || block->next->kind != block->kind)
        MARK(markdown, "\n");
}

enum rw_err rw_report_markdown(const struct rw_doc *doc, struct rw_text *out)
{
    struct markdown markdown = {out, doc};
    unsigned outer = 0;
    MARK(&markdown, "# ");
    put_text(&markdown, doc->title);
    MARK(&markdown, "\n\n");
    if (doc->subtitle.len) {
        put_first(&markdown, doc->subtitle);
        MARK(&markdown, "\n\n");
    }
    if (doc->date.len) {
        put_word(&markdown, RW_SAY_PLAN_DATE);
        put_word(&markdown, RW_SAY_COLON);
        put_text(&markdown, doc->date);
        MARK(&markdown, "\n\n");
    }
    for (const struct rw_doc_block *block = doc->first; block; block = block->next)
        put_block(&markdown, block, &outer);
    return out->err;
}
