/* Writing heads and chunks: exact bytes, exact room, and what is written is read back as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "http/h1.h"

#include <stdlib.h>

static struct rw_span text(const char *string)
{
    return rw_span_text(string);
}

static void write_everything(struct rw_h1_out *out)
{
    rw_h1_put_request_line(out, text("GET"), text("/a?b"));
    rw_h1_put_field(out, text("Host"), text("a.example"));
    rw_h1_put_field(out, text("X-Empty"), text(""));
    rw_h1_put(out, text("Content-Length: "));
    rw_h1_put_u64(out, 18446744073709551615ull);
    rw_h1_put(out, text("\r\n\r\n"));
    rw_h1_put_status_line(out, 200, text("OK"));
    rw_h1_put_status_line(out, 999, text(""));
}

static const char everything[] = "GET /a?b HTTP/1.1\r\nHost: a.example\r\nX-Empty: \r\n"
                                 "Content-Length: 18446744073709551615\r\n\r\n"
                                 "HTTP/1.1 200 OK\r\nHTTP/1.1 999 \r\n";

/* With any less room it says so, and writes nothing past the end. */
static void needs_exactly_its_room(void **state)
{
    const size_t len = sizeof(everything) - 1;
    (void)state;
    for (size_t room = 0; room <= len; room++) {
        char *at = malloc(room ? room : 1);
        struct rw_h1_out out = {.at = at, .room = room};
        assert_non_null(at);
        write_everything(&out);
        assert_int_equal(out.overflow, room < len);
        if (room == len) {
            assert_int_equal(out.len, len);
            assert_memory_equal(at, everything, len);
        }
        free(at);
    }
}

static void writes_chunk_heads(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *head;
    } cases[] = {
        {0, "0\r\n"},         {1, "1\r\n"},         {15, "f\r\n"},
        {16, "10\r\n"},       {255, "ff\r\n"},      {256, "100\r\n"},
        {0x1a2b, "1a2b\r\n"}, {65536, "10000\r\n"}, {UINT64_MAX, "ffffffffffffffff\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char head[RW_H1_CHUNK_HEAD_MAX];
        size_t len = rw_h1_chunk_head(head, cases[i].bytes);
        assert_true(len <= sizeof(head) && rw_span_is(rw_span(head, len), cases[i].head));
    }
}

static void leaves_out_fields(void **state)
{
    static const char bytes[] = "POST / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nConnection: x-a\r\n"
                                "Content-Length: 5\r\nTE: trailers\r\nAccept: b\r\nX-B: 2\r\n\r\n";
    char room[256];
    struct rw_arena arena;
    struct rw_message message;
    struct rw_h1_head head = {0};
    (void)state;
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 16);
    assert_int_equal(rw_h1_parse_request(rw_span(bytes, sizeof(bytes) - 1), &rw_h1_limits_default,
                                         &arena, &message, &head),
                     RW_H1_COMPLETE);
    struct rw_h1_out out = {.at = room, .room = sizeof(room)};
    rw_h1_put_fields(&out, &message, (struct rw_field_set){0});
    assert_true(rw_span_is(rw_span(room, out.len), "Host: a\r\nAccept: b\r\nX-B: 2\r\n"));
    out = (struct rw_h1_out){.at = room, .room = sizeof(room)};
    rw_h1_put_fields(&out, &message, (struct rw_field_set){RW_FIELD_BIT(RW_FIELD_ACCEPT)});
    assert_true(rw_span_is(rw_span(room, out.len), "Host: a\r\nX-B: 2\r\n"));
    /* The bit of OTHER means nothing: it would take away every field that has no number. */
    out = (struct rw_h1_out){.at = room, .room = sizeof(room)};
    rw_h1_put_fields(&out, &message, (struct rw_field_set){RW_FIELD_BIT(RW_FIELD_OTHER)});
    assert_true(rw_span_is(rw_span(room, out.len), "Host: a\r\nAccept: b\r\nX-B: 2\r\n"));
    rw_arena_free(&arena);
}

/* ---- Round trips: a random message, written and read ---- */

enum { ROUNDS = 20000, FIELDS_MAX = 40, TEXT_MAX = 48 };

struct draft {
    struct rw_random random;
    char names[FIELDS_MAX][TEXT_MAX], values[FIELDS_MAX][TEXT_MAX];
    struct rw_span name[FIELDS_MAX], value[FIELDS_MAX];
    unsigned fields;
    char target[TEXT_MAX];
    struct rw_span target_text;
};

static struct rw_span draw(struct draft *draft, char *to, const char *alphabet, unsigned least)
{
    unsigned len = least + rw_random_below(&draft->random, TEXT_MAX - least);
    unsigned letters = (unsigned)strlen(alphabet);
    for (unsigned i = 0; i < len; i++)
        to[i] = alphabet[rw_random_below(&draft->random, letters)];
    return rw_span(to, len);
}

static void draw_fields(struct draft *draft)
{
    draft->fields = rw_random_below(&draft->random, FIELDS_MAX);
    for (unsigned i = 0; i < draft->fields; i++) {
        /* A number in front keeps a drawn name from being one that the parser has rules for. */
        draft->name[i] = draw(draft, draft->names[i], "AZaz09-_!~", 1);
        draft->names[i][0] = '9';
        draft->value[i] = draw(draft, draft->values[i], "a9 \t:,;\"\\(\x80\xff", 0);
        draft->value[i] = rw_span_trim(draft->value[i]);
    }
}

static void put_draft_fields(struct rw_h1_out *out, const struct draft *draft)
{
    for (unsigned i = 0; i < draft->fields; i++)
        rw_h1_put_field(out, draft->name[i], draft->value[i]);
    rw_h1_put(out, text("\r\n"));
    assert_false(out->overflow);
}

static void assert_draft_fields(const struct rw_message *message, const struct draft *draft,
                                unsigned before)
{
    assert_int_equal(message->field_count, before + draft->fields);
    for (unsigned i = 0; i < draft->fields; i++) {
        assert_true(rw_span_eq(message->fields[before + i].name, draft->name[i]));
        assert_true(rw_span_eq(message->fields[before + i].value, draft->value[i]));
    }
}

static void round_trip_request(struct draft *draft)
{
    char room[FIELDS_MAX * TEXT_MAX * 3];
    struct rw_h1_out out = {.at = room, .room = sizeof(room)};
    struct rw_arena arena;
    struct rw_message message;
    struct rw_h1_head head = {0};
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 16);
    draw_fields(draft);
    draft->target_text = draw(draft, draft->target, "/aZ0-._~;,=@:!$&'()*+?", 1);
    draft->target[0] = '/';
    rw_h1_put_request_line(&out, text("PUT"), draft->target_text);
    rw_h1_put_field(&out, text("Host"), text("a.example:81"));
    put_draft_fields(&out, draft);
    assert_int_equal(
        rw_h1_parse_request(rw_span(room, out.len), &rw_h1_limits_default, &arena, &message, &head),
        RW_H1_COMPLETE);
    assert_int_equal(head.consumed, out.len);
    assert_int_equal(message.method, RW_METHOD_PUT);
    assert_true(rw_span_eq(message.target, draft->target_text));
    assert_int_equal(message.path.len + (message.query.at ? 1 + message.query.len : 0),
                     message.target.len);
    assert_draft_fields(&message, draft, 1);
    rw_arena_free(&arena);
}

static void round_trip_response(struct draft *draft)
{
    char room[FIELDS_MAX * TEXT_MAX * 3];
    struct rw_h1_out out = {.at = room, .room = sizeof(room)};
    struct rw_arena arena;
    struct rw_message message;
    struct rw_h1_head head = {0};
    unsigned status = 200 + rw_random_below(&draft->random, 400);
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 16);
    draw_fields(draft);
    rw_h1_put_status_line(&out, status, text(rw_status_reason(status)));
    put_draft_fields(&out, draft);
    assert_int_equal(rw_h1_parse_response(rw_span(room, out.len), &rw_h1_limits_default,
                                          RW_METHOD_GET, &arena, &message, &head),
                     RW_H1_COMPLETE);
    assert_int_equal(head.consumed, out.len);
    assert_int_equal(message.status, status);
    assert_true(rw_span_is(message.reason, rw_status_reason(status)));
    assert_draft_fields(&message, draft, 0);
    rw_arena_free(&arena);
}

static void reads_back_what_it_wrote(void **state)
{
    static struct draft draft;
    (void)state;
    rw_random_seed(&draft.random, 9112);
    for (unsigned i = 0; i < ROUNDS; i++) {
        round_trip_request(&draft);
        round_trip_response(&draft);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needs_exactly_its_room),
        cmocka_unit_test(writes_chunk_heads),
        cmocka_unit_test(leaves_out_fields),
        cmocka_unit_test(reads_back_what_it_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
