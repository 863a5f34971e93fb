/* What the fuzzers of request and response heads have in common. The first byte of an input says in
 * which pieces the rest comes; then it must hold that
 *   - the verdict and the message are the same whole and in pieces;
 *   - what is accepted obeys the grammar and is written out to what parses to the same again.
 */
#ifndef RW_TESTS_H1_HEAD_FUZZ_H
#define RW_TESTS_H1_HEAD_FUZZ_H

#include "http/h1.h"

#include <stdlib.h>

enum { OUT_BYTES = 64 * 1024 };

typedef enum rw_h1_result parse_head(struct rw_span bytes, struct rw_arena *arena,
                                     struct rw_message *message, struct rw_h1_head *head);

/* One reading of the input, in memory of its own. */
struct reading {
    char *bytes;
    struct rw_arena arena;
    struct rw_message message;
    struct rw_h1_head head;
    enum rw_h1_result result;
};

static void reading_end(struct reading *reading)
{
    rw_arena_free(&reading->arena);
    free(reading->bytes);
}

/* The first `len` bytes, in a block of exactly their size. */
static void read_prefix(parse_head *parse, struct reading *reading, struct rw_span input,
                        size_t len)
{
    reading->bytes = malloc(len ? len : 1);
    if (!reading->bytes)
        abort();
    if (len)
        memcpy(reading->bytes, input.at, len);
    rw_arena_init(&reading->arena, NULL, 0, 2048, 1 << 20);
    reading->result =
        parse(rw_span(reading->bytes, len), &reading->arena, &reading->message, &reading->head);
}

static void read_in_pieces(parse_head *parse, struct reading *reading, struct rw_span input,
                           size_t step)
{
    *reading = (struct reading){0};
    for (size_t len = step;; len += step) {
        if (len > input.len)
            len = input.len;
        read_prefix(parse, reading, input, len);
        if (reading->result != RW_H1_INCOMPLETE || len == input.len)
            return;
        reading_end(reading);
    }
}

static void assert_same_field(const struct rw_field *a, const struct rw_field *b)
{
    rw_assert(rw_span_eq(a->name, b->name) && rw_span_eq(a->value, b->value));
    rw_assert(a->id == b->id && a->hop == b->hop);
}

static void assert_same_message(const struct rw_message *a, const struct rw_message *b)
{
    rw_assert(rw_span_eq(a->method_text, b->method_text) && a->method == b->method);
    rw_assert(rw_span_eq(a->scheme, b->scheme) && rw_span_eq(a->authority, b->authority));
    rw_assert(rw_span_eq(a->target, b->target) && rw_span_eq(a->path, b->path));
    rw_assert(rw_span_eq(a->query, b->query) && !a->query.at == !b->query.at);
    rw_assert(a->status == b->status && rw_span_eq(a->reason, b->reason));
    rw_assert(a->minor_version == b->minor_version && a->keep_alive == b->keep_alive);
    rw_assert(a->body_kind == b->body_kind && a->body_bytes == b->body_bytes);
    rw_assert(a->has_length == b->has_length && a->expect_continue == b->expect_continue);
    rw_assert(a->upgrade == b->upgrade && a->field_count == b->field_count);
    for (unsigned i = 0; i < a->field_count; i++)
        assert_same_field(&a->fields[i], &b->fields[i]);
}

static void assert_same_reading(const struct reading *a, const struct reading *b)
{
    rw_assert(a->result == b->result && a->result != RW_H1_NO_MEMORY);
    if (a->result == RW_H1_BAD) {
        rw_assert(a->head.refusal.status == b->head.refusal.status);
        rw_assert(strcmp(a->head.refusal.reason, b->head.refusal.reason) == 0);
    }
    if (a->result == RW_H1_COMPLETE) {
        rw_assert(a->head.consumed == b->head.consumed);
        assert_same_message(&a->message, &b->message);
    }
}

static void assert_fields_obey(const struct rw_message *message)
{
    rw_assert(message->field_count <= rw_h1_limits_default.fields_max);
    for (unsigned i = 0; i < message->field_count; i++) {
        const struct rw_field *field = &message->fields[i];
        rw_assert(rw_is_token(field->name) && rw_is_field_value(field->value));
        rw_assert(field->id == rw_field_id(field->name));
    }
}

static void put_all_fields(struct rw_h1_out *out, const struct rw_message *message)
{
    for (unsigned i = 0; i < message->field_count; i++)
        rw_h1_put_field(out, message->fields[i].name, message->fields[i].value);
    rw_h1_put(out, RW_LITERAL("\r\n"));
    rw_assert(!out->overflow);
}

/* `put_line` writes the start line of a message. */
static void assert_round_trip(parse_head *parse, const struct rw_message *message,
                              void (*put_line)(struct rw_h1_out *, const struct rw_message *))
{
    static char room[OUT_BYTES];
    struct rw_h1_out out = {.at = room, .room = sizeof(room)};
    struct reading again = {0};
    put_line(&out, message);
    put_all_fields(&out, message);
    if (out.len > rw_h1_limits_default.head_bytes_max)
        return; /* a space behind each colon made it longer than what is read */
    read_prefix(parse, &again, rw_span(room, out.len), out.len);
    rw_assert(again.result == RW_H1_COMPLETE && again.head.consumed == out.len);
    rw_assert(rw_span_eq(again.message.target, message->target));
    rw_assert(again.message.body_kind == message->body_kind);
    rw_assert(again.message.body_bytes == message->body_bytes);
    rw_assert(again.message.field_count == message->field_count);
    for (unsigned i = 0; i < message->field_count; i++)
        assert_same_field(&again.message.fields[i], &message->fields[i]);
    reading_end(&again);
}

static void fuzz_head(parse_head *parse, const uint8_t *data, size_t size,
                      void (*put_line)(struct rw_h1_out *, const struct rw_message *))
{
    if (size == 0)
        return;
    struct rw_span input = rw_span((const char *)data + 1, size - 1);
    struct reading whole = {0}, pieces;
    read_prefix(parse, &whole, input, input.len);
    read_in_pieces(parse, &pieces, input, 1u + data[0] % 32u);
    assert_same_reading(&whole, &pieces);
    reading_end(&pieces);
    if (whole.result == RW_H1_COMPLETE) {
        assert_fields_obey(&whole.message);
        /* What was HTTP/1.0 is written as HTTP/1.1, where other rules hold. */
        if (whole.message.minor_version == 1)
            assert_round_trip(parse, &whole.message, put_line);
    }
    reading_end(&whole);
}

#endif
