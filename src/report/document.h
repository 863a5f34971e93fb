/* A proposal as a document: what is said, before anything decides how it looks.
 *
 * Chapters build it in one language, from front to back, on one thread; then the renderers (html.h,
 * markdown.h, json.h) read it, any number of times. Everything in it lives in one arena. Texts are
 * copied in; any of them may come from a hostile intake, for no renderer trusts a byte of it.
 *
 * Figures come first: each number that the reader may open is registered once (rw_doc_figure) with
 * its value, formula, inputs and source, and is referred to by its number from then on.
 *
 * An error (out of memory, over a limit) is remembered in `err`; after it calls do nothing and give
 * back harmless things. Whoever builds checks once, at the end.
 */
#ifndef RW_REPORT_DOCUMENT_H
#define RW_REPORT_DOCUMENT_H

#include "base/arena.h"
#include "base/err.h"
#include "report/texts.h"

#include <math.h>
#include <stdarg.h>

/* Of the whole document: past it building ends with RW_ELIMIT. */
#define RW_DOC_BYTES_MAX (64u << 20)
#define RW_DOC_COLUMNS_MAX 12
#define RW_DOC_SERIES_MAX 8
#define RW_DOC_BOXES_MAX 96 /* of one diagram; past it: RW_ELIMIT */
#define RW_DOC_ZONES_MAX 48
#define RW_DOC_ZONE_DEPTH_MAX 6

/* ---- Figures ---- */

enum rw_doc_origin {
    RW_DOC_GIVEN,
    RW_DOC_ASSUMED,
    RW_DOC_MEASURED,
    RW_DOC_DATA,
    RW_DOC_COMPUTED,
    RW_DOC_ABSENT, /* nobody gave it */
};

struct rw_doc_figure {
    struct rw_span id;    /* of the cell in the sheet: "money.total.tier1" */
    struct rw_span label; /* what it is, in the language of the document */
    struct rw_span value; /* with its unit, as it is shown */
    struct rw_span unit;
    double number; /* NaN: missing */
    enum rw_doc_origin origin;
    struct rw_span formula; /* empty unless computed */
    struct rw_span source;  /* where it was read, or why it was assumed */
    const unsigned *inputs; /* other figures */
    size_t input_count;
};

/* No figure: the number zero is never given out. */
#define RW_DOC_NO_FIGURE 0u

/* ---- Running text ---- */

enum rw_doc_run_kind { RW_DOC_PLAIN, RW_DOC_STRONG, RW_DOC_REFERENCE };

struct rw_doc_run {
    struct rw_doc_run *next;
    enum rw_doc_run_kind kind;
    struct rw_span text;
    unsigned figure; /* of a reference */
};

struct rw_doc_prose {
    struct rw_doc_run *first, *last;
};

/* What is filled in for {0}, {1}...: a figure, or a text. */
struct rw_doc_argument {
    struct rw_span text;
    unsigned figure;
};

#define RW_DOC_TEXT(span) ((struct rw_doc_argument){.text = (span)})
#define RW_DOC_FIGURE(number) ((struct rw_doc_argument){.figure = (number)})

/* ---- Tables ---- */

enum rw_doc_column_kind {
    RW_DOC_WORDS,  /* left aligned */
    RW_DOC_MONEY,  /* an integral number of cents, right aligned, shown to the cent */
    RW_DOC_NUMBER, /* right aligned, `decimals` */
    RW_DOC_SHARE,  /* a fraction of one, shown as per cent with `decimals` */
    RW_DOC_STATUS, /* words with a tone: see rw_doc_cell.tone */
};

enum rw_doc_tone { RW_DOC_NEUTRAL, RW_DOC_GOOD, RW_DOC_WARNING, RW_DOC_BAD, RW_DOC_INFORMATION };

struct rw_doc_column {
    struct rw_span title;
    struct rw_span unit; /* stands in the head, in brackets */
    enum rw_doc_column_kind kind;
    unsigned char decimals;
    bool sum; /* the total row adds it up */
};

struct rw_doc_cell {
    struct rw_span text; /* of a column of words */
    double number;       /* of the other columns; NaN: missing, and shown so */
    unsigned figure;     /* opens it */
    enum rw_doc_tone tone;
    bool blank; /* nothing belongs here: not missing, not added */
};

struct rw_doc_row {
    struct rw_doc_row *next;
    struct rw_doc_cell *cells; /* one for each column */
    bool total, group;         /* group: its first cell is a heading for the rows after it */
};

struct rw_doc_table {
    struct rw_span caption;
    struct rw_span currency; /* "USD": of its money columns */
    struct rw_doc_column columns[RW_DOC_COLUMNS_MAX];
    size_t column_count, row_count;
    struct rw_doc_row *first, *last;
};

/* ---- Charts ---- */

enum rw_doc_chart_kind {
    RW_DOC_BARS,    /* a bar for each series beside each other, in each group */
    RW_DOC_STACKED, /* series on top of each other, in each group */
    RW_DOC_LINES,   /* series over the groups, in their order */
    RW_DOC_TORNADO, /* a point has `low` and `high`, around `base` */
    RW_DOC_RANGE,   /* a histogram: points are classes of equal width, marks are quantiles */
    RW_DOC_GANTT,   /* a point is a phase: `low` to `high` in days from the beginning */
};

struct rw_doc_point {
    struct rw_doc_point *next;
    struct rw_span label;
    double values[RW_DOC_SERIES_MAX];
    double low, high;
    struct rw_span note; /* beside a bar of a tornado or a gantt */
    bool strong;         /* on the critical path */
};

/* A line across the chart with a label: a goal, a budget, a quantile, the customer's date. */
struct rw_doc_mark {
    struct rw_doc_mark *next;
    struct rw_span label;
    double at;
    enum rw_doc_tone tone;
};

struct rw_doc_chart {
    enum rw_doc_chart_kind kind;
    struct rw_span caption;
    struct rw_span summary; /* what the chart shows, in words: for those who cannot see it */
    struct rw_span unit;    /* of the value axis */
    bool money;             /* values are cents in `unit` */
    struct rw_span series[RW_DOC_SERIES_MAX];
    size_t series_count, point_count;
    struct rw_span band;       /* of lines: what happened between two points; empty: nothing */
    double band_from, band_to; /* places of points, from 0; 2.5: between the third and the fourth */
    double base;               /* of a tornado */
    double day_zero;           /* of a gantt: days since 1970-01-01 of its beginning */
    struct rw_doc_point *first, *last;
    struct rw_doc_mark *marks, *last_mark;
    struct rw_doc_table *data; /* its figures, by rw_doc_finish */
};

/* ---- The architecture diagram: zones inside each other, boxes in zones, links between boxes ----
 */

enum rw_doc_zone_kind { RW_DOC_PROVIDER, RW_DOC_REGION, RW_DOC_FAILURE_DOMAIN, RW_DOC_OUTSIDE };
enum rw_doc_change { RW_DOC_KEPT, RW_DOC_ADDED, RW_DOC_RETIRED };

struct rw_doc_zone {
    struct rw_doc_zone *next;
    struct rw_doc_zone *parent; /* NULL: the outermost */
    struct rw_span label;
    struct rw_span
        residency; /* "CN": data of this jurisdiction stays inside; empty: no such rule */
    enum rw_doc_zone_kind kind;
    unsigned index;
};

struct rw_doc_box {
    struct rw_doc_box *next;
    struct rw_doc_zone *zone;
    struct rw_span label, detail;
    enum rw_doc_change change;
    unsigned index;
};

struct rw_doc_link {
    struct rw_doc_link *next;
    const struct rw_doc_box *from, *to;
    struct rw_span label;
    bool dashed; /* replication, a standby */
    bool beside; /* does not put `to` into a later column: a replica */
};

struct rw_doc_diagram {
    struct rw_span caption, summary;
    struct rw_doc_zone *zones, *last_zone;
    struct rw_doc_box *boxes, *last_box;
    struct rw_doc_link *links, *last_link;
    unsigned zone_count, box_count, link_count;
};

/* ---- Blocks, in the order of the document ---- */

enum rw_doc_block_kind {
    RW_DOC_SECTION,
    RW_DOC_PARAGRAPH,
    RW_DOC_NOTE,   /* a paragraph in a frame, with a tone and perhaps a title */
    RW_DOC_ITEM,   /* of a list; neighbours belong together */
    RW_DOC_METRIC, /* a figure writ large; neighbours stand beside each other */
    RW_DOC_TABLE,
    RW_DOC_CHART,
    RW_DOC_DIAGRAM,
    RW_DOC_ALL_FIGURES, /* here stands the table of all cells */
};

struct rw_doc_block {
    struct rw_doc_block *next;
    enum rw_doc_block_kind kind;
    unsigned level;  /* of a section: 1 or 2 */
    unsigned number; /* of a section: counts those of its level; of a chart, table, diagram too */
    enum rw_doc_tone tone;
    struct rw_span title; /* of a section, note, metric */
    unsigned figure;      /* of a metric */
    struct rw_doc_prose prose;
    struct rw_doc_table *table;
    struct rw_doc_chart *chart;
    struct rw_doc_diagram *diagram;
};

/* What calls give back after an error. */
struct rw_doc_scratch {
    struct rw_doc_table table;
    struct rw_doc_cell cells[RW_DOC_COLUMNS_MAX];
    struct rw_doc_chart chart;
    struct rw_doc_point point;
    struct rw_doc_diagram diagram;
    struct rw_doc_zone zone;
    struct rw_doc_box box;
    struct rw_doc_link link;
    struct rw_doc_block block;
};

struct rw_doc {
    struct rw_arena arena;
    enum rw_err err;
    enum rw_language language;
    struct rw_span title, subtitle, customer, date;
    struct rw_doc_block *first, *last;
    struct rw_doc_figure *figures; /* [0] is nobody's */
    size_t figure_count, figure_room;
    unsigned sections[2], tables, charts;
    struct rw_doc_scratch scratch;
};

void rw_doc_init(struct rw_doc *doc, enum rw_language language);
void rw_doc_free(struct rw_doc *doc);

struct rw_span rw_doc_copy(struct rw_doc *doc, struct rw_span text);
struct rw_span rw_doc_format(struct rw_doc *doc, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* In the document's language. */
static inline struct rw_span rw_doc_say(const struct rw_doc *doc, struct rw_label label)
{
    return rw_span_text(rw_label_in(label, doc->language));
}

/* Copies `figure` with its texts and inputs; gives its number. Inputs are registered before. */
unsigned rw_doc_figure(struct rw_doc *doc, const struct rw_doc_figure *figure);

/* A section of level 1 or 2 begins. */
void rw_doc_section(struct rw_doc *doc, unsigned level, struct rw_label title);

/* `text` with its arguments filled in, as a paragraph, an item, a note. `**` turns strong on and
 * off in `text`; arguments are taken as they are. */
void rw_doc_paragraph(struct rw_doc *doc, struct rw_label text,
                      const struct rw_doc_argument *arguments, size_t count);
void rw_doc_item(struct rw_doc *doc, struct rw_label text, const struct rw_doc_argument *arguments,
                 size_t count);
void rw_doc_note(struct rw_doc *doc, enum rw_doc_tone tone, struct rw_span title,
                 struct rw_label text, const struct rw_doc_argument *arguments, size_t count);

/* A large figure with what it is; `text` explains in a line, and may be empty. */
void rw_doc_metric(struct rw_doc *doc, enum rw_doc_tone tone, struct rw_span title, unsigned figure,
                   struct rw_span text);
/* Here stands the table of all figures. */
void rw_doc_all_figures(struct rw_doc *doc);

/* Never NULL: after an error they give a scratch object that nobody will show. */
struct rw_doc_table *rw_doc_table(struct rw_doc *doc, struct rw_span caption,
                                  struct rw_span currency);
/* The same, standing nowhere yet. */
struct rw_doc_table *rw_doc_loose_table(struct rw_doc *doc, struct rw_span caption,
                                        struct rw_span currency);
struct rw_doc_column *rw_doc_column(struct rw_doc *doc, struct rw_doc_table *table,
                                    enum rw_doc_column_kind kind, struct rw_span title,
                                    struct rw_span unit);
/* A row with blank cells, to be filled: cells[0] to cells[column_count - 1]. */
struct rw_doc_cell *rw_doc_row(struct rw_doc *doc, struct rw_doc_table *table);
/* A heading for the rows after it. */
void rw_doc_group(struct rw_doc *doc, struct rw_doc_table *table, struct rw_span title);
/* Adds up the columns with `sum`: of all rows so far that are no totals. A missing number makes the
 * total missing. Gives the cells, so that figures can be put to them. */
struct rw_doc_cell *rw_doc_total(struct rw_doc *doc, struct rw_doc_table *table);

void rw_doc_words(struct rw_doc *doc, struct rw_doc_cell *cell, struct rw_span text);
void rw_doc_number(struct rw_doc_cell *cell, double number, unsigned figure);

struct rw_doc_chart *rw_doc_chart(struct rw_doc *doc, enum rw_doc_chart_kind kind,
                                  struct rw_span caption, struct rw_span unit);
void rw_doc_series(struct rw_doc *doc, struct rw_doc_chart *chart, struct rw_span name);
struct rw_doc_point *rw_doc_point(struct rw_doc *doc, struct rw_doc_chart *chart,
                                  struct rw_span label);
void rw_doc_mark(struct rw_doc *doc, struct rw_doc_chart *chart, struct rw_span label, double at,
                 enum rw_doc_tone tone);

/* Something lasted from the one place to the other: shown behind the lines. */
void rw_doc_band(struct rw_doc *doc, struct rw_doc_chart *chart, struct rw_span label, double from,
                 double to);

struct rw_doc_diagram *rw_doc_diagram(struct rw_doc *doc, struct rw_span caption);
struct rw_doc_zone *rw_doc_zone(struct rw_doc *doc, struct rw_doc_diagram *diagram,
                                struct rw_doc_zone *parent, enum rw_doc_zone_kind kind,
                                struct rw_span label);
struct rw_doc_box *rw_doc_box(struct rw_doc *doc, struct rw_doc_diagram *diagram,
                              struct rw_doc_zone *zone, struct rw_span label,
                              struct rw_span detail);
struct rw_doc_link *rw_doc_link(struct rw_doc *doc, struct rw_doc_diagram *diagram,
                                const struct rw_doc_box *from, const struct rw_doc_box *to,
                                struct rw_span label);

/* The last call: gives each chart its figures as a table, and says whether all went well. */
RW_MUST_CHECK enum rw_err rw_doc_finish(struct rw_doc *doc);

static inline struct rw_span rw_doc_word(const struct rw_doc *doc, enum rw_report_word word)
{
    return rw_report_word(word, doc->language);
}

#endif
