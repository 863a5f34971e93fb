/* What a customer is asked: one table of all fields, from which the YAML reader, the reader of the
 * questionnaire text, the commented template, the interview and the JSON Schema are made.
 *
 * Sections hold fields; a section with `many` is a list of records. A field that is an input of
 * the plan (plan/inputs.h) has its name, label, unit, assumption and what its absence changes
 * there; the others have them here.
 */
#ifndef RW_PLAN_INTAKE_SCHEMA_H
#define RW_PLAN_INTAKE_SCHEMA_H

#include "plan/inputs.h"
#include "plan/intake/amount.h"

/* For the tables. */
#define RW_INTAKE_INPUT(name, further, ...)                                                        \
    {                                                                                              \
        .is_input = true, .input = RW_INPUT_##name, .kind = RW_INTAKE_AMOUNT, .keys = (further),   \
        __VA_ARGS__                                                                                \
    }

enum rw_intake_kind {
    RW_INTAKE_TEXT,
    RW_INTAKE_TEXTS,   /* a list */
    RW_INTAKE_AMOUNT,  /* see `dimensions` */
    RW_INTAKE_AMOUNTS, /* a list */
};

struct rw_intake_field {
    const char *name; /* NULL: that of the input */
    const char *keys; /* further names, parted by '|', the Chinese one first */
    enum rw_intake_kind kind;
    bool is_input;
    enum rw_input input;
    unsigned dimensions; /* 0: by the unit of the input */
    enum rw_per per;     /* what a rate refers to when the text does not say */
    struct rw_label label;
    struct rw_label example; /* as people write it */
    struct rw_label absent;  /* what changes when nobody says; empty: nothing worth telling */
    /* In a sentence of the questionnaire: words beside which the amount stands, parted by '|';
     * NULL: `keys`. "" for none. */
    const char *cues;
};

struct rw_intake_section {
    const char *name;
    const char *keys;
    struct rw_label label, doc;
    bool many;
    const struct rw_intake_field *fields; /* ended by a field without name and input */
};

enum {
    RW_INTAKE_SECTIONS = 19,
    RW_INTAKE_FIELDS_MAX = 48, /* of one section */
};

extern const struct rw_intake_section rw_intake_sections[RW_INTAKE_SECTIONS];

/* Fields by parts of the table (schema_customer.c, schema_estate.c, schema_money.c). */
extern const struct rw_intake_field rw_intake_fields_plan[], rw_intake_fields_profile[],
    rw_intake_fields_load[], rw_intake_fields_measurements[], rw_intake_fields_data[],
    rw_intake_fields_pains[], rw_intake_fields_infrastructure[], rw_intake_fields_sites[],
    rw_intake_fields_components[], rw_intake_fields_links[], rw_intake_fields_goal[],
    rw_intake_fields_targets[], rw_intake_fields_money[], rw_intake_fields_shares[],
    rw_intake_fields_savings[], rw_intake_fields_rates[], rw_intake_fields_constraints[],
    rw_intake_fields_service[], rw_intake_fields_phases[];

static inline bool rw_intake_field_ends(const struct rw_intake_field *field)
{
    return !field->name && !field->is_input;
}

unsigned rw_intake_field_count(const struct rw_intake_section *section);

/* The English key: "users". */
const char *rw_intake_field_name(const struct rw_intake_field *field);
struct rw_label rw_intake_field_label(const struct rw_intake_field *field);
unsigned rw_intake_field_dimensions(const struct rw_intake_field *field);
enum rw_per rw_intake_field_per(const struct rw_intake_field *field);
/* What its absence changes; both texts NULL: nothing. */
struct rw_label rw_intake_field_absent(const struct rw_intake_field *field);
/* The key in one language; it lives as long as the table. */
struct rw_span rw_intake_field_key(const struct rw_intake_field *field, enum rw_language language);
struct rw_span rw_intake_section_key(const struct rw_intake_section *section,
                                     enum rw_language language);

/* The section or field that is called so, in either language; NULL: none. */
const struct rw_intake_section *rw_intake_find_section(struct rw_span key);
const struct rw_intake_field *rw_intake_find_field(const struct rw_intake_section *section,
                                                   struct rw_span key);

/* Iterates over words parted by '|': false at the end. */
bool rw_intake_next_word(struct rw_span *rest, struct rw_span *word);

#endif
