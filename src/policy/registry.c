#include "policy/registry.h"

#include "policy/address/address.h"
#include "policy/api_key/api_key.h"
#include "policy/body_size/body_size.h"
#include "policy/compress/compress.h"
#include "policy/cors/cors.h"
#include "policy/faults/faults.h"
#include "policy/grpc_web/grpc_web.h"
#include "policy/headers/headers.h"
#include "policy/jwt/jwt.h"
#include "policy/limit/limit.h"
#include "policy/maintenance/maintenance.h"
#include "policy/mirror/mirror.h"
#include "policy/query/query.h"
#include "policy/request_id/request_id.h"
#include "policy/residency/residency.h"
#include "policy/rewrite/rewrite.h"
#include "policy/security_headers/security_headers.h"
#include "policy/session_cookie/session_cookie.h"
#include "policy/stale/stale.h"

#include <stddef.h>

/* clang-format off */
const struct rw_conf_variant_kind *const rw_policy_kinds[] = {
    &rw_policy_headers.kind, /* first: the complete example shows it, and it may be empty */
    &rw_policy_address.kind,
    &rw_policy_api_key.kind,
    &rw_policy_jwt.kind,
    &rw_policy_rewrite.kind,
    &rw_policy_query.kind,
    &rw_policy_compress.kind,
    &rw_policy_cors.kind,
    &rw_policy_faults.kind,
    &rw_policy_security_headers.kind,
    &rw_policy_request_id.kind,
    &rw_policy_maintenance.kind,
    &rw_policy_body_size.kind,
    &rw_policy_grpc_web.kind,
    &rw_policy_session_cookie.kind,
    &rw_policy_rate_limit.kind,
    &rw_policy_residency.kind,
    &rw_policy_stale.kind,
    &rw_policy_mirror.kind,
    NULL,
};
/* clang-format on */
