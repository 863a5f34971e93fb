/* The policy `address`: lets clients pass by their IP address.
 *
 * The lists are sorted ranges without overlaps, so that thousands of networks cost a dozen
 * comparisons. */
#ifndef RW_POLICY_ADDRESS_ADDRESS_H
#define RW_POLICY_ADDRESS_ADDRESS_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_address;

#endif
