/* What the files of policy/residency share; nobody else includes this. */
#ifndef RW_POLICY_RESIDENCY_RESIDENCY_PRIVATE_H
#define RW_POLICY_RESIDENCY_RESIDENCY_PRIVATE_H

#include "policy/residency/geo.h"
#include "policy/residency/residency.h"

enum { RW_RESIDENCY_RULES_MAX = 64, RW_RESIDENCY_NAME_BYTES_MAX = 64 };

/* ---- As the user writes it ---- */

struct rw_residency_rule_config {
    struct rw_span name;
    struct rw_conf_list clients; /* of text: countries, EU, unknown, any */
    struct rw_conf_list regions; /* of text; either these or `refuse` */
    bool refuse;
    uint32_t status;
    struct rw_conf_place place;
};

struct rw_residency_networks_config {
    struct rw_span country;
    struct rw_conf_list networks; /* of CIDR */
    struct rw_conf_place place;
};

struct rw_residency_config {
    struct rw_span database;      /* empty: none */
    struct rw_conf_list networks; /* of rw_residency_networks_config */
    struct rw_span networks_file; /* empty: none */
    struct rw_conf_list rules;    /* of rw_residency_rule_config */
    struct rw_conf_place place;
};

/* residency_config.c */
extern const struct rw_conf_record rw_residency_record;

/* residency_geo.c: opens and fills it; mistakes go to the report. */
RW_MUST_CHECK enum rw_err rw_residency_locate(struct rw_compile *compile,
                                              const struct rw_residency_config *config,
                                              struct rw_geo *geo);

/* residency_check.c: what rw_policy.check_route promises. */
RW_MUST_CHECK enum rw_err rw_residency_check_route(const struct rw_residency_config *config,
                                                   const struct rw_route *route,
                                                   const struct rw_snapshot *snapshot,
                                                   struct rw_conf_report *report);

#endif
