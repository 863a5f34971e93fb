#include "origin/registry.h"

#include "origin/echo.h"
#include "origin/files.h"
#include "origin/redirect.h"
#include "origin/release.h"
#include "origin/respond.h"
#include "origin/upstream.h"

#include <stddef.h>

const struct rw_conf_variant_kind *const rw_origin_kinds[] = {
    &rw_origin_upstream.kind,
    &rw_origin_release.kind,
    &rw_origin_respond.kind,
    &rw_origin_redirect.kind,
    &rw_origin_files.kind,
    &rw_origin_echo.kind,
    NULL,
};
