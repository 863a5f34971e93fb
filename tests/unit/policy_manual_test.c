/* The pages of the manual about origins and policies: each kind has one, and every example in them
 * compiles, and survives any allocation that fails. */
#include "base/alloc.h"
#include "origin/registry.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE_BYTES_MAX = 1 << 16 };

static const char *const directories[] = {"docs/manual/origins", "docs/manual/policies"};

/* The examples name directories of files: where the tests run there are some. */
static char place[64], manual[4096];

static int set_up(void **state)
{
    (void)state;
    assert_non_null(realpath(".", manual));
    strcpy(place, "/tmp/ringway-manual-XXXXXX");
    assert_non_null(mkdtemp(place));
    assert_int_equal(chdir(place), 0);
    assert_int_equal(mkdir("public", 0755), 0);
    assert_int_equal(mkdir("manual", 0755), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rmdir("public");
    rmdir("manual");
    return rmdir(place);
}

typedef void on_example(const char *page, const char *yaml);

static unsigned examples_of(const char *page, on_example *act)
{
    static char text[PAGE_BYTES_MAX];
    unsigned count = 0;
    FILE *file = fopen(page, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    for (char *at = text; (at = strstr(at, "```yaml\n")); count++) {
        at += strlen("```yaml\n");
        char *end = strstr(at, "```");
        assert_non_null(end);
        *end = '\0';
        act(page, at);
        at = end + 1;
    }
    return count;
}

static void each_example(on_example *act)
{
    for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
        char name[8192];
        snprintf(name, sizeof(name), "%s/%s", manual, directories[i]);
        DIR *directory = opendir(name);
        assert_non_null(directory);
        for (struct dirent *entry; (entry = readdir(directory));) {
            if (!strstr(entry->d_name, ".md"))
                continue;
            snprintf(name, sizeof(name), "%s/%s/%s", manual, directories[i], entry->d_name);
            assert_true(examples_of(name, act) > 0);
        }
        closedir(directory);
    }
}

static void compile(const char *page, const char *yaml)
{
    struct rw_fixture gate;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s: %s", page, gate.mistakes.at);
    rw_fixture_close(&gate);
}

static void examples_compile(void **state)
{
    (void)state;
    each_example(compile);
}

static void expect_pages(const char *directory, const struct rw_conf_variant_kind *const *kinds)
{
    for (; *kinds; kinds++) {
        char name[8192];
        snprintf(name, sizeof(name), "%s/%s/%s.md", manual, directory, (*kinds)->name);
        if (access(name, R_OK) != 0)
            fail_msg("no page %s", name);
    }
}

static void every_kind_has_a_page(void **state)
{
    (void)state;
    expect_pages(directories[0], rw_origin_kinds);
    expect_pages(directories[1], rw_policy_kinds);
}

/* ---- Memory ---- */

static enum rw_err snapshot_of(const char *yaml, struct rw_clusters *clusters, uint64_t failing)
{
    struct rw_arena arena;
    struct rw_conf_report report = {0};
    struct rw_config *config;
    struct rw_snapshot *snapshot = NULL;
    struct rw_snapshot_options options = {.clusters = clusters, .workers = 1, .generation = 1};
    rw_arena_init(&arena, NULL, 0, 4096, SIZE_MAX);
    enum rw_err err =
        rw_config_load_text(rw_span_text(yaml), "test.yaml", &arena, &config, &report);
    assert_int_equal(err, RW_OK);
    rw_alloc_fail_once(failing);
    err = rw_snapshot_create(&options, &arena, config, &report, &snapshot);
    rw_alloc_fail_never();
    if (err)
        rw_arena_free(&arena);
    else
        rw_snapshot_destroy(snapshot, clusters);
    return err;
}

static void compile_without_memory(const char *page, const char *yaml)
{
    struct rw_clusters *clusters;
    struct rw_clusters_options options = {0};
    assert_int_equal(rw_clusters_create(&options, &clusters), RW_OK);
    uint64_t before = rw_alloc_count();
    assert_int_equal(snapshot_of(yaml, clusters, UINT64_MAX), RW_OK);
    uint64_t allocations = rw_alloc_count() - before;
    for (uint64_t n = 0; n < allocations; n++) {
        enum rw_err err = snapshot_of(yaml, clusters, n);
        if (err && err != RW_ENOMEM)
            fail_msg("%s: %s", page, rw_err_text(err));
    }
    rw_clusters_destroy(clusters);
}

static void examples_survive_without_memory(void **state)
{
    (void)state;
    rw_config_register(rw_origin_kinds, rw_policy_kinds);
    each_example(compile_without_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_page),
        cmocka_unit_test(examples_compile),
        cmocka_unit_test(examples_survive_without_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
