/* What an HTTP/2 peer may do too often or too large: each bucket of RW_H2_FLOODS at its limit, one
 * below it and after a while, limits of heads, and what a GOAWAY of ours does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "http/h2_frame.h"
#include "support/h2_script.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUEST ":method=GET :scheme=http :path=/ :authority=a"

/* ---- Floods ---- */

/* One thing that counts, again and again; "%1$u" in `event` is an odd number that grows. */
struct flood_case {
    enum rw_h2_flood flood;
    const char *what;
    const char *before;
    const char *event;
    unsigned streams_max; /* 0: as usual */
};

static const struct flood_case flood_cases[] = {
    {RW_H2_FLOOD_RESETS, "requests reset at once", "", "get %1$u\nreset %1$u 8", 0},
    {RW_H2_FLOOD_RESETS, "bodies reset", "", "post %1$u\ndata %1$u - x\nreset %1$u 8", 0},
    {RW_H2_FLOOD_RESETS, "windows that make us reset", "", "post %1$u\nwindow %1$u 0", 0},
    {RW_H2_FLOOD_RESETS, "malformed requests", "", "headers %1$u sh :method=GET", 0},
    {RW_H2_FLOOD_REFUSED, "streams above the limit", "post 1", "get %1$u", 1},
    {RW_H2_FLOOD_SETTINGS, "SETTINGS", "", "settings 4=65535", 0},
    {RW_H2_FLOOD_SETTINGS, "SETTINGS that acknowledge", "", "ack", 0},
    {RW_H2_FLOOD_SETTINGS, "GOAWAY", "", "goaway 0 0", 0},
    {RW_H2_FLOOD_PINGS, "PING", "", "ping 12345678", 0},
    {RW_H2_FLOOD_PINGS, "PING ACK of nothing", "", "pong 12345678", 0},
    {RW_H2_FLOOD_EMPTY_FRAMES, "DATA", "post 1", "data 1 -", 0},
    {RW_H2_FLOOD_EMPTY_FRAMES, "DATA of padding alone", "post 1", "frame 0 8 1 020000", 0},
    {RW_H2_FLOOD_EMPTY_FRAMES, "HEADERS", "", "headers %1$u s\ncontinuation %1$u h " REQUEST, 0},
    {RW_H2_FLOOD_SMALL_DATA, "DATA", "post 1", "data 1 - x", 0},
    {RW_H2_FLOOD_WINDOW_UPDATES, "of the connection", "", "window 0 1", 0},
    {RW_H2_FLOOD_WINDOW_UPDATES, "of a stream", "post 1", "window 1 1", 0},
    {RW_H2_FLOOD_WINDOW_UPDATES, "of a stream that is over", "get 1\nreset 1 8", "window 1 1", 0},
    {RW_H2_FLOOD_PRIORITIES, "PRIORITY", "", "priority 1", 0},
    {RW_H2_FLOOD_PRIORITIES, "PRIORITY_UPDATE", "", "update 1 u=1", 0},
    {RW_H2_FLOOD_UNKNOWN, "frames", "", "frame 22 0 0 0102", 0},
    {RW_H2_FLOOD_UNKNOWN, "frames on a stream", "post 1", "frame 99 0 1 0102", 0},
    {RW_H2_FLOOD_STALLS, "no window for the stream", "settings 4=0", "get %1$u\nreset %1$u 8", 0},
};

struct flood {
    struct h2_world world;
    const struct flood_case *c;
    unsigned id; /* of the next event */
};

static void flood_begin(struct flood *flood, const struct flood_case *c, uint32_t limit)
{
    flood->c = c;
    flood->id = 3;
    h2_world_begin(&flood->world, true);
    memset(flood->world.settings.flood_max, 0, sizeof(flood->world.settings.flood_max));
    if (c->streams_max)
        flood->world.settings.streams_max = c->streams_max;
    h2_world_open(&flood->world);
    h2_play(&flood->world, "preface\nsettings");
    flood->world.answer = c->flood == RW_H2_FLOOD_STALLS;
    if (*c->before)
        h2_play(&flood->world, c->before);
    flood->world.h2.window_updates_due = 0; /* what requests explain */
    flood->world.settings.flood_max[c->flood] = limit;
}

/* How many of up to `count` are put up with. */
static unsigned flood_with(struct flood *flood, unsigned count)
{
    char script[200];
    unsigned fine = 0;
    for (; fine < count && !flood->world.h2.ended; fine += !flood->world.h2.ended) {
        snprintf(script, sizeof(script), flood->c->event, flood->id);
        h2_play(&flood->world, script);
        flood->id += 2;
        flood->world.events_seen.len = flood->world.h2.ended ? flood->world.events_seen.len : 0;
    }
    return fine;
}

static void expect_flood(struct flood *flood)
{
    char expected[100];
    const char *seen = h2_transcript(&flood->world);
    snprintf(expected, sizeof(expected), "error ENHANCE_YOUR_CALM %s |",
             rw_h2_flood_name(flood->c->flood));
    if (!strstr(seen, expected))
        print_error("%s: %s\n", flood->c->what, seen);
    assert_non_null(strstr(seen, expected));
    assert_non_null(strstr(seen, "ENHANCE_YOUR_CALM"));
}

static void for_each_flood(void (*check)(const struct flood_case *c))
{
    bool seen[RW_H2_FLOOD_CONTINUATIONS] = {false};
    for (size_t i = 0; i < sizeof(flood_cases) / sizeof(flood_cases[0]); i++) {
        check(&flood_cases[i]);
        seen[flood_cases[i].flood] = true;
    }
    for (unsigned i = 0; i < RW_H2_FLOOD_CONTINUATIONS; i++)
        assert_true(seen[i]);
}

static void check_limit(const struct flood_case *c)
{
    enum { LIMIT = 7 };
    struct flood flood;
    flood_begin(&flood, c, LIMIT);
    unsigned fine = flood_with(&flood, LIMIT + 1);
    if (fine != LIMIT)
        print_error("%s: %u\n", c->what, fine);
    assert_int_equal(fine, LIMIT);
    expect_flood(&flood);
    h2_world_end(&flood.world);
}

static void test_at_the_limit(void **state)
{
    (void)state;
    for_each_flood(check_limit);
}

/* The bucket empties evenly: after a tenth of ten seconds, a tenth of the limit may come again. */
static void check_refill(const struct flood_case *c)
{
    enum { LIMIT = 20, ONE_MS = 10000 / LIMIT };
    struct flood flood;
    flood_begin(&flood, c, LIMIT);
    assert_int_equal(flood_with(&flood, LIMIT), LIMIT);
    flood.world.now_ms += 3 * ONE_MS;
    assert_int_equal(flood_with(&flood, 3), 3);
    flood.world.now_ms += 10000;
    assert_int_equal(flood_with(&flood, LIMIT), LIMIT);
    flood.world.now_ms += ONE_MS - 1;
    assert_int_equal(flood_with(&flood, 1), 0);
    expect_flood(&flood);
    h2_world_end(&flood.world);
}

static void test_refill(void **state)
{
    (void)state;
    for_each_flood(check_refill);
}

/* As many as are allowed, evenly, for ever: nothing is lost in rounding. */
static void check_steady(const struct flood_case *c)
{
    enum { LIMIT = 100, ROUNDS = 300 };
    struct flood flood;
    flood_begin(&flood, c, LIMIT);
    assert_int_equal(flood_with(&flood, LIMIT), LIMIT);
    for (unsigned i = 0; i < ROUNDS; i++) {
        flood.world.now_ms += 10000 / LIMIT;
        assert_int_equal(flood_with(&flood, 1), 1);
    }
    h2_world_end(&flood.world);
}

static void test_steady(void **state)
{
    (void)state;
    for_each_flood(check_steady);
}

static void check_no_limit(const struct flood_case *c)
{
    struct flood flood;
    flood_begin(&flood, c, 0);
    assert_int_equal(flood_with(&flood, 300), 300);
    h2_world_end(&flood.world);
}

static void test_no_limit(void **state)
{
    (void)state;
    for_each_flood(check_no_limit);
}

/* The clock stood still for a year. */
static void test_long_ago(void **state)
{
    (void)state;
    struct flood flood;
    flood_begin(&flood, &flood_cases[8], 50);
    assert_int_equal(flood_with(&flood, 50), 50);
    flood.world.now_ms += 365ull * 86400 * 1000;
    assert_int_equal(flood_with(&flood, 51), 50);
    h2_world_end(&flood.world);
}

/* A frame of very many settings is several. */
static void test_many_settings(void **state)
{
    struct h2_world world;
    (void)state;
    h2_world_begin(&world, true);
    world.settings.flood_max[RW_H2_FLOOD_SETTINGS] = 10;
    h2_world_open(&world);
    h2_play(&world, "preface\nsettings\nhuge 4 0 0 90"); /* of 6 bytes each: one, and one */
    assert_false(world.h2.ended);
    h2_play(&world, "huge 4 0 0 480"); /* 1 + 80 / 16: 6 more */
    assert_false(world.h2.ended);
    h2_play(&world, "huge 4 0 0 96");
    assert_false(world.h2.ended);
    h2_play(&world, "settings");
    assert_non_null(strstr(h2_transcript(&world), "error ENHANCE_YOUR_CALM settings"));
    h2_world_end(&world);
}

/* Requests explain two updates each, DATA two for a frame and one for each KiB. */
static void test_window_updates_explained(void **state)
{
    struct h2_world world;
    char script[64];
    (void)state;
    h2_world_begin(&world, true);
    world.settings.flood_max[RW_H2_FLOOD_WINDOW_UPDATES] = 1;
    h2_world_open(&world);
    h2_play(&world, "preface\nsettings");
    for (unsigned id = 1; id < 20; id += 2) {
        snprintf(script, sizeof(script), "post %u\nwindow %u 1\nwindow 0 1", id, id);
        h2_play(&world, script);
    }
    assert_int_equal(world.h2.window_updates_due, 0);
    world.answer = true;
    h2_play(&world, "get 21");
    assert_int_equal(world.h2.window_updates_due, 4);
    assert_false(world.h2.ended);
    h2_world_end(&world);
}

/* Without memory for them, streams are refused, and that is not the client's fault. */
static void test_refused_for_memory(void **state)
{
    struct flood flood;
    (void)state;
    flood_begin(&flood, &flood_cases[4], 5);
    flood.world.settings.streams_max = 100;
    flood.world.refuse = true;
    assert_int_equal(flood_with(&flood, 50), 50);
    h2_world_end(&flood.world);
}

/* Whatever there is no memory for: what still comes for a stream that was refused is passed over,
 * and the next one is served. */
static void test_a_body_for_a_refused_stream(void **state)
{
    (void)state;
    unsigned served = 0;
    for (uint64_t n = 0; n < 12; n++) {
        struct h2_world world;
        h2_world_begin(&world, true);
        world.answer = true;
        h2_world_open(&world);
        h2_play(&world, "preface\nsettings");
        rw_alloc_fail_once(n);
        h2_play(&world, "post 1");
        rw_alloc_fail_never();
        h2_play(&world, "post 3\ndata 1 s x\ndata 3 s y");
        const char *seen = h2_transcript(&world);
        assert_null(strstr(seen, "error STREAM_CLOSED"));
        served += strstr(seen, "REFUSED_STREAM") && strstr(seen, "HEADERS 3 200");
        h2_world_end(&world);
    }
    assert_true(served >= 2);
}

static void test_half_flooded(void **state)
{
    enum { LIMIT = 20 };
    struct flood flood;
    (void)state;
    flood_begin(&flood, &flood_cases[8], LIMIT);
    assert_int_equal(flood_with(&flood, LIMIT / 2 - 1), LIMIT / 2 - 1);
    assert_false(rw_h2_was_half_flooded(&flood.world.h2, flood.world.now_ms));
    assert_int_equal(flood_with(&flood, 1), 1);
    assert_true(rw_h2_was_half_flooded(&flood.world.h2, flood.world.now_ms));
    assert_false(rw_h2_was_half_flooded(&flood.world.h2, flood.world.now_ms + 500));
    h2_world_end(&flood.world);
}

/* What is under way and given no window when the connection ends counts, too. */
static void test_half_stalled(void **state)
{
    enum { LIMIT = 20 };
    struct flood_case c = {RW_H2_FLOOD_STALLS, "", "settings 4=0", "get %1$u", 0};
    struct flood flood;
    (void)state;
    flood_begin(&flood, &c, LIMIT);
    assert_int_equal(flood_with(&flood, LIMIT / 2 - 1), LIMIT / 2 - 1);
    assert_false(rw_h2_was_half_flooded(&flood.world.h2, flood.world.now_ms));
    assert_int_equal(flood_with(&flood, 1), 1);
    assert_true(rw_h2_was_half_flooded(&flood.world.h2, flood.world.now_ms));
    h2_play(&flood.world, "settings 4=100"); /* all are sent */
    assert_false(rw_h2_was_half_flooded(&flood.world.h2, flood.world.now_ms));
    h2_world_end(&flood.world);
}

/* Those that are cut for their stalling end the connection when they are many. */
static void test_stalled_are_cut(void **state)
{
    enum { LIMIT = 5, MS = 1000 };
    struct flood_case c = {RW_H2_FLOOD_STALLS, "", "settings 4=0", "get %1$u", 0};
    for (unsigned count = LIMIT; count <= LIMIT + 1; count++) {
        struct flood flood;
        flood_begin(&flood, &c, LIMIT);
        flood.world.keep = true;
        assert_int_equal(flood_with(&flood, count), count);
        (void)rw_h2_reset_stalled(&flood.world.h2, flood.world.now_ms, MS);
        (void)rw_h2_reset_stalled(&flood.world.h2, flood.world.now_ms + MS, MS);
        h2_take_output(&flood.world);
        assert_int_equal(flood.world.h2.ended, count > LIMIT);
        assert_int_equal(rw_h2_stream_count(&flood.world.h2), 0);
        if (count > LIMIT)
            expect_flood(&flood);
        h2_world_end(&flood.world);
    }
    (void)state;
}

/* ---- What is no flood ---- */

static struct h2_world *small_world(struct h2_world *world)
{
    h2_world_begin(world, true);
    for (unsigned i = 0; i < RW_H2_FLOOD_CONTINUATIONS; i++)
        world->settings.flood_max[i] = 4;
    h2_world_open(world);
    h2_play(world, "preface\nsettings");
    return world;
}

static void test_no_floods(void **state)
{
    struct h2_world world;
    char script[100];
    (void)state;
    small_world(&world)->answer = true;
    world.keep = true;
    /* An answered request that is reset, DATA that ends, updates that DATA explains. */
    for (unsigned id = 1; id < 40; id += 2) {
        snprintf(script, sizeof(script),
                 "post %u\ndata %u s x\nwindow 0 5\nwindow %u 5\nreset %u 8", id, id, id, id);
        h2_play(&world, script);
    }
    /* Streams as many as are allowed, bodies in pieces of 64 bytes. */
    for (unsigned id = 41; id < 61; id += 2) {
        snprintf(script, sizeof(script), "post %u\nhuge 0 0 %u 64\nhuge 0 0 %u 64\ndata %u s", id,
                 id, id, id);
        h2_play(&world, script);
    }
    assert_false(world.h2.ended);
    h2_world_end(&world);
}

static void test_pongs(void **state)
{
    struct h2_world world;
    (void)state;
    small_world(&world);
    for (unsigned i = 0; i < 20; i++) {
        rw_h2_ping(&world.h2);
        h2_play(&world, "pong ringway?");
    }
    assert_false(world.h2.ended);
    assert_non_null(strstr(h2_transcript(&world), "pong; pong"));
    h2_world_end(&world);
}

/* ---- Heads ---- */

static const char *play_head(struct h2_world *world, const char *script)
{
    h2_world_begin(world, true);
    world->settings.head_bytes_max = 400;
    world->settings.fields_max = 6;
    world->settings.target_bytes_max = 20;
    world->settings.connect_protocol = true;
    h2_world_open(world);
    h2_play(world, "preface\nsettings");
    h2_play(world, script);
    return h2_transcript(world);
}

static const struct {
    const char *script, *outcome;
} head_cases[] = {
    {"headers 1 sh " REQUEST " a=1 b=2", "head 1 GET / end | "},
    {"headers 1 sh " REQUEST " a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8", "head 1 refused 431 | "},
    {"headers 1 sh " REQUEST " long="
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     "head 1 refused 431 | "},
    {"headers 1 sh :method=GET :scheme=http :path=/234567890123456789 :authority=a",
     "head 1 GET /234567890123456789 end | "},
    {"headers 1 sh :method=GET :scheme=http :path=/2345678901234567890 :authority=a",
     "head 1 GET /2345678901234567890 end | "},
    {"headers 1 sh :method=GET :scheme=http :path=/23456789012345678901 :authority=a",
     "head 1 refused 414 | "},
    {"headers 1 h :method=CONNECT :protocol=websocket :scheme=https :path=/chat :authority=a",
     "head 1 CONNECT /chat | "},
    {"headers 1 sh :method=CONNECT :protocol=websocket :scheme=https :path=/chat :authority=a",
     "head 1 CONNECT /chat end | "},
    {"headers 1 h :method=CONNECT :protocol=websocket :scheme=https :path=/chat :authority=a "
     "content-length=5",
     "head 1 refused 400 | "},
    {"headers 1 h :method=CONNECT :protocol=websocket :scheme=https :path=/chat :authority=a\n"
     "data 1 - hi\ndata 1 s there",
     "head 1 CONNECT /chat; data 1 \"hithere\" end | "},
    {"headers 1 h :method=CONNECT :authority=a:80", "head 1 CONNECT a:80 | "},
    {"headers 1 h :method=CONNECT :authority=a:80\ndata 1 - hi\ndata 1 s there",
     "head 1 CONNECT a:80; data 1 \"hithere\" end | "},
    {"headers 1 h :method=CONNECT :protocol=websocket :scheme=https :authority=a",
     "reset 1 PROTOCOL_ERROR | RST_STREAM 1 PROTOCOL_ERROR"},
    {"headers 1 h :method=CONNECT :protocol=websocket :path=/chat :authority=a",
     "reset 1 PROTOCOL_ERROR | RST_STREAM 1 PROTOCOL_ERROR"},
    {"headers 1 h :method=CONNECT :protocol=websocket :scheme=https :path=/chat",
     "reset 1 PROTOCOL_ERROR | RST_STREAM 1 PROTOCOL_ERROR"},
    {"headers 1 h :method=CONNECT :protocol=web~socket :scheme=https :path=/chat :authority=a",
     "reset 1 PROTOCOL_ERROR | RST_STREAM 1 PROTOCOL_ERROR"},
    {"headers 1 h :method=CONNECT :protocol= :scheme=https :path=/chat :authority=a",
     "reset 1 PROTOCOL_ERROR | RST_STREAM 1 PROTOCOL_ERROR"},
    {"headers 1 h :method=GET :protocol=websocket :scheme=https :path=/chat :authority=a",
     "reset 1 PROTOCOL_ERROR | RST_STREAM 1 PROTOCOL_ERROR"},
    {"post 1\nheaders 1 sh a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8",
     "head 1 POST /; reset 1 ENHANCE_YOUR_CALM | RST_STREAM 1 ENHANCE_YOUR_CALM"},
};

static void test_heads(void **state)
{
    unsigned wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(head_cases) / sizeof(head_cases[0]); i++) {
        struct h2_world world;
        const char *outcome = play_head(&world, head_cases[i].script);
        if (strcmp(outcome, head_cases[i].outcome) != 0) {
            print_error("%s\n  expected %s\n  got      %s\n", head_cases[i].script,
                        head_cases[i].outcome, outcome);
            wrong++;
        }
        h2_world_end(&world);
    }
    assert_int_equal(wrong, 0);
}

/* After a head that was too large the table is in step: what it has put there can be used. */
static void test_table_after_431(void **state)
{
    struct h2_world world;
    (void)state;
    play_head(&world, "headers 1 sh " REQUEST " a=1 b=2 c=3 d=4 e=5 f=6 g=7 #4001780179\n"
                      "headers 3 sh " REQUEST " #be");
    assert_string_equal(h2_transcript(&world), "head 1 refused 431; head 3 GET / end | ");
    struct rw_span value = {NULL, 0};
    for (unsigned i = 0; i < world.message.field_count; i++)
        if (rw_span_is(world.message.fields[i].name, "x"))
            value = world.message.fields[i].value;
    assert_true(rw_span_is(value, "y"));
    h2_world_end(&world);
}

/* An entry of 4,000 bytes, and heads that have it again and again: so much is 431, and more is a
 * bomb, wanted or not. */
static bool explodes(unsigned copies, bool wanted)
{
    struct h2_world world;
    char script[5000], *to;
    h2_world_begin(&world, true);
    h2_world_open(&world);
    h2_play(&world, "preface\nsettings");
    /* A value of 3,952 bytes (RFC 7541 section 5.1). */
    snprintf(script, sizeof(script), "headers 1 sh " REQUEST " #4001787ff11d");
    /* What follows is too long for a script's FIELD. */
    char bytes[8192];
    size_t len = h2_script_bytes(script, bytes, sizeof(bytes));
    memset(bytes + len, 'y', 3952);
    uint32_t payload = (uint32_t)(len + 3952 - RW_H2_FRAME_HEAD_BYTES);
    bytes[0] = (char)(payload >> 16);
    bytes[1] = (char)(payload >> 8);
    bytes[2] = (char)payload;
    h2_give(&world, rw_span(bytes, len + 3952), SIZE_MAX);
    assert_false(world.h2.ended);
    world.refuse = !wanted;
    to = script + sprintf(script, "headers 3 sh " REQUEST " #");
    for (unsigned i = 0; i < copies; i++)
        to += sprintf(to, "be");
    h2_play(&world, script);
    bool ended = world.h2.ended;
    if (ended)
        assert_non_null(strstr(h2_transcript(&world), "error ENHANCE_YOUR_CALM hpack_bomb |"));
    else if (wanted)
        assert_non_null(
            strstr(h2_transcript(&world), copies > 4 ? "head 3 refused 431" : "head 3"));
    h2_world_end(&world);
    return ended;
}

static void test_bombs(void **state)
{
    (void)state;
    for (unsigned wanted = 0; wanted < 2; wanted++) {
        assert_false(explodes(4, wanted));
        assert_false(explodes(8, wanted)); /* of 8 x (4096 + 20) */
        assert_true(explodes(9, wanted));
        assert_true(explodes(2000, wanted));
    }
}

static void expect_cookie(const char *script, const char *value)
{
    struct h2_world world;
    h2_world_begin(&world, true);
    h2_world_open(&world);
    h2_play(&world, "preface\nsettings");
    h2_play(&world, script);
    unsigned cookies = 0;
    for (unsigned i = 0; i < world.message.field_count; i++)
        cookies += world.message.fields[i].id == RW_FIELD_COOKIE;
    assert_int_equal(cookies, 1);
    struct rw_span cookie = rw_message_value(&world.message, RW_FIELD_COOKIE);
    assert_int_equal(cookie.len, strlen(value));
    assert_memory_equal(cookie.at, value, cookie.len);
    /* The rest is there, in its order. */
    assert_true(rw_span_is(world.message.fields[0].name, "a"));
    assert_true(rw_span_is(world.message.fields[2].name, "b"));
    h2_world_end(&world);
}

static void test_cookies(void **state)
{
    (void)state;
    expect_cookie("headers 1 sh " REQUEST " a=1 cookie=x=1 b=2", "x=1");
    expect_cookie("headers 1 sh " REQUEST " a=1 cookie=x=1 b=2 cookie=y=2 cookie=z=3",
                  "x=1; y=2; z=3");
    expect_cookie("headers 1 sh " REQUEST " a=1 cookie=x=1;~y=2 b=2 cookie=z=3", "x=1; y=2; z=3");
    expect_cookie("headers 1 sh " REQUEST " a=1 cookie= b=2 cookie=z=3", "; z=3");
}

/* ---- GOAWAY of ours ---- */

static void test_goaway_in_two_steps(void **state)
{
    struct h2_world world;
    (void)state;
    h2_world_begin(&world, true);
    h2_world_open(&world);
    h2_play(&world, "preface\nsettings\npost 1");
    rw_h2_goaway(&world.h2, RW_H2_NO_ERROR, false);
    h2_take_output(&world);
    h2_play(&world, "post 3"); /* was on its way */
    rw_h2_goaway(&world.h2, RW_H2_NO_ERROR, true);
    rw_h2_goaway(&world.h2, RW_H2_NO_ERROR, true); /* once is enough */
    h2_take_output(&world);
    assert_int_equal(rw_h2_stream_count(&world.h2), 2);
    world.answer = true;
    /* Whatever comes for streams above it is passed over, in step with the table. */
    h2_play(&world, "headers 5 h #4001780179 " REQUEST "\ndata 5 - x\nwindow 5 10\nreset 5 8\n"
                    "data 1 s one\ndata 3 - two\nheaders 3 sh #be");
    assert_string_equal(
        h2_transcript(&world),
        "head 1 POST /; head 3 POST /; data 1 \"one\" end; data 3 \"two\" end; trailers x: y | "
        "GOAWAY 2147483647 NO_ERROR; GOAWAY 3 NO_ERROR; "
        "HEADERS 1 200; DATA 1 end \"hello\"; HEADERS 3 200; DATA 3 end \"hello\"");
    assert_int_equal(rw_h2_stream_count(&world.h2), 0);
    h2_world_end(&world);
}

/* RFC 9113 section 6.8: a later GOAWAY never covers more. */
static void test_error_after_goaway(void **state)
{
    struct h2_world world;
    (void)state;
    h2_world_begin(&world, true);
    h2_world_open(&world);
    h2_play(&world, "preface\nsettings\npost 1");
    rw_h2_goaway(&world.h2, RW_H2_NO_ERROR, true);
    h2_play(&world, "get 3\nget 5\ndata 0 - x");
    assert_string_equal(h2_transcript(&world),
                        "head 1 POST /; reset 1 PROTOCOL_ERROR; error PROTOCOL_ERROR | "
                        "GOAWAY 1 NO_ERROR; GOAWAY 1 PROTOCOL_ERROR");
    h2_world_end(&world);
}

/* Nor is it for ever that streams above it are passed over. */
static void test_flood_after_goaway(void **state)
{
    static const struct flood_case c = {RW_H2_FLOOD_REFUSED, "streams after GOAWAY", "post 1",
                                        "get %1$u", 0};
    struct flood flood;
    (void)state;
    flood_begin(&flood, &c, 30);
    rw_h2_goaway(&flood.world.h2, RW_H2_NO_ERROR, true);
    assert_int_equal(flood_with(&flood, 31), 30);
    expect_flood(&flood);
    h2_world_end(&flood.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_the_limit),
        cmocka_unit_test(test_refill),
        cmocka_unit_test(test_steady),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_long_ago),
        cmocka_unit_test(test_many_settings),
        cmocka_unit_test(test_window_updates_explained),
        cmocka_unit_test(test_refused_for_memory),
        cmocka_unit_test(test_a_body_for_a_refused_stream),
        cmocka_unit_test(test_half_flooded),
        cmocka_unit_test(test_half_stalled),
        cmocka_unit_test(test_stalled_are_cut),
        cmocka_unit_test(test_no_floods),
        cmocka_unit_test(test_pongs),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_table_after_431),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_goaway_in_two_steps),
        cmocka_unit_test(test_error_after_goaway),
        cmocka_unit_test(test_flood_after_goaway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
