/* Texts with placeholders in the configuration: the target of a redirect, the value of a header, a
 * rewritten path.
 *
 * compile (control thread) calls rw_template_parse, which turns the text into parts in the
 * snapshot's arena; worker threads call rw_template_fill for each exchange. The result consists of
 * the configured text and of parts of a request that the codec has let pass, so that no line break
 * can come into it; rw_template_fill looks all the same.
 *
 *   {scheme} {host} {port} {authority}  of the request; host is without the port, port the usual
 *                                       one when none is given
 *   {path} {query}                      path as sent; query with its "?", empty without one
 *   {method} {client_ip} {trace_id}
 *   {name}                              a parameter of the route, as sent; {*} what stands behind
 *                                       the "*" of its path
 *   {{ }}                               one brace
 */
#ifndef RW_GATE_CONFIG_TEMPLATE_H
#define RW_GATE_CONFIG_TEMPLATE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "gate/config/config.h"

struct rw_compile;
struct rw_exchange;

enum { RW_TEMPLATE_PARTS_MAX = 64 };

#define RW_TEMPLATE_VALUES(X)                                                                      \
    X(SCHEME, "scheme")                                                                            \
    X(HOST, "host")                                                                                \
    X(PORT, "port")                                                                                \
    X(AUTHORITY, "authority")                                                                      \
    X(PATH, "path")                                                                                \
    X(QUERY, "query")                                                                              \
    X(METHOD, "method")                                                                            \
    X(CLIENT_IP, "client_ip")                                                                      \
    X(TRACE_ID, "trace_id")

enum rw_template_kind {
    RW_TEMPLATE_LITERAL, /* `text` */
    RW_TEMPLATE_PARAM,   /* the route parameter named `text` */
#define RW_TEMPLATE_ENUM(name, text) RW_TEMPLATE_##name,
    RW_TEMPLATE_VALUES(RW_TEMPLATE_ENUM)
#undef RW_TEMPLATE_ENUM
};

struct rw_template_part {
    enum rw_template_kind kind;
    struct rw_span text;
};

struct rw_template {
    struct rw_template_part *parts;
    unsigned count;
    /* Set by the caller. */
    bool url; /* behind the first "?" of the text, "&", "=", "+" and ";" of values are encoded, so
                 that a path cannot bring in further query parameters */
    bool parameter; /* the text is the value of one query parameter: all is encoded that is not
                       encoded yet (rw_pairs_encode) */
};

/* A value by name, in addition to the route's parameters, and before them. */
struct rw_template_extra {
    struct rw_span name, value;
};

/* Parts of `text`, which must outlive the template. RW_EINVAL: braces that do not match or an empty
 * name; `flaw` says which. Whether parameters exist is not looked at. */
RW_MUST_CHECK enum rw_err rw_template_parse(struct rw_span text, struct rw_arena *arena,
                                            char flaw[256], struct rw_template *made);

/* Has every route that `match` describes the parameters that the template names? `match` is NULL
 * where no route is known: then no parameter is. RW_EINVAL and `flaw` if not. */
RW_MUST_CHECK enum rw_err rw_template_check(const struct rw_template *made,
                                            const struct rw_config_match *match, char flaw[256]);

/* Both, for the value of a pair of the policy that is compiled. What is wrong is told in the
 * report, at `place`; where the key names a credential, without any of the value. */
RW_MUST_CHECK enum rw_err rw_template_of_pair(struct rw_compile *compile,
                                              struct rw_conf_place place,
                                              const struct rw_conf_pair *pair,
                                              struct rw_template *made);

/* It has no placeholder. */
bool rw_template_constant(const struct rw_template *made);

/* The text for one exchange (at ROUTE or later), in its arena, or in the snapshot's for a template
 * without placeholders; `at` is NULL when the arena is at its end. RW_EINVAL: characters that no
 * field value may have. */
RW_MUST_CHECK enum rw_err rw_template_fill(const struct rw_template *made, struct rw_exchange *x,
                                           struct rw_span *filled);

/* The same with `count` more parameters. */
RW_MUST_CHECK enum rw_err rw_template_fill_with(const struct rw_template *made,
                                                struct rw_exchange *x,
                                                const struct rw_template_extra *extra,
                                                unsigned count, struct rw_span *filled);

/* "https" or "http": of the connection, or what a trusted proxy says of its own. */
struct rw_span rw_template_scheme(const struct rw_exchange *x);

#endif
