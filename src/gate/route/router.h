/* The router: from a request to a route, at a cost that does not grow with the table.
 *
 * rw_router_create compiles the routes of one config snapshot, once, on the control thread. The
 * result never changes and is used by all threads at once, without locks. Per listener (those with
 * the same routes share), one hash table leads from the request's host to the sets of routes for
 * it: the exact host, each wildcard above it, any host. Each set has a tree of path segments, whose
 * edges all live in a second hash table, and lists of regular expressions and of routes for any
 * path. Every route has a rank by the rules below; the walk keeps the best rank found and passes
 * over whatever holds only worse ones, so that usually one branch is looked at.
 *
 * Which route wins (also in the manual; the first difference decides):
 *   1. the higher `priority`
 *   2. host: exact, then wildcard (more labels first), then any
 *   3. path: exact, then pattern, then prefix (the longer first), then regex, then any.
 *      Of two patterns: more literal characters first; then a literal before a parameter in the
 * first segment where they differ; then without a trailing "*" before with one
 *   4. more conditions: a method list counts one, each header and each query parameter one
 *   5. earlier in the file
 *
 * What the conditions mean:
 *   host      Case and a trailing dot are ignored, the port too. "*.example.com" takes any number
 * of labels, at least one, before ".example.com". path      Compared in the normal form of
 * gate/route/path.h, config and request alike. "{name}" stands for one whole segment that is not
 * empty;
 * "*" only as the last segment: "/a/" and "*" take "/a", "/a/" and all below. "/a" and "/a/" are
 * two paths. Literal characters are those outside of "{name}", without the trailing "/" and "*".
 *   regex     PCRE2 on bytes, anchored at both ends for a path. Its named groups become parameters.
 *   headers,  One field (parameter) of that name must do. "*": it is there; "~regex": it matches
 * anywhere in the query     value; else equal. Names and values of query parameters are decoded
 * first ("%41", "+"). A regular expression that runs into its limits (RW_ROUTER_REGEX_STEPS_MAX)
 * ends the search with no route, unless a better route was there: nobody gets around a route by
 * exhausting it.
 */
#ifndef RW_GATE_ROUTE_ROUTER_H
#define RW_GATE_ROUTE_ROUTER_H

#include "base/text.h"
#include "gate/config/config.h"
#include "gate/route/path.h"
#include "http/message.h"

struct rw_router;

enum { RW_ROUTE_NONE = -1, RW_ROUTE_WRONG_METHOD = -2 };

enum {
    RW_ROUTE_PARAMS_MAX = 16,    /* of one path, the rest behind "*" included */
    RW_ROUTER_SEGMENTS_MAX = 64, /* of one configured path */
    RW_ROUTER_HOST_BYTES_MAX =
        253, /* RFC 1035 section 2.3.4, without the dot at the end; a longer host is any */
    RW_ROUTER_ENTRIES_MAX = 4000000,   /* hosts x paths, over all routes of a listener */
    RW_ROUTER_REGEX_BYTES_MAX = 4096,  /* of a pattern */
    RW_ROUTER_REGEX_STEPS_MAX = 10000, /* PCRE2's match limit */
    RW_ROUTER_REGEX_DEPTH_MAX = 1000,  /* PCRE2's depth limit (without JIT) */
    RW_ROUTER_REGEX_HEAP_KIB_MAX = 256 /* PCRE2's heap limit (without JIT) */
};

struct rw_route_params {
    unsigned count;
    unsigned matched_bytes; /* of the path: what stands before the value of "*", for strip_prefix; 0
                               without "*" */
    struct {
        struct rw_span
            name; /* of `{name}` or of a regex group, or "*" for the rest; lives in the router */
        struct rw_span value; /* inside the request's path, as sent */
    } items[RW_ROUTE_PARAMS_MAX];
};

/* Compiles config->routes for config->listeners. Everything needed is copied: `config` may go away
 * afterwards. Mistakes (a path, host or regex that is none, an unknown listener) go to the report:
 * RW_EINVAL. RW_ELIMIT, RW_ENOMEM. The caller owns *router. */
RW_MUST_CHECK enum rw_err rw_router_create(const struct rw_config *config,
                                           struct rw_conf_report *report,
                                           struct rw_router **router);
/* NULL is fine. */
void rw_router_destroy(struct rw_router *router);

/* The index into config->routes; RW_ROUTE_NONE: nothing matches; RW_ROUTE_WRONG_METHOD: something
 * would with another method (405). `listener` is the index into config->listeners. Uses the
 * message's method, authority, path, query and fields; the path has passed rw_path_check. Allocates
 * nothing, except where PCRE2 works without JIT. */
int rw_router_find(const struct rw_router *router, unsigned listener,
                   const struct rw_message *message, struct rw_route_params *params);

/* Adds the methods that would have matched, for the Allow field: "GET, POST". All known ones when
 * some route does not ask for a method. */
void rw_router_allow(const struct rw_router *router, unsigned listener,
                     const struct rw_message *message, struct rw_text *allow);

/* As rw_router_find (after rw_path_check), and writes why: each route whose host and path match or
 * that has a regex to try, best rank first, with the first condition that failed or the rule by
 * which it lost. For `ringway explain`, not for the hot path. */
int rw_router_explain(const struct rw_router *router, unsigned listener,
                      const struct rw_message *message, struct rw_route_params *params,
                      struct rw_text *text);

/* A line for each route that can never win: wherever it would match, another one with the same host
 * and path, a better rank and no condition that it lacks matches too. Routes that share host and
 * path by the hundreds are compared with the nearest 256 only. */
void rw_router_warnings(const struct rw_router *router, struct rw_text *text);

#endif
