/* A line of an access log. What is taken is a request that can be written: a method that is a
 * token, a path that begins with "/" and has no byte that would end it. */
#include "load/script/log_line.h"

#include "http/message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rw_load_log_line line;
    char *copy = malloc(size ? size : 1); /* exactly: reading past its end is found */
    if (!copy)
        abort();
    memcpy(copy, data, size);
    if (rw_load_log_line(rw_span(copy, size), &line)) {
        rw_assert(rw_is_token(rw_span_text(line.method)));
        rw_assert(line.path.len && line.path.at[0] == '/');
        for (size_t i = 0; i < line.path.len; i++)
            rw_assert(line.path.at[i] > ' ' && line.path.at[i] <= '~');
    }
    free(copy);
    return 0;
}
