/* The router: from a request to a route, at a cost that does not grow with the table.
 *
 * Built once per config snapshot on the control thread; then immutable, used by all threads at
 * once. Per listener: a hash of exact hosts and of wildcard suffixes leads to a compressed radix
 * tree of paths whose leaves hold the routes in the order they are tried. Only routes that can
 * still match by host and path are looked at; their method, header and query conditions are
 * compared; regex paths come last and are tried in order within one host.
 *
 * Which route wins (also in the manual; the first difference decides):
 *   1. higher `priority`
 *   2. host: exact, then wildcard (more labels first), then any
 *   3. path: exact, then pattern (more literal characters first; a literal beats a parameter at the
 * first segment where they differ; no trailing "*" beats one), then prefix (longer first), then
 * regex, then any
 *   4. more method + header + query conditions
 *   5. earlier in the file
 */
#ifndef RW_GATE_ROUTER_H
#define RW_GATE_ROUTER_H

#include "base/text.h"
#include "gate/config.h"
#include "http/message.h"

struct rw_router;

enum { RW_ROUTE_PARAMS_MAX = 16, RW_ROUTE_NONE = -1, RW_ROUTE_WRONG_METHOD = -2 };

struct rw_route_params {
    unsigned count;
    struct {
        struct rw_span name;  /* of `{name}`, or "*" for the rest; lives in the router */
        struct rw_span value; /* inside the request's path */
    } items[RW_ROUTE_PARAMS_MAX];
    unsigned matched_bytes; /* of the path: the literal prefix before the trailing "*", for
                               strip_prefix */
};

/* Everything is copied or compiled; `config` may go away afterwards, except that the router keeps
 * no pointer to it. Mistakes (a regex that does not compile, two routes with identical conditions
 * and priority: the second can never win) go to the report; the latter is only a warning and listed
 * by rw_router_warnings. */
RW_MUST_CHECK enum rw_err rw_router_create(const struct rw_config *config,
                                           struct rw_conf_report *report,
                                           struct rw_router **router);
void rw_router_destroy(struct rw_router *router);

/* Index into config->routes; RW_ROUTE_NONE: nothing matches; RW_ROUTE_WRONG_METHOD: something would
 * with another method (405). `listener` is the index into config->listeners. The host is taken from
 * message->authority without its port, case-insensitively, a trailing dot dropped. The path is
 * matched as sent, after decoding percent-encoded unreserved characters only (RFC 3986 6.2.2.2) and
 * after removing dot segments and empty segments? No: a path with a dot segment ("." or "..", also
 * encoded, or a backslash) never matches by accident: such requests are answered 400 before routing
 * by rw_path_check. */
int rw_router_find(const struct rw_router *router, unsigned listener,
                   const struct rw_message *message, struct rw_route_params *params);

/* The methods that would have matched, as for Allow: "GET, POST". */
void rw_router_allow(const struct rw_router *router, unsigned listener,
                     const struct rw_message *message, struct rw_text *allow);

/* As rw_router_find, and writes why to `text`: each route that was looked at and the first
 * condition that failed. For `ringway explain`; not for the hot path. */
int rw_router_explain(const struct rw_router *router, unsigned listener,
                      const struct rw_message *message, struct rw_route_params *params,
                      struct rw_text *text);

/* Lines about routes that can never win. */
void rw_router_warnings(const struct rw_router *router, struct rw_text *text);

/* Is this request path free of dot segments, encoded dot segments, encoded slashes and backslashes,
 * which an origin might read differently than the router? */
bool rw_path_check(struct rw_span path, const char **reason);

#endif
