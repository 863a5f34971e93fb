#include "plan/controls/controls.h"

#include "plan/controls/evidence.h"

static const struct {
    const char *word;
    struct rw_label label;
} statuses[RW_CONTROL_STATUS_COUNT] = {
#define RW_CONTROL_STATUS_ENTRY(name, word, en, zh) [RW_CONTROL_##name] = {word, RW_LABEL(en, zh)},
    RW_CONTROL_STATUSES(RW_CONTROL_STATUS_ENTRY)
#undef RW_CONTROL_STATUS_ENTRY
};

struct rw_label rw_control_status_label(enum rw_control_status status)
{
    rw_assert(status < RW_CONTROL_STATUS_COUNT);
    return statuses[status].label;
}

const char *rw_control_status_word(enum rw_control_status status)
{
    rw_assert(status < RW_CONTROL_STATUS_COUNT);
    return statuses[status].word;
}

/* ---- Names of frameworks ---- */

unsigned rw_controls_named(struct rw_span text, const char *ids[RW_FRAMEWORK_WORDS_MAX])
{
    static const struct {
        const char *word, *id;
    } words[] = {
        {"等保", "mlps2_l3"},       {"等级保护", "mlps2_l3"},   {"MLPS", "mlps2_l3"},
        {"22239", "mlps2_l3"},      {"网络安全法", "cn_law"},   {"数据安全法", "cn_law"},
        {"保险业监管", "cn_law"},   {"银保监", "cn_law"},       {"PIPL", "pipl"},
        {"个人信息保护法", "pipl"}, {"GDPR", "gdpr"},           {"CCPA", "ccpa"},
        {"CPRA", "ccpa"},           {"PCI", "pci_dss_4_0_1"},   {"SOC2", "soc2_tsc"},
        {"SOC 2", "soc2_tsc"},      {"27001", "iso27001_2022"},
    };
    unsigned count = 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        size_t len = strlen(words[i].word);
        bool found = count && strcmp(ids[count - 1], words[i].id) == 0;
        for (size_t j = 0; j + len <= text.len && !found; j++)
            if (rw_span_eq_nocase(rw_span(text.at + j, len), rw_span(words[i].word, len))) {
                ids[count++] = words[i].id;
                found = true;
            }
    }
    return count;
}

/* ---- Rows ---- */

static struct rw_label remains_of(enum rw_control_status status)
{
    static const struct rw_label labels[RW_CONTROL_STATUS_COUNT] = {
        [RW_CONTROL_EVIDENCED] = RW_LABEL("", ""),
        [RW_CONTROL_PARTLY] =
            RW_LABEL("what of the evidence is not traffic: records, people, other "
                     "systems",
                     "流量之外的证据：记录、人员与其他系统"),
        [RW_CONTROL_OPEN] = RW_LABEL("all of the evidence, from a product of the customer's choice",
                                     "全部证据，由客户选用的产品提供"),
        [RW_CONTROL_CUSTOMER] = RW_LABEL("all of the evidence", "全部证据"),
    };
    return labels[status];
}

static struct rw_control_row make_row(const struct rw_control *control)
{
    const struct rw_evidence *evidence = rw_evidence_of(control->id);
    struct rw_control_row row = {.control = control, .status = RW_CONTROL_OPEN};
    if (evidence)
        row.status = evidence->whole && control->scope == RW_CONTROL_FULL ? RW_CONTROL_EVIDENCED
                                                                          : RW_CONTROL_PARTLY;
    else if (control->scope == RW_CONTROL_NONE)
        row.status = RW_CONTROL_CUSTOMER;
    for (unsigned i = 0; evidence && i < RW_CONTROL_FEATURES_MAX && evidence->features[i]; i++)
        row.features[row.feature_count++] = evidence->features[i];
    row.remains = remains_of(row.status);
    return row;
}

static void count_cell(struct rw_plan *plan, const struct rw_framework *framework, const char *word,
                       struct rw_label label, unsigned value)
{
    struct rw_sheet *sheet = &plan->sheet;
    (void)rw_sheet_add(sheet,
                       &(struct rw_cell){
                           .id = rw_sheet_text(sheet, "controls.%s.%s", framework->id, word),
                           .label = {rw_sheet_text(sheet, "%s: %s", framework->name.en, label.en),
                                     rw_sheet_text(sheet, "%s：%s", framework->name.zh, label.zh)},
                           .unit = RW_UNIT_COUNT,
                           .origin = RW_ORIGIN_DATA,
                           .value = value,
                           .source = "data/plan/controls.yaml",
                       });
}

static void tell_open(struct rw_plan *plan, const struct rw_framework *framework, unsigned open)
{
    rw_findings_add(
        &plan->findings,
        &(struct rw_finding){
            .rule = "controls_open",
            .severity = RW_SEVERITY_NOTE,
            .text = RW_LABEL("{2}: {0} of {1} controls that a gateway could evidence are not "
                             "evidenced by this one yet",
                             "{2}：{1} 项控制中，{0} 项可由网关出具证据但本网关暂不支持"),
            .action =
                RW_LABEL("Name the product that evidences each of them, before the assessment",
                         "测评前逐项指定提供证据的产品"),
            .numbers = {{.value = open, .unit = RW_UNIT_COUNT},
                        {.value = framework->count, .unit = RW_UNIT_COUNT}},
            .cells = {RW_CELL_NONE, RW_CELL_NONE},
            .subject = framework->name.en,
            .named = framework->name,
            .source = "data/plan/controls.yaml",
        });
}

static bool is_there(const struct rw_plan *plan, const struct rw_framework *framework)
{
    const struct rw_controls *controls = plan->controls;
    for (unsigned i = 0; i < controls->row_count; i++)
        if (strcmp(controls->rows[i].control->framework, framework->id) == 0)
            return true;
    return false;
}

static void add_framework(struct rw_plan *plan, const struct rw_framework *framework)
{
    static const struct rw_label all = RW_LABEL("controls", "控制项");
    struct rw_controls *controls = plan->controls;
    unsigned counts[RW_CONTROL_STATUS_COUNT] = {0};
    for (unsigned i = 0; i < framework->count; i++) {
        struct rw_control_row row = make_row(&plan->standards->controls[framework->first + i]);
        counts[row.status]++;
        controls->rows[controls->row_count++] = row;
    }
    count_cell(plan, framework, "all", all, framework->count);
    for (unsigned i = 0; i < RW_CONTROL_STATUS_COUNT; i++)
        count_cell(plan, framework, statuses[i].word, statuses[i].label, counts[i]);
    if (counts[RW_CONTROL_OPEN])
        tell_open(plan, framework, counts[RW_CONTROL_OPEN]);
}

enum rw_err rw_controls_chapter(struct rw_plan *plan)
{
    const struct rw_standards *standards = plan->standards;
    rw_assert(standards);
    struct rw_arena *arena = &plan->sheet.arena;
    plan->controls = rw_arena_zero(arena, sizeof(*plan->controls));
    size_t bytes = standards->control_count * sizeof(*plan->controls->rows);
    if (!plan->controls)
        return RW_ENOMEM;
    plan->controls->rows = rw_arena_zero(arena, bytes ? bytes : 1);
    if (!plan->controls->rows)
        return RW_ENOMEM;
    for (unsigned i = 0; i < plan->terms.framework_count; i++) {
        const struct rw_framework *framework =
            rw_standards_framework(standards, plan->terms.frameworks[i]);
        if (framework && !is_there(plan, framework))
            add_framework(plan, framework);
    }
    return plan->sheet.err ? plan->sheet.err : plan->findings.err;
}
