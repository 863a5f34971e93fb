/* The policy `grpc_web` between a client of text mode and an origin that speaks gRPC: heads, bodies
 * in pieces of any size, refusals, and every allocation that fails. */
#include "base/alloc.h"
#include "base/base64.h"
#include "gate/exchange/origin.h"
#include "http/grpc_web.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct rw_fixture gate;

/* ---- An origin: keeps the request, answers in pieces ---- */

static struct {
    char got[4096];
    size_t got_bytes;
    const char *type;   /* of the answer */
    const char *status; /* in its head; NULL: in the trailers */
    struct rw_span body, trailers;
    size_t step;
    struct rw_span rest;
    bool canceled;
} call;

static bool next_piece(struct rw_exchange *x, struct rw_piece *piece)
{
    size_t len = call.step < call.rest.len ? call.step : call.rest.len;
    *piece = (struct rw_piece){.data = rw_span(call.rest.at, len), .end = len == call.rest.len};
    call.rest = rw_span_skip(call.rest, len);
    if (piece->end)
        x->response_trailers = call.trailers;
    return piece->end;
}

static enum rw_flow go_on(struct rw_exchange *x)
{
    struct rw_piece piece;
    enum rw_flow flow = RW_FLOW_GO;
    for (bool end = false; flow == RW_FLOW_GO && !end;) {
        end = next_piece(x, &piece);
        flow = rw_exchange_response_data(x, &piece);
        if (end)
            flow = RW_FLOW_OVER;
    }
    return flow;
}

static void response_resume(struct rw_exchange *x)
{
    go_on(x);
}

static enum rw_flow answer(struct rw_exchange *x)
{
    struct rw_message *response = &x->response;
    struct rw_piece first;
    enum rw_err err = RW_OK;
    *response = (struct rw_message){.status = 200, .body_kind = RW_BODY_CHUNKED};
    call.rest = call.body;
    err = rw_message_add(response, &x->arena, RW_LITERAL("Content-Type"), rw_span_text(call.type));
    if (!err && call.status)
        err = rw_message_add(response, &x->arena, RW_LITERAL("grpc-status"),
                             rw_span_text(call.status));
    if (err) {
        rw_exchange_fail(x, RW_REASON_EXCHANGE_LIMIT, NULL);
        return RW_FLOW_OVER;
    }
    if (call.body.len == 0 && call.trailers.len == 0)
        response->body_kind = RW_BODY_NONE;
    next_piece(x, &first);
    enum rw_flow flow = rw_exchange_respond(x, &first);
    return flow == RW_FLOW_GO ? go_on(x) : flow;
}

static enum rw_flow request_data(struct rw_exchange *x, const struct rw_piece *piece)
{
    assert_true(call.got_bytes + piece->data.len <= sizeof(call.got));
    if (piece->data.len)
        memcpy(call.got + call.got_bytes, piece->data.at, piece->data.len);
    call.got_bytes += piece->data.len;
    return piece->end ? answer(x) : RW_FLOW_GO;
}

static enum rw_flow start(struct rw_exchange *x, void *instance, const struct rw_piece *first)
{
    (void)instance;
    call.got_bytes = 0;
    call.canceled = false;
    return request_data(x, first);
}

static void cancel(struct rw_exchange *x)
{
    (void)x;
    call.canceled = true;
}

static enum rw_err compile(struct rw_compile *compile, const void *config, void **instance)
{
    (void)compile, (void)config;
    *instance = NULL;
    return RW_OK;
}

static const struct rw_origin origin = {
    .kind = {.name = "orders", .doc = "For tests.", .user = &origin},
    .compile = compile,
    .start = start,
    .request_data = request_data,
    .response_resume = response_resume,
    .cancel = cancel,
};

static const struct rw_conf_variant_kind *const origins[] = {&origin.kind, NULL};

/* ---- Asking ---- */

#define TWO_MESSAGES "\0\0\0\0\4milk\0\0\0\0\5sugar"
#define TRAILERS "Grpc-Status: 0\r\nX-Mood: Good\r\n"
#define LAST_FRAME "\x80\0\0\0\x1egrpc-status: 0\r\nx-mood: Good\r\n"

static void set_answer(struct rw_span body, struct rw_span trailers)
{
    call.type = "application/grpc+proto";
    call.status = NULL;
    call.body = body;
    call.trailers = trailers;
    call.step = 1000;
}

static int set_up(void **state)
{
    (void)state;
    rw_fixture_open(&gate, origins, rw_policy_kinds,
                    "listeners:\n- address: 127.0.0.1:8080\n"
                    "routes:\n- orders: x\n  policies: [ grpc_web: { message_max: 100 } ]\n");
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
    set_answer(rw_span(TWO_MESSAGES, sizeof(TWO_MESSAGES) - 1), RW_LITERAL(TRAILERS));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rw_fixture_close(&gate);
    return 0;
}

static void ask(const char *fields, const char *body)
{
    char head[1024];
    snprintf(head, sizeof(head),
             "POST /shop.Orders/Get HTTP/1.1\r\nHost: a.test\r\n%sContent-Length: %zu\r\n\r\n",
             fields, strlen(body));
    rw_fixture_ask(&gate, head, body);
}

#define TEXT "Content-Type: application/grpc-web-text+proto\r\n"
/* A message of one byte, and one of none. */
#define QUESTION "AAAAAAFhAAAAAAA="
#define PLAIN_QUESTION "\0\0\0\0\1a\0\0\0\0\0"

/* The answer's body out of Base64. */
static struct rw_span decoded(void)
{
    static char bytes[4096];
    struct rw_base64_decoder decoder = {0};
    struct rw_span text = rw_text_span(&gate.body);
    size_t written = 0;
    if (text.len)
        assert_true(rw_base64_decode(&decoder, &text, bytes, sizeof(bytes), &written));
    assert_true(rw_base64_decoded(&decoder));
    return rw_span(bytes, written);
}

#define expect_bytes(got, text) assert_true(rw_span_eq(got, rw_span(text, sizeof(text) - 1)))

static void expect_good(void)
{
    assert_int_equal(gate.status, 200);
    assert_true(gate.ended && !gate.aborted);
    assert_string_equal(rw_fixture_field(&gate, "Content-Type"), "application/grpc-web-text+proto");
    expect_bytes(decoded(), TWO_MESSAGES LAST_FRAME);
    expect_bytes(rw_span(call.got, call.got_bytes), PLAIN_QUESTION);
}

/* ---- Tests ---- */

static void text_in_pieces(void **unused)
{
    (void)unused;
    for (unsigned hold = 0; hold < 2; hold++)
        for (size_t step = 1; step < 30; step++)
            for (size_t piece = 0; piece < 18; piece++) {
                gate.hold = hold;
                gate.body_piece = piece;
                call.step = step;
                ask(TEXT, QUESTION);
                expect_good();
            }
    assert_int_equal(rw_metrics_total(gate.metrics, RW_COUNTER_GRPC_WEB_CALLS), 2 * 29 * 18);
}

static void heads_of_requests(void **unused)
{
    (void)unused;
    ask(TEXT "Accept: application/grpc-web-text\r\nTE: gzip\r\nX-Grpc-Web: 1\r\n", QUESTION);
    expect_good();
    assert_string_equal(rw_fixture_request_field(&gate, "Content-Type"), "application/grpc+proto");
    assert_string_equal(rw_fixture_request_field(&gate, "TE"), "trailers");
    assert_string_equal(rw_fixture_request_field(&gate, "Accept"), "");
    assert_string_equal(rw_fixture_request_field(&gate, "X-Grpc-Web"), "1");
}

static void accept_decides(void **unused)
{
    (void)unused;
    ask(TEXT "Accept: application/grpc-web\r\n", QUESTION);
    assert_string_equal(rw_fixture_field(&gate, "Content-Type"), "application/grpc-web+proto");
    expect_bytes(rw_text_span(&gate.body), TWO_MESSAGES LAST_FRAME);
    gate.hold = true;
    call.step = 3;
    ask(TEXT "Accept: application/grpc-web\r\n", QUESTION);
    expect_bytes(rw_text_span(&gate.body), TWO_MESSAGES LAST_FRAME);
    ask(TEXT "Accept: */*\r\n", QUESTION);
    expect_good();
}

static void answers_of_other_kinds(void **unused)
{
    (void)unused;
    const struct rw_span none = {0};
    set_answer(none, RW_LITERAL("grpc-status: 5\r\n"));
    ask(TEXT, QUESTION);
    expect_bytes(decoded(), "\x80\0\0\0\x10grpc-status: 5\r\n");
    /* Nothing is told at all. */
    set_answer(RW_LITERAL("\0\0\0\0\0x"), none);
    call.body.len = 5;
    ask(TEXT, QUESTION);
    struct rw_span body = decoded();
    assert_true(body.len > 20 && memcmp(body.at + 10, "grpc-status: 2\r\n", 16) == 0);
    /* The head is all there is. */
    set_answer(none, none);
    call.status = "7";
    ask(TEXT, QUESTION);
    assert_string_equal(rw_fixture_field(&gate, "grpc-status"), "7");
    assert_string_equal(rw_fixture_field(&gate, "Content-Type"), "application/grpc-web-text+proto");
    assert_int_equal(gate.body.len, 0);
    /* It is none of gRPC. */
    set_answer(RW_LITERAL("<p>sorry"), none);
    call.type = "text/html";
    ask(TEXT, QUESTION);
    assert_string_equal(rw_fixture_field(&gate, "Content-Type"), "text/html");
    assert_string_equal(rw_fixture_body(&gate), "<p>sorry");
}

static void requests_of_other_kinds(void **unused)
{
    (void)unused;
    ask("Content-Type: application/grpc\r\nAccept: a/b\r\n", QUESTION);
    assert_string_equal(rw_fixture_field(&gate, "Content-Type"), "application/grpc+proto");
    assert_string_equal(rw_fixture_request_field(&gate, "Accept"), "a/b");
    expect_bytes(rw_span(call.got, call.got_bytes), QUESTION);
    expect_bytes(rw_text_span(&gate.body), TWO_MESSAGES);
    assert_int_equal(rw_metrics_total(gate.metrics, RW_COUNTER_GRPC_WEB_CALLS), 0);
}

static void refusals(void **unused)
{
    (void)unused;
    static const struct {
        const char *body, *status, *reason;
    } cases[] = {
        {"AAAAAAFhAAAAAAA", "13", "grpc_web_malformed"},  /* Base64 that is cut */
        {"AAAAAAFhAAAA****", "13", "grpc_web_malformed"}, /* no Base64 */
        {"AAAAAAFh", "", ""},                             /* good: one message */
        {"AAAAAAFhAAAA", "13", "grpc_web_malformed"},     /* a message that is cut */
        {"AgAAAAA=", "13", "grpc_web_malformed"},         /* unknown flags */
        {"AAAAAGU=", "8", "request_body_too_large"},      /* 101 bytes announced */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        for (gate.body_piece = 0; gate.body_piece < 17; gate.body_piece += 4) {
            ask(TEXT, cases[i].body);
            assert_int_equal(gate.status, 200);
            assert_string_equal(gate.reason, cases[i].reason);
            assert_string_equal(rw_fixture_field(&gate, "grpc-status"), cases[i].status);
            assert_string_equal(rw_fixture_field(&gate, "Content-Type"),
                                "application/grpc-web-text+proto");
        }
    assert_true(rw_metrics_total(gate.metrics, RW_COUNTER_GRPC_WEB_REFUSED) > 0);
}

/* An origin's body that is no row of messages goes on as it is, however it is cut, and nothing is
 * written beside the place where heads of messages are gathered. */
static void flawed_answers(void **unused)
{
    (void)unused;
    char body[300];
    memset(body, 100, sizeof(body));
    struct {
        struct rw_grpc_frames frames;
        char behind[300];
    } room = {0};
    for (size_t i = 0; i < sizeof(body); i++)
        assert_int_equal(rw_grpc_frames_pass(&room.frames, rw_span(body + i, 1), 0),
                         RW_GRPC_FRAMES_BAD_FLAGS);
    assert_false(rw_grpc_frames_whole(&room.frames));
    for (size_t i = 0; i < sizeof(room.behind); i++)
        assert_int_equal(room.behind[i], 0);
    set_answer(rw_span(body, sizeof(body)), RW_LITERAL(TRAILERS));
    call.step = 1;
    ask(TEXT, QUESTION);
    struct rw_span got = decoded();
    assert_true(gate.ended && !gate.aborted);
    assert_int_equal(got.len, sizeof(body) + sizeof(LAST_FRAME) - 1);
    assert_memory_equal(got.at, body, sizeof(body));
}

static void without_memory(void **unused)
{
    (void)unused;
    unsigned good = 0;
    gate.body_piece = 5;
    call.step = 3;
    for (uint64_t n = 1; n < 40; n++) {
        gate.fail_after = n;
        ask(TEXT, QUESTION);
        gate.fail_after = 0;
        if (gate.ended && !gate.aborted && !*gate.reason) {
            expect_good();
            good++;
        } else {
            assert_true(gate.aborted || *gate.reason);
        }
    }
    assert_true(good > 0 && good < 39);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_in_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(heads_of_requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(accept_decides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_of_other_kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_of_other_kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flawed_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
