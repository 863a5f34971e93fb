/* What a configuration asks of the machine that serves it, and this machine does not have. None of
 * that is a mistake: a file may be checked elsewhere, and addresses and interfaces come and go, as
 * with a line that is cut.
 */
#ifndef RW_GATE_HOST_WARNINGS_H
#define RW_GATE_HOST_WARNINGS_H

#include "base/text.h"
#include "gate/config/config.h"

/* Source addresses and interfaces of upstreams: what a gateway serves without. Lines as the
 * report's go to `warnings`; NULL: to the log. */
void rw_host_warn_of_ways(const struct rw_config *config, struct rw_span file,
                          struct rw_text *warnings);
/* Addresses of listeners, folders of logs and quotas: what a gateway does not start without. */
void rw_host_warn_of_start(const struct rw_config *config, struct rw_span file,
                           struct rw_text *warnings);

#endif
