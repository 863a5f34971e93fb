/* Routes and requests for tests of the router, in one line each.
 *
 * All memory comes from the arena that the caller passes; NULL texts mean "not given".
 */
#ifndef RW_TESTS_SUPPORT_ROUTER_WORLD_H
#define RW_TESTS_SUPPORT_ROUTER_WORLD_H

#include "gate/config/config.h"
#include "http/message.h"

/* A route as in the file. Lists are parted by spaces, maps are "name=value name=value". */
struct route_line {
    const char *name;
    const char *host, *path, *regex, *method, *headers, *query, *listeners;
    int priority;
};

struct request_line {
    const char *method;
    const char *host;
    const char *target;
    const char *headers; /* "name=value name=value" */
};

/* `listeners`: names parted by spaces. */
struct rw_config *rw_test_routes(struct rw_arena *arena, const char *listeners,
                                 const struct route_line *lines, size_t count);

struct rw_message rw_test_request(struct rw_arena *arena, const struct request_line *line);

#endif
