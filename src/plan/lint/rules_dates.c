/* Dates: deadlines, phases. */
#include "plan/intake/bind.h"
#include "plan/lint/rules.h"

#include <math.h>

static const double month_s = RW_LINT_YEAR_SECONDS / 12;

struct phases {
    const struct rw_intake_row *rows;
    size_t count;
    double shortest, longest; /* seconds, one after the other; NaN: none has a duration */
    const struct rw_intake_value *first;
};

/* Phases that say what they come after may overlap: the longest chain counts. */
static double chain(const struct phases *phases, size_t index, bool longest, unsigned depth)
{
    const struct rw_intake_value *duration = rw_intake_in(&phases->rows[index], "duration");
    const struct rw_intake_value *after = rw_intake_in(&phases->rows[index], "after");
    double own = duration->there ? longest ? duration->amount.high : duration->amount.low : 0;
    if (!after->there || depth > phases->count)
        return own;
    for (size_t i = 0; i < phases->count; i++)
        if (i != index && rw_span_eq(rw_intake_in(&phases->rows[i], "name")->text, after->text))
            return own + chain(phases, i, longest, depth + 1);
    return own;
}

static struct phases all_phases(const struct rw_lint *lint)
{
    struct phases phases = {.shortest = NAN, .longest = NAN};
    phases.rows = rw_intake_rows(lint->intake, "phases", &phases.count);
    double low = 0, high = 0, chain_low = 0, chain_high = 0;
    bool linked = false;
    for (size_t i = 0; i < phases.count; i++) {
        const struct rw_intake_value *duration = rw_intake_in(&phases.rows[i], "duration");
        linked |= rw_intake_in(&phases.rows[i], "after")->there;
        if (!duration->there)
            continue;
        if (!phases.first)
            phases.first = duration;
        low += duration->amount.low;
        high += duration->amount.high;
        chain_low = fmax(chain_low, chain(&phases, i, false, 0));
        chain_high = fmax(chain_high, chain(&phases, i, true, 0));
    }
    if (phases.first) {
        phases.shortest = linked ? chain_low : low;
        phases.longest = linked ? chain_high : high;
    }
    return phases;
}

void rw_lint_deadline_passed(struct rw_lint *lint)
{
    double deadline = rw_intake_deadline(lint->intake, lint->date);
    if (deadline < lint->date)
        rw_lint_tell(lint,
                     &(struct rw_lint_hit){.value = rw_intake_get(lint->intake, "goal.deadline"),
                                           .claimed = rw_lint_quantity(deadline, RW_UNIT_DATE),
                                           .possible = rw_lint_quantity(lint->date, RW_UNIT_DATE)});
}

void rw_lint_phases_too_long(struct rw_lint *lint)
{
    struct phases phases = all_phases(lint);
    double days = rw_intake_deadline(lint->intake, lint->date) - lint->date;
    if (days >= 0 && phases.shortest > days * 86400)
        rw_lint_tell(lint,
                     &(struct rw_lint_hit){
                         .value = rw_intake_get(lint->intake, "goal.deadline"),
                         .claimed = rw_lint_quantity(days * 86400 / month_s, RW_UNIT_MONTHS),
                         .possible = rw_lint_quantity(phases.shortest / month_s, RW_UNIT_MONTHS)});
}

/* The ends of the stated range against those of the sum, to a quarter of a month. */
void rw_lint_phases_total(struct rw_lint *lint)
{
    struct phases phases = all_phases(lint);
    for (size_t i = 0; i < phases.count; i++) {
        const struct rw_intake_value *total = rw_intake_in(&phases.rows[i], "total");
        if (!total->there || !phases.first)
            continue;
        bool low = fabs(total->amount.low - phases.shortest) > month_s / 4;
        bool high = fabs(total->amount.high - phases.longest) > month_s / 4;
        if (!low && !high)
            continue;
        double stated = low ? total->amount.low : total->amount.high;
        double sum = low ? phases.shortest : phases.longest;
        rw_lint_tell(lint, &(struct rw_lint_hit){
                               .value = total,
                               .claimed = rw_lint_quantity(stated / month_s, RW_UNIT_MONTHS),
                               .possible = rw_lint_quantity(sum / month_s, RW_UNIT_MONTHS)});
    }
}

void rw_lint_phases_shares(struct rw_lint *lint)
{
    struct phases phases = all_phases(lint);
    const struct rw_intake_value *first = NULL;
    double sum = 0;
    for (size_t i = 0; i < phases.count; i++) {
        const struct rw_intake_value *share = rw_intake_in(&phases.rows[i], "share");
        if (!share->there)
            continue;
        first = first ? first : share;
        sum += rw_intake_number(share);
    }
    if (first && fabs(sum - 1) > 0.005)
        rw_lint_tell(lint, &(struct rw_lint_hit){.value = first,
                                                 .claimed = rw_lint_quantity(sum, RW_UNIT_SHARE),
                                                 .possible = rw_lint_quantity(1, RW_UNIT_SHARE)});
}

/* ---- From when to when ---- */

static const struct rw_intake_value *window_of(const struct rw_lint *lint, struct rw_span item)
{
    size_t count;
    const struct rw_intake_row *items = rw_intake_rows(lint->intake, "shares", &count);
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *window = rw_intake_in(&items[i], "window");
        if (window->there && rw_span_eq(rw_intake_in(&items[i], "name")->text, item))
            return window;
    }
    return NULL;
}

static void check_included(struct rw_lint *lint, const struct rw_intake_row *phase,
                           struct rw_span item)
{
    const struct rw_intake_value *own = rw_intake_in(phase, "window"),
                                 *window = window_of(lint, item);
    if (!own->there || !window || window->amount.high <= own->amount.high)
        return;
    rw_lint_tell(lint,
                 &(struct rw_lint_hit){
                     .value = window,
                     .claimed = rw_lint_quantity(window->amount.high / month_s, RW_UNIT_ONE),
                     .possible = rw_lint_quantity(own->amount.high / month_s, RW_UNIT_ONE),
                     .subject = rw_lint_format(lint, "%.*s / %.*s", RW_SPAN_ARGS(item),
                                               RW_SPAN_ARGS(rw_intake_in(phase, "name")->text))});
}

/* What a phase is said to finish ends after it. */
void rw_lint_window_after_phase(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *phases = rw_intake_rows(lint->intake, "phases", &count);
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *items = rw_intake_in(&phases[i], "includes");
        for (size_t k = 0; items->there && k < items->count; k++)
            check_included(lint, &phases[i], items->texts[k]);
    }
}

void rw_lint_window_against_duration(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *phases = rw_intake_rows(lint->intake, "phases", &count);
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *window = rw_intake_in(&phases[i], "window"),
                                     *duration = rw_intake_in(&phases[i], "duration");
        double length = window->amount.high - window->amount.low;
        if (!window->there || !duration->there || length >= duration->amount.low)
            continue;
        rw_lint_tell(lint,
                     &(struct rw_lint_hit){
                         .value = window,
                         .claimed = rw_lint_quantity(duration->amount.low / month_s, RW_UNIT_ONE),
                         .possible = rw_lint_quantity(length / month_s, RW_UNIT_ONE),
                         .subject = rw_lint_format(
                             lint, "%.*s", RW_SPAN_ARGS(rw_intake_in(&phases[i], "name")->text))});
    }
}
