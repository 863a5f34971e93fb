/* What the tables become besides a reader: JSON Schema, manual, complete example. */
#include "base/alloc.h"
#include "support/conf_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <cmocka.h>

static json_t *schema;

static int make_schema(void **state)
{
    (void)state;
    struct rw_text text = {0};
    rw_conf_schema_json(&sample_record, "Sample", &text);
    schema = text.err ? NULL : json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
    rw_text_free(&text);
    return schema ? 0 : -1;
}

static int drop_schema(void **state)
{
    (void)state;
    json_decref(schema);
    return 0;
}

static const char *text_of(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_t *property(const char *name)
{
    return json_object_get(json_object_get(schema, "properties"), name);
}

/* Some alternative of "anyOf" has this type. */
static bool takes(json_t *field, const char *type)
{
    size_t i;
    json_t *alternative;
    json_array_foreach(json_object_get(field, "anyOf"), i, alternative)
    {
        const char *its = text_of(alternative, "type");
        if (its && strcmp(its, type) == 0)
            return true;
    }
    return false;
}

static void test_root(void **state)
{
    (void)state;
    assert_string_equal(text_of(schema, "$schema"), "https://json-schema.org/draft/2020-12/schema");
    assert_string_equal(text_of(schema, "title"), "Sample");
    assert_string_equal(text_of(schema, "type"), "object");
    assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
    assert_non_null(json_object_get(json_object_get(schema, "patternProperties"), "^x-"));
    json_t *properties = json_object_get(schema, "properties");
    assert_int_equal(json_object_size(properties),
                     18 + 3); /* fields, and the kinds of two variants */
    assert_null(json_object_get(properties, "shape"));
    assert_null(json_object_get(schema, "required")); /* only the variant is */
}

static void test_fields(void **state)
{
    (void)state;
    assert_true(takes(property("flag"), "boolean"));
    assert_true(json_is_true(json_object_get(property("flag"), "default")));
    assert_string_equal(text_of(property("flag"), "description"), "Yes | no.");
    json_t *number = json_array_get(json_object_get(property("number"), "anyOf"), 0);
    assert_int_equal(json_integer_value(json_object_get(number, "minimum")), 1);
    assert_int_equal(json_integer_value(json_object_get(number, "maximum")), 99);
    assert_int_equal(json_integer_value(json_object_get(property("number"), "default")), 10);
    assert_string_equal(text_of(property("duration"), "default"), "1.5s");
    assert_true(takes(property("texts"), "array"));
    assert_int_equal(json_array_size(json_object_get(property("texts"), "default")), 2);
    assert_true(takes(property("map"), "object"));
    assert_true(takes(property("number"), "null"));
    assert_true(takes(property("points"), "null"));
    assert_true(takes(property("always"), "null"));
    assert_false(takes(property("point"), "null"));
    json_t *colors = json_array_get(json_object_get(property("color"), "anyOf"), 0);
    assert_int_equal(json_array_size(json_object_get(colors, "enum")),
                     5); /* 1.5 also as a number */
}

static void test_variants(void **state)
{
    (void)state;
    json_t *all = json_object_get(schema, "allOf");
    assert_int_equal(json_array_size(all), 2);
    /* Exactly one shape; at most one of the others. */
    assert_int_equal(json_array_size(json_object_get(json_array_get(all, 0), "oneOf")), 2);
    json_t *optional = json_object_get(json_array_get(all, 1), "oneOf");
    assert_int_equal(json_array_size(optional), 2);
    assert_non_null(json_object_get(json_array_get(optional, 1), "not"));
}

/* Every $ref leads somewhere, every object is closed. */
static void walk(json_t *value)
{
    const char *key;
    size_t i;
    json_t *child;
    if (json_is_array(value)) {
        json_array_foreach(value, i, child) walk(child);
        return;
    }
    const char *reference = text_of(value, "$ref");
    if (reference) {
        assert_memory_equal(reference, "#/$defs/", 8);
        assert_non_null(json_object_get(json_object_get(schema, "$defs"), reference + 8));
    }
    const char *type = text_of(value, "type");
    if (type && strcmp(type, "object") == 0)
        assert_non_null(json_object_get(value, "additionalProperties"));
    json_object_foreach(value, key, child) walk(child);
}

static void test_references(void **state)
{
    (void)state;
    walk(schema);
    json_t *point = json_object_get(json_object_get(schema, "$defs"), "point");
    assert_int_equal(json_array_size(json_object_get(point, "anyOf")), 4); /* or its x alone */
}

static void test_example(void **state)
{
    (void)state;
    struct rw_text text = {0};
    struct rw_arena arena;
    struct rw_conf_report report = {0};
    struct sample sample;
    rw_conf_example(&sample_record, &text);
    assert_non_null(strstr(text.at, "text: \"\"\n")); /* once quoted, not twice */
    rw_arena_init(&arena, NULL, 0, 4096, SAMPLE_BYTES_MAX);
    enum rw_err err =
        rw_conf_read_text(rw_text_span(&text), "example", &sample_record, &arena, &sample, &report);
    if (err) {
        print_error("%s\n", text.at);
        rw_text_free(&text);
        rw_conf_report_print(&report, &text);
        print_error("%s\n", text.at);
    }
    assert_int_equal(err, RW_OK);
    assert_int_equal(sample.number, 10);
    assert_int_equal(sample.points.count, 1);
    assert_null(sample.point);
    rw_arena_free(&arena);
    rw_text_free(&text);
}

static void make_manual(const struct rw_conf_record *record, struct rw_text *text)
{
    static const struct rw_conf_preface preface = {"Sample reference", "One file.", "circle:\n"};
    rw_conf_manual(record, &preface, text);
}

static void test_manual(void **state)
{
    (void)state;
    struct rw_text text = {0};
    make_manual(&sample_record, &text);
    assert_int_equal(text.err, RW_OK);
    assert_non_null(strstr(text.at, "# Sample reference\n"));
    assert_non_null(strstr(text.at, "\nOne file.\n"));
    assert_non_null(strstr(text.at, "```yaml\ncircle:\n```\n"));
    assert_non_null(strstr(text.at, "| `flag` | `true`, `false` | `true` | Yes \\| no. |\n"));
    assert_non_null(strstr(text.at, "| `number` | number, 1 to 99 | `10` |  |\n"));
    assert_non_null(strstr(text.at, "| `x` | number, 0 to 100 | **required** |  Example: `1` |\n"));
    assert_non_null(strstr(text.at, "| `points` | list of [point](#point) | none |"));
    assert_non_null(strstr(text.at, "| `square` | text | With four corners. |\n"));
    rw_text_free(&text);
}

/* A text that could not be had is remembered, and nothing leaks. */
static void test_allocation_failures(void **state)
{
    (void)state;
    static void (*const makers[])(const struct rw_conf_record *,
                                  struct rw_text *) = {make_manual, rw_conf_example};
    for (size_t i = 0; i < 2; i++)
        for (uint64_t n = 0;; n++) {
            struct rw_text text = {0};
            rw_alloc_fail_after(n);
            makers[i](&sample_record, &text);
            rw_alloc_fail_never();
            enum rw_err err = text.err;
            rw_text_free(&text);
            if (!err)
                break;
            assert_int_equal(err, RW_ENOMEM);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_root),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_manual),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, make_schema, drop_schema);
}
