/* What etcd might say: the first line is the answer to a range, each further one a line of a watch,
 * none of it to be trusted. Whatever is known afterwards can be told. */
#include "gate/discovery/etcd_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_line(struct rw_etcd_reader *reader, struct rw_span line, bool first)
{
    json_t *json = json_loadb(line.at, line.len, 0, NULL);
    if (!json) {
        rw_etcd_read_error(reader, 500, line);
        return;
    }
    uint64_t before = reader->revision;
    enum rw_etcd_said said =
        first ? rw_etcd_read_range(reader, json) : rw_etcd_read_events(reader, json);
    rw_assert(first || reader->revision >= before);
    rw_assert(said != RW_ETCD_TAKEN || !first || reader->discovery->answered);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct rw_locality nowhere;
    struct rw_discovery *discovery;
    if (rw_discovery_create(NULL, RW_LITERAL("app"), RW_LITERAL("x"), &nowhere, &discovery))
        return 0;
    struct rw_etcd_reader reader = {.discovery = discovery, .what = RW_LITERAL("app")};
    struct rw_span rest = rw_span((const char *)data, size), line;
    for (bool first = true; rest.at && rw_span_next(&rest, '\n', &line); first = false)
        read_line(&reader, line, first);
    unsigned count = 0;
    const struct rw_discovery_use use = {.discovery = discovery};
    for (const struct rw_discovered *item = NULL; (item = rw_discovery_next(&use, item)); count++)
        rw_assert(item->weight <= 1000 && item->priority < 16 && item->locality.zone.at);
    rw_assert(discovery->group_count <= RW_DISCOVERED_MAX);
    rw_etcd_reader_free(&reader);
    rw_discovery_free(discovery);
    return 0;
}
