/* What becomes of a TCP connection, for `ringway explain`. */
#ifndef RW_CLI_EXPLAIN_TCP_H
#define RW_CLI_EXPLAIN_TCP_H

#include "base/text.h"

#include <sys/socket.h>

struct rw_snapshot;

/* `named`: a listener, or NULL; `port` 0: none was given; `target`: what follows the authority of
 * the URL; `client` NULL: nobody is asked about. Writes why, and returns the exit code: 0 a route
 * takes it, 1 none does. */
int rw_explain_tcp(const struct rw_snapshot *snapshot, const char *named, uint64_t port,
                   struct rw_span target, const struct sockaddr *client, struct rw_text *text);

#endif
