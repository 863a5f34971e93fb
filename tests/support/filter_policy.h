/* A policy for tests, `doubling`: two filters for a body, of which the first writes every byte
 * twice and the second takes every second one away again. Both cut their output into pieces of any
 * size, hold some of it back where they may, and now and then wait for a timer. What comes out in
 * the end is what came in.
 *
 *   policies: [ doubling: "request response wait same" ]
 *
 * `request`, `response`: of which body. `wait`: timers too. `same`: the head stays as it is. */
#ifndef RW_TESTS_SUPPORT_FILTER_POLICY_H
#define RW_TESTS_SUPPORT_FILTER_POLICY_H

#include "conf/schema.h"

extern const struct rw_conf_variant_kind rw_test_doubling;

#endif
