/* A Redis in the simulated network, as far as shared limits need one: it does what their script
 * says (src/gate/limit/share_script.c), by the virtual clock.
 *
 * A simulation starts it (rw_test_redis_start), spoils it, and looks into it. It uses malloc: only
 * the gateways' memory is made to fail.
 */
#ifndef RW_TESTS_SUPPORT_REDIS_PEER_H
#define RW_TESTS_SUPPORT_REDIS_PEER_H

#include "io/address.h"
#include "io/sim.h"

enum { RW_TEST_REDIS_KEYS_MAX = 512, RW_TEST_REDIS_TELLERS_MAX = 8 };

struct rw_test_redis_key {
    char name[128];
    double tat_us; /* of a pace */
    struct {
        char name[32];
        uint64_t used;
    } tellers[RW_TEST_REDIS_TELLERS_MAX]; /* of a quota */
    unsigned teller_count;
};

struct rw_test_redis_connection;

struct rw_test_redis {
    struct rw_sim *sim;
    struct rw_address address;
    struct rw_test_redis_key keys[RW_TEST_REDIS_KEYS_MAX];
    unsigned key_count;
    struct rw_test_redis_connection *connections;
    bool down;            /* connections are refused */
    bool silent;          /* nothing is answered */
    const char *nonsense; /* answered to scripts, which are not run; NULL: none */
    unsigned scripts;     /* run so far */
};

void rw_test_redis_start(struct rw_test_redis *redis, struct rw_sim *sim, const char *ip);
/* All connections are gone; `lost`: everything that it knew, too. */
void rw_test_redis_cut(struct rw_test_redis *redis, bool lost);
/* What all have used of quotas whose keys end so (":END"). */
uint64_t rw_test_redis_sum(const struct rw_test_redis *redis, const char *end);
void rw_test_redis_free(struct rw_test_redis *redis);

#endif
