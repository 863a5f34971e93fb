#include "io/tls_hello.h"

enum {
    RECORD_HEAD_BYTES = 5,
    RECORD_HANDSHAKE = 22,
    RECORD_BYTES_MAX = 16 * 1024,
    CLIENT_HELLO = 1,
    RANDOM_BYTES = 32,
    EXTENSION_SERVER_NAME = 0,
    NAME_TYPE_HOST = 0,
};

/* Walks through the message as if there were no records. Once `result` is something else than
 * COMPLETE, everything reads as zero. */
struct reader {
    const uint8_t *at, *end;
    size_t record; /* bytes left of the record */
    enum rw_tls_hello_result result;
};

static void stop(struct reader *reader, enum rw_tls_hello_result result)
{
    if (reader->result == RW_TLS_HELLO_COMPLETE)
        reader->result = result;
}

static bool ok(const struct reader *reader)
{
    return reader->result == RW_TLS_HELLO_COMPLETE;
}

/* To the first byte of a record with bytes. */
static void next_record(struct reader *reader)
{
    const uint8_t *head = reader->at;
    size_t left = (size_t)(reader->end - head);
    if ((left && head[0] != RECORD_HANDSHAKE) || (left > 1 && head[1] != 3))
        stop(reader, RW_TLS_HELLO_NONE);
    else if (left < RECORD_HEAD_BYTES)
        stop(reader, RW_TLS_HELLO_INCOMPLETE);
    if (!ok(reader))
        return;
    reader->record = (size_t)head[3] << 8 | head[4];
    reader->at += RECORD_HEAD_BYTES;
    /* An empty record of a handshake is forbidden (RFC 8446 section 5.1). */
    if (reader->record == 0 || reader->record > RECORD_BYTES_MAX)
        stop(reader, RW_TLS_HELLO_BAD);
}

static uint8_t get_u8(struct reader *reader)
{
    if (ok(reader) && reader->record == 0)
        next_record(reader);
    if (ok(reader) && reader->at == reader->end)
        stop(reader, RW_TLS_HELLO_INCOMPLETE);
    if (!ok(reader))
        return 0;
    reader->record--;
    return *reader->at++;
}

/* A field of so many bytes of a part that has `left`. */
static size_t get_length(struct reader *reader, int bytes, size_t *left)
{
    size_t value = 0;
    if (*left < (size_t)bytes)
        stop(reader, RW_TLS_HELLO_BAD);
    for (int i = 0; i < bytes && ok(reader); i++)
        value = value << 8 | get_u8(reader);
    if (!ok(reader))
        return 0;
    *left -= (size_t)bytes;
    return value;
}

static void skip(struct reader *reader, size_t count, size_t *left)
{
    if (count > *left)
        stop(reader, RW_TLS_HELLO_BAD);
    for (size_t i = 0; i < count && ok(reader); i++)
        (void)get_u8(reader);
    *left -= ok(reader) ? count : 0;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static void get_name(struct reader *reader, size_t len, size_t *left, struct rw_tls_hello *hello)
{
    if (len == 0 || len > sizeof(hello->name) || len > *left)
        stop(reader, RW_TLS_HELLO_BAD);
    for (size_t i = 0; i < len && ok(reader); i++) {
        hello->name[i] = rw_lower((char)get_u8(reader));
        if (ok(reader) && !is_name_byte(hello->name[i]))
            stop(reader, RW_TLS_HELLO_BAD);
    }
    if (!ok(reader))
        return;
    *left -= len;
    hello->name_bytes = hello->name[len - 1] == '.' ? len - 1 : len;
}

static void get_server_names(struct reader *reader, size_t left, struct rw_tls_hello *hello)
{
    size_t list = get_length(reader, 2, &left);
    if (list != left)
        stop(reader, RW_TLS_HELLO_BAD);
    while (ok(reader) && left) {
        size_t type = get_length(reader, 1, &left);
        size_t len = get_length(reader, 2, &left);
        if (type == NAME_TYPE_HOST && !hello->name_bytes)
            get_name(reader, len, &left, hello);
        else
            skip(reader, len, &left);
    }
}

static void get_extensions(struct reader *reader, size_t left, struct rw_tls_hello *hello)
{
    while (ok(reader) && left) {
        size_t type = get_length(reader, 2, &left);
        size_t len = get_length(reader, 2, &left);
        if (len > left)
            stop(reader, RW_TLS_HELLO_BAD);
        if (!ok(reader))
            return;
        if (type == EXTENSION_SERVER_NAME) {
            get_server_names(reader, len, hello);
            left -= len;
        } else {
            skip(reader, len, &left);
        }
    }
}

enum rw_tls_hello_result rw_tls_hello_parse(struct rw_span bytes, struct rw_tls_hello *hello)
{
    struct reader reader = {.at = (const uint8_t *)bytes.at};
    size_t left = 4;
    reader.end = reader.at + bytes.len;
    hello->name_bytes = 0;
    if (get_length(&reader, 1, &left) != CLIENT_HELLO)
        stop(&reader, RW_TLS_HELLO_BAD);
    size_t message = get_length(&reader, 3, &left);
    if (message > RW_TLS_HELLO_BYTES_MAX)
        stop(&reader, RW_TLS_HELLO_BAD);
    left = message;
    skip(&reader, 2 + RANDOM_BYTES, &left);
    skip(&reader, get_length(&reader, 1, &left), &left); /* session */
    skip(&reader, get_length(&reader, 2, &left), &left); /* ciphers */
    skip(&reader, get_length(&reader, 1, &left), &left); /* compression */
    if (ok(&reader) && left) {
        size_t extensions = get_length(&reader, 2, &left);
        if (extensions != left)
            stop(&reader, RW_TLS_HELLO_BAD);
        get_extensions(&reader, left, hello);
    }
    if (reader.result == RW_TLS_HELLO_INCOMPLETE && bytes.len >= RW_TLS_HELLO_BYTES_MAX)
        return RW_TLS_HELLO_BAD;
    return reader.result;
}
