/* Any bytes: a ClientHello or none. What is complete does not depend on what follows, and the name
 * is one; with every record cut in two it says the same. */
#include "base/alloc.h"
#include "base/err.h"
#include "io/tls_hello.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same message in records of one byte; its length. */
static size_t split(const uint8_t *data, size_t size, char *to)
{
    size_t len = 0;
    for (size_t at = 0; size - at >= 5;) {
        size_t record = (size_t)data[at + 3] << 8 | data[at + 4];
        if (data[at] != 22 || data[at + 1] != 3 || record == 0 || record > 16384)
            break;
        size_t have = size - at - 5 < record ? size - at - 5 : record;
        for (size_t i = 0; i < have; i++) {
            memcpy(to + len, "\x16\3\1\0\1", 5);
            to[len + 5] = (char)data[at + 5 + i];
            len += 6;
        }
        at += 5 + have;
    }
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_tls_hello hello, again;
    struct rw_span bytes = rw_span((const char *)data, size);
    enum rw_tls_hello_result result = rw_tls_hello_parse(bytes, &hello);
    for (size_t len = 0; len < size && len < 600; len++) {
        enum rw_tls_hello_result earlier = rw_tls_hello_parse(rw_span(bytes.at, len), &again);
        if (earlier != RW_TLS_HELLO_INCOMPLETE)
            rw_assert(earlier == result);
    }
    if (result != RW_TLS_HELLO_COMPLETE)
        return 0;
    rw_assert(hello.name_bytes <= RW_TLS_HELLO_NAME_MAX);
    for (size_t i = 0; i < hello.name_bytes; i++)
        rw_assert(hello.name[i] == rw_lower(hello.name[i]) && hello.name[i] > ' ');
    char *cut = rw_alloc(size * 6 + 1);
    rw_assert(cut);
    size_t len = split(data, size, cut);
    if (len < RW_TLS_HELLO_BYTES_MAX) {
        rw_assert(rw_tls_hello_parse(rw_span(cut, len), &again) == RW_TLS_HELLO_COMPLETE);
        rw_assert(again.name_bytes == hello.name_bytes);
        rw_assert(memcmp(again.name, hello.name, hello.name_bytes) == 0);
    }
    rw_free(cut);
    return 0;
}
