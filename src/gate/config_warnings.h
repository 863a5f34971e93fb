/* What is no mistake in a configuration, but ought to be known. What this machine lacks of what a
 * file names is none: a file may be checked elsewhere, and addresses and interfaces come and go, as
 * with a line that is cut. Neither is what has no effect in one place, and some in others.
 *
 * Lines as the report's go to `warnings`; NULL: to the log.
 */
#ifndef RW_GATE_CONFIG_WARNINGS_H
#define RW_GATE_CONFIG_WARNINGS_H

#include "base/text.h"
#include "gate/config/config.h"

/* Of upstreams: source addresses and interfaces that are not there, and settings that do nothing.
 */
void rw_config_warn_of_upstreams(const struct rw_config *config, struct rw_span file,
                                 struct rw_text *warnings);
/* What a gateway does not start without: addresses of listeners, folders of logs and quotas. */
void rw_config_warn_of_start(const struct rw_config *config, struct rw_span file,
                             struct rw_text *warnings);

#endif
