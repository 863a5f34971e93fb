/* The `echo` origin: answers with a JSON document about the request that it saw, for demonstrations
 * and to see what policies do. Credentials are not shown. The body is counted, not kept. */
#ifndef RW_ORIGIN_ECHO_H
#define RW_ORIGIN_ECHO_H

#include "gate/exchange/origin.h"

extern const struct rw_origin rw_origin_echo;

#endif
