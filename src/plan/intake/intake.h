/* An intake: what a customer wrote, as typed values, each with its place in the file.
 *
 *     struct rw_intake intake;
 *     struct rw_conf_report report = {0};
 *     err = rw_intake_read_file("intake.yaml", &intake, &report);
 *     ... rw_intake_get(&intake, "load.users")->amount.low ...
 *     rw_intake_free(&intake);
 *
 * Three forms are read: YAML with English or Chinese keys; the text of the questionnaire with its
 * blanks filled in (rw_intake_read_text finds out which one it is); and the same YAML as the
 * interview writes it. All mistakes are told at once, each with line and column, what was read
 * and what would be right. Nothing is invented: a value is given, assumed by whoever filled in the
 * intake (with his reason), or measured (with the file that says so).
 *
 * A section that is no list has exactly one row, whether it is in the file or not. One thread.
 */
#ifndef RW_PLAN_INTAKE_INTAKE_H
#define RW_PLAN_INTAKE_INTAKE_H

#include "base/arena.h"
#include "conf/read.h"
#include "plan/intake/schema.h"

#define RW_INTAKE_VERSION "ringway/1"

enum {
    RW_INTAKE_BYTES_MAX = 1 << 20, /* of the file */
    RW_INTAKE_ROWS_MAX = 200,      /* of one section */
    RW_INTAKE_ITEMS_MAX = 100,     /* of one value */
    RW_INTAKE_UNREAD_MAX = 200,
    RW_INTAKE_ARENA_BYTES_MAX = 64 << 20,
};

struct rw_intake_value {
    const struct rw_intake_field *field;
    bool there;
    bool unknown;               /* the customer says that he does not know */
    enum rw_origin_kind origin; /* GIVEN, ASSUMED or MEASURED */
    struct rw_span text;        /* as written; of a list, its first item */
    struct rw_amount amount;    /* AMOUNT; AMOUNTS: the first */
    const struct rw_amount *amounts;
    const struct rw_span *texts;
    size_t count;           /* of amounts or texts */
    struct rw_label reason; /* ASSUMED */
    const char *source;     /* MEASURED */
    struct rw_conf_place place;
};

enum { RW_INTAKE_DOUBTFUL_MAX = 12 };

struct rw_intake_row {
    const struct rw_intake_section *section;
    struct rw_intake_value *values; /* in the order of the section's fields */
    struct rw_conf_place place;
};

/* A piece of the questionnaire of which no field was filled. */
struct rw_intake_unread {
    struct rw_span text;
    struct rw_conf_place place;
};

struct rw_intake {
    struct rw_arena arena;
    const char *file;
    struct {
        struct rw_intake_row *at;
        size_t count, room;
    } rows[RW_INTAKE_SECTIONS];
    struct rw_intake_unread *unread;
    size_t unread_count;
    bool questionnaire; /* it was the text, not YAML */
    /* Blanks that hold the template's own words count as not filled in: how many, and the lines of
     * the first ones. */
    unsigned doubtful_count;
    uint32_t doubtful_lines[RW_INTAKE_DOUBTFUL_MAX];
};

/* RW_EINVAL: mistakes were told; RW_ENOENT, RW_EACCES: the file (told, too); RW_ENOMEM.
 * rw_intake_free afterwards, whatever the outcome. The report's texts live in the intake's arena
 * unless it has one of its own. */
RW_MUST_CHECK enum rw_err rw_intake_read_file(const char *path, struct rw_intake *intake,
                                              struct rw_conf_report *report);
RW_MUST_CHECK enum rw_err rw_intake_read_text(struct rw_span text, const char *name,
                                              struct rw_intake *intake,
                                              struct rw_conf_report *report);
void rw_intake_free(struct rw_intake *intake);

/* "load.users": of a section that is no list. The name is in the table, or the program is wrong. */
const struct rw_intake_value *rw_intake_get(const struct rw_intake *intake, const char *path);
/* The value of a field of one row. */
const struct rw_intake_value *rw_intake_in(const struct rw_intake_row *row, const char *name);
/* The rows of a section; `count` gets how many. */
const struct rw_intake_row *rw_intake_rows(const struct rw_intake *intake, const char *section,
                                           size_t *count);
/* The text, or "" when it is not there. */
struct rw_span rw_intake_text(const struct rw_intake *intake, const char *path);

/* The middle of a range; of "500万+" and "<50ms" the number itself. NaN: not there. */
double rw_intake_number(const struct rw_intake_value *value);
/* A rate: so much in one `per`, whatever the text referred to. NaN: not there, or no rate. */
double rw_intake_rate(const struct rw_intake_value *value, enum rw_per per);

/* What is not there and what that changes, what is assumed and why; then what was not understood.
 * One line each. */
void rw_intake_write_gaps(const struct rw_intake *intake, enum rw_language language,
                          struct rw_text *text);

/* ---- Made from the table ---- */

/* A commented file to fill in. */
void rw_intake_write_template(enum rw_language language, struct rw_text *text);
/* JSON Schema, draft 2020-12, for editors. */
void rw_intake_write_schema(struct rw_text *text);
/* The reference page of all fields, in Markdown. */
void rw_intake_write_manual(struct rw_text *text);
/* The intake as YAML that reads back as the same. */
void rw_intake_write_yaml(const struct rw_intake *intake, enum rw_language language,
                          struct rw_text *text);

#endif
