/* Within simulate: the tables of the model's file, and the checks that join them. */
#ifndef RW_SIMULATE_MODEL_TABLES_H
#define RW_SIMULATE_MODEL_TABLES_H

#include "simulate/model.h"

extern const struct rw_conf_record rw_simulate_request_record, rw_simulate_connection_record,
    rw_simulate_type_record, rw_simulate_arrivals_record, rw_simulate_autoscaling_record,
    rw_simulate_health_record, rw_simulate_failure_record, rw_simulate_deploy_record,
    rw_simulate_origin_record, rw_simulate_goal_record;

void rw_simulate_check_request(void *value, struct rw_conf_report *report);
void rw_simulate_check_connection(void *value, struct rw_conf_report *report);
void rw_simulate_check_type(void *value, struct rw_conf_report *report);
void rw_simulate_check_point(void *value, struct rw_conf_report *report);
void rw_simulate_check_spike(void *value, struct rw_conf_report *report);
void rw_simulate_check_arrivals(void *value, struct rw_conf_report *report);
void rw_simulate_check_deploy(void *value, struct rw_conf_report *report);
void rw_simulate_check_origin(void *value, struct rw_conf_report *report);
void rw_simulate_check(void *value, struct rw_conf_report *report);

#endif
