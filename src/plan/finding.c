#include "plan/finding.h"

#include "base/alloc.h"
#include "report/texts.h"

#include <stdlib.h>

static const struct rw_label severities[] = {
    [RW_SEVERITY_BLOCKER] = RW_LABEL("blocker", "无法成立"),
    [RW_SEVERITY_WARNING] = RW_LABEL("warning", "风险"),
    [RW_SEVERITY_NOTE] = RW_LABEL("note", "提示"),
};

void rw_findings_init(struct rw_findings *findings, struct rw_arena *arena)
{
    *findings = (struct rw_findings){.arena = arena};
}

void rw_findings_free(struct rw_findings *findings)
{
    rw_free(findings->at);
    *findings = (struct rw_findings){0};
}

static bool grow(struct rw_findings *findings)
{
    unsigned room = findings->room ? 2 * findings->room : 32;
    struct rw_finding *at = rw_realloc(findings->at, room * sizeof(*at));
    if (!at)
        return false;
    findings->at = at;
    findings->room = room;
    return true;
}

void rw_findings_add(struct rw_findings *findings, const struct rw_finding *finding)
{
    if (findings->err)
        return;
    if (findings->count == RW_FINDINGS_MAX) {
        findings->err = RW_ELIMIT;
        return;
    }
    if (findings->count == findings->room && !grow(findings)) {
        findings->err = RW_ENOMEM;
        return;
    }
    findings->at[findings->count++] = *finding;
}

/* A stable insertion sort: there are few, and most come in order. */
void rw_findings_sort(struct rw_findings *findings)
{
    for (unsigned i = 1; i < findings->count; i++) {
        struct rw_finding moved = findings->at[i];
        unsigned to = i;
        for (; to > 0 && findings->at[to - 1].severity > moved.severity; to--)
            findings->at[to] = findings->at[to - 1];
        findings->at[to] = moved;
    }
}

unsigned rw_findings_count(const struct rw_findings *findings, enum rw_severity severity)
{
    unsigned count = 0;
    for (unsigned i = 0; i < findings->count; i++)
        count += findings->at[i].severity == severity;
    return count;
}

static const char *subject_in(const struct rw_finding *finding, enum rw_language language)
{
    if (finding->named.en)
        return rw_label_in(finding->named, language);
    return finding->subject ? finding->subject : "";
}

void rw_finding_write(const struct rw_finding *finding, struct rw_label template,
                      enum rw_language language, struct rw_text *text)
{
    const char *at = rw_label_in(template, language);
    while (*at != '\0') {
        size_t plain = strcspn(at, "{");
        rw_text_add(text, rw_report_behind(rw_text_span(text), rw_span(at, plain)));
        at += plain;
        if (at[0] == '{' && (at[1] == '0' || at[1] == '1') && at[2] == '}') {
            rw_quantity_write(text, finding->numbers[at[1] - '0'], language);
            at += 3;
        } else if (strncmp(at, "{2}", 3) == 0) {
            rw_text_adds(text, subject_in(finding, language));
            at += 3;
        } else if (at[0] == '{') {
            rw_text_adds(text, "{");
            at++;
        }
    }
}

const char *rw_severity_text(enum rw_severity severity, enum rw_language language)
{
    return rw_label_in(severities[severity], language);
}
