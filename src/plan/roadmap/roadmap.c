#include "plan/roadmap/roadmap.h"

#include "plan/roadmap/network.h"

#define RW_ROADMAP_PHASE_DAYS 30.0 /* of a phase whose duration nobody said */

/* ---- Which phases ---- */

static void take_works(struct rw_roadmap *roadmap)
{
    for (unsigned i = 0; i < roadmap->work_count; i++) {
        struct rw_roadmap_work *work = &roadmap->works[i];
        struct rw_roadmap_phase *phase = &roadmap->phases[roadmap->phase_count++];
        *phase = (struct rw_roadmap_phase){
            .entry = work->entry, .days = work->days, .transfer = work->transfer};
        memcpy(phase->needs, work->needs, sizeof(work->needs));
        phase->need_count = work->need_count;
        work->phase = i;
        work->named = true;
    }
}

/* ---- Cells ---- */

static struct rw_label named(struct rw_plan *plan, struct rw_label name, const char *en,
                             const char *zh)
{
    return (struct rw_label){rw_sheet_text(&plan->sheet, "%s: %s", name.en, en),
                             rw_sheet_text(&plan->sheet, "%s：%s", name.zh, zh)};
}

/* Of one of the customer's phases: his own duration, else that of the works in a phase. */
static uint32_t add_own_days(struct rw_plan *plan, const struct rw_roadmap_phase *phase)
{
    const struct rw_roadmap_entry *entry = phase->entry;
    struct rw_cell cell = {
        .id = rw_sheet_text(&plan->sheet, "roadmap.%s.days", entry->id),
        .label = named(plan, entry->name, "duration", "工期"),
        .unit = RW_UNIT_DAYS,
        .origin = RW_ORIGIN_GIVEN,
        .value = entry->mode,
        .file = plan->terms.file,
        .place = phase->own->place,
    };
    if (entry->low < entry->high) {
        cell.spread =
            (struct rw_spread){RW_SPREAD_TRIANGULAR, entry->low, entry->mode, entry->high};
        cell.spread_reason = RW_TEXTS("the customer's own range", "客户给出的区间");
    }
    if (isnan(entry->mode)) {
        cell.origin = RW_ORIGIN_ASSUMED;
        cell.value = RW_ROADMAP_PHASE_DAYS;
        cell.reason = RW_TEXTS("no duration was given: a month", "未给出工期：按一个月计");
    }
    return rw_sheet_add(&plan->sheet, &cell);
}

static uint32_t add_start(struct rw_plan *plan, const struct rw_roadmap *roadmap,
                          const struct rw_roadmap_phase *phase)
{
    const struct rw_roadmap_entry *entry = phase->entry;
    uint32_t inputs[RW_ROADMAP_PHASES_MAX];
    for (unsigned i = 0; i < phase->need_count; i++)
        inputs[i] = roadmap->phases[phase->needs[i]].end;
    struct rw_cell cell = {
        .id = rw_sheet_text(&plan->sheet, "roadmap.%s.start", entry->id),
        .label = named(plan, entry->name, "begins on day", "开始日"),
        .unit = RW_UNIT_DAYS,
        .origin = RW_ORIGIN_COMPUTED,
        .formula = &rw_formula_greatest,
        .inputs = inputs,
        .input_count = phase->need_count,
    };
    if (phase->need_count == 0) {
        cell.origin = RW_ORIGIN_ASSUMED;
        cell.formula = NULL;
        cell.reason = RW_TEXTS("the project begins with it", "项目由此开始");
    }
    return rw_sheet_add(&plan->sheet, &cell);
}

static double weight_sum(const struct rw_roadmap *roadmap)
{
    double sum = 0;
    for (unsigned i = 0; i < roadmap->phase_count; i++)
        sum += roadmap->phases[i].entry->weight;
    return sum;
}

static uint32_t add_share(struct rw_plan *plan, const struct rw_roadmap *roadmap,
                          const struct rw_roadmap_phase *phase)
{
    const struct rw_roadmap_entry *entry = phase->entry;
    struct rw_cell cell = {
        .id = rw_sheet_text(&plan->sheet, "roadmap.%s.share", entry->id),
        .label = named(plan, entry->name, "share of the budget", "预算占比"),
        .unit = RW_UNIT_SHARE,
        .origin = RW_ORIGIN_ASSUMED,
        .value = entry->weight / weight_sum(roadmap),
        .reason = RW_LABEL("usual weight of the phase; to be agreed", "按阶段常规权重，待双方商定"),
    };
    if (phase->own) {
        cell.reason = RW_TEXTS("no share was given: what the other phases leave, in equal parts",
                               "未给出占比：其余阶段所余部分平均分配");
        if (!isnan(phase->own->share)) {
            cell.origin = RW_ORIGIN_GIVEN;
            cell.file = plan->terms.file;
            cell.place = phase->own->place;
        }
    }
    return rw_sheet_add(&plan->sheet, &cell);
}

static void add_phase(struct rw_plan *plan, struct rw_roadmap *roadmap,
                      struct rw_roadmap_phase *phase)
{
    const struct rw_roadmap_entry *entry = phase->entry;
    struct rw_sheet *sheet = &plan->sheet;
    if (phase->own)
        phase->days = add_own_days(plan, phase);
    phase->start = add_start(plan, roadmap, phase);
    phase->end = rw_sheet_compute(sheet, rw_sheet_text(sheet, "roadmap.%s.end", entry->id),
                                  named(plan, entry->name, "ends on day", "结束日"), RW_UNIT_DAYS,
                                  &rw_formula_sum, 2, phase->start, phase->days);
    phase->share = add_share(plan, roadmap, phase);
    phase->first_day = rw_sheet_value(sheet, phase->start);
    phase->last_day = rw_sheet_value(sheet, phase->end);
}

/* ---- Length and critical path ---- */

static double length_at(const struct rw_roadmap *roadmap, enum rw_roadmap_pace pace)
{
    double ends[RW_ROADMAP_PHASES_MAX];
    double last = 0;
    for (unsigned i = 0; i < roadmap->phase_count; i++) {
        const struct rw_roadmap_phase *phase = &roadmap->phases[i];
        double start = 0, days = rw_roadmap_entry_days(phase->entry, pace);
        for (unsigned j = 0; j < phase->need_count; j++)
            start = fmax(start, ends[phase->needs[j]]);
        ends[i] = start + (isnan(days) ? RW_ROADMAP_PHASE_DAYS : days) + phase->transfer;
        last = fmax(last, ends[i]);
    }
    return last;
}

/* Backwards: a phase is critical when whatever waits for it begins on the day it ends, and is
 * critical itself. */
static void mark_critical(struct rw_roadmap *roadmap)
{
    for (unsigned i = roadmap->phase_count; i-- > 0;) {
        struct rw_roadmap_phase *phase = &roadmap->phases[i];
        phase->critical = phase->last_day >= roadmap->days - 1e-6;
        for (unsigned j = i + 1; j < roadmap->phase_count; j++) {
            const struct rw_roadmap_phase *later = &roadmap->phases[j];
            for (unsigned k = 0; k < later->need_count; k++)
                if (later->needs[k] == i && later->critical &&
                    later->first_day <= phase->last_day + 1e-6)
                    phase->critical = true;
        }
    }
}

static void add_whole(struct rw_plan *plan, struct rw_roadmap *roadmap)
{
    static const struct rw_label days = RW_LABEL("Length of the project", "项目总工期");
    static const struct rw_label finish = RW_LABEL("Finish", "完成日期");
    struct rw_sheet *sheet = &plan->sheet;
    uint32_t ends[RW_ROADMAP_PHASES_MAX];
    for (unsigned i = 0; i < roadmap->phase_count; i++)
        ends[i] = roadmap->phases[i].end;
    uint32_t all = rw_sheet_add(sheet, &(struct rw_cell){
                                           .id = "roadmap.days",
                                           .label = days,
                                           .unit = RW_UNIT_DAYS,
                                           .origin = RW_ORIGIN_COMPUTED,
                                           .formula = &rw_formula_greatest,
                                           .inputs = ends,
                                           .input_count = roadmap->phase_count,
                                       });
    roadmap->days = rw_sheet_value(sheet, all);
    roadmap->days_least = length_at(roadmap, RW_ROADMAP_SHORTEST);
    roadmap->days_most = length_at(roadmap, RW_ROADMAP_LONGEST);
    roadmap->finish = plan->terms.date + ceil(roadmap->days);
    roadmap->earliest = plan->terms.date + ceil(roadmap->days_least);
    if (isnan(plan->terms.date))
        return;
    uint32_t begin = rw_sheet_add(sheet, &(struct rw_cell){
                                             .id = "roadmap.begin",
                                             .label = RW_LABEL("Begin", "开始日期"),
                                             .unit = RW_UNIT_DATE,
                                             .origin = RW_ORIGIN_ASSUMED,
                                             .value = plan->terms.date,
                                             .reason = RW_LABEL("the date of the plan", "方案日期"),
                                         });
    (void)rw_sheet_compute(sheet, "roadmap.finish", finish, RW_UNIT_DATE, &rw_formula_sum, 2, begin,
                           all);
    (void)rw_sheet_add(sheet,
                       &(struct rw_cell){
                           .id = "roadmap.earliest",
                           .label = RW_LABEL("Earliest finish", "最早完成日期"),
                           .unit = RW_UNIT_DATE,
                           .origin = RW_ORIGIN_ASSUMED,
                           .value = roadmap->earliest,
                           .reason = RW_LABEL("every phase of the critical path at its shortest",
                                              "关键路径各阶段均取最短工期"),
                       });
}

/* ---- Money ---- */

static void add_budget(struct rw_plan *plan, const struct rw_roadmap *roadmap,
                       const struct rw_tier *tier)
{
    struct rw_sheet *sheet = &plan->sheet;
    if (isnan(tier->budget))
        return;
    uint32_t inputs[1 + RW_ROADMAP_PHASES_MAX] = {
        rw_sheet_add(sheet, &(struct rw_cell){
                                .id = rw_sheet_text(sheet, "roadmap.%s.budget", tier->id),
                                .label = RW_LABEL("Budget of the tier", "档位预算"),
                                .unit = RW_UNIT_MONEY,
                                .currency = sheet->currency,
                                .origin = RW_ORIGIN_GIVEN,
                                .value = tier->budget,
                                .file = plan->terms.file,
                            })};
    for (unsigned i = 0; i < roadmap->phase_count; i++)
        inputs[1 + i] = roadmap->phases[i].share;
    for (unsigned i = 0; i < roadmap->phase_count; i++) {
        const struct rw_roadmap_entry *entry = roadmap->phases[i].entry;
        (void)rw_sheet_add(
            sheet, &(struct rw_cell){
                       .id = rw_sheet_text(sheet, "roadmap.%s.%s.budget", tier->id, entry->id),
                       .label = named(plan, entry->name, "budget", "预算"),
                       .unit = RW_UNIT_MONEY,
                       .currency = sheet->currency,
                       .origin = RW_ORIGIN_COMPUTED,
                       .formula = &rw_formula_split,
                       .inputs = inputs,
                       .input_count = 1 + roadmap->phase_count,
                       .part = i,
                   });
    }
}

/* ---- Against the customer's date ---- */

static void tell_deadline(struct rw_plan *plan, struct rw_roadmap *roadmap)
{
    double deadline = plan->terms.deadline;
    if (isnan(deadline) || isnan(plan->terms.date) || deadline >= roadmap->finish)
        return;
    roadmap->impossible = deadline < roadmap->earliest;
    struct rw_finding impossible = {
        .rule = "roadmap_impossible",
        .severity = RW_SEVERITY_BLOCKER,
        .text = RW_LABEL("Cannot be done by {0}: with every phase at its shortest it ends on {1}",
                         "无法在 {0} 前完成：各阶段均取最短工期，最早 {1} 完成"),
        .action = RW_LABEL("Agree on a later date, or on a smaller first step with its own targets",
                           "调整期限，或约定范围更小、单独验收的第一步"),
        .numbers = {{.value = deadline, .unit = RW_UNIT_DATE},
                    {.value = roadmap->earliest, .unit = RW_UNIT_DATE}},
    };
    struct rw_finding tight = {
        .rule = "roadmap_tight",
        .severity = RW_SEVERITY_WARNING,
        .text = RW_LABEL("By {0} only if phases are shorter than likely: {1} is to be expected",
                         "仅当工期短于预期才能在 {0} 前完成：预计 {1}"),
        .action = RW_LABEL("Plan a reserve, or decide now what may come after the date",
                           "预留缓冲，或现在确定可延后的内容"),
        .numbers = {{.value = deadline, .unit = RW_UNIT_DATE},
                    {.value = roadmap->finish, .unit = RW_UNIT_DATE}},
    };
    struct rw_finding *finding = roadmap->impossible ? &impossible : &tight;
    finding->cells[0] = RW_CELL_NONE;
    finding->cells[1] =
        rw_sheet_find(&plan->sheet, roadmap->impossible ? "roadmap.earliest" : "roadmap.finish");
    finding->source = "critical path of the roadmap";
    finding->file = plan->terms.file;
    rw_findings_add(&plan->findings, finding);
}

enum rw_err rw_roadmap_chapter(struct rw_plan *plan)
{
    struct rw_roadmap *roadmap = rw_arena_zero(&plan->sheet.arena, sizeof(*roadmap));
    if (!roadmap)
        return RW_ENOMEM;
    plan->roadmap = roadmap;
    rw_roadmap_choose_works(plan, roadmap);
    if (plan->terms.phase_count)
        rw_roadmap_take_phases(plan, roadmap);
    else
        take_works(roadmap);
    for (unsigned i = 0; i < roadmap->phase_count; i++)
        add_phase(plan, roadmap, &roadmap->phases[i]);
    add_whole(plan, roadmap);
    mark_critical(roadmap);
    if (roadmap->own) {
        rw_roadmap_lay_works(roadmap);
        rw_roadmap_tell_misfits(plan, roadmap);
    }
    for (unsigned i = 0; i < plan->tier_count; i++)
        add_budget(plan, roadmap, &plan->tiers[i]);
    tell_deadline(plan, roadmap);
    return plan->sheet.err ? plan->sheet.err : plan->findings.err;
}
