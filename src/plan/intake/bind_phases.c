#include "plan/intake/bind_phases.h"

#include "plan/intake/reader.h"

#include <math.h>

#define DAY 86400.0

enum { NAME_BYTES_MAX = 150 }; /* it stands in labels, which have a limit */

static unsigned find(const struct rw_terms *terms, struct rw_span name)
{
    unsigned i = 0;
    while (i < terms->phase_count && !rw_span_is_nocase(name, terms->phases[i].name))
        i++;
    return i;
}

static void tell_after(const struct rw_terms *terms, const struct rw_intake_value *after,
                       struct rw_conf_report *report)
{
    const char *names[RW_TERM_PHASES_MAX];
    for (unsigned i = 0; i < terms->phase_count; i++)
        names[i] = terms->phases[i].name;
    rw_intake_tell(report, after->place, "after: no phase %s stands above this one%s",
                   "前置阶段：此前没有名为 %s 的阶段%s", rw_conf_quote(report, after->text),
                   rw_conf_hint(report, after->text, names, terms->phase_count));
}

static bool any_after(const struct rw_intake_row *rows, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any |= rw_intake_in(&rows[i], "after")->there;
    return any;
}

/* The place of the phase that the row waits for; its own: none. */
static unsigned waits_for(const struct rw_terms *terms, const struct rw_intake_row *row,
                          bool linked, struct rw_conf_report *report)
{
    const struct rw_intake_value *after = rw_intake_in(row, "after");
    unsigned own = terms->phase_count;
    if (!linked)
        return own ? own - 1 : own;
    if (!after->there)
        return own;
    unsigned found = find(terms, after->text);
    if (found == own)
        tell_after(terms, after, report);
    return found;
}

static void add(const struct rw_intake_row *row, bool linked, struct rw_terms *terms,
                struct rw_conf_report *report)
{
    const struct rw_intake_value *name = rw_intake_in(row, "name");
    const struct rw_intake_value *duration = rw_intake_in(row, "duration");
    const struct rw_intake_value *acceptance = rw_intake_in(row, "acceptance");
    if (!name->there || !name->text.len) {
        rw_intake_tell(report, row->place, "a phase has a name", "阶段须有名称");
        return;
    }
    if (name->text.len > NAME_BYTES_MAX) {
        rw_intake_tell(report, name->place, "the name of a phase is at most %d bytes long",
                       "阶段名称最长 %d 字节", NAME_BYTES_MAX);
        return;
    }
    if (find(terms, name->text) < terms->phase_count) {
        rw_intake_tell(report, name->place, "the phase %s is there twice", "阶段 %s 出现两次",
                       rw_conf_quote(report, name->text));
        return;
    }
    if (terms->phase_count == RW_TERM_PHASES_MAX) {
        rw_intake_tell(report, row->place, "more than %d phases", "超过 %d 个阶段",
                       RW_TERM_PHASES_MAX);
        return;
    }
    unsigned after = waits_for(terms, row, linked, report);
    terms->phases[terms->phase_count++] = (struct rw_term_phase){
        .name = name->text.at,
        .acceptance = acceptance->there && acceptance->text.len ? acceptance->text.at : NULL,
        .low = duration->there ? duration->amount.low / DAY : NAN,
        .high = duration->there ? duration->amount.high / DAY : NAN,
        .share = rw_intake_number(rw_intake_in(row, "share")),
        .after = after,
        .place = duration->there ? duration->place : row->place,
    };
}

void rw_intake_bind_phases(const struct rw_intake *intake, struct rw_terms *terms,
                           struct rw_conf_report *report)
{
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(intake, "phases", &count);
    bool linked = any_after(rows, count);
    terms->phase_count = 0;
    for (size_t i = 0; i < count; i++)
        add(&rows[i], linked, terms, report);
}
