/* What was learned at run time: who writes a note, how it is stored for another process, and that
 * nothing but what was stored is ever believed. */
#include "gate/known/known_store.h"

#include "base/alloc.h"
#include "gate/cluster/resolve/resolve_name.h"
#include "gate/discovery/discovery_known.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate_cluster_fixture.h"

static struct rw_loop *loop;
static struct rw_known *known;
static unsigned changes;
static unsigned failures; /* so many more times it cannot be stored */

static bool on_changed(void *user)
{
    (void)user;
    changes++;
    return failures == 0 || failures-- == 0;
}

static struct rw_known *make(void)
{
    struct rw_known *made = NULL;
    const struct rw_known_options options = {.loop = loop, .changed = on_changed};
    assert_int_equal(rw_known_create(&options, &made), RW_OK);
    return made;
}

static int set_up(void **state)
{
    (void)state;
    const struct rw_loop_options options = {.backend = RW_LOOP_EPOLL};
    assert_int_equal(rw_loop_create(&options, &loop), RW_OK);
    known = make();
    changes = failures = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rw_known_destroy(known);
    rw_loop_destroy(loop);
    fixture_end();
    return 0;
}

struct holder {
    struct rw_known_use use;
    const char *says;
};

static void write_note(struct rw_known_use *use, struct rw_text *text)
{
    rw_text_adds(text, rw_container_of(use, struct holder, use)->says);
}

static void hold(struct rw_known *of, const char *key, struct holder *holder, const char *says)
{
    *holder = (struct holder){.use.write = write_note, .says = says};
    rw_known_hold(of, rw_span_text(key), &holder->use);
}

static void expect(const struct holder *holder, const char *text)
{
    if (!rw_span_is(rw_known_text(&holder->use), text))
        fail_msg("\"%.*s\", not \"%s\"", RW_SPAN_ARGS(rw_known_text(&holder->use)), text);
}

static struct rw_known *load(int fd)
{
    struct rw_known *other = make();
    assert_int_equal(rw_known_load(other, fd), RW_OK);
    return other;
}

static int store(struct rw_known *from)
{
    int fd = -1;
    assert_int_equal(rw_known_store(from, &fd), RW_OK);
    return fd;
}

static void test_whoever_comes_next_begins_with_what_is_known(void **state)
{
    (void)state;
    struct holder first, second, third;
    hold(known, "name a", &first, "1");
    expect(&first, "");
    rw_known_changed(&first.use);
    hold(known, "name a", &second, "2");
    expect(&second, "1");

    /* The newest one writes, what others think changes nothing. */
    first.says = "old";
    rw_known_changed(&first.use);
    rw_known_changed(&second.use);
    hold(known, "name a", &third, "");
    expect(&third, "2");
    rw_known_changed(&third.use); /* it knows nothing, and that is no news */
    rw_known_drop(&second.use);
    rw_known_drop(&third.use);
    hold(known, "name a", &second, "2");
    expect(&second, "old");
    hold(known, "name b", &third, "");
    expect(&third, "");
    rw_known_drop(&third.use);
    rw_known_drop(&second.use);
    rw_known_drop(&first.use);
    rw_known_drop(&first.use);
    hold(known, "name a", &first, "");
    expect(&first, "");
    rw_known_drop(&first.use);
}

static void test_without_notes_nothing_is_known(void **state)
{
    (void)state;
    struct holder holder;
    hold(NULL, "name a", &holder, "1");
    rw_known_changed(&holder.use);
    rw_known_follows(&holder.use, true);
    expect(&holder, "");
    rw_known_drop(&holder.use);
}

static void turn_for(uint64_t ms)
{
    uint64_t end_ms = rw_loop_now_ms(loop) + ms;
    while (rw_loop_now_ms(loop) < end_ms)
        rw_loop_turn(loop, 5);
}

static void test_what_changes_is_stored_once_after_a_while(void **state)
{
    (void)state;
    struct holder holder;
    hold(known, "name a", &holder, "1");
    turn_for(2 * RW_KNOWN_STORE_MS);
    assert_int_equal(changes, 0);
    for (int i = 0; i < 100; i++)
        rw_known_changed(&holder.use);
    rw_known_follows(&holder.use, true);
    assert_int_equal(changes, 0);
    turn_for(2 * RW_KNOWN_STORE_MS);
    assert_int_equal(changes, 1);
    rw_known_follows(&holder.use, true);
    turn_for(2 * RW_KNOWN_STORE_MS);
    assert_int_equal(changes, 1);
    rw_known_drop(&holder.use);
}

static void test_what_could_not_be_stored_is_stored_later(void **state)
{
    (void)state;
    struct holder holder;
    failures = 2;
    hold(known, "name a", &holder, "1");
    rw_known_changed(&holder.use);
    turn_for(2 * RW_KNOWN_STORE_MS);
    assert_int_equal(changes, 1);
    turn_for(2 * RW_KNOWN_AGAIN_MS + RW_KNOWN_STORE_MS);
    assert_int_equal(changes, 3);
    turn_for(2 * RW_KNOWN_AGAIN_MS);
    assert_int_equal(changes, 3);
    rw_known_drop(&holder.use);
}

static void test_what_nobody_holds_any_more_is_not_stored_any_more(void **state)
{
    (void)state;
    struct holder holder;
    hold(known, "name a", &holder, "1");
    rw_known_changed(&holder.use);
    turn_for(2 * RW_KNOWN_STORE_MS);
    assert_int_equal(changes, 1);
    rw_known_drop(&holder.use);
    turn_for(2 * RW_KNOWN_STORE_MS);
    assert_int_equal(changes, 2);
}

/* The one before saw changes; what is stored says that nobody does now. */
static void test_whoever_begins_with_a_note_does_not_follow_yet(void **state)
{
    (void)state;
    struct holder first, second, again;
    hold(known, "name a", &first, "1");
    rw_known_changed(&first.use);
    rw_known_follows(&first.use, true);
    turn_for(2 * RW_KNOWN_STORE_MS);
    assert_int_equal(changes, 1);
    uint64_t begin_ms = rw_loop_now_ms(loop);
    hold(known, "name a", &second, "1");
    turn_for(2 * RW_KNOWN_STORE_MS);
    assert_int_equal(changes, 2);
    int fd = store(known);
    struct rw_known *other = load(fd);
    hold(other, "name a", &again, "");
    assert_int_equal(rw_known_until_ms(&again.use), begin_ms);
    rw_known_drop(&again.use);
    rw_known_destroy(other);
    close(fd);
    rw_known_drop(&second.use);
    rw_known_drop(&first.use);
}

static void test_another_process_has_all_of_it_with_its_age(void **state)
{
    (void)state;
    struct holder fresh, old, unknown, unwanted, again;
    hold(known, "name fresh", &fresh, "10.0.0.1\n");
    hold(known, "name old", &old, "{}");
    hold(known, "name unknown", &unknown, "");
    hold(known, "name unwanted", &unwanted, "x");
    rw_known_changed(&fresh.use);
    rw_known_changed(&old.use);
    rw_known_changed(&unknown.use);
    rw_known_changed(&unwanted.use);
    rw_known_follows(&fresh.use, true);
    rw_known_follows(&old.use, true);
    rw_known_follows(&old.use, false);
    uint64_t old_ms = rw_loop_now_ms(loop);
    turn_for(20);
    int fd = store(known);
    turn_for(20);

    struct rw_known *other = load(fd);
    hold(other, "name fresh", &again, "");
    expect(&again, "10.0.0.1\n");
    assert_int_equal(rw_known_until_ms(&again.use), rw_loop_now_ms(loop));
    rw_known_drop(&again.use);
    hold(other, "name old", &again, "");
    expect(&again, "{}");
    assert_int_equal(rw_known_until_ms(&again.use), old_ms);
    rw_known_settle(other);
    rw_known_drop(&again.use);
    hold(other, "name unwanted", &again, "");
    expect(&again, "");
    rw_known_drop(&again.use);
    rw_known_destroy(other);

    close(fd);
    rw_known_drop(&fresh.use);
    rw_known_drop(&old.use);
    rw_known_drop(&unknown.use);
    rw_known_drop(&unwanted.use);
}

static void test_ages_are_seen(void **state)
{
    (void)state;
    struct holder fresh, old, unknown;
    struct rw_text text = {0};
    hold(known, "name fresh", &fresh, "x");
    hold(known, "name old\"", &old, "x");
    hold(known, "name unknown", &unknown, "");
    rw_known_changed(&fresh.use);
    rw_known_changed(&old.use);
    rw_known_follows(&fresh.use, true);
    turn_for(20);
    rw_known_expose(known, &text);
    assert_non_null(strstr(text.at, "ringway_known_age_seconds{what=\"name fresh\"} 0\n"));
    assert_non_null(strstr(text.at, "ringway_known_age_seconds{what=\"name old\\\"\"} 0.0"));
    assert_non_null(strstr(text.at, "ringway_known_age_seconds{what=\"name unknown\"} +Inf\n"));
    rw_text_free(&text);
    rw_known_drop(&fresh.use);
    rw_known_drop(&old.use);
    rw_known_drop(&unknown.use);
}

/* ---- What is no such thing ---- */

static void refuse(struct rw_span bytes)
{
    struct rw_known *other = make();
    struct holder holder;
    assert_int_equal(rw_known_read(other, bytes), RW_EPROTO);
    hold(other, "name a", &holder, "");
    expect(&holder, "");
    rw_known_drop(&holder.use);
    rw_known_destroy(other);
}

static void test_what_was_cut_or_changed_anywhere_is_refused(void **state)
{
    (void)state;
    struct holder a, b;
    struct rw_text text = {0};
    hold(known, "name a", &a, "10.0.0.1 0 64 a\n");
    hold(known, "name b", &b, "10.0.0.2 0 64 b\n");
    rw_known_changed(&a.use);
    rw_known_changed(&b.use);
    rw_known_write(known, &text);
    assert_int_equal(text.err, RW_OK);
    for (size_t len = 0; len < text.len; len++)
        refuse(rw_span(text.at, len));
    for (size_t at = 0; at < text.len; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            text.at[at] = (char)(text.at[at] ^ (1 << bit));
            refuse(rw_text_span(&text));
            text.at[at] = (char)(text.at[at] ^ (1 << bit));
        }
    rw_text_add(&text, RW_LITERAL("x"));
    refuse(rw_text_span(&text));
    rw_text_free(&text);
    rw_known_drop(&a.use);
    rw_known_drop(&b.use);
}

static void test_notes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const uint64_t lies[][4] = {{UINT64_MAX, 1, 0, 0}, {6, UINT64_MAX, 0, 0}, {7, 1, 0, 0}};
    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        struct rw_text notes = {0}, sealed = {0};
        rw_text_add(&notes, rw_span((const char *)lies[i], sizeof(lies[i])));
        rw_text_adds(&notes, "name a");
        rw_known_seal(rw_text_span(&notes), &sealed);
        refuse(rw_text_span(&sealed));
        rw_text_free(&notes);
        rw_text_free(&sealed);
    }
}

static void test_only_sealed_memory_is_believed(void **state)
{
    (void)state;
    struct rw_known *other = make();
    int fd = store(known), pipes[2];
    assert_true(write(fd, "x", 1) < 0);
    assert_true(ftruncate(fd, 1) < 0);
    char bytes[256];
    ssize_t len = pread(fd, bytes, sizeof(bytes), 0);
    assert_true(len > 0);
    int open_fd = memfd_create("known", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(open_fd, bytes, (size_t)len), len);
    assert_int_equal(rw_known_load(other, open_fd), RW_EPROTO);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(rw_known_load(other, pipes[0]), RW_EPROTO);
    assert_int_equal(rw_known_load(other, -1), RW_EPROTO);
    assert_int_equal(rw_known_load(other, fd), RW_OK);
    close(pipes[0]);
    close(pipes[1]);
    close(open_fd);
    close(fd);
    rw_known_destroy(other);
}

/* ---- A discovery that begins again ---- */

static const char *found_after(const char *note)
{
    struct rw_config_discovery config = {.file = RW_LITERAL("/nowhere/ringway-endpoints")};
    struct rw_clusters *clusters;
    struct rw_cluster *cluster;
    struct holder before;
    static char names[256];
    hold(known, "upstream api: // file /nowhere/ringway-endpoints", &before, note);
    rw_known_changed(&before.use);
    const struct rw_clusters_options options = {.loop = loop, .known = known};
    assert_int_equal(rw_clusters_create(&options, &clusters), RW_OK);
    fixture_begin("api");
    fixture.upstream.discovery = &config;
    fixture_add(1, "10.9.9.9:80");
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_OK);
    snprintf(names, sizeof(names), "%s", fixture_names(cluster));
    rw_cluster_drop(clusters, cluster);
    rw_clusters_destroy(clusters);
    rw_known_drop(&before.use);
    return names;
}

static void test_endpoints_of_before_are_used_until_there_is_an_answer(void **state)
{
    (void)state;
    assert_string_equal(found_after("[{\"address\":\"10.0.0.1:80\",\"weight\":3},"
                                    "{\"address\":\"10.0.0.2:80\",\"weight\":1}]"),
                        "10.0.0.1:80 10.0.0.2:80");
    assert_string_equal(found_after("[]"), "");
}

static void test_rubbish_is_as_good_as_nothing(void **state)
{
    (void)state;
    static const char *const rubbish[] = {
        "",
        "{",
        "{}",
        "5",
        "[5]",
        "[{}]",
        "[null]",
        "[{\"address\":\"10.0.0.1:80\"},{\"address\":\"name.example:80\"}]",
        "[{\"address\":5}]",
        "[{\"address\":\"10.0.0.1:80\"}",
        "[{\"address\":\"10.0.0.1:80\"}] x",
        "\xff\xfe",
    };
    for (size_t i = 0; i < sizeof(rubbish) / sizeof(*rubbish); i++)
        assert_string_equal(found_after(rubbish[i]), "10.9.9.9:80");
}

static void test_addresses_are_read_as_they_were_written_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count; /* 0: it is refused */
    } cases[] = {
        {"10.0.0.1 0 64 app.internal\n", 1},
        {"10.0.0.1 8080 64 a.internal\n2001:db8::1 65535 4294967295 b.internal\n", 2},
        {"", 0},
        {"10.0.0.1 0 64 app.internal", 0},
        {"10.0.0.1 0 64 app.internal\n10.0.0.2", 0},
        {"10.0.0.1 0 64 \n", 0},
        {"10.0.0.1 65536 64 app.internal\n", 0},
        {"10.0.0.1 0 4294967296 app.internal\n", 0},
        {"10.0.0.1 0 -1 app.internal\n", 0},
        {"10.0.0 0 64 app.internal\n", 0},
        {"app.internal 0 64 app.internal\n", 0},
        {"\n", 0},
    };
    static struct rw_resolved found[RW_RESOLVE_ADDRESSES_MAX];
    size_t count;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_text text = {0};
        enum rw_err err = rw_resolve_read_known(rw_span_text(cases[i].text), found, &count);
        if (err != (cases[i].count ? RW_OK : RW_EPROTO))
            fail_msg("%s: %s", cases[i].text, rw_err_text(err));
        if (err)
            continue;
        assert_int_equal(count, cases[i].count);
        rw_resolve_write_known(found, count, &text);
        assert_string_equal(text.at, cases[i].text);
        rw_text_free(&text);
    }
    struct rw_text many = {0};
    for (size_t i = 0; i <= RW_RESOLVE_ADDRESSES_MAX; i++)
        rw_text_adds(&many, "10.0.0.1 0 64 a\n");
    assert_int_equal(rw_resolve_read_known(rw_text_span(&many), found, &count), RW_EPROTO);
    rw_text_free(&many);
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    struct holder a, b;
    hold(known, "name a", &a, "1");
    rw_known_changed(&a.use);
    int fd = store(known);
    enum rw_err err = RW_ENOMEM;
    for (uint64_t nth = 0; err; nth++) {
        struct rw_known *other = make();
        rw_alloc_fail_after(nth);
        err = rw_known_load(other, fd);
        hold(other, "name b", &b, "2");
        rw_known_changed(&b.use);
        int copy = -1;
        if (!err)
            err = rw_known_store(other, &copy);
        rw_alloc_fail_never();
        assert_true(err == RW_OK || err == RW_ENOMEM);
        if (copy >= 0)
            close(copy);
        rw_known_drop(&b.use);
        rw_known_destroy(other);
    }
    close(fd);
    rw_known_drop(&a.use);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(whoever_comes_next_begins_with_what_is_known),
        TEST(without_notes_nothing_is_known),
        TEST(what_changes_is_stored_once_after_a_while),
        TEST(what_could_not_be_stored_is_stored_later),
        TEST(what_nobody_holds_any_more_is_not_stored_any_more),
        TEST(whoever_begins_with_a_note_does_not_follow_yet),
        TEST(another_process_has_all_of_it_with_its_age),
        TEST(ages_are_seen),
        TEST(what_was_cut_or_changed_anywhere_is_refused),
        TEST(notes_that_do_not_fit_are_refused),
        TEST(only_sealed_memory_is_believed),
        TEST(endpoints_of_before_are_used_until_there_is_an_answer),
        TEST(rubbish_is_as_good_as_nothing),
        TEST(addresses_are_read_as_they_were_written_or_not_at_all),
        TEST(every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
