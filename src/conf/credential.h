/* Which names say that what they name is a credential. For whoever shows values: messages, pages,
 * explanations. Any thread.
 */
#ifndef RW_CONF_CREDENTIAL_H
#define RW_CONF_CREDENTIAL_H

#include "base/span.h"

#include <stdbool.h>

/* Whether what stands under this name is a credential, as far as the name tells: "Authorization",
 * "x-api-key", "access_token". Rather once too often. */
bool rw_conf_names_credential(struct rw_span name);

#endif
