/* The `redirect` origin: sends the client elsewhere.
 *
 * The target is a template (gate/config/template.h). Whatever a request brings, the answer stays
 * with the host that the configuration names: a target that would begin with "//" only because of
 * the request gets one slash, and parameters cannot stand in its host. */
#ifndef RW_ORIGIN_REDIRECT_H
#define RW_ORIGIN_REDIRECT_H

#include "gate/exchange/origin.h"

extern const struct rw_origin rw_origin_redirect;

#endif
