/* Intakes: YAML in both languages, the questionnaire as text, what is told about mistakes. */
#include "base/alloc.h"
#include "conf/file.h"
#include "plan/intake/intake.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum rw_err read_text(const char *text, struct rw_intake *intake,
                             struct rw_conf_report *report)
{
    *report = (struct rw_conf_report){0};
    return rw_intake_read_text(rw_span_text(text), "intake.yaml", intake, report);
}

static void assert_reads(const char *text, struct rw_intake *intake)
{
    struct rw_conf_report report;
    enum rw_err err = read_text(text, intake, &report);
    struct rw_text told = {0};
    rw_conf_report_print(&report, &told);
    if (told.len)
        print_message("%s", told.at);
    rw_text_free(&told);
    assert_int_equal(err, RW_OK);
}

static const char *const forms[] = {
    "intake: ringway/1\n"
    "load:\n"
    "  users: 500万+\n"
    "  think_time: {assume: 20s, because: pilot}\n"
    "  service_time: {value: 3ms, measured: load.json}\n"
    "money:\n"
    "  tiers: [1000万美金, $20M, 4000万美金]\n"
    "  budget: unknown\n"
    "components:\n"
    "  - name: MySQL\n"
    "    version: 8.0\n"
    "  - {name: Kafka, version: '3.2'}\n"
    "constraints:\n"
    "  compliance: GDPR\n",
    "需求: ringway/1\n"
    "业务规模:\n"
    "  用户量: 500万+\n"
    "  思考时间: {假设: 20秒, 理由: pilot}\n"
    "  服务时间: {值: 3毫秒, 实测: load.json}\n"
    "预算限制:\n"
    "  三档预算: [1000万美金, $20M, 4000万美金]\n"
    "  总预算: 未知\n"
    "关键组件:\n"
    "  - 名称: MySQL\n"
    "    版本: 8.0\n"
    "  - {名称: Kafka, 版本: '3.2'}\n"
    "特殊要求:\n"
    "  合规性: [GDPR]\n",
};

static void test_yaml(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rw_intake intake;
        assert_reads(forms[i], &intake);
        const struct rw_intake_value *users = rw_intake_get(&intake, "load.users");
        assert_true(users->there && users->origin == RW_ORIGIN_GIVEN);
        assert_true(rw_intake_number(users) == 5e6);
        assert_int_equal(users->amount.bound, RW_BOUND_AT_LEAST);
        assert_int_equal(users->place.line, 3);
        assert_int_equal(users->place.column, i == 0 ? 10 : 8);
        const struct rw_intake_value *think = rw_intake_get(&intake, "load.think_time");
        assert_int_equal(think->origin, RW_ORIGIN_ASSUMED);
        assert_string_equal(think->reason.en, "pilot");
        const struct rw_intake_value *service = rw_intake_get(&intake, "load.service_time");
        assert_int_equal(service->origin, RW_ORIGIN_MEASURED);
        assert_string_equal(service->source, "load.json");
        assert_true(rw_intake_number(service) == 0.003);
        assert_int_equal(rw_intake_get(&intake, "money.tiers")->count, 3);
        assert_true(rw_intake_get(&intake, "money.budget")->unknown);
        size_t count;
        const struct rw_intake_row *rows = rw_intake_rows(&intake, "components", &count);
        assert_int_equal(count, 2);
        assert_true(rw_span_is(rw_intake_in(&rows[0], "version")->text, "8.0"));
        assert_true(rw_span_is(rw_intake_in(&rows[1], "name")->text, "Kafka"));
        assert_int_equal(rw_intake_get(&intake, "constraints.compliance")->count, 1);
        assert_false(rw_intake_get(&intake, "goal.latency")->there);
        assert_true(isnan(rw_intake_number(rw_intake_get(&intake, "goal.latency"))));
        rw_intake_free(&intake);
    }
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"", "intake.yaml:1:1: this is no intake: its first line is \"intake: ringway/1\"\n"},
        {"listeners: []\n",
         "intake.yaml:1:1: this is no intake: its first line is \"intake: ringway/1\"\n"},
        {"intake: ringway/9\n", "intake.yaml:1:9: an intake of version \"ringway/9\"; this program "
                                "reads ringway/1\n"},
        {"intake: ringway/1\nlod:\n  users: 5\n",
         "intake.yaml:2:1: unknown section \"lod\"; did you mean \"load\"?\n"},
        {"intake: ringway/1\nload:\n  user: 5\n",
         "intake.yaml:3:3: unknown field \"user\"; did you mean \"users\"?\n"},
        {"intake: ringway/1\nload:\n  用户料: 5\n",
         "intake.yaml:3:3: unknown field \"用户料\"; did you mean \"用户数\"?\n"},
        {"intake: ringway/1\nload: {users: 5\n",
         "intake.yaml:3:1: load: not YAML: missing comma in flow mapping\n"},
        {"需求: ringway/1\n负载: {用户数: 5\n",
         "intake.yaml:3:1: 负载: 不是有效的 YAML：{} 内的各项之间缺少逗号，或缺少右括号\n"},
        {"需求: ringway/1\n负载:\n  用户数：5\n  峰值: 3\n",
         "intake.yaml:3:3: 负载: 不是有效的 YAML：键不能跨行：缺少冒号“:”（半角，其后须有空格）\n"},
        {"需求: ringway/1\n需求: ringway/1\n",
         "intake.yaml:2:1: 键 \"需求\" 重复；首次出现在第 1 行\n"},
        {"需求: ringway/1\n负载: 5\n", "intake.yaml:2:5: “业务规模”一节由字段组成：“名称: 值”\n"},
        {"intake: ringway/1\nload:\n  users: 5\n  用户量: 6\n",
         "intake.yaml:4:3: users is there twice; first in line 3\n"},
        {"intake: ringway/1\nload:\n  users: 80TB\n  peak_rate: fast\n",
         "intake.yaml:3:10: users: \"80TB\": this measures something else; expected a number, such "
         "as 5000 or 500万+\n"
         "intake.yaml:4:14: peak_rate: \"fast\": a number was expected here; expected a number, "
         "such as 5000 or 500万+\n"},
        {"intake: ringway/1\ndata:\n  stored: \"80TBB\"\n",
         "intake.yaml:3:14: stored: \"TBB\": this unit is unknown; did you mean \"TB\"?; expected a "
         "size, such as 80TB or 10TB/day\n"},
        {"intake: ringway/1\ngoal:\n  availability: 120%\n",
         "intake.yaml:3:17: availability: a share is at most 100%, not \"120%\"\n"},
        {"intake: ringway/1\nload: 5\n",
         "intake.yaml:2:7: section \"load\" is a group of fields: \"name: value\"\n"},
        {"intake: ringway/1\nsites: {name: x}\n",
         "intake.yaml:2:8: section \"sites\" is a list: begin each entry with \"- \"\n"},
        {"intake: ringway/1\nload:\n  users: [1, 2]\n",
         "intake.yaml:3:14: users: one value, not a list\n"},
        {"intake: ringway/1\nload:\n  users: {assume: 5}\n",
         "intake.yaml:3:10: an assumption needs its reason: \"because\"\n"},
        {"intake: ringway/1\nload:\n  users: {because: x}\n",
         "intake.yaml:3:10: either \"value\" or \"assume\" was expected here\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_intake intake;
        struct rw_conf_report report;
        assert_int_equal(read_text(cases[i].text, &intake, &report), RW_EINVAL);
        struct rw_text told = {0};
        rw_conf_report_print(&report, &told);
        assert_string_equal(told.at, cases[i].told);
        rw_text_free(&told);
        rw_intake_free(&intake);
    }
}

/* Every line of the template, with its # taken away, is right. */
static void test_template(void **state)
{
    (void)state;
    for (int language = RW_LANGUAGE_EN; language <= RW_LANGUAGE_ZH; language++) {
        struct rw_text template = {0}, filled = {0};
        struct rw_intake intake;
        rw_intake_write_template((enum rw_language)language, &template);
        rw_assert(template.at);
        assert_reads(template.at, &intake);
        rw_intake_free(&intake);
        struct rw_span rest = rw_text_span(&template);
        while (rest.len) {
            const char *end = memchr(rest.at, '\n', rest.len);
            size_t len = end ? (size_t)(end - rest.at) + 1 : rest.len;
            struct rw_span line = rw_span(rest.at, len);
            rest = rw_span_skip(rest, len);
            bool value = rw_span_starts(line, RW_LITERAL("  #")) && line.len > 4 &&
                         (line.at[3] != ' ' || line.at[4] == ' ');
            rw_text_adds(&filled, value ? "  " : "");
            rw_text_add(&filled, value ? rw_span_skip(line, 3) : line);
        }
        assert_reads(filled.at, &intake);
        for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++) {
            assert_int_equal(intake.rows[i].count, 1);
            const struct rw_intake_row *row = &intake.rows[i].at[0];
            for (unsigned f = 0; f < rw_intake_field_count(row->section); f++)
                if (!row->values[f].there && row->values[f].field->example.en &&
                    *row->values[f].field->example.en)
                    fail_msg("%s", rw_intake_field_name(row->values[f].field));
        }
        rw_intake_free(&intake);
        rw_text_free(&template);
        rw_text_free(&filled);
    }
}

/* Names are unique within their section, in both languages. */
static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++) {
        const struct rw_intake_section *section = &rw_intake_sections[i];
        struct rw_span rest = rw_span_text(section->keys), word;
        assert_ptr_equal(rw_intake_find_section(rw_span_text(section->name)), section);
        while (rw_intake_next_word(&rest, &word))
            assert_ptr_equal(rw_intake_find_section(word), section);
        assert_true(rw_intake_field_count(section) <= RW_INTAKE_FIELDS_MAX);
        for (const struct rw_intake_field *field = section->fields; !rw_intake_field_ends(field);
             field++) {
            print_message("%s.%s\n", section->name, rw_intake_field_name(field));
            assert_ptr_equal(
                rw_intake_find_field(section, rw_span_text(rw_intake_field_name(field))), field);
            rest = rw_span_text(field->keys);
            while (rw_intake_next_word(&rest, &word))
                assert_ptr_equal(rw_intake_find_field(section, word), field);
            struct rw_label label = rw_intake_field_label(field);
            assert_true(label.en && label.zh);
            if (field->is_input)
                assert_int_equal(strncmp(rw_input_entry(field->input)->id + 7, section->name,
                                         strlen(section->name)),
                                 0);
        }
    }
}

/* Each input of the plan can be given. */
static void test_inputs(void **state)
{
    (void)state;
    bool seen[RW_INPUT_END] = {false};
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++)
        for (const struct rw_intake_field *field = rw_intake_sections[i].fields;
             !rw_intake_field_ends(field); field++)
            if (field->is_input)
                seen[field->input] = true;
    for (unsigned input = 0; input < RW_INPUT_END; input++)
        if (!seen[input])
            fail_msg("%s has no line in src/plan/intake/schema_*.c",
                     rw_input_entry((enum rw_input)input)->id);
}

static void test_schema(void **state)
{
    (void)state;
    struct rw_text schema = {0};
    rw_intake_write_schema(&schema);
    json_error_t error;
    json_t *json = json_loads(schema.at, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg("%s at %d", error.text, error.position);
    json_decref(json);
    rw_text_free(&schema);
}

static const char questionnaire[] = "### 一、行业背景\n"
                                    "[客户行业]：__(零售)__\n"
                                    "- **细分场景**：跨境电商\n"
                                    "- **业务规模**：\n"
                                    "  - 用户量：C端 __(300万+)__ | B端 __(例：2000+企业客户)__\n"
                                    "  - 数据量：日均处理 2TB，峰值QPS 5000+\n"
                                    "- **业务连续性要求**：允许最大停机时间 <15分钟/季度\n"
                                    "[当前痛点]：\n"
                                    "- 问题现象：API响应延迟2秒\n"
                                    "[核心目标]：\n"
                                    "- 主要目标：\n"
                                    "  - 时间：2027 Q3前完成\n"
                                    "  - 指标：API P99延迟<500ms\n"
                                    "[预算限制]：\n"
                                    "- 总预算：$250万\n"
                                    "- 分配比例：\n"
                                    "    - 云资源采购 __(45%)__\n"
                                    "    - 应急储备 __(10%)__\n"
                                    "[特殊要求]：\n"
                                    "- 技术SLA：99.95%可用性，故障恢复时间<1小时\n"
                                    "- 支持SLA：7x24中文支持，现场工程师2小时到场\n";

static void test_questionnaire(void **state)
{
    (void)state;
    struct rw_intake intake;
    assert_reads(questionnaire, &intake);
    assert_true(intake.questionnaire);
    static const struct {
        const char *path;
        double value;
        unsigned line, column;
    } expected[] = {
        {"load.users", 3e6, 5, 15},           {"load.peak_rate", 5000, 6, 24},
        {"data.per_day", 2e12, 6, 14},        {"goal.downtime", 900, 7, 24},
        {"goal.latency", 0.5, 13, 17},        {"money.budget", 2.5e6, 15, 7},
        {"goal.availability", 0.9995, 20, 9}, {"goal.recovery_time", 3600, 20, 25},
        {"service.hours", 604800, 21, 9},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        const struct rw_intake_value *value = rw_intake_get(&intake, expected[i].path);
        print_message("%s = %.*s at %u:%u\n", expected[i].path, RW_SPAN_ARGS(value->text),
                      value->place.line, value->place.column);
        assert_true(value->there);
        assert_true(rw_intake_number(value) == expected[i].value);
        assert_int_equal(value->place.line, expected[i].line);
        assert_int_equal(value->place.column, expected[i].column);
    }
    assert_false(rw_intake_get(&intake, "profile.business_users")->there); /* a hint */
    assert_true(rw_span_is(rw_intake_text(&intake, "profile.industry"), "零售"));
    assert_true(rw_intake_get(&intake, "goal.latency")->amount.percentile == 0.99);
    assert_true(rw_intake_get(&intake, "goal.deadline")->amount.dimension == RW_DIMENSION_DATE);
    size_t count;
    const struct rw_intake_row *shares = rw_intake_rows(&intake, "shares", &count);
    assert_int_equal(count, 1); /* the reserve's 10% is still the hint */
    assert_true(rw_span_is(rw_intake_in(&shares[0], "name")->text, "云资源采购"));
    assert_true(rw_intake_number(rw_intake_in(&shares[0], "share")) == 0.45);
    rw_intake_free(&intake);
}

static void compare(const struct rw_intake *a, const struct rw_intake *b)
{
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++) {
        assert_int_equal(a->rows[i].count, b->rows[i].count);
        for (size_t row = 0; row < a->rows[i].count; row++)
            for (unsigned f = 0; f < rw_intake_field_count(&rw_intake_sections[i]); f++) {
                const struct rw_intake_value *x = &a->rows[i].at[row].values[f],
                                             *y = &b->rows[i].at[row].values[f];
                assert_int_equal(x->there, y->there);
                assert_int_equal(x->unknown, y->unknown);
                assert_int_equal(x->count, y->count);
                if (!x->there)
                    continue;
                assert_int_equal(x->origin, y->origin);
                assert_int_equal(x->amount.dimension, y->amount.dimension);
                assert_true(x->amount.high == y->amount.high);
                assert_true(x->amount.per == y->amount.per);
                assert_true(x->amount.percentile == y->amount.percentile);
            }
    }
}

/* An empty questionnaire before or behind the answers is none; a second customer is told. */
static void test_two_customers(void **state)
{
    (void)state;
    static const char empty[] = "[客户行业]：__(保险/政府/航空/零售等)__\n[核心目标]：\n"
                                "- 主要指标：在__(3个月/6个月)__内达成__(目标如「SLA 99.95%」)__\n";
    static const char first[] = "[客户行业]：保险\n- 业务规模：用户量200万+\n";
    static const char second[] = "[客户行业]：航空\n- 业务规模：用户量50+\n";
    char text[2048];
    struct rw_intake intake;
    struct rw_conf_report report = {0};
    snprintf(text, sizeof(text), "%s=====\n\n%s===!!!\n%s", empty, first, empty);
    assert_reads(text, &intake);
    assert_true(rw_intake_number(rw_intake_get(&intake, "load.users")) == 2e6);
    rw_intake_free(&intake);
    snprintf(text, sizeof(text), "%s%s%s", empty, first, second);
    enum rw_err err = rw_intake_read_text(rw_span_text(text), "x", &intake, &report);
    assert_int_equal(err, RW_EINVAL);
    assert_int_equal(report.count, 1);
    assert_int_equal(report.mistakes[0].place.line, 6);
    static const char there[] = "首次在第 4 行";
    assert_non_null(memmem(report.mistakes[0].message.at, report.mistakes[0].message.len, there,
                           sizeof(there) - 1));
    rw_intake_free(&intake);
}

/* Written as YAML, the questionnaire reads back as the same, in both languages. */
static void test_round_trip(void **state)
{
    (void)state;
    for (int language = RW_LANGUAGE_EN; language <= RW_LANGUAGE_ZH; language++) {
        struct rw_intake intake, again;
        struct rw_text yaml = {0};
        assert_reads(questionnaire, &intake);
        rw_intake_write_yaml(&intake, (enum rw_language)language, &yaml);
        assert_reads(yaml.at, &again);
        assert_false(again.questionnaire);
        compare(&intake, &again);
        rw_intake_free(&again);
        rw_intake_free(&intake);
        rw_text_free(&yaml);
    }
}

static void test_gaps(void **state)
{
    (void)state;
    struct rw_intake intake;
    struct rw_text gaps = {0};
    assert_reads("intake: ringway/1\nload: {users: unknown, think_time: {assume: 9s, because: "
                 "pilot}}\ncomponents: [{name: Kafka}]\n",
                 &intake);
    rw_intake_write_gaps(&intake, RW_LANGUAGE_EN, &gaps);
    assert_non_null(strstr(gaps.at, "load.users (Registered users): not known: accounts"));
    assert_non_null(strstr(gaps.at, "load.think_time (Think time): assumed 9s: pilot\n"));
    assert_non_null(strstr(gaps.at, "components[0].version (Version): not given: its support"));
    assert_non_null(strstr(gaps.at, "load.growth (Growth a year): assumed 20"));
    rw_text_free(&gaps);
    rw_intake_free(&intake);
}

/* As they are, the questionnaires say nothing. Every blank of theirs, filled in with words that
 * nothing else has, comes out somewhere: in a field or among what was not understood. */
static void fill_in(struct rw_span text, struct rw_text *filled, unsigned *blanks)
{
    static const char *const words[] = {"天", "地", "玄", "黄", "宇", "宙", "洪", "荒", "盈", "昃"};
    *blanks = 0;
    while (text.len) {
        const char *mark = memmem(text.at, text.len, "__(", 3);
        size_t len = mark ? (size_t)(mark - text.at) : text.len;
        rw_text_add(filled, rw_span(text.at, len));
        text = rw_span_skip(text, len);
        if (!mark)
            return;
        const char *line = memchr(text.at, '\n', text.len);
        const char *end = memmem(text.at + 2, text.len - 2, "__", 2);
        rw_text_addf(filled, "__(甲%s%s乙)__", words[*blanks / 10], words[*blanks % 10]);
        ++*blanks;
        assert_non_null(line);
        text = rw_span_skip(text, (size_t)((end && end < line ? end + 2 : line) - text.at));
    }
}

static void assert_all_there(const struct rw_text *filled, const char *shown)
{
    struct rw_span rest = rw_text_span(filled);
    const char *mark;
    while (rest.len && (mark = memmem(rest.at, rest.len, "__(", 3))) {
        char word[16] = {0};
        memcpy(word, mark + 3, 12);
        if (!strstr(shown, word))
            fail_msg("%s is lost", word);
        rest = rw_span_skip(rest, (size_t)(mark - rest.at) + 3);
    }
}

static void test_nothing_is_lost(void **state)
{
    (void)state;
    static const char *const files[] = {"tests/fuzz/corpus/plan_intake/questionnaire_short.txt",
                                        "tests/fuzz/corpus/plan_intake/questionnaire_long.txt"};
    for (size_t i = 0; i < 2; i++) {
        struct rw_text text = {0}, filled = {0}, shown = {0};
        struct rw_intake intake;
        unsigned blanks;
        assert_int_equal(rw_conf_slurp(files[i], 1 << 20, false, &text), RW_OK);
        assert_reads(text.at, &intake);
        for (size_t section = 0; section < RW_INTAKE_SECTIONS; section++)
            for (size_t row = 0; row < intake.rows[section].count; row++)
                for (unsigned f = 0; f < rw_intake_field_count(&rw_intake_sections[section]); f++)
                    assert_false(intake.rows[section].at[row].values[f].there);
        rw_intake_free(&intake);
        fill_in(rw_text_span(&text), &filled, &blanks);
        assert_true(blanks > 30);
        assert_reads(filled.at, &intake);
        rw_intake_write_yaml(&intake, RW_LANGUAGE_EN, &shown);
        rw_intake_write_gaps(&intake, RW_LANGUAGE_EN, &shown);
        assert_all_there(&filled, shown.at);
        rw_intake_free(&intake);
        rw_text_free(&text);
        rw_text_free(&filled);
        rw_text_free(&shown);
    }
}

static void run_failing(const char *text, uint64_t nth, bool *done)
{
    struct rw_intake intake;
    struct rw_conf_report report = {0};
    uint64_t before = rw_alloc_count();
    rw_alloc_fail_once(nth);
    enum rw_err err = rw_intake_read_text(rw_span_text(text), "x", &intake, &report);
    rw_alloc_fail_never();
    *done = rw_alloc_count() - before <= nth;
    assert_true(*done ? err == RW_OK || err == RW_EINVAL : err == RW_ENOMEM || err == RW_OK);
    rw_intake_free(&intake);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    static const char *const texts[] = {
        questionnaire,
        "intake: ringway/1\nload: {users: [1, 2], pek: 5}\nsites: [{name: a}, {name: b}]\n"
        "money: {tiers: [$1, $2]}\ngoal: {latency: {assume: 5ms, because: x}}\n"};
    for (size_t i = 0; i < 2; i++) {
        bool done = false;
        for (uint64_t nth = 0; !done && nth < 10000; nth++)
            run_failing(texts[i], nth, &done);
        assert_true(done);
    }
}

/* Who writes Chinese keys is told in Chinese, unless another language was asked for. */
static void test_chinese_mistakes(void **state)
{
    (void)state;
    static const char text[] = "需求: ringway/1\n"
                               "业务规模: {用户数量级: 5, 用户量: 500 widgets, 峰值速率: -1}\n"
                               "目标: {可用性: 150%, 完成时间: 2027-02-30}\n"
                               "预算: {总预算: 500万, 总预算额: 1}\n"
                               "站点: {名称: a}\n"
                               "阶段: [a]\n"
                               "别的: 1\n";
    struct rw_intake intake;
    struct rw_conf_report report = {0};
    assert_int_equal(read_text(text, &intake, &report), RW_EINVAL);
    assert_true(report.count >= 8);
    for (size_t i = 0; i < report.count; i++) {
        unsigned chinese = 0;
        for (size_t k = 0; k < report.mistakes[i].message.len; k++)
            chinese += (unsigned char)report.mistakes[i].message.at[k] >= 0x80;
        if (chinese < 12)
            fail_msg("%.*s", RW_SPAN_ARGS(report.mistakes[i].message));
    }
    rw_intake_free(&intake);
    report = (struct rw_conf_report){.voice = RW_CONF_VOICE_ENGLISH};
    assert_int_equal(rw_intake_read_text(rw_span_text(text), "x", &intake, &report), RW_EINVAL);
    assert_int_equal(report.voice, RW_CONF_VOICE_ENGLISH);
    assert_non_null(
        memmem(report.mistakes[0].message.at, report.mistakes[0].message.len, "unknown field", 13));
    rw_intake_free(&intake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chinese_mistakes),
        cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_template),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_questionnaire),
        cmocka_unit_test(test_two_customers),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_nothing_is_lost),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
