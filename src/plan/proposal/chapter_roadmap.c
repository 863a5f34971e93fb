/* The roadmap: phases, what each depends on, the path that decides, and the customer's date. */
#include "plan/proposal/chapters.h"

#include "plan/roadmap/roadmap.h"

#define NONE ((struct rw_span){"", 0})

static void put_dates(struct rw_proposal *proposal)
{
    const struct rw_roadmap *roadmap = proposal->plan->roadmap;
    struct rw_doc_argument arguments[] = {
        rw_proposal_argument(proposal, rw_sheet_find(&proposal->plan->sheet, "roadmap.days")),
        RW_DOC_TEXT(rw_proposal_date(proposal, roadmap->finish)),
        RW_DOC_TEXT(rw_proposal_date(proposal, proposal->plan->terms.deadline)),
        RW_DOC_TEXT(rw_proposal_date(proposal, roadmap->earliest)),
    };
    rw_doc_paragraph(
        proposal->doc,
        roadmap->own
            ? RW_TEXTS("The phases are the customer's, with his durations and shares; "
                       "all together take {0}. The works that the plan needs are laid "
                       "in them.",
                       "阶段、工期与占比均为客户所给，共需 {0}；本方案所需的工作划入其中。")
            : RW_TEXTS("All phases together take {0}.", "全部阶段共需 {0}。"),
        arguments, 4);
    if (isnan(roadmap->finish))
        return;
    if (isnan(proposal->plan->terms.deadline))
        rw_doc_note(proposal->doc, RW_DOC_INFORMATION, NONE,
                    RW_TEXTS("Finished on **{1}**; with every phase at its shortest on {3}.",
                             "预计 **{1}** 完成；各阶段均取最短工期时为 {3}。"),
                    arguments, 4);
    else if (roadmap->impossible)
        rw_doc_note(proposal->doc, RW_DOC_BAD,
                    rw_proposal_say(proposal, RW_TEXTS("Impossible by the date that is wanted",
                                                       "无法在要求日期前完成")),
                    RW_TEXTS("{2} is wanted. With every phase at its shortest it is **{3}** at the "
                             "earliest; {1} is to be planned for.",
                             "要求 {2}；即使各阶段均取最短工期，最早也要 **{3}**；应按 {1} 规划。"),
                    arguments, 4);
    else if (roadmap->finish > proposal->plan->terms.deadline)
        rw_doc_note(proposal->doc, RW_DOC_WARNING,
                    rw_proposal_say(proposal, RW_TEXTS("The date is tight", "日期紧张")),
                    RW_TEXTS("{2} is wanted, {1} is to be expected; {3} is the earliest.",
                             "要求 {2}，预计 {1}；最早 {3}。"),
                    arguments, 4);
    else
        rw_doc_note(proposal->doc, RW_DOC_GOOD,
                    rw_proposal_say(proposal, RW_TEXTS("In time", "可按期完成")),
                    RW_TEXTS("{2} is wanted, {1} is to be expected.", "要求 {2}，预计 {1}。"),
                    arguments, 4);
}

static void put_gantt(struct rw_proposal *proposal)
{
    const struct rw_plan *plan = proposal->plan;
    const struct rw_roadmap *roadmap = plan->roadmap;
    bool dated = isfinite(plan->terms.date);
    struct rw_doc_chart *chart = rw_doc_chart(
        proposal->doc, RW_DOC_GANTT,
        rw_proposal_say(proposal, RW_TEXTS("Phases; red: the critical path, where a day more is a "
                                           "day later",
                                           "阶段（红色为关键路径：延误一天则整体延误一天）")),
        NONE);
    chart->day_zero = dated ? plan->terms.date : 0;
    for (unsigned i = 0; i < roadmap->phase_count; i++) {
        const struct rw_roadmap_phase *phase = &roadmap->phases[i];
        struct rw_doc_point *point =
            rw_doc_point(proposal->doc, chart, rw_proposal_say(proposal, phase->entry->name));
        double share = rw_sheet_value(&plan->sheet, phase->share);
        point->low = phase->first_day;
        point->high = phase->last_day;
        point->strong = phase->critical;
        if (isfinite(share))
            point->note = rw_doc_format(proposal->doc, "%.0f%%", share * 100);
    }
    double wanted = plan->terms.deadline - plan->terms.date;
    if (wanted >= 0)
        rw_doc_mark(proposal->doc, chart, rw_proposal_say(proposal, RW_TEXTS("wanted", "要求日期")),
                    wanted, RW_DOC_BAD);
}

static const char *comma(const struct rw_proposal *proposal)
{
    return proposal->language == RW_LANGUAGE_ZH ? "、" : ", ";
}

/* "assessment, design": what a phase waits for. */
static void put_needs(struct rw_proposal *proposal, struct rw_doc_cell *at,
                      const struct rw_roadmap_phase *phase)
{
    const struct rw_roadmap *roadmap = proposal->plan->roadmap;
    struct rw_text text = {0};
    for (unsigned i = 0; i < phase->need_count; i++)
        rw_text_addf(&text, "%s%s", i ? comma(proposal) : "",
                     rw_label_in(roadmap->phases[phase->needs[i]].entry->name, proposal->language));
    rw_doc_words(proposal->doc, at, rw_text_span(&text));
    if (text.err && !proposal->doc->err)
        proposal->doc->err = text.err;
    rw_text_free(&text);
}

/* The names of the works that lie in one of the customer's phases. */
static void put_works_of(struct rw_proposal *proposal, struct rw_doc_cell *at, unsigned phase)
{
    const struct rw_roadmap *roadmap = proposal->plan->roadmap;
    struct rw_text text = {0};
    for (unsigned i = 0; i < roadmap->work_count; i++)
        if (roadmap->works[i].phase == phase)
            rw_text_addf(&text, "%s%s", text.len ? comma(proposal) : "",
                         rw_label_in(roadmap->works[i].entry->name, proposal->language));
    rw_doc_words(proposal->doc, at, rw_text_span(&text));
    if (text.err && !proposal->doc->err)
        proposal->doc->err = text.err;
    rw_text_free(&text);
}

static void put_phases(struct rw_proposal *proposal)
{
    const struct rw_label titles[] = {
        RW_LABEL("Phase", "阶段"),
        proposal->plan->roadmap->own ? RW_TEXTS("Work in it", "划入的工作")
                                     : RW_TEXTS("What is done", "内容"),
        RW_LABEL("Waits for", "前置阶段"),
        RW_LABEL("Takes", "工期"),
        RW_LABEL("Of the budget", "预算占比"),
    };
    const enum rw_doc_column_kind kinds[] = {RW_DOC_WORDS, RW_DOC_WORDS, RW_DOC_WORDS,
                                             RW_DOC_NUMBER, RW_DOC_SHARE};
    struct rw_doc *doc = proposal->doc;
    const struct rw_roadmap *roadmap = proposal->plan->roadmap;
    struct rw_doc_table *table =
        rw_doc_table(doc, rw_proposal_say(proposal, RW_TEXTS("Phases", "实施阶段")), NONE);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        rw_doc_column(doc, table, kinds[i], rw_proposal_say(proposal, titles[i]), NONE);
    for (unsigned i = 0; i < roadmap->phase_count; i++) {
        const struct rw_roadmap_phase *phase = &roadmap->phases[i];
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        rw_doc_words(doc, &cells[0], rw_proposal_say(proposal, phase->entry->name));
        if (roadmap->own)
            put_works_of(proposal, &cells[1], i);
        else
            rw_doc_words(doc, &cells[1], rw_proposal_say(proposal, phase->entry->does));
        put_needs(proposal, &cells[2], phase);
        rw_proposal_put(proposal, &cells[3], phase->days);
        rw_proposal_put(proposal, &cells[4], phase->share);
    }
}

/* The phase that a work lies in; marked where no phase is named for it. */
static void put_place(struct rw_proposal *proposal, struct rw_doc_cell *at,
                      const struct rw_roadmap_work *work)
{
    struct rw_text text = {0};
    rw_text_adds(&text, proposal->plan->roadmap->phases[work->phase].own->name);
    rw_text_adds(&text, work->named ? "" : " *");
    rw_doc_words(proposal->doc, at, rw_text_span(&text));
    if (text.err && !proposal->doc->err)
        proposal->doc->err = text.err;
    rw_text_free(&text);
}

/* Our works laid against the customer's phases: where each lies, and whether it finds its time. */
static void put_works(struct rw_proposal *proposal)
{
    const struct rw_label titles[] = {
        RW_LABEL("Work", "工作"),  RW_LABEL("What is done", "内容"), RW_LABEL("Waits for", "前置"),
        RW_LABEL("Takes", "工期"), RW_LABEL("Lies in", "所在阶段"),
    };
    struct rw_doc *doc = proposal->doc;
    const struct rw_roadmap *roadmap = proposal->plan->roadmap;
    struct rw_doc_table *table =
        rw_doc_table(doc,
                     rw_proposal_say(proposal, RW_TEXTS("Our works, laid in the customer's phases",
                                                        "我方工作与客户阶段对照")),
                     NONE);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        rw_doc_column(doc, table, i == 3 ? RW_DOC_NUMBER : RW_DOC_WORDS,
                      rw_proposal_say(proposal, titles[i]), NONE);
    for (unsigned i = 0; i < roadmap->work_count; i++) {
        const struct rw_roadmap_work *work = &roadmap->works[i];
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        struct rw_text needs = {0};
        for (unsigned j = 0; j < work->need_count; j++)
            rw_text_addf(
                &needs, "%s%s", j ? comma(proposal) : "",
                rw_label_in(roadmap->works[work->needs[j]].entry->name, proposal->language));
        rw_doc_words(doc, &cells[0], rw_proposal_say(proposal, work->entry->name));
        rw_doc_words(doc, &cells[1], rw_proposal_say(proposal, work->entry->does));
        rw_doc_words(doc, &cells[2], rw_text_span(&needs));
        rw_proposal_put(proposal, &cells[3], work->days);
        put_place(proposal, &cells[4], work);
        if (needs.err && !doc->err)
            doc->err = needs.err;
        rw_text_free(&needs);
    }
    rw_doc_paragraph(
        doc,
        RW_TEXTS("* no phase is named for it: it is laid where it falls in time. What "
                 "does not fit stands among the findings.",
                 "* 没有阶段写明包含该工作：按时间先后划入。不相符之处见“发现与风险”。"),
        NULL, 0);
}

static void put_own_acceptance(struct rw_proposal *proposal)
{
    const struct rw_terms *terms = &proposal->plan->terms;
    for (unsigned i = 0; i < terms->phase_count; i++) {
        struct rw_doc_argument arguments[] = {
            RW_DOC_TEXT(rw_span_text(terms->phases[i].name)),
            RW_DOC_TEXT(rw_span_text(terms->phases[i].acceptance))};
        if (terms->phases[i].acceptance)
            rw_doc_item(proposal->doc,
                        RW_TEXTS("Phase **{0}** is accepted, in the customer's words, when: {1}",
                                 "客户对阶段 **{0}** 的验收要求：{1}"),
                        arguments, 2);
    }
}

static void put_acceptance(struct rw_proposal *proposal)
{
    const struct rw_label titles[] = {
        proposal->plan->roadmap->own ? RW_TEXTS("Work", "工作") : RW_TEXTS("Phase", "阶段"),
        RW_LABEL("Accepted when", "验收标准"),
        RW_LABEL("Taken back by", "回退方式"),
    };
    struct rw_doc *doc = proposal->doc;
    const struct rw_roadmap *roadmap = proposal->plan->roadmap;
    put_own_acceptance(proposal);
    struct rw_doc_table *table = rw_doc_table(
        doc, rw_proposal_say(proposal, RW_TEXTS("Acceptance and rollback", "验收与回退")), NONE);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        rw_doc_column(doc, table, RW_DOC_WORDS, rw_proposal_say(proposal, titles[i]), NONE);
    for (unsigned i = 0; i < roadmap->work_count; i++) {
        const struct rw_roadmap_entry *entry = roadmap->works[i].entry;
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        rw_doc_words(doc, &cells[0], rw_proposal_say(proposal, entry->name));
        rw_doc_words(doc, &cells[1], rw_proposal_say(proposal, entry->acceptance));
        rw_doc_words(doc, &cells[2], rw_proposal_say(proposal, entry->rollback));
    }
}

/* Without a budget there are no parts of it. */
static bool has_budget(const struct rw_proposal *proposal)
{
    const struct rw_plan *plan = proposal->plan;
    for (unsigned t = 0; t < plan->tier_count; t++) {
        const char *name =
            rw_doc_format(proposal->doc, "%.60s.budget", plan->roadmap->phases[0].entry->id).at;
        if (rw_plan_find(plan, "roadmap", &plan->tiers[t], name) != RW_CELL_NONE)
            return true;
    }
    return false;
}

/* Each phase's part of each tier's budget; the parts add up to it. */
static void put_budget(struct rw_proposal *proposal)
{
    struct rw_doc *doc = proposal->doc;
    const struct rw_plan *plan = proposal->plan;
    struct rw_doc_table *table =
        rw_doc_table(doc, rw_proposal_say(proposal, RW_TEXTS("Budget by phase", "各阶段预算")),
                     rw_proposal_currency(proposal));
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_word(doc, RW_SAY_PHASE), NONE);
    for (unsigned t = 0; t < plan->tier_count; t++)
        rw_doc_column(doc, table, RW_DOC_MONEY, rw_proposal_say(proposal, plan->tiers[t].label),
                      NONE);
    for (unsigned i = 0; i < plan->roadmap->phase_count; i++) {
        const struct rw_roadmap_entry *entry = plan->roadmap->phases[i].entry;
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        rw_doc_words(doc, &cells[0], rw_proposal_say(proposal, entry->name));
        for (unsigned t = 0; t < plan->tier_count; t++) {
            const char *name = rw_doc_format(doc, "%.60s.budget", entry->id).at;
            uint32_t cell = rw_plan_find(plan, "roadmap", &plan->tiers[t], name);
            if (cell != RW_CELL_NONE)
                rw_proposal_put_money(proposal, &cells[t + 1], cell);
        }
    }
    rw_doc_total(doc, table);
}

void rw_proposal_roadmap(struct rw_proposal *proposal)
{
    const struct rw_roadmap *roadmap = proposal->plan->roadmap;
    if (!roadmap || !roadmap->phase_count)
        return;
    rw_doc_section(proposal->doc, 1, RW_TEXTS("Roadmap", "实施路线图"));
    put_dates(proposal);
    put_gantt(proposal);
    put_phases(proposal);
    if (roadmap->own)
        put_works(proposal);
    if (has_budget(proposal))
        put_budget(proposal);
    put_acceptance(proposal);
}
