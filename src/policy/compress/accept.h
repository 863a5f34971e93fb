/* What content codings a client takes (RFC 9110 section 12.5.3). Pure; worker threads. */
#ifndef RW_POLICY_COMPRESS_ACCEPT_H
#define RW_POLICY_COMPRESS_ACCEPT_H

#include "http/message.h"

enum rw_coding { RW_CODING_GZIP, RW_CODING_BR, RW_CODING_ZSTD, RW_CODING_COUNT };

/* Weights in thousandths; 0: not acceptable. */
struct rw_accept {
    uint16_t weight[RW_CODING_COUNT];
    uint16_t identity; /* 1 when nobody spoke of it: acceptable, and everything else is better */
};

/* Of all Accept-Encoding fields. An element that does not follow the grammar counts as if it were
 * not there; of several about the same coding the least counts. A client without the field gets no
 * coding, though it may take any: such a client is mostly one that has never heard of them. */
struct rw_accept rw_accept_read(const struct rw_message *request);

/* The best coding by the client's weights; among equals the first in `order`; -1: identity. */
int rw_accept_choose(const struct rw_accept *accept, const uint8_t *order, unsigned count);

#endif
