/* Every kind of origin, in the order of the manual. Given to rw_config_register by the program's
 * main. */
#ifndef RW_ORIGIN_REGISTRY_H
#define RW_ORIGIN_REGISTRY_H

#include "conf/schema.h"

extern const struct rw_conf_variant_kind *const rw_origin_kinds[];

#endif
