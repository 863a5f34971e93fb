/* The policy `body_size`: announced or not, of a listener or of a route. */
#include "origin/registry.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rw_fixture gate;

static const char yaml[] = "listeners:\n- address: 127.0.0.1:8080\n  limits: { body: 64B }\n"
                           "  policies: [ body_size: { max: 10B } ]\n"
                           "routes:\n"
                           "- { match: /, echo: {} }\n"
                           "- { match: /large, echo: {}, policies: [ body_size: { max: 32B } ] }\n"
                           "- { match: /vain, echo: {}, policies: [ body_size: { max: 1KiB } ] }\n";

/* With its length, or in chunks: then in one piece with the head, or byte by byte. */
static unsigned post(const char *path, size_t bytes, bool announced, size_t piece)
{
    char head[256], length[64] = "Transfer-Encoding: chunked", body[256];
    if (announced)
        snprintf(length, sizeof(length), "Content-Length: %zu", bytes);
    snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", path, length);
    memset(body, 'x', bytes);
    body[bytes] = '\0';
    gate.body_piece = piece;
    rw_fixture_ask(&gate, head, body);
    return gate.status;
}

static void bodies(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t bytes;
        unsigned status;
    } cases[] = {
        {"/", 1, 200},       {"/", 10, 200},      {"/", 11, 413},     {"/large", 11, 200},
        {"/large", 32, 200}, {"/large", 33, 413}, {"/vain", 64, 200}, {"/vain", 65, 413},
    };
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        for (int how = 0; how < 4; how++) {
            unsigned status = post(cases[i].path, cases[i].bytes, how & 1, how & 2 ? 1 : 0);
            if (status != cases[i].status)
                fail_msg("%s, %zu bytes, %d: %u", cases[i].path, cases[i].bytes, how, status);
            if (status == 413)
                assert_string_equal(gate.reason, "request_body_too_large");
        }
    rw_fixture_close(&gate);
}

static void mistakes(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"{}", "max"}, {"{ max: 0B }", "max"}, {"{ max: 10 MB }", "max"}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char text[256];
        snprintf(text, sizeof(text),
                 "listeners:\n- address: 127.0.0.1:8080\n"
                 "routes:\n- { echo: {}, policies: [ body_size: %s ] }\n",
                 wrong[i][0]);
        rw_fixture_expect_mistake(&gate, rw_origin_kinds, rw_policy_kinds, text, wrong[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bodies), cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
