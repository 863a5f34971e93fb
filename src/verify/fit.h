/* Whether the servers of an acceptance file stand where the gateway's configuration looks for them:
 * if not, the load would find nothing but 502, and no verdict would say why. Pure. */
#ifndef RW_VERIFY_FIT_H
#define RW_VERIFY_FIT_H

#include "verify/acceptance.h"

/* RW_EINVAL: a server of an upstream is at none of its endpoints, or at another's; told in `why`,
 * all of them. A server whose name and address the upstreams do not have is somebody else's: of
 * tokens, of a policy. */
RW_MUST_CHECK enum rw_err rw_acceptance_fits(const struct rw_acceptance *file,
                                             const struct rw_config *config, struct rw_text *why);

#endif
