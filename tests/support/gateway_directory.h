/* What a world's discovery asks: which of the origins there are, told as etcd, as the API server of
 * Kubernetes, or in a file.
 *
 * gateway_directory.c has what there is and what becomes of it: origins come and go while requests
 * are under way, watches break, what they would go on from is compacted away, and sometimes all of
 * it is set back to lower revisions, as after a backup was restored. A teller is one protocol; it
 * is asked for one thing on each connection, and misbehaves as servers and what stands before them
 * do: half of a JSON text, an error, nothing at all, the same event again.
 */
#ifndef RW_TESTS_SUPPORT_GATEWAY_DIRECTORY_H
#define RW_TESTS_SUPPORT_GATEWAY_DIRECTORY_H

#include "support/gateway_world.h"

enum { RW_TEST_CHANGES_MAX = 12, RW_TEST_ASKED_BYTES_MAX = 4096 };

/* Who asks: one request each, and a watch goes on. */
struct rw_test_asker {
    struct rw_test_asker *next;
    struct rw_test_directory *directory;
    struct rw_sim_socket *socket; /* NULL: it has ended */
    char request[RW_TEST_ASKED_BYTES_MAX + 1];
    size_t len;
    bool watches;
};

struct rw_test_change {
    unsigned origin;
    bool there;
};

struct rw_test_teller {
    const char *name;
    /* In a configuration: what an upstream has for its `discovery`. */
    void (*configure)(const struct rw_test_directory *directory, struct rw_test_bytes *yaml);
    /* The request is complete. `from`: the revision that a watch is to begin behind, or -1. */
    long (*asked_from)(const struct rw_test_asker *asker);
    /* The JSON of a list; of a watch that has begun, or NULL; of one that has told all that there
     * is, or NULL; of an event; of a watch that cannot be. */
    void (*add_list)(const struct rw_test_directory *directory, struct rw_test_bytes *json);
    void (*add_begin)(const struct rw_test_directory *directory, struct rw_test_bytes *json);
    void (*add_progress)(const struct rw_test_directory *directory, struct rw_test_bytes *json);
    void (*add_event)(const struct rw_test_directory *directory, unsigned number,
                      struct rw_test_bytes *json);
    void (*add_refusal)(const struct rw_test_directory *directory, struct rw_test_bytes *json);
    /* Is told that a watch is ahead of it by what has begun, not by 504. */
    bool waits;
    /* Told again, an event is known to be old. */
    bool knows_old;
};

extern const struct rw_test_teller rw_test_etcd, rw_test_kubernetes;

struct rw_test_directory {
    struct rw_test_world *world;
    const struct rw_test_teller *teller; /* NULL: a file */
    struct rw_test_asker *askers;
    bool there[RW_TEST_ORIGINS_MAX];
    struct rw_test_change changes[RW_TEST_CHANGES_MAX]; /* the i-th has the revision base + i + 1 */
    unsigned count, planned;
    unsigned base, compacted; /* revisions up to `compacted` are gone */
    int file;
    char path[32];
};

static inline unsigned rw_test_revision(const struct rw_test_directory *directory)
{
    return directory->base + directory->count;
}

#endif
