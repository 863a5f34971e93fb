/* The figures: a card for each, and the table of all in the appendix. */
#include "report/html_private.h"

static const enum rw_report_word origin_words[] = {
    [RW_DOC_GIVEN] = RW_SAY_GIVEN,       [RW_DOC_ASSUMED] = RW_SAY_ASSUMED,
    [RW_DOC_MEASURED] = RW_SAY_MEASURED, [RW_DOC_DATA] = RW_SAY_DATA,
    [RW_DOC_COMPUTED] = RW_SAY_COMPUTED, [RW_DOC_ABSENT] = RW_SAY_MISSING_VALUE,
};

static void put_origin(struct rw_html *html, enum rw_doc_origin origin)
{
    switch (origin) {
    case RW_DOC_GIVEN:
        RW_MARKUP(&html->out, "<span class=\"origin given\">");
        break;
    case RW_DOC_ASSUMED:
        RW_MARKUP(&html->out, "<span class=\"origin assumed\">");
        break;
    case RW_DOC_MEASURED:
        RW_MARKUP(&html->out, "<span class=\"origin measured\">");
        break;
    case RW_DOC_DATA:
        RW_MARKUP(&html->out, "<span class=\"origin data\">");
        break;
    case RW_DOC_COMPUTED:
        RW_MARKUP(&html->out, "<span class=\"origin computed\">");
        break;
    case RW_DOC_ABSENT:
        RW_MARKUP(&html->out, "<span class=\"origin\">");
        break;
    }
    rw_html_word(html, origin_words[origin]);
    RW_MARKUP(&html->out, "</span>");
}

/* ---- Cards ---- */

static void put_entry(struct rw_html *html, enum rw_report_word word, struct rw_span text)
{
    if (text.len == 0)
        return;
    RW_MARKUP(&html->out, "<dt>");
    rw_html_word(html, word);
    RW_MARKUP(&html->out, "</dt><dd>");
    rw_markup_text(&html->out, text);
    RW_MARKUP(&html->out, "</dd>");
}

static void put_inputs(struct rw_html *html, const struct rw_doc_figure *figure)
{
    if (figure->input_count == 0)
        return;
    RW_MARKUP(&html->out, "<dt>");
    rw_html_word(html, RW_SAY_INPUTS);
    RW_MARKUP(&html->out, "</dt><dd><ul>");
    for (size_t i = 0; i < figure->input_count; i++) {
        const struct rw_doc_figure *input = &html->doc->figures[figure->inputs[i]];
        RW_MARKUP(&html->out, "<li>");
        rw_markup_text(&html->out, input->label);
        RW_MARKUP(&html->out, " ");
        rw_html_figure(html, figure->inputs[i], (struct rw_span){"", 0});
        RW_MARKUP(&html->out, " ");
        put_origin(html, input->origin);
        RW_MARKUP(&html->out, "</li>");
    }
    RW_MARKUP(&html->out, "</ul></dd>");
}

static void put_card(struct rw_html *html, unsigned number)
{
    const struct rw_doc_figure *figure = &html->doc->figures[number];
    struct rw_markup *out = &html->out;
    RW_MARKUP(out, "<div popover id=\"f");
    rw_markup_count(out, number);
    RW_MARKUP(out, "\" class=\"card\" role=\"dialog\" aria-labelledby=\"t");
    rw_markup_count(out, number);
    RW_MARKUP(out, "\"><p class=\"label\" id=\"t");
    rw_markup_count(out, number);
    RW_MARKUP(out, "\">");
    rw_markup_text(out, figure->label);
    RW_MARKUP(out, "</p><p class=\"large\">");
    rw_markup_text(out, figure->value);
    RW_MARKUP(out, " ");
    put_origin(html, figure->origin);
    RW_MARKUP(out, "</p><dl>");
    put_entry(html, RW_SAY_FORMULA, figure->formula);
    put_inputs(html, figure);
    put_entry(html, figure->origin == RW_DOC_ASSUMED ? RW_SAY_REASON : RW_SAY_SOURCE,
              figure->source);
    RW_MARKUP(out, "<dt>");
    rw_html_word(html, RW_SAY_CELL);
    RW_MARKUP(out, "</dt><dd><code>");
    rw_markup_text(out, figure->id);
    RW_MARKUP(out, "</code></dd></dl><button type=\"button\" class=\"close\" popovertarget=\"f");
    rw_markup_count(out, number);
    RW_MARKUP(out, "\" popovertargetaction=\"hide\">");
    rw_html_word(html, RW_SAY_CLOSE);
    RW_MARKUP(out, "</button></div>\n");
}

void rw_html_cards(struct rw_html *html)
{
    for (unsigned i = 1; i < html->doc->figure_count; i++)
        put_card(html, i);
}

/* ---- The appendix ---- */

/* The first word of an id: its chapter. */
static struct rw_span chapter_of(const struct rw_doc_figure *figure)
{
    ptrdiff_t dot = rw_span_find(figure->id, '.');
    return rw_span(figure->id.at, dot < 0 ? figure->id.len : (size_t)dot);
}

static void put_row(struct rw_html *html, unsigned number)
{
    const struct rw_doc_figure *figure = &html->doc->figures[number];
    struct rw_markup *out = &html->out;
    RW_MARKUP(out, "<tr><td>");
    rw_markup_text(out, figure->label);
    RW_MARKUP(out, "<br><code>");
    rw_markup_text(out, figure->id);
    RW_MARKUP(out, "</code></td><td class=\"n\">");
    rw_html_figure(html, number, (struct rw_span){"", 0});
    RW_MARKUP(out, "</td><td>");
    put_origin(html, figure->origin);
    RW_MARKUP(out, "</td><td class=\"how\">");
    rw_markup_text(out, figure->formula.len ? figure->formula : figure->source);
    RW_MARKUP(out, "</td></tr>\n");
}

void rw_html_all_figures(struct rw_html *html)
{
    struct rw_markup *out = &html->out;
    const enum rw_report_word heads[] = {RW_SAY_CELL, RW_SAY_VALUE, RW_SAY_ORIGIN, RW_SAY_HOW};
    RW_MARKUP(out, "<div class=\"table\"><table class=\"all\">\n<thead><tr>");
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        RW_MARKUP(out, "<th scope=\"col\">");
        rw_html_word(html, heads[i]);
        RW_MARKUP(out, "</th>");
    }
    RW_MARKUP(out, "</tr></thead>\n<tbody>\n");
    struct rw_span chapter = {"", 0};
    for (unsigned i = 1; i < html->doc->figure_count; i++) {
        struct rw_span here = chapter_of(&html->doc->figures[i]);
        if (!rw_span_eq(here, chapter)) {
            RW_MARKUP(out, "<tr class=\"group\"><th scope=\"colgroup\" colspan=\"4\">");
            rw_markup_text(out, here);
            RW_MARKUP(out, "</th></tr>\n");
        }
        chapter = here;
        put_row(html, i);
    }
    RW_MARKUP(out, "</tbody></table></div>\n");
}
