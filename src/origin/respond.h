/* The `respond` origin: a fixed answer. */
#ifndef RW_ORIGIN_RESPOND_H
#define RW_ORIGIN_RESPOND_H

#include "gate/exchange/origin.h"

extern const struct rw_origin rw_origin_respond;

#endif
