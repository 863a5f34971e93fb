/* What the files of gate/discovery share; nobody else includes this.
 *
 * What is known is a table of groups: what one key of etcd or one slice of Kubernetes says, or a
 * whole file. A list begins with rw_discovery_begin, puts every group that there is, and ends with
 * rw_discovery_end, which drops the others; a watch puts and removes single ones, and tells.
 */
#ifndef RW_GATE_DISCOVERY_DISCOVERY_KINDS_H
#define RW_GATE_DISCOVERY_DISCOVERY_KINDS_H

#include "base/arena.h"
#include "base/text.h"
#include "gate/discovery/discovery.h"
#include "gate/known/known.h"

#include <jansson.h>

struct rw_discovery_kind {
    /* Fills discovery->state. */
    enum rw_err (*begin)(struct rw_discovery *discovery, const struct rw_config_discovery *config,
                         const struct rw_config_dns *dns, struct rw_conf_report *report);
    /* Another use with the same settings begins: what they name may have changed (certificates).
     * NULL: there is nothing such. */
    enum rw_err (*renew)(struct rw_discovery *discovery, const struct rw_config_discovery *config,
                         struct rw_conf_report *report);
    /* Lets go of it, and calls rw_discovery_free when nothing is under way any more. */
    void (*end)(struct rw_discovery *discovery);
};

extern const struct rw_discovery_kind rw_discovery_file, rw_discovery_etcd, rw_discovery_kubernetes;

struct rw_discovery_group {
    struct rw_list link;
    struct rw_arena arena; /* of the texts */
    struct rw_span key;
    struct rw_discovered *items;
    unsigned count, room;
    bool stale; /* not in the list that is being read */
};

struct rw_discovery {
    struct rw_list link; /* in the registry's list, until the last use has stopped */
    struct rw_list uses;
    struct rw_loop *loop;
    struct rw_known *notes; /* NULL: none */
    struct rw_known_use known;
    const struct rw_discovery_kind *kind;
    void *state;
    struct rw_arena arena;
    struct rw_span upstream;   /* for the log */
    struct rw_span identity;   /* two that are equal are one */
    struct rw_locality around; /* of endpoints that do not say */
    struct rw_list groups;
    bool all_leave; /* no endpoint stays: those that leave are told of */
    unsigned group_count;
    bool answered;
    bool follows;        /* what changes is seen at once */
    uint64_t known_ms;   /* unless it follows: until when it did */
    uint64_t failures;   /* of asking */
    struct rw_text flaw; /* why the last one failed; empty: it follows */
};

/* Without a kind and its state; texts are copied. */
RW_MUST_CHECK enum rw_err rw_discovery_create(struct rw_loop *loop, struct rw_span upstream,
                                              struct rw_span identity,
                                              const struct rw_locality *around,
                                              struct rw_discovery **discovery);
void rw_discovery_free(struct rw_discovery *discovery);

void rw_discovery_begin(struct rw_discovery *discovery);
/* An empty group of this key, in place of the one there was. RW_ELIMIT: too many. */
RW_MUST_CHECK enum rw_err rw_discovery_put(struct rw_discovery *discovery, struct rw_span key,
                                           struct rw_discovery_group **group);
void rw_discovery_remove(struct rw_discovery *discovery, struct rw_span key);
void rw_discovery_end(struct rw_discovery *discovery);
/* From now on changes are seen; or they are not, for this reason. */
void rw_discovery_follows(struct rw_discovery *discovery);
void rw_discovery_fails(struct rw_discovery *discovery, struct rw_span why);
/* The uses are told that something has changed. */
void rw_discovery_tell(struct rw_discovery *discovery);

/* Texts of `item` are copied. RW_EINVAL: the address is no IP address and port, and no Unix socket.
 */
RW_MUST_CHECK enum rw_err rw_discovery_add(struct rw_discovery *discovery,
                                           struct rw_discovery_group *group, struct rw_span address,
                                           const struct rw_discovered *item);

/* Of a JSON object: the text, or an empty one; the whole number within 0 and `max`, or `fallback`.
 */
struct rw_span rw_json_text(const json_t *object, const char *name);
uint32_t rw_json_number(const json_t *object, const char *name, uint32_t fallback, uint32_t max);

#endif
