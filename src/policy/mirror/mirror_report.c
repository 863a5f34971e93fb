/* The migration check for people. */
#include "base/clock.h"
#include "policy/mirror/mirror_private.h"
#include "report/html.h"
#include "report/markdown.h"

#include <math.h>

struct page {
    struct rw_doc doc;
    const struct rw_metrics *metrics;
    struct rw_samples *samples;
};

/* What a cell of the counts is, and what to do about it. */
static const struct {
    enum rw_mirror_result result;
    const char *name, *means;
} results[] = {
    {RW_MIRROR_SAME, "same", "The shadow answered as the client was answered."},
    {RW_MIRROR_DIFFERENT, "different", "It did not: see below where."},
    {RW_MIRROR_FAILED, "no answer", "The shadow could not be reached, broke off or was late."},
    {RW_MIRROR_UNCOMPARED, "not compared",
     "A body was too long or in a content coding, the client had no answer of an origin, or nothing "
     "is to be compared."},
    {RW_MIRROR_TOO_LARGE, "not sent: too large", "The request's body was over body_max."},
    {RW_MIRROR_DROPPED, "not sent: too many", "There were requests_max copies under way."},
};

static const struct {
    enum rw_mirror_result result;
    const char *name;
} places[] = {
    {RW_MIRROR_BY_STATUS, "status"},
    {RW_MIRROR_BY_FIELD, "header fields"},
    {RW_MIRROR_BY_BODY, "body"},
};

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* The upper end of the one-sided interval of 95% for a share (E. B. Wilson, Probable Inference, the
 * Law of Succession, and Statistical Inference, JASA 22, 1927). */
static double share_at_most(uint64_t hits, uint64_t total)
{
    const double z = 1.6448536, n = (double)total, p = (double)hits / n, square = z * z / n;
    return (p + square / 2 + z * sqrt(p * (1 - p) / n + square / (4 * n))) / (1 + square);
}

static struct rw_label say(const char *text)
{
    return (struct rw_label){text, text}; /* the admin API speaks English */
}

static struct rw_doc_argument number(struct page *page, uint64_t value)
{
    return RW_DOC_TEXT(rw_doc_format(&page->doc, "%llu", (unsigned long long)value));
}

static struct rw_doc_argument percent(struct page *page, double share)
{
    return RW_DOC_TEXT(rw_doc_format(&page->doc, "%.3g%%", 100 * share));
}

static void add_verdict(struct page *page, uint64_t different, uint64_t compared)
{
    static const struct rw_span title = RW_LITERAL("");
    if (!compared) {
        rw_doc_note(&page->doc, RW_DOC_INFORMATION, title,
                    say("**Nothing was compared yet**: the table says what became of the copies."),
                    NULL, 0);
        return;
    }
    const struct rw_doc_argument arguments[] = {number(page, different), number(page, compared),
                                                percent(page, (double)different / (double)compared),
                                                percent(page, share_at_most(different, compared))};
    rw_doc_note(&page->doc, different ? RW_DOC_WARNING : RW_DOC_GOOD, title,
                different ? say("**Answers differ:** {0} of {1} that were compared ({2}). With 95% "
                                "confidence at most {3} of all such answers would.")
                          : say("**No answer differs:** none of {1} that were compared. With 95% "
                                "confidence fewer than {3} of all such answers would."),
                arguments, COUNT(arguments));
}

static void add_count(struct page *page, struct rw_doc_table *table, const char *name,
                      const char *means, uint64_t count)
{
    struct rw_doc_cell *cells = rw_doc_row(&page->doc, table);
    rw_doc_words(&page->doc, &cells[0], rw_span_text(name));
    rw_doc_number(&cells[1], (double)count, RW_DOC_NO_FIGURE);
    if (means)
        rw_doc_words(&page->doc, &cells[2], rw_span_text(means));
}

static void add_counts(struct page *page, const struct rw_series_cell *sum)
{
    static const struct rw_span none = RW_LITERAL("");
    struct rw_doc *doc = &page->doc;
    struct rw_doc_table *table = rw_doc_table(doc, RW_LITERAL("What became of the copies"), none);
    rw_doc_column(doc, table, RW_DOC_WORDS, RW_LITERAL("Result"), none);
    rw_doc_column(doc, table, RW_DOC_NUMBER, RW_LITERAL("Requests"), none);
    rw_doc_column(doc, table, RW_DOC_WORDS, RW_LITERAL("What that means"), none);
    for (size_t i = 0; i < COUNT(results); i++)
        add_count(page, table, results[i].name, results[i].means, sum->buckets[results[i].result]);
}

static void add_places(struct page *page, const struct rw_series_cell *sum)
{
    static const struct rw_span none = RW_LITERAL("");
    struct rw_doc *doc = &page->doc;
    struct rw_doc_table *table =
        rw_doc_table(doc, RW_LITERAL("Where answers differ (one may in several places)"), none);
    rw_doc_column(doc, table, RW_DOC_WORDS, RW_LITERAL("Place"), none);
    rw_doc_column(doc, table, RW_DOC_NUMBER, RW_LITERAL("Answers"), none);
    for (size_t i = 0; i < COUNT(places); i++)
        add_count(page, table, places[i].name, NULL, sum->buckets[places[i].result]);
}

static void add_samples(struct page *page, struct rw_span route)
{
    static const struct rw_span none = RW_LITERAL("");
    struct rw_sample shown[RW_MIRROR_SAMPLES_SHOWN];
    struct rw_doc *doc = &page->doc;
    unsigned count = rw_samples_read(page->samples, route, shown, RW_MIRROR_SAMPLES_SHOWN);
    if (!count)
        return;
    struct rw_doc_table *table = rw_doc_table(doc, RW_LITERAL("The newest differences"), none);
    rw_doc_column(doc, table, RW_DOC_WORDS, RW_LITERAL("Time"), none);
    rw_doc_column(doc, table, RW_DOC_WORDS, RW_LITERAL("What differs"), none);
    for (unsigned i = 0; i < count; i++) {
        char when[24];
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        rw_clock_format_rfc3339(when, shown[i].wall_ns);
        rw_doc_words(doc, &cells[0], rw_span(when, sizeof(when)));
        rw_doc_words(doc, &cells[1], rw_span(shown[i].text, shown[i].text_len));
    }
}

static void add_mirror(struct page *page, const struct rw_mirror *mirror)
{
    struct rw_series_cell sum = {0};
    rw_metrics_series_total(page->metrics, mirror->result_series, &sum);
    uint64_t different = sum.buckets[RW_MIRROR_DIFFERENT];
    struct rw_span title =
        rw_doc_format(&page->doc, "Route %.*s against the upstream %.*s",
                      RW_SPAN_ARGS(mirror->route), RW_SPAN_ARGS(mirror->config->upstream));
    rw_doc_section(&page->doc, 1, say(title.at ? title.at : ""));
    add_verdict(page, different, different + sum.buckets[RW_MIRROR_SAME]);
    add_counts(page, &sum);
    if (different)
        add_places(page, &sum);
    add_samples(page, mirror->route);
}

static enum rw_err write_page(struct page *page, enum rw_mirrors_form form, struct rw_text *text)
{
    enum rw_err err = rw_doc_finish(&page->doc);
    if (err)
        return err;
    return form == RW_MIRRORS_HTML ? rw_report_html(&page->doc, text)
                                   : rw_report_markdown(&page->doc, text);
}

void rw_mirrors_report(const struct rw_snapshot *snapshot, const struct rw_metrics *metrics,
                       struct rw_samples *samples, enum rw_mirrors_form form, uint64_t wall_ns,
                       struct rw_text *text)
{
    struct page page = {.metrics = metrics, .samples = samples};
    const struct rw_mirror *mirror;
    char when[24];
    uint64_t at = 0;
    rw_doc_init(&page.doc, RW_LANGUAGE_EN);
    rw_clock_format_rfc3339(when, wall_ns);
    page.doc.title = RW_LITERAL("Migration check");
    page.doc.subtitle =
        rw_doc_format(&page.doc, "What shadows answered, and what clients got, until %.*s",
                      (int)sizeof(when), when);
    while ((mirror = rw_mirror_next(snapshot, &at)))
        add_mirror(&page, mirror);
    if (!page.doc.sections[0])
        rw_doc_paragraph(&page.doc, say("No route has the policy mirror."), NULL, 0);
    enum rw_err err = write_page(&page, form, text);
    if (err)
        text->err = err;
    rw_doc_free(&page.doc);
}
