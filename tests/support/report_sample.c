#include "support/report_sample.h"

#define SAY(doc, zh_, en_) rw_span_text((doc)->language == RW_LANGUAGE_ZH ? (zh_) : (en_))
#define NONE ((struct rw_span){"", 0})

static unsigned figures[8]; /* users, price, hours, nodes, cost, budget, recovery, share */
enum { USERS, PRICE, HOURS, NODES, COST, BUDGET, RECOVERY, SHARE };

static unsigned add(struct rw_doc *doc, const char *id, struct rw_span label, const char *value,
                    double number, enum rw_doc_origin origin, struct rw_span source)
{
    struct rw_doc_figure figure = {.id = rw_span_text(id),
                                   .label = label,
                                   .value = rw_span_text(value),
                                   .number = number,
                                   .origin = origin,
                                   .source = source};
    return rw_doc_figure(doc, &figure);
}

static void add_figures(struct rw_doc *doc, struct rw_span customer)
{
    figures[USERS] = add(doc, "intake.users", SAY(doc, "注册用户", "Registered users"), "5,000,000",
                         5e6, RW_DOC_GIVEN, RW_LITERAL("intake.yaml:12:10"));
    figures[PRICE] = add(doc, "data.price.vm", SAY(doc, "通用虚机单价", "Price of a machine"),
                         "0.3520 USD/h", 0.352, RW_DOC_DATA, RW_LITERAL("price list, 2026-07-20"));
    figures[HOURS] = add(doc, "data.hours", SAY(doc, "每年小时数", "Hours a year"), "8,760", 8760,
                         RW_DOC_DATA, NONE);
    figures[NODES] = add(
        doc, "sizing.nodes", SAY(doc, "节点数", "Nodes"), "24", 24, RW_DOC_ASSUMED,
        SAY(doc, "未给出：按每核每秒 500 次请求估算", "not given: 500 requests a second and core"));
    struct rw_doc_figure cost = {
        .id = RW_LITERAL("money.cost"),
        .label = SAY(doc, "每年费用", "Cost a year"),
        .value = RW_LITERAL("74,004.48 USD"),
        .number = 7400448,
        .origin = RW_DOC_COMPUTED,
        .formula = SAY(doc, "节点数 × 通用虚机单价 × 每年小时数",
                       "Nodes × Price of a machine × Hours a year"),
        .inputs = (unsigned[]){figures[NODES], figures[PRICE], figures[HOURS]},
        .input_count = doc->err ? 0 : 3,
    };
    figures[COST] = rw_doc_figure(doc, &cost);
    figures[BUDGET] =
        add(doc, "intake.budget", customer, "60,000.00 USD", 6e6, RW_DOC_GIVEN, customer);
    figures[RECOVERY] = add(doc, "verify.recovery", SAY(doc, "恢复时间", "Recovery time"), "41 s",
                            41, RW_DOC_MEASURED, RW_LITERAL("ringway verify, 2026-11-01"));
    figures[SHARE] = add(doc, "intake.share", SAY(doc, "云资源占比", "Share of cloud resources"),
                         "80%", 0.8, RW_DOC_GIVEN, RW_LITERAL("intake.yaml:30:3"));
}

static void add_summary(struct rw_doc *doc, struct rw_span customer)
{
    struct rw_doc_argument budget[] = {RW_DOC_FIGURE(figures[COST]), RW_DOC_FIGURE(figures[BUDGET]),
                                       RW_DOC_TEXT(customer)};
    rw_doc_section(doc, 1, (struct rw_label)RW_LABEL("Executive summary", "执行摘要"));
    rw_doc_note(doc, RW_DOC_BAD, SAY(doc, "现有预算不够", "The budget does not reach"),
                (struct rw_label)RW_LABEL("{2}: a year costs {0}, and {1} are there.",
                                          "{2}：每年需要 {0}，而预算为 {1}。"),
                budget, 3);
    rw_doc_note(
        doc, RW_DOC_GOOD, SAY(doc, "负载可以承受", "The load can be carried"),
        (struct rw_label)RW_LABEL("{0} users on **{1}** nodes.", "{0} 用户由 **{1}** 个节点承载。"),
        (struct rw_doc_argument[]){RW_DOC_FIGURE(figures[USERS]), RW_DOC_TEXT(customer)}, 2);
    rw_doc_note(doc, RW_DOC_WARNING, NONE,
                (struct rw_label)RW_LABEL("Measured: {0}.", "实测：{0}。"),
                (struct rw_doc_argument[]){RW_DOC_FIGURE(figures[RECOVERY])}, 1);
    rw_doc_metric(doc, RW_DOC_BAD, SAY(doc, "每年费用", "Cost a year"), figures[COST], customer);
    rw_doc_metric(doc, RW_DOC_GOOD, SAY(doc, "恢复时间", "Recovery"), figures[RECOVERY],
                  SAY(doc, "目标 60 秒", "goal: 60 s"));
    rw_doc_metric(doc, RW_DOC_NEUTRAL, SAY(doc, "云资源占比", "Cloud share"), figures[SHARE], NONE);
    rw_doc_paragraph(doc, (struct rw_label)RW_LABEL("A paragraph for {0}.", "写给 {0} 的一段话。"),
                     (struct rw_doc_argument[]){RW_DOC_TEXT(customer)}, 1);
    for (int i = 0; i < 2; i++)
        rw_doc_item(doc, (struct rw_label)RW_LABEL("**An item** for {0}", "**条目**：{0}"),
                    (struct rw_doc_argument[]){RW_DOC_TEXT(customer)}, 1);
}

static void add_bill_row(struct rw_doc *doc, struct rw_doc_table *table, struct rw_span name,
                         double count, double cents, enum rw_doc_tone tone)
{
    struct rw_doc_cell *cells = rw_doc_row(doc, table);
    rw_doc_words(doc, &cells[0], name);
    rw_doc_number(&cells[1], count, figures[NODES]);
    rw_doc_number(&cells[2], 0.25, RW_DOC_NO_FIGURE);
    rw_doc_words(doc, &cells[3], SAY(doc, "已取证", "evidenced"));
    cells[3].tone = tone;
    rw_doc_number(&cells[4], cents, figures[COST]);
}

static void add_bill(struct rw_doc *doc, struct rw_span customer, double missing)
{
    struct rw_doc_table *table =
        rw_doc_table(doc, SAY(doc, "物料清单", "Bill of materials"), RW_LITERAL("USD"));
    rw_doc_column(doc, table, RW_DOC_WORDS, SAY(doc, "项目", "Item"), NONE);
    rw_doc_column(doc, table, RW_DOC_NUMBER, SAY(doc, "数量", "Quantity"), RW_LITERAL("pcs"));
    rw_doc_column(doc, table, RW_DOC_SHARE, SAY(doc, "占比", "Share"), NONE)->decimals = 1;
    rw_doc_column(doc, table, RW_DOC_STATUS, SAY(doc, "状态", "State"), NONE);
    rw_doc_column(doc, table, RW_DOC_MONEY, SAY(doc, "金额", "Amount"), customer);
    rw_doc_group(doc, table, SAY(doc, "计算", "Computing"));
    add_bill_row(doc, table, SAY(doc, "虚机", "Machines"), 24, 7400448, RW_DOC_GOOD);
    add_bill_row(doc, table, customer, 3, 12345, RW_DOC_WARNING);
    add_bill_row(doc, table, SAY(doc, "折扣", "Discount"), 1, -99, RW_DOC_BAD);
    rw_doc_group(doc, table, customer);
    add_bill_row(doc, table, SAY(doc, "专线", "Interconnect"), 2, missing, RW_DOC_INFORMATION);
    rw_doc_total(doc, table);
}

static void add_money_charts(struct rw_doc *doc, struct rw_span customer)
{
    const enum rw_doc_chart_kind kinds[] = {RW_DOC_BARS, RW_DOC_STACKED, RW_DOC_LINES};
    for (size_t kind = 0; kind < 3; kind++) {
        struct rw_doc_chart *chart = rw_doc_chart(
            doc, kinds[kind], SAY(doc, "三档方案的费用", "Cost of the tiers"), RW_LITERAL("USD"));
        chart->money = true;
        rw_doc_series(doc, chart, SAY(doc, "云资源", "Cloud resources"));
        rw_doc_series(doc, chart, SAY(doc, "托管服务", "Managed services"));
        rw_doc_series(doc, chart, customer);
        const char *names[] = {"T1", "T2", "T3"};
        for (size_t i = 0; i < 3; i++) {
            struct rw_doc_point *point = rw_doc_point(doc, chart, rw_span_text(names[i]));
            point->values[0] = 8e8 * (double)(i + 1);
            point->values[1] = 2e8 * (double)(i + 1);
            point->values[2] = kind == 1 ? -3e8 : 1.5e8;
        }
        rw_doc_mark(doc, chart, SAY(doc, "预算", "Budget"), 2e9, RW_DOC_BAD);
    }
}

static void add_span_charts(struct rw_doc *doc, struct rw_span customer)
{
    struct rw_doc_chart *tornado =
        rw_doc_chart(doc, RW_DOC_TORNADO, SAY(doc, "敏感性", "Sensitivity"), RW_LITERAL("USD"));
    tornado->money = true;
    tornado->base = 5e8;
    rw_doc_series(doc, tornado, SAY(doc, "下限", "Low"));
    rw_doc_series(doc, tornado, SAY(doc, "上限", "High"));
    for (int i = 0; i < 4; i++) {
        struct rw_doc_point *point = rw_doc_point(
            doc, tornado, i == 1 ? customer : SAY(doc, "每请求 CPU 时间", "CPU time of a request"));
        point->low = 5e8 - 4e8 / (i + 1);
        point->high = 5e8 + 5e8 / (i + 1);
    }
    struct rw_doc_chart *range = rw_doc_chart(
        doc, RW_DOC_RANGE, SAY(doc, "净现值的分布", "Range of the NPV"), RW_LITERAL("USD"));
    range->money = true;
    rw_doc_series(doc, range, rw_doc_word(doc, RW_SAY_HOW_OFTEN));
    for (int i = 0; i < 20; i++) {
        struct rw_doc_point *point = rw_doc_point(doc, range, rw_doc_format(doc, "%d", i + 1));
        point->low = -2e8 + i * 5e7;
        point->high = point->low + 5e7;
        point->values[0] = 1000 * exp(-(i - 9.0) * (i - 9.0) / 18);
    }
    rw_doc_mark(doc, range, RW_LITERAL("P5"), -5e7, RW_DOC_WARNING);
    rw_doc_mark(doc, range, customer, 2.6e8, RW_DOC_NEUTRAL);
}

static void add_gantt(struct rw_doc *doc, struct rw_span customer)
{
    const double spans[][2] = {{0, 60}, {60, 150}, {150, 270}, {200, 290}, {290, 320}};
    struct rw_doc_chart *gantt =
        rw_doc_chart(doc, RW_DOC_GANTT, SAY(doc, "路线图", "Roadmap"), NONE);
    gantt->day_zero = 20777;
    for (size_t i = 0; i < 5; i++) {
        struct rw_doc_point *point =
            rw_doc_point(doc, gantt, i == 2 ? customer : SAY(doc, "评估与规划", "Assessment"));
        point->low = spans[i][0];
        point->high = spans[i][1];
        point->strong = i != 3;
        point->note = RW_LITERAL("10%");
    }
    rw_doc_mark(doc, gantt, SAY(doc, "客户日期", "Customer's date"), 250, RW_DOC_BAD);
}

static void add_diagram(struct rw_doc *doc, struct rw_span customer)
{
    struct rw_doc_diagram *diagram =
        rw_doc_diagram(doc, SAY(doc, "目标架构", "Architecture afterwards"));
    struct rw_doc_zone *outside = rw_doc_zone(doc, diagram, NULL, RW_DOC_OUTSIDE, customer);
    struct rw_doc_zone *cloud = rw_doc_zone(doc, diagram, NULL, RW_DOC_PROVIDER, RW_LITERAL("AWS"));
    struct rw_doc_zone *region =
        rw_doc_zone(doc, diagram, cloud, RW_DOC_REGION, RW_LITERAL("cn-north-1"));
    region->residency = RW_LITERAL("CN");
    struct rw_doc_box *users = rw_doc_box(doc, diagram, outside, SAY(doc, "用户", "Users"), NONE);
    struct rw_doc_box *before = NULL;
    for (int i = 0; i < 2; i++) {
        struct rw_doc_zone *zone = rw_doc_zone(doc, diagram, region, RW_DOC_FAILURE_DOMAIN,
                                               rw_doc_format(doc, "cn-north-1%c", 'a' + i));
        struct rw_doc_box *gateway =
            rw_doc_box(doc, diagram, zone, RW_LITERAL("Ringway"), SAY(doc, "4 节点", "4 nodes"));
        struct rw_doc_box *application = rw_doc_box(doc, diagram, zone, customer, customer);
        struct rw_doc_box *data = rw_doc_box(doc, diagram, zone, RW_LITERAL("MySQL 8.0"), NONE);
        gateway->change = RW_DOC_ADDED;
        application->change = i ? RW_DOC_RETIRED : RW_DOC_KEPT;
        rw_doc_link(doc, diagram, users, gateway, RW_LITERAL("HTTPS"));
        rw_doc_link(doc, diagram, gateway, application, NONE);
        rw_doc_link(doc, diagram, application, data, customer);
        if (before)
            rw_doc_link(doc, diagram, before, data, SAY(doc, "复制", "replication"))->beside = true;
        before = data;
    }
}

enum rw_err rw_report_sample(struct rw_doc *doc, struct rw_span customer)
{
    doc->title = rw_doc_copy(doc, SAY(doc, "迁移方案", "A proposal"));
    doc->subtitle = rw_doc_copy(doc, customer);
    doc->customer = rw_doc_copy(doc, customer);
    doc->date = RW_LITERAL("2026-11-20");
    add_figures(doc, customer);
    add_summary(doc, customer);
    rw_doc_section(doc, 1, (struct rw_label)RW_LABEL("Money", "费用"));
    rw_doc_section(doc, 2, (struct rw_label)RW_LABEL("What is bought", "采购内容"));
    add_bill(doc, customer, 5000001);
    add_bill(doc, customer, NAN);
    add_money_charts(doc, customer);
    add_span_charts(doc, customer);
    rw_doc_section(doc, 1, (struct rw_label)RW_LABEL("Roadmap and architecture", "路线图与架构"));
    add_gantt(doc, customer);
    add_diagram(doc, customer);
    rw_doc_section(doc, 1, (struct rw_label)RW_LABEL("All figures", "全部数字"));
    rw_doc_all_figures(doc);
    return rw_doc_finish(doc);
}
