/* The configuration as the gateway under test gets it. */
#include "base/alloc.h"
#include "conf/file.h"
#include "verify/fit.h"
#include "verify/tailor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ringway-tailor-XXXXXX";

struct world {
    struct rw_arena arena;
    struct rw_acceptance *file;
    struct rw_config *config;
    struct rw_tailor tailor;
    struct rw_text why;
    char gateway[64], acceptance[64];
    enum rw_err err;
};

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void write_file(const char *path, const char *head, const char *rest)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "%s%s", head, rest) > 0);
    assert_int_equal(fclose(file), 0);
}

static void begin(struct world *world, const char *upstreams, const char *servers)
{
    struct rw_conf_report mistakes = {0};
    *world = (struct world){0};
    rw_arena_init(&world->arena, NULL, 0, 4096, 16 << 20);
    snprintf(world->gateway, sizeof(world->gateway), "%s/gateway.yaml", folder);
    snprintf(world->acceptance, sizeof(world->acceptance), "%s/acceptance.yaml", folder);
    write_file(world->gateway,
               "listeners: [{ address: \"127.0.0.1:1\" }]\nroutes: [{ upstream: app }]\n",
               upstreams);
    write_file(world->acceptance,
               "gateway: gateway.yaml\nurl: http://127.0.0.1:1\nload: {}\n"
               "targets: [{ concurrency: { at_least_connections: 1 } }]\n",
               servers);
    assert_int_equal(rw_acceptance_read(world->acceptance, &world->arena, &world->file, &mistakes),
                     RW_OK);
    assert_int_equal(rw_config_load(world->gateway, &world->arena, &world->config, &mistakes),
                     RW_OK);
    world->err = rw_tailor_open(&world->tailor, world->file, world->config, &world->why);
}

static void end(struct world *world)
{
    rw_tailor_close(&world->tailor);
    rw_text_free(&world->why);
    rw_arena_free(&world->arena);
    unlink(world->gateway);
    unlink(world->acceptance);
}

/* What the gateway reads. */
static const struct rw_config *write_it(struct world *world, const struct rw_address *server)
{
    struct rw_conf_report mistakes = {0};
    struct rw_config *config;
    assert_int_equal(rw_tailor_write(&world->tailor, server), RW_OK);
    assert_int_equal(
        rw_config_load(rw_tailor_path(&world->tailor), &world->arena, &config, &mistakes), RW_OK);
    return config;
}

static void test_the_users_file_where_nothing_is_needed(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "upstreams: [{ name: app, endpoints: [\"127.0.0.1:2\", \"localhost:2\"] }]\n",
          "servers: [{ name: app, address: \"127.0.0.1:2\", origin: {} }]\n");
    assert_int_equal(world.err, RW_OK);
    assert_false(world.tailor.names);
    assert_int_equal(rw_tailor_write(&world.tailor, NULL), RW_OK);
    assert_string_equal(rw_tailor_path(&world.tailor), world.gateway);
    end(&world);
}

static void test_names_need_a_server_each(void **state)
{
    static const struct {
        const char *endpoints, *servers;
        bool names;
    } cases[] = {
        {"\"a.example:2\"", "[{ name: app, address: \"127.0.0.1:2\" }]", true},
        {"\"a.example:2\"", "[{ name: app, address: \"127.0.0.1:3\" }]", false},
        {"\"a.example:2\", \"b.example:3\"", "[{ name: app, address: \"127.0.0.1:2\" }]", false},
        {"\"a.example:2\", \"b.example:3\"",
         "[{ name: app, address: \"127.0.0.1:2\" }, { name: b, upstream: app, address: "
         "\"127.0.0.2:3\" }]",
         true},
        {"\"srv:_http._tcp.example\"", "[{ name: app, address: \"127.0.0.1:2\" }]", true},
        {"\"a.example:2\"", "[{ name: app, kind: redis, address: \"127.0.0.1:2\" }]", false},
        {"\"a.example:2\"", "[{ name: other, address: \"127.0.0.1:2\" }]", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct world world;
        char upstreams[256], servers[256];
        snprintf(upstreams, sizeof(upstreams), "upstreams: [{ name: app, endpoints: [%s] }]\n",
                 cases[i].endpoints);
        snprintf(servers, sizeof(servers), "servers: %s\n", cases[i].servers);
        begin(&world, upstreams, servers);
        print_message("%s %s\n", cases[i].endpoints, cases[i].servers);
        assert_int_equal(world.err, RW_OK);
        assert_int_equal(world.tailor.names, cases[i].names);
        end(&world);
    }
}

static void test_the_name_server_and_the_authority_are_put_in(void **state)
{
    struct world world;
    struct rw_address server;
    struct rw_text pem = {0};
    (void)state;
    assert_int_equal(rw_address_parse(RW_LITERAL("127.0.0.1:5353"), &server), RW_OK);
    begin(&world,
          "upstreams:\n"
          "  - { name: plain, endpoints: [\"127.0.0.1:9\"], tls: {} } # nobody stands for it\n"
          "  - { name: app, endpoints: [\"a.example:2\", \"10.0.0.1:2\", \"a.example:3\"],\n"
          "      tls: { min_version: \"1.3\" } }\n"
          "dns: { servers: \"192.0.2.1:53\", ttl_min: 3s }\n",
          "servers: [{ name: app, address: \"127.0.0.1:2\", origin: {} },\n"
          "          { name: b, upstream: app, address: \"127.0.0.1:3\", origin: {} }]\n");
    assert_int_equal(world.err, RW_OK);
    assert_null(rw_tailor_tls(&world.tailor, RW_LITERAL("plain")));
    const struct rw_tailored_tls *tls = rw_tailor_tls(&world.tailor, RW_LITERAL("app"));
    assert_non_null(tls);
    assert_true(rw_span_is(tls->names, "a.example,10.0.0.1"));
    assert_true(tls->ca >= 0 && tls->identity >= 0);
    const struct rw_config *config = write_it(&world, &server);
    assert_int_equal(config->dns->servers.count, 1);
    assert_true(rw_span_is(((struct rw_span *)config->dns->servers.items)[0], "127.0.0.1:5353"));
    assert_int_equal(config->dns->ttl_ms_min, 3000);
    const struct rw_config_upstream *upstreams = config->upstreams.items;
    assert_int_equal(upstreams[0].tls->ca.len, 0);
    assert_int_equal(upstreams[1].endpoints.count, 3);
    assert_int_equal(rw_conf_slurp(upstreams[1].tls->ca.at, 16 << 20, true, &pem), RW_OK);
    assert_non_null(strstr(pem.at, "BEGIN CERTIFICATE"));
    rw_text_free(&pem);
    end(&world);
}

static void test_a_file_of_authorities_that_is_not_there(void **state)
{
    struct world world;
    (void)state;
    begin(&world,
          "upstreams: [{ name: app, endpoints: [\"127.0.0.1:2\"], tls: { ca: /nowhere.pem } }]\n",
          "servers: [{ name: app, address: \"127.0.0.1:2\", origin: {} }]\n");
    assert_int_equal(world.err, RW_ENOENT);
    assert_non_null(strstr(world.why.at, "upstream app: tls.ca: /nowhere.pem: not found"));
    end(&world);
}

/* Else there would be nothing but 502, and nobody to say why. */
static void test_servers_where_nobody_looks_for_them(void **state)
{
    static const struct {
        const char *upstream, *server, *why;
    } cases[] = {
        {"[\"127.0.0.1:2\", \"localhost:5\"]", "name: app, address: \"127.0.0.1:2\"", NULL},
        {"[\"127.0.0.1:2\", \"localhost:5\"]", "name: app, address: \"127.0.0.1:5\"", NULL},
        {"[\"127.0.0.1:2\", \"10.0.0.1:4\"]", "name: app, address: \"127.0.0.1:4\"",
         "upstream app has no endpoint at 127.0.0.1:4; it has 127.0.0.1:2, 10.0.0.1:4"},
        {"[\"a.example:2\"]", "name: app, address: \"127.0.0.1:2\"", NULL},
        {"[\"a.example:2\"]", "name: app, address: \"127.0.0.1:3\"", "has no endpoint"},
        {"[\"srv:_http._tcp.example\"]", "name: app, address: \"127.0.0.1:3\"", NULL},
        {"[\"127.0.0.1:2\"]", "name: ap, address: \"127.0.0.1:2\"",
         "127.0.0.1:2 is an endpoint of upstream app: `upstream: app` says so"},
        {"[\"127.0.0.1:2\"]", "name: tokens, address: \"127.0.0.1:3\"", NULL},
        {"[\"a.example:2\"]", "name: tokens, address: \"127.0.0.1:2\"", NULL},
        {"[\"127.0.0.1:2\"]", "name: app, kind: redis, address: \"127.0.0.1:3\"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct world world;
        char upstreams[256], servers[256];
        snprintf(upstreams, sizeof(upstreams), "upstreams: [{ name: app, endpoints: %s }]\n",
                 cases[i].upstream);
        snprintf(servers, sizeof(servers), "servers: [{ %s }]\n", cases[i].server);
        begin(&world, upstreams, servers);
        assert_int_equal(world.err, RW_OK);
        print_message("%s %s\n", cases[i].upstream, cases[i].server);
        enum rw_err err = rw_acceptance_fits(world.file, world.config, &world.why);
        assert_int_equal(err, cases[i].why ? RW_EINVAL : RW_OK);
        if (cases[i].why)
            assert_non_null(strstr(world.why.at, cases[i].why));
        end(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_users_file_where_nothing_is_needed),
        cmocka_unit_test(test_names_need_a_server_each),
        cmocka_unit_test(test_the_name_server_and_the_authority_are_put_in),
        cmocka_unit_test(test_a_file_of_authorities_that_is_not_there),
        cmocka_unit_test(test_servers_where_nobody_looks_for_them),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
