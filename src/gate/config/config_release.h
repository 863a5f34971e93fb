/* A release as a user writes it: one route, several versions of what is behind it. Filled by the
 * tables in config_release.c; compiled by origin/release.c.
 */
#ifndef RW_GATE_CONFIG_CONFIG_RELEASE_H
#define RW_GATE_CONFIG_CONFIG_RELEASE_H

#include "gate/config/config.h"

enum { RW_RELEASE_VERSIONS_MAX = 16, RW_RELEASE_RULES_MAX = 64 };

struct rw_config_version {
    struct rw_span name;
    struct rw_span upstream;
    uint32_t weight;
    struct rw_conf_place place;
};

/* Exactly one of header, cookie, query. */
struct rw_config_release_rule {
    struct rw_span header, cookie, query; /* its name */
    struct rw_span value;                 /* "*": any */
    struct rw_span version;
    struct rw_conf_place place;
};

struct rw_config_sticky {
    struct rw_config_hash by;
    struct rw_span salt; /* empty: the route's name */
    struct rw_conf_place place;
};

struct rw_config_rollout_stage {
    uint32_t percent;
    uint32_t time_ms, requests; /* 0 in the file: the rollout's; filled once it is read */
};

struct rw_config_rollout {
    struct rw_span version, against; /* against: empty: the first of the others */
    struct rw_conf_list stages; /* of rw_config_rollout_stage: rising, the last has 100 percent */
    bool automatic;
    uint32_t stage_ms, stage_requests; /* of stages that do not say theirs */
    uint32_t latency_quantile;         /* percent */
    struct rw_span error_tolerance_text, latency_tolerance_text, false_alarms_text;
    /* Of these texts: 1 is 100%. */
    double error_tolerance, latency_tolerance, false_alarms;
    struct rw_conf_place place;
};

struct rw_config_release {
    struct rw_conf_list versions;      /* of rw_config_version */
    struct rw_conf_list rules;         /* of rw_config_release_rule */
    struct rw_config_sticky *sticky;   /* NULL: each request by itself */
    struct rw_config_rollout *rollout; /* NULL: the weights alone say who gets what */
    struct rw_conf_place place;
};

extern const struct rw_conf_record rw_config_release_record;

/* config_rollout.c */
extern const struct rw_conf_record rw_config_rollout_record;
/* What goes beyond the rollout's own record. */
void rw_config_check_rollout(const struct rw_config_release *release,
                             struct rw_conf_report *report);

const struct rw_config_version *rw_config_version_named(const struct rw_config_release *release,
                                                        struct rw_span name);
/* Unless it is empty: a mistake, if no version has this name. */
void rw_config_expect_version(const struct rw_config_release *release, const struct rw_span *name,
                              struct rw_conf_report *report);

#endif
