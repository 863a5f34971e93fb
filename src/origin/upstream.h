/* The `upstream` origin: an HTTP/1.1 client to the endpoints of a cluster. */
#ifndef RW_ORIGIN_UPSTREAM_H
#define RW_ORIGIN_UPSTREAM_H

#include "gate/origin.h"

extern const struct rw_origin rw_origin_upstream;

#endif
