/* What messages say about keeping answers and giving them later (RFC 9111; RFC 5861 section 4).
 * Pure functions of a head; any thread. */
#ifndef RW_POLICY_STALE_STALE_CONTROL_H
#define RW_POLICY_STALE_STALE_CONTROL_H

#include "http/message.h"

/* May a shared store keep this answer to a GET, and give it when it is no longer fresh? Then for so
 * many seconds from now, at most `age_s_max`; 0: it may not. Nobody's personal page is kept: not
 * with Authorization, nor with Set-Cookie, nor with Cookie unless the answer says `public`; and
 * what must be looked at again before it is used (RFC 9111 section 4.2.4) is of no use. */
uint32_t rw_stale_window_s(const struct rw_message *request, const struct rw_message *response,
                           uint32_t age_s_max);

/* The seconds for which it is fresh, by max-age; 0: not told. */
uint32_t rw_stale_fresh_s(const struct rw_message *response);
/* The Age that it came with. */
uint32_t rw_stale_age_s(const struct rw_message *response);

/* Does the client take an answer that is so old? */
bool rw_stale_wanted(const struct rw_message *request, uint64_t age_s);

#endif
