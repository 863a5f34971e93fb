/* Markup (HTML and SVG) that no text can break out of.
 *
 * There are two ways in, and no third. What we write ourselves goes in by RW_MARKUP, which takes
 * string literals only: anything else does not compile. Everything else, whoever wrote it, goes in
 * by rw_markup_text, which is safe inside an element and inside a quoted attribute: the five
 * significant characters become references; bytes that are no UTF-8, control characters and the
 * invisible ones that reorder text become U+FFFD. Nothing is ever put into a URL, a script or a
 * style: a page has no script, and its policy (html.h) would not run one.
 */
#ifndef RW_REPORT_MARKUP_H
#define RW_REPORT_MARKUP_H

#include "base/text.h"

/* Its own type, so that no call that adds bytes as they are can be made by mistake. */
struct rw_markup {
    struct rw_text text;
    bool binds; /* a blank between a number and its unit becomes one that no line is broken at */
};

#define RW_MARKUP(markup, literal) rw_text_add(&(markup)->text, RW_LITERAL("" literal ""))

void rw_markup_text(struct rw_markup *markup, struct rw_span text);

/* A whole number, for ids and counts. */
void rw_markup_count(struct rw_markup *markup, size_t count);

/* A coordinate with at most two decimals; it is finite. */
void rw_markup_coordinate(struct rw_markup *markup, double value);

/* ` NAME="VALUE"` with a coordinate; the name is a literal. */
#define RW_MARKUP_AT(markup, name, value)                                                          \
    do {                                                                                           \
        RW_MARKUP(markup, " " name "=\"");                                                         \
        rw_markup_coordinate(markup, value);                                                       \
        RW_MARKUP(markup, "\"");                                                                   \
    } while (0)

/* The next character of `rest`, which advances, as it may be shown: itself, a space for a line
 * break or a tab, U+FFFD for what is malformed or works unseen. False at the end. */
bool rw_visible_next(struct rw_span *rest, struct rw_span *character);

/* About how wide a text is, in hundredths of its font size: for a usual sans-serif face, Chinese
 * characters being square. */
unsigned rw_text_width(struct rw_span text);

/* How many bytes of `text` fit into `width`, whole characters; at a blank if there is one late
 * enough. */
size_t rw_text_fit(struct rw_span text, unsigned width);

#endif
