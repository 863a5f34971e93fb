/* Releases: shares of requests and users, who stays when shares change, and mistakes in the file.
 */
#include "base/random.h"
#include "gate/release/draw.h"
#include "gate/release/release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { USERS = 20000 };

/* ---- Shares ---- */

static void requests_follow_the_weights(void **state)
{
    (void)state;
    static const double weights[] = {90, 0, 9, 1};
    unsigned drawn[4] = {0};
    struct rw_random random;
    rw_random_seed(&random, 7);
    for (int i = 0; i < 100000; i++)
        drawn[rw_release_draw(weights, 4, rw_random_u64(&random))]++;
    assert_in_range(drawn[0], 89500, 90500);
    assert_int_equal(drawn[1], 0);
    assert_in_range(drawn[2], 8700, 9300);
    assert_in_range(drawn[3], 900, 1100);
}

static void the_ends_of_the_range_are_drawn_too(void **state)
{
    (void)state;
    static const double weights[] = {0, 1, 3, 0};
    assert_int_equal(rw_release_draw(weights, 4, 0), 1);
    assert_int_equal(rw_release_draw(weights, 4, UINT64_MAX), 2);
}

/* ---- Users ---- */

struct release {
    struct rw_config_release config;
    struct rw_config_sticky sticky;
    struct rw_config_version names[3];
    struct rw_release_version versions[3];
    struct rw_release release;
};

static void make(struct release *made, const char *salt)
{
    static const char *const names[] = {"stable", "canary", "next"};
    *made = (struct release){.sticky.salt = rw_span_text(salt)};
    made->config.sticky = &made->sticky;
    made->release = (struct rw_release){.route = RW_LITERAL("shop"),
                                        .config = &made->config,
                                        .versions = made->versions,
                                        .count = 3};
    for (unsigned i = 0; i < 3; i++) {
        made->names[i].name = rw_span_text(names[i]);
        made->versions[i].config = &made->names[i];
    }
    rw_release_prepare(&made->release);
}

static void weigh(struct release *made, uint32_t stable, uint32_t canary, uint32_t next)
{
    made->names[0].weight = stable;
    made->names[1].weight = canary;
    made->names[2].weight = next;
}

static unsigned version_of(const struct release *made, unsigned user)
{
    char name[32];
    int len = snprintf(name, sizeof(name), "user-%u", user);
    return rw_release_for_user(&made->release, rw_span(name, (size_t)len));
}

static void users_have_the_shares_of_the_weights(void **state)
{
    (void)state;
    struct release made;
    unsigned drawn[3] = {0};
    make(&made, "");
    weigh(&made, 70, 25, 5);
    for (unsigned user = 0; user < USERS; user++)
        drawn[version_of(&made, user)]++;
    assert_in_range(drawn[0], USERS * 69 / 100, USERS * 71 / 100);
    assert_in_range(drawn[1], USERS * 24 / 100, USERS * 26 / 100);
    assert_in_range(drawn[2], USERS * 45 / 1000, USERS * 55 / 1000);
}

/* Whoever is in stays, and nobody moves between the others. */
static void users_only_move_to_what_grows(void **state)
{
    (void)state;
    static const uint32_t stages[] = {1, 5, 25, 50, 100};
    static unsigned before[USERS];
    struct release made;
    make(&made, "");
    weigh(&made, 60, 0, 40);
    for (unsigned user = 0; user < USERS; user++)
        before[user] = version_of(&made, user);
    for (size_t stage = 0; stage < sizeof(stages) / sizeof(*stages); stage++) {
        weigh(&made, 60 * (100 - stages[stage]), 100 * stages[stage], 40 * (100 - stages[stage]));
        unsigned in = 0;
        for (unsigned user = 0; user < USERS; user++) {
            unsigned now = version_of(&made, user);
            assert_true(now == before[user] || now == 1);
            before[user] = now;
            in += now == 1;
        }
        assert_in_range(in * 100, USERS * stages[stage] * 9 / 10, USERS * stages[stage] * 11 / 10);
    }
}

static unsigned both(const struct release *a, const struct release *b)
{
    unsigned count = 0;
    for (unsigned user = 0; user < USERS; user++)
        count += version_of(a, user) == 1 && version_of(b, user) == 1;
    return count;
}

static void the_salt_says_who(void **state)
{
    (void)state;
    struct release first, same, other;
    make(&first, "spring");
    make(&same, "spring");
    make(&other, "summer");
    same.release.route = RW_LITERAL("basket");
    weigh(&first, 90, 10, 0);
    weigh(&same, 90, 10, 0);
    weigh(&other, 90, 10, 0);
    assert_in_range(both(&first, &same), USERS * 9 / 100, USERS * 11 / 100);
    assert_in_range(both(&first, &other), USERS * 5 / 1000, USERS * 15 / 1000); /* by chance */
}

/* ---- Mistakes ---- */

static const struct rw_conf_variant_kind release_kind = {.name = "release",
                                                         .record = &rw_config_release_record,
                                                         .doc = "Versions."};
static const struct rw_conf_variant_kind *const actions[] = {&release_kind, NULL};
static const struct rw_conf_variant_kind *const policies[] = {NULL};

static void expect(const char *release, const char *printed)
{
    struct rw_arena arena;
    struct rw_conf_report report = {0};
    struct rw_config *config;
    struct rw_text yaml = {0}, told = {0};
    rw_config_register(actions, policies);
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 22);
    rw_text_addf(&yaml,
                 "listeners: \":1\"\n"
                 "upstreams: [{name: a, endpoints: a:1}, {name: b, endpoints: b:1}]\n"
                 "routes:\n"
                 "  - release:\n%s",
                 release);
    if (rw_config_load_text(rw_text_span(&yaml), "gateway.yaml", &arena, &config, &report))
        rw_conf_report_print(&report, &told);
    assert_string_equal(told.at ? told.at : "", printed);
    rw_text_free(&yaml);
    rw_text_free(&told);
    rw_arena_free(&arena);
}

#define VERSIONS "      versions: [{name: one, upstream: a}, {name: two, upstream: b}]\n"
#define AT "gateway.yaml:"
#define PATH "routes[0].release."

static void what_is_right(void **state)
{
    (void)state;
    expect(VERSIONS, "");
    expect(VERSIONS "      rules: [{header: X-A, value: x, version: one}, {header: X-A, version: "
                    "two}, {cookie: X-A, version: one}]\n"
                    "      sticky: {on: cookie, name: session}\n",
           "");
}

static void mistakes_of_versions(void **state)
{
    (void)state;
    expect("      versions: [{name: one, upstream: a, weight: 0}, {name: two, upstream: b, weight: "
           "0}]\n",
           AT "5:17: " PATH "versions: every version has the weight 0: none would get a request\n");
    expect("      versions: [{name: one, upstream: a}]\n",
           AT "5:17: " PATH "versions: expected from 2 to 16 versions, not 1\n");
    expect("      versions: [{name: one, upstream: a}, {name: two, upstream: a}]\n",
           AT "5:66: " PATH "versions[1].upstream: the version \"one\" has this upstream already: "
              "they would be one\n");
    expect("      versions: [{name: one, upstream: a}, {name: two, upstream: c}]\n",
           AT "5:66: " PATH "versions[1].upstream: unknown upstream \"c\"\n");
    expect("      versions: [{name: one, upstream: a}, {name: one, upstream: b}]\n",
           AT "5:51: " PATH "versions[1].name: the name \"one\" is taken already, in line 5\n");
}

static void mistakes_of_rules(void **state)
{
    (void)state;
    expect(VERSIONS "      rules: [{header: X-A, version: tow}]\n",
           AT "6:38: " PATH "rules[0].version: unknown version \"tow\"; did you mean \"two\"?\n");
    expect(VERSIONS "      rules: [{version: two}]\n",
           AT "6:15: " PATH "rules[0]: expected one of \"header\", \"cookie\", \"query\"\n");
    expect(VERSIONS "      rules: [{header: X-A, cookie: b, version: two}]\n",
           AT "6:24: " PATH
              "rules[0].header: a rule looks at one thing: header, cookie or query parameter\n");
    expect(VERSIONS "      rules: [{header: X-A, version: one}, {header: x-a, value: y, version: "
                    "two}]\n",
           AT "6:53: " PATH "rules[1].header: the rule in line 6 takes all these requests already, "
              "to the version \"one\"\n");
    expect(VERSIONS "      rules: [{header: \"X A\", version: one}]\n",
           AT "6:24: " PATH "rules[0].header: \"X A\" is no name of a field\n");
    expect(VERSIONS "      sticky: {on: cookie}\n",
           AT "6:20: " PATH "sticky.on: \"name\" is missing: which cookie?\n");
}

static void mistakes_of_rollouts(void **state)
{
    (void)state;
    expect(VERSIONS "      rollout: {version: two}\n", "");
    expect(VERSIONS "      rollout: {version: two, automatic: false, stages: 100}\n", "");
    expect(VERSIONS "      rollout: {version: three}\n",
           AT "6:26: " PATH "rollout.version: unknown version \"three\"\n");
    expect(VERSIONS "      rollout: {version: two, against: two}\n",
           AT "6:40: " PATH "rollout.against: a version is not compared with itself\n");
    expect(VERSIONS "      rollout: {version: two, stages: [5, 5, 50]}\n",
           AT "6:39: " PATH "rollout.stages: the last stage has to be 100\n" AT "6:43: " PATH
              "rollout.stages[1]: not more than the stage before, which is 5\n");
    expect(VERSIONS "      rollout: {version: two, stages: [100]}\n",
           AT "6:39: " PATH "rollout.stages: an automatic rollout needs a stage below 100, to "
              "compare the versions in\n");
    expect(VERSIONS "      rollout: {version: two, false_alarms: \"50%\", error_tolerance: 1}\n",
           AT "6:45: " PATH "rollout.false_alarms: expected a share from 0.01% to 20%, not "
              "\"50%\"\n" AT "6:69: " PATH
              "rollout.error_tolerance: expected a share from 0% to 100%, not \"1\"\n");
    expect("      versions: [{name: one, upstream: a}, {name: two, upstream: b, weight: 5}]\n"
           "      rollout: {version: two}\n",
           AT "5:77: " PATH "versions[1].weight: \"weight\" has no effect: the share of \"two\" is "
              "the rollout's\n");
    expect("      versions: [{name: one, upstream: a, weight: 0}, {name: two, upstream: b}]\n"
           "      rollout: {version: two}\n",
           AT "6:26: " PATH "rollout.version: it is compared with \"one\", which gets no request: "
              "its weight is 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_follow_the_weights),
        cmocka_unit_test(the_ends_of_the_range_are_drawn_too),
        cmocka_unit_test(users_have_the_shares_of_the_weights),
        cmocka_unit_test(users_only_move_to_what_grows),
        cmocka_unit_test(the_salt_says_who),
        cmocka_unit_test(what_is_right),
        cmocka_unit_test(mistakes_of_versions),
        cmocka_unit_test(mistakes_of_rules),
        cmocka_unit_test(mistakes_of_rollouts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
