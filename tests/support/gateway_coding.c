/* Answers that are compressed, in a world that compresses: by the policy of a listener, each time
 * with other codings. What must hold: a client gets only what it takes and the listener offers, and
 * what it gets stands for the origin's answer, all of it, or is not presented as whole; a tag is of
 * the one form or of the other. Where nothing fails, what can be compressed is. */
#include "policy/compress/accept.h"
#include "support/gateway_world.h"
#include "support/inflate.h"

#include <stdio.h>
#include <strings.h>

static const char *const names[RW_CODING_COUNT] =
    {[RW_CODING_GZIP] = "gzip", [RW_CODING_BR] = "br", [RW_CODING_ZSTD] = "zstd"};

/* What a client says that it takes: a bit for each coding. */
static const struct {
    const char *field;
    uint8_t takes;
} accepts[] = {{NULL, 0},
               {"gzip", 1},
               {"br", 2},
               {"zstd", 4},
               {"gzip, br, zstd", 7},
               {"deflate, GZIP;q=1.0", 1},
               {"identity", 0},
               {"*", 7},
               {"gzip;q=0, br", 2},
               {"*;q=0, zstd", 4},
               {"br, br;q=0", 0}};

enum { ACCEPTS = sizeof(accepts) / sizeof(*accepts), SIZE_MIN_MAX = 800 };

void rw_test_coding_plan(struct rw_test_world *world, struct rw_test_request *r)
{
    r->accept = (uint8_t)rw_test_below(world, ACCEPTS);
}

void rw_test_coding_reload(struct rw_test_world *world)
{
    memset(world->coding.listeners, 0, sizeof(world->coding.listeners));
}

void rw_test_coding_policy(struct rw_test_world *world, unsigned listener,
                           struct rw_test_bytes *yaml)
{
    struct rw_test_offer *offer = &world->coding.listeners[listener];
    unsigned first = rw_test_below(world, RW_CODING_COUNT);
    offer->count = 1 + rw_test_below(world, RW_CODING_COUNT);
    offer->bytes_min = rw_test_chance(world, 50) ? 0 : rw_test_below(world, SIZE_MIN_MAX);
    rw_test_bytes_format(yaml, " compress: { types: text/x-page, min_size: %uB, codings: [",
                         offer->bytes_min);
    for (unsigned i = 0; i < offer->count; i++) {
        offer->order[i] = (uint8_t)((first + i) % RW_CODING_COUNT);
        rw_test_bytes_format(yaml, "%s%s", i ? ", " : "", names[offer->order[i]]);
    }
    rw_test_bytes_format(yaml, "]%s },", rw_test_chance(world, 30) ? ", window_max: 32KiB" : "");
}

const char *rw_test_coding_accept(const struct rw_test_request *r)
{
    return accepts[r->accept].field;
}

/* ---- What a client is told ---- */

/* From 1; 0: as it is. */
static unsigned wanted(const struct rw_test_world *world, const struct rw_test_request *r)
{
    const struct rw_test_offer *offer = &world->coding.listeners[r->listener];
    const struct rw_test_request *page = r->page ? r->page : r;
    if (page->answer_bytes < offer->bytes_min)
        return page->answer == RW_TEST_BODY_LENGTH ? 0 : r->coding; /* if it was known */
    for (unsigned i = 0; i < offer->count; i++)
        if (accepts[r->accept].takes >> offer->order[i] & 1)
            return 1u + offer->order[i];
    return 0;
}

static void check_tag(struct rw_test_world *world, const struct rw_test_reader *reader,
                      const struct rw_test_request *r)
{
    char weak[32];
    struct rw_span tag = rw_test_head_value(reader, "ETag");
    snprintf(weak, sizeof(weak), "W/\"page-%u\"", (r->page ? r->page : r)->id);
    if (world->filtered && tag.len == 0) /* another filter has made it something else */
        return;
    if (r->coding && (!rw_span_is(tag, weak) || !rw_test_head_count(reader, "Vary")))
        rw_test_fail(world, "%u: compressed, with the tag %.*s", r->id, RW_SPAN_ARGS(tag));
    if (!r->coding && !world->filtered && !rw_span_is(tag, weak + 2))
        rw_test_fail(world, "%u: as it was, with the tag %.*s", r->id, RW_SPAN_ARGS(tag));
}

void rw_test_coding_answered(struct rw_test_world *world, const struct rw_test_reader *reader,
                             struct rw_test_request *r)
{
    struct rw_span coding = rw_test_head_value(reader, "Content-Encoding");
    bool sure = r->sent_generation == world->generation && !world->filtered && !r->upgrade;
    bool bodiless = r->answered_status == 204 || r->answered_status == 304;
    bool empty = (r->page ? r->page : r)->answer_bytes == 0; /* known to be so, or not */
    r->coding = 0;
    for (unsigned i = 0; i < RW_CODING_COUNT; i++)
        if (rw_span_is(coding, names[i]))
            r->coding = (uint8_t)(1 + i);
    if (!r->from_origin || r->upgrade)
        return;
    if (rw_test_head_count(reader, "Content-Encoding") != (r->coding != 0) ||
        (r->coding && !(accepts[r->accept].takes >> (r->coding - 1) & 1)))
        rw_test_fail(world, "%u: takes %s, and is given %.*s", r->id,
                     accepts[r->accept].field ? accepts[r->accept].field : "anything",
                     RW_SPAN_ARGS(coding));
    if (world->strict && sure && !bodiless && !empty && r->coding != wanted(world, r))
        rw_test_fail(world, "%u: compressed as %u, not %u", r->id, r->coding, wanted(world, r));
    check_tag(world, reader, r);
}

bool rw_test_coding_body(struct rw_test_request *r, struct rw_span bytes)
{
    if (r->coding)
        rw_test_bytes_add(&r->coded, bytes.at, bytes.len);
    return r->coding != 0;
}

bool rw_test_coding_whole(struct rw_test_world *world, const struct rw_test_request *r)
{
    const struct rw_test_request *page = r->page ? r->page : r;
    if (!r->coding)
        return false;
    struct rw_text text = {0};
    rw_text_add(&text, rw_span(r->coded.at, r->coded.len));
    if (!rw_test_inflates((enum rw_coding)(r->coding - 1), &text) ||
        text.len != page->answer_bytes ||
        !rw_test_body_is(rw_text_span(&text), page->id, RW_TEST_ORIGIN, 0))
        rw_test_fail(world, "%u: %zu bytes of %s are presented as complete, and are not", r->id,
                     r->coded.len, names[r->coding - 1]);
    rw_text_free(&text);
    world->coding.answers++;
    return true;
}
