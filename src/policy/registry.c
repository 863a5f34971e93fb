#include "policy/registry.h"

#include <stddef.h>

const struct rw_conf_variant_kind *const rw_policy_kinds[] = {
    NULL,
};
