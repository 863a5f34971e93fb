/* Every kind of policy, in the order of the manual. Given to rw_config_register by the program's
 * main. */
#ifndef RW_POLICY_REGISTRY_H
#define RW_POLICY_REGISTRY_H

#include "conf/schema.h"

extern const struct rw_conf_variant_kind *const rw_policy_kinds[];

#endif
