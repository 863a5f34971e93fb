/* The policy `stale`: what messages allow, what fits on a shelf, mistakes. The answers themselves
 * are in tests/scenario/stale.test.mjs. */
#include "base/alloc.h"
#include "origin/registry.h"
#include "policy/registry.h"
#include "policy/stale/stale_control.h"
#include "policy/stale/stale_store.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { FIELDS_MAX = 8 };

static struct rw_field fields[2][FIELDS_MAX];

/* "Name: value\n" lines. */
static struct rw_message message(unsigned which, const char *lines)
{
    struct rw_message made = {.fields = fields[which]};
    struct rw_span rest = rw_span_text(lines), line;
    while (rest.len && rw_span_next(&rest, '\n', &line)) {
        ptrdiff_t colon = rw_span_find(line, ':');
        struct rw_span name = rw_span(line.at, (size_t)colon);
        fields[which][made.field_count++] =
            (struct rw_field){.id = (uint8_t)rw_field_id(name),
                              .name = name,
                              .value = rw_span_trim(rw_span_skip(line, (size_t)colon + 1))};
    }
    return made;
}

static void how_long(void **state)
{
    (void)state;
    static const struct {
        const char *request, *response;
        uint32_t window_s;
    } cases[] = {
        {"", "", 3600},
        {"", "Cache-Control: max-age=60", 3600},
        {"", "Cache-Control: max-age=60, stale-if-error=30", 90},
        {"", "Cache-Control: Max-Age=60\nCache-Control: STALE-IF-ERROR=\"30\"", 90},
        {"", "Cache-Control: stale-if-error=999999", 3600},
        {"", "Cache-Control: stale-if-error=0", 0},
        {"", "Cache-Control: stale-if-error=junk", 0},
        {"", "Cache-Control: stale-if-error=99999999999999999999", 0},
        {"", "Age: 100", 3500},
        {"", "Age: 3600", 0},
        {"", "Cache-Control: no-store", 0},
        {"", "Cache-Control: public, private=\"a, b\"", 0},
        {"", "Cache-Control: no-cache=\"x\"", 0},
        {"", "Cache-Control: must-revalidate", 0},
        {"", "Cache-Control: proxy-revalidate", 0},
        {"", "Cache-Control: s-maxage=10", 0},
        {"", "Set-Cookie: a=b", 0},
        {"", "Vary: Accept, *", 0},
        {"", "Vary: Accept", 3600},
        {"Authorization: x", "Cache-Control: public", 0},
        {"Cookie: a=b", "", 0},
        {"Cookie: a=b", "Cache-Control: public", 3600},
        {"Cache-Control: no-store", "", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_message request = message(0, cases[i].request);
        struct rw_message response = message(1, cases[i].response);
        uint32_t window_s = rw_stale_window_s(&request, &response, 3600);
        if (window_s != cases[i].window_s)
            fail_msg("%s / %s: %u", cases[i].request, cases[i].response, window_s);
    }
}

static void what_clients_take(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        bool wanted;
    } cases[] = {
        {"", true},
        {"Cache-Control: no-cache", false},
        {"Cache-Control: no-store", false},
        {"Cache-Control: max-age=99", false},
        {"Cache-Control: max-age=100", true},
        {"Cache-Control: max-age=0, max-stale", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_message request = message(0, cases[i].request);
        assert_int_equal(rw_stale_wanted(&request, 100), cases[i].wanted);
    }
}

/* ---- The shelf ---- */

#define LISTENER "listeners:\n- address: 127.0.0.1:8080\n"
#define NO_ROOM SIZE_MAX

static struct rw_fixture gate;
static struct rw_stale_shelf *shelf;

static int open_shelf(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, LISTENER "routes: [ respond: hi ]\n");
    shelf = rw_stale_shelf(&gate.worker, RW_LITERAL("shop"), 1 << 20);
    return shelf ? 0 : -1;
}

static int close_shelf(void **state)
{
    (void)state;
    rw_fixture_close(&gate);
    return 0;
}

static void put(const char *key, const char *request, const char *response, const char *body,
                size_t bytes_max)
{
    struct rw_message asked = message(0, request), told = message(1, response);
    struct rw_stale_entry *entry = rw_stale_entry_create(shelf, rw_span_text(key), &asked, &told);
    assert_non_null(entry);
    rw_text_adds(&entry->body, body);
    entry->window_s = 100;
    rw_stale_shelf_put(shelf, entry, bytes_max, 0);
    rw_stale_entry_drop(entry);
}

static const char *find(const char *key, const char *request, uint64_t now_ms)
{
    struct rw_message asked = message(0, request);
    struct rw_stale_entry *entry = rw_stale_shelf_find(shelf, rw_span_text(key), &asked, now_ms);
    return entry ? entry->body.at : "none";
}

static void each_request_its_own(void **state)
{
    (void)state;
    put("/a", "Accept: x", "Vary: accept", "ax", NO_ROOM);
    put("/a", "Accept: y", "Vary: accept", "ay", NO_ROOM);
    put("/b", "", "X: 1", "b", NO_ROOM);
    assert_string_equal(find("/a", "Accept: x", 0), "ax");
    assert_string_equal(find("/a", "Accept: y", 0), "ay");
    assert_string_equal(find("/a", "", 0), "none");
    assert_string_equal(find("/a", "Accept: x\nAccept: y", 0), "none");
    assert_string_equal(find("/b", "Accept: z", 99999), "b");
    assert_string_equal(find("/b", "", 100000), "none"); /* its time is over */
    assert_string_equal(find("/b", "", 0), "none");
    put("/a", "Accept: x", "Vary: Accept", "new", NO_ROOM);
    assert_string_equal(find("/a", "Accept: x", 0), "new");
    assert_string_equal(find("/a", "Accept: y", 0), "ay");
}

static void what_was_used_least_recently_goes(void **state)
{
    (void)state;
    static char large[20000];
    enum { ROOM = 150000 };
    char key[16];
    memset(large, 'x', sizeof(large) - 1);
    put("/0", "", "", "kept", ROOM);
    for (int i = 1; i < 50; i++) {
        snprintf(key, sizeof(key), "/%d", i);
        put(key, "", "", large, ROOM);
        assert_string_equal(find("/0", "", 0), "kept");
    }
    assert_string_equal(find("/1", "", 0), "none");
    assert_string_equal(find("/49", "", 0), large);
    put("/x", "", "", large, 1000); /* none fits; the others stay */
    assert_string_equal(find("/x", "", 0), "none");
    assert_string_equal(find("/49", "", 0), large);
}

/* Somebody still answers from it. */
static void what_is_in_use_stays_alive(void **state)
{
    (void)state;
    put("/a", "", "Content-Type: text/plain\nContent-Length: 3\nAge: 5", "abc", NO_ROOM);
    struct rw_message asked = {0};
    struct rw_stale_entry *entry = rw_stale_shelf_find(shelf, RW_LITERAL("/a"), &asked, 0);
    assert_int_equal(entry->field_count, 1); /* what frames it is made anew, and so is its age */
    entry->references++;
    put("/a", "", "", "new", NO_ROOM);
    assert_string_equal(entry->body.at, "abc");
    rw_stale_entry_drop(entry);
    assert_string_equal(find("/a", "", 0), "new");
}

/* However many answers are under way at once, and however slowly they go. */
static void what_is_under_way_is_bounded(void **state)
{
    (void)state;
    enum { ENTRIES = 100, ROOM = 100000, PIECE = 1000 };
    struct rw_stale_entry *entries[ENTRIES];
    struct rw_message asked = message(0, ""), told = message(1, "");
    static char piece[PIECE];
    size_t added = 0;
    bool all = true;
    for (int i = 0; i < ENTRIES; i++) {
        char key[16];
        snprintf(key, sizeof(key), "/%d", i);
        entries[i] = rw_stale_entry_create(shelf, rw_span_text(key), &asked, &told);
        assert_non_null(entries[i]);
    }
    for (int round = 0; round < 10 && all; round++)
        for (int i = 0; i < ENTRIES && all; i++) {
            all = rw_stale_entry_add(entries[i], rw_span(piece, PIECE), ROOM);
            added += PIECE;
        }
    assert_false(all);
    assert_true(added > ROOM / 4 && added <= ROOM);
    for (int i = 0; i < ENTRIES; i++)
        rw_stale_entry_drop(entries[i]);
    /* They have left nothing behind. */
    entries[0] = rw_stale_entry_create(shelf, RW_LITERAL("/a"), &asked, &told);
    assert_true(rw_stale_entry_add(entries[0], rw_span(piece, PIECE), ROOM));
    rw_stale_entry_drop(entries[0]);
}

static void without_memory(void **state)
{
    (void)state;
    struct rw_message asked = message(0, "Accept: x");
    struct rw_message told = message(1, "Vary: Accept\nContent-Type: text/plain");
    struct rw_stale_entry *entry = NULL;
    for (uint64_t n = 0; !entry; n++) {
        rw_alloc_fail_once(n);
        entry = rw_stale_entry_create(shelf, RW_LITERAL("/a"), &asked, &told);
        rw_alloc_fail_never();
    }
    rw_stale_entry_drop(entry);
}

static void mistakes_and_explain(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    LISTENER "routes:\n- respond: hi\n"
                             "  policies: [ stale: { memory_max: 1MiB, body_max: 2MiB } ]\n");
    assert_null(gate.snapshot);
    assert_non_null(strstr(gate.mistakes.at, "body_max: more than `memory_max`"));
    rw_fixture_close(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_long),
        cmocka_unit_test(what_clients_take),
        cmocka_unit_test_setup_teardown(each_request_its_own, open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(what_was_used_least_recently_goes, open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(what_is_under_way_is_bounded, open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(what_is_in_use_stays_alive, open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(without_memory, open_shelf, close_shelf),
        cmocka_unit_test(mistakes_and_explain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
