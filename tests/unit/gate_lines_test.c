/* Lines and paths: an endpoint for each line, what the kernel is asked, scores, and the choice. */
#include "base/alloc.h"
#include "base/random.h"
#include "gate/cluster/balance/balance.h"
#include "io/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate_cluster_fixture.h"

static struct rw_clusters *clusters;
static struct rw_config_line lines[2];
static struct rw_config_tcp tcp;

static int set_up(void **unused)
{
    (void)unused;
    const struct rw_clusters_options options = {0};
    return rw_clusters_create(&options, &clusters);
}

static int tear_down(void **unused)
{
    (void)unused;
    rw_clusters_destroy(clusters);
    fixture_end();
    return 0;
}

static void begin(void)
{
    fixture_begin("api");
    tcp = (struct rw_config_tcp){.user_timeout_ms = 5000, .path.source = RW_LITERAL("10.9.0.9")};
    lines[0] = (struct rw_config_line){.name = RW_LITERAL("leased"),
                                       .path.source = RW_LITERAL("10.9.0.1"),
                                       .cost_millionths = 50000,
                                       .weight = 3};
    lines[1] = (struct rw_config_line){.name = RW_LITERAL("net"),
                                       .path.interface = RW_LITERAL("eth7"),
                                       .weight = 1,
                                       .priority = 1};
    fixture.upstream.tcp = &tcp;
    fixture.upstream.lines = (struct rw_conf_list){lines, 2};
    fixture.upstream.cost_weight_ms = 100;
    fixture.upstream.balance = RW_BALANCE_PATH;
}

static struct rw_cluster *make(void)
{
    struct rw_cluster *cluster = NULL;
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_OK);
    return cluster;
}

static struct rw_endpoint *endpoint_of(const struct rw_cluster *cluster, unsigned index)
{
    return atomic_load(&cluster->set)->endpoints[index];
}

/* ---- Endpoints ---- */

static void an_endpoint_for_each_line(void **unused)
{
    (void)unused;
    begin();
    fixture_add(2, "10.0.0.1:80");
    fixture_add(1, "[::1]:80"); /* the lines have IPv4 addresses: none leads there */
    struct rw_cluster *cluster = make();
    assert_string_equal(fixture_names(cluster), "10.0.0.1:80 via leased 10.0.0.1:80 via net");
    const struct rw_endpoint_set *set = atomic_load(&cluster->set);
    assert_int_equal(set->weights[0], 3 * set->weights[1]);
    assert_int_equal(set->ranks[1] - set->ranks[0], RW_DISTANCE_COUNT);
    struct rw_endpoint *leased = endpoint_of(cluster, 0), *net = endpoint_of(cluster, 1);
    assert_true(rw_span_is(rw_endpoint_address_text(leased), "10.0.0.1:80"));
    assert_int_equal(leased->path->price_us, 5000);
    assert_string_equal(net->path->socket.interface, "eth7");
    assert_int_equal(net->path->socket.user_timeout_ms, 5000);
    struct rw_connect_options options = rw_endpoint_connect_options(leased);
    const struct sockaddr_in *source = (const struct sockaddr_in *)options.source;
    assert_int_equal(ntohl(source->sin_addr.s_addr), 0x0a090001);
    options = rw_endpoint_connect_options(net); /* by `tcp` */
    source = (const struct sockaddr_in *)options.source;
    assert_int_equal(ntohl(source->sin_addr.s_addr), 0x0a090009);

    begin(); /* a reload: the same endpoints */
    fixture_add(2, "10.0.0.1:80");
    struct rw_cluster *same = make();
    assert_ptr_equal(endpoint_of(same, 1), net);
    begin(); /* another interface: another endpoint */
    fixture_add(2, "10.0.0.1:80");
    lines[1].path.interface = RW_LITERAL("eth8");
    struct rw_cluster *other = make();
    assert_ptr_equal(endpoint_of(other, 0), leased);
    assert_ptr_not_equal(endpoint_of(other, 1), net);
    rw_cluster_drop(clusters, cluster);
    rw_cluster_drop(clusters, same);
    rw_cluster_drop(clusters, other);
}

static void without_lines_nothing_is_special(void **unused)
{
    (void)unused;
    begin();
    fixture.upstream.tcp = NULL;
    fixture.upstream.lines.count = 0;
    fixture_add(1, "10.0.0.1:80");
    struct rw_cluster *cluster = make();
    assert_null(endpoint_of(cluster, 0)->path);
    assert_null(rw_endpoint_connect_options(endpoint_of(cluster, 0)).socket);
    assert_string_equal(fixture_names(cluster), "10.0.0.1:80");
    rw_cluster_drop(clusters, cluster);
}

static void unknown_algorithms_are_told(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster;
    begin();
    fixture_add(1, "10.0.0.1:80");
    tcp.path.congestion = RW_LITERAL("nosuch");
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_EINVAL);
    assert_int_equal(fixture.report.count, 1);
    assert_non_null(strstr(fixture.report.mistakes[0].message.at,
                           "the kernel has no congestion control \"nosuch\"; it has: "));
    assert_non_null(strstr(fixture.report.mistakes[0].message.at, "reno"));
}

/* ---- The kernel ---- */

static void the_kernel_is_asked(void **unused)
{
    (void)unused;
    const struct rw_socket_options options = {.congestion = "reno",
                                              .interface = "lo",
                                              .user_timeout_ms = 7000,
                                              .keepalive_idle_s = 11,
                                              .keepalive_interval_s = 5,
                                              .keepalive_probes = 4};
    static const struct {
        int level, option, value;
    } numbers[] = {{IPPROTO_TCP, TCP_USER_TIMEOUT, 7000},
                   {SOL_SOCKET, SO_KEEPALIVE, 1},
                   {IPPROTO_TCP, TCP_KEEPIDLE, 11},
                   {IPPROTO_TCP, TCP_KEEPINTVL, 5},
                   {IPPROTO_TCP, TCP_KEEPCNT, 4}};
    char text[32] = {0};
    socklen_t bytes = sizeof(text);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(rw_socket_set_options(fd, &options), RW_OK);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        int value = 0;
        socklen_t value_bytes = sizeof(value);
        assert_int_equal(getsockopt(fd, numbers[i].level, numbers[i].option, &value, &value_bytes),
                         0);
        assert_int_equal(value, numbers[i].value);
    }
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, text, &bytes), 0);
    assert_string_equal(text, "reno");
    close(fd);

    const struct rw_socket_options nowhere = {.interface = "nosuch0"};
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(rw_socket_set_options(fd, &nowhere), RW_ENOENT);
    close(fd);
}

/* ---- Scores ---- */

static void observe(struct rw_endpoint *endpoint, uint32_t rtt_us, uint32_t lost_of_1000,
                    uint64_t now_ms)
{
    const struct rw_socket_path sample = {rtt_us, 1000, lost_of_1000};
    rw_path_observe(&endpoint->path_state, &sample, now_ms);
}

static void scores(void **unused)
{
    (void)unused;
    begin();
    fixture_add(1, "10.0.0.1:80");
    struct rw_cluster *cluster = make();
    struct rw_endpoint *leased = endpoint_of(cluster, 0), *net = endpoint_of(cluster, 1);
    assert_int_equal(rw_path_score(leased, 1000), 5000); /* never tried: the price */
    atomic_store(&leased->active, 1);
    assert_true(rw_path_score(leased, 1000) > 1000000000); /* somebody is finding out */
    atomic_store(&leased->active, 0);
    observe(leased, 20000, 0, 1000);
    observe(net, 20000, 10, 1000); /* one percent: 0.01 * (200 + 20) ms */
    assert_int_equal(rw_path_score(leased, 1000), 25000);
    assert_int_equal(rw_path_score(net, 1000), 22200);
    for (int i = 0; i < 200; i++)
        observe(net, 40000, 0, 1000);
    assert_int_equal(rw_path_score(net, 1000), 40000);
    assert_int_equal(rw_path_score(leased, 1200 + 10000), 15000); /* half of it is believed */
    atomic_store(&leased->active, 1);
    assert_int_equal(rw_path_score(leased, 1200 + 10000), 25000);
    atomic_store(&leased->active, 0);
    rw_cluster_drop(clusters, cluster);
}

/* ---- Choosing ---- */

static struct rw_random random_source;

static struct rw_endpoint *choose(const struct rw_cluster *cluster, uint64_t now_ms)
{
    uint32_t cursor = 0;
    const struct rw_choice choice = {.now_ms = now_ms,
                                     .cursor = &cursor,
                                     .random = &random_source,
                                     .passive = &cluster->passive};
    return rw_cluster_choose(cluster, &choice);
}

static unsigned share_of_first(const struct rw_cluster *cluster, uint64_t now_ms)
{
    unsigned count = 0;
    for (int i = 0; i < 100; i++)
        count += choose(cluster, now_ms) == endpoint_of(cluster, 0);
    return count;
}

static void the_best_path_takes_all(void **unused)
{
    (void)unused;
    begin();
    lines[0].cost_millionths = 0;
    lines[1].priority = 0;
    lines[0].weight = lines[1].weight = 1;
    fixture.passive.eject_percent_max = 100;
    fixture_add(1, "10.0.0.1:80");
    struct rw_cluster *cluster = make();
    struct rw_endpoint *first = endpoint_of(cluster, 0), *second = endpoint_of(cluster, 1);
    observe(first, 20000, 0, 5000);
    observe(second, 60000, 0, 5000);
    assert_int_equal(share_of_first(cluster, 5000), 100);
    atomic_store(&first->active, 1000); /* it is the path that counts */
    assert_int_equal(share_of_first(cluster, 5000), 100);
    for (int i = 0; i < 200; i++)
        observe(second, 21000, 0, 5000); /* as good: by requests under way */
    assert_int_equal(share_of_first(cluster, 5000), 0);
    atomic_store(&first->active, 0);
    assert_in_range(share_of_first(cluster, 5000), 20, 80);
    for (int i = 0; i < 200; i++)
        observe(first, 20000, 50, 5000); /* five percent are lost */
    assert_int_equal(share_of_first(cluster, 5000), 0);
    for (int i = 0; i < 3; i++) /* the line is cut */
        rw_cluster_report(cluster, second, true, 5000);
    assert_int_equal(share_of_first(cluster, 5000), 100);
    rw_cluster_drop(clusters, cluster);
}

static void every_allocation_can_fail(void **unused)
{
    (void)unused;
    enum rw_err err = RW_ENOMEM;
    for (uint64_t nth = 0; err; nth++) {
        struct rw_cluster *cluster;
        begin();
        fixture_add(1, "10.0.0.1:80");
        rw_alloc_fail_after(nth);
        err = fixture_make(clusters, false, &cluster);
        rw_alloc_fail_never();
        if (!err)
            rw_cluster_drop(clusters, cluster);
        else
            assert_int_equal(err, RW_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_for_each_line),
        cmocka_unit_test(without_lines_nothing_is_special),
        cmocka_unit_test(unknown_algorithms_are_told),
        cmocka_unit_test(the_kernel_is_asked),
        cmocka_unit_test(scores),
        cmocka_unit_test(the_best_path_takes_all),
        cmocka_unit_test(every_allocation_can_fail),
    };
    rw_random_seed(&random_source, 11);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
