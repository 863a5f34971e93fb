#include "report/html_private.h"

#include "report/chart.h"
#include "report/diagram.h"

#include <openssl/evp.h>

/* ---- Head ---- */

static void put_style_hash(struct rw_html *html)
{
    unsigned char digest[EVP_MAX_MD_SIZE], text[EVP_MAX_MD_SIZE * 2];
    unsigned length = 0;
    struct rw_span style = rw_span_text(rw_report_style);
    if (!EVP_Digest(style.at, style.len, digest, &length, EVP_sha256(), NULL)) {
        html->out.text.err = RW_ENOMEM;
        return;
    }
    int letters = EVP_EncodeBlock(text, digest, (int)length);
    RW_MARKUP(&html->out, "'sha256-");
    rw_markup_text(&html->out, rw_span((const char *)text, (size_t)letters));
    RW_MARKUP(&html->out, "'");
}

static void put_head(struct rw_html *html)
{
    struct rw_markup *out = &html->out;
    RW_MARKUP(out, "<!DOCTYPE html>\n<html lang=\"");
    rw_html_word(html, RW_SAY_LANGUAGE_TAG);
    RW_MARKUP(out, "\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "base-uri 'none'; form-action 'none'; style-src ");
    put_style_hash(html);
    RW_MARKUP(out, "\">\n<meta name=\"viewport\" content=\"width=device-width, "
                   "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
                   "<title>");
    rw_markup_text(out, html->doc->title);
    RW_MARKUP(out, "</title>\n<style>");
    rw_text_adds(&out->text, rw_report_style);
    RW_MARKUP(out, "</style>\n</head>\n");
}

static void put_cover(struct rw_html *html)
{
    struct rw_markup *out = &html->out;
    RW_MARKUP(out, "<header class=\"cover\">\n<p class=\"customer\">");
    rw_markup_text(out, html->doc->customer);
    RW_MARKUP(out, "</p>\n<h1>");
    rw_markup_text(out, html->doc->title);
    RW_MARKUP(out, "</h1>\n<p class=\"subtitle\">");
    rw_markup_text(out, html->doc->subtitle);
    if (html->doc->date.len) {
        RW_MARKUP(out, "</p>\n<p class=\"date\">");
        rw_html_word(html, RW_SAY_PLAN_DATE);
        rw_html_word(html, RW_SAY_COLON);
        rw_markup_text(out, html->doc->date);
    }
    RW_MARKUP(out, "</p>\n<p class=\"hint\">");
    rw_html_word(html, RW_SAY_OPENS);
    RW_MARKUP(out, "</p>\n</header>\n");
}

/* ---- Sections ---- */

/* "3" or "3.2"; the number of the section of level 1 goes along. */
static void put_number(struct rw_html *html, const struct rw_doc_block *section, unsigned outer,
                       bool id)
{
    rw_markup_count(&html->out, outer);
    if (section->level == 1)
        return;
    if (id)
        RW_MARKUP(&html->out, "-");
    else
        RW_MARKUP(&html->out, ".");
    rw_markup_count(&html->out, section->number);
}

static void put_contents(struct rw_html *html)
{
    struct rw_markup *out = &html->out;
    RW_MARKUP(out, "<nav aria-labelledby=\"contents\">\n<h2 id=\"contents\">");
    rw_html_word(html, RW_SAY_CONTENTS);
    RW_MARKUP(out, "</h2>\n<ol>\n");
    for (const struct rw_doc_block *block = html->doc->first; block; block = block->next) {
        if (block->kind != RW_DOC_SECTION || block->level != 1)
            continue;
        RW_MARKUP(out, "<li><a href=\"#s");
        rw_markup_count(out, block->number);
        RW_MARKUP(out, "\"><span>");
        rw_markup_count(out, block->number);
        RW_MARKUP(out, "</span> ");
        rw_markup_text(out, block->title);
        RW_MARKUP(out, "</a></li>\n");
    }
    RW_MARKUP(out, "</ol>\n</nav>\n");
}

static void put_section(struct rw_html *html, const struct rw_doc_block *block, unsigned outer)
{
    struct rw_markup *out = &html->out;
    if (block->level == 1 && block->number > 1)
        RW_MARKUP(out, "</section>\n");
    if (block->level == 1)
        RW_MARKUP(out, "<section>\n<h2 id=\"s");
    else
        RW_MARKUP(out, "<h3 id=\"s");
    put_number(html, block, outer, true);
    RW_MARKUP(out, "\"><span class=\"number\">");
    put_number(html, block, outer, false);
    RW_MARKUP(out, "</span> ");
    rw_markup_text(out, block->title);
    if (block->level == 1)
        RW_MARKUP(out, "</h2>\n");
    else
        RW_MARKUP(out, "</h3>\n");
}

/* ---- Text ---- */

void rw_html_figure(struct rw_html *html, unsigned figure, struct rw_span shown)
{
    struct rw_markup *out = &html->out;
    const struct rw_doc_figure *at = &html->doc->figures[figure];
    RW_MARKUP(out, "<button type=\"button\" class=\"fig");
    if (at->origin == RW_DOC_ASSUMED)
        RW_MARKUP(out, " assumed");
    RW_MARKUP(out, "\" popovertarget=\"f");
    rw_markup_count(out, figure);
    RW_MARKUP(out, "\">");
    rw_markup_text(out, shown.len ? shown : at->value);
    RW_MARKUP(out, "</button>");
}

/* How many bytes of the text are a full stop, a comma or the like at its beginning. */
static size_t mark_length(const struct rw_doc_run *run)
{
    static const char *const marks[] = {"。", "，", "；", "、", "：", "）",
                                        ".",  ",",  ";",  ":",  ")"};
    for (size_t i = 0; run && run->kind == RW_DOC_PLAIN && i < sizeof(marks) / sizeof(marks[0]);
         i++) {
        if (rw_span_starts(run->text, rw_span_text(marks[i])))
            return strlen(marks[i]);
    }
    return 0;
}

/* A figure, and on the same line the mark that follows it: a browser may part a button from it.
 * Gives how much of the next run was taken. */
static size_t put_reference(struct rw_html *html, const struct rw_doc_run *run)
{
    size_t taken = mark_length(run->next);
    if (taken)
        RW_MARKUP(&html->out, "<span class=\"keep\">");
    rw_html_figure(html, run->figure, (struct rw_span){"", 0});
    if (taken) {
        rw_markup_text(&html->out, rw_span(run->next->text.at, taken));
        RW_MARKUP(&html->out, "</span>");
    }
    return taken;
}

static void put_prose(struct rw_html *html, const struct rw_doc_prose *prose)
{
    size_t taken = 0;
    for (const struct rw_doc_run *run = prose->first; run; run = run->next) {
        if (run->kind == RW_DOC_REFERENCE) {
            taken = put_reference(html, run);
            continue;
        }
        if (run->kind == RW_DOC_STRONG)
            RW_MARKUP(&html->out, "<strong>");
        rw_markup_text(&html->out, rw_span_skip(run->text, taken));
        taken = 0;
        if (run->kind == RW_DOC_STRONG)
            RW_MARKUP(&html->out, "</strong>");
    }
}

/* The class of a tone, and a sign that says the same without colour. */
static void put_tone(struct rw_html *html, enum rw_doc_tone tone)
{
    switch (tone) {
    case RW_DOC_NEUTRAL:
        return;
    case RW_DOC_GOOD:
        RW_MARKUP(&html->out, " good");
        return;
    case RW_DOC_WARNING:
        RW_MARKUP(&html->out, " warning");
        return;
    case RW_DOC_BAD:
        RW_MARKUP(&html->out, " bad");
        return;
    case RW_DOC_INFORMATION:
        RW_MARKUP(&html->out, " information");
        return;
    }
}

static void put_note(struct rw_html *html, const struct rw_doc_block *block)
{
    RW_MARKUP(&html->out, "<div class=\"note");
    put_tone(html, block->tone);
    RW_MARKUP(&html->out, "\">");
    if (block->title.len) {
        RW_MARKUP(&html->out, "<p class=\"title\">");
        rw_markup_text(&html->out, block->title);
        RW_MARKUP(&html->out, "</p>");
    }
    if (block->prose.first) {
        RW_MARKUP(&html->out, "<p>");
        put_prose(html, &block->prose);
        RW_MARKUP(&html->out, "</p>");
    }
    RW_MARKUP(&html->out, "</div>\n");
}

static void put_metric(struct rw_html *html, const struct rw_doc_block *block)
{
    enum { NARROW_MAX = 700 }; /* what fits where two stand side by side on a telephone */
    bool wide = rw_text_width(html->doc->figures[block->figure].value) > NARROW_MAX;
    RW_MARKUP(&html->out, "<div class=\"metric");
    if (wide)
        RW_MARKUP(&html->out, " wide");
    put_tone(html, block->tone);
    RW_MARKUP(&html->out, "\"><p class=\"what\">");
    rw_markup_text(&html->out, block->title);
    RW_MARKUP(&html->out, "</p><p class=\"large\">");
    rw_html_figure(html, block->figure, (struct rw_span){"", 0});
    RW_MARKUP(&html->out, "</p><p class=\"why\">");
    put_prose(html, &block->prose);
    RW_MARKUP(&html->out, "</p></div>\n");
}

/* ---- Pictures ---- */

static void put_caption(struct rw_html *html, unsigned number, struct rw_span caption)
{
    RW_MARKUP(&html->out, "<figcaption><b>");
    rw_html_word(html, RW_SAY_CHART_NUMBER);
    rw_markup_count(&html->out, number);
    RW_MARKUP(&html->out, "</b> ");
    rw_markup_text(&html->out, caption);
    RW_MARKUP(&html->out, "</figcaption>\n");
}

static void put_chart(struct rw_html *html, const struct rw_doc_block *block)
{
    struct rw_markup *out = &html->out;
    enum rw_language language = html->doc->language;
    RW_MARKUP(out, "<figure class=\"chart\">\n");
    put_caption(html, block->number, block->chart->caption);
    rw_chart_draw(out, block->chart, language, RW_CHART_WIDE);
    RW_MARKUP(out, "\n");
    rw_chart_draw(out, block->chart, language, RW_CHART_NARROW);
    RW_MARKUP(out, "\n<details><summary>");
    rw_html_word(html, RW_SAY_DATA_TABLE);
    RW_MARKUP(out, "</summary>\n");
    rw_html_table(html, block->chart->data, 0, false);
    RW_MARKUP(out, "</details>\n</figure>\n");
}

static void put_legend_entry(struct rw_html *html, bool there, const char *class,
                             enum rw_report_word word)
{
    struct rw_markup *out = &html->out;
    if (!there)
        return;
    RW_MARKUP(out, "<span class=\"");
    rw_markup_text(out, rw_span_text(class));
    RW_MARKUP(out, "\">");
    rw_html_word(html, word);
    RW_MARKUP(out, "</span>");
}

/* What the drawing has, and nothing else. */
static void put_diagram_legend(struct rw_html *html, const struct rw_doc_diagram *diagram)
{
    bool added = false, retired = false, domain = false, resident = false;
    for (const struct rw_doc_box *box = diagram->boxes; box; box = box->next) {
        added |= box->change == RW_DOC_ADDED;
        retired |= box->change == RW_DOC_RETIRED;
    }
    for (const struct rw_doc_zone *zone = diagram->zones; zone; zone = zone->next) {
        domain |= zone->kind == RW_DOC_FAILURE_DOMAIN;
        resident |= zone->residency.len > 0;
    }
    if (!added && !retired && !domain && !resident)
        return;
    RW_MARKUP(&html->out, "<p class=\"legend\">");
    put_legend_entry(html, added, "added", RW_SAY_LEGEND_NEW);
    put_legend_entry(html, retired, "retired", RW_SAY_LEGEND_GONE);
    put_legend_entry(html, domain, "domain", RW_SAY_LEGEND_DOMAIN);
    put_legend_entry(html, resident, "resident", RW_SAY_LEGEND_RESIDENT);
    RW_MARKUP(&html->out, "</p>\n");
}

static void put_diagram(struct rw_html *html, const struct rw_doc_block *block)
{
    struct rw_markup *out = &html->out;
    RW_MARKUP(out, "<figure class=\"picture\">\n");
    put_caption(html, block->number, block->diagram->caption);
    RW_MARKUP(out, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"");
    rw_markup_text(out, block->diagram->caption);
    RW_MARKUP(out, "\">");
    rw_diagram_draw(out, block->diagram, html->doc->language);
    RW_MARKUP(out, "</div>\n");
    put_diagram_legend(html, block->diagram);
    RW_MARKUP(out, "</figure>\n");
}

/* ---- All of it ---- */

/* Neighbours of one kind share a frame: what opens before the first, and what shuts after the last.
 */
static void put_frame(struct rw_html *html, const struct rw_doc_block *block, bool shut)
{
    if (block->kind == RW_DOC_ITEM) {
        if (shut)
            RW_MARKUP(&html->out, "</ul>\n");
        else
            RW_MARKUP(&html->out, "<ul>\n");
    } else if (block->kind == RW_DOC_METRIC) {
        if (shut)
            RW_MARKUP(&html->out, "</div>\n");
        else
            RW_MARKUP(&html->out, "<div class=\"metrics\">\n");
    }
}

static void put_block(struct rw_html *html, const struct rw_doc_block *block)
{
    switch (block->kind) {
    case RW_DOC_SECTION:
        return; /* put_blocks has put it */
    case RW_DOC_PARAGRAPH:
        RW_MARKUP(&html->out, "<p>");
        put_prose(html, &block->prose);
        RW_MARKUP(&html->out, "</p>\n");
        return;
    case RW_DOC_NOTE:
        put_note(html, block);
        return;
    case RW_DOC_ITEM:
        RW_MARKUP(&html->out, "<li>");
        put_prose(html, &block->prose);
        RW_MARKUP(&html->out, "</li>\n");
        return;
    case RW_DOC_METRIC:
        put_metric(html, block);
        return;
    case RW_DOC_TABLE:
        rw_html_table(html, block->table, block->number, true);
        return;
    case RW_DOC_CHART:
        put_chart(html, block);
        return;
    case RW_DOC_DIAGRAM:
        put_diagram(html, block);
        return;
    case RW_DOC_ALL_FIGURES:
        rw_html_all_figures(html);
        return;
    }
}

static void put_blocks(struct rw_html *html)
{
    const struct rw_doc_block *before = NULL;
    unsigned outer = 0;
    for (const struct rw_doc_block *block = html->doc->first; block; block = block->next) {
        if (before && before->kind != block->kind)
            put_frame(html, before, true);
        if (!before || before->kind != block->kind)
            put_frame(html, block, false);
        if (block->kind == RW_DOC_SECTION) {
            outer = block->level == 1 ? block->number : outer;
            put_section(html, block, outer);
        }
        put_block(html, block);
        before = block;
    }
    if (before)
        put_frame(html, before, true);
    if (outer)
        RW_MARKUP(&html->out, "</section>\n");
}

enum rw_err rw_report_html(const struct rw_doc *doc, struct rw_text *out)
{
    struct rw_html html = {.out = {.text = *out, .binds = true}, .doc = doc};
    put_head(&html);
    RW_MARKUP(&html.out, "<body>\n<a class=\"skip\" href=\"#main\">");
    rw_html_word(&html, RW_SAY_SKIP);
    RW_MARKUP(&html.out, "</a>\n");
    put_cover(&html);
    RW_MARKUP(&html.out, "<div class=\"page\">\n");
    put_contents(&html);
    RW_MARKUP(&html.out, "<main id=\"main\">\n");
    put_blocks(&html);
    RW_MARKUP(&html.out, "</main>\n</div>\n");
    rw_html_cards(&html);
    RW_MARKUP(&html.out, "</body>\n</html>\n");
    *out = html.out.text;
    return out->err;
}

void rw_report_page(struct rw_doc *doc, struct rw_text *out)
{
    enum rw_err err = rw_doc_finish(doc);
    if (!err)
        err = rw_report_html(doc, out);
    if (err)
        out->err = err;
    rw_doc_free(doc);
}
