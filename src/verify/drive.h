/* A load of the acceptance file as settings of the generator (load/settings.h): the requests, the
 * profile, and where they go. */
#ifndef RW_VERIFY_DRIVE_H
#define RW_VERIFY_DRIVE_H

#include "load/settings.h"
#include "verify/acceptance.h"

/* Where all loads go: once for a run. */
struct rw_drive {
    const struct rw_acceptance *file;
    struct rw_address address;
    struct rw_span host, authority; /* of the url; the latter with the port */
    struct rw_span base;            /* its path, without a slash at the end */
    struct rw_tls_client *tls[2];   /* HTTP/1.1, HTTP/2; NULL: plain */
    struct rw_arena arena;
    struct rw_load_request *requests;
};

/* Hosts other than loopback that may be touched: as the command line names them. */
struct rw_allowed {
    const char *hosts[RW_ACCEPTANCE_ALLOWED_MAX];
    unsigned count;
};

/* Resolves the url's host. RW_EACCES: not loopback, and not allowed; RW_EDNS; RW_EINVAL (TLS);
 * RW_ENOMEM. `why` tells. rw_drive_free follows in any case. */
RW_MUST_CHECK enum rw_err rw_drive_init(struct rw_drive *drive, const struct rw_acceptance *file,
                                        const struct rw_allowed *allowed, struct rw_text *why);
void rw_drive_free(struct rw_drive *drive);

/* The settings live as long as the drive. */
void rw_drive_settings(struct rw_drive *drive, const struct rw_verify_load *load, uint64_t seed,
                       struct rw_load_settings *settings);

/* Loopback, a Unix socket, or one of the hosts. */
bool rw_is_allowed(const struct rw_allowed *allowed, struct rw_span host,
                   const struct rw_address *address);

#endif
