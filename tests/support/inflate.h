/* Decoders of content codings, for tests. */
#ifndef RW_TESTS_SUPPORT_INFLATE_H
#define RW_TESTS_SUPPORT_INFLATE_H

#include "base/text.h"
#include "policy/compress/accept.h"

/* Replaces what is in `body` by what it stands for; asserts that it is whole, and nothing behind
 * it.
 */
void rw_test_inflate(enum rw_coding coding, struct rw_text *body);
/* The same without asserting it: false if it is not so, and `body` stays as it is. */
bool rw_test_inflates(enum rw_coding coding, struct rw_text *body);

#endif
