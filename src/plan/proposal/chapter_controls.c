/* The controls: for each framework what the gateway evidences today, by which configuration, and
 * what stays the customer's. */
#include "plan/proposal/chapters.h"

#include "plan/controls/controls.h"

#define NONE ((struct rw_span){"", 0})

static const enum rw_doc_tone tones[] = {
    [RW_CONTROL_EVIDENCED] = RW_DOC_GOOD,
    [RW_CONTROL_PARTLY] = RW_DOC_INFORMATION,
    [RW_CONTROL_OPEN] = RW_DOC_BAD,
    [RW_CONTROL_CUSTOMER] = RW_DOC_NEUTRAL,
};

static struct rw_span framework_name(const struct rw_proposal *proposal, const char *id)
{
    const struct rw_framework *framework = rw_standards_framework(proposal->plan->standards, id);
    return framework ? rw_proposal_say(proposal, framework->name) : rw_span_text(id);
}

/* What the gateway does, each with its keys; then what remains. */
static void put_evidence(struct rw_proposal *proposal, struct rw_doc_cell *at,
                         const struct rw_control_row *row)
{
    struct rw_text text = {0};
    for (unsigned i = 0; i < row->feature_count; i++) {
        const struct rw_gate_feature *feature = row->features[i];
        rw_text_addf(&text, "%s%s", i ? "; " : "", rw_label_in(feature->what, proposal->language));
        for (size_t k = 0; k < sizeof(feature->keys) / sizeof(feature->keys[0]); k++) {
            if (feature->keys[k])
                rw_text_addf(&text, "%s%s", k ? ", " : " (", feature->keys[k]);
        }
        rw_text_adds(&text, feature->keys[0] ? ")" : "");
    }
    rw_doc_words(proposal->doc, at, rw_text_span(&text));
    if (text.err && !proposal->doc->err)
        proposal->doc->err = text.err;
    rw_text_free(&text);
}

static void put_row(struct rw_proposal *proposal, struct rw_doc_table *table,
                    const struct rw_control_row *row)
{
    struct rw_doc *doc = proposal->doc;
    struct rw_doc_cell *cells = rw_doc_row(doc, table);
    rw_doc_words(doc, &cells[0],
                 rw_doc_format(doc, "%.60s %.300s", row->control->ref,
                               rw_label_in(row->control->name, proposal->language)));
    rw_doc_words(doc, &cells[1], rw_proposal_say(proposal, rw_control_status_label(row->status)));
    cells[1].tone = tones[row->status];
    put_evidence(proposal, &cells[2], row);
    rw_doc_words(doc, &cells[3], rw_proposal_say(proposal, row->remains));
}

/* How many controls have each status, by framework. */
static void put_overview(struct rw_proposal *proposal)
{
    struct rw_doc *doc = proposal->doc;
    const struct rw_terms *terms = &proposal->plan->terms;
    const struct rw_controls *controls = proposal->plan->controls;
    struct rw_doc_chart *chart =
        rw_doc_chart(doc, RW_DOC_STACKED,
                     rw_proposal_say(proposal, RW_TEXTS("Controls by who shows the evidence",
                                                        "控制项的取证责任")),
                     rw_proposal_say(proposal, RW_TEXTS("controls", "项")));
    for (int status = 0; status < RW_CONTROL_STATUS_COUNT; status++)
        rw_doc_series(doc, chart, rw_proposal_say(proposal, rw_control_status_label(status)));
    for (unsigned i = 0; i < terms->framework_count; i++) {
        struct rw_doc_point *point =
            rw_doc_point(doc, chart, framework_name(proposal, terms->frameworks[i]));
        for (unsigned k = 0; k < controls->row_count; k++) {
            if (strcmp(controls->rows[k].control->framework, terms->frameworks[i]) == 0)
                point->values[controls->rows[k].status] += 1;
        }
    }
}

static void put_matrix(struct rw_proposal *proposal)
{
    const struct rw_label titles[] = {
        RW_LABEL("Control", "控制项"),
        RW_LABEL("Evidence", "取证"),
        RW_LABEL("By the gateway (configuration)", "网关证据（配置项）"),
        RW_LABEL("Stays the customer's", "客户负责"),
    };
    struct rw_doc *doc = proposal->doc;
    const struct rw_controls *controls = proposal->plan->controls;
    struct rw_doc_table *table = rw_doc_table(
        doc, rw_proposal_say(proposal, RW_TEXTS("Controls matrix", "合规控制矩阵")), NONE);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        rw_doc_column(doc, table, i == 1 ? RW_DOC_STATUS : RW_DOC_WORDS,
                      rw_proposal_say(proposal, titles[i]), NONE);
    const char *framework = "";
    for (unsigned i = 0; i < controls->row_count; i++) {
        const struct rw_control_row *row = &controls->rows[i];
        if (strcmp(framework, row->control->framework) != 0)
            rw_doc_group(doc, table, framework_name(proposal, row->control->framework));
        framework = row->control->framework;
        put_row(proposal, table, row);
    }
}

void rw_proposal_controls(struct rw_proposal *proposal)
{
    const struct rw_controls *controls = proposal->plan->controls;
    if (!controls || !controls->row_count || !proposal->plan->standards)
        return;
    rw_doc_section(proposal->doc, 1, RW_TEXTS("Compliance controls", "合规控制"));
    rw_doc_paragraph(proposal->doc,
                     RW_TEXTS("The platform shows evidence; only an accredited body, assessor or "
                              "authority certifies. What the gateway does not do today is called "
                              "open.",
                              "平台只提供证据；认证、测评与备案由有资质的机构或主管部门作出。"
                              "网关目前不支持的项目如实列为未满足。"),
                     NULL, 0);
    put_overview(proposal);
    put_matrix(proposal);
}
