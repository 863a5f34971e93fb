/* The customer's own phases, and our works laid in them. */
#include "plan/roadmap/network.h"

#include "plan/intake/schema.h"

/* ---- The phases ---- */

static struct rw_roadmap_entry *make_entry(struct rw_plan *plan, unsigned at)
{
    struct rw_sheet *sheet = &plan->sheet;
    const struct rw_term_phase *own = &plan->terms.phases[at];
    struct rw_roadmap_entry *entry = rw_arena_zero(&sheet->arena, sizeof(*entry));
    if (!entry) {
        sheet->err = RW_ENOMEM;
        return NULL;
    }
    entry->id = rw_sheet_text(sheet, "p%u", at + 1);
    entry->name = (struct rw_label){own->name, own->name};
    /* Of months there are no whole days; of a calendar there are no others. */
    entry->low = rint(own->low);
    entry->mode = rint((own->low + own->high) / 2);
    entry->high = rint(own->high);
    return entry;
}

/* Shares that were not given take what the given ones leave, each the same. */
static double weight_of(const struct rw_terms *terms, unsigned at)
{
    double given = 0;
    unsigned without = 0;
    for (unsigned i = 0; i < terms->phase_count; i++) {
        without += isnan(terms->phases[i].share);
        given += isnan(terms->phases[i].share) ? 0 : terms->phases[i].share;
    }
    if (!isnan(terms->phases[at].share))
        return terms->phases[at].share;
    return fmax(0, 1 - given) / without;
}

void rw_roadmap_take_phases(struct rw_plan *plan, struct rw_roadmap *roadmap)
{
    const struct rw_terms *terms = &plan->terms;
    roadmap->own = true;
    for (unsigned i = 0; i < terms->phase_count; i++) {
        struct rw_roadmap_entry *entry = make_entry(plan, i);
        if (!entry)
            return;
        entry->weight = weight_of(terms, i);
        struct rw_roadmap_phase *phase = &roadmap->phases[roadmap->phase_count++];
        *phase = (struct rw_roadmap_phase){.entry = entry, .own = &terms->phases[i]};
        if (terms->phases[i].after != i)
            phase->needs[phase->need_count++] = terms->phases[i].after;
    }
}

/* ---- Which work lies where ---- */

static bool has_word(struct rw_span text, struct rw_span word)
{
    for (size_t i = 0; i + word.len <= text.len; i++)
        if (rw_span_eq_nocase(rw_span(text.at + i, word.len), word))
            return true;
    return false;
}

/* The first of the work's words that any phase has decides: they stand from the narrowest on. */
static bool lay_by_name(const struct rw_roadmap *roadmap, struct rw_roadmap_work *work)
{
    struct rw_span rest = rw_span_text(work->entry->words), word;
    while (rw_intake_next_word(&rest, &word))
        for (unsigned i = 0; i < roadmap->phase_count; i++)
            if (has_word(rw_span_text(roadmap->phases[i].own->name), word)) {
                work->phase = i;
                return true;
            }
    return false;
}

/* The phase that is under way when the same part of the whole has passed; never before what the
 * work waits for. */
static unsigned lay_by_time(const struct rw_roadmap *roadmap, const struct rw_roadmap_work *work,
                            double works_days)
{
    double at = (work->first_day + work->last_day) / 2 / works_days * roadmap->days;
    unsigned phase = 0, least = 0;
    while (phase + 1 < roadmap->phase_count && roadmap->phases[phase].last_day <= at)
        phase++;
    for (unsigned i = 0; i < work->need_count; i++)
        if (roadmap->works[work->needs[i]].phase > least)
            least = roadmap->works[work->needs[i]].phase;
    return phase < least ? least : phase;
}

void rw_roadmap_lay_works(struct rw_roadmap *roadmap)
{
    double days = 0;
    for (unsigned i = 0; i < roadmap->work_count; i++)
        days = fmax(days, roadmap->works[i].last_day);
    for (unsigned i = 0; i < roadmap->work_count; i++) {
        struct rw_roadmap_work *work = &roadmap->works[i];
        work->named = lay_by_name(roadmap, work);
        if (!work->named)
            work->phase = lay_by_time(roadmap, work, days);
    }
}

double rw_roadmap_work_days(const struct rw_roadmap *roadmap, unsigned phase,
                            enum rw_roadmap_pace pace)
{
    double ends[RW_ROADMAP_WORKS_MAX] = {0}, last = 0;
    for (unsigned i = 0; i < roadmap->work_count; i++) {
        const struct rw_roadmap_work *work = &roadmap->works[i];
        if (work->phase != phase)
            continue;
        for (unsigned j = 0; j < work->need_count; j++)
            ends[i] = fmax(ends[i], ends[work->needs[j]]); /* of another phase: 0 */
        ends[i] += rw_roadmap_entry_days(work->entry, pace) + work->transfer;
        last = fmax(last, ends[i]);
    }
    return last;
}

/* ---- What does not fit ---- */

static struct rw_finding finding_of(const struct rw_plan *plan,
                                    const struct rw_roadmap_phase *phase)
{
    return (struct rw_finding){
        .cells = {phase->days, RW_CELL_NONE},
        .subject = phase->own->name,
        .source = "the works that are laid in the phase, with their dependencies",
        .file = plan->terms.file,
        .place = phase->own->place,
    };
}

static void tell_length(struct rw_plan *plan, const struct rw_roadmap *roadmap, unsigned at)
{
    const struct rw_roadmap_phase *phase = &roadmap->phases[at];
    double least = rw_roadmap_work_days(roadmap, at, RW_ROADMAP_SHORTEST);
    double likely = rw_roadmap_work_days(roadmap, at, RW_ROADMAP_LIKELIEST);
    struct rw_finding finding = finding_of(plan, phase);
    if (isnan(phase->own->high))
        return;
    if (phase->own->high < least) {
        finding.rule = "phase_too_short";
        finding.severity = RW_SEVERITY_BLOCKER;
        finding.text = RW_TEXTS("Phase \"{2}\" has {0} at most; the work in it takes at least {1}",
                                "阶段“{2}”最长 {0}，其中的工作至少需要 {1}");
        finding.action = RW_TEXTS("Give it the time, or move work to another phase",
                                  "延长该阶段，或将部分工作移至其他阶段");
        finding.numbers[0] = (struct rw_quantity){.value = phase->own->high, .unit = RW_UNIT_DAYS};
        finding.numbers[1] = (struct rw_quantity){.value = least, .unit = RW_UNIT_DAYS};
    } else if (phase->entry->mode < likely - 1) {
        finding.rule = "phase_tight";
        finding.severity = RW_SEVERITY_WARNING;
        finding.text = RW_TEXTS("Phase \"{2}\" has {0}; {1} are to be expected of the work in it",
                                "阶段“{2}”为 {0}，其中的工作预计需要 {1}");
        finding.action = RW_TEXTS("Plan a reserve, or do part of it side by side",
                                  "预留缓冲，或安排部分工作并行");
        finding.numbers[0] =
            (struct rw_quantity){.value = phase->entry->mode, .unit = RW_UNIT_DAYS};
        finding.numbers[1] = (struct rw_quantity){.value = likely, .unit = RW_UNIT_DAYS};
    } else {
        return;
    }
    rw_findings_add(&plan->findings, &finding);
}

static void tell_order(struct rw_plan *plan, const struct rw_roadmap *roadmap,
                       const struct rw_roadmap_work *work, const struct rw_roadmap_work *need)
{
    const struct rw_roadmap_phase *phase = &roadmap->phases[work->phase];
    const struct rw_roadmap_phase *before = &roadmap->phases[need->phase];
    if (work->phase == need->phase || before->last_day <= phase->first_day + 1e-6)
        return;
    struct rw_finding finding = finding_of(plan, phase);
    finding.rule = "phase_order";
    finding.severity = RW_SEVERITY_WARNING;
    finding.text = RW_TEXTS("{2}: begins on day {0}, before what it waits for ends on day {1}",
                            "{2}：第 {0} 天开始，早于其前置工作结束的第 {1} 天");
    finding.action = RW_TEXTS("Let it follow, or split the work", "调整先后顺序，或拆分工作");
    finding.named = (struct rw_label){
        rw_sheet_text(&plan->sheet, "%s (in \"%s\") needs %s (in \"%s\")", work->entry->name.en,
                      phase->own->name, need->entry->name.en, before->own->name),
        rw_sheet_text(&plan->sheet, "%s（“%s”）依赖%s（“%s”）", work->entry->name.zh,
                      phase->own->name, need->entry->name.zh, before->own->name)};
    finding.numbers[0] = (struct rw_quantity){.value = phase->first_day, .unit = RW_UNIT_ONE};
    finding.numbers[1] = (struct rw_quantity){.value = before->last_day, .unit = RW_UNIT_ONE};
    rw_findings_add(&plan->findings, &finding);
}

/* Works for which the customer has no phase: they are laid somewhere, and he should know. */
static void tell_unnamed(struct rw_plan *plan, const struct rw_roadmap *roadmap)
{
    struct rw_label names = {"", ""};
    unsigned count = 0;
    for (unsigned i = 0; i < roadmap->work_count; i++) {
        const struct rw_label name = roadmap->works[i].entry->name;
        if (roadmap->works[i].named)
            continue;
        names.en = rw_sheet_text(&plan->sheet, "%s%s%s", names.en, count ? ", " : "", name.en);
        names.zh = rw_sheet_text(&plan->sheet, "%s%s%s", names.zh, count ? "、" : "", name.zh);
        count++;
    }
    if (!count)
        return;
    struct rw_finding finding = finding_of(plan, &roadmap->phases[0]);
    finding.rule = "phase_unnamed";
    finding.severity = RW_SEVERITY_NOTE;
    finding.text = RW_TEXTS("No phase is named for: {2}; laid where they fall in time",
                            "没有阶段写明包含：{2}；按时间先后划入各阶段");
    finding.action = RW_TEXTS("Say in which phase they are to be done", "请明确在哪个阶段完成");
    finding.named = names;
    finding.cells[0] = RW_CELL_NONE;
    rw_findings_add(&plan->findings, &finding);
}

void rw_roadmap_tell_misfits(struct rw_plan *plan, const struct rw_roadmap *roadmap)
{
    for (unsigned i = 0; i < roadmap->phase_count; i++)
        tell_length(plan, roadmap, i);
    for (unsigned i = 0; i < roadmap->work_count; i++)
        for (unsigned j = 0; j < roadmap->works[i].need_count; j++)
            tell_order(plan, roadmap, &roadmap->works[i],
                       &roadmap->works[roadmap->works[i].needs[j]]);
    tell_unnamed(plan, roadmap);
}
