/* What the API server of Kubernetes might say: the first line is a list of EndpointSlices, each
 * further one an event of a watch, none of it to be trusted. The port is looked for by the name
 * "http", or is the first, by the length of it all. */
#include "gate/discovery/kubernetes_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_line(struct rw_kubernetes_reader *reader, struct rw_span line, bool first)
{
    json_t *json = json_loadb(line.at, line.len, 0, NULL);
    if (!json)
        return;
    enum rw_kubernetes_said said =
        first ? rw_kubernetes_read_list(reader, json) : rw_kubernetes_read_event(reader, json);
    rw_assert(said != RW_KUBERNETES_TAKEN || !first || reader->discovery->answered);
    for (const char *at = reader->version; *at; at++) /* it goes into a URL */
        rw_assert(*at > ' ' && *at < 0x7f && *at != '&' && *at != '#');
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct rw_locality nowhere;
    struct rw_discovery *discovery;
    if (rw_discovery_create(NULL, RW_LITERAL("app"), RW_LITERAL("x"), &nowhere, &discovery))
        return 0;
    struct rw_kubernetes_reader reader = {.discovery = discovery,
                                          .what = RW_LITERAL("app"),
                                          .port = size % 2 ? RW_LITERAL("http") : RW_LITERAL("")};
    struct rw_span rest = rw_span((const char *)data, size), line;
    for (bool first = true; rest.at && rw_span_next(&rest, '\n', &line); first = false)
        read_line(&reader, line, first);
    const struct rw_discovery_use use = {.discovery = discovery};
    for (const struct rw_discovered *item = NULL; (item = rw_discovery_next(&use, item));)
        rw_assert(item->weight == 1 && item->locality.zone.at);
    rw_discovery_free(discovery);
    return 0;
}
