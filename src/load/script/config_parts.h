/* Within the tables of a scenario file: config.c has the file, its scenarios, data and phases,
 * config_step.c a step, config_check.c checks and captures. */
#ifndef RW_LOAD_SCRIPT_CONFIG_PARTS_H
#define RW_LOAD_SCRIPT_CONFIG_PARTS_H

#include "load/script/config.h"

extern const struct rw_conf_record rw_load_step_record, rw_load_check_record,
    rw_load_capture_record;

#endif
