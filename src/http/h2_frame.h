/* Frames (RFC 9113 section 4.1): numbers, and the nine bytes before a payload. Private to src/http.
 */
#ifndef RW_HTTP_H2_FRAME_H
#define RW_HTTP_H2_FRAME_H

#include <stdint.h>
#include <string.h>

enum rw_h2_frame_type {
    RW_H2_DATA,
    RW_H2_HEADERS,
    RW_H2_PRIORITY,
    RW_H2_RST_STREAM,
    RW_H2_SETTINGS,
    RW_H2_PUSH_PROMISE,
    RW_H2_PING,
    RW_H2_GOAWAY,
    RW_H2_WINDOW_UPDATE,
    RW_H2_CONTINUATION,
    RW_H2_PRIORITY_UPDATE = 16 /* RFC 9218 section 7.1 */
};

enum {
    RW_H2_FLAG_ACK = 1,
    RW_H2_FLAG_END_STREAM = 1,
    RW_H2_FLAG_END_HEADERS = 4,
    RW_H2_FLAG_PADDED = 8,
    RW_H2_FLAG_PRIORITY = 32,
};

/* RFC 9113 section 6.5.2; RFC 8441 section 3; RFC 9218 section 2.1. */
enum rw_h2_setting {
    RW_H2_SETTING_HEADER_TABLE_SIZE = 1,
    RW_H2_SETTING_ENABLE_PUSH = 2,
    RW_H2_SETTING_MAX_CONCURRENT_STREAMS = 3,
    RW_H2_SETTING_INITIAL_WINDOW_SIZE = 4,
    RW_H2_SETTING_MAX_FRAME_SIZE = 5,
    RW_H2_SETTING_MAX_HEADER_LIST_SIZE = 6,
    RW_H2_SETTING_ENABLE_CONNECT_PROTOCOL = 8,
    RW_H2_SETTING_NO_RFC7540_PRIORITIES = 9,
};

enum {
    RW_H2_FRAME_HEAD_BYTES = 9,
    RW_H2_FRAME_BYTES_MAX = 16384, /* of a payload: what we announce, and never send more */
    RW_H2_WINDOW_BYTES_DEFAULT = 65535,
    RW_H2_WINDOW_BYTES_MAX = INT32_MAX,
    RW_H2_STREAM_ID_MAX = INT32_MAX,
};

struct rw_h2_frame {
    uint32_t len;
    uint32_t id;
    uint8_t type, flags;
};

static inline uint32_t rw_h2_read32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return __builtin_bswap32(value);
}

static inline char *rw_h2_write32(char *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline struct rw_h2_frame rw_h2_frame_read(const char *at)
{
    return (struct rw_h2_frame){
        .len = rw_h2_read32(at) >> 8,
        .type = (uint8_t)at[3],
        .flags = (uint8_t)at[4],
        .id = rw_h2_read32(at + 5) & RW_H2_STREAM_ID_MAX,
    };
}

static inline char *rw_h2_frame_write(char *at, size_t len, enum rw_h2_frame_type type,
                                      unsigned flags, uint32_t id)
{
    rw_h2_write32(at, (uint32_t)(len << 8) | type);
    at[4] = (char)flags;
    return rw_h2_write32(at + 5, id);
}

#endif
