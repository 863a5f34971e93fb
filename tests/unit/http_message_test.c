/* The message model: names and numbers, the table of fields, the small grammars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "http/field_table.h"
#include "http/message.h"
#include "http/scan.h"

#include <stdio.h>
#include <stdlib.h>

static struct rw_span text(const char *string)
{
    return rw_span_text(string);
}

static void names_methods(void **state)
{
    (void)state;
    for (unsigned i = RW_METHOD_OTHER + 1; i < RW_METHOD_COUNT; i++)
        assert_int_equal(rw_method_from(text(rw_method_name((enum rw_method)i))), i);
    assert_int_equal(rw_method_from(text("PROPFIND")), RW_METHOD_OTHER);
    assert_int_equal(rw_method_from(text("get")), RW_METHOD_OTHER);
    assert_int_equal(rw_method_from(text("")), RW_METHOD_OTHER);
    assert_string_equal(rw_method_name(RW_METHOD_OTHER), "");
    assert_string_equal(rw_method_name(RW_METHOD_COUNT), "");
}

/* RFC 9110 section 9.2.2; an unknown method promises nothing. */
static void knows_idempotent_methods(void **state)
{
    static const bool idempotent[RW_METHOD_COUNT] = {
        [RW_METHOD_GET] = true,    [RW_METHOD_HEAD] = true,    [RW_METHOD_PUT] = true,
        [RW_METHOD_DELETE] = true, [RW_METHOD_OPTIONS] = true, [RW_METHOD_TRACE] = true,
    };
    (void)state;
    for (unsigned i = 0; i < RW_METHOD_COUNT; i++)
        assert_int_equal(rw_method_idempotent((enum rw_method)i), idempotent[i]);
}

static void change_case(char *to, struct rw_span name, unsigned how)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (letter)
            c = (char)((how == 0 || (how == 2 && i % 2)) ? c | 0x20 : c & ~0x20);
        to[i] = c;
    }
}

/* Every name in three spellings, and never for a name that differs in one byte, shorter or longer.
 */
static void numbers_field_names(void **state)
{
    (void)state;
    for (unsigned i = RW_FIELD_OTHER + 1; i < RW_FIELD_COUNT; i++) {
        struct rw_span name = rw_field_name((enum rw_field_id)i);
        char other[64];
        assert_true(name.len > 0 && name.len < sizeof(other) - 1);
        assert_int_equal(rw_field_id(name), i);
        for (unsigned how = 0; how < 3; how++) {
            change_case(other, name, how);
            assert_int_equal(rw_field_id(rw_span(other, name.len)), i);
        }
        for (size_t at = 0; at < name.len; at++)
            for (unsigned bit = 0; bit < 8; bit++) {
                memcpy(other, name.at, name.len);
                other[at] = (char)(other[at] ^ (1u << bit));
                struct rw_span changed = rw_span(other, name.len);
                if (!rw_span_eq_nocase(changed, name))
                    assert_int_not_equal(rw_field_id(changed), i);
            }
        assert_int_not_equal(rw_field_id(rw_span(name.at, name.len - 1)), i);
        memcpy(other, name.at, name.len);
        other[name.len] = 'x';
        assert_int_equal(rw_field_id(rw_span(other, name.len + 1)), RW_FIELD_OTHER);
    }
    assert_int_equal(rw_field_id(text("")), RW_FIELD_OTHER);
    assert_int_equal(rw_field_id(text("X-Custom")), RW_FIELD_OTHER);
    assert_int_equal(rw_field_name(RW_FIELD_OTHER).len, 0);
    assert_int_equal(rw_field_name(RW_FIELD_COUNT).len, 0);
}

/* ---- The table ---- */

struct table {
    struct rw_arena arena;
    struct rw_message message;
};

static int set_up(void **state)
{
    struct table *table = calloc(1, sizeof(*table));
    if (!table)
        return -1;
    rw_arena_init(&table->arena, NULL, 0, 4096, 64 << 20);
    *state = table;
    return 0;
}

static int tear_down(void **state)
{
    struct table *table = *state;
    rw_arena_free(&table->arena);
    free(table);
    return 0;
}

static void add(struct table *table, const char *name, const char *value)
{
    assert_int_equal(rw_message_add(&table->message, &table->arena, text(name), text(value)),
                     RW_OK);
}

static void assert_fields(const struct table *table, const char *expected)
{
    char got[512];
    size_t len = 0;
    got[0] = '\0';
    for (unsigned i = 0; i < table->message.field_count; i++) {
        const struct rw_field *field = &table->message.fields[i];
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%.*s%s=%.*s;",
                                RW_SPAN_ARGS(field->name), field->hop ? "*" : "",
                                RW_SPAN_ARGS(field->value));
    }
    assert_string_equal(got, expected);
}

static void edits_fields(void **state)
{
    struct table *table = *state;
    add(table, "Host", "a");
    add(table, "X-A", "1");
    add(table, "Connection", "close");
    add(table, "x-a", "2");
    add(table, "Accept", "b");
    assert_fields(table, "Host=a;X-A=1;Connection*=close;x-a=2;Accept=b;");
    assert_int_equal(rw_message_remove(&table->message, text("X-a")), 2);
    assert_int_equal(rw_message_remove(&table->message, text("X-a")), 0);
    assert_int_equal(rw_message_remove(&table->message, text("connection")), 1);
    assert_fields(table, "Host=a;Accept=b;");
    assert_int_equal(rw_message_set(&table->message, &table->arena, text("host"), text("c")),
                     RW_OK);
    assert_int_equal(rw_message_set(&table->message, &table->arena, text("New"), text("d")), RW_OK);
    assert_fields(table, "Accept=b;host=c;New=d;");
}

static void finds_fields(void **state)
{
    struct table *table = *state;
    add(table, "Accept", "1");
    add(table, "X-A", "2");
    add(table, "accept", "3");
    assert_ptr_equal(rw_message_find(&table->message, RW_FIELD_ACCEPT), &table->message.fields[0]);
    assert_null(rw_message_find(&table->message, RW_FIELD_HOST));
    assert_ptr_equal(rw_message_find_name(&table->message, text("ACCEPT")),
                     &table->message.fields[0]);
    assert_ptr_equal(rw_message_find_name(&table->message, text("x-a")), &table->message.fields[1]);
    assert_null(rw_message_find_name(&table->message, text("x-b")));
    assert_true(rw_span_is(rw_message_value(&table->message, RW_FIELD_ACCEPT), "1"));
    assert_int_equal(rw_message_value(&table->message, RW_FIELD_HOST).len, 0);
}

/* Room that nobody uses goes back, as long as nothing lies behind it. */
static void fits_its_fields(void **state)
{
    struct table *table = *state;
    struct rw_message *message = &table->message;
    rw_message_fit(message, &table->arena);
    assert_int_equal(message->field_room, 0);
    add(table, "Host", "a");
    add(table, "X-A", "1");
    rw_message_fit(message, &table->arena);
    assert_int_equal(message->field_room, 2 + RW_FIELDS_SPARE);
    assert_ptr_equal(rw_arena_alloc(&table->arena, 8), message->fields + message->field_room);
    for (unsigned i = 0; i <= RW_FIELDS_SPARE; i++)
        add(table, "X-B", "2");
    unsigned room = message->field_room;
    assert_non_null(rw_arena_alloc(&table->arena, 8));
    rw_message_fit(message, &table->arena);
    assert_int_equal(message->field_room, room);
    assert_fields(table, "Host=a;X-A=1;X-B=2;X-B=2;X-B=2;X-B=2;");
}

static void grows_up_to_its_limit(void **state)
{
    struct table *table = *state;
    for (unsigned i = 0; i < UINT16_MAX; i++)
        add(table, i % 2 ? "Accept" : "X-A", "x");
    assert_int_equal(rw_message_add(&table->message, &table->arena, text("A"), text("b")),
                     RW_ELIMIT);
    assert_int_equal(table->message.field_count, UINT16_MAX);
    assert_int_equal(rw_message_remove(&table->message, text("accept")), UINT16_MAX / 2);
}

static void survives_lack_of_memory(void **state)
{
    struct table *table = *state;
    rw_alloc_fail_after(0);
    assert_int_equal(rw_message_add(&table->message, &table->arena, text("A"), text("b")),
                     RW_ENOMEM);
    rw_alloc_fail_never();
    table->arena.block_bytes = 8; /* from now on each table is an allocation of its own */
    for (unsigned i = 0; i < 24; i++)
        add(table, "A", "b");
    rw_alloc_fail_after(0);
    assert_int_equal(rw_message_add(&table->message, &table->arena, text("C"), text("d")),
                     RW_ENOMEM);
    assert_int_equal(rw_message_set(&table->message, &table->arena, text("C"), text("d")),
                     RW_ENOMEM);
    assert_int_equal(table->message.field_count, 24);
    assert_int_equal(rw_message_set(&table->message, &table->arena, text("A"), text("d")), RW_OK);
    rw_alloc_fail_never();
    assert_fields(table, "A=d;");
}

/* ---- Statuses and grammar ---- */

static void knows_statuses(void **state)
{
    (void)state;
    assert_string_equal(rw_status_reason(200), "OK");
    assert_string_equal(rw_status_reason(431), "Request Header Fields Too Large");
    assert_string_equal(rw_status_reason(511), "Network Authentication Required");
    assert_string_equal(rw_status_reason(299), "");
    assert_string_equal(rw_status_reason(0), "");
    assert_string_equal(rw_status_reason(99999), "");
    assert_true(rw_status_bodiless(100) && rw_status_bodiless(199) && rw_status_bodiless(204) &&
                rw_status_bodiless(304));
    assert_false(rw_status_bodiless(200) || rw_status_bodiless(205) || rw_status_bodiless(303) ||
                 rw_status_bodiless(99));
}

static void knows_the_grammar(void **state)
{
    (void)state;
    assert_true(rw_is_token(text("X-a!#$%&'*+.^_`|~09")));
    assert_false(rw_is_token(text("")));
    assert_false(rw_is_token(text("a b")) || rw_is_token(text("a:")) ||
                 rw_is_token(text("a\x7f")) || rw_is_token(rw_span("a\0", 2)) ||
                 rw_is_token(text("\xc3\xa9")));
    assert_true(rw_is_field_value(text("")) && rw_is_field_value(text("a \t b\xff")));
    assert_false(rw_is_field_value(text(" a")) || rw_is_field_value(text("a\t")) ||
                 rw_is_field_value(text("a\r\nb")) || rw_is_field_value(rw_span("a\0b", 3)) ||
                 rw_is_field_value(text("0123456789abcdef\n")));
    assert_true(rw_list_has_token(text("a, Close ,b"), "close"));
    assert_true(rw_list_has_token(text("close"), "close"));
    assert_false(rw_list_has_token(text("closed, a close"), "close"));
    assert_false(rw_list_has_token(text(""), "close"));
    assert_false(rw_list_has_token((struct rw_span){NULL, 0}, "close"));
}

/* ---- Scanning: by sixteen and by one agree, at every length and place ---- */

static const char *slow_value(const char *at, const char *end)
{
    while (at < end && !((uint8_t)*at < 0x20 && *at != '\t') && *at != 0x7f)
        at++;
    return at;
}

static const char *slow_target(const char *at, const char *end)
{
    while (at < end && (uint8_t)*at > 0x20 && (uint8_t)*at < 0x7f && !strchr("#%?", *at))
        at++;
    return at;
}

static void scans_alike(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 40; len++) {
        char *bytes = malloc(len); /* exactly */
        assert_non_null(bytes);
        for (size_t at = 0; at < len; at++)
            for (unsigned c = 0; c < 256; c++) {
                memset(bytes, 'a', len);
                bytes[at] = (char)c;
                assert_ptr_equal(rw_scan_value(bytes, bytes + len), slow_value(bytes, bytes + len));
                assert_ptr_equal(rw_scan_target(bytes, bytes + len),
                                 slow_target(bytes, bytes + len));
            }
        free(bytes);
    }
}

static void classifies_characters(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        char c = (char)i;
        bool alnum = (i >= '0' && i <= '9') || ((i | 0x20) >= 'a' && (i | 0x20) <= 'z' && i < 128);
        assert_int_equal(rw_char_is(c, RW_CHAR_TOKEN),
                         alnum || (i && strchr("!#$%&'*+-.^_`|~", c)));
        assert_int_equal(rw_char_is(c, RW_CHAR_HOST), alnum || (i && strchr("-._~", c)));
        assert_int_equal(rw_char_is(c, RW_CHAR_HEX), rw_hex_digit(c) < 16);
        assert_int_equal(rw_char_is(c, RW_CHAR_BLANK), c == ' ' || c == '\t');
        assert_int_equal(rw_char_is(c, RW_CHAR_VALUE), c == '\t' || (i >= 0x20 && i != 0x7f));
        assert_int_equal(rw_char_is(c, RW_CHAR_QUOTED),
                         rw_char_is(c, RW_CHAR_VALUE) && c != '"' && c != '\\');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_methods),
        cmocka_unit_test(knows_idempotent_methods),
        cmocka_unit_test(numbers_field_names),
        cmocka_unit_test_setup_teardown(edits_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fits_its_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(grows_up_to_its_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_lack_of_memory, set_up, tear_down),
        cmocka_unit_test(knows_statuses),
        cmocka_unit_test(knows_the_grammar),
        cmocka_unit_test(scans_alike),
        cmocka_unit_test(classifies_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
