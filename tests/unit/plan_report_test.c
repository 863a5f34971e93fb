/* The proposal as a document and its renderers: what they write is what stands in golden files,
 * adds up, lets no text out of its place, and is the same every time.
 *
 * RW_GOLDEN=write writes the golden files anew, to be read before they are committed. */
#include "base/alloc.h"
#include "base/random.h"
#include "report/diagram.h"
#include "report/html.h"
#include "report/json.h"
#include "report/markdown.h"
#include "report/number.h"
#include "support/report_sample.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef enum rw_err (*render_function)(const struct rw_doc *doc, struct rw_text *out);

static const struct renderer {
    const char *suffix;
    render_function render;
} renderers[] = {{"html", rw_report_html}, {"md", rw_report_markdown}, {"json", rw_report_json}};

enum { RENDERERS = 3, LANGUAGES = 2 };

static enum rw_err make(enum rw_language language, const char *customer, render_function render,
                        struct rw_text *out)
{
    struct rw_doc doc;
    rw_doc_init(&doc, language);
    enum rw_err err = rw_report_sample(&doc, rw_span_text(customer));
    if (!err)
        err = render(&doc, out);
    rw_doc_free(&doc);
    return err;
}

static struct rw_text made(enum rw_language language, const char *customer, render_function render)
{
    struct rw_text text = {0};
    assert_int_equal(make(language, customer, render, &text), RW_OK);
    return text;
}

/* ---- Golden files ---- */

static const char *const customers[] = {"Harbour Mutual", "沪江财险"};

static void golden_name(char *name, size_t room, int language, const char *suffix)
{
    snprintf(name, room, "tests/unit/golden/plan_report.%s.%s",
             language == RW_LANGUAGE_ZH ? "zh" : "en", suffix);
}

static struct rw_text read_all(const char *name)
{
    struct rw_text text = {0};
    char block[65536];
    FILE *file = fopen(name, "r");
    if (!file)
        fail_msg("%s is missing", name);
    size_t got;
    while ((got = fread(block, 1, sizeof(block), file)) > 0)
        rw_text_add(&text, rw_span(block, got));
    fclose(file);
    return text;
}

static void compare(const char *name, const struct rw_text *text)
{
    const char *golden = getenv("RW_GOLDEN");
    if (golden && strcmp(golden, "write") == 0) {
        FILE *file = fopen(name, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(text->at, 1, text->len, file), text->len);
        fclose(file);
        return;
    }
    struct rw_text expected = read_all(name);
    size_t same = 0;
    while (same < text->len && same < expected.len && text->at[same] == expected.at[same])
        same++;
    if (text->len != expected.len || same < text->len)
        fail_msg("%s differs from byte %zu on: \"%.60s\", expected \"%.60s\"", name, same,
                 text->at + same, expected.at + same);
    rw_text_free(&expected);
}

static void is_as_in_the_golden_files(void **state)
{
    (void)state;
    for (int language = 0; language < LANGUAGES; language++) {
        for (int i = 0; i < RENDERERS; i++) {
            char name[128];
            struct rw_text text = made(language, customers[language], renderers[i].render);
            golden_name(name, sizeof(name), language, renderers[i].suffix);
            compare(name, &text);
            rw_text_free(&text);
        }
    }
}

static void is_the_same_every_time(void **state)
{
    (void)state;
    for (int i = 0; i < RENDERERS; i++) {
        struct rw_text one = made(RW_LANGUAGE_ZH, "x", renderers[i].render);
        struct rw_text two = made(RW_LANGUAGE_ZH, "x", renderers[i].render);
        assert_int_equal(one.len, two.len);
        assert_memory_equal(one.at, two.at, one.len);
        rw_text_free(&one);
        rw_text_free(&two);
    }
}

/* ---- Hostile texts ---- */

static const char *const hostile[] = {
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title></style></svg></section></main><script>x",
    "<!-- --><![CDATA[ ]]>&lt;script&gt;&#60;",
    "| a | b |\n|---|---|\n# heading\n- item\n\n> quote",
    "[link](javascript:alert(1)) ![](x) `code` **strong** ~~gone~~ $x$ <https://x.example>",
    "\"},{\"kind\":\"section\"\\\", \\u0000",
    ("\xe2\x80\xae"
     "gnirts desrever\xe2\x80\xac \xe2\x80\x8b\xef\xbb\xbf"),
    "\xff\xfe\x80 broken \xc3( \xed\xa0\x80 \xf5\x80\x80\x80",
    "\x01\x02\x1b[31m\x7f\xc2\x85",
    "{0} {9} **",
    "很长的客户名称很长的客户名称很长的客户名称很长的客户名称很长的客户名称很长的客户名称",
    "Averyveryveryveryveryveryveryveryveryveryveryverylongnamewithoutanyblankinsideofitatall",
};

static bool holds(const struct rw_text *text, const char *part)
{
    return text->at && strstr(text->at, part);
}

/* The tags with the names of their attributes: what stays of markup when texts are taken out. */
static struct rw_text skeleton(const struct rw_text *html)
{
    struct rw_text bones = {0};
    char quote = 0;
    bool tag = false;
    for (size_t i = 0; i < html->len; i++) {
        char c = html->at[i];
        if (!tag) {
            tag = c == '<';
        } else if (quote) {
            quote = c == quote ? 0 : quote;
            continue;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            tag = false;
            rw_text_adds(&bones, ">\n");
        }
        if (tag)
            rw_text_add(&bones, rw_span(&c, 1));
    }
    return bones;
}

static void no_text_becomes_markup(void **state)
{
    (void)state;
    struct rw_text plain = made(RW_LANGUAGE_EN, "x", rw_report_html);
    struct rw_text expected = skeleton(&plain);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        struct rw_text page = made(RW_LANGUAGE_EN, hostile[i], rw_report_html);
        struct rw_text bones = skeleton(&page);
        if (!rw_span_eq(rw_text_span(&bones), rw_text_span(&expected)))
            fail_msg("the page's markup changes with \"%s\"", hostile[i]);
        assert_false(holds(&page, "<script"));
        assert_false(holds(&page, "\xe2\x80\xae"));
        rw_text_free(&page);
        rw_text_free(&bones);
    }
    rw_text_free(&plain);
    rw_text_free(&expected);
}

/* For each line what it is: "#" heading, "|3" a row of three cells, "-" an item... */
static struct rw_text outline(const struct rw_text *markdown)
{
    struct rw_text lines = {0};
    struct rw_span rest = rw_text_span(markdown), line;
    while (rest.len) {
        ptrdiff_t end = rw_span_find(rest, '\n');
        line = rw_span(rest.at, end < 0 ? rest.len : (size_t)end);
        rest = rw_span_skip(rest, end < 0 ? rest.len : (size_t)end + 1);
        unsigned bars = 0, strong = 0;
        for (size_t i = 0; i < line.len; i++) {
            bool escaped = i && line.at[i - 1] == '\\';
            bars += line.at[i] == '|' && !escaped;
            strong += strchr("*_`[]", line.at[i]) && !escaped;
        }
        rw_text_addf(&lines, "%c%u,%u\n",
                     line.len && strchr("#-|>*", line.at[0]) ? line.at[0] : '.', bars, strong);
    }
    return lines;
}

static void no_text_becomes_markdown(void **state)
{
    (void)state;
    struct rw_text plain = made(RW_LANGUAGE_EN, "x", rw_report_markdown);
    struct rw_text expected = outline(&plain);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        struct rw_text text = made(RW_LANGUAGE_EN, hostile[i], rw_report_markdown);
        struct rw_text lines = outline(&text);
        assert_string_equal(lines.at, expected.at);
        assert_false(holds(&text, "<script"));
        rw_text_free(&text);
        rw_text_free(&lines);
    }
    rw_text_free(&plain);
    rw_text_free(&expected);
}

static void json_is_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        struct rw_text text = made(RW_LANGUAGE_ZH, hostile[i], rw_report_json);
        json_error_t error;
        json_t *root = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &error);
        if (!root)
            fail_msg("%s at %d: %s", hostile[i], error.line, error.text);
        assert_string_equal(json_string_value(json_object_get(root, "schema")),
                            "ringway.proposal/1");
        const json_t *cost = json_object_get(json_object_get(root, "figures"), "money.cost");
        assert_int_equal(json_array_size(json_object_get(cost, "inputs")), 3);
        json_decref(root);
        rw_text_free(&text);
    }
}

/* ---- Totals ---- */

/* An amount as it is written, in cents; false for words. */
static bool read_cents(struct rw_span text, int64_t *cents)
{
    bool minus = rw_span_starts(text, RW_LITERAL("\xe2\x88\x92"));
    bool point = false;
    text = minus ? rw_span_skip(text, 3) : text;
    *cents = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] >= '0' && text.at[i] <= '9')
            *cents = *cents * 10 + (text.at[i] - '0');
        else if (text.at[i] == '.')
            point = true;
        else if (text.at[i] != ',')
            return false;
    }
    *cents = minus ? -*cents : *cents;
    return point && text.len > 3;
}

/* The last cell of a row of a Markdown table, without marks of strong type. */
static struct rw_span last_cell(struct rw_span line)
{
    size_t end = line.len - 2, begin;
    while (end > 0 && strchr(" *", line.at[end - 1]))
        end--;
    begin = end;
    while (begin > 0 && !strchr(" *", line.at[begin - 1]))
        begin--;
    return rw_span(line.at + begin, end - begin);
}

/* Adds up the rows of the one table in `text`; gives the total that it shows itself. */
static void add_up(struct rw_text *text, int64_t *sum, int64_t *total)
{
    struct rw_span rest = rw_text_span(text);
    *sum = 0;
    while (rest.len) {
        ptrdiff_t end = rw_span_find(rest, '\n');
        struct rw_span line = rw_span(rest.at, (size_t)end);
        rest = rw_span_skip(rest, (size_t)end + 1);
        int64_t cents;
        if (!rw_span_starts(line, RW_LITERAL("|")) || !read_cents(last_cell(line), &cents))
            continue;
        if (rw_span_starts(line, RW_LITERAL("| **Total**")))
            *total = cents;
        else
            *sum += cents;
    }
}

static void totals_are_the_sum_of_their_rows(void **state)
{
    (void)state;
    struct rw_random random;
    rw_random_seed(&random, 20261120);
    for (int table_number = 0; table_number < 300; table_number++) {
        struct rw_doc doc;
        struct rw_text text = {0};
        rw_doc_init(&doc, RW_LANGUAGE_EN);
        struct rw_doc_table *table = rw_doc_table(&doc, RW_LITERAL("Bill"), RW_LITERAL("USD"));
        rw_doc_column(&doc, table, RW_DOC_WORDS, RW_LITERAL("Item"), RW_LITERAL(""));
        rw_doc_column(&doc, table, RW_DOC_MONEY, RW_LITERAL("Amount"), RW_LITERAL(""));
        unsigned rows = (unsigned)rw_random_below(&random, 60);
        double scale = pow(10, (double)rw_random_below(&random, 12));
        for (unsigned i = 0; i < rows; i++) {
            if (i % 7 == 3)
                rw_doc_group(&doc, table, RW_LITERAL("Group"));
            struct rw_doc_cell *cells = rw_doc_row(&doc, table);
            rw_doc_words(&doc, &cells[0], RW_LITERAL("x"));
            double cents = round((rw_random_below(&random, 2000001) - 200000.0) * scale / 1e6);
            rw_doc_number(&cells[1], cents, RW_DOC_NO_FIGURE);
        }
        rw_doc_total(&doc, table);
        assert_int_equal(rw_doc_finish(&doc), RW_OK);
        assert_int_equal(rw_report_markdown(&doc, &text), RW_OK);
        int64_t sum, total = INT64_MIN;
        add_up(&text, &sum, &total);
        assert_int_equal(sum, total);
        rw_text_free(&text);
        rw_doc_free(&doc);
    }
}

static void a_missing_price_is_in_the_total(void **state)
{
    (void)state;
    struct rw_doc doc;
    rw_doc_init(&doc, RW_LANGUAGE_EN);
    struct rw_doc_table *table = rw_doc_table(&doc, RW_LITERAL("Bill"), RW_LITERAL("USD"));
    rw_doc_column(&doc, table, RW_DOC_WORDS, RW_LITERAL("Item"), RW_LITERAL(""));
    rw_doc_column(&doc, table, RW_DOC_MONEY, RW_LITERAL("Amount"), RW_LITERAL(""));
    rw_doc_number(&rw_doc_row(&doc, table)[1], 100, RW_DOC_NO_FIGURE);
    rw_doc_row(&doc, table); /* blank: nothing to add */
    assert_true(rw_doc_total(&doc, table)[1].number == 100);
    rw_doc_number(&rw_doc_row(&doc, table)[1], NAN, RW_DOC_NO_FIGURE);
    assert_true(isnan(rw_doc_total(&doc, table)[1].number));
    rw_doc_free(&doc);
}

/* Neither a bar of zero height nor a sum of the rest stands for what nobody knows. */
static void a_missing_value_is_said_in_the_chart(void **state)
{
    (void)state;
    const enum rw_doc_chart_kind kinds[] = {RW_DOC_BARS, RW_DOC_STACKED};
    for (size_t i = 0; i < 2; i++) {
        struct rw_doc doc;
        struct rw_text page = {0};
        rw_doc_init(&doc, RW_LANGUAGE_EN);
        struct rw_doc_chart *chart =
            rw_doc_chart(&doc, kinds[i], RW_LITERAL("Bill"), RW_LITERAL("USD"));
        rw_doc_series(&doc, chart, RW_LITERAL("Storage"));
        rw_doc_series(&doc, chart, RW_LITERAL("Network"));
        struct rw_doc_point *point = rw_doc_point(&doc, chart, RW_LITERAL("Tier"));
        point->values[0] = 5000;
        point->values[1] = NAN;
        assert_int_equal(rw_doc_finish(&doc), RW_OK);
        assert_int_equal(rw_report_html(&doc, &page), RW_OK);
        const char *svg = strstr(page.at, "<svg"), *end = svg ? strstr(svg, "</svg>") : NULL;
        const char *word = svg ? strstr(svg, ">missing<") : NULL;
        assert_true(end && word && word < end);
        rw_text_free(&page);
        rw_doc_free(&doc);
    }
}

/* Of five points the second has no figure: a line before it, which is a dot, and one behind. */
static void a_line_has_gaps_where_there_is_no_figure(void **state)
{
    (void)state;
    struct rw_doc doc;
    struct rw_text page = {0};
    rw_doc_init(&doc, RW_LANGUAGE_EN);
    struct rw_doc_chart *chart =
        rw_doc_chart(&doc, RW_DOC_LINES, RW_LITERAL("Latency"), RW_LITERAL("ms"));
    rw_doc_series(&doc, chart, RW_LITERAL("p99"));
    const double values[] = {4, NAN, 5, 6, 7};
    for (size_t i = 0; i < 5; i++)
        rw_doc_point(&doc, chart, RW_LITERAL("1 s"))->values[0] = values[i];
    assert_int_equal(rw_doc_finish(&doc), RW_OK);
    assert_int_equal(rw_report_html(&doc, &page), RW_OK);
    const size_t corners[] = {2, 3};
    const char *at = page.at;
    for (size_t i = 0; i < 2; i++) {
        at = strstr(at, "<polyline class=\"line l0\" points=\"");
        assert_non_null(at);
        size_t commas = 0;
        for (at = strstr(at, "points=\"") + 8; *at != '"'; at++)
            commas += *at == ',';
        assert_int_equal(commas, corners[i]);
    }
    const char *more = strstr(at, "<polyline"), *end = strstr(at, "</svg>");
    assert_true(end && (!more || more > end)); /* the page has it once more, for narrow screens */
    rw_text_free(&page);
    rw_doc_free(&doc);
}

/* ---- Numbers ---- */

static void expect(struct rw_text *text, const char *expected)
{
    assert_int_equal(text->err, RW_OK);
    assert_string_equal(text->at, expected);
    text->len = 0;
}

static void numbers_are_written_for_people(void **state)
{
    (void)state;
    struct rw_text text = {0};
    rw_report_money(&text, 123456789), expect(&text, "1,234,567.89");
    rw_report_money(&text, -5), expect(&text, "\xe2\x88\x92"
                                              "0.05");
    rw_report_money(&text, 0), expect(&text, "0.00");
    rw_report_money(&text, 99999), expect(&text, "999.99");
    rw_report_number(&text, 1234.5, 0), expect(&text, "1,234");
    rw_report_number(&text, -0.001, 2), expect(&text, "0.00");
    rw_report_number(&text, 999999.96, 1), expect(&text, "1,000,000.0");
    rw_report_short(&text, 12500000, RW_LANGUAGE_ZH), expect(&text, "1250万");
    rw_report_short(&text, 12500000, RW_LANGUAGE_EN), expect(&text, "12.5M");
    rw_report_short(&text, 0, RW_LANGUAGE_EN), expect(&text, "0");
    rw_report_short(&text, -1500, RW_LANGUAGE_EN), expect(&text, "\xe2\x88\x92"
                                                                 "1.5K");
    rw_report_date(&text, 0), expect(&text, "1970-01-01");
    rw_report_date(&text, 19782), expect(&text, "2024-02-29");
    rw_report_date(&text, 20777), expect(&text, "2026-11-20");
    rw_text_free(&text);
}

static void texts_are_cut_at_whole_characters(void **state)
{
    (void)state;
    assert_int_equal(rw_text_width(RW_LITERAL("架构")), 200);
    assert_int_equal(rw_text_fit(RW_LITERAL("架构图"), 250), 6);
    assert_int_equal(rw_text_fit(RW_LITERAL("gateway nodes"), 600), 8);
    assert_int_equal(rw_text_fit(RW_LITERAL("架"), 10), 0);
    assert_int_equal(rw_text_fit(RW_LITERAL("\xff\xff"), 1000), 2);
}

/* ---- The diagram ---- */

static bool inside(const struct rw_diagram_place *in, const struct rw_diagram_place *out)
{
    return in->x >= out->x && in->y >= out->y && in->x + in->width <= out->x + out->width &&
           in->y + in->height <= out->y + out->height;
}

static bool apart(const struct rw_diagram_place *a, const struct rw_diagram_place *b)
{
    return a->x + a->width <= b->x || b->x + b->width <= a->x || a->y + a->height <= b->y ||
           b->y + b->height <= a->y;
}

/* A random tree of zones with boxes and links, also backwards and in circles. */
static struct rw_doc_diagram *random_diagram(struct rw_doc *doc, struct rw_random *random)
{
    struct rw_doc_diagram *diagram = rw_doc_diagram(doc, RW_LITERAL("x"));
    struct rw_doc_zone *zones[12];
    struct rw_doc_box *boxes[30];
    for (unsigned i = 0; i < 12; i++) {
        struct rw_doc_zone *parent =
            i % 4 ? zones[rw_random_below(random, i % 4) + i / 4 * 4] : NULL;
        zones[i] = rw_doc_zone(doc, diagram, parent, RW_DOC_REGION, RW_LITERAL("zone"));
    }
    for (unsigned i = 0; i < 30; i++)
        boxes[i] = rw_doc_box(doc, diagram, zones[rw_random_below(random, 12)], RW_LITERAL("box"),
                              RW_LITERAL(""));
    for (unsigned i = 0; i < 40; i++) {
        const struct rw_doc_box *from = boxes[rw_random_below(random, 30)];
        rw_doc_link(doc, diagram, from, boxes[rw_random_below(random, 30)], RW_LITERAL(""));
    }
    return diagram;
}

static void check_layout(const struct rw_doc_diagram *diagram,
                         const struct rw_diagram_layout *layout)
{
    for (const struct rw_doc_box *box = diagram->boxes; box; box = box->next) {
        assert_true(inside(&layout->boxes[box->index], &layout->zones[box->zone->index]));
        for (const struct rw_doc_box *other = box->next; other; other = other->next)
            assert_true(apart(&layout->boxes[box->index], &layout->boxes[other->index]));
        for (const struct rw_doc_zone *zone = diagram->zones; zone; zone = zone->next) {
            const struct rw_doc_zone *outer = box->zone;
            while (outer && outer != zone)
                outer = outer->parent;
            assert_true(outer || apart(&layout->boxes[box->index], &layout->zones[zone->index]));
        }
    }
    for (const struct rw_doc_zone *zone = diagram->zones; zone; zone = zone->next) {
        assert_true(layout->zones[zone->index].x + layout->zones[zone->index].width <=
                    layout->width);
        if (zone->parent)
            assert_true(inside(&layout->zones[zone->index], &layout->zones[zone->parent->index]));
    }
}

static void zones_hold_their_boxes_and_no_others(void **state)
{
    (void)state;
    struct rw_random random;
    rw_random_seed(&random, 7);
    for (int count = 0; count < 100; count++) {
        struct rw_doc doc;
        struct rw_diagram_layout layout;
        struct rw_markup markup = {0};
        rw_doc_init(&doc, RW_LANGUAGE_EN);
        const struct rw_doc_diagram *diagram = random_diagram(&doc, &random);
        assert_int_equal(doc.err, RW_OK);
        rw_diagram_lay_out(diagram, &layout);
        check_layout(diagram, &layout);
        rw_diagram_draw(&markup, diagram, RW_LANGUAGE_EN);
        assert_int_equal(markup.text.err, RW_OK);
        rw_text_free(&markup.text);
        rw_doc_free(&doc);
    }
}

/* ---- Limits and failures ---- */

static void strange_numbers_can_be_drawn(void **state)
{
    (void)state;
    const double strange[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300, 0, 1e-300, 5e17};
    for (int kind = RW_DOC_BARS; kind <= RW_DOC_GANTT; kind++) {
        for (size_t i = 0; i < 64; i++) {
            struct rw_doc doc;
            rw_doc_init(&doc, i % 2);
            struct rw_doc_chart *chart = rw_doc_chart(&doc, kind, RW_LITERAL("x"), RW_LITERAL("y"));
            rw_doc_series(&doc, chart, RW_LITERAL("s"));
            chart->base = strange[i % 8];
            struct rw_doc_point *point = rw_doc_point(&doc, chart, RW_LITERAL("p"));
            point->low = point->values[0] = strange[i / 8];
            point->high = strange[i % 8];
            rw_doc_mark(&doc, chart, RW_LITERAL("m"), strange[i % 8], RW_DOC_BAD);
            assert_int_equal(rw_doc_finish(&doc), RW_OK);
            for (int j = 0; j < RENDERERS; j++) {
                struct rw_text text = {0};
                assert_int_equal(renderers[j].render(&doc, &text), RW_OK);
                assert_false(holds(&text, "nan"));
                rw_text_free(&text);
            }
            rw_doc_free(&doc);
        }
    }
}

static void limits_are_told(void **state)
{
    (void)state;
    struct rw_doc doc;
    rw_doc_init(&doc, RW_LANGUAGE_EN);
    struct rw_doc_diagram *diagram = rw_doc_diagram(&doc, RW_LITERAL("x"));
    struct rw_doc_zone *zone = NULL;
    for (unsigned i = 0; i <= RW_DOC_ZONE_DEPTH_MAX; i++)
        zone = rw_doc_zone(&doc, diagram, zone, RW_DOC_REGION, RW_LITERAL("z"));
    assert_int_equal(rw_doc_finish(&doc), RW_ELIMIT);
    rw_doc_free(&doc);
}

/* One allocation fails, or all from one on. */
static void survives_failing_allocations(void **state)
{
    (void)state;
    for (int i = 0; i < RENDERERS; i++) {
        for (uint64_t n = 0;; n++) {
            struct rw_text text = {0};
            (n % 2 ? rw_alloc_fail_after : rw_alloc_fail_once)(n / 2);
            enum rw_err err = make(RW_LANGUAGE_EN, "x", renderers[i].render, &text);
            rw_alloc_fail_never();
            rw_text_free(&text);
            if (err == RW_OK)
                break;
            assert_int_equal(err, RW_ENOMEM);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_as_in_the_golden_files),
        cmocka_unit_test(is_the_same_every_time),
        cmocka_unit_test(no_text_becomes_markup),
        cmocka_unit_test(no_text_becomes_markdown),
        cmocka_unit_test(json_is_json),
        cmocka_unit_test(totals_are_the_sum_of_their_rows),
        cmocka_unit_test(a_missing_price_is_in_the_total),
        cmocka_unit_test(a_missing_value_is_said_in_the_chart),
        cmocka_unit_test(a_line_has_gaps_where_there_is_no_figure),
        cmocka_unit_test(numbers_are_written_for_people),
        cmocka_unit_test(texts_are_cut_at_whole_characters),
        cmocka_unit_test(zones_hold_their_boxes_and_no_others),
        cmocka_unit_test(strange_numbers_can_be_drawn),
        cmocka_unit_test(limits_are_told),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
