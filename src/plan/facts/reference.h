/* Reference facts of data/plan/models.yaml: what a model is called and when it holds, how long
 * versions are supported, which regions exist, what products cannot hold, what suppliers pay.
 *
 * Lint and report ask; read once per plan; all texts live until rw_reference_free. One thread.
 */
#ifndef RW_PLAN_FACTS_REFERENCE_H
#define RW_PLAN_FACTS_REFERENCE_H

#include "conf/tree.h"
#include "plan/facts/fields.h"
#include "report/label.h"

enum { RW_REFERENCE_BYTES_MAX = 16 << 20 };

struct rw_model_fact {
    const char *id; /* as in struct rw_formula */
    struct rw_label name;
    const struct rw_conf_node *formula, *valid_when; /* lists of texts */
    const char *source;
};

struct rw_lifecycle {
    const char *component, *version; /* "mysql", "8.0" */
    struct rw_facts_day end;         /* undated: still supported */
    struct rw_facts_day extended;    /* paid support; undated: none */
    const char *note;
    const char *source; /* NULL: that of the whole table */
    struct rw_conf_place place;
};

struct rw_product_limit {
    const char *product, *limit, *source, *note;
};

struct rw_distance {
    const char *from, *to;
    double kilometres, rtt_ms_min;
};

struct rw_reference {
    struct rw_arena arena;
    struct rw_conf_tree tree;
    struct rw_model_fact *models;
    unsigned model_count;
    struct rw_lifecycle *lifecycles;
    unsigned lifecycle_count;
    const char *lifecycle_source; /* with its date */
    struct rw_product_limit *limits;
    unsigned limit_count;
    struct rw_distance *distances;
    unsigned distance_count;
};

/* As rw_standards_load. */
RW_MUST_CHECK enum rw_err rw_reference_load(struct rw_reference *reference,
                                            struct rw_conf_report *report);
void rw_reference_free(struct rw_reference *reference);

/* NULL: unknown. */
const struct rw_model_fact *rw_reference_model(const struct rw_reference *reference,
                                               const char *id);
const struct rw_lifecycle *rw_reference_lifecycle(const struct rw_reference *reference,
                                                  const char *component, const char *version);

enum rw_region_answer {
    RW_REGION_EXISTS,
    RW_REGION_UNKNOWN,     /* not in a list that is complete */
    RW_REGION_UNDECIDABLE, /* the list is not complete, or there is none */
};
/* Whether the provider ("aws", "azure") has a region of that technical name. `nearest` (may be
 * NULL) gets the region that was probably meant, or NULL. */
enum rw_region_answer rw_reference_region(const struct rw_reference *reference,
                                          const char *provider, struct rw_span name,
                                          const char **nearest);

#endif
