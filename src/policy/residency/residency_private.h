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

/* residency.c: that of an instance of the policy; the first rule that is for clients there, or
 * NULL. */
const struct rw_residency_config *rw_residency_config_of(const void *instance);
const struct rw_residency_rule_config *
rw_residency_rule_for(const struct rw_residency_config *config, const struct rw_geo_place *place);

/* residency_check.c: each rule by itself, as rw_policy.check_route promises. */
RW_MUST_CHECK enum rw_err rw_residency_check_route(const struct rw_residency_config *config,
                                                   const struct rw_route *route,
                                                   const struct rw_snapshot *snapshot,
                                                   struct rw_conf_report *report);
/* The upstreams that a route sends requests to; NULL after the last one. */
const struct rw_config_upstream *rw_residency_upstream(const struct rw_route *route,
                                                       const struct rw_snapshot *snapshot,
                                                       unsigned index);

/* residency_together.c: all the policies that hold for a route's requests, if this is the last of
 * them. */
RW_MUST_CHECK enum rw_err rw_residency_check_together(const void *instance,
                                                      const struct rw_route *route,
                                                      const struct rw_snapshot *snapshot,
                                                      struct rw_conf_report *report);

#endif
