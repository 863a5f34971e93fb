/* Cells from the sheet of another bill into the plan's. */
#include "plan/elsewhere/elsewhere.h"

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *past(const char *id, const char *prefix)
{
    return begins(id, prefix) ? id + strlen(prefix) : id;
}

bool rw_elsewhere_owns(const struct rw_cell *cell)
{
    return begins(cell->id, "elsewhere.");
}

/* "bill.t3.s1.app.month.1" of "azure" is "elsewhere.azure.app.month.1". */
static const char *new_id(struct rw_plan *plan, const struct rw_plan *other, const char *provider,
                          const char *id)
{
    const char *tier = rw_sheet_text(&plan->sheet, "%s.", other->tiers[0].id);
    return rw_sheet_text(&plan->sheet, "elsewhere.%s.%s", provider,
                         past(past(past(id, "bill."), tier), "s1."));
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The plan's own cell of that id, when it says the same. */
static uint32_t find_alike(const struct rw_sheet *sheet, const struct rw_cell *cell)
{
    uint32_t number = rw_sheet_find(sheet, cell->id);
    if (number == RW_CELL_NONE)
        return number;
    const struct rw_cell *known = rw_sheet_cell(sheet, number);
    bool same_value = known->value == cell->value || (isnan(known->value) && isnan(cell->value));
    return same_value && same_text(known->currency, cell->currency) ? number : RW_CELL_NONE;
}

/* Texts of the other sheet end with it. */
static const char *keep(struct rw_plan *plan, const char *text)
{
    if (!text)
        return NULL;
    struct rw_span copy = rw_arena_copy(&plan->sheet.arena, rw_span_text(text));
    if (!copy.at && !plan->sheet.err)
        plan->sheet.err = RW_ENOMEM;
    return copy.at ? copy.at : "";
}

static struct rw_label keep_label(struct rw_plan *plan, struct rw_label label)
{
    return (struct rw_label){keep(plan, label.en), keep(plan, label.zh)};
}

static uint32_t add_copy(struct rw_plan *plan, const struct rw_plan *other, const char *provider,
                         const struct rw_cell *cell, const uint32_t *moved)
{
    uint32_t inputs[RW_SHEET_INPUTS_MAX];
    for (unsigned i = 0; i < cell->input_count; i++)
        inputs[i] = moved[cell->inputs[i]];
    struct rw_cell copy = *cell;
    copy.id = new_id(plan, other, provider, cell->id);
    copy.label = keep_label(plan, cell->label);
    copy.reason = keep_label(plan, cell->reason);
    copy.currency = keep(plan, cell->currency);
    copy.per = keep(plan, cell->per);
    copy.source = keep(plan, cell->source);
    copy.inputs = inputs;
    return rw_sheet_add(&plan->sheet, &copy);
}

/* The sheet's order has inputs first, and each cell is at most once on its way: the depth is that
 * of a formula, a dozen. */
uint32_t rw_elsewhere_move(struct rw_plan *plan, const struct rw_plan *other, const char *provider,
                           uint32_t cell, uint32_t *moved)
{
    if (plan->sheet.err || moved[cell] != RW_CELL_NONE)
        return moved[cell];
    const struct rw_cell *at = rw_sheet_cell(&other->sheet, cell);
    moved[cell] = find_alike(&plan->sheet, at);
    if (moved[cell] != RW_CELL_NONE)
        return moved[cell];
    for (unsigned i = 0; i < at->input_count; i++)
        if (rw_elsewhere_move(plan, other, provider, at->inputs[i], moved) == RW_CELL_NONE)
            return RW_CELL_NONE;
    moved[cell] = add_copy(plan, other, provider, at, moved);
    return moved[cell];
}
