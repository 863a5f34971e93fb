/* etcd's JSON gateway, as far as discovery needs it. Each origin is a key. */
#include "support/gateway_directory.h"

#include <stdlib.h>

/* Base64 of "/app/1" and "10.1.0.1:9001", and so on. */
static const struct {
    const char *key, *value;
} entries[RW_TEST_ORIGINS_MAX] = {
    {"L2FwcC8x", "MTAuMS4wLjE6OTAwMQ=="},
    {"L2FwcC8y", "MTAuMS4wLjE6OTAwMg=="},
    {"L2FwcC8z", "MTAuMS4wLjE6OTAwMw=="},
};

static void configure(const struct rw_test_directory *directory, struct rw_test_bytes *yaml)
{
    (void)directory;
    rw_test_bytes_format(yaml, "{ etcd: { servers: [\"10.1.0.8:2379\"], prefix: /app/ } }");
}

static long asked_from(const struct rw_test_asker *asker)
{
    static const char name[] = "\"start_revision\":\"";
    const char *start = strstr(asker->request, name);
    return start ? strtol(start + sizeof(name) - 1, NULL, 10) - 1 : -1;
}

static void add_list(const struct rw_test_directory *directory, struct rw_test_bytes *json)
{
    const char *comma = "";
    rw_test_bytes_format(json, "{\"header\":{\"revision\":\"%u\"},\"kvs\":[",
                         rw_test_revision(directory));
    for (unsigned i = 0; i < directory->world->origin_count; i++) {
        if (!directory->there[i])
            continue;
        rw_test_bytes_format(json, "%s{\"key\":\"%s\",\"value\":\"%s\"}", comma, entries[i].key,
                             entries[i].value);
        comma = ",";
    }
    rw_test_bytes_format(json, "]}");
}

static void add_begin(const struct rw_test_directory *directory, struct rw_test_bytes *json)
{
    rw_test_bytes_format(json, "{\"result\":{\"header\":{\"revision\":\"%u\"},\"created\":true}}",
                         rw_test_revision(directory));
}

/* The header is ahead of the event, as in a watch that catches up. */
static void add_event(const struct rw_test_directory *directory, unsigned number,
                      struct rw_test_bytes *json)
{
    const struct rw_test_change *change = &directory->changes[number];
    rw_test_bytes_format(json,
                         "{\"result\":{\"header\":{\"revision\":\"%u\"},\"events\":[{%s\"kv\":{"
                         "\"key\":\"%s\",\"mod_revision\":\"%u\",\"value\":\"%s\"}}]}}",
                         rw_test_revision(directory), change->there ? "" : "\"type\":\"DELETE\",",
                         entries[change->origin].key, directory->base + number + 1,
                         entries[change->origin].value);
}

static void add_refusal(const struct rw_test_directory *directory, struct rw_test_bytes *json)
{
    rw_test_bytes_format(json, "{\"result\":{\"canceled\":true,\"compact_revision\":\"%u\"}}",
                         directory->compacted + 1);
}

const struct rw_test_teller rw_test_etcd = {
    .name = "etcd",
    .configure = configure,
    .asked_from = asked_from,
    .add_list = add_list,
    .add_begin = add_begin,
    .add_event = add_event,
    .add_refusal = add_refusal,
    .waits = true,
    .knows_old = true,
};
