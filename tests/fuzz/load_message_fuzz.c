/* The body of a step in one of its forms: what is made lies within its room, and a call of gRPC
 * says how long it is. */
#include "load/script/message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 1 << 14, GRPC_HEAD_BYTES = 5 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > BYTES_MAX)
        return 0;
    enum rw_load_form form = (enum rw_load_form)(data[0] & 3);
    size_t len = size - 1, room = data[0] & 4 ? len / 2 : 8 * len + 64;
    char *text = malloc(len ? len : 1), *made = malloc(room ? room : 1); /* exactly */
    if (!text || !made)
        abort();
    memcpy(text, data + 1, len);
    struct rw_h1_out out = {.at = made, .room = room};
    const char *flaw = rw_load_message_put(form, rw_span(text, len), &out);
    rw_assert(flaw || out.overflow || out.len <= room);
    rw_assert(flaw || !out.overflow || data[0] & 4); /* eight times is always enough */
    if (!flaw && !out.overflow && form >= RW_LOAD_FORM_GRPC_BASE64) {
        size_t told = 0;
        for (unsigned i = 1; i < GRPC_HEAD_BYTES; i++)
            told = told << 8 | (uint8_t)made[i];
        rw_assert(told == out.len - GRPC_HEAD_BYTES);
    }
    free(text);
    free(made);
    return 0;
}
