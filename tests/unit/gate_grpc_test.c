/* gRPC: what is a call, how long it may take, and what it is told. */
#include "base/arena.h"
#include "gate/exchange/grpc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct rw_arena arena;

static struct rw_message message_with(const char *name, const char *value)
{
    struct rw_message message = {0};
    assert_int_equal(rw_message_add(&message, &arena, rw_span_text(name), rw_span_text(value)),
                     RW_OK);
    return message;
}

static bool call(const char *type)
{
    struct rw_message message = message_with("Content-Type", type);
    return rw_grpc_call(&message);
}

static uint64_t timeout(const char *value)
{
    struct rw_message message = message_with("grpc-timeout", value);
    return rw_grpc_timeout_ms(&message);
}

static void calls(void **unused)
{
    (void)unused;
    const struct rw_message none = {0};
    assert_true(call("application/grpc"));
    assert_true(call("Application/gRPC"));
    assert_true(call("application/grpc+proto"));
    assert_true(call("application/grpc-web+proto"));
    assert_true(call("application/grpc; charset=x"));
    assert_false(call("application/grpcx"));
    assert_false(call("application/json"));
    assert_false(call("application/grp"));
    assert_false(rw_grpc_call(&none));
}

static void timeouts(void **unused)
{
    (void)unused;
    const struct rw_message none = {0};
    assert_int_equal(timeout("1H"), 3600000);
    assert_int_equal(timeout("2M"), 120000);
    assert_int_equal(timeout("10S"), 10000);
    assert_int_equal(timeout("250m"), 250);
    assert_int_equal(timeout("2500u"), 2);
    assert_int_equal(timeout("99999999u"), 99999);
    assert_int_equal(timeout("3000000n"), 3);
    assert_int_equal(timeout("1n"), 1);
    assert_int_equal(timeout("0S"), 1);
    assert_int_equal(timeout("720H"), 720 * 3600000ll);
    static const char *const no_timeouts[] = {
        "", "S", "5", "5s", "5 S", "-5S", "5.5S", "5SS", "721H", "99999999H", "123456789S"};
    for (size_t i = 0; i < sizeof(no_timeouts) / sizeof(*no_timeouts); i++)
        assert_true(timeout(no_timeouts[i]) == UINT64_MAX);
    assert_true(rw_grpc_timeout_ms(&none) == UINT64_MAX);
}

static void statuses(void **unused)
{
    (void)unused;
    assert_int_equal(rw_grpc_status(RW_REASON_NONE, 400), RW_GRPC_INTERNAL);
    assert_int_equal(rw_grpc_status(RW_REASON_NONE, 401), RW_GRPC_UNAUTHENTICATED);
    assert_int_equal(rw_grpc_status(RW_REASON_NONE, 403), RW_GRPC_PERMISSION_DENIED);
    assert_int_equal(rw_grpc_status(RW_REASON_NO_ROUTE, 404), RW_GRPC_UNIMPLEMENTED);
    assert_int_equal(rw_grpc_status(RW_REASON_NONE, 429), RW_GRPC_UNAVAILABLE);
    assert_int_equal(rw_grpc_status(RW_REASON_UPSTREAM_RESET, 502), RW_GRPC_UNAVAILABLE);
    assert_int_equal(rw_grpc_status(RW_REASON_NO_ENDPOINT, 503), RW_GRPC_UNAVAILABLE);
    assert_int_equal(rw_grpc_status(RW_REASON_CONNECT_TIMEOUT, 504), RW_GRPC_UNAVAILABLE);
    assert_int_equal(rw_grpc_status(RW_REASON_TOTAL_TIMEOUT, 504), RW_GRPC_DEADLINE_EXCEEDED);
    assert_int_equal(rw_grpc_status(RW_REASON_FIRST_BYTE_TIMEOUT, 504), RW_GRPC_DEADLINE_EXCEEDED);
    assert_int_equal(rw_grpc_status(RW_REASON_MEMORY, 503), RW_GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(rw_grpc_status(RW_REASON_BODY_TOO_LARGE, 413), RW_GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(rw_grpc_status(RW_REASON_FILTER, 500), RW_GRPC_UNKNOWN);
}

static int begin(void **unused)
{
    (void)unused;
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 20);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    rw_arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls),
        cmocka_unit_test(timeouts),
        cmocka_unit_test(statuses),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
