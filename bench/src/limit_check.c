/* What the decision of one rate limit costs: the address of a client is hashed and its meter asked
 * and charged, in a table that holds a million keys, all of them alive, in random order. The one
 * bench program that has parts of the gateway inside, since the wire is far slower than they are.
 *
 *   bench_limit_check MILLISECONDS     prints nanoseconds of processor time for each check
 */
#include "base/clock.h"
#include "base/siphash.h"
#include "gate/limit/meter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEYS = 1000000, CHECKS_AT_ONCE = 100000, BYTES_MAX = 64 << 20 };

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* As the policy does it: an IPv4 address as sixteen bytes, with its length in front. */
static uint64_t hash_of(const uint64_t *secret, uint32_t number)
{
    unsigned char address[16] = {[10] = 0xff, [11] = 0xff};
    const uint64_t len = sizeof(address);
    struct rw_siphash hash;
    memcpy(address + 12, &number, sizeof(number));
    rw_siphash_begin(&hash, secret);
    rw_siphash_add(&hash, &len, sizeof(len));
    rw_siphash_add(&hash, address, sizeof(address));
    return rw_siphash_end(&hash);
}

static unsigned check(struct rw_meters *meters, const struct rw_meter_rate *rate, uint32_t number)
{
    const struct rw_meters_time time = {.now_ns = RW_NS_PER_S};
    struct rw_meter item = {.hash = hash_of(rw_meters_key(meters, rate), number), .rate = rate};
    return rw_meters_take(meters, &item, 1, &time).admitted;
}

int main(int argc, char **argv)
{
    long milliseconds = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    struct rw_meters *meters;
    struct rw_meter_rate rate;
    if (milliseconds <= 0 || rw_meters_bytes(KEYS) > BYTES_MAX ||
        rw_meters_create(KEYS, -1, &meters) != RW_OK ||
        rw_meter_rate(1000, 86400 * RW_NS_PER_S, 1000, &rate) != RW_OK) {
        fputs("bench_limit_check: no table, or one that is too large\n", stderr);
        return 1;
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        check(meters, &rate, i);
    }
    uint64_t begun = cpu_ns(), ended = begun, checks = 0, state = 1;
    unsigned admitted = 0;
    while (ended - begun < (uint64_t)milliseconds * 1000000u) {
        for (int i = 0; i < CHECKS_AT_ONCE; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            admitted += check(meters, &rate, (uint32_t)((state >> 32) * KEYS >> 32));
        }
        checks += CHECKS_AT_ONCE;
        ended = cpu_ns();
    }
    printf("%.2f\n", (double)(ended - begun) / (double)checks);
    rw_meters_destroy(meters);
    return admitted == 0;
}
