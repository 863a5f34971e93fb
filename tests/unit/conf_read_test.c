/* Reading YAML by the sample tables: values, places, every message word for word, limits,
 * allocation failures. */
#include "base/alloc.h"
#include "support/conf_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct reading {
    struct rw_arena arena;
    struct rw_conf_report report;
    struct sample sample;
    enum rw_err err;
    struct rw_text printed;
};

static void begin(struct reading *reading, struct rw_span yaml)
{
    memset(reading, 0, sizeof(*reading));
    rw_arena_init(&reading->arena, NULL, 0, 4096, SAMPLE_BYTES_MAX);
    reading->err = rw_conf_read_text(yaml, "t.yaml", &sample_record, &reading->arena,
                                     &reading->sample, &reading->report);
    rw_conf_report_print(&reading->report, &reading->printed);
}

static void end(struct reading *reading)
{
    rw_text_free(&reading->printed);
    rw_arena_free(&reading->arena);
}

static void expect_mistakes(const char *yaml, const char *printed)
{
    struct reading reading;
    begin(&reading, rw_span_text(yaml));
    if (!reading.printed.at || strcmp(reading.printed.at, printed) != 0)
        print_error("for:\n%s\n", yaml);
    assert_string_equal(reading.printed.at ? reading.printed.at : "", printed);
    assert_int_equal(reading.err, RW_EINVAL);
    end(&reading);
}

/* `shape` is required: most cases only want to name it. */
#define SHAPE "circle: {}\n"

static void expect_mistake(const char *yaml, const char *mistake)
{
    char whole[4096], printed[4096];
    snprintf(whole, sizeof(whole), "%s\n" SHAPE, yaml);
    snprintf(printed, sizeof(printed), "t.yaml:%s\n", mistake);
    expect_mistakes(whole, printed);
}

static const struct rw_span *text_at(const struct rw_conf_list *list, size_t i)
{
    assert_true(i < list->count);
    return (const struct rw_span *)list->items + i;
}

static void test_defaults(void **state)
{
    (void)state;
    struct reading r;
    begin(&r, RW_LITERAL("circle:"));
    assert_int_equal(r.err, RW_OK);
    assert_true(r.sample.flag);
    assert_int_equal(r.sample.number, 10);
    assert_int_equal(r.sample.integer, 0);
    assert_int_equal(r.sample.duration_ms, 1500);
    assert_int_equal(r.sample.size, 65536);
    assert_int_equal(r.sample.color, 1);
    assert_string_equal(r.sample.text.at, "");
    assert_null(r.sample.point);
    assert_int_equal(r.sample.always->y, 5);
    assert_int_equal(r.sample.points.count, 0);
    assert_int_equal(r.sample.texts.count, 2);
    assert_string_equal(text_at(&r.sample.texts, 1)->at, "b");
    assert_string_equal(r.sample.shape.kind->name, "circle");
    assert_int_equal(((struct sample_circle *)r.sample.shape.value)->radius, 3);
    assert_null(r.sample.extra.kind);
    end(&r);
}

static void test_values(void **state)
{
    (void)state;
    struct reading r;
    begin(&r, RW_LITERAL("flag: False\n"
                         "number: '99'\n"
                         "integer: -2147483648\n"
                         "duration: 1h\n"
                         "size: 1.5KiB\n"
                         "text: 12345678\n"
                         "secret: not so short\n"
                         "address: ':80'\n"
                         "remote: srv:_x._tcp.a\n"
                         "cidr: ::1\n"
                         "color: 1.5\n"
                         "point: 5\n"
                         "always: {y: 0}\n"
                         "points: [1, {x: 2, y: 3, name: n}]\n"
                         "texts: alone\n"
                         "numbers: [1, 2, 3]\n"
                         "colors: [red, blue]\n"
                         "map: {A: b, 'c d': 5}\n"
                         "square: big\n"
                         "extra: 9\n"));
    assert_int_equal(r.err, RW_OK);
    assert_false(r.sample.flag);
    assert_int_equal(r.sample.number, 99);
    assert_int_equal(r.sample.integer, INT32_MIN);
    assert_int_equal(r.sample.size, 1536);
    assert_string_equal(r.sample.text.at, "12345678");
    assert_string_equal(r.sample.secret.at, "not so short");
    assert_int_equal(r.sample.color, 3);
    assert_int_equal(r.sample.point->x, 5);
    assert_int_equal(r.sample.point->y, 7);
    assert_int_equal(r.sample.point->place.line, 12);
    assert_int_equal(r.sample.point->place.column, 8);
    const struct sample_point *points = r.sample.points.items;
    assert_int_equal(r.sample.points.count, 2);
    assert_int_equal(points[0].x, 1);
    assert_string_equal(points[1].name.at, "n");
    assert_int_equal(points[1].place.column, 13);
    assert_string_equal(text_at(&r.sample.texts, 0)->at, "alone");
    assert_int_equal(((uint32_t *)r.sample.numbers.items)[2], 3);
    assert_int_equal(((int *)r.sample.colors.items)[1], 2);
    const struct rw_conf_pair *pairs = r.sample.map.items;
    assert_string_equal(pairs[1].key.at, "c d");
    assert_string_equal(pairs[1].value.at, "5");
    assert_string_equal(((struct rw_span *)r.sample.shape.value)->at, "big");
    assert_int_equal(((struct sample_point *)r.sample.extra.value)->x, 9);
    end(&r);
}

static void test_yaml(void **state)
{
    (void)state;
    struct reading r;
    begin(&r, RW_LITERAL("\xef\xbb\xbf%YAML 1.2\n---\n"
                         "x-base: &base {x: 1, y: 2, name: base}\n"
                         "x-more: &more {y: 3, x: 4}\n"
                         "x-map: &map {a: 1, b: 2}\n"
                         "texts:\n"
                         "  - \"\\t\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\u00e4\"\n"
                         "  - 'it''s'\n"
                         "  - |\n"
                         "    block\n"
                         "    text\n"
                         "  - >-\n"
                         "    folded\n"
                         "    text\n"
                         "point: *base\n"
                         "points:\n"
                         "  - {<<: *base, name: own}\n"
                         "  - <<: [*more, *base]\n"
                         "map: {<<: *map, a: own}\n"
                         "flag:\n"
                         "number: ~\n"
                         "circle: {radius: 1}\n"
                         "...\n"));
    assert_int_equal(r.err, RW_OK);
    assert_string_equal(text_at(&r.sample.texts, 0)->at, "\t\"\"\"\"\"\"\"\"\"\xc3\xa4");
    assert_string_equal(text_at(&r.sample.texts, 1)->at, "it's");
    assert_string_equal(text_at(&r.sample.texts, 2)->at, "block\ntext\n");
    assert_string_equal(text_at(&r.sample.texts, 3)->at, "folded text");
    const struct sample_point *points = r.sample.points.items;
    assert_int_equal(r.sample.point->y, 2);
    assert_string_equal(points[0].name.at, "own");
    assert_int_equal(points[0].x, 1);
    assert_string_equal(points[1].name.at, "base"); /* the first of the list wins */
    assert_int_equal(points[1].y, 3);
    const struct rw_conf_pair *pairs = r.sample.map.items;
    assert_int_equal(r.sample.map.count, 2);
    assert_string_equal(pairs[0].value.at, "own");
    assert_string_equal(pairs[1].value.at, "2");
    assert_true(r.sample.flag);
    assert_int_equal(r.sample.number, 10);
    end(&r);
}

static const struct {
    const char *yaml, *mistake;
} value_mistakes[] = {
    {"flag: yes", "1:7: flag: expected true or false, not \"yes\""},
    {"number: 100", "1:9: number: expected a whole number from 1 to 99, not \"100\""},
    {"number: 1.5", "1:9: number: expected a whole number from 1 to 99, not \"1.5\""},
    {"number: [1]", "1:9: number: expected a number, not a list"},
    {"number: ''", "1:9: number: expected a whole number from 1 to 99, not \"\""},
    {"integer: 2147483648", "1:10: integer: expected a whole number from -2147483648 to "
                            "2147483647, not \"2147483648\""},
    {"integer: +1",
     "1:10: integer: expected a whole number from -2147483648 to 2147483647, not \"+1\""},
    {"duration: 30", "1:11: duration: expected a duration like 250ms, 1.5s, 2m, 1h or 1d, not "
                     "\"30\"; the unit is missing: \"30s\" or \"30ms\""},
    {"duration: 2h", "1:11: duration: expected a duration from 1ms to 1h, not \"2h\""},
    {"duration: 99999d", "1:11: duration: expected a duration from 1ms to 1h, not \"99999d\""},
    {"size: 5k", "1:7: size: expected a size like 512B, 64KiB, 1MiB or 10MB, not \"5k\""},
    {"text: 123456789", "1:7: text: expected a text of 1 to 8 bytes, not \"123456789\""},
    {"text: ''", "1:7: text: expected a text that is not empty, not \"\""},
    {"text: {a: b}", "1:7: text: expected a text, not a mapping"},
    {"text: \"a\\0b\"", "1:7: text: expected a text without the character U+0000, not "
                        "\"a\\u0000b\""},
    {"text: \"\\e[31m, and more\"",
     "1:7: text: expected a text of 1 to 8 bytes, not \"\\u001b[31m, and more\""},
    {"address: localhost:80",
     "1:10: address: expected an address like :8080, 127.0.0.1:8080, [::1]:8080 or unix:/path, "
     "not \"localhost:80\"; names are not looked up here: write 127.0.0.1"},
    {"address: 8080",
     "1:10: address: expected an address like :8080, 127.0.0.1:8080, [::1]:8080 or unix:/path, "
     "not \"8080\"; before a port alone stands \":\""},
    {"remote: 9000", "1:9: remote: expected an address like 10.0.0.1:80, [::1]:80, name:80, "
                     "srv:_http._tcp.name or unix:/path, not \"9000\"; the host is missing"},
    {"remote: a", "1:9: remote: expected an address like 10.0.0.1:80, [::1]:80, name:80, "
                  "srv:_http._tcp.name or unix:/path, not \"a\"; the port is missing"},
    {"cidr: 10.0.0.1/8",
     "1:7: cidr: expected an IP address or a range like 10.0.0.0/8 or fd00::/8, not "
     "\"10.0.0.1/8\"; there are bits set behind the prefix: did you mean \"10.0.0.0/8\"?"},
    {"color: gren", "1:8: color: expected one of \"red\", \"green\", \"blue\", \"1.5\", not "
                    "\"gren\"; did you mean \"green\"?"},
    {"colors: [red, x]", "1:15: colors[1]: expected one of \"red\", \"green\", \"blue\", "
                         "\"1.5\", not \"x\""},
    {"numbers: [1, ~]", "1:14: numbers[1]: expected a number, not nothing"},
    {"texts: {a: b}", "1:8: texts: expected a text, not a mapping"},
    {"map: [a]", "1:6: map: expected a mapping of names to texts, not a list"},
    {"map: {a: [b]}", "1:10: map.a: expected a text, not a list"},
    {"map: {'': b}", "1:7: map: a name is empty"},
    {"point: [1]", "1:8: point: expected a mapping with keys out of name, x, y, not a list"},
    {"point:", "1:1: point: there is nothing here: write {} for its defaults, or leave the key "
               "out"},
    {"point: {}", "1:8: point: \"x\" is missing"},
    {"point: {x: }", "1:9: point.x: expected a value, there is nothing"},
    {"points: [1, {y: 2}]", "1:13: points[1]: \"x\" is missing"},
    {"points: [1, {X: 2}]", "1:14: points[1]: unknown key \"X\"; did you mean \"x\"?"},
    {"points: [{name: a, x: 1}, {name: b, x: 1}, {name: a, x: 1}]",
     "1:51: points[2].name: the name \"a\" is taken already, in line 1"},
    {"points: [{x: 13}]", "1:14: points[0].x: 13 brings bad luck"},
    {"point: 13", "1:8: point: 13 brings bad luck"},
    {"points: [{x: 1, y: 13, name: n}]", "1:10: points[0]: 13 brings bad luck, \"n\""},
    {"y-a: 1", "1:1: unknown key \"y-a\"; expected one of: flag, number, integer, duration, "
               "size, text, secret, address, remote, cidr, color, point, always, points, "
               "texts, numbers, colors, map, circle, square, extra"},
    {"point: {x-a: 1, x: 1}", "1:9: point: unknown key \"x-a\"; expected one of: name, x, y"},
    {"square: a", "2:1: \"circle\" does not go with \"square\": there can be only one of them"},
    {"flag: true\nflag: false", "2:1: the key \"flag\" is there twice; first in line 1"},
    {"text: *nowhere", "1:7: text: no anchor &nowhere is finished before this alias"},
    {"point: &p {<<: *p, x: 1}", "1:16: point.<<: no anchor &p is finished before this alias"},
    {"point: {<<: 5, x: 1}", "1:13: point: \"<<\" merges mappings: expected an alias of one, "
                             "or a list of such"},
    {"text: !!str 5", "1:13: text: YAML tags (words that begin with \"!\") have no meaning here"},
    {"text: ${", "1:7: text: expected ${NAME} or ${NAME:-fallback}; \"$$\" is a dollar"},
    {"text: ${1A}", "1:7: text: expected ${NAME} or ${NAME:-fallback}; \"$$\" is a dollar"},
    {"text: ${A:=b}", "1:7: text: expected ${NAME} or ${NAME:-fallback}; \"$$\" is a dollar"},
    {"text: ${RW_TEST_UNSET}", "1:7: text: the environment variable RW_TEST_UNSET is not set"},
    {"points: [1, {x: \"${RW_TEST_UNSET}\"}]",
     "1:17: points[1].x: the environment variable RW_TEST_UNSET is not set"},
};

static void test_value_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(value_mistakes) / sizeof(*value_mistakes); i++)
        expect_mistake(value_mistakes[i].yaml, value_mistakes[i].mistake);
}

static void test_syntax(void **state)
{
    (void)state;
    expect_mistakes("a: [b\nc: d\n",
                    "t.yaml:3:1: a[1]: not YAML: flow sequence without a closing bracket\n");
    expect_mistakes("a: b\n  c: d\n", "t.yaml:1:4: a: not YAML: invalid multiline plain key\n");
    expect_mistakes("a: {b: ${X}}\n", "t.yaml:1:9: a: not YAML: missing comma in flow mapping; "
                                      "within [] and {} a value with \"${\" needs quotes\n");
    expect_mistakes("a: \xff\n", "t.yaml:1:4: the byte 0xff is not UTF-8\n");
    expect_mistakes("a: b\nc: \x1b\n", "t.yaml:2:4: the control character 0x1b\n");
    expect_mistakes("{[a]: b}\n", "t.yaml:1:2: a key must be a text, not a list or a mapping\n");
    expect_mistakes("circle:\n---\na: b\n",
                    "t.yaml:2:1: a second document begins; one file holds one document\n");
    expect_mistakes("- a\n", "t.yaml:1:1: expected a mapping with keys out of flag, number, "
                             "integer, duration, size, text, secret, address, remote, cidr, color, "
                             "point, always, points, texts, numbers, colors, map, circle, square, "
                             "extra, not a list\n");
    expect_mistakes("", "t.yaml: the shape is missing: one of circle, square\n");
    expect_mistakes("# nothing\n", "t.yaml: the shape is missing: one of circle, square\n");
}

static void test_all_at_once(void **state)
{
    (void)state;
    expect_mistakes("points:\n"
                    "  - {x: 200}\n"
                    "  - {z: 1, x: 1}\n"
                    "numbr: 5\n"
                    "circel: {radius: 2}\n"
                    "flag: maybe\n",
                    "t.yaml:2:9: points[0].x: expected a whole number from 0 to 100, not \"200\"\n"
                    "t.yaml:3:6: points[1]: unknown key \"z\"; expected one of: name, x, y\n"
                    "t.yaml:4:1: unknown key \"numbr\"; did you mean \"number\"?\n"
                    "t.yaml:5:1: unknown key \"circel\"; did you mean \"circle\"?\n"
                    "t.yaml:6:7: flag: expected true or false, not \"maybe\"\n");
}

static void test_environment(void **state)
{
    (void)state;
    setenv("RW_TEST_WORD", "word", 1);
    setenv("RW_TEST_EMPTY", "", 1);
    struct reading r;
    begin(&r, RW_LITERAL("circle: {radius: \"${RW_TEST_NONE:-4}\"}\n"
                         "texts: ['a${RW_TEST_WORD}b', '${RW_TEST_EMPTY:-c}', '$$x$', "
                         "'${RW_TEST_EMPTY}', '$${RW_TEST_WORD}', '${RW_TEST_NONE:-}']\n"
                         "map: {\"${RW_TEST_WORD}\": \"${RW_TEST_WORD}\"}\n"));
    assert_int_equal(r.err, RW_OK);
    static const char *const expected[] = {"awordb", "c", "$x$", "", "${RW_TEST_WORD}", ""};
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(text_at(&r.sample.texts, i)->at, expected[i]);
    const struct rw_conf_pair *pairs = r.sample.map.items;
    assert_string_equal(pairs[0].key.at, "${RW_TEST_WORD}"); /* only values are expanded */
    assert_string_equal(pairs[0].value.at, "word");
    assert_int_equal(((struct sample_circle *)r.sample.shape.value)->radius, 4);
    end(&r);
}

/* What is confidential never gets into a message, whatever is wrong with it. */
static void test_hidden(void **state)
{
    (void)state;
    setenv("RW_TEST_HIDDEN", "hunter2", 1);
    expect_mistake("secret: hunter2",
                   "1:9: secret: expected a text of 8 to 64 bytes, not the secret that is there");
    expect_mistake("color: \"${RW_TEST_HIDDEN}\"",
                   "1:8: color: expected one of \"red\", \"green\", \"blue\", \"1.5\", not the "
                   "value from the environment");
    expect_mistake("duration: \"${RW_TEST_HIDDEN}\"",
                   "1:11: duration: expected a duration like 250ms, 1.5s, 2m, 1h or 1d, not the "
                   "value from the environment");
    expect_mistake("points: [{x: 1, y: 13, name: \"${RW_TEST_HIDDEN}\"}]",
                   "1:10: points[0]: 13 brings bad luck, the value from the environment");
    expect_mistake("points: [{x: 1, name: \"${RW_TEST_HIDDEN}\"}, {x: 1, name: hunter2}, {x: 1, "
                   "name: \"${RW_TEST_HIDDEN}\"}]",
                   "1:58: points[1].name: the name \"hunter2\" is taken already, in line 1\n"
                   "t.yaml:1:81: points[2].name: the name the value from the environment is taken "
                   "already, in line 1");
}

static void write_file(char *path, const char *content, size_t len)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, len), (ssize_t)len);
    close(fd);
}

static void test_secret_files(void **state)
{
    (void)state;
    char path[] = "/tmp/rw-conf-test-XXXXXX", empty[] = "/tmp/rw-conf-test-XXXXXX", yaml[256];
    write_file(path, "eight888\r\n", 10);
    snprintf(yaml, sizeof(yaml), "secret: file:%s\n" SHAPE, path);
    struct reading r;
    begin(&r, rw_span_text(yaml));
    assert_int_equal(r.err, RW_OK);
    assert_string_equal(r.sample.secret.at, "eight888");
    end(&r);
    unlink(path);
    write_file(empty, "\n", 1);
    snprintf(yaml, sizeof(yaml), "secret: file:%s", empty);
    expect_mistake(yaml, "1:9: secret: the file of this secret is empty");
    unlink(empty);
    expect_mistake("secret: file:/nowhere",
                   "1:9: secret: the file of this secret cannot be read: not found");
    expect_mistake("secret: file:/dev/zero",
                   "1:9: secret: the file of this secret cannot be read: not a regular "
                   "file");
    expect_mistake("secret: file:/",
                   "1:9: secret: the file of this secret cannot be read: a directory, not a file");
    expect_mistake("secret: file:/dev/stdin",
                   "1:9: secret: the file of this secret cannot be read: not a regular "
                   "file");
}

static void test_files(void **state)
{
    (void)state;
    char path[] = "/tmp/rw-conf-test-XXXXXX";
    write_file(path, SHAPE, strlen(SHAPE));
    struct reading r = {0};
    rw_arena_init(&r.arena, NULL, 0, 4096, SAMPLE_BYTES_MAX);
    assert_int_equal(rw_conf_read_file(path, &sample_record, &r.arena, &r.sample, &r.report),
                     RW_OK);
    assert_int_equal(r.report.count, 0);
    unlink(path);
    assert_int_equal(rw_conf_read_file("/nowhere", &sample_record, &r.arena, &r.sample, &r.report),
                     RW_ENOENT);
    rw_conf_report_print(&r.report, &r.printed);
    assert_string_equal(r.printed.at, "/nowhere: cannot be read: not found\n");
    rw_text_free(&r.printed);
    assert_int_equal(rw_conf_read_file("/", &sample_record, &r.arena, &r.sample, &r.report),
                     RW_EINVAL);
    rw_conf_report_print(&r.report, &r.printed);
    assert_string_equal(r.printed.at, "/: cannot be read: a directory, not a file\n");
    end(&r);
}

static bool has_message(const struct reading *reading, const char *part)
{
    return reading->printed.at && strstr(reading->printed.at, part);
}

static void test_limits(void **state)
{
    (void)state;
    struct reading r;
    struct rw_text yaml = {0};
    for (int i = 0; i < 40; i++)
        rw_text_adds(&yaml, "[");
    begin(&r, rw_text_span(&yaml));
    assert_true(has_message(&r, "t.yaml:1:33: [0][0]"));
    assert_true(has_message(&r, ": nested deeper than 32 levels\n"));
    end(&r);

    yaml.len = 0;
    for (int i = 0; i < 300; i++)
        rw_text_addf(&yaml, "unknown-%d: 1\n", i);
    begin(&r, rw_text_span(&yaml));
    assert_int_equal(r.report.count, RW_CONF_MISTAKES_MAX);
    assert_true(has_message(&r, "t.yaml: further mistakes are not shown\n"));
    end(&r);

    yaml.len = 0;
    rw_text_adds(&yaml, SHAPE "map:\n");
    for (int i = 0; i <= RW_CONF_PAIRS_MAX; i++)
        rw_text_addf(&yaml, "  name-%d: 1\n", i);
    begin(&r, rw_text_span(&yaml));
    assert_string_equal(r.printed.at, "t.yaml:3:3: map: more than 1000 names\n");
    end(&r);

    yaml.len = 0;
    rw_text_adds(&yaml, "# ");
    while (yaml.len <= RW_CONF_FILE_BYTES_MAX)
        rw_text_adds(&yaml, "--------------------------------");
    begin(&r, rw_text_span(&yaml));
    assert_string_equal(r.printed.at, "t.yaml: longer than 8 MiB\n");
    end(&r);
    rw_text_free(&yaml);
}

/* A few lines that would unfold into billions of values. */
static void test_bombs(void **state)
{
    (void)state;
    struct reading r;
    struct rw_text yaml = {0};
    rw_text_adds(&yaml, SHAPE "x-0: &a0 {x: 1}\n");
    for (int i = 1; i < 30; i++)
        rw_text_addf(&yaml, "x-%d: &a%d {<<: [*a%d, *a%d, *a%d]}\n", i, i, i - 1, i - 1, i - 1);
    rw_text_adds(&yaml, "point: *a29\n");
    begin(&r, rw_text_span(&yaml));
    assert_int_equal(r.err, RW_EINVAL);
    assert_true(has_message(&r, "more than 4000000 values, aliases counted at each use"));
    end(&r);

    yaml.len = 0;
    rw_text_adds(&yaml, SHAPE "x-a: &a [1,1,1,1,1,1,1,1,1,1]\nx-b: &b [*a,*a,*a,*a]\nnumbers: *b");
    begin(&r, rw_text_span(&yaml));
    assert_string_equal(r.printed.at, "t.yaml:2:9: numbers[0]: expected a number, not a list\n");
    end(&r);

    yaml.len = 0;
    rw_text_adds(&yaml, SHAPE "texts: [");
    for (int i = 0; i < 5; i++)
        rw_text_adds(&yaml, "\"${RW_TEST_LONG}${RW_TEST_LONG}${RW_TEST_LONG}\",");
    rw_text_adds(&yaml, "]");
    char *value = rw_alloc(500001);
    memset(value, 'a', 500000);
    value[500000] = '\0';
    setenv("RW_TEST_LONG", value, 1);
    rw_free(value);
    begin(&r, rw_text_span(&yaml));
    assert_true(has_message(&r, "texts[0]: too long with what stands in the environment"));
    end(&r);
    unsetenv("RW_TEST_LONG");
    rw_text_free(&yaml);
}

static const char everything[] = "x-a: &a {x: 1, y: 2}\n"
                                 "point: *a\n"
                                 "points: [1, {<<: *a, name: b}, {x: 3, name: b}]\n"
                                 "texts: [a, \"${RW_TEST_NONE:-b}\"]\n"
                                 "map: {a: b, <<: {c: d}}\n"
                                 "secret: file:/nowhere\n"
                                 "flag: yes\n"
                                 "colr: red\n"
                                 "color: gren\n"
                                 "circle: {radius: 5}\n"
                                 "{\n";

static enum rw_err read_everything(struct rw_span yaml, uint64_t successes)
{
    struct rw_arena arena;
    struct rw_conf_report report = {0};
    struct sample sample;
    rw_arena_init(&arena, NULL, 0, 64, SAMPLE_BYTES_MAX); /* small blocks: many allocations */
    rw_alloc_fail_after(successes);
    enum rw_err err = rw_conf_read_text(yaml, "t.yaml", &sample_record, &arena, &sample, &report);
    rw_alloc_fail_never();
    rw_arena_free(&arena);
    return err;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    struct rw_span whole = rw_span(everything, sizeof(everything) - 3);
    struct rw_span broken = rw_span(everything, sizeof(everything) - 1);
    uint64_t failed = 0;
    for (uint64_t n = 0; read_everything(whole, n) == RW_ENOMEM; n++)
        failed = n;
    assert_true(failed > 20);
    assert_int_equal(read_everything(whole, failed + 1), RW_EINVAL);
    for (failed = 0; read_everything(broken, failed) == RW_ENOMEM;)
        failed++;
    assert_true(failed > 5);
}

int main(void)
{
    unsetenv("RW_TEST_UNSET");
    unsetenv("RW_TEST_NONE");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_value_mistakes),
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_secret_files),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
