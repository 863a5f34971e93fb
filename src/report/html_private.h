/* The parts of a page, each in its file: the style, the tables, the cards of the figures. */
#ifndef RW_REPORT_HTML_PRIVATE_H
#define RW_REPORT_HTML_PRIVATE_H

#include "report/html.h"

struct rw_html {
    struct rw_markup out;
    const struct rw_doc *doc;
};

extern const char rw_report_style[];

/* A figure's value (or, if it is not empty, `shown`) as a button that opens its card. */
void rw_html_figure(struct rw_html *html, unsigned figure, struct rw_span shown);

/* `labelled`: with the caption and its number. */
void rw_html_table(struct rw_html *html, const struct rw_doc_table *table, unsigned number,
                   bool labelled);

/* The table of all figures, and the cards, one for each. */
void rw_html_all_figures(struct rw_html *html);
void rw_html_cards(struct rw_html *html);

static inline void rw_html_word(struct rw_html *html, enum rw_report_word word)
{
    rw_markup_text(&html->out, rw_doc_word(html->doc, word));
}

#endif
