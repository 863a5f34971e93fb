/* Tables of HTTP/2 towards clients: limits of a connection, and what a client may do too often. */
#include "gate/config/config_tables.h"
#include "http/h2.h"

/* ---- Floods ---- */

static const struct rw_conf_field floods_fields[] = {
#define FLOOD_FIELD(id, text, number, what)                                                        \
    {                                                                                              \
        .name = text,                                                                              \
        .type = RW_CONF_UINT,                                                                      \
        .offset = sizeof(uint32_t) * RW_H2_FLOOD_##id,                                             \
        .fallback = #number,                                                                       \
        .max = 100000000,                                                                          \
        .doc = "In 10 seconds: " what ". 0 is no limit.",                                          \
    },
    RW_H2_FLOODS(FLOOD_FIELD)
#undef FLOOD_FIELD
        {.name = NULL},
};

static const struct rw_conf_record floods_record = {
    .name = "listener.http2.floods",
    .doc = "What a client may do so often in 10 seconds, on one connection. More ends the "
           "connection with ENHANCE_YOUR_CALM, and is counted in ringway_http2_floods_total.",
    .size = sizeof(struct rw_config_http2_floods),
    .fields = floods_fields,
    .place_offset = -1,
};

/* ---- The connection ---- */

#define MEMBER(member) offsetof(struct rw_config_http2, member)
static const struct rw_conf_field http2_fields[] = {
    {
        .name = "streams",
        .type = RW_CONF_UINT,
        .offset = MEMBER(streams),
        .fallback = "128",
        .min = 1,
        .max = 65535,
        .doc = "Requests under way at once on one connection. Further ones are refused with "
               "REFUSED_STREAM, after which a client may send them again.",
    },
    {
        .name = "stream_window",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(stream_window_bytes),
        .fallback = "256KiB",
        .min = 16 << 10,
        .max = 64 << 20,
        .doc = "How much of a request body may come before the origin has taken it. What a slow "
               "origin leaves is kept in memory, so much for each request.",
    },
    {
        .name = "connection_window",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(connection_window_bytes),
        .fallback = "1MiB",
        .min = 64 << 10,
        .max = 1 << 30,
        .doc = "The same for all requests of a connection together.",
    },
    {
        .name = "output",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(output_bytes),
        .fallback = "128KiB",
        .min = 16 << 10,
        .max = 16 << 20,
        .doc = "How much of responses is made ahead of what the client has taken, on one "
               "connection.",
    },
    {
        .name = "header_table",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(table_bytes),
        .fallback = "4KiB",
        .min = 0,
        .max = 64 << 10,
        .doc = "Memory for header fields that repeat (HPACK), for each direction of a connection.",
    },
    {
        .name = "header_block",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(block_bytes),
        .fallback = "32KiB",
        .min = 4 << 10,
        .max = 1 << 20,
        .doc = "A compressed request head. `limits.head` and `limits.fields` hold for what is in "
               "it, and are answered with 431; over this the connection ends.",
    },
    {
        .name = "continuations",
        .type = RW_CONF_UINT,
        .offset = MEMBER(continuations),
        .fallback = "16",
        .min = 0,
        .max = 1000,
        .doc = "CONTINUATION frames of one request head (CVE-2024-27316); with more the "
               "connection ends.",
    },
    {
        .name = "header_expansion",
        .type = RW_CONF_UINT,
        .offset = MEMBER(expansion),
        .fallback = "8",
        .min = 2,
        .max = 10000,
        .doc = "How many times larger than its compressed form and the `header_table` together a "
               "request head may become (HPACK bomb); over this the connection ends. What clients "
               "send stays below 2: only who repeats the same entry of the table over and over "
               "comes near to 8.",
    },
    {
        .name = "flooders",
        .type = RW_CONF_UINT,
        .offset = MEMBER(flooders),
        .fallback = "100",
        .max = 100000,
        .doc = "Connections of one address (of IPv6: its first 64 bits) that end by a flood, in 10 "
               "seconds, on one thread; those that end with half of a limit of `floods` used up "
               "count, too. Above it, further connections of that address are closed as they are "
               "accepted, and counted in ringway_http2_flooders_refused_total. It is let in again "
               "within a tenth of a second after it has stopped; connections that are open stay, "
               "and `trusted_proxies` are never refused. 0 is no limit: for a listener behind a "
               "balancer that is not in `trusted_proxies`, where all clients have one address.",
    },
    {
        .name = "settings_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(settings_ms),
        .fallback = "10s",
        .min = 100,
        .max = 600000,
        .doc = "For the client to acknowledge our SETTINGS; then the connection ends with "
               "SETTINGS_TIMEOUT.",
    },
    {
        .name = "ping_interval",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(ping_interval_ms),
        .fallback = "60s",
        .min = 0,
        .max = 86400000,
        .doc = "While requests are under way, a client that has sent nothing for so long is asked "
               "whether it is still there (PING). 0 is never.",
    },
    {
        .name = "ping_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(ping_ms),
        .fallback = "20s",
        .min = 100,
        .max = 600000,
        .doc = "For the answer to that; then the connection is closed.",
    },
    {
        .name = "floods",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(floods),
        .record = &floods_record,
        .doc = "What a client may not do too often.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_http2_record = {
    .name = "listener.http2",
    .doc = "HTTP/2 towards clients.",
    .size = sizeof(struct rw_config_http2),
    .fields = http2_fields,
    .place_offset = -1,
    .check = rw_config_check_http2,
};
