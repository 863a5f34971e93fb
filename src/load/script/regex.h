/* Regular expressions for what is looked for in answers: PCRE2 with JIT, on bytes, with limits that
 * no body can pass. Made by whoever reads the script; searched by any number of threads at once. */
#ifndef RW_LOAD_SCRIPT_REGEX_H
#define RW_LOAD_SCRIPT_REGEX_H

#include "base/err.h"
#include "base/span.h"

enum { RW_LOAD_REGEX_BYTES_MAX = 4096 };

struct rw_load_regex;

/* RW_EINVAL: it does not compile, and `flaw` says why. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_load_regex_create(struct rw_span pattern, char flaw[192],
                                               struct rw_load_regex **regex);
/* NULL is fine. */
void rw_load_regex_destroy(struct rw_load_regex *regex);

/* The first match: its first group, or all of it where the pattern has none. False: there is none,
 * or looking for it took too long. */
bool rw_load_regex_search(const struct rw_load_regex *regex, struct rw_span subject,
                          struct rw_span *found);

#endif
