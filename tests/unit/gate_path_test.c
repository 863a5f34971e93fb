/* Which paths are refused, and how the others read. */
#include "base/text.h"
#include "gate/route/path.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *const good_paths[] = {"/",
                                         "",
                                         "*",
                                         "/a",
                                         "/a/b/",
                                         "//",
                                         "/a//b",
                                         "/...",
                                         "/.a",
                                         "/a.",
                                         "/a..b",
                                         "/..a",
                                         "/.well-known/x",
                                         "/%2e%2e%2e",
                                         "/a%20b",
                                         "/%25",
                                         "/a;x=..",
                                         "/;",
                                         "/x;/y",
                                         "/.x;..",
                                         "/12345678/.x",
                                         "/a/b.c/d..e/.f.",
                                         "/%3b"};
static const char *const bad_paths[] = {"/.",
                                        "/..",
                                        "/./a",
                                        "/../a",
                                        "/a/.",
                                        "/a/..",
                                        "/a/./b",
                                        "/a/../b",
                                        "/%2e",
                                        "/%2E%2e/a",
                                        "/.%2e",
                                        "/%2e./a",
                                        "/a\\b",
                                        "/a%5cb",
                                        "/a%5Cb",
                                        "/a%2fb",
                                        "/a%2Fb",
                                        "/..%2fa",
                                        "/%00",
                                        "/a%00.html",
                                        "/%",
                                        "/%4",
                                        "/%4g",
                                        "/%g4",
                                        "/a%2",
                                        "/..;/a",
                                        "/.;x",
                                        "/..%3b/a",
                                        "/%2e%2e;/",
                                        "a",
                                        ".",
                                        "..",
                                        "*a",
                                        "?",
                                        "/12345678/..",
                                        "/123456/../x",
                                        "/1234567/.",
                                        "/1234567/..",
                                        "/aaaaaaaaaaaaaaaaaaaaaaaa\\",
                                        "/aaaaaaaaaaaaaaaaaaaaa%2fbbbbbbb"};

static void some_paths_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good_paths) / sizeof(*good_paths); i++)
        if (!rw_path_check(rw_span_text(good_paths[i]), NULL))
            fail_msg("refused: %s", good_paths[i]);
    for (size_t i = 0; i < sizeof(bad_paths) / sizeof(*bad_paths); i++) {
        const char *reason = NULL;
        if (rw_path_check(rw_span_text(bad_paths[i]), &reason) || !reason)
            fail_msg("not refused: %s", bad_paths[i]);
    }
    char longest[RW_PATH_BYTES_MAX + 1];
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    assert_true(rw_path_check(rw_span(longest, RW_PATH_BYTES_MAX), NULL));
    assert_false(rw_path_check(rw_span(longest, RW_PATH_BYTES_MAX + 1), NULL));
}

/* Each flaw at each offset, so that no position is between two words. */
static void flaws_are_found_everywhere(void **state)
{
    (void)state;
    static const char *const flaws[] = {"/../", "/.", "\\", "%2f", "%"};
    for (size_t f = 0; f < sizeof(flaws) / sizeof(*flaws); f++)
        for (size_t before = 0; before < 40; before++)
            for (size_t after = 0; after < 20; after++) {
                struct rw_text text = {0};
                rw_text_addf(&text, "/%.*s%s", (int)before,
                             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", flaws[f]);
                rw_text_addf(&text, "%.*s", (int)after, "bbbbbbbbbbbbbbbbbbbb");
                bool harmless = strcmp(flaws[f], "/.") == 0 && after > 0;
                harmless |= strcmp(flaws[f], "%") == 0 && after > 1;
                assert_int_equal(rw_path_check(rw_text_span(&text), NULL), harmless);
                rw_text_free(&text);
            }
}

static void normal_form(void **state)
{
    (void)state;
    static const struct {
        const char *path, *normal;
    } cases[] = {{"/", "/"},
                 {"//", "/"},
                 {"/a/b", "/a/b"},
                 {"/a//b///c/", "/a/b/c/"},
                 {"/%61%62", "/ab"},
                 {"/%", "/%"},
                 {"/%4", "/%4"},
                 {"/%zz", "/%zz"},
                 {"///", "/"},
                 {"/aaaaaa//b", "/aaaaaa/b"},
                 {"/aaaaaaa//b", "/aaaaaaa/b"},
                 {"/aaaaaaaa//b", "/aaaaaaaa/b"},
                 {"/aaaaaaaa//", "/aaaaaaaa/"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_span path = rw_span_text(cases[i].path);
        char normal[64];
        size_t len = rw_path_normalise(path, normal);
        assert_int_equal(len, strlen(cases[i].normal));
        assert_memory_equal(normal, cases[i].normal, len);
        if (rw_path_is_normal(path))
            assert_string_equal(cases[i].path, cases[i].normal);
        assert_int_equal(rw_path_origin(path, len), path.len);
        assert_int_equal(rw_path_origin(path, 0), 0);
    }
    struct rw_span path = RW_LITERAL("//a%62//c");
    assert_int_equal(rw_path_origin(path, 2), 3);
    assert_int_equal(rw_path_origin(path, 3), 6);
    assert_int_equal(rw_path_origin(path, 4), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_paths_are_refused),
        cmocka_unit_test(flaws_are_found_everywhere),
        cmocka_unit_test(normal_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
