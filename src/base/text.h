/* A growing text on the heap, for reports, documents and messages off the hot path.
 * An allocation failure is remembered in `err`, so that a long sequence needs one check at its end.
 */
#ifndef RW_BASE_TEXT_H
#define RW_BASE_TEXT_H

#include "base/err.h"
#include "base/span.h"

struct rw_text {
    char *at; /* NUL-terminated when not NULL */
    size_t len, room;
    enum rw_err err;
};

void rw_text_free(struct rw_text *text);
void rw_text_add(struct rw_text *text, struct rw_span bytes);
void rw_text_adds(struct rw_text *text, const char *string);
void rw_text_addf(struct rw_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* As a JSON string with its quotes (RFC 8259 section 7); bytes that are not UTF-8 become U+FFFD. */
void rw_text_add_json(struct rw_text *text, struct rw_span bytes);

static inline struct rw_span rw_text_span(const struct rw_text *text)
{
    return rw_span(text->at, text->len);
}

#endif
