/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF. */
#ifndef RW_BASE_UTF8_H
#define RW_BASE_UTF8_H

#include "base/span.h"

/* Bytes of the first character, 1 to 4; 0 when it is malformed or the span is empty. */
size_t rw_utf8_length(struct rw_span bytes);

#endif
