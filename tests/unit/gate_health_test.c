/* Active probes against a scripted origin on loopback, and ejection by what requests meet. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "gate_cluster_fixture.h"
#include "io/listen.h"
#include "support/tls_pair.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct rw_loop *loop;
static struct rw_clusters *clusters;

/* ---- The origin: answers every connection's first bytes with the same text ---- */

struct conversation {
    struct rw_stream stream;
};

static struct {
    struct rw_listener listener;
    uint16_t port;
    const char *reply; /* NULL: none at all */
    bool close_after;
    struct rw_tls_server *tls; /* NULL: plain */
    unsigned connections, open;
    char request[512];
    bool closed;
} origin;

static void origin_on_open(struct rw_stream *stream, enum rw_err err)
{
    if (err) /* the handshake */
        rw_stream_close(stream);
}

static void origin_on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_span bytes = rw_buf_span(buf);
    size_t len = bytes.len < sizeof(origin.request) - 1 ? bytes.len : sizeof(origin.request) - 1;
    memcpy(origin.request, bytes.at, len);
    origin.request[len] = '\0';
    rw_buf_drop(buf);
    if (origin.reply && *origin.reply) {
        struct iovec part = {(void *)origin.reply, strlen(origin.reply)};
        assert_int_not_equal(rw_stream_send(stream, &part, 1), RW_SEND_FAILED);
    }
    if (origin.close_after)
        rw_stream_close(stream);
}

static void origin_on_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    rw_stream_close(stream);
}

static void origin_on_sent(struct rw_stream *stream, enum rw_err err)
{
    (void)stream, (void)err;
}

static void origin_on_closed(struct rw_stream *stream)
{
    origin.open--;
    rw_free(rw_container_of(stream, struct conversation, stream));
}

static const struct rw_stream_events origin_events = {
    .on_open = origin_on_open,
    .on_data = origin_on_data,
    .on_end = origin_on_end,
    .on_sent = origin_on_sent,
    .on_closed = origin_on_closed,
};

static void origin_on_accept(struct rw_listener *listener, int fd,
                             const struct sockaddr_storage *peer)
{
    (void)listener, (void)peer;
    struct conversation *made = rw_alloc_zero(sizeof(*made));
    if (!made) {
        close(fd); /* a failing allocation concerns the origin too */
        return;
    }
    if (rw_stream_attach(loop, &made->stream, &origin_events, fd, origin.tls)) {
        rw_free(made);
        return;
    }
    origin.connections++;
    origin.open++;
    rw_stream_receive(&made->stream, true, false);
}

static void origin_on_listener_closed(struct rw_listener *listener)
{
    (void)listener;
    origin.closed = true;
}

static void start_origin(void)
{
    struct rw_address address;
    struct sockaddr_storage bound;
    socklen_t bytes = sizeof(bound);
    const struct rw_listen_options options = {.backlog = 16};
    memset(&origin, 0, sizeof(origin));
    assert_int_equal(rw_address_parse(RW_LITERAL("127.0.0.1:0"), &address), RW_OK);
    assert_int_equal(rw_listen_open(&address, &options, &origin.listener.fd, NULL), RW_OK);
    assert_int_equal(getsockname(origin.listener.fd, (struct sockaddr *)&bound, &bytes), 0);
    origin.port = rw_address_port(&bound);
    origin.listener.on_accept = origin_on_accept;
    origin.listener.on_closed = origin_on_listener_closed;
    assert_int_equal(rw_listener_start(loop, &origin.listener), RW_OK);
}

static int set_up(void **unused)
{
    (void)unused;
    const struct rw_loop_options loop_options = {.backend = RW_LOOP_EPOLL};
    assert_int_equal(rw_loop_create(&loop_options, &loop), RW_OK);
    const struct rw_clusters_options options = {.loop = loop};
    assert_int_equal(rw_clusters_create(&options, &clusters), RW_OK);
    start_origin();
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    rw_clusters_destroy(clusters);
    rw_listener_close(&origin.listener);
    for (int i = 0; i < 1000 && (!origin.closed || origin.open); i++)
        rw_loop_turn(loop, 10);
    rw_loop_turn(loop, 0);
    close(origin.listener.fd);
    rw_loop_destroy(loop);
    fixture_end();
    return 0;
}

static struct rw_cluster *make_probed_at(const char *path)
{
    struct rw_cluster *cluster = NULL;
    fixture_begin("api");
    fixture.active.path = rw_span_text(path);
    fixture_add(1, "127.0.0.1:%u", origin.port);
    fixture.upstream.health = &fixture.active;
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_OK);
    return cluster;
}

static struct rw_cluster *make_probed(void)
{
    return make_probed_at("/health");
}

static struct rw_endpoint *endpoint_of(struct rw_cluster *cluster, unsigned index)
{
    return atomic_load(&cluster->set)->endpoints[index];
}

static bool is_down(struct rw_cluster *cluster)
{
    return atomic_load(&endpoint_of(cluster, 0)->probe_failed);
}

/* Runs the loop until the endpoint is down (or up), at most two seconds. */
static void run_until_down(struct rw_cluster *cluster, bool down)
{
    uint64_t end_ns = rw_clock_monotonic_ns() + 2 * RW_NS_PER_S;
    while (is_down(cluster) != down && rw_clock_monotonic_ns() < end_ns)
        rw_loop_turn(loop, 10);
    assert_int_equal(is_down(cluster), down);
}

static void run_ms(unsigned ms)
{
    uint64_t end_ns = rw_clock_monotonic_ns() + ms * RW_NS_PER_MS;
    while (rw_clock_monotonic_ns() < end_ns)
        rw_loop_turn(loop, 5);
}

/* ---- Active ---- */

static const char ok_reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
static const char unavailable_reply[] =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

static void down_and_up(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster = make_probed();
    origin.reply = unavailable_reply;
    run_ms(150);
    assert_int_equal(origin.connections, 0); /* not in force yet */
    rw_clusters_activate(clusters, cluster);
    assert_false(is_down(cluster)); /* healthy until probes say otherwise */
    run_until_down(cluster, true);
    assert_int_equal(origin.connections, 2);
    assert_string_equal(origin.request,
                        "GET /health HTTP/1.1\r\nHost: api\r\nUser-Agent: ringway-health\r\n"
                        "Accept: */*\r\nConnection: close\r\n\r\n");
    origin.reply = ok_reply;
    run_until_down(cluster, false);
    assert_int_equal(origin.connections, 4);
    rw_cluster_drop(clusters, cluster);
}

/* Everything that makes a probe bad. */
static void bad_answers(void **unused)
{
    (void)unused;
    static char endless[40000];
    memset(endless, 'a', sizeof(endless) - 1);
    memcpy(endless, "HTTP/1.1 200 OK\r\nA: ", 20);
    const struct {
        const char *reply;
        bool close_after;
    } cases[] = {
        {"HTTP/1.1 199 Low\r\n\r\n", true}, /* interim, and then nothing */
        {"HTTP/1.1 300 High\r\nContent-Length: 0\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\n", true},
        {"SSH-2.0-something\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", false},
        {"", true},
        {"", false}, /* silence: the time limit */
        {endless, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rw_cluster *cluster = make_probed();
        origin.reply = cases[i].reply;
        origin.close_after = cases[i].close_after;
        fixture.active.unhealthy_after = 1;
        rw_cluster_drop(clusters, cluster);
        assert_int_equal(fixture_make(clusters, false, &cluster), RW_OK);
        rw_clusters_activate(clusters, cluster);
        run_until_down(cluster, true);
        rw_cluster_drop(clusters, cluster);
    }
}

static void interim_responses_are_passed_over(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster = make_probed();
    origin.reply = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    rw_clusters_activate(clusters, cluster);
    run_ms(350);
    assert_true(origin.connections >= 3);
    assert_false(is_down(cluster));
    rw_cluster_drop(clusters, cluster);
}

static void over_tls(void **unused)
{
    (void)unused;
    const char *const names[] = {"usual", NULL};
    origin.tls = pair_server_with((struct rw_tls_server_options){0}, names);
    origin.reply = ok_reply;
    struct rw_config_tls_client tls = {.verify = true, .ca = pair_file("ca.pem")};
    struct rw_cluster *trusted = make_probed(), *refused = NULL;
    rw_cluster_drop(clusters, trusted);
    fixture.upstream.tls = &tls;
    fixture.active.timeout_ms = 1000;
    assert_int_equal(fixture_make(clusters, false, &trusted), RW_OK); /* by its address */
    rw_clusters_activate(clusters, trusted);
    run_ms(400);
    assert_true(origin.connections >= 2);
    assert_int_equal(strncmp(origin.request, "GET /health ", 12), 0);
    assert_false(is_down(trusted));
    /* By another name it is not trusted. */
    fixture.upstream.name = RW_LITERAL("other");
    tls.name = RW_LITERAL("wrong.example");
    assert_int_equal(fixture_make(clusters, false, &refused), RW_OK);
    rw_clusters_activate(clusters, refused);
    run_until_down(refused, true);
    rw_cluster_drop(clusters, trusted);
    rw_cluster_drop(clusters, refused);
    /* A file that is not there is a mistake in the configuration. */
    tls.ca = RW_LITERAL("/nonexistent/ca.pem");
    assert_int_equal(fixture_make(clusters, false, &refused), RW_EINVAL);
    assert_true(fixture.report.count >= 1);
    rw_tls_server_drop(origin.tls);
}

static void nobody_listens(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster = NULL;
    fixture_begin("api");
    fixture_add(1, "127.0.0.1:1");
    fixture_add(1, "unix:/nonexistent/socket");
    fixture.upstream.health = &fixture.active;
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_OK);
    rw_clusters_activate(clusters, cluster);
    run_until_down(cluster, true);
    run_ms(50);
    assert_true(atomic_load(&endpoint_of(cluster, 1)->probe_failed));
    rw_cluster_drop(clusters, cluster);
}

static bool is_ejected(struct rw_cluster *cluster)
{
    return atomic_load(&endpoint_of(cluster, 0)->ejected_until_ms) > rw_loop_now_ms(loop);
}

static void good_probes_end_an_ejection(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster = make_probed();
    rw_cluster_drop(clusters, cluster);
    fixture.passive = (struct rw_config_passive_health){
        .failures = 2, .eject_ms = 3600000, .eject_percent_max = 100};
    fixture.upstream.passive_health = &fixture.passive;
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_OK);
    origin.reply = unavailable_reply;
    fixture.active.unhealthy_after = 1000;
    rw_clusters_activate(clusters, cluster);
    for (int i = 0; i < 2; i++)
        rw_cluster_report(cluster, endpoint_of(cluster, 0), true, rw_loop_now_ms(loop));
    assert_true(is_ejected(cluster));
    run_ms(400);
    assert_true(origin.connections >= 2);
    assert_true(is_ejected(cluster)); /* bad probes leave it out */
    origin.reply = ok_reply;
    unsigned before = origin.connections;
    uint64_t end_ns = rw_clock_monotonic_ns() + 5 * RW_NS_PER_S;
    while (is_ejected(cluster) && rw_clock_monotonic_ns() < end_ns)
        rw_loop_turn(loop, 10);
    assert_false(is_ejected(cluster));
    assert_true(origin.connections - before >= fixture.active.healthy_after);
    rw_cluster_drop(clusters, cluster);
}

/* A reload takes over what was found; the old cluster's probes end. */
static void reload_keeps_the_verdict(void **unused)
{
    (void)unused;
    struct rw_cluster *before = make_probed();
    origin.reply = unavailable_reply;
    rw_clusters_activate(clusters, before);
    run_until_down(before, true);
    struct rw_cluster *after = make_probed();
    assert_true(is_down(after));
    rw_clusters_activate(clusters, after);
    unsigned connections = origin.connections;
    run_ms(500);
    assert_in_range(origin.connections - connections, 3, 7); /* one probe at a time */
    assert_true(is_down(after));
    rw_cluster_drop(clusters, before);
    origin.reply = ok_reply;
    run_until_down(after, false);
    rw_cluster_drop(clusters, after);
}

static struct rw_cluster *reload(struct rw_cluster *before, const char *path)
{
    struct rw_cluster *after = make_probed_at(path);
    rw_clusters_activate(clusters, after);
    rw_cluster_drop(clusters, before);
    return after;
}

/* Configurations come into force more often than a probe takes. */
static void reloads_let_probes_go_on(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster = make_probed();
    origin.reply = NULL; /* it accepts, and says nothing */
    rw_clusters_activate(clusters, cluster);
    uint64_t end_ns = rw_clock_monotonic_ns() + 2 * RW_NS_PER_S;
    while (!is_down(cluster) && rw_clock_monotonic_ns() < end_ns) {
        run_ms(10);
        cluster = reload(cluster, "/health");
    }
    assert_true(is_down(cluster));
    assert_in_range(origin.connections, 2, 3);
    rw_cluster_drop(clusters, cluster);
}

/* What others have found says nothing about these. */
static void other_probes_count_anew(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster = make_probed();
    origin.reply = unavailable_reply;
    rw_clusters_activate(clusters, cluster);
    for (unsigned count = 1; count <= 3; count++) {
        while (origin.connections < count || origin.open)
            rw_loop_turn(loop, 10);
        assert_false(is_down(cluster));
        cluster = reload(cluster, count % 2 ? "/other" : "/health");
    }
    run_until_down(cluster, true);
    assert_int_equal(origin.connections, 5);
    rw_cluster_drop(clusters, cluster);
}

static void dropped_while_probing(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster = make_probed();
    origin.reply = NULL;
    rw_clusters_activate(clusters, cluster);
    while (origin.open == 0)
        rw_loop_turn(loop, 10);
    rw_cluster_drop(clusters, cluster);
}

static void allocation_failures(void **unused)
{
    (void)unused;
    origin.reply = ok_reply;
    for (unsigned n = 0; n < 60; n++) {
        struct rw_cluster *cluster = make_probed();
        rw_alloc_fail_after(n);
        rw_clusters_activate(clusters, cluster);
        rw_loop_turn(loop, 0);
        rw_loop_turn(loop, 0);
        rw_alloc_fail_never();
        run_ms(n % 10 == 0 ? 30 : 3);
        assert_false(is_down(cluster));
        rw_cluster_drop(clusters, cluster);
    }
}

/* ---- Passive ---- */

static struct rw_cluster *make_passive(unsigned count, unsigned percent)
{
    struct rw_cluster *cluster = NULL;
    fixture_begin("api");
    fixture.passive.eject_percent_max = percent;
    for (unsigned i = 0; i < count; i++)
        fixture_add(1, "10.0.0.%u:80", i);
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_OK);
    return cluster;
}

static void report(struct rw_cluster *cluster, unsigned index, bool failed, uint64_t now_ms)
{
    rw_cluster_report(cluster, endpoint_of(cluster, index), failed, now_ms);
}

static uint64_t ejected_until(struct rw_cluster *cluster, unsigned index)
{
    return atomic_load(&endpoint_of(cluster, index)->ejected_until_ms);
}

static void failures_in_a_row_eject(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster = make_passive(4, 50);
    report(cluster, 0, true, 1000);
    report(cluster, 0, true, 1000);
    report(cluster, 0, false, 1000); /* not in a row */
    report(cluster, 0, true, 1000);
    report(cluster, 0, true, 1000);
    assert_int_equal(ejected_until(cluster, 0), 0);
    report(cluster, 0, true, 1000);
    assert_int_equal(ejected_until(cluster, 0), 2000);
    for (int i = 0; i < 10; i++)
        report(cluster, 0, true, 1500); /* late ones change nothing */
    assert_int_equal(ejected_until(cluster, 0), 2000);
    /* Longer each time, up to ten times. */
    uint64_t now_ms = 2000;
    const unsigned factors[] = {2, 4, 8, 10, 10};
    for (unsigned i = 0; i < 5; i++) {
        for (int k = 0; k < 3; k++)
            report(cluster, 0, true, now_ms);
        assert_int_equal(ejected_until(cluster, 0), now_ms + factors[i] * 1000);
        now_ms = ejected_until(cluster, 0);
    }
    report(cluster, 0, false, now_ms);
    for (int k = 0; k < 3; k++)
        report(cluster, 0, true, now_ms);
    assert_int_equal(ejected_until(cluster, 0), now_ms + 1000);
    rw_cluster_drop(clusters, cluster);
}

static void so_many_are_ejected_at_most(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster = make_passive(5, 50);
    unsigned ejected = 0;
    for (unsigned i = 0; i < 5; i++) {
        for (int k = 0; k < 5; k++)
            report(cluster, i, true, 1000);
        ejected += ejected_until(cluster, i) > 1000;
    }
    assert_int_equal(ejected, 2);
    /* When one comes back there is room again. */
    report(cluster, 4, true, 5000);
    assert_true(ejected_until(cluster, 4) > 5000);
    rw_cluster_drop(clusters, cluster);

    cluster = make_passive(1, 99);
    for (int k = 0; k < 10; k++)
        report(cluster, 0, true, 1000);
    assert_int_equal(ejected_until(cluster, 0), 0);
    rw_cluster_drop(clusters, cluster);

    cluster = make_passive(2, 100);
    fixture.passive.failures = 0; /* off */
    struct rw_cluster *off = NULL;
    assert_int_equal(fixture_make(clusters, false, &off), RW_OK);
    for (int k = 0; k < 10; k++)
        report(off, 0, true, 1000);
    assert_int_equal(ejected_until(off, 0), 0);
    rw_cluster_drop(clusters, off);
    rw_cluster_drop(clusters, cluster);
}

/* ---- Passive, from many threads at once ---- */

enum { THREADS = 8, SHARED_ENDPOINTS = 10 };

static void *fail_everything(void *argument)
{
    struct rw_cluster *cluster = argument;
    for (unsigned i = 0; i < 20000; i++)
        report(cluster, i % SHARED_ENDPOINTS, true, 1000);
    return NULL;
}

static void the_limit_holds_across_threads(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster = make_passive(SHARED_ENDPOINTS, 30);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, fail_everything, cluster);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    unsigned ejected = 0;
    for (unsigned i = 0; i < SHARED_ENDPOINTS; i++) {
        ejected += ejected_until(cluster, i) > 1000;
        assert_in_range(atomic_load(&endpoint_of(cluster, i)->ejections), 0, 1);
    }
    assert_int_equal(ejected, 3);
    rw_cluster_drop(clusters, cluster);
}

int main(void)
{
    rw_log_set_level(RW_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(down_and_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interim_responses_are_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(over_tls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_listens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reload_keeps_the_verdict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reloads_let_probes_go_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_probes_count_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(good_probes_end_an_ejection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dropped_while_probing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(allocation_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_in_a_row_eject, set_up, tear_down),
        cmocka_unit_test_setup_teardown(so_many_are_ejected_at_most, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_limit_holds_across_threads, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
