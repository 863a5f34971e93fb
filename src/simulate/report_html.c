/* As one page: verdicts first, then figures, charts over time, and what was assumed. */
#include "report/document.h"
#include "report/html.h"
#include "report/number.h"
#include "simulate/report.h"

#include <math.h>

struct page {
    struct rw_doc *doc;
    const struct rw_simulate_sheet *sheet;
    const struct rw_simulate_ledger *ledger; /* of the first run */
};

static struct rw_span say(const struct page *page, struct rw_label label)
{
    return rw_span_text(rw_label_in(label, page->doc->language));
}

static struct rw_span none(void)
{
    return (struct rw_span){"", 0};
}

/* What a writer of words gives, as a text of the document. */
static struct rw_span keep(const struct page *page, struct rw_text *words)
{
    struct rw_span text = rw_doc_copy(page->doc, words->at ? rw_text_span(words) : none());
    if (words->err && !page->doc->err)
        page->doc->err = words->err;
    rw_text_free(words);
    return text;
}

static struct rw_span quantity(const struct page *page, struct rw_quantity value)
{
    struct rw_text words = {0};
    rw_simulate_add_quantity(value, page->doc->language, &words);
    return keep(page, &words);
}

static unsigned figure(const struct page *page, const char *id, struct rw_label label,
                       struct rw_quantity value)
{
    return rw_doc_figure(page->doc, &(struct rw_doc_figure){
                                        .id = rw_span_text(id),
                                        .label = say(page, label),
                                        .value = quantity(page, value),
                                        .number = value.value,
                                        .origin = RW_DOC_COMPUTED,
                                        .formula = say(page, RW_TEXTS("simulated", "模拟")),
                                        .source = rw_span_text(page->sheet->model->path),
                                    });
}

/* ---- Verdicts ---- */

static void put_goal(const struct page *page, struct rw_doc_table *table, size_t index)
{
    static const enum rw_doc_tone tones[] = {[RW_SIMULATE_MET] = RW_DOC_GOOD,
                                             [RW_SIMULATE_NOT_MET] = RW_DOC_BAD,
                                             [RW_SIMULATE_UNDECIDED] = RW_DOC_WARNING};
    const struct rw_simulate_model *model = page->sheet->model;
    const struct rw_simulate_goal *goal = &rw_simulate_goals(model)[index];
    const struct rw_simulate_verdict *verdict = &page->sheet->verdicts[index];
    bool floor = rw_simulate_goal_kind(goal)->at_least;
    struct rw_doc_cell *cells = rw_doc_row(page->doc, table);
    struct rw_text name = {0}, limit = {0}, range = {0};
    rw_doc_words(page->doc, &cells[0], say(page, rw_simulate_outcome_label(verdict->outcome)));
    cells[0].tone = tones[verdict->outcome];
    rw_simulate_goal_name(goal, page->doc->language, &name);
    rw_doc_words(page->doc, &cells[1], keep(page, &name));
    rw_doc_words(page->doc, &cells[2],
                 quantity(page, rw_simulate_goal_quantity(model, goal, verdict->median)));
    rw_text_adds(&limit,
                 rw_label_in(floor ? RW_TEXTS("at least ", "至少 ") : RW_TEXTS("at most ", "至多 "),
                             page->doc->language));
    rw_simulate_add_quantity(rw_simulate_goal_quantity(model, goal, verdict->limit),
                             page->doc->language, &limit);
    rw_doc_words(page->doc, &cells[3], keep(page, &limit));
    if (page->sheet->run->runs == 1)
        return;
    rw_simulate_add_quantity(rw_simulate_goal_quantity(model, goal, verdict->low),
                             page->doc->language, &range);
    rw_text_adds(&range, rw_label_in(RW_TEXTS(" to ", " 至 "), page->doc->language));
    rw_simulate_add_quantity(rw_simulate_goal_quantity(model, goal, verdict->high),
                             page->doc->language, &range);
    rw_doc_words(page->doc, &cells[4], keep(page, &range));
}

static void put_verdicts(const struct page *page)
{
    static const struct rw_label titles[] = {
        RW_LABEL("Verdict", "结论"), RW_LABEL("Goal", "目标"), RW_LABEL("Simulated", "模拟值"),
        RW_LABEL("Limit", "限值"), RW_LABEL("All runs", "各次范围")};
    const struct rw_simulate_sheet *sheet = page->sheet;
    bool holds = rw_simulate_holds(sheet);
    if (!sheet->model->goals.count)
        return;
    rw_doc_section(page->doc, 1, RW_TEXTS("Verdict", "结论"));
    const struct rw_doc_argument counts[] = {
        RW_DOC_TEXT(rw_doc_format(page->doc, "%u", sheet->met)),
        RW_DOC_TEXT(rw_doc_format(page->doc, "%u", sheet->not_met)),
        RW_DOC_TEXT(rw_doc_format(page->doc, "%u", sheet->undecided))};
    rw_doc_note(page->doc, holds ? RW_DOC_GOOD : RW_DOC_BAD,
                say(page, holds ? RW_TEXTS("Every goal holds", "全部目标达标")
                                : RW_TEXTS("Not every goal holds", "目标未全部达标")),
                RW_TEXTS("{0} goals met, {1} not met, {2} in some of the runs.",
                         "{0} 项达标，{1} 项未达标，{2} 项仅部分运行达标。"),
                counts, 3);
    struct rw_doc_table *table =
        rw_doc_table(page->doc, say(page, RW_TEXTS("Goals", "目标")), none());
    for (size_t i = 0; i < (sheet->run->runs > 1 ? 5 : 4); i++)
        rw_doc_column(page->doc, table, i ? RW_DOC_WORDS : RW_DOC_STATUS, say(page, titles[i]),
                      none());
    for (size_t i = 0; i < sheet->model->goals.count; i++)
        put_goal(page, table, i);
}

/* ---- Figures ---- */

static void put_metric(const struct page *page, const char *id, struct rw_label label, double value,
                       enum rw_unit unit, enum rw_doc_tone tone)
{
    struct rw_quantity shown = {value, unit, NULL, NULL};
    if (unit == RW_UNIT_MONEY) {
        shown.value = round(value * 100);
        shown.currency = page->sheet->model->currency.at;
    }
    rw_doc_metric(page->doc, tone, say(page, label), figure(page, id, label, shown), none());
}

static void put_metrics(const struct page *page)
{
    const struct rw_simulate_ledger *ledger = page->ledger;
    double failed = 1 - rw_simulate_ledger_availability(ledger);
    double used = rw_simulate_budget_used(page->sheet->model, ledger);
    rw_doc_section(page->doc, 1, RW_TEXTS("Figures", "数字"));
    put_metric(page, "simulate.requests", RW_TEXTS("Requests", "请求数"), (double)ledger->arrived,
               RW_UNIT_COUNT, RW_DOC_NEUTRAL);
    put_metric(page, "simulate.p99", RW_TEXTS("99 % within", "99 % 不超过"),
               rw_simulate_ledger_quantile(ledger, 0.99), RW_UNIT_SECONDS, RW_DOC_NEUTRAL);
    put_metric(page, "simulate.failed", RW_TEXTS("Failed", "失败"), failed, RW_UNIT_SHARE,
               failed > 0 ? RW_DOC_WARNING : RW_DOC_GOOD);
    if (!isnan(used))
        put_metric(page, "simulate.budget", RW_TEXTS("Error budget used", "错误预算已用"), used,
                   RW_UNIT_SHARE, used > 1 ? RW_DOC_BAD : RW_DOC_GOOD);
    put_metric(page, "simulate.nodes", RW_TEXTS("Nodes paid for, at most", "最多计费节点"),
               ledger->most.billed, RW_UNIT_COUNT, RW_DOC_NEUTRAL);
    put_metric(page, "simulate.cost", RW_TEXTS("Cost", "成本"), ledger->cost, RW_UNIT_MONEY,
               RW_DOC_NEUTRAL);
}

static void put_table(const struct page *page, struct rw_label caption, unsigned count,
                      struct rw_label (*name)(const struct page *page, unsigned which),
                      double (*value)(const struct page *page, unsigned which), enum rw_unit unit)
{
    struct rw_doc_table *table = NULL;
    for (unsigned i = 0; i < count; i++) {
        if (value(page, i) <= 0)
            continue;
        if (!table) {
            table = rw_doc_table(page->doc, say(page, caption), none());
            rw_doc_column(page->doc, table, RW_DOC_WORDS, say(page, RW_TEXTS("What", "项目")),
                          none());
            rw_doc_column(page->doc, table, RW_DOC_WORDS, say(page, RW_TEXTS("How much", "数量")),
                          none());
        }
        struct rw_doc_cell *cells = rw_doc_row(page->doc, table);
        rw_doc_words(page->doc, &cells[0], say(page, name(page, i)));
        rw_doc_words(page->doc, &cells[1],
                     quantity(page, (struct rw_quantity){value(page, i), unit, NULL, NULL}));
    }
}

static struct rw_label cause_name(const struct page *page, unsigned which)
{
    (void)page;
    return rw_simulate_cause_label(which);
}

static double cause_value(const struct page *page, unsigned which)
{
    return (double)page->ledger->failed[which];
}

static struct rw_label limit_name(const struct page *page, unsigned which)
{
    (void)page;
    return rw_simulate_limit_label(which);
}

static double limit_value(const struct page *page, unsigned which)
{
    return page->ledger->limited_s[which];
}

/* ---- Charts ---- */

/* A line of a chart: a figure of a row. */
struct line {
    struct rw_label name;
    double (*of)(const struct page *page, const struct rw_simulate_row *row);
};

static double rate_of(const struct page *page, const struct rw_simulate_row *row)
{
    (void)page;
    return (double)row->arrived / row->seconds;
}
static double failed_of(const struct page *page, const struct rw_simulate_row *row)
{
    (void)page;
    return (double)row->failed / row->seconds;
}
static double p50_of(const struct page *page, const struct rw_simulate_row *row)
{
    (void)page;
    return row->served ? (double)row->p50_ns / 1e6 : NAN; /* nobody's: no line */
}
static double p99_of(const struct page *page, const struct rw_simulate_row *row)
{
    (void)page;
    return row->served ? (double)row->p99_ns / 1e6 : NAN;
}
static double nodes_of(const struct page *page, const struct rw_simulate_row *row)
{
    (void)page;
    return row->mean.nodes;
}
static double billed_of(const struct page *page, const struct rw_simulate_row *row)
{
    (void)page;
    return row->mean.billed;
}
static double busy_of(const struct page *page, const struct rw_simulate_row *row)
{
    (void)page;
    return row->mean.busy * 100;
}
static double node_busy_of(const struct page *page, const struct rw_simulate_row *row)
{
    (void)page;
    return row->mean.node_busy * 100;
}
static double memory_of(const struct page *page, const struct rw_simulate_row *row)
{
    (void)page;
    return row->mean.node_memory_share * 100;
}
static double connections_of(const struct page *page, const struct rw_simulate_row *row)
{
    (void)page;
    return row->mean.connections;
}

/* Of what may fail in the whole time, what has by then. */
static double budget_of(const struct page *page, const struct rw_simulate_row *row)
{
    double until = 0, all = (double)rw_simulate_ledger_failed(page->ledger);
    for (const struct rw_simulate_row *at = page->ledger->rows; at <= row; at++)
        until += (double)at->failed;
    double used = rw_simulate_budget_used(page->sheet->model, page->ledger);
    return all > 0 ? used * until / all * 100 : 0;
}

/* The time of day, or beyond the first one the day, too. */
static struct rw_span time_of(const struct page *page, const struct rw_simulate_row *row)
{
    unsigned at = (unsigned)(page->sheet->model->begin_s + row->begin_s);
    unsigned day = at / 86400, hour = at / 3600 % 24, minute = at / 60 % 60;
    if (page->sheet->model->seconds < 3600)
        return rw_doc_format(page->doc, "%02u:%02u:%02u", hour, minute, at % 60);
    if (page->sheet->model->seconds <= 86400)
        return rw_doc_format(page->doc, "%02u:%02u", hour, minute);
    return rw_doc_format(page->doc, "%u · %02u:%02u", day + 1, hour, minute);
}

static struct rw_doc_chart *put_chart(const struct page *page, struct rw_label caption,
                                      struct rw_label unit, const struct line *lines,
                                      unsigned count)
{
    struct rw_doc_chart *chart =
        rw_doc_chart(page->doc, RW_DOC_LINES, say(page, caption), say(page, unit));
    for (unsigned i = 0; i < count; i++)
        rw_doc_series(page->doc, chart, say(page, lines[i].name));
    for (unsigned r = 0; r < page->ledger->row_count; r++) {
        const struct rw_simulate_row *row = &page->ledger->rows[r];
        struct rw_doc_point *point = rw_doc_point(page->doc, chart, time_of(page, row));
        for (unsigned i = 0; i < count; i++)
            point->values[i] = lines[i].of(page, row);
    }
    return chart;
}

/* The limits of the latency goals, but for those so far off that the lines would lie flat. */
static void put_marks(const struct page *page, struct rw_doc_chart *chart)
{
    const struct rw_simulate_model *model = page->sheet->model;
    double most_ms = 0;
    for (unsigned r = 0; r < page->ledger->row_count; r++)
        most_ms = fmax(most_ms, p99_of(page, &page->ledger->rows[r]));
    for (size_t i = 0; i < model->goals.count; i++) {
        const struct rw_simulate_goal *goal = &rw_simulate_goals(model)[i];
        struct rw_text name = {0};
        if (!rw_simulate_goal_is(goal, RW_SIMULATE_GOAL_LATENCY))
            continue;
        double limit_ms = rw_simulate_goal_kind(goal)->limit(goal->what.value) * 1e3;
        if (limit_ms > 3 * most_ms)
            continue;
        rw_simulate_goal_name(goal, page->doc->language, &name);
        rw_doc_mark(page->doc, chart, keep(page, &name), limit_ms, RW_DOC_INFORMATION);
    }
}

static void put_charts(const struct page *page)
{
    static const struct line latency[] = {{RW_LABEL("p50", "p50"), p50_of},
                                          {RW_LABEL("p99", "p99"), p99_of}},
                             rates[] = {{RW_LABEL("came", "到达"), rate_of},
                                        {RW_LABEL("failed", "失败"), failed_of}},
                             nodes[] = {{RW_LABEL("serving", "在役"), nodes_of},
                                        {RW_LABEL("paid for", "计费"), billed_of}},
                             busy[] = {{RW_LABEL("processors, all", "处理器（全部）"), busy_of},
                                       {RW_LABEL("the busiest node", "最忙节点"), node_busy_of},
                                       {RW_LABEL("memory, fullest node", "最满节点内存"),
                                        memory_of}},
                             budget[] = {{RW_LABEL("used", "已用"), budget_of}},
                             held[] = {{RW_LABEL("connections", "连接"), connections_of}};
    static const struct rw_label per_second = RW_LABEL("per second", "每秒"),
                                 ms = RW_LABEL("ms", "毫秒"), percent = RW_LABEL("%", "%"),
                                 count = RW_LABEL("", "");
    rw_doc_section(page->doc, 1, RW_TEXTS("Over time", "随时间变化"));
    put_chart(page, RW_TEXTS("Requests", "请求"), per_second, rates, 2);
    put_marks(page, put_chart(page, RW_TEXTS("Latency of answers", "应答延迟"), ms, latency, 2));
    double used = rw_simulate_budget_used(page->sheet->model, page->ledger);
    if (used > 0 && isfinite(used))
        put_chart(page, RW_TEXTS("Error budget used", "错误预算已用"), percent, budget, 1);
    put_chart(page, RW_TEXTS("Nodes", "节点"), count, nodes, 2);
    put_chart(page, RW_TEXTS("How busy, how full", "忙碌与占用"), percent, busy, 3);
    if (page->ledger->most.connections > 0)
        put_chart(page, RW_TEXTS("Connections held", "保持的连接"), count, held, 1);
}

/* ---- What it rests on ---- */

static void put_input(const struct page *page, struct rw_doc_table *table, struct rw_label name,
                      struct rw_quantity value)
{
    if (!(value.value > 0))
        return;
    struct rw_doc_cell *cells = rw_doc_row(page->doc, table);
    rw_doc_words(page->doc, &cells[0], say(page, name));
    rw_doc_words(page->doc, &cells[1], quantity(page, value));
}

static void put_costs(const struct page *page)
{
    const struct rw_simulate_model *model = page->sheet->model;
    const struct rw_simulate_origin *origin = model->origin;
    struct rw_doc_table *table =
        rw_doc_table(page->doc, say(page, RW_TEXTS("What was given", "给定的成本")), none());
    rw_doc_column(page->doc, table, RW_DOC_WORDS, say(page, RW_TEXTS("What", "项目")), none());
    rw_doc_column(page->doc, table, RW_DOC_WORDS, say(page, RW_TEXTS("How much", "数量")), none());
    const struct {
        struct rw_label name;
        double value;
        enum rw_unit unit;
    } inputs[] = {
        {RW_LABEL("Core time of a request", "单个请求的处理器时间"), model->request->cpu.mean,
         RW_UNIT_SECONDS},
        {RW_LABEL("Core time of a handshake", "单次握手的处理器时间"),
         model->connection->handshake_s, RW_UNIT_SECONDS},
        {RW_LABEL("Memory of a connection", "单个连接的内存"),
         (double)model->connection->memory_bytes, RW_UNIT_BYTES},
        {RW_LABEL("Memory of a request in flight", "处理中请求的内存"),
         (double)model->request->memory_bytes, RW_UNIT_BYTES},
        {RW_LABEL("Time of the origin for a request", "后端单个请求的时间"),
         origin ? origin->service.mean : 0, RW_UNIT_SECONDS},
        {RW_LABEL("Requests that the origin serves at a time", "后端并发能力"),
         origin ? (double)origin->endpoints * origin->concurrency : 0, RW_UNIT_COUNT},
    };
    for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++)
        put_input(page, table, inputs[i].name,
                  (struct rw_quantity){inputs[i].value, inputs[i].unit, NULL, NULL});
}

static void put_types(const struct page *page)
{
    static const struct rw_label titles[] = {RW_LABEL("Node", "节点"), RW_LABEL("Cores", "核数"),
                                             RW_LABEL("Least", "最少"), RW_LABEL("Most", "最多"),
                                             RW_LABEL("Price of an hour", "每小时价格")};
    const struct rw_simulate_model *model = page->sheet->model;
    struct rw_doc_table *table =
        rw_doc_table(page->doc, say(page, RW_TEXTS("Kinds of nodes", "节点类型")), none());
    for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++) {
        struct rw_doc_column *column =
            rw_doc_column(page->doc, table, i ? RW_DOC_NUMBER : RW_DOC_WORDS, say(page, titles[i]),
                          i == 4 ? model->currency : none());
        column->decimals = i == 4 ? 4 : 0;
    }
    for (size_t i = 0; i < model->fleet.count; i++) {
        const struct rw_simulate_type *type = &rw_simulate_types(model)[i];
        const double numbers[] = {type->cores, type->least, type->most, type->price_per_hour};
        struct rw_doc_cell *cells = rw_doc_row(page->doc, table);
        rw_doc_words(page->doc, &cells[0], type->name);
        for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++)
            rw_doc_number(&cells[k + 1], numbers[k], RW_DOC_NO_FIGURE);
    }
}

static void put_method(const struct page *page)
{
    bool exact = page->sheet->model->method == RW_SIMULATE_EXACT;
    rw_doc_section(page->doc, 1, RW_TEXTS("How it was simulated", "模拟方法"));
    rw_doc_paragraph(
        page->doc,
        exact ? RW_TEXTS("Every request is an event: it comes, waits for a core, goes to the "
                         "origin, is answered or fails.",
                         "每个请求都是一个事件：到达、等待处理器、访问后端、应答或失败。")
              : RW_TEXTS("The fleet second by second; of each second some requests on one node of "
                         "each kind, which stand for all. Arrivals are independent of each other.",
                         "集群逐秒模拟；每秒在每类节点中取一个，模拟其部分请求，代表全部。"
                         "请求到达相互独立。"),
        NULL, 0);
    rw_doc_paragraph(
        page->doc,
        RW_TEXTS("The same file and seed give the same page. What is not in the file is not in the "
                 "model: the network between nodes, other load on them, people who act.",
                 "同一文件与种子得到同一页面。文件中没有的，模型中也没有：节点间网络、其他负载、"
                 "人工干预。"),
        NULL, 0);
}

void rw_simulate_report_html(const struct rw_simulate_sheet *sheet, enum rw_language language,
                             struct rw_text *text)
{
    struct rw_doc doc;
    rw_doc_init(&doc, language);
    const struct page page = {&doc, sheet, &sheet->run->results[0].ledger};
    doc.title = say(&page, RW_TEXTS("Simulation", "仿真报告"));
    doc.subtitle = rw_doc_copy(&doc, sheet->model->name.len ? sheet->model->name
                                                            : rw_span_text(sheet->model->path));
    put_verdicts(&page);
    put_metrics(&page);
    put_table(&page, RW_TEXTS("Why requests failed", "请求失败原因"), RW_SIMULATE_CAUSE_COUNT,
              cause_name, cause_value, RW_UNIT_COUNT);
    put_table(&page, RW_TEXTS("What limited, and for how long", "受限原因与时长"),
              RW_SIMULATE_LIMIT_COUNT, limit_name, limit_value, RW_UNIT_SECONDS);
    put_charts(&page);
    put_method(&page);
    put_costs(&page);
    put_types(&page);
    enum rw_err err = rw_doc_finish(&doc);
    if (!err)
        err = rw_report_html(&doc, text);
    if (err)
        text->err = err;
    rw_doc_free(&doc);
}
