/* The table of fault classes, and the pairs of chaos coverage of a configuration. */
#include "gate/config/config.h"
#include "origin/registry.h"
#include "policy/registry.h"
#include "verify/fault/class.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rw_arena arena;
static struct rw_dependencies dependencies;

static int set_up(void **state)
{
    (void)state;
    rw_config_register(rw_origin_kinds, rw_policy_kinds);
    rw_arena_init(&arena, NULL, 0, 64 * 1024, 1 << 24);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rw_arena_free(&arena);
    return 0;
}

static void depend(const char *yaml)
{
    struct rw_conf_report report = {.arena = &arena};
    struct rw_config *config;
    assert_int_equal(
        rw_config_load_text(rw_span_text(yaml), "gateway.yaml", &arena, &config, &report), RW_OK);
    assert_int_equal(rw_dependencies_of(config, &arena, &dependencies), RW_OK);
}

static bool depends_on(enum rw_dependency_kind kind, const char *name)
{
    for (size_t i = 0; i < dependencies.count; i++)
        if (dependencies.items[i].kind == kind && rw_span_is(dependencies.items[i].name, name))
            return true;
    return false;
}

static const char plain[] = "listeners: [{name: web, address: \"127.0.0.1:8080\"}]\n"
                            "upstreams:\n"
                            "  - {name: orders, endpoints: [\"127.0.0.1:9000\"]}\n"
                            "  - {name: local, endpoints: [\"localhost:9001\"]}\n"
                            "routes: [{name: all, upstream: orders}]\n";

static const char all[] =
    "listeners: [{name: web, address: \"127.0.0.1:8080\"}]\n"
    "upstreams:\n"
    "  - {name: orders, endpoints: [\"10.0.0.1:9000\"], tls: {}}\n"
    "  - {name: careless, endpoints: [\"10.0.0.1:1\"], tls: {verify: false}}\n"
    "  - {name: named, endpoints: [\"shop.example:9001\"]}\n"
    "rate_limits: {redis: {address: \"127.0.0.1:6379\"}}\n"
    "routes: [{name: all, upstream: orders}]\n";

static void every_class_is_complete(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RW_FAULT_CLASS_COUNT; i++) {
        const struct rw_fault_class_info *info = rw_fault_class_info((enum rw_fault_class)i);
        enum rw_fault_class found;
        assert_non_null(info->name);
        assert_non_null(info->title.en);
        assert_non_null(info->title.zh);
        assert_non_null(info->observed.en);
        assert_non_null(info->observed.zh);
        assert_true(info->kinds > 0 && info->kinds < 1u << RW_DEPENDENCY_KIND_COUNT);
        assert_int_equal(rw_fault_class_find(rw_span_text(info->name), &found), RW_OK);
        assert_int_equal(found, i); /* so names are unique, too */
    }
    enum rw_fault_class none;
    assert_int_equal(rw_fault_class_find(RW_LITERAL("flood"), &none), RW_ENOENT);
}

static void every_kind_can_fail(void **state)
{
    (void)state;
    unsigned kinds = 0;
    for (unsigned i = 0; i < RW_FAULT_CLASS_COUNT; i++)
        kinds |= rw_fault_class_info((enum rw_fault_class)i)->kinds;
    assert_int_equal(kinds, (1u << RW_DEPENDENCY_KIND_COUNT) - 1);
    for (unsigned i = 0; i < RW_DEPENDENCY_KIND_COUNT; i++) {
        assert_non_null(rw_dependency_name((enum rw_dependency_kind)i));
        assert_non_null(rw_dependency_title((enum rw_dependency_kind)i).zh);
    }
}

static void a_plain_gateway(void **state)
{
    (void)state;
    depend(plain);
    assert_true(depends_on(RW_DEPENDENCY_UPSTREAM, "orders"));
    assert_true(depends_on(RW_DEPENDENCY_UPSTREAM, "local"));
    assert_int_equal(dependencies.count, 2 + 5);
    assert_int_equal(dependencies.items[0].place.line, 3);
    assert_true(depends_on(RW_DEPENDENCY_WORKER, "worker"));
    assert_false(depends_on(RW_DEPENDENCY_DNS, "dns"));
}

static void all_there_is(void **state)
{
    (void)state;
    depend(all);
    assert_int_equal(dependencies.count, 3 + 1 + 1 + 1 + 5);
    assert_true(depends_on(RW_DEPENDENCY_CERTIFICATE, "orders"));
    assert_false(depends_on(RW_DEPENDENCY_CERTIFICATE, "careless"));
    assert_true(depends_on(RW_DEPENDENCY_DNS, "dns"));
    assert_true(depends_on(RW_DEPENDENCY_REDIS, "redis"));
}

/* Each pair once, each of a class that applies. */
static void pairs(void **state)
{
    (void)state;
    depend(all);
    size_t count = rw_fault_pairs(&dependencies);
    /* By hand: four servers of nine classes, two for the certificate, four for DNS; worker two,
     * limits two, clock one, clients two, configuration one. */
    assert_int_equal(count, 4 * 9 + 2 + 4 + 2 + 2 + 1 + 2 + 1);
    const struct rw_dependency *before = NULL;
    enum rw_fault_class fault_before = 0;
    for (size_t i = 0; i < count; i++) {
        const struct rw_dependency *dependency;
        enum rw_fault_class fault;
        rw_fault_pair(&dependencies, i, &dependency, &fault);
        assert_true(rw_fault_applies(fault, dependency->kind));
        assert_true(!before || dependency > before ||
                    (dependency == before && fault > fault_before));
        before = dependency;
        fault_before = fault;
    }
    assert_ptr_equal(before, &dependencies.items[dependencies.count - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_is_complete),
        cmocka_unit_test(every_kind_can_fail),
        cmocka_unit_test(a_plain_gateway),
        cmocka_unit_test(all_there_is),
        cmocka_unit_test(pairs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
