/* A release: several versions of what is behind one route, and who gets which.
 *
 * The origin `release` (origin/release.h) compiles one for each route that has it, and asks it for
 * a version for each request: first the rules, then the shares. What becomes of the request is
 * counted by version when the exchange is logged (x->version_series). All is immutable once it is
 * compiled, but for the state of a rollout (gate/release/rollout.h).
 */
#ifndef RW_GATE_RELEASE_RELEASE_H
#define RW_GATE_RELEASE_RELEASE_H

#include "base/siphash.h"
#include "gate/config/config_release.h"
#include "gate/release/judge.h"
#include "gate/release/state.h"

struct rw_cluster;

struct rw_release_version {
    const struct rw_config_version *config;
    struct rw_cluster *cluster;
    struct rw_siphash drawn; /* sticky: of salt and version, before the user */
    unsigned series;         /* of requests that were drawn */
    unsigned ruled_series;   /* of those that a rule sent there */
};

/* What a stage has counted so far: the deciding control thread's. */
struct rw_rollout_window {
    bool begun, over;
    uint64_t since_ms, next_look; /* next_look: requests of the new version */
    unsigned looks;
    struct rw_release_counts then[2];   /* totals when it began: of the new version, the other */
    struct rw_release_counts counts[2]; /* since then */
    struct rw_judgement found;
};

struct rw_rollout {
    const struct rw_config_rollout *config;
    struct rw_release_state *state; /* NULL: it serves nobody */
    unsigned candidate, baseline;   /* versions */
    struct rw_rollout_window window;
};

/* The stage that the number is of, from 1. */
static inline const struct rw_config_rollout_stage *
rw_rollout_stage(const struct rw_config_rollout *config, unsigned number)
{
    return (const struct rw_config_rollout_stage *)config->stages.items + (number - 1);
}

struct rw_release {
    struct rw_release *next; /* of the configuration */
    struct rw_span route;
    const struct rw_config_release *config;
    struct rw_release_version *versions;
    unsigned count;
    unsigned *rule_versions;    /* by rule: index of its version */
    struct rw_rollout *rollout; /* NULL: none */
};

/* The shares as they are now, in the order of the versions; their sum is 1. */
void rw_release_shares(const struct rw_release *release, double shares[RW_RELEASE_VERSIONS_MAX]);

/* By what the state of its rollout is known; never 0. */
uint64_t rw_release_id(const struct rw_release *release);

/* Index of the version for a user: of what is known of him. */
unsigned rw_release_for_user(const struct rw_release *release, struct rw_span user);
/* ... for a request by itself. */
unsigned rw_release_for_any(const struct rw_release *release, uint64_t random);

/* Readies what the two need; everything else is filled. */
void rw_release_prepare(struct rw_release *release);

#endif
