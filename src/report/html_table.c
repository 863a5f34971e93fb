#include "report/html_private.h"

#include "report/bind.h"
#include "report/number.h"

/* On a narrow screen a row of so many columns becomes a card. */
#define COLUMNS_AS_CARDS 3
/* So many need smaller letters. */
#define COLUMNS_MANY 5

static bool is_right(const struct rw_doc_column *column)
{
    return column->kind == RW_DOC_MONEY || column->kind == RW_DOC_NUMBER ||
           column->kind == RW_DOC_SHARE;
}

static void put_column_title(struct rw_html *html, const struct rw_doc_column *column)
{
    rw_markup_text(&html->out, column->title);
    if (column->unit.len) {
        RW_MARKUP(&html->out, " (");
        rw_markup_text(&html->out, column->unit);
        RW_MARKUP(&html->out, ")");
    }
}

/* Of the longest word, in hundredths of the letters' size: what lines are broken before or after
 * (blanks, hyphens, whatever is not ASCII) is in none. */
static unsigned longest_word(struct rw_span text)
{
    unsigned most = 0;
    for (size_t from = 0, at = 0; at <= text.len; at++) {
        bool ends = at == text.len || text.at[at] == ' ' || text.at[at] == '-' ||
                    (unsigned char)text.at[at] >= 0x80;
        if (!ends || rw_report_unit(text, at))
            continue;
        unsigned width = rw_text_width(rw_span(text.at + from, at - from));
        most = width > most ? width : most;
        from = at + 1;
    }
    return most;
}

/* A column of words is as wide as its longest word, within reason: words beyond that are broken. */
static void put_least_width(struct rw_html *html, const struct rw_doc_table *table, size_t column)
{
    enum { PADDING = 150 };
    unsigned width = longest_word(table->columns[column].title);
    for (const struct rw_doc_row *row = table->first; row; row = row->next) {
        unsigned word = row->group ? 0 : longest_word(row->cells[column].text);
        width = word > width ? word : width;
    }
    width += PADDING;
    if (width > 1100)
        RW_MARKUP(&html->out, " class=\"m13\"");
    else if (width > 900)
        RW_MARKUP(&html->out, " class=\"m11\"");
    else if (width > 700)
        RW_MARKUP(&html->out, " class=\"m9\"");
    else if (width > 550)
        RW_MARKUP(&html->out, " class=\"m7\"");
    else
        RW_MARKUP(&html->out, " class=\"m5\"");
}

static void put_head(struct rw_html *html, const struct rw_doc_table *table)
{
    RW_MARKUP(&html->out, "<thead role=\"rowgroup\"><tr role=\"row\">");
    for (size_t i = 0; i < table->column_count; i++) {
        RW_MARKUP(&html->out, "<th role=\"columnheader\" scope=\"col\"");
        if (is_right(&table->columns[i]))
            RW_MARKUP(&html->out, " class=\"n\"");
        else
            put_least_width(html, table, i);
        RW_MARKUP(&html->out, ">");
        rw_markup_text(&html->out, table->columns[i].title);
        if (table->columns[i].unit.len) {
            RW_MARKUP(&html->out, " <small>");
            rw_markup_text(&html->out, table->columns[i].unit);
            RW_MARKUP(&html->out, "</small>");
        }
        RW_MARKUP(&html->out, "</th>");
    }
    RW_MARKUP(&html->out, "</tr></thead>\n<tbody role=\"rowgroup\">\n");
}

static void put_cell_class(struct rw_html *html, const struct rw_doc_column *column,
                           const struct rw_doc_cell *cell)
{
    RW_MARKUP(&html->out, "<td role=\"cell\" class=\"");
    if (is_right(column))
        RW_MARKUP(&html->out, "n");
    else
        RW_MARKUP(&html->out, "w");
    if (cell->blank || (!is_right(column) && !cell->text.len))
        RW_MARKUP(&html->out, " blank");
    else if (is_right(column) && !isfinite(cell->number) && !cell->text.len)
        RW_MARKUP(&html->out, " missing");
    RW_MARKUP(&html->out, "\" data-label=\"");
    put_column_title(html, column);
    RW_MARKUP(&html->out, "\">");
}

static void put_status(struct rw_html *html, const struct rw_doc_cell *cell)
{
    RW_MARKUP(&html->out, "<span class=\"status");
    switch (cell->tone) {
    case RW_DOC_GOOD:
        RW_MARKUP(&html->out, " good");
        break;
    case RW_DOC_WARNING:
        RW_MARKUP(&html->out, " warning");
        break;
    case RW_DOC_BAD:
        RW_MARKUP(&html->out, " bad");
        break;
    case RW_DOC_INFORMATION:
        RW_MARKUP(&html->out, " information");
        break;
    case RW_DOC_NEUTRAL:
        break;
    }
    RW_MARKUP(&html->out, "\">");
    if (cell->figure != RW_DOC_NO_FIGURE)
        rw_html_figure(html, cell->figure, cell->text);
    else
        rw_markup_text(&html->out, cell->text);
    RW_MARKUP(&html->out, "</span>");
}

/* Words, where those of a narrow column may be broken; a number with its unit is not. */
static void put_words(struct rw_html *html, struct rw_span text)
{
    size_t length;
    RW_MARKUP(&html->out, "<span>");
    while (text.len) {
        size_t from = rw_report_measure(text, &length);
        rw_markup_text(&html->out, rw_span(text.at, from));
        if (length) {
            RW_MARKUP(&html->out, "<span class=\"keep\">");
            rw_markup_text(&html->out, rw_span(text.at + from, length));
            RW_MARKUP(&html->out, "</span>");
        }
        text = rw_span_skip(text, from + length);
    }
    RW_MARKUP(&html->out, "</span>");
}

static void put_cell(struct rw_html *html, const struct rw_doc_column *column,
                     const struct rw_doc_cell *cell)
{
    put_cell_class(html, column, cell);
    if (column->kind == RW_DOC_STATUS && !cell->blank) {
        put_status(html, cell);
    } else {
        struct rw_text text = {0};
        rw_report_cell(&text, column, cell, html->doc->language);
        if (cell->figure != RW_DOC_NO_FIGURE)
            rw_html_figure(html, cell->figure, rw_text_span(&text));
        else
            put_words(html, rw_text_span(&text));
        if (text.err)
            html->out.text.err = text.err;
        rw_text_free(&text);
    }
    RW_MARKUP(&html->out, "</td>");
}

static void put_group(struct rw_html *html, const struct rw_doc_table *table,
                      const struct rw_doc_row *row)
{
    RW_MARKUP(&html->out,
              "<tr role=\"row\" class=\"group\"><th role=\"rowheader\" scope=\"colgroup\" "
              "colspan=\"");
    rw_markup_count(&html->out, table->column_count);
    RW_MARKUP(&html->out, "\">");
    rw_markup_text(&html->out, row->cells[0].text);
    RW_MARKUP(&html->out, "</th></tr>\n");
}

static void put_row(struct rw_html *html, const struct rw_doc_table *table,
                    const struct rw_doc_row *row)
{
    if (row->group) {
        put_group(html, table, row);
        return;
    }
    if (row->total)
        RW_MARKUP(&html->out, "<tr role=\"row\" class=\"total\">");
    else
        RW_MARKUP(&html->out, "<tr role=\"row\">");
    for (size_t i = 0; i < table->column_count; i++)
        put_cell(html, &table->columns[i], &row->cells[i]);
    RW_MARKUP(&html->out, "</tr>\n");
}

static void put_caption(struct rw_html *html, const struct rw_doc_table *table, unsigned number)
{
    RW_MARKUP(&html->out, "<caption><b>");
    rw_html_word(html, RW_SAY_TABLE_NUMBER);
    rw_markup_count(&html->out, number);
    RW_MARKUP(&html->out, "</b> ");
    rw_markup_text(&html->out, table->caption);
    if (table->currency.len) {
        RW_MARKUP(&html->out, " <small>");
        rw_markup_text(&html->out, table->currency);
        RW_MARKUP(&html->out, "</small>");
    }
    RW_MARKUP(&html->out, "</caption>\n");
}

void rw_html_table(struct rw_html *html, const struct rw_doc_table *table, unsigned number,
                   bool labelled)
{
    RW_MARKUP(&html->out, "<div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"");
    rw_markup_text(&html->out, table->caption);
    if (table->column_count >= COLUMNS_MANY)
        RW_MARKUP(&html->out, "\"><table role=\"table\" class=\"cards many\">\n");
    else if (table->column_count >= COLUMNS_AS_CARDS)
        RW_MARKUP(&html->out, "\"><table role=\"table\" class=\"cards\">\n");
    else
        RW_MARKUP(&html->out, "\"><table role=\"table\">\n");
    if (labelled)
        put_caption(html, table, number);
    put_head(html, table);
    for (const struct rw_doc_row *row = table->first; row; row = row->next)
        put_row(html, table, row);
    RW_MARKUP(&html->out, "</tbody></table></div>\n");
}
