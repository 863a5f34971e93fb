/* Within verify: the tables of the acceptance file, and the checks that join them. */
#ifndef RW_VERIFY_ACCEPTANCE_TABLES_H
#define RW_VERIFY_ACCEPTANCE_TABLES_H

#include "verify/acceptance.h"

extern const struct rw_conf_record rw_acceptance_gateway_record, rw_acceptance_server_record,
    rw_acceptance_request_record, rw_acceptance_load_record, rw_acceptance_target_record,
    rw_acceptance_fault_record;

/* Of the records, and of the whole file. */
void rw_acceptance_check_gateway(void *value, struct rw_conf_report *report);
void rw_acceptance_check_server(void *value, struct rw_conf_report *report);
void rw_acceptance_check_request(void *value, struct rw_conf_report *report);
void rw_acceptance_check_load(void *value, struct rw_conf_report *report);
void rw_acceptance_check_headers(const struct rw_conf_list *headers, struct rw_conf_report *report);
void rw_acceptance_check_path(const struct rw_span *path, struct rw_conf_report *report);
void rw_acceptance_check(void *value, struct rw_conf_report *report);

#endif
