/* Texts with variables in them: "/orders/${id}", "{\"name\": \"${name|json}\"}".
 *
 * A script's texts are taken apart once, when it is read: what is constant is one piece, each
 * variable another that says where its value will stand. `${name|url}` and `${name|json}` encode
 * the value, "$$" is a dollar, and a dollar before anything but a brace or a dollar is itself.
 * Compiling is done by whoever reads the script; rendering by each generator's thread, without any
 * memory of its own.
 */
#ifndef RW_LOAD_SCRIPT_TEMPLATE_H
#define RW_LOAD_SCRIPT_TEMPLATE_H

#include "base/arena.h"
#include "base/random.h"
#include "base/text.h"
#include "http/h1.h"

enum rw_load_encoding {
    RW_LOAD_AS_IS,
    RW_LOAD_AS_TARGET, /* percent-encoded as far as it cannot stand in a request's target */
    RW_LOAD_AS_URL,    /* percent-encoded but for what RFC 3986 calls unreserved */
    RW_LOAD_AS_JSON    /* the inside of a JSON string */
};

/* Where a variable's value comes from, and what `set` and `item` count. */
enum rw_load_origin {
    RW_LOAD_TEXT,      /* the piece's own */
    RW_LOAD_COLUMN,    /* of the user's row: data set, column */
    RW_LOAD_CAPTURE,   /* what was kept of an answer: item */
    RW_LOAD_ITERATION, /* a number that no other iteration of the run has */
    RW_LOAD_UUID       /* another each time */
};

/* A name that templates may use. A constant's value is its `text`. */
struct rw_load_name {
    struct rw_span name;
    enum rw_load_origin origin;
    unsigned set, item;
    struct rw_span text;
};

struct rw_load_names {
    struct rw_load_name *items;
    size_t count;
};

struct rw_load_piece {
    enum rw_load_origin origin;
    enum rw_load_encoding encoding;
    unsigned set, item;
    struct rw_span text;
};

struct rw_load_template {
    struct rw_load_piece *pieces;
    unsigned count;
};

enum { RW_LOAD_PIECES_MAX = 256 };

/* RW_EINVAL, and in `flaw` what is wrong; `unknown` is then the name that nobody knows, if that is
 * it. Pieces and their texts are in `arena`; RW_ENOMEM. */
RW_MUST_CHECK enum rw_err
rw_load_template_compile(struct rw_span text, enum rw_load_encoding encoding,
                         const struct rw_load_names *names, struct rw_arena *arena,
                         struct rw_load_template *to, char flaw[128], struct rw_span *unknown);

static inline bool rw_load_template_is_constant(const struct rw_load_template *template)
{
    return template->count == 0 ||
           (template->count == 1 && template->pieces[0].origin == RW_LOAD_TEXT);
}

/* Of a constant one. */
static inline struct rw_span rw_load_template_text(const struct rw_load_template *template)
{
    return template->count ? template->pieces[0].text : RW_LITERAL("");
}

/* Where one user's values stand. */
struct rw_load_values {
    const struct rw_span *const *rows; /* of each data set: the cells of the user's row */
    const struct rw_text *captures;
    uint64_t iteration;
    struct rw_random *random;
};

/* Appends. What does not fit, or a value that is not there, sets out->overflow. */
void rw_load_template_put(const struct rw_load_template *template,
                          const struct rw_load_values *values, struct rw_h1_out *out);

#endif
