/* Within lint: data/plan/lint.yaml. Words are parted by '|', in both languages; they live until
 * rw_lint_facts_free.
 */
#ifndef RW_PLAN_LINT_FACTS_H
#define RW_PLAN_LINT_FACTS_H

#include "conf/tree.h"

struct rw_lint_component {
    const char *id, *words;
    const char *older_than, *older_ended, *source; /* or NULL */
};

struct rw_lint_limit {
    const char *words, *what, *bytes_max, *limit, *source;
};

struct rw_lint_provider {
    const char *id, *words;
};

struct rw_lint_place {
    const char *id, *words, *latitude, *longitude, *mainland;
};

struct rw_lint_region {
    const char *provider, *name, *place, *words;
};

struct rw_lint_area {
    const char *words, *place;
};

struct rw_lint_standard {
    const char *id, *words, *kind, *types, *retired, *current;
    const char *instead_en, *instead_zh, *source;
};

/* "ISO 27001": a word, and which numbers stand behind it. */
struct rw_lint_family {
    const char *name, *words, *mark, *known, *levels, *most, *source;
};

#define RW_LINT_LISTS(X)                                                                           \
    X(component, components)                                                                       \
    X(limit, limits)                                                                               \
    X(provider, providers)                                                                         \
    X(place, places)                                                                               \
    X(region, regions)                                                                             \
    X(area, areas)                                                                                 \
    X(standard, standards)                                                                         \
    X(family, families)

struct rw_lint_facts {
    struct rw_arena arena;
    struct rw_conf_tree tree;
#define RW_LINT_LIST_MEMBER(one, many)                                                             \
    struct rw_lint_##one *many;                                                                    \
    unsigned one##_count;
    RW_LINT_LISTS(RW_LINT_LIST_MEMBER)
#undef RW_LINT_LIST_MEMBER
    const char *world, *known_standards, *certified, *rules, *named, *absolute, *global,
        *between_sites;
};

/* RW_EINVAL: the file is broken (the report says how). rw_lint_facts_free in any case. */
RW_MUST_CHECK enum rw_err rw_lint_facts_load(struct rw_lint_facts *facts,
                                             struct rw_conf_report *report);
void rw_lint_facts_free(struct rw_lint_facts *facts);

const struct rw_lint_place *rw_lint_facts_place(const struct rw_lint_facts *facts, const char *id);
/* Kilometres of the great circle between two places. */
double rw_lint_distance(const struct rw_lint_place *a, const struct rw_lint_place *b);
/* Seconds that light needs there and back in fibre. */
double rw_lint_round_trip(double kilometres);

#endif
