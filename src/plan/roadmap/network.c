/* Our works: which of them a plan has, and how long each takes. */
#include "plan/roadmap/network.h"

#include "plan/roadmap/phases.h"

/* ---- Which works ---- */

static bool wanted(const struct rw_plan *plan, const char *id)
{
    if (strcmp(id, "links") == 0)
        return plan->terms.site_count > 1;
    if (strcmp(id, "compliance") == 0)
        return plan->terms.framework_count > 0;
    return true;
}

static unsigned find_work(const struct rw_roadmap *roadmap, const char *id)
{
    unsigned i = 0;
    while (i < roadmap->work_count && strcmp(roadmap->works[i].entry->id, id) != 0)
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

/* Whether `work` waits for the one at `at`, at once or by way of others. */
static bool waits(const struct rw_roadmap *roadmap, const struct rw_roadmap_work *work, unsigned at)
{
    for (unsigned i = 0; i < work->need_count; i++)
        if (work->needs[i] == at || waits(roadmap, &roadmap->works[work->needs[i]], at))
            return true;
    return false;
}

static void add_need(const struct rw_roadmap *roadmap, struct rw_roadmap_work *work, const char *id)
{
    unsigned at = find_work(roadmap, id);
    if (at < roadmap->work_count) {
        if (!waits(roadmap, work, at))
            work->needs[work->need_count++] = at;
        return;
    }
    /* Not part of this plan: what it needed is needed instead. Entries have no circle. */
    const struct rw_roadmap_entry *entry = find_entry(id);
    for (unsigned i = 0; i < RW_ROADMAP_NEEDS_MAX && entry->needs[i]; i++)
        add_need(roadmap, work, entry->needs[i]);
}

/* ---- How long they take ---- */

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

static struct rw_label duration_of(struct rw_plan *plan, const struct rw_roadmap_entry *entry)
{
    return (struct rw_label){rw_sheet_text(&plan->sheet, "%s: duration", entry->name.en),
                             rw_sheet_text(&plan->sheet, "%s：工期", entry->name.zh)};
}

static uint32_t add_work(struct rw_plan *plan, const struct rw_roadmap_entry *entry, const char *id)
{
    return rw_sheet_add(
        &plan->sheet,
        &(struct rw_cell){
            .id = id,
            .label = duration_of(plan, entry),
            .unit = RW_UNIT_DAYS,
            .origin = RW_ORIGIN_ASSUMED,
            .value = entry->mode,
            .reason = RW_LABEL("calendar days of a team of usual size; confirmed in the assessment",
                               "常规团队的日历天数，评估阶段确认"),
            .spread = {RW_SPREAD_TRIANGULAR, entry->low, entry->mode, entry->high},
            .spread_reason = RW_LABEL("shortest, likeliest and longest", "最短、最可能与最长"),
        });
}

/* Where the amount of data is unknown, the work is as long as its people need: the input says so.
 */
static void add_days(struct rw_plan *plan, struct rw_roadmap_work *work)
{
    struct rw_sheet *sheet = &plan->sheet;
    const struct rw_roadmap_entry *entry = work->entry;
    const char *id = rw_sheet_text(sheet, "roadmap.%s.days", entry->id);
    if (strcmp(entry->id, "migrate_data") != 0 ||
        isnan(rw_plan_input(plan, RW_INPUT_DATA_STORED))) {
        work->days = add_work(plan, entry, id);
        return;
    }
    uint32_t moved = add_transfer(plan);
    uint32_t people = add_work(plan, entry, "roadmap.migrate_data.work");
    work->transfer = rw_sheet_value(sheet, moved);
    work->days = rw_sheet_compute(sheet, id, duration_of(plan, entry), RW_UNIT_DAYS,
                                  &rw_formula_sum, 2, people, moved);
}

static void set_dates(const struct rw_plan *plan, const struct rw_roadmap *roadmap,
                      struct rw_roadmap_work *work)
{
    for (unsigned i = 0; i < work->need_count; i++)
        work->first_day = fmax(work->first_day, roadmap->works[work->needs[i]].last_day);
    work->last_day = work->first_day + rw_sheet_value(&plan->sheet, work->days);
}

void rw_roadmap_choose_works(struct rw_plan *plan, struct rw_roadmap *roadmap)
{
    for (const struct rw_roadmap_entry *entry = rw_roadmap_entries; entry->id; entry++) {
        if (!wanted(plan, entry->id))
            continue;
        struct rw_roadmap_work *work = &roadmap->works[roadmap->work_count];
        *work = (struct rw_roadmap_work){.entry = entry};
        for (unsigned i = 0; i < RW_ROADMAP_NEEDS_MAX && entry->needs[i]; i++)
            add_need(roadmap, work, entry->needs[i]);
        add_days(plan, work);
        set_dates(plan, roadmap, work);
        roadmap->work_count++;
    }
}
