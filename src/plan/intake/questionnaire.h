/* Within intake: the questionnaire as text. Its blocks begin with "[核心目标]："; its lines are
 * "- key：answer", some with several answers in one sentence.
 */
#ifndef RW_PLAN_INTAKE_QUESTIONNAIRE_H
#define RW_PLAN_INTAKE_QUESTIONNAIRE_H

#include "plan/intake/reader.h"

enum { RW_QUESTIONNAIRE_LINE_MAX = 4096 };

/* A block of the questionnaire, and where its answers go. */
struct rw_questionnaire_block {
    const char *titles;  /* parted by '|' */
    const char *texts;   /* sections whose text fields its keys name */
    const char *amounts; /* sections of which amounts are looked for in its sentences; "money" and
                            "money.goal_saving" (one field) */
    const char *other;   /* what takes an answer without a known key: "goal.other" */
};

/* A line without its marks, and the column of each of its bytes. */
struct rw_questionnaire_line {
    char text[RW_QUESTIONNAIRE_LINE_MAX];
    uint32_t columns[RW_QUESTIONNAIRE_LINE_MAX + 1];
    size_t len;
    uint32_t number;
    size_t indent;
    bool heading;
    unsigned blanks, filled; /* "__( )__" on the line, and how many of them hold an answer */
    unsigned doubtful;       /* hold the template's own words, which may be meant */
};

/* NULL at the end. */
extern const char *const rw_intake_hints[];

/* Takes the marks off: blanks, "#", "-", "**", "__( )__" (with its content when it is an answer).
 * False: longer than RW_QUESTIONNAIRE_LINE_MAX. */
bool rw_questionnaire_clean(struct rw_span raw, uint32_t number,
                            struct rw_questionnaire_line *line);

/* The amounts in a sentence that belong to fields of the block; returns how many were taken. `key`
 * is what stands before the colon (its words count for every clause). */
unsigned rw_questionnaire_amounts(struct rw_intake_reader *reader,
                                  const struct rw_questionnaire_block *block,
                                  const struct rw_questionnaire_line *line, struct rw_span key,
                                  struct rw_span sentence);

/* The place of a part of the line's text. */
struct rw_conf_place rw_questionnaire_place(const struct rw_questionnaire_line *line,
                                            struct rw_span part);

/* The field "section.name". */
struct rw_intake_value *rw_questionnaire_value(struct rw_intake_reader *reader,
                                               struct rw_span path);

#endif
