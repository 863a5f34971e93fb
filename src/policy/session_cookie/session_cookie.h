/* The policy `session_cookie`: gives each browser a cookie by which it is known again, so that
 * `balance: hash`, `sticky` of a release and rate limits by cookie have something to go by from the
 * first request on. The origin sees the cookie as if the browser had sent it already. */
#ifndef RW_POLICY_SESSION_COOKIE_SESSION_COOKIE_H
#define RW_POLICY_SESSION_COOKIE_SESSION_COOKIE_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_session_cookie;

#endif
