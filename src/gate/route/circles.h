/* Redirects that lead a client in a circle: found when a snapshot is compiled, not by a browser.
 *
 * For every route that redirects, a plain GET that it matches is made up (host and path from its
 * own patterns) and followed from target to target, as long as it certainly stays with this
 * configuration: at the same host, or at one that the next route names, and at a port and scheme
 * that a listener has. A URL that comes up twice is a circle. What cannot be shown to be one (a
 * condition on other fields, a host that may be somebody else's) is none. Control thread. */
#ifndef RW_GATE_ROUTE_CIRCLES_H
#define RW_GATE_ROUTE_CIRCLES_H

#include "conf/read.h"

struct rw_snapshot;

enum {
    RW_CIRCLE_HOPS_MAX = 20,   /* no client follows more (Fetch standard, HTTP-redirect fetch) */
    RW_CIRCLE_STARTS_MAX = 64, /* hosts x paths of one route that are tried */
};

/* After the router is made. Each circle is told once, with its routes in order: RW_EINVAL.
 * RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_circles_check(struct rw_snapshot *snapshot,
                                           struct rw_conf_report *report);

#endif
