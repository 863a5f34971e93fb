#include "plan/roadmap/roadmap.h"

#include "plan/roadmap/phases.h"

/* ---- Which phases ---- */

static bool wanted(const struct rw_plan *plan, const char *id)
{
    if (strcmp(id, "links") == 0)
        return plan->terms.site_count > 1;
    if (strcmp(id, "compliance") == 0)
        return plan->terms.framework_count > 0;
    return true;
}

static unsigned find_phase(const struct rw_roadmap *roadmap, const char *id)
{
    unsigned i = 0;
    while (i < roadmap->phase_count && strcmp(roadmap->phases[i].entry->id, id) != 0)
        i++;
    return i;
}

static const struct rw_roadmap_entry *find_entry(const char *id)
{
    const struct rw_roadmap_entry *entry = rw_roadmap_entries;
    while (entry->id && strcmp(entry->id, id) != 0)
        entry++;
    rw_assert(entry->id);
    return entry;
}

static void add_need(const struct rw_roadmap *roadmap, struct rw_roadmap_phase *phase,
                     const char *id)
{
    unsigned at = find_phase(roadmap, id);
    if (at < roadmap->phase_count) {
        for (unsigned i = 0; i < phase->need_count; i++)
            if (phase->needs[i] == at)
                return;
        phase->needs[phase->need_count++] = at;
        return;
    }
    /* Not part of this plan: what it needed is needed instead. Entries have no circle, and one
     * step is enough, as no two that may be missing need each other. */
    const struct rw_roadmap_entry *entry = find_entry(id);
    for (unsigned i = 0; i < RW_ROADMAP_NEEDS_MAX && entry->needs[i]; i++) {
        at = find_phase(roadmap, entry->needs[i]);
        rw_assert(at < roadmap->phase_count);
        phase->needs[phase->need_count++] = at;
    }
}

static void choose_phases(const struct rw_plan *plan, struct rw_roadmap *roadmap)
{
    for (const struct rw_roadmap_entry *entry = rw_roadmap_entries; entry->id; entry++) {
        if (!wanted(plan, entry->id))
            continue;
        struct rw_roadmap_phase phase = {.entry = entry};
        for (unsigned i = 0; i < RW_ROADMAP_NEEDS_MAX && entry->needs[i]; i++)
            add_need(roadmap, &phase, entry->needs[i]);
        roadmap->phases[roadmap->phase_count++] = phase;
    }
}

/* ---- Cells ---- */

static struct rw_label named(struct rw_plan *plan, struct rw_label name, const char *en,
                             const char *zh)
{
    return (struct rw_label){rw_sheet_text(&plan->sheet, "%s: %s", name.en, en),
                             rw_sheet_text(&plan->sheet, "%s：%s", name.zh, zh)};
}

static void transfer(double *out, const struct rw_formula_inputs *in)
{
    for (size_t i = 0; i < in->rows; i++)
        out[i] = in->column[0][i] * 8 / in->column[1][i] / 0.5 / 86400;
}

/* Half of the link, which has other work, too. */
static const struct rw_formula transfer_formula = {transfer, "{0} × 8 / ({1} × 50 %) / 86400",
                                                   "bandwidth"};

static uint32_t add_transfer(struct rw_plan *plan)
{
    static const struct rw_label reason =
        RW_LABEL("no link is part of the plan: 1 Gbit/s is rented for the move",
                 "方案未含专线：迁移期间按租用 1 Gbit/s 计");
    uint32_t link = rw_plan_find(plan, "sizing", &plan->tiers[0], "link");
    if (!(rw_sheet_value(&plan->sheet, link) > 0))
        link = rw_sheet_add(&plan->sheet, &(struct rw_cell){
                                              .id = "roadmap.transfer.link",
                                              .label = RW_LABEL("Link for the move", "迁移链路"),
                                              .unit = RW_UNIT_BITS_PER_SECOND,
                                              .origin = RW_ORIGIN_ASSUMED,
                                              .value = 1e9,
                                              .reason = reason,
                                          });
    static const struct rw_label label = RW_LABEL("Transfer of the stored data", "存量数据传输");
    return rw_sheet_compute(&plan->sheet, "roadmap.transfer.days", label, RW_UNIT_DAYS,
                            &transfer_formula, 2, plan->inputs[RW_INPUT_DATA_STORED], link);
}

static uint32_t add_work(struct rw_plan *plan, const struct rw_roadmap_entry *entry, const char *id)
{
    return rw_sheet_add(
        &plan->sheet,
        &(struct rw_cell){
            .id = id,
            .label = named(plan, entry->name, "duration", "工期"),
            .unit = RW_UNIT_DAYS,
            .origin = RW_ORIGIN_ASSUMED,
            .value = entry->mode,
            .reason = RW_LABEL("calendar days of a team of usual size; confirmed in the assessment",
                               "常规团队的日历天数，评估阶段确认"),
            .spread = {RW_SPREAD_TRIANGULAR, entry->low, entry->mode, entry->high},
            .spread_reason = RW_LABEL("shortest, likeliest and longest", "最短、最可能与最长"),
        });
}

/* Where the amount of data is unknown, the phase is as long as its work: the input says so. */
static uint32_t add_days(struct rw_plan *plan, const struct rw_roadmap_entry *entry,
                         double *transfer_days)
{
    struct rw_sheet *sheet = &plan->sheet;
    const char *id = rw_sheet_text(sheet, "roadmap.%s.days", entry->id);
    if (strcmp(entry->id, "migrate_data") != 0 || isnan(rw_plan_input(plan, RW_INPUT_DATA_STORED)))
        return add_work(plan, entry, id);
    uint32_t moved = add_transfer(plan);
    uint32_t work = add_work(plan, entry, "roadmap.migrate_data.work");
    *transfer_days = rw_sheet_value(sheet, moved);
    return rw_sheet_compute(sheet, id, named(plan, entry->name, "duration", "工期"), RW_UNIT_DAYS,
                            &rw_formula_sum, 2, work, moved);
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
        cell.origin = RW_ORIGIN_DATA;
        cell.formula = NULL;
        cell.source = "by definition";
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

static void add_phase(struct rw_plan *plan, struct rw_roadmap *roadmap,
                      struct rw_roadmap_phase *phase, double *transfer_days)
{
    const struct rw_roadmap_entry *entry = phase->entry;
    struct rw_sheet *sheet = &plan->sheet;
    phase->days = add_days(plan, entry, transfer_days);
    phase->start = add_start(plan, roadmap, phase);
    phase->end = rw_sheet_compute(sheet, rw_sheet_text(sheet, "roadmap.%s.end", entry->id),
                                  named(plan, entry->name, "ends on day", "结束日"), RW_UNIT_DAYS,
                                  &rw_formula_sum, 2, phase->start, phase->days);
    phase->share = rw_sheet_add(
        sheet, &(struct rw_cell){
                   .id = rw_sheet_text(sheet, "roadmap.%s.share", entry->id),
                   .label = named(plan, entry->name, "share of the budget", "预算占比"),
                   .unit = RW_UNIT_SHARE,
                   .origin = RW_ORIGIN_ASSUMED,
                   .value = entry->weight / weight_sum(roadmap),
                   .reason = RW_LABEL("usual weight of the phase; to be agreed",
                                      "按阶段常规权重，待双方商定"),
               });
    phase->first_day = rw_sheet_value(sheet, phase->start);
    phase->last_day = rw_sheet_value(sheet, phase->end);
}

/* ---- Length and critical path ---- */

enum pace { SHORTEST, LIKELIEST, LONGEST };

static double days_at(const struct rw_roadmap_phase *phase, enum pace pace, double transfer_days)
{
    const struct rw_roadmap_entry *entry = phase->entry;
    double work = pace == SHORTEST ? entry->low : pace == LONGEST ? entry->high : entry->mode;
    return strcmp(entry->id, "migrate_data") == 0 ? work + transfer_days : work;
}

static double length_at(const struct rw_roadmap *roadmap, enum pace pace, double transfer_days)
{
    double ends[RW_ROADMAP_PHASES_MAX];
    double last = 0;
    for (unsigned i = 0; i < roadmap->phase_count; i++) {
        const struct rw_roadmap_phase *phase = &roadmap->phases[i];
        double start = 0;
        for (unsigned j = 0; j < phase->need_count; j++)
            start = fmax(start, ends[phase->needs[j]]);
        ends[i] = start + days_at(phase, pace, transfer_days);
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

static void add_whole(struct rw_plan *plan, struct rw_roadmap *roadmap, double transfer_days)
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
    roadmap->days_least = length_at(roadmap, SHORTEST, transfer_days);
    roadmap->days_most = length_at(roadmap, LONGEST, transfer_days);
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
    double transfer_days = 0;
    choose_phases(plan, roadmap);
    for (unsigned i = 0; i < roadmap->phase_count; i++)
        add_phase(plan, roadmap, &roadmap->phases[i], &transfer_days);
    add_whole(plan, roadmap, transfer_days);
    mark_critical(roadmap);
    for (unsigned i = 0; i < plan->tier_count; i++)
        add_budget(plan, roadmap, &plan->tiers[i]);
    tell_deadline(plan, roadmap);
    return plan->sheet.err ? plan->sheet.err : plan->findings.err;
}
