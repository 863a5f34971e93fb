/* Findings: what a plan's numbers say that somebody should know before signing.
 *
 * Lint rules and chapters add them; the report and the command line show them, worst first and
 * otherwise in the order in which they came. A finding never says only "wrong": it has the rule,
 * both numbers that do not fit together, where the limit comes from, and what to do.
 * Texts are templates with {0} and {1} for the two numbers, so that a rule's text stands once, in
 * both languages, beside the rule.
 */
#ifndef RW_PLAN_FINDING_H
#define RW_PLAN_FINDING_H

#include "base/arena.h"
#include "base/text.h"
#include "conf/schema.h"
#include "report/label.h"
#include "report/unit.h"

enum { RW_FINDINGS_MAX = 1000 };

enum rw_severity {
    RW_SEVERITY_BLOCKER, /* cannot be: the plan must not be promised like this */
    RW_SEVERITY_WARNING, /* a risk, or a claim that needs proof */
    RW_SEVERITY_NOTE,    /* worth knowing */
    RW_SEVERITY_COUNT
};

struct rw_finding {
    const char *rule; /* "latency_floor"; stable: users may refer to it */
    enum rw_severity severity;
    struct rw_label text;          /* what is wrong, with {0} and {1} */
    struct rw_label action;        /* what to do */
    struct rw_quantity numbers[2]; /* {0}: what was claimed; {1}: what is possible */
    uint32_t cells[2];             /* where they stand in the sheet, or RW_CELL_NONE */
    const char *subject;           /* what of several it is about ("MySQL 8.0"), or NULL; {2} */
    struct rw_label named; /* ... where it has a name in each language: that stands for {2} */
    const char *source;    /* of the rule or the limit */
    const char *file;      /* where the claim stands; NULL: not in a file */
    struct rw_conf_place place;
};

struct rw_findings {
    struct rw_finding *at;
    unsigned count, room;
    struct rw_arena *arena; /* not owned; texts that the caller makes live there, too */
    enum rw_err err;        /* the first failure; kept */
};

void rw_findings_init(struct rw_findings *findings, struct rw_arena *arena);
void rw_findings_free(struct rw_findings *findings);

/* Keeps a copy (texts are not copied). More than RW_FINDINGS_MAX: RW_ELIMIT in `err`. */
void rw_findings_add(struct rw_findings *findings, const struct rw_finding *finding);

/* Worst first, otherwise as they came. */
void rw_findings_sort(struct rw_findings *findings);

/* How many there are of a severity. */
unsigned rw_findings_count(const struct rw_findings *findings, enum rw_severity severity);

/* `template` with {0}, {1} and {2} filled in. */
void rw_finding_write(const struct rw_finding *finding, struct rw_label template,
                      enum rw_language language, struct rw_text *text);

/* "blocker" / "无法成立". */
const char *rw_severity_text(enum rw_severity severity, enum rw_language language);

#endif
