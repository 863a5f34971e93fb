/* Helpers for the tests of the HTTP/1.1 head parsers: feed bytes whole, one by one, or in two
 * pieces, each time from a block of exactly their size at a new address, and put what came out into
 * words. */
#ifndef RW_TESTS_HTTP_H1_FEED_H
#define RW_TESTS_HTTP_H1_FEED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "http/h1.h"

#include <stdio.h>
#include <stdlib.h>

/* A head and what is expected of it. `status` 0: complete, and `expect` is part of its description;
 * INCOMPLETE: more bytes are awaited; else the status of the refusal, and `expect` is its reason.
 */
struct head_case {
    const char *section; /* of RFC 9112, unless another is named */
    struct rw_span bytes;
    unsigned status;
    const char *expect;
};

enum { INCOMPLETE = 1 };

#define HEAD(section, bytes, status, expect)                                                       \
    {                                                                                              \
        section, {bytes, sizeof(bytes) - 1}, status, expect                                        \
    }

struct head_feed {
    bool response;
    enum rw_method request_method; /* of a response */
    const struct rw_h1_limits *limits;
};

static void describe_optional(struct rw_text *out, const char *label, struct rw_span text)
{
    if (text.at)
        rw_text_addf(out, " %s=%.*s", label, RW_SPAN_ARGS(text));
}

static void describe_message(struct rw_text *out, const struct rw_message *message)
{
    static const char *const kinds[] = {"none", "length", "chunked", "until-close"};
    if (message->status)
        rw_text_addf(out, "%u reason=[%.*s]", message->status, RW_SPAN_ARGS(message->reason));
    else
        rw_text_addf(out, "%.*s(%s) %.*s", RW_SPAN_ARGS(message->method_text),
                     rw_method_name((enum rw_method)message->method),
                     RW_SPAN_ARGS(message->target));
    rw_text_addf(out, " 1.%u", message->minor_version);
    describe_optional(out, "scheme", message->scheme);
    describe_optional(out, "authority", message->authority);
    describe_optional(out, "path", message->path);
    describe_optional(out, "query", message->query);
    rw_text_addf(out, " body=%s", kinds[message->body_kind]);
    if (message->has_length)
        rw_text_addf(out, ":%llu", (unsigned long long)message->body_bytes);
    rw_text_adds(out, message->keep_alive ? " keep" : " close");
    rw_text_adds(out, message->expect_continue ? " expect" : "");
    rw_text_adds(out, message->upgrade ? " upgrade" : "");
    rw_text_adds(out, " {");
    for (unsigned i = 0; i < message->field_count; i++) {
        const struct rw_field *field = &message->fields[i];
        assert_int_equal(field->id, rw_field_id(field->name));
        rw_text_addf(out, "%s%.*s%s=%.*s", i ? ";" : "", RW_SPAN_ARGS(field->name),
                     field->hop ? "*" : "", RW_SPAN_ARGS(field->value));
    }
    rw_text_adds(out, "}");
}

static enum rw_h1_result parse_head(const struct head_feed *feed, struct rw_span bytes,
                                    struct rw_arena *arena, struct rw_message *message,
                                    struct rw_h1_head *head)
{
    const struct rw_h1_limits *limits = feed->limits ? feed->limits : &rw_h1_limits_default;
    return feed->response
               ? rw_h1_parse_response(bytes, limits, feed->request_method, arena, message, head)
               : rw_h1_parse_request(bytes, limits, arena, message, head);
}

/* Parses the first `len` bytes; appends the outcome to `out`. */
static enum rw_h1_result feed_prefix(const struct head_feed *feed, struct rw_span bytes, size_t len,
                                     struct rw_h1_head *head, struct rw_text *out)
{
    struct rw_arena arena;
    struct rw_message message;
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 20);
    char *block = malloc(len ? len : 1); /* exactly: a read past the end is seen by the sanitizer */
    assert_non_null(block);
    memcpy(block, bytes.at, len);
    enum rw_h1_result result = parse_head(feed, rw_span(block, len), &arena, &message, head);
    if (result == RW_H1_COMPLETE) {
        assert_int_equal(head->consumed, message.head_bytes);
        rw_text_addf(out, "complete at %u: ", head->consumed);
        describe_message(out, &message);
    } else if (result == RW_H1_BAD)
        rw_text_addf(out, "%u %s", head->refusal.status, head->refusal.reason);
    else
        rw_text_adds(out, result == RW_H1_INCOMPLETE ? "incomplete" : "no memory");
    free(block);
    rw_arena_free(&arena);
    return result;
}

/* Feeds `step` bytes more with each call, the first time `first`. */
static void feed_pieces(const struct head_feed *feed, struct rw_span bytes, size_t first,
                        size_t step, struct rw_text *out)
{
    struct rw_h1_head head = {0};
    for (size_t len = first;; len += step) {
        if (len > bytes.len)
            len = bytes.len;
        out->len = 0;
        if (feed_prefix(feed, bytes, len, &head, out) != RW_H1_INCOMPLETE || len == bytes.len)
            return;
    }
}

static void assert_same(const struct head_case *item, const struct rw_text *whole,
                        const struct rw_text *pieces, const char *how, size_t at)
{
    if (!rw_span_eq(rw_text_span(whole), rw_text_span(pieces)))
        fail_msg("%s: %.*s\nwhole: %s\n%s %zu: %s", item->section, RW_SPAN_ARGS(item->bytes),
                 whole->at, how, at, pieces->at);
}

static void assert_expected(const struct head_case *item, const char *outcome)
{
    char expect[512];
    bool good = false;
    if (item->status == 0)
        good = strstr(outcome, "complete at ") == outcome && strstr(outcome, item->expect);
    else if (item->status == INCOMPLETE)
        good = strcmp(outcome, "incomplete") == 0;
    else {
        snprintf(expect, sizeof(expect), "%u %s", item->status, item->expect);
        good = strcmp(outcome, expect) == 0;
    }
    if (!good)
        fail_msg("%s: %.*s\nexpected: %u %s\ngot: %s", item->section, RW_SPAN_ARGS(item->bytes),
                 item->status, item->expect, outcome);
}

/* The expected outcome, and the same one however the bytes are cut. */
static void check_head(const struct head_feed *feed, const struct head_case *item)
{
    struct rw_text whole = {0}, pieces = {0};
    feed_pieces(feed, item->bytes, item->bytes.len, 1, &whole);
    assert_expected(item, whole.at);
    for (size_t step = 1; step <= 3; step++) {
        feed_pieces(feed, item->bytes, step, step, &pieces);
        assert_same(item, &whole, &pieces, "in steps of", step);
    }
    for (size_t split = 0; split < item->bytes.len; split++) {
        feed_pieces(feed, item->bytes, split, item->bytes.len, &pieces);
        assert_same(item, &whole, &pieces, "split at", split);
    }
    rw_text_free(&whole);
    rw_text_free(&pieces);
}

static void check_heads(const struct head_feed *feed, const struct head_case *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_head(feed, &items[i]);
}

#define CHECK_HEADS(feed, items) check_heads(feed, items, sizeof(items) / sizeof((items)[0]))

#endif
