/* Within plan/facts: a mapping of a data file becomes a struct, by a table of its keys.
 *
 * The data files and a user's price file go the same way, so a mistake in either is told the same:
 * file, line, column, what was read, what would be right. Texts are those of the tree, which must
 * outlive the struct; nothing is copied.
 */
#ifndef RW_PLAN_FACTS_FIELDS_H
#define RW_PLAN_FACTS_FIELDS_H

#include "conf/read.h"
#include "conf/tree.h"

enum rw_facts_kind {
    RW_FACTS_TEXT,   /* const char * */
    RW_FACTS_NUMBER, /* double, not negative; absent: NaN */
    RW_FACTS_DAY,  /* struct rw_facts_day: "2026-07-20"; other texts are no date, and no mistake */
    RW_FACTS_NODE, /* const struct rw_conf_node *: whatever stands there */
};

struct rw_facts_day {
    const char *text;
    double day; /* since 1970-01-01; NaN: undated */
};

struct rw_facts_field {
    const char *name; /* NULL ends the table */
    enum rw_facts_kind kind;
    bool required;
    size_t offset;
};

/* Where the struct has a place, it gets the mapping's. */
struct rw_facts_record {
    const char *what; /* "price", for messages */
    const struct rw_facts_field *fields;
    size_t size;
    ptrdiff_t place_offset; /* -1: none */
};

/* False: something was wrong, and told. `out` is zeroed first. */
bool rw_facts_decode(const struct rw_facts_record *record, const struct rw_conf_node *node,
                     struct rw_conf_report *report, void *out);

/* A list of such mappings as an array in the arena; `node` may be NULL: none. RW_ENOMEM; mistakes
 * are only told: the caller looks at the report in the end. Broken entries are left out. */
RW_MUST_CHECK enum rw_err rw_facts_decode_list(const struct rw_facts_record *record,
                                               const struct rw_conf_node *node,
                                               struct rw_arena *arena,
                                               struct rw_conf_report *report, void **out,
                                               unsigned *count);

/* A decimal number, not negative, in digits only: "0.17", "1e9" is none. */
bool rw_facts_number(struct rw_span text, double *value);

/* A mistake in the language of the report. */
#define rw_facts_tell(report, place, en, zh, ...)                                                  \
    rw_conf_mistake_at(report, place, (report)->voice == RW_CONF_VOICE_CHINESE ? (zh) : (en),      \
                       ##__VA_ARGS__)

#endif
