/* The `release` origin: shares a route's requests out among versions, each an upstream. It chooses
 * one at the start; from then on the exchange is the upstream origin's (origin/upstream.h). */
#ifndef RW_ORIGIN_RELEASE_H
#define RW_ORIGIN_RELEASE_H

#include "gate/exchange/origin.h"

extern const struct rw_origin rw_origin_release;

#endif
