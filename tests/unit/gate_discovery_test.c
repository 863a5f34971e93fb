/* Endpoints out of a file: what is found, what is wrong with it, who shares it, no memory. The
 * other kinds are in tests/scenario/discovery.test.mjs, with their servers. */
#include "gate/discovery/discovery.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate_cluster_fixture.h"

static struct rw_loop *loop;
static struct rw_clusters *clusters;
static char path[] = "/tmp/ringway-endpoints-XXXXXX";
static struct rw_config_discovery discovery;

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int set_up(void **unused)
{
    (void)unused;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    const struct rw_loop_options loop_options = {.backend = RW_LOOP_EPOLL};
    assert_int_equal(rw_loop_create(&loop_options, &loop), RW_OK);
    const struct rw_clusters_options options = {.loop = loop};
    return rw_clusters_create(&options, &clusters);
}

static int tear_down(void **unused)
{
    (void)unused;
    rw_clusters_destroy(clusters);
    rw_loop_destroy(loop);
    fixture_end();
    unlink(path);
    return 0;
}

static void begin(void)
{
    fixture_begin("api");
    discovery = (struct rw_config_discovery){.file = rw_span_text(path),
                                             .locality.region = RW_LITERAL("eu")};
    fixture.upstream.discovery = &discovery;
}

static struct rw_cluster *make(void)
{
    struct rw_cluster *cluster = NULL;
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_OK);
    return cluster;
}

static void a_file_is_read_at_once(void **unused)
{
    (void)unused;
    write_file("endpoints:\n- 10.0.0.2:80\n- { address: \"10.0.0.1:80\", zone: a, region: us, "
               "weight: 3, priority: 15 }\n- unix:/run/x.sock\n- name.example:80\n");
    begin();
    fixture_add(1, "10.9.9.9:80"); /* not needed */
    struct rw_cluster *cluster = make();
    assert_string_equal(fixture_names(cluster), "10.0.0.1:80 10.0.0.2:80 unix:/run/x.sock");
    const struct rw_endpoint_set *set = atomic_load(&cluster->set);
    assert_int_equal(set->weights[0], 3 * set->weights[1]);
    assert_true(rw_span_is(set->endpoints[0]->locality.region, "us"));
    assert_true(rw_span_is(set->endpoints[1]->locality.region, "eu"));
    assert_true(rw_span_is(set->endpoints[0]->host, "10.0.0.1"));
    assert_int_equal(set->endpoints[2]->host.len, 0);
    assert_non_null(set->tiers);
    assert_true(rw_span_starts(cluster->discovery, RW_LITERAL("file /tmp/")));

    /* The same settings: what is known is known, though the file has gone bad. */
    write_file("endpoints: 5\n");
    begin();
    struct rw_cluster *again = make();
    assert_ptr_equal(atomic_load(&again->set)->endpoints[0], set->endpoints[0]);
    rw_cluster_drop(clusters, cluster);
    assert_int_equal(atomic_load(&again->set)->count, 3);
    rw_cluster_drop(clusters, again);
}

static void what_is_configured_does_until_then(void **unused)
{
    (void)unused;
    write_file("endpoints: [{ adress: x }]\n");
    begin();
    fixture_add(1, "10.9.9.9:80");
    struct rw_cluster *cluster = make();
    assert_string_equal(fixture_names(cluster), "10.9.9.9:80");
    rw_cluster_drop(clusters, cluster);
    begin();
    cluster = make(); /* none is there, and that is no mistake */
    assert_int_equal(atomic_load(&cluster->set)->count, 0);
    rw_cluster_drop(clusters, cluster);
}

static void every_allocation_can_fail(void **unused)
{
    (void)unused;
    enum rw_err err = RW_ENOMEM;
    write_file("endpoints: [\"10.0.0.1:80\", \"10.0.0.2:80\"]\n");
    bool all = false;
    for (uint64_t nth = 0; !all; nth++) { /* a file that could not be read is no error */
        struct rw_cluster *cluster;
        begin();
        rw_alloc_fail_after(nth);
        err = fixture_make(clusters, false, &cluster);
        rw_alloc_fail_never();
        assert_true(err == RW_OK || err == RW_ENOMEM);
        if (err)
            continue;
        all = atomic_load(&cluster->set)->count == 2;
        rw_cluster_drop(clusters, cluster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_at_once),
        cmocka_unit_test(what_is_configured_does_until_then),
        cmocka_unit_test(every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
