/* The policy `cors`: lets pages of other origins call (Cross-Origin Resource Sharing, as the Fetch
 * standard of the WHATWG has it, section "CORS protocol").
 *
 * It answers preflights itself, and says of other responses which page may read them, in place of
 * whatever the origin server said about that: two answers to one question make browsers refuse. */
#ifndef RW_POLICY_CORS_CORS_H
#define RW_POLICY_CORS_CORS_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_cors;

/* How a browser writes an origin ("https://a.example:8443", "null"), or with "*." in front of the
 * host a pattern of such; read once, at configuration. */
struct rw_cors_pattern {
    struct rw_span text;   /* without a star: the whole origin */
    struct rw_span scheme; /* "https://"; empty: without a star */
    struct rw_span end;    /* ".example.com" */
};

/* False: it is none. The text must outlive the pattern. */
bool rw_cors_pattern_parse(struct rw_span text, struct rw_cors_pattern *pattern);
/* "*." stands for one label or more. `origin` is what a client sent: anything. */
bool rw_cors_matches(const struct rw_cors_pattern *pattern, struct rw_span origin);

#endif
