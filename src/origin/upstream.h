/* The `upstream` origin: a client, HTTP/1.1 or HTTP/2, to the endpoints of a cluster. */
#ifndef RW_ORIGIN_UPSTREAM_H
#define RW_ORIGIN_UPSTREAM_H

#include "gate/exchange/origin.h"

extern const struct rw_origin rw_origin_upstream;

#endif
