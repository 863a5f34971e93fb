/* Access log lines from hostile texts: always one line of valid JSON, within its room. The input is
 * cut at its first bytes into path, user agent and host. */
#include "base/alloc.h"
#include "base/err.h"
#include "watch/access_line.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rw_span take(struct rw_span *rest, size_t len)
{
    struct rw_span taken = rw_span(rest->at, len < rest->len ? len : rest->len);
    *rest = rw_span_skip(*rest, taken.len);
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_access_clock clock = {0};
    struct rw_span rest = rw_span((const char *)data, size);
    struct rw_access_record record = {.status = 200, .upstream_us = UINT64_MAX};
    if (size >= 2) {
        rest = rw_span_skip(rest, 2);
        record.user_agent = take(&rest, data[0]);
        record.host = take(&rest, data[1]);
    }
    record.path = rest;
    size_t room = rw_access_line_room(&record);
    char *line = rw_alloc(room);
    rw_assert(line);
    size_t len = rw_access_line(line, &clock, &record);
    rw_assert(len <= room && line[len - 1] == '\n' && !memchr(line, '\n', len - 1));
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    rw_assert(object && json_object_get(object, "path"));
    json_decref(object);
    rw_free(line);
    return 0;
}
