#include "plan/intake/schema.h"

const struct rw_intake_section rw_intake_sections[RW_INTAKE_SECTIONS] = {
    {"plan", "方案", RW_LABEL("Plan", "方案"), RW_LABEL("What this is", "本次方案"), false,
     rw_intake_fields_plan},
    {"profile", "行业|行业背景|行业背景与业务特性", RW_LABEL("Customer", "行业背景"),
     RW_LABEL("Who the customer is", "客户的行业与规模"), false, rw_intake_fields_profile},
    {"load", "负载|业务规模|流量", RW_LABEL("Load", "业务规模"),
     RW_LABEL("How many users and requests", "用户量与请求量"), false, rw_intake_fields_load},
    {"data", "数据|数据规模", RW_LABEL("Data", "数据规模"),
     RW_LABEL("How much is stored, and for how long", "数据量与保存期限"), false,
     rw_intake_fields_data},
    {"pains", "痛点|当前痛点|痛点诊断", RW_LABEL("Pains", "当前痛点"),
     RW_LABEL("What hurts today, and what was tried", "问题、影响与已尝试方案"), false,
     rw_intake_fields_pains},
    {"infrastructure", "基础设施|基础设施现状", RW_LABEL("Infrastructure", "基础设施现状"),
     RW_LABEL("What there is today, in words", "现状描述"), false, rw_intake_fields_infrastructure},
    {"sites", "站点|云环境", RW_LABEL("Sites", "站点"),
     RW_LABEL("Where machines are; distances follow from it", "各站点位置，用于计算距离"), true,
     rw_intake_fields_sites},
    {"components", "组件|关键组件", RW_LABEL("Components", "关键组件"),
     RW_LABEL("Products with versions; support and limits are checked",
              "产品与版本，用于核对支持期限"),
     true, rw_intake_fields_components},
    {"links", "链路", RW_LABEL("Links", "链路"),
     RW_LABEL("Latency between two places", "两地之间的时延"), true, rw_intake_fields_links},
    {"goal", "目标|核心目标|目标体系", RW_LABEL("Goals", "核心目标"),
     RW_LABEL("What must be reached, and by when", "要达到的指标与期限"), false,
     rw_intake_fields_goal},
    {"targets", "指标|指标清单", RW_LABEL("Further targets", "指标清单"),
     RW_LABEL("Targets of parts, for what holds together", "各部分的指标"), true,
     rw_intake_fields_targets},
    {"money", "预算|预算限制|资金", RW_LABEL("Money", "预算与采购"),
     RW_LABEL("Budget and how it is bought", "预算与采购方式"), false, rw_intake_fields_money},
    {"shares", "分配比例|预算分配", RW_LABEL("Split of the budget", "预算分配"),
     RW_LABEL("By share, by amount, or both", "按比例或金额"), true, rw_intake_fields_shares},
    {"savings", "收益|节省", RW_LABEL("Benefits", "收益"),
     RW_LABEL("Only those with a cause are counted", "只计算有来源的收益"), true,
     rw_intake_fields_savings},
    {"rates", "汇率", RW_LABEL("Exchange rates", "汇率"),
     RW_LABEL("Currencies are converted by these alone", "仅按此处汇率换算"), true,
     rw_intake_fields_rates},
    {"constraints", "约束|特殊要求|约束条件", RW_LABEL("Constraints", "特殊要求"),
     RW_LABEL("Compliance and compatibility", "合规与兼容"), false, rw_intake_fields_constraints},
    {"service", "服务|服务等级", RW_LABEL("Service", "服务等级"), RW_LABEL("Support", "支持与响应"),
     false, rw_intake_fields_service},
    {"phases", "阶段|实施阶段|路线图", RW_LABEL("Phases", "实施阶段"),
     RW_LABEL("If the customer already has a roadmap", "客户已有的路线图"), true,
     rw_intake_fields_phases},
    {"measurements", "压测|实测", RW_LABEL("Load tests", "压测结果"),
     RW_LABEL("Runs of ringway load against 1, 2, 4... nodes; how the system scales follows",
              "对 1、2、4 等不同节点数的 ringway load 结果，用于拟合扩展曲线"),
     true, rw_intake_fields_measurements},
};

unsigned rw_intake_field_count(const struct rw_intake_section *section)
{
    unsigned count = 0;
    while (!rw_intake_field_ends(&section->fields[count]))
        count++;
    return count;
}

const char *rw_intake_field_name(const struct rw_intake_field *field)
{
    if (!field->is_input)
        return field->name;
    const char *dot = strrchr(rw_input_entry(field->input)->id, '.');
    rw_assert(dot);
    return dot + 1;
}

struct rw_label rw_intake_field_label(const struct rw_intake_field *field)
{
    return field->is_input ? rw_input_entry(field->input)->label : field->label;
}

unsigned rw_intake_field_dimensions(const struct rw_intake_field *field)
{
    static const unsigned dimensions[] = {
        [RW_UNIT_ONE] = RW_DIMENSION_COUNT,
        [RW_UNIT_SHARE] = RW_DIMENSION_FRACTION,
        [RW_UNIT_COUNT] = RW_DIMENSION_COUNT,
        [RW_UNIT_SECONDS] = RW_DIMENSION_TIME,
        [RW_UNIT_DAYS] = RW_DIMENSION_TIME,
        [RW_UNIT_MONTHS] = RW_DIMENSION_TIME,
        [RW_UNIT_YEARS] = RW_DIMENSION_TIME,
        [RW_UNIT_BYTES] = RW_DIMENSION_BYTES,
        [RW_UNIT_BYTES_PER_SECOND] = RW_DIMENSION_BYTES,
        [RW_UNIT_BYTES_PER_DAY] = RW_DIMENSION_BYTES,
        [RW_UNIT_BITS_PER_SECOND] = RW_DIMENSION_BITS,
        [RW_UNIT_PER_SECOND] = RW_DIMENSION_COUNT,
        [RW_UNIT_PER_DAY] = RW_DIMENSION_COUNT,
        [RW_UNIT_PER_MONTH] = RW_DIMENSION_COUNT,
        [RW_UNIT_KILOMETRES] = RW_DIMENSION_LENGTH,
        [RW_UNIT_MINUTES_PER_QUARTER] = RW_DIMENSION_TIME,
        [RW_UNIT_MONEY] = RW_DIMENSION_MONEY,
        [RW_UNIT_DATE] = RW_DIMENSION_DATE,
    };
    if (!field->is_input || field->dimensions)
        return field->dimensions;
    enum rw_unit unit = rw_input_entry(field->input)->unit;
    rw_assert(unit < sizeof(dimensions) / sizeof(*dimensions) && dimensions[unit]);
    return dimensions[unit];
}

enum rw_per rw_intake_field_per(const struct rw_intake_field *field)
{
    if (!field->is_input || field->per)
        return field->per;
    switch (rw_input_entry(field->input)->unit) {
    case RW_UNIT_BYTES_PER_SECOND:
    case RW_UNIT_BITS_PER_SECOND:
    case RW_UNIT_PER_SECOND:
        return RW_PER_SECOND;
    case RW_UNIT_BYTES_PER_DAY:
    case RW_UNIT_PER_DAY:
        return RW_PER_DAY;
    case RW_UNIT_PER_MONTH:
        return RW_PER_MONTH;
    case RW_UNIT_MINUTES_PER_QUARTER:
        return RW_PER_QUARTER;
    default:
        return RW_PER_NONE;
    }
}

struct rw_label rw_intake_field_absent(const struct rw_intake_field *field)
{
    if (!field->is_input)
        return field->absent;
    const struct rw_input_entry *entry = rw_input_entry(field->input);
    return entry->assumed == entry->assumed ? (struct rw_label){0} : entry->reason;
}

bool rw_intake_next_word(struct rw_span *rest, struct rw_span *word)
{
    if (!rest->at || rest->len == 0)
        return false;
    const char *bar = memchr(rest->at, '|', rest->len);
    size_t len = bar ? (size_t)(bar - rest->at) : rest->len;
    *word = rw_span(rest->at, len);
    *rest = rw_span_skip(*rest, bar ? len + 1 : len);
    return true;
}

static struct rw_span first_word(const char *words)
{
    struct rw_span rest = rw_span_text(words), word = {0};
    rw_intake_next_word(&rest, &word);
    return word;
}

struct rw_span rw_intake_field_key(const struct rw_intake_field *field, enum rw_language language)
{
    if (language == RW_LANGUAGE_EN)
        return rw_span_text(rw_intake_field_name(field));
    struct rw_span word = first_word(field->keys);
    return word.len ? word : rw_span_text(rw_intake_field_label(field).zh);
}

struct rw_span rw_intake_section_key(const struct rw_intake_section *section,
                                     enum rw_language language)
{
    return language == RW_LANGUAGE_EN ? rw_span_text(section->name) : first_word(section->keys);
}

static bool has_word(const char *words, struct rw_span key)
{
    struct rw_span rest = rw_span_text(words), word;
    while (rw_intake_next_word(&rest, &word))
        if (rw_span_eq_nocase(word, key))
            return true;
    return false;
}

const struct rw_intake_section *rw_intake_find_section(struct rw_span key)
{
    for (unsigned i = 0; i < RW_INTAKE_SECTIONS; i++)
        if (rw_span_is_nocase(key, rw_intake_sections[i].name) ||
            has_word(rw_intake_sections[i].keys, key))
            return &rw_intake_sections[i];
    return NULL;
}

const struct rw_intake_field *rw_intake_find_field(const struct rw_intake_section *section,
                                                   struct rw_span key)
{
    const struct rw_intake_field *field = section->fields;
    for (; !rw_intake_field_ends(field); field++)
        if (rw_span_is_nocase(key, rw_intake_field_name(field)) || has_word(field->keys, key) ||
            rw_span_is(key, rw_intake_field_label(field).zh))
            return field;
    return NULL;
}
