/* The policy `compress`: content codings for responses (gzip, br, zstd) by Accept-Encoding. */
#ifndef RW_POLICY_COMPRESS_COMPRESS_H
#define RW_POLICY_COMPRESS_COMPRESS_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_compress;

#endif
