/* Discovery: endpoints that are not in the configuration, but in a file, in etcd or in Kubernetes.
 *
 * A cluster with `discovery` starts a use (rw_discovery_start). Uses of the same upstream with the
 * same settings share one discovery, which outlives reloads with them: the watch goes on, and a new
 * cluster knows at once what the old one knew; discovery_known.h says what outlives the process.
 * Whenever something has changed, `changed` is called,
 * and the cluster makes a new set of what rw_discovery_next tells (gate/cluster/cluster_source.c):
 * an endpoint swap, never a reload. What cannot be reached is asked again, later and later; until
 * then all stays as it was last known. All on the control thread.
 *
 * Kinds (discovery_kinds.h): discovery_file.c looks at a file once a second; the others list once
 * and then watch from where the list ended (feed.h is their HTTP client).
 */
#ifndef RW_GATE_DISCOVERY_DISCOVERY_H
#define RW_GATE_DISCOVERY_DISCOVERY_H

#include "base/list.h"
#include "gate/config/config.h"
#include "io/address.h"
#include "io/loop.h"

enum { RW_DISCOVERED_MAX = 4096 }; /* endpoints of one upstream; more are left out */

struct rw_discovery;

/* Those of one registry. */
struct rw_discoveries {
    struct rw_list all;
    struct rw_loop *loop;   /* NULL: of who only looks at a configuration */
    struct rw_known *known; /* what was found outlives them there; NULL: it does not */
};

struct rw_discovered {
    struct rw_address address;
    uint32_t weight, priority;
    struct rw_locality locality;
    bool leaving; /* still serves, but only where no other one is left */
};

struct rw_discovery_use {
    struct rw_list link;
    struct rw_discovery *discovery; /* NULL: none */
    void (*changed)(struct rw_discovery_use *use);
};

/* A file is read at once; other kinds answer from the loop. Without a loop: only for a file, which
 * is read this once; what is wrong with it is the flaw, and not logged. Mistakes of the settings go
 * to the report: RW_EINVAL. */
RW_MUST_CHECK enum rw_err
rw_discovery_start(struct rw_discoveries *discoveries, struct rw_span upstream,
                   const struct rw_config_discovery *config, const struct rw_config_dns *dns,
                   struct rw_conf_report *report, struct rw_discovery_use *use);
/* For who only checks a configuration: is what the settings name there, and good? RW_EINVAL. */
RW_MUST_CHECK enum rw_err rw_discovery_check(const struct rw_config_discovery *config,
                                             struct rw_conf_report *report);
/* A use that was not started is fine. What is under way ends in the loop's next turns. */
void rw_discovery_stop(struct rw_discovery_use *use);

/* Has it ever been known what there is? */
bool rw_discovery_answered(const struct rw_discovery_use *use);
/* How often asking has failed so far; of a file: reading it. */
uint64_t rw_discovery_failures(const struct rw_discovery_use *use);
/* Why it fails at present; empty: changes are seen. Until the loop turns. */
struct rw_span rw_discovery_flaw(const struct rw_discovery_use *use);
/* How old is what is known: for how long changes have not been seen. 0 while they are. */
uint64_t rw_discovery_age_ms(const struct rw_discovery_use *use);
/* All that is known, in no order; NULL before the first, and after the last. */
const struct rw_discovered *rw_discovery_next(const struct rw_discovery_use *use,
                                              const struct rw_discovered *after);

#endif
