/* Meters: exact against a model, alone and with many threads; a full table; files; dead owners. */
#include "gate/limit/meter.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct rw_meters *meters;

static void open_table(unsigned keys_max)
{
    assert_int_equal(rw_meters_create(keys_max, -1, &meters), RW_OK);
}

static struct rw_meter_rate rate_of(uint64_t requests, uint64_t period_s, uint64_t burst)
{
    struct rw_meter_rate rate;
    assert_int_equal(rw_meter_rate(requests, period_s * RW_NS_PER_S, burst, &rate), RW_OK);
    return rate;
}

static uint64_t hash_of(uint64_t number)
{
    struct rw_random random;
    rw_random_seed(&random, number);
    return rw_random_u64(&random);
}

static struct rw_meters_answer take_all(struct rw_meter *items, unsigned count, uint64_t now_ns)
{
    const struct rw_meters_time time = {.now_ns = now_ns};
    return rw_meters_take(meters, items, count, &time);
}

static bool take_one(uint64_t key, const struct rw_meter_rate *rate, uint64_t now_ns)
{
    struct rw_meter item = {.hash = hash_of(key), .rate = rate};
    return take_all(&item, 1, now_ns).admitted;
}

static void rates(void **state)
{
    (void)state;
    struct rw_meter_rate rate;
    assert_int_equal(rw_meter_rate(10, RW_NS_PER_S, 10, &rate), RW_OK);
    assert_int_equal(rate.interval, RW_NS_PER_S / 10 * RW_METER_TICKS_PER_NS);
    assert_int_equal(rw_meter_rate(1000000000, RW_NS_PER_S, 1, &rate), RW_OK);
    assert_int_equal(rate.interval, RW_METER_TICKS_PER_NS);
    assert_int_equal(rw_meter_rate(UINT64_MAX, RW_NS_PER_S, 1, &rate), RW_ELIMIT);
    assert_int_equal(rw_meter_rate(1, 86400 * RW_NS_PER_S, 1000000000, &rate), RW_ELIMIT);
}

static void burst_then_pace(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rate_of(10, 1, 3);
    uint64_t now = RW_NS_PER_S;
    open_table(1000);
    for (int i = 0; i < 3; i++)
        assert_true(take_one(1, &rate, now));
    assert_false(take_one(1, &rate, now));
    assert_true(take_one(2, &rate, now));
    assert_false(take_one(1, &rate, now + 99 * RW_NS_PER_MS));
    assert_true(take_one(1, &rate, now + 100 * RW_NS_PER_MS));
    assert_false(take_one(1, &rate, now + 100 * RW_NS_PER_MS));
    rw_meters_destroy(meters);
}

static void what_is_left(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rate_of(10, 1, 3);
    struct rw_meter item = {.hash = hash_of(1), .rate = &rate};
    open_table(1000);
    for (unsigned left = 3; left-- > 0;) {
        assert_true(take_all(&item, 1, RW_NS_PER_S).admitted);
        assert_int_equal(rw_meter_left(&item), left);
        assert_int_equal(rw_meter_next_ns(&item), 100 * RW_NS_PER_MS);
    }
    assert_false(take_all(&item, 1, RW_NS_PER_S + 40 * RW_NS_PER_MS).admitted);
    assert_int_equal(rw_meter_left(&item), 0);
    assert_int_equal(rw_meter_next_ns(&item), 60 * RW_NS_PER_MS);
    rw_meters_destroy(meters);
}

static void all_or_none(void **state)
{
    (void)state;
    const struct rw_meter_rate few = rate_of(1, 60, 2), many = rate_of(1, 60, 5);
    struct rw_meter items[2] = {{.hash = hash_of(1), .rate = &few},
                                {.hash = hash_of(2), .rate = &many}};
    uint64_t now = RW_NS_PER_S;
    open_table(1000);
    assert_true(take_all(items, 2, now).admitted);
    assert_true(take_all(items, 2, now).admitted);
    for (int i = 0; i < 10; i++) {
        assert_false(take_all(items, 2, now).admitted);
        assert_false(items[0].admits);
        assert_true(items[1].admits);
    }
    assert_int_equal(rw_meter_left(&items[1]), 3);
    rw_meters_destroy(meters);
}

/* ---- Against a model ---- */

/* What GCRA says of one key, written down from its definition. */
struct model {
    uint64_t tat;
};

static bool model_admits(const struct model *model, const struct rw_meter_rate *rate, uint64_t now)
{
    uint64_t from = model->tat > now ? model->tat : now;
    return from + rate->interval - now <= rate->capacity;
}

static void model_charge(struct model *model, const struct rw_meter_rate *rate, uint64_t now)
{
    model->tat = (model->tat > now ? model->tat : now) + rate->interval;
}

static void like_the_model(void **state)
{
    (void)state;
    enum { KEYS = 300, STEPS = 200000 };
    static struct model models[KEYS];
    static struct rw_meter_rate rates_of_keys[KEYS];
    struct rw_random random;
    uint64_t now = RW_NS_PER_S;
    rw_random_seed(&random, 1);
    open_table(KEYS);
    for (unsigned i = 0; i < KEYS; i++)
        rates_of_keys[i] = rate_of(1 + rw_random_below(&random, 5000), 1 + i % 60,
                                   1 + rw_random_below(&random, 50));
    for (unsigned step = 0; step < STEPS; step++) {
        struct rw_meter items[4];
        unsigned keys[4], count = 1 + rw_random_below(&random, 4);
        bool expected = true;
        now += rw_random_below(&random, 300000);
        for (unsigned i = 0; i < count; i++) {
            keys[i] = (rw_random_below(&random, KEYS / 4)) * 4 + i;
            items[i] = (struct rw_meter){.hash = hash_of(keys[i]), .rate = &rates_of_keys[keys[i]]};
            expected &= model_admits(&models[keys[i]], items[i].rate, now * RW_METER_TICKS_PER_NS);
        }
        struct rw_meters_answer answer = take_all(items, count, now);
        assert_int_equal(answer.admitted, expected);
        assert_int_equal(answer.evicted + answer.lacking, 0);
        for (unsigned i = 0; i < count && expected; i++)
            model_charge(&models[keys[i]], items[i].rate, now * RW_METER_TICKS_PER_NS);
    }
    rw_meters_destroy(meters);
}

/* ---- Threads ---- */

enum { THREADS = 4, SHARED_KEYS = 3, ROUNDS = 400, TRIES = 40 };

static struct rw_meter_rate shared_rates[SHARED_KEYS];
static uint64_t admitted_of[THREADS][SHARED_KEYS];
static pthread_barrier_t barrier;

/* All threads see one time in a round, so that what may be admitted is known exactly. Single keys,
 * and pairs in either order. */
static void *hammer(void *arg)
{
    unsigned self = (unsigned)(uintptr_t)arg;
    struct rw_random random;
    rw_random_seed(&random, self);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        for (unsigned i = 0; i < TRIES; i++) {
            unsigned first = rw_random_below(&random, SHARED_KEYS);
            unsigned second = (first + 1 + rw_random_below(&random, SHARED_KEYS - 1)) % SHARED_KEYS;
            unsigned count = 1 + rw_random_below(&random, 2);
            struct rw_meter items[2] = {{.hash = hash_of(first), .rate = &shared_rates[first]},
                                        {.hash = hash_of(second), .rate = &shared_rates[second]}};
            if (!take_all(items, count, round * RW_NS_PER_S).admitted)
                continue;
            admitted_of[self][first]++;
            admitted_of[self][second] += count == 2;
        }
    }
    return NULL;
}

/* Each key is asked for more than it has in every round: no more than that, and no less, is
 * admitted. A key that pairs found used up may be left over by them; so the exact count is that of
 * the key with the least. */
static void threads_share_exactly(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    memset(admitted_of, 0, sizeof(admitted_of));
    open_table(1000);
    for (unsigned i = 0; i < SHARED_KEYS; i++)
        shared_rates[i] = rate_of(2 + i, 1, 2 + i);
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, (void *)i), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
    for (unsigned key = 0; key < SHARED_KEYS; key++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < THREADS; i++)
            sum += admitted_of[i][key];
        /* Each thread asks for each key alone several times a round, by the end of it too. */
        assert_int_equal(sum, (uint64_t)ROUNDS * (2 + key));
    }
    rw_meters_destroy(meters);
}

/* ---- A full table ---- */

static void flood_frees_nobody(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rate_of(100, 60, 100);
    uint64_t now = RW_NS_PER_S;
    open_table(RW_METERS_KEYS_MIN);
    for (int i = 0; i < 100; i++)
        assert_true(take_one(0, &rate, now));
    assert_false(take_one(0, &rate, now));
    unsigned evicted = 0;
    for (uint64_t key = 1; key < 100000; key++) {
        struct rw_meter item = {.hash = hash_of(key), .rate = &rate};
        struct rw_meters_answer answer = take_all(&item, 1, now);
        assert_true(answer.admitted);
        evicted += answer.evicted;
    }
    assert_true(evicted > 90000);
    assert_false(take_one(0, &rate, now));
    rw_meters_destroy(meters);
}

static void full_as_configured(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rate_of(1, 60, 2);
    open_table(RW_METERS_KEYS_MIN);
    rw_meters_set_full(meters, RW_METERS_REFUSE);
    unsigned refused = 0, untracked = 0;
    for (uint64_t key = 0; key < 5000; key++)
        refused += !take_one(key, &rate, RW_NS_PER_S);
    assert_true(refused > 0);
    rw_meters_set_full(meters, RW_METERS_ADMIT);
    for (uint64_t key = 5000; key < 6000; key++) {
        struct rw_meter item = {.hash = hash_of(key), .rate = &rate};
        struct rw_meters_answer answer = take_all(&item, 1, RW_NS_PER_S);
        assert_true(answer.admitted);
        untracked += answer.lacking;
    }
    assert_true(untracked > 0);
    /* Time gives all the room back. */
    for (uint64_t key = 6000; key < 6200; key++) {
        struct rw_meter item = {.hash = hash_of(key), .rate = &rate};
        struct rw_meters_answer answer = take_all(&item, 1, 1000 * RW_NS_PER_S);
        assert_true(answer.admitted && !answer.lacking && !answer.evicted);
    }
    rw_meters_destroy(meters);
}

/* As many keys as the table is made for, all of them alive: none is forgotten. */
static void room_for_all(void **state)
{
    (void)state;
    enum { KEYS = 200000 };
    const struct rw_meter_rate rate = rate_of(1, 3600, 1);
    open_table(KEYS);
    for (uint64_t key = 0; key < KEYS; key++) {
        struct rw_meter item = {.hash = hash_of(key), .rate = &rate};
        struct rw_meters_answer answer = take_all(&item, 1, RW_NS_PER_S);
        assert_true(answer.admitted);
        assert_int_equal(answer.evicted, 0);
    }
    for (uint64_t key = 0; key < KEYS; key++)
        assert_false(take_one(key, &rate, RW_NS_PER_S));
    assert_true(rw_meters_bytes(1000000) <= (size_t)64 << 20);
    rw_meters_destroy(meters);
}

/* ---- Limits that change ---- */

static void other_limits_of_the_same_key(void **state)
{
    (void)state;
    const struct rw_meter_rate day = rate_of(2, 86400, 2), second = rate_of(10, 1, 10);
    uint64_t now = RW_NS_PER_S;
    open_table(1000);
    assert_true(take_one(1, &day, now));
    assert_true(take_one(1, &day, now));
    assert_false(take_one(1, &day, now));
    /* Used up, but no longer than the new limit could make it. */
    assert_false(take_one(1, &second, now));
    assert_true(take_one(1, &second, now + RW_NS_PER_S));
    rw_meters_destroy(meters);
}

static void raised_from_elsewhere(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rate_of(10, 1, 10);
    open_table(1000);
    rw_meters_raise(meters, hash_of(1), &rate, rate.interval * 9, RW_NS_PER_S);
    assert_true(take_one(1, &rate, RW_NS_PER_S));
    assert_false(take_one(1, &rate, RW_NS_PER_S));
    rw_meters_raise(meters, hash_of(1), &rate, rate.interval, RW_NS_PER_S);
    assert_false(take_one(1, &rate, RW_NS_PER_S));
    rw_meters_destroy(meters);
}

/* ---- Processes ---- */

static void kept_in_a_file(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rate_of(1, 60, 1);
    int fd = memfd_create("meters", 0);
    assert_true(fd >= 0);
    assert_int_equal(rw_meters_create(1000, fd, &meters), RW_OK);
    assert_true(take_one(1, &rate, RW_NS_PER_S));
    uint64_t key = rw_meters_key(meters, &rate)[0];
    rw_meters_destroy(meters);
    assert_int_equal(rw_meters_create(1000, fd, &meters), RW_OK);
    assert_int_equal(rw_meters_key(meters, &rate)[0], key);
    assert_false(take_one(1, &rate, RW_NS_PER_S));
    rw_meters_destroy(meters);
    /* Another size begins anew. */
    assert_int_equal(rw_meters_create(2000, fd, &meters), RW_OK);
    assert_true(rw_meters_key(meters, &rate)[0] != key);
    assert_true(take_one(1, &rate, RW_NS_PER_S));
    rw_meters_destroy(meters);
    close(fd);
}

/* Processes are killed wherever they happen to be: what they held is taken over. */
static void killed_owners(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rate_of(1000000, 1, 1000);
    open_table(RW_METERS_KEYS_MIN);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();
        if (pid == 0)
            for (;;)
                take_one(1, &rate, rw_clock_monotonic_ns());
        assert_true(pid > 0);
        usleep(2000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        assert_true(take_one(1, &rate, rw_clock_monotonic_ns() + 10 * RW_NS_PER_S));
    }
    rw_meters_destroy(meters);
}

/* ---- Quotas ---- */

static bool count_one(uint64_t key, const struct rw_meter_rate *quota, uint32_t end_s,
                      uint64_t wall_s)
{
    const struct rw_meters_time time = {.now_ns = RW_NS_PER_S, .wall_s = wall_s};
    struct rw_meter item = {.hash = hash_of(key), .rate = quota, .end_s = end_s};
    bool admitted = rw_meters_take(meters, &item, 1, &time).admitted;
    assert_int_equal(item.rest_s, item.end_s - wall_s);
    return admitted;
}

static void quotas_outlive_the_program(void **state)
{
    (void)state;
    const struct rw_meter_rate quota = rw_meter_quota(3);
    int fd = memfd_create("quotas", 0);
    open_table(1000);
    assert_null(rw_meters_key(meters, &quota));
    assert_int_equal(rw_meters_open_quotas(meters, 1000, fd), RW_OK);
    for (int i = 0; i < 2; i++)
        assert_true(count_one(1, &quota, 5000, 4000));
    rw_meters_destroy(meters);
    open_table(2000);
    /* Other sizes do not make it forget. */
    assert_int_equal(rw_meters_open_quotas(meters, 2000, fd), RW_OK);
    assert_true(count_one(1, &quota, 5000, 4999));
    assert_false(count_one(1, &quota, 5000, 4999));
    assert_true(count_one(2, &quota, 5000, 4999));
    /* The next period. */
    for (int i = 0; i < 3; i++)
        assert_true(count_one(1, &quota, 6000, 5000));
    assert_false(count_one(1, &quota, 6000, 5000));
    rw_meters_destroy(meters);
    close(fd);
}

/* What others have used counts, whoever tells it, and never less of it than was known. */
static void quotas_of_several_gateways(void **state)
{
    (void)state;
    open_table(1000);
    const struct rw_meter_rate quota = rw_meter_quota(5);
    const struct rw_meters_time time = {.wall_s = 4000};
    struct rw_meter item = {.hash = hash_of(1), .rate = &quota, .end_s = 5000, .shared = true};
    struct rw_meters_news news = {.end_s = 5000, .others = 3};
    int fd = memfd_create("quotas", 0);
    assert_int_equal(rw_meters_open_quotas(meters, 1000, fd), RW_OK);
    assert_int_equal(rw_meters_used(meters, item.hash).end_s, 0);
    rw_meters_learn(meters, item.hash, &news, &time); /* nothing was used here */
    assert_true(rw_meters_take(meters, &item, 1, &time).admitted);
    assert_int_equal(item.others, 0);
    rw_meters_learn(meters, item.hash, &news, &time);
    news.others = 1;
    rw_meters_learn(meters, item.hash, &news, &time);
    assert_true(rw_meters_take(meters, &item, 1, &time).admitted);
    assert_int_equal(item.others, 3);
    assert_int_equal(rw_meter_left(&item), 0);
    assert_false(rw_meters_take(meters, &item, 1, &time).admitted);
    item.lenient = true;
    assert_true(rw_meters_take(meters, &item, 1, &time).admitted);
    assert_int_equal(rw_meters_used(meters, item.hash).own, 3);
    /* It counts for those only who share. */
    item.lenient = item.shared = false;
    item.others = 0;
    assert_true(rw_meters_take(meters, &item, 1, &time).admitted);
    /* What was forgotten, and what is known anyway. */
    news = (struct rw_meters_news){.end_s = 5000, .had = 4, .since = 9};
    rw_meters_learn(meters, item.hash, &news, &time);
    assert_int_equal(rw_meters_used(meters, item.hash).own, 4);
    news.had = 5;
    rw_meters_learn(meters, item.hash, &news, &time);
    assert_int_equal(rw_meters_used(meters, item.hash).own, 14);
    news = (struct rw_meters_news){.end_s = 6000, .had = 100, .others = 100};
    rw_meters_learn(meters, item.hash, &news, &time);
    assert_int_equal(rw_meters_used(meters, item.hash).own, 14);
    rw_meters_destroy(meters);
    close(fd);
}

/* A clock that is set back a little over the end of a month neither begins the old one again nor
 * forgets the new one; one that was a month ahead is believed when it is right again. */
static void a_clock_that_is_set_back(void **state)
{
    (void)state;
    open_table(1000);
    const struct rw_meter_rate quota = rw_meter_quota(3);
    const uint32_t day_s = 86400;
    int fd = memfd_create("quotas", 0);
    assert_int_equal(rw_meters_open_quotas(meters, 1000, fd), RW_OK);
    assert_true(count_one(1, &quota, 10 * day_s, 10 * day_s - 1));
    assert_true(count_one(1, &quota, 11 * day_s, 10 * day_s));
    assert_true(count_one(1, &quota, 10 * day_s, 10 * day_s - 30));
    assert_true(count_one(1, &quota, 11 * day_s, 10 * day_s + 5));
    assert_false(count_one(1, &quota, 10 * day_s, 10 * day_s - 1));
    assert_false(count_one(1, &quota, 11 * day_s, 10 * day_s + 6));
    assert_true(count_one(1, &quota, 10 * day_s, 9 * day_s + day_s / 2));
    rw_meters_destroy(meters);
    close(fd);
}

static void quotas_take_their_slots_again(void **state)
{
    (void)state;
    const struct rw_meter_rate quota = rw_meter_quota(1);
    int fd = memfd_create("quotas", 0);
    open_table(1000);
    assert_int_equal(rw_meters_open_quotas(meters, RW_METERS_KEYS_MIN, fd), RW_OK);
    for (uint32_t day = 1; day < 200; day++)
        for (uint64_t key = 0; key < 200; key++) {
            const struct rw_meters_time time = {.wall_s = day * 10};
            struct rw_meter item = {
                .hash = hash_of(day * 1000 + key), .rate = &quota, .end_s = day * 10 + 10};
            struct rw_meters_answer answer = rw_meters_take(meters, &item, 1, &time);
            assert_true(answer.admitted);
            assert_int_equal(answer.evicted, 0);
        }
    rw_meters_destroy(meters);
    close(fd);
}

static void another_file_is_left_alone(void **state)
{
    (void)state;
    char byte = 0;
    int fd = memfd_create("other", 0);
    assert_int_equal(write(fd, "important", 9), 9);
    open_table(1000);
    assert_int_equal(rw_meters_open_quotas(meters, 1000, fd), RW_EPROTO);
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    assert_int_equal(byte, 'i');
    assert_int_equal(lseek(fd, 0, SEEK_END), 9);
    rw_meters_destroy(meters);
    close(fd);
}

static void assert_reserved(int fd)
{
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_size, rw_meters_bytes(1000));
    assert_true(info.st_blocks * 512 >= info.st_size);
}

/* Its pages have their place on the disk before one of them is touched. */
static void quotas_have_their_place(void **state)
{
    (void)state;
    int fd = memfd_create("quotas", 0);
    open_table(1000);
    assert_int_equal(rw_meters_open_quotas(meters, 1000, fd), RW_OK);
    assert_reserved(fd);
    rw_meters_destroy(meters);
    /* In a copy there may be holes. */
    const int hole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    assert_int_equal(fallocate(fd, hole, 16384, (off_t)rw_meters_bytes(1000) - 16384), 0);
    open_table(1000);
    assert_int_equal(rw_meters_open_quotas(meters, 1000, fd), RW_OK);
    assert_reserved(fd);
    rw_meters_destroy(meters);
    close(fd);
}

enum { CHILD_DONE = 0, CHILD_FAILED = 1, CHILD_MAY_NOT = 2 };

/* In a process of its own: a disk of 64 KiB. */
static int open_on_a_small_disk(void)
{
    struct stat info;
    if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return CHILD_MAY_NOT;
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", "/tmp", "tmpfs", 0, "size=32k") < 0)
        return CHILD_MAY_NOT;
    int fd = open("/tmp/quotas", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool good = rw_meters_create(1000, -1, &meters) == RW_OK &&
                rw_meters_open_quotas(meters, 1000, fd) == RW_ENOSPC;
    /* Nothing stands in the way of another try. */
    good &= fstat(fd, &info) == 0 && info.st_size == 0;
    good &= rw_meters_open_quotas(meters, RW_METERS_KEYS_MIN, fd) == RW_OK;
    rw_meters_destroy(meters);
    close(fd);
    return good ? CHILD_DONE : CHILD_FAILED;
}

static void quotas_on_a_full_disk(void **state)
{
    (void)state;
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(open_on_a_small_disk());
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_MAY_NOT)
        skip();
    assert_int_equal(WEXITSTATUS(status), CHILD_DONE);
}

/* Paced and counted together, from several threads: as exact as each of them. */
static struct rw_meter_rate mixed_rate, mixed_quota;
static unsigned mixed_admitted[THREADS];

static void *hammer_mixed(void *arg)
{
    unsigned self = (unsigned)(uintptr_t)arg;
    for (unsigned i = 0; i < 3000; i++) {
        const struct rw_meters_time time = {.now_ns = RW_NS_PER_S, .wall_s = 100};
        struct rw_meter items[2] = {{.hash = hash_of(i % 7), .rate = &mixed_rate},
                                    {.hash = hash_of(1), .rate = &mixed_quota, .end_s = 200}};
        mixed_admitted[self] += rw_meters_take(meters, items, 2, &time).admitted;
    }
    return NULL;
}

static void paced_and_counted(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned sum = 0;
    int fd = memfd_create("quotas", 0);
    open_table(1000);
    assert_int_equal(rw_meters_open_quotas(meters, 1000, fd), RW_OK);
    mixed_rate = rate_of(1000, 1, 1000);
    mixed_quota = rw_meter_quota(5000);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer_mixed, (void *)i), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += mixed_admitted[i];
    }
    assert_int_equal(sum, 5000);
    rw_meters_destroy(meters);
    close(fd);
}

static void without_memory(void **state)
{
    (void)state;
    rw_alloc_fail_once(0);
    assert_int_equal(rw_meters_create(1000, -1, &meters), RW_ENOMEM);
    rw_alloc_fail_never();
    assert_int_equal(rw_meters_create(1, -1, &meters), RW_EINVAL);
    rw_meters_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates),
        cmocka_unit_test(burst_then_pace),
        cmocka_unit_test(what_is_left),
        cmocka_unit_test(all_or_none),
        cmocka_unit_test(like_the_model),
        cmocka_unit_test(threads_share_exactly),
        cmocka_unit_test(flood_frees_nobody),
        cmocka_unit_test(full_as_configured),
        cmocka_unit_test(room_for_all),
        cmocka_unit_test(other_limits_of_the_same_key),
        cmocka_unit_test(raised_from_elsewhere),
        cmocka_unit_test(kept_in_a_file),
        cmocka_unit_test(killed_owners),
        cmocka_unit_test(quotas_outlive_the_program),
        cmocka_unit_test(quotas_of_several_gateways),
        cmocka_unit_test(a_clock_that_is_set_back),
        cmocka_unit_test(quotas_take_their_slots_again),
        cmocka_unit_test(another_file_is_left_alone),
        cmocka_unit_test(quotas_have_their_place),
        cmocka_unit_test(quotas_on_a_full_disk),
        cmocka_unit_test(paced_and_counted),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
