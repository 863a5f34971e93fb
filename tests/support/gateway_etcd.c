/* An etcd that knows which of the origins there are, and changes its mind: endpoints come and go
 * while requests are under way, watches break, and what they would go on from is compacted away.
 * In a strict world one origin is always there, and nobody may notice any of it. */
#include "gate/cluster/cluster.h"
#include "support/gateway_world.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHANGES_MAX = 12, CHANGE_MS_MAX = 120, REQUEST_BYTES_MAX = 4096 };

/* Base64 of "/app/1" and "10.1.0.1:9001", and so on. */
static const struct {
    const char *key, *value;
} entries[RW_TEST_ORIGINS_MAX] = {
    {"L2FwcC8x", "MTAuMS4wLjE6OTAwMQ=="},
    {"L2FwcC8y", "MTAuMS4wLjE6OTAwMg=="},
    {"L2FwcC8z", "MTAuMS4wLjE6OTAwMw=="},
};

struct change {
    unsigned origin;
    bool there;
};

/* Who asks: one request each, and a watch goes on. */
struct asker {
    struct asker *next;
    struct rw_test_etcd *etcd;
    struct rw_sim_socket *socket; /* NULL: it has ended */
    char request[REQUEST_BYTES_MAX + 1];
    size_t len;
    bool watches;
};

struct rw_test_etcd {
    struct rw_test_world *world;
    struct asker *askers;
    bool there[RW_TEST_ORIGINS_MAX];
    struct change changes[CHANGES_MAX]; /* the i-th has the revision i + 2 */
    unsigned count, planned;
    unsigned compacted; /* revisions up to it are gone */
};

static void leave(struct asker *asker, bool reset)
{
    struct rw_sim_socket *socket = asker->socket;
    asker->socket = NULL;
    if (socket && reset)
        rw_sim_peer_reset(socket);
    if (socket)
        rw_sim_peer_close(socket);
}

static void say(struct asker *asker, struct rw_test_bytes *text)
{
    if (asker->socket && !rw_test_send(asker->socket, rw_span(text->at, text->len)))
        rw_test_trace(asker->etcd->world, "etcd: nobody listens");
    text->len = 0;
}

/* ---- Watches ---- */

static void say_change(struct asker *asker, unsigned number)
{
    const struct change *change = &asker->etcd->changes[number];
    struct rw_test_bytes line = {0}, chunk = {0};
    rw_test_bytes_format(&line,
                         "{\"result\":{\"header\":{\"revision\":\"%u\"},\"events\":[{%s\"kv\":{"
                         "\"key\":\"%s\",\"value\":\"%s\"}}]}}\n",
                         number + 2, change->there ? "" : "\"type\":\"DELETE\",",
                         entries[change->origin].key, entries[change->origin].value);
    rw_test_bytes_format(&chunk, "%zx\r\n%.*s\r\n", line.len, (int)line.len, line.at);
    say(asker, &chunk);
    free(line.at);
    free(chunk.at);
}

static void refuse_watch(struct asker *asker)
{
    struct rw_test_bytes text = {0};
    rw_test_bytes_format(&text,
                         "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"result\":{\"canceled\":"
                         "true,\"compact_revision\":\"%u\"}}\n",
                         asker->etcd->compacted + 1);
    say(asker, &text);
    leave(asker, false);
    free(text.at);
}

static void begin_watch(struct asker *asker, unsigned from)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const struct rw_test_etcd *etcd = asker->etcd;
    struct rw_test_bytes text = {0};
    if (from <= etcd->compacted) {
        refuse_watch(asker);
        return;
    }
    rw_test_bytes_add(&text, head, sizeof(head) - 1);
    say(asker, &text);
    free(text.at);
    asker->watches = true;
    for (unsigned i = from > 2 ? from - 2 : 0; i < etcd->count; i++)
        say_change(asker, i);
}

/* ---- The list ---- */

static void say_list(struct asker *asker)
{
    const struct rw_test_etcd *etcd = asker->etcd;
    struct rw_test_bytes body = {0}, text = {0};
    const char *comma = "";
    rw_test_bytes_format(&body, "{\"header\":{\"revision\":\"%u\"},\"kvs\":[", etcd->count + 1);
    for (unsigned i = 0; i < etcd->world->origin_count; i++) {
        if (!etcd->there[i])
            continue;
        rw_test_bytes_format(&body, "%s{\"key\":\"%s\",\"value\":\"%s\"}", comma, entries[i].key,
                             entries[i].value);
        comma = ",";
    }
    rw_test_bytes_format(&body, "]}");
    rw_test_bytes_format(&text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%.*s", body.len,
                         (int)body.len, body.at);
    say(asker, &text);
    leave(asker, false);
    free(body.at);
    free(text.at);
}

/* ---- Requests ---- */

static void on_data(struct rw_sim_socket *socket, void *user, struct rw_span bytes)
{
    struct asker *asker = user;
    (void)socket;
    if (asker->watches || asker->len + bytes.len > REQUEST_BYTES_MAX)
        return;
    memcpy(asker->request + asker->len, bytes.at, bytes.len);
    asker->len += bytes.len;
    asker->request[asker->len] = '\0';
    const char *start = strstr(asker->request, "\"start_revision\":\"");
    size_t length = 0;
    const char *told = strstr(asker->request, "Content-Length: ");
    const char *body = strstr(asker->request, "\r\n\r\n");
    if (!told || !body || sscanf(told, "Content-Length: %zu", &length) != 1 ||
        strlen(body + 4) < length)
        return;
    rw_test_trace(asker->etcd->world, "etcd is asked for %s", start ? "a watch" : "a list");
    if (start)
        begin_watch(asker, (unsigned)strtoul(start + strlen("\"start_revision\":\""), NULL, 10));
    else
        say_list(asker);
}

static void on_end(struct rw_sim_socket *socket, void *user, enum rw_err err)
{
    (void)socket;
    (void)err;
    leave(user, false);
}

static bool on_connect(struct rw_sim_socket *socket, void *user,
                       const struct rw_sim_peer_events **events, void **socket_user)
{
    static const struct rw_sim_peer_events socket_events = {.on_data = on_data, .on_end = on_end};
    struct rw_test_etcd *etcd = user;
    if (rw_test_chance(etcd->world, 20))
        return false;
    struct asker *asker = calloc(1, sizeof(*asker));
    rw_assert(asker);
    *asker = (struct asker){.next = etcd->askers, .etcd = etcd, .socket = socket};
    etcd->askers = asker;
    *events = &socket_events;
    *socket_user = asker;
    return true;
}

/* ---- Changes ---- */

static unsigned count_there(const struct rw_test_etcd *etcd)
{
    unsigned count = 0;
    for (unsigned i = 0; i < etcd->world->origin_count; i++)
        count += etcd->there[i];
    return count;
}

static void break_watches(struct rw_test_etcd *etcd)
{
    rw_test_trace(etcd->world, "etcd: all watches break");
    for (struct asker *asker = etcd->askers; asker; asker = asker->next)
        if (asker->watches)
            leave(asker, rw_test_chance(etcd->world, 50));
}

static void change_one(struct rw_test_etcd *etcd)
{
    unsigned origin = rw_test_below(etcd->world, etcd->world->origin_count);
    if (etcd->world->strict && etcd->there[origin] && count_there(etcd) == 1)
        return;
    etcd->there[origin] = !etcd->there[origin];
    etcd->changes[etcd->count++] = (struct change){origin, etcd->there[origin]};
    rw_test_trace(etcd->world, "etcd: origin %u %s", origin,
                  etcd->there[origin] ? "comes" : "goes");
    for (struct asker *asker = etcd->askers; asker; asker = asker->next)
        if (asker->watches)
            say_change(asker, etcd->count - 1);
}

static void change(void *user)
{
    struct rw_test_etcd *etcd = user;
    struct rw_test_world *world = etcd->world;
    bool breaks = rw_test_chance(world, 25);
    if (breaks && rw_test_chance(world, 50))
        break_watches(etcd); /* what happens now is not heard of before the next watch */
    change_one(etcd);
    if (breaks && rw_test_chance(world, 30))
        etcd->compacted = etcd->count + 1;
    if (breaks)
        break_watches(etcd);
    if (--etcd->planned)
        rw_test_later(world, 1 + rw_test_below(world, CHANGE_MS_MAX), change, etcd);
}

/* ---- The end ---- */

static bool has(const struct rw_endpoint_set *set, const struct rw_test_origin *origin)
{
    char name[RW_ADDRESS_TEXT_MAX];
    size_t len = rw_address_format(name, &origin->address.storage);
    for (unsigned i = 0; i < set->count; i++)
        if (rw_span_eq(set->endpoints[i]->name, rw_span(name, len)))
            return true;
    return false;
}

void rw_test_etcd_check(struct rw_test_world *world)
{
    const struct rw_test_etcd *etcd = world->etcd;
    for (unsigned i = 0; etcd && i < world->snapshot->cluster_count; i++) {
        const struct rw_cluster *cluster = world->snapshot->clusters[i];
        const struct rw_endpoint_set *set = atomic_load(&cluster->set);
        if (!cluster->discovery.len)
            continue;
        for (unsigned k = 0; k < world->origin_count; k++)
            if (has(set, &world->origins[k]) != etcd->there[k])
                rw_test_fail(world, "upstream %.*s: origin %u is %s", RW_SPAN_ARGS(cluster->name),
                             k, etcd->there[k] ? "not known" : "still there");
    }
}

/* ---- The whole ---- */

void rw_test_etcd_listen(struct rw_test_world *world)
{
    struct rw_address address;
    if (!world->discovers)
        return;
    struct rw_test_etcd *etcd = calloc(1, sizeof(*etcd));
    rw_assert(etcd);
    world->etcd = etcd;
    etcd->world = world;
    for (unsigned i = 0; i < world->origin_count; i++)
        etcd->there[i] = i == 0 || rw_test_chance(world, 60);
    etcd->planned = 1 + rw_test_below(world, CHANGES_MAX);
    enum rw_err err = rw_address_parse_ip(RW_LITERAL("10.1.0.8"), 2379, &address);
    rw_assert(!err);
    err = rw_sim_peer_listen(world->sim, rw_address_sockaddr(&address), address.bytes, on_connect,
                             etcd);
    rw_assert(!err);
    rw_test_later(world, 1 + rw_test_below(world, CHANGE_MS_MAX), change, etcd);
}

void rw_test_etcd_free(struct rw_test_world *world)
{
    struct rw_test_etcd *etcd = world->etcd;
    while (etcd && etcd->askers) {
        struct asker *asker = etcd->askers;
        etcd->askers = asker->next;
        free(asker);
    }
    free(etcd);
    world->etcd = NULL;
}
