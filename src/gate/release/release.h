/* A release: several versions of what is behind one route, and who gets which.
 *
 * The origin `release` (origin/release.h) compiles one for each route that has it, and asks it for
 * a version for each request: first the rules, then the shares. What becomes of the request is
 * counted by version when the exchange is logged (x->version_series). All is immutable once it is
 * compiled.
 */
#ifndef RW_GATE_RELEASE_RELEASE_H
#define RW_GATE_RELEASE_RELEASE_H

#include "base/siphash.h"
#include "gate/config/config_release.h"

struct rw_cluster;

struct rw_release_version {
    const struct rw_config_version *config;
    struct rw_cluster *cluster;
    struct rw_siphash drawn; /* sticky: of salt and version, before the user */
    unsigned series;         /* of requests that were drawn */
    unsigned ruled_series;   /* of those that a rule sent there */
};

struct rw_release {
    struct rw_span route;
    const struct rw_config_release *config;
    struct rw_release_version *versions;
    unsigned count;
    unsigned *rule_versions; /* by rule: index of its version */
};

/* The shares as they are now, in the order of the versions. */
void rw_release_weights(const struct rw_release *release, double weights[RW_RELEASE_VERSIONS_MAX]);

/* Index of the version for a user: of what is known of him. */
unsigned rw_release_for_user(const struct rw_release *release, struct rw_span user);
/* ... for a request by itself. */
unsigned rw_release_for_any(const struct rw_release *release, uint64_t random);

/* Readies what the two need; everything else is filled. */
void rw_release_prepare(struct rw_release *release);

#endif
