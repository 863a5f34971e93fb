/* The configuration as the gateway under test gets it: the user's own, but it asks verify's name
 * server, and trusts verify's authority for upstreams with TLS beside what it trusts anyway.
 *
 * So names lead to the servers of the acceptance file and nowhere else, and certificates can be
 * shown that have one flaw and no other. Where neither is needed the gateway gets the user's file.
 *
 * On verify's thread. rw_tailor_open once; for each start of the system rw_tailor_names (if
 * `names`) tells the name server what there is, and rw_tailor_write makes the configuration. It
 * lies in memory, as do certificates and keys: what is started inherits the descriptors.
 */
#ifndef RW_VERIFY_TAILOR_H
#define RW_VERIFY_TAILOR_H

#include "base/arena.h"
#include "verify/acceptance.h"
#include "verify/fault/fault.h"
#include "verify/fault/memory_file.h"

/* Of an upstream with TLS. */
struct rw_tailored_tls {
    const struct rw_config_upstream *upstream;
    struct rw_span names; /* that the gateway verifies there, with commas; in the arena */
    int ca;               /* what it trusts; -1: it verifies nothing */
    int identity;         /* a certificate for these names, and its key: a built-in server's */
};

struct rw_tailor {
    bool names; /* each endpoint with a name has a server in the acceptance file */
    struct rw_authority *authority; /* NULL: no upstream has TLS */
    /* Its own. */
    const struct rw_acceptance *file;
    const struct rw_config *config; /* NULL: the gateway is not ours */
    struct rw_tailored_tls *tls;
    size_t tls_count;
    int configuration; /* -1: the user's */
    char path[RW_MEMORY_PATH_BYTES];
    struct rw_arena arena;
};

/* `config` NULL: the gateway runs already, and nothing is tailored. RW_EINVAL, RW_ENOENT, ...: a
 * file of authorities, told in `why`; RW_ETLS, RW_ENOMEM, RW_EIO. Close it in any case. */
RW_MUST_CHECK enum rw_err rw_tailor_open(struct rw_tailor *tailor, const struct rw_acceptance *file,
                                         const struct rw_config *config, struct rw_text *why);
void rw_tailor_close(struct rw_tailor *tailor);

/* Tells the name server of `faults` where the servers are. */
RW_MUST_CHECK enum rw_err rw_tailor_names(const struct rw_tailor *tailor, struct rw_faults *faults);
/* `server`: the name server; NULL unless `names`. */
RW_MUST_CHECK enum rw_err rw_tailor_write(struct rw_tailor *tailor,
                                          const struct rw_address *server);
/* What to start the gateway with; valid until the next write. */
const char *rw_tailor_path(const struct rw_tailor *tailor);

/* NULL: this upstream has no TLS, or no server in the acceptance file. */
const struct rw_tailored_tls *rw_tailor_tls(const struct rw_tailor *tailor,
                                            struct rw_span upstream);

#endif
