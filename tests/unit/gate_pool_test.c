/* Two threads and an endpoint that takes one connection: whoever waits for it is told when it is
 * free, at whatever moment that was, and gets it in turn, however many wait on the thread that has
 * it. Over a real loop, since it is about what happens between two instructions of a thread. */
#include "base/random.h"
#include "gate/cluster/pool/pool.h"
#include "gate/worker.h"
#include "gate_cluster_fixture.h"
#include "watch/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    THREADS = 2,
    ROUNDS = 3000,
    TURNS_MAX = 6,
    QUEUE_MS = 5000,
    KEPT_MAX = 64,
    CROWD = 8,    /* users of a thread whose queue never empties */
    ENOUGH = 5000 /* requests of such a thread */
};

/* Once in a round: asks for a connection, perhaps gives up and asks again, has it for some turns of
 * the loop, and gives it back. Nobody does anything then until both have: what a thread was not
 * told at once, it is not told. One of a crowd waits as long as it takes, and asks again at once.
 */
struct user {
    struct rw_lease lease;
    struct rw_later later;
    struct thread *thread;
    unsigned turns; /* that it still has it, or waits */
    bool waits;
};

struct thread {
    struct rw_worker worker;
    struct rw_random random;
    struct user users[CROWD];
    unsigned round;
    unsigned busy; /* users of a crowd */
    _Atomic unsigned served;
};

static struct rw_metrics *metrics;
static struct rw_cluster *cluster;
static struct rw_endpoint *endpoint;
static struct thread threads[THREADS];
static struct rw_worker *workers[THREADS];
static _Atomic unsigned created, finished, closed;
static int listener;
static bool crowded;

/* ---- The endpoint ---- */

/* Who is accepted later has ended before. */
static void *serve(void *unused)
{
    int kept[KEPT_MAX], fd;
    unsigned count = 0;
    (void)unused;
    for (; (fd = accept(listener, NULL, NULL)) >= 0; kept[count++ % KEPT_MAX] = fd)
        if (count >= KEPT_MAX)
            close(kept[count % KEPT_MAX]);
    for (unsigned i = 0; i < count && i < KEPT_MAX; i++)
        close(kept[i]);
    return NULL;
}

static void listen_at(struct sockaddr_un *address)
{
    snprintf(address->sun_path, sizeof(address->sun_path), "/tmp/rw_pool_%d", (int)getpid());
    address->sun_family = AF_UNIX;
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)address, sizeof(*address)), 0);
    assert_int_equal(listen(listener, SOMAXCONN), 0);
}

/* ---- Those who ask ---- */

static void ask(struct user *user)
{
    struct thread *thread = user->thread;
    user->turns = rw_random_below(&thread->random, TURNS_MAX);
    user->waits =
        rw_pool_acquire(&thread->worker, cluster, endpoint, &user->lease, false) == RW_POOL_WAIT;
    rw_loop_later(thread->worker.loop, &user->later);
}

static bool all_have_enough(void)
{
    bool enough = true;
    for (unsigned i = 0; i < THREADS; i++)
        enough &= atomic_load(&threads[i].served) >= ENOUGH;
    return enough;
}

static void finish(struct user *user)
{
    struct thread *thread = user->thread;
    if (user->lease.connection && (crowded || rw_random_below(&thread->random, 4)))
        rw_pool_release(&user->lease);
    else
        rw_pool_discard(&user->lease);
    atomic_fetch_add(&finished, 1);
    atomic_fetch_add(&thread->served, 1);
    if (crowded && !all_have_enough())
        ask(user);
    else
        thread->busy--;
}

static void end_of_turn(struct rw_later *later)
{
    struct user *user = rw_container_of(later, struct user, later);
    struct rw_random *random = &user->thread->random;
    if (user->turns-- > 0) {
        rw_loop_later(user->thread->worker.loop, later);
    } else if (!user->waits) {
        finish(user);
    } else if (!crowded && rw_random_below(random, 2)) {
        rw_pool_discard(&user->lease);
        ask(user);
    } /* else it waits as long as it takes */
}

static void on_ready(struct rw_lease *lease)
{
    struct user *user = rw_container_of(lease, struct user, lease);
    user->waits = false;
    user->turns = rw_random_below(&user->thread->random, TURNS_MAX);
    rw_loop_later(user->thread->worker.loop, &user->later);
}

/* There is nothing to go on with. */
static void on_failed(struct rw_lease *lease, enum rw_reason reason, const char *detail)
{
    const struct user *user = rw_container_of(lease, struct user, lease);
    (void)detail;
    if (reason == RW_REASON_QUEUE_TIMEOUT) {
        print_error("thread %u, round %u: %s\n", user->thread->worker.index, user->thread->round,
                    crowded ? "it is never its turn" : "nobody has told");
        abort();
    }
    on_ready(lease);
}

static void on_end(struct rw_lease *lease, enum rw_err err)
{
    (void)lease;
    (void)err;
}

static const struct rw_lease_events events = {.on_ready = on_ready,
                                              .on_failed = on_failed,
                                              .on_end = on_end};

static void work_in_rounds(struct thread *thread)
{
    for (thread->round = 1; thread->round <= ROUNDS; thread->round++) {
        ask(&thread->users[0]);
        while (atomic_load(&finished) < THREADS * thread->round)
            rw_loop_turn(thread->worker.loop, 0);
    }
}

static void work_in_a_crowd(struct thread *thread)
{
    thread->busy = CROWD;
    for (unsigned i = 0; i < CROWD; i++)
        ask(&thread->users[i]);
    while (thread->busy)
        rw_loop_turn(thread->worker.loop, 0);
}

static void *work(void *argument)
{
    struct thread *thread = argument;
    unsigned index = (unsigned)(thread - threads);
    const struct rw_worker_options options = {.loop = {.backend = RW_LOOP_EPOLL},
                                              .index = index,
                                              .metrics = rw_metrics_shard(metrics, index)};
    enum rw_err err = rw_worker_create(&options, &thread->worker);
    rw_assert(!err);
    thread->worker.peers = workers;
    thread->worker.peer_count = THREADS;
    atomic_fetch_add(&created, 1);
    while (atomic_load(&created) < THREADS)
        continue;
    (crowded ? work_in_a_crowd : work_in_rounds)(thread);
    rw_worker_close_with_peers(&thread->worker, &closed);
    rw_worker_destroy(&thread->worker);
    return NULL;
}

/* ---- The test ---- */

static void make_cluster(struct rw_clusters *clusters, const char *path)
{
    fixture_begin("app");
    fixture_add(1, "unix:%s", path);
    fixture.connections = (struct rw_config_connections){.per_endpoint_max = 1,
                                                         .idle_max = 8,
                                                         .idle_ms = 10 * QUEUE_MS,
                                                         .queue_max = 8,
                                                         .queue_ms_max = QUEUE_MS};
    fixture.upstream.connect_ms = QUEUE_MS;
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_OK);
    endpoint = atomic_load(&cluster->set)->endpoints[0];
}

static void start(struct thread *thread, unsigned index, pthread_t *id)
{
    *thread = (struct thread){0};
    rw_random_seed(&thread->random, index);
    workers[index] = &thread->worker;
    for (unsigned i = 0; i < CROWD; i++)
        thread->users[i] =
            (struct user){.lease.events = &events, .later.run = end_of_turn, .thread = thread};
    assert_int_equal(pthread_create(id, NULL, work, thread), 0);
}

static void run(void)
{
    struct rw_clusters *clusters;
    struct sockaddr_un address = {0};
    pthread_t server, ids[THREADS];
    created = finished = closed = 0;
    listen_at(&address);
    assert_int_equal(rw_metrics_create(THREADS, 4, &metrics), RW_OK);
    assert_int_equal(rw_clusters_create(&(struct rw_clusters_options){0}, &clusters), RW_OK);
    make_cluster(clusters, address.sun_path);
    assert_int_equal(pthread_create(&server, NULL, serve, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        start(&threads[i], i, &ids[i]);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(ids[i], NULL);
    shutdown(listener, SHUT_RDWR);
    pthread_join(server, NULL);
    close(listener);
    unlink(address.sun_path);
    rw_cluster_drop(clusters, cluster);
    rw_clusters_destroy(clusters);
    rw_metrics_destroy(metrics);
    fixture_end();
}

static void who_waits_is_told(void **unused)
{
    (void)unused;
    crowded = false;
    run();
}

static void each_thread_has_its_turn(void **unused)
{
    (void)unused;
    crowded = true;
    run();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_waits_is_told),
                                       cmocka_unit_test(each_thread_has_its_turn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
