/* What a discovery has found, as a note (gate/known/known.h): it begins with what was found before
 * with other credentials, client certificates or name servers, or by a process that has died. */
#ifndef RW_GATE_DISCOVERY_DISCOVERY_KNOWN_H
#define RW_GATE_DISCOVERY_DISCOVERY_KNOWN_H

#include "gate/discovery/discovery_kinds.h"

/* Holds the note about what the settings ask, and takes over what it says. What cannot be read is
 * left. */
void rw_discovery_remember(struct rw_discovery *discovery, struct rw_known *known,
                           const struct rw_config_discovery *config);

/* JSON. Of a discovery that knows nothing yet: nothing. */
void rw_discovery_write_known(const struct rw_discovery *discovery, struct rw_text *text);
/* RW_EPROTO: it is not that, and nothing of it was taken. */
RW_MUST_CHECK enum rw_err rw_discovery_read_known(struct rw_discovery *discovery,
                                                  struct rw_span text);

#endif
