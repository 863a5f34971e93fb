/* The health check of gRPC as bytes. */
#include "http/grpc_health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define BODY(text) rw_span((text), sizeof(text) - 1)

static void questions(void **unused)
{
    (void)unused;
    char body[RW_GRPC_HEALTH_REQUEST_BYTES_MAX], name[RW_GRPC_SERVICE_BYTES_MAX];
    assert_int_equal(rw_grpc_health_request(body, RW_LITERAL("")), 5);
    assert_memory_equal(body, "\0\0\0\0\0", 5);
    assert_int_equal(rw_grpc_health_request(body, RW_LITERAL("a.B")), 10);
    assert_memory_equal(body, "\0\0\0\0\5\x0a\3a.B", 10);
    memset(name, 'x', sizeof(name));
    assert_int_equal(rw_grpc_health_request(body, rw_span(name, 127)), 5 + 2 + 127);
    assert_memory_equal(body, "\0\0\0\0\x81\x0a\x7fx", 8);
    assert_int_equal(rw_grpc_health_request(body, rw_span(name, 128)), 5 + 3 + 128);
    assert_memory_equal(body, "\0\0\0\0\x83\x0a\x80\x01x", 9);
    assert_int_equal(rw_grpc_health_request(body, rw_span(name, 256)), sizeof(body));
    assert_memory_equal(body, "\0\0\0\1\3\x0a\x80\x02x", 9);
}

static void answers(void **unused)
{
    (void)unused;
    const struct {
        struct rw_span body;
        enum rw_grpc_health health;
    } cases[] = {
        {BODY("\0\0\0\0\0"), RW_GRPC_HEALTH_UNKNOWN},
        {BODY("\0\0\0\0\2\x08\0"), RW_GRPC_HEALTH_UNKNOWN},
        {BODY("\0\0\0\0\2\x08\1"), RW_GRPC_HEALTH_SERVING},
        {BODY("\0\0\0\0\2\x08\2"), RW_GRPC_HEALTH_NOT_SERVING},
        {BODY("\0\0\0\0\2\x08\3"), RW_GRPC_HEALTH_SERVICE_UNKNOWN},
        {BODY("\0\0\0\0\2\x08\4"), RW_GRPC_HEALTH_UNKNOWN},       /* of a later version */
        {BODY("\0\0\0\0\4\x08\2\x08\1"), RW_GRPC_HEALTH_SERVING}, /* the last one counts */
        {BODY("\0\0\0\0\x9\x12\3abc\x18\x7f\x08\1"), RW_GRPC_HEALTH_SERVING},
        {BODY("\0\0\0\0\3\x08\x81\0"), RW_GRPC_HEALTH_SERVING},
        {BODY(""), RW_GRPC_HEALTH_BAD},
        {BODY("\0\0\0\0"), RW_GRPC_HEALTH_BAD},
        {BODY("\1\0\0\0\2\x08\1"), RW_GRPC_HEALTH_BAD}, /* compressed, which nobody asked for */
        {BODY("\0\0\0\0\3\x08\1"), RW_GRPC_HEALTH_BAD},
        {BODY("\0\0\0\0\1\x08\1"), RW_GRPC_HEALTH_BAD},
        {BODY("\0\0\0\0\1\x08"), RW_GRPC_HEALTH_BAD},
        {BODY("\0\0\0\0\2\x08\x81"), RW_GRPC_HEALTH_BAD},
        {BODY("\0\0\0\0\2\x12\1"), RW_GRPC_HEALTH_BAD},
        {BODY("\0\0\0\0\5\x0d\1\0\0\0"), RW_GRPC_HEALTH_BAD},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (rw_grpc_health_answer(cases[i].body) != cases[i].health)
            fail_msg("case %zu: %s", i, rw_grpc_health_text(rw_grpc_health_answer(cases[i].body)));
}

static void statuses(void **unused)
{
    (void)unused;
    uint64_t status = 99;
    assert_true(rw_grpc_status_of(RW_LITERAL("a: b\r\nGrpc-Status: 12\r\n"), &status));
    assert_int_equal(status, 12);
    assert_true(rw_grpc_status_of(RW_LITERAL("grpc-status:0\r\ngrpc-message: x\r\n"), &status));
    assert_int_equal(status, 0);
    assert_false(rw_grpc_status_of(RW_LITERAL("grpc-status: x\r\n"), &status));
    assert_false(rw_grpc_status_of(RW_LITERAL("grpc-status-details: 1\r\n"), &status));
    assert_false(rw_grpc_status_of(RW_LITERAL(""), &status));
    assert_false(rw_grpc_status_of((struct rw_span){0}, &status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions),
        cmocka_unit_test(answers),
        cmocka_unit_test(statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
