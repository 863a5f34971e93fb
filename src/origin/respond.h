/* The `respond` origin: a fixed answer. */
#ifndef RW_ORIGIN_RESPOND_H
#define RW_ORIGIN_RESPOND_H

#include "gate/origin.h"

extern const struct rw_origin rw_origin_respond;

#endif
