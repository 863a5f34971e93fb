/* The API server of Kubernetes, as far as discovery needs it. Each origin is an EndpointSlice. */
#include "support/gateway_directory.h"

#include <stdlib.h>

static void configure(const struct rw_test_directory *directory, struct rw_test_bytes *yaml)
{
    (void)directory;
    rw_test_bytes_format(yaml, "{ kubernetes: { server: \"10.1.0.8:2379\", plain: true, "
                               "namespace: shop, service: app, token_file: \"\" } }");
}

static long asked_from(const struct rw_test_asker *asker)
{
    static const char name[] = "&resourceVersion=";
    const char *start = strstr(asker->request, name);
    return start ? strtol(start + sizeof(name) - 1, NULL, 10) : -1;
}

static void add_slice(unsigned origin, unsigned version, struct rw_test_bytes *json)
{
    rw_test_bytes_format(json,
                         "{\"metadata\":{\"name\":\"app-%u\",\"resourceVersion\":\"%u\"},"
                         "\"addressType\":\"IPv4\",\"ports\":[{\"port\":%u}],\"endpoints\":[{"
                         "\"addresses\":[\"10.1.0.1\"],\"conditions\":{\"ready\":true}}]}",
                         origin, version, 9001 + origin);
}

static void add_list(const struct rw_test_directory *directory, struct rw_test_bytes *json)
{
    const char *comma = "";
    rw_test_bytes_format(json, "{\"metadata\":{\"resourceVersion\":\"%u\"},\"items\":[",
                         rw_test_revision(directory));
    for (unsigned i = 0; i < directory->world->origin_count; i++) {
        if (!directory->there[i])
            continue;
        rw_test_bytes_format(json, "%s", comma);
        add_slice(i, directory->base, json);
        comma = ",";
    }
    rw_test_bytes_format(json, "]}");
}

static void add_progress(const struct rw_test_directory *directory, struct rw_test_bytes *json)
{
    rw_test_bytes_format(json,
                         "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{"
                         "\"resourceVersion\":\"%u\"}}}",
                         rw_test_revision(directory));
}

static void add_event(const struct rw_test_directory *directory, unsigned number,
                      struct rw_test_bytes *json)
{
    const struct rw_test_change *change = &directory->changes[number];
    rw_test_bytes_format(json, "{\"type\":\"%s\",\"object\":", change->there ? "ADDED" : "DELETED");
    add_slice(change->origin, directory->base + number + 1, json);
    rw_test_bytes_format(json, "}");
}

static void add_refusal(const struct rw_test_directory *directory, struct rw_test_bytes *json)
{
    (void)directory;
    rw_test_bytes_format(json, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,"
                               "\"reason\":\"Expired\"}}");
}

const struct rw_test_teller rw_test_kubernetes = {
    .name = "Kubernetes",
    .configure = configure,
    .asked_from = asked_from,
    .add_list = add_list,
    .add_progress = add_progress,
    .add_event = add_event,
    .add_refusal = add_refusal,
};
