/* What there is, and what becomes of it. In a strict world one origin is always there, and nobody
 * may notice any of it. */
#include "support/gateway_directory.h"

#include "gate/cluster/cluster_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHANGE_MS_MAX = 120, HALF_FILE_MS_MAX = 3000, BASE = 1000, SET_BACK = 100 };

/* ---- Answers ---- */

static void leave(struct rw_test_asker *asker, bool reset)
{
    struct rw_sim_socket *socket = asker->socket;
    asker->socket = NULL;
    if (socket && reset)
        rw_sim_peer_reset(socket);
    if (socket)
        rw_sim_peer_close(socket);
}

static void say(struct rw_test_asker *asker, struct rw_span bytes)
{
    if (asker->socket && !rw_test_send(asker->socket, bytes))
        rw_test_trace(asker->directory->world, "directory: nobody listens");
}

/* As a whole answer; or with half of the JSON, in full or broken off; or something else. */
static void say_answer(struct rw_test_asker *asker, unsigned status, struct rw_test_bytes *json)
{
    struct rw_test_world *world = asker->directory->world;
    struct rw_test_bytes text = {0};
    unsigned manner = rw_test_below(world, 20);
    size_t length = manner == 1 ? json->len / 2 : json->len;
    size_t said = manner == 2 ? json->len / 2 : length;
    if (manner == 3)
        status = 503;
    if (manner == 4)
        rw_test_bytes_format(&text, "what?\r\n\r\n");
    else
        rw_test_bytes_format(&text, "HTTP/1.1 %u So\r\nContent-Length: %zu\r\n\r\n", status,
                             length);
    if (manner != 4)
        rw_test_bytes_add(&text, json->at, said);
    if (manner != 5) { /* else it says nothing, and stays */
        say(asker, rw_span(text.at, text.len));
        leave(asker, manner == 2 && rw_test_chance(world, 50));
    }
    free(text.at);
    free(json->at);
}

/* ---- Watches ---- */

/* `len` of it: less breaks it off. */
static void say_line(struct rw_test_asker *asker, struct rw_test_bytes *json, bool whole)
{
    struct rw_test_bytes chunk = {0};
    rw_test_bytes_format(json, "\n");
    rw_test_bytes_format(&chunk, "%zx\r\n", json->len);
    rw_test_bytes_add(&chunk, json->at, json->len);
    rw_test_bytes_add(&chunk, "\r\n", 2);
    say(asker, rw_span(chunk.at, whole ? chunk.len : chunk.len / 2));
    if (!whole)
        leave(asker, rw_test_chance(asker->directory->world, 50));
    free(chunk.at);
    free(json->at);
}

static void say_event(struct rw_test_asker *asker, unsigned number)
{
    const struct rw_test_directory *directory = asker->directory;
    struct rw_test_world *world = directory->world;
    struct rw_test_bytes json = {0}, old = {0};
    directory->teller->add_event(directory, number, &json);
    say_line(asker, &json, !rw_test_chance(world, 8));
    if (!number || !directory->teller->knows_old || !rw_test_chance(world, 15))
        return;
    directory->teller->add_event(directory, rw_test_below(world, number), &old);
    say_line(asker, &old, true);
}

static void begin_watch(struct rw_test_asker *asker, unsigned from)
{
    static const struct rw_span head =
        RW_LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const struct rw_test_directory *directory = asker->directory;
    struct rw_test_bytes json = {0};
    say(asker, head);
    asker->watches = true;
    if (directory->teller->add_begin) {
        directory->teller->add_begin(directory, &json);
        say_line(asker, &json, true);
    }
    for (unsigned i = from > directory->base ? from - directory->base : 0; i < directory->count;
         i++)
        say_event(asker, i);
    if (directory->teller->add_progress && rw_test_chance(directory->world, 30)) {
        json = (struct rw_test_bytes){0};
        directory->teller->add_progress(directory, &json);
        say_line(asker, &json, true);
    }
}

static void refuse_watch(struct rw_test_asker *asker, bool ahead)
{
    const struct rw_test_directory *directory = asker->directory;
    struct rw_test_bytes json = {0};
    directory->teller->add_refusal(directory, &json);
    say_answer(asker, ahead ? 504 : 200, &json);
}

static void answer_watch(struct rw_test_asker *asker, unsigned from)
{
    const struct rw_test_directory *directory = asker->directory;
    bool ahead = from > rw_test_revision(directory);
    if (from < directory->compacted || (ahead && !directory->teller->waits))
        refuse_watch(asker, ahead);
    else
        begin_watch(asker, from);
}

/* ---- Requests ---- */

static bool is_whole(const struct rw_test_asker *asker)
{
    const char *told = strstr(asker->request, "Content-Length: ");
    const char *body = strstr(asker->request, "\r\n\r\n");
    return body && (!told || strlen(body + 4) >= strtoul(told + 16, NULL, 10));
}

static void on_data(struct rw_sim_socket *socket, void *user, struct rw_span bytes)
{
    struct rw_test_asker *asker = user;
    struct rw_test_directory *directory = asker->directory;
    (void)socket;
    if (asker->watches || asker->len + bytes.len > RW_TEST_ASKED_BYTES_MAX)
        return;
    memcpy(asker->request + asker->len, bytes.at, bytes.len);
    asker->len += bytes.len;
    asker->request[asker->len] = '\0';
    if (!is_whole(asker))
        return;
    long from = directory->teller->asked_from(asker);
    rw_test_trace(directory->world, "%s is asked for %s %ld", directory->teller->name,
                  from < 0 ? "a list" : "what is behind", from);
    struct rw_test_bytes json = {0};
    if (from >= 0) {
        answer_watch(asker, (unsigned)from);
        return;
    }
    directory->teller->add_list(directory, &json);
    say_answer(asker, 200, &json);
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
    struct rw_test_directory *directory = user;
    if (rw_test_chance(directory->world, 20))
        return false;
    struct rw_test_asker *asker = calloc(1, sizeof(*asker));
    rw_assert(asker);
    *asker =
        (struct rw_test_asker){.next = directory->askers, .directory = directory, .socket = socket};
    directory->askers = asker;
    *events = &socket_events;
    *socket_user = asker;
    return true;
}

/* ---- A file ---- */

/* Its time is a revision: writes of one moment of the real clock are to be seen apart. */
static void write_file(struct rw_test_directory *directory, bool half)
{
    struct rw_test_bytes text = {0};
    const char *comma = "";
    rw_test_bytes_format(&text, "endpoints: [");
    for (unsigned i = 0; i < directory->world->origin_count; i++) {
        if (!directory->there[i])
            continue;
        rw_test_bytes_format(&text, "%s\"10.1.0.1:%u\"", comma, 9001 + i);
        comma = ", ";
    }
    rw_test_bytes_format(&text, "]\n");
    size_t len = half ? rw_test_below(directory->world, (uint32_t)text.len - 1) : text.len;
    const struct timespec time = {.tv_sec = directory->compacted++};
    bool written = ftruncate(directory->file, 0) == 0 &&
                   pwrite(directory->file, text.at, len, 0) == (ssize_t)len &&
                   futimens(directory->file, (const struct timespec[]){time, time}) == 0;
    rw_assert(written);
    free(text.at);
}

static void write_whole(void *user)
{
    write_file(user, false);
}

/* Now and then whoever writes it is slow. */
static void change_file(struct rw_test_directory *directory)
{
    bool half = rw_test_chance(directory->world, 20);
    write_file(directory, half);
    if (half)
        rw_test_later(directory->world, rw_test_below(directory->world, HALF_FILE_MS_MAX),
                      write_whole, directory);
}

static void configure_file(const struct rw_test_directory *directory, struct rw_test_bytes *yaml)
{
    rw_test_bytes_format(yaml, "{ file: %s }", directory->path);
}

/* ---- Changes ---- */

static unsigned count_there(const struct rw_test_directory *directory)
{
    unsigned count = 0;
    for (unsigned i = 0; i < directory->world->origin_count; i++)
        count += directory->there[i];
    return count;
}

static void break_watches(struct rw_test_directory *directory)
{
    rw_test_trace(directory->world, "directory: all watches break");
    for (struct rw_test_asker *asker = directory->askers; asker; asker = asker->next)
        if (asker->watches)
            leave(asker, rw_test_chance(directory->world, 50));
}

static void change_one(struct rw_test_directory *directory)
{
    unsigned origin = rw_test_below(directory->world, directory->world->origin_count);
    if (directory->world->strict && directory->there[origin] && count_there(directory) == 1)
        return;
    bool there = directory->there[origin] = !directory->there[origin];
    directory->changes[directory->count++] = (struct rw_test_change){origin, there};
    rw_test_trace(directory->world, "directory: origin %u %s", origin, there ? "comes" : "goes");
    for (struct rw_test_asker *asker = directory->askers; asker; asker = asker->next)
        if (asker->watches)
            say_event(asker, directory->count - 1);
}

/* A backup is restored: what there is differs from what was told, and revisions are lower. */
static void set_back(struct rw_test_directory *directory)
{
    break_watches(directory);
    change_one(directory);
    directory->base -= SET_BACK;
    directory->count = 0;
    directory->compacted = directory->base;
    rw_test_trace(directory->world, "directory: set back to %u", directory->base);
}

static void change_told(struct rw_test_directory *directory)
{
    struct rw_test_world *world = directory->world;
    bool breaks = rw_test_chance(world, 25);
    if (rw_test_chance(world, 6)) {
        set_back(directory);
        return;
    }
    if (breaks && rw_test_chance(world, 50))
        break_watches(directory); /* what happens now is not heard of before the next watch */
    change_one(directory);
    if (breaks && rw_test_chance(world, 30))
        directory->compacted = rw_test_revision(directory);
    if (breaks)
        break_watches(directory);
}

static void change(void *user)
{
    struct rw_test_directory *directory = user;
    if (directory->teller) {
        change_told(directory);
    } else {
        change_one(directory);
        change_file(directory);
    }
    if (--directory->planned)
        rw_test_later(directory->world, 1 + rw_test_below(directory->world, CHANGE_MS_MAX), change,
                      directory);
}

/* ---- What must hold ---- */

static bool has(const struct rw_endpoint_set *set, const struct rw_test_origin *origin)
{
    for (unsigned i = 0; i < set->count; i++)
        if (rw_address_eq(&set->endpoints[i]->address, &origin->address.storage))
            return true;
    return false;
}

void rw_test_directory_look(struct rw_test_world *world)
{
    struct rw_list *all = &world->clusters->clusters;
    for (struct rw_list *item = all->next; item != all; item = item->next) {
        const struct rw_cluster_control *control =
            rw_container_of(item, struct rw_cluster_control, link);
        const struct rw_endpoint_set *set = atomic_load(&control->cluster.set);
        for (unsigned i = 0; i < world->origin_count; i++)
            if (has(set, &world->origins[i]))
                world->origins[i].listed_step = rw_sim_steps(world->sim);
    }
}

void rw_test_directory_check(struct rw_test_world *world)
{
    const struct rw_test_directory *directory = world->directory;
    for (unsigned i = 0; directory && i < world->snapshot->cluster_count; i++) {
        const struct rw_cluster *cluster = world->snapshot->clusters[i];
        const struct rw_endpoint_set *set = atomic_load(&cluster->set);
        if (!cluster->discovery.len)
            continue;
        for (unsigned k = 0; k < world->origin_count; k++)
            if (has(set, &world->origins[k]) != directory->there[k])
                rw_test_fail(world, "upstream %.*s: origin %u is %s", RW_SPAN_ARGS(cluster->name),
                             k, directory->there[k] ? "not known" : "still there");
    }
}

/* ---- The whole ---- */

void rw_test_directory_create(struct rw_test_world *world)
{
    static const struct rw_test_teller *const tellers[] = {
        [RW_TEST_IN_ETCD] = &rw_test_etcd, [RW_TEST_IN_KUBERNETES] = &rw_test_kubernetes};
    if (!world->discovers)
        return;
    struct rw_test_directory *directory = calloc(1, sizeof(*directory));
    rw_assert(directory);
    world->directory = directory;
    directory->world = world;
    directory->base = BASE + SET_BACK * RW_TEST_CHANGES_MAX;
    directory->file = -1;
    for (unsigned i = 0; i < world->origin_count; i++)
        directory->there[i] = i == 0 || rw_test_chance(world, 60);
    directory->planned = 1 + rw_test_below(world, RW_TEST_CHANGES_MAX);
    if (world->discovers != RW_TEST_IN_FILE) {
        directory->teller = tellers[world->discovers];
        return;
    }
    directory->file = memfd_create("endpoints", MFD_CLOEXEC);
    rw_assert(directory->file >= 0);
    snprintf(directory->path, sizeof(directory->path), "/proc/self/fd/%d", directory->file);
    write_file(directory, rw_test_chance(world, 30));
    rw_test_later(world, rw_test_below(world, HALF_FILE_MS_MAX), write_whole, directory);
}

void rw_test_directory_configure(const struct rw_test_world *world, struct rw_test_bytes *yaml)
{
    const struct rw_test_directory *directory = world->directory;
    if (!directory)
        return;
    rw_test_bytes_format(yaml, " discovery: ");
    (directory->teller ? directory->teller->configure : configure_file)(directory, yaml);
    rw_test_bytes_format(yaml, "\n ");
}

void rw_test_directory_listen(struct rw_test_world *world)
{
    struct rw_test_directory *directory = world->directory;
    struct rw_address address;
    if (!directory)
        return;
    rw_test_later(world, 1 + rw_test_below(world, CHANGE_MS_MAX), change, directory);
    enum rw_err err = rw_address_parse_ip(RW_LITERAL("10.1.0.8"), 2379, &address);
    rw_assert(!err);
    if (directory->teller)
        err = rw_sim_peer_listen(world->sim, rw_address_sockaddr(&address), address.bytes,
                                 on_connect, directory);
    rw_assert(!err);
}

void rw_test_directory_free(struct rw_test_world *world)
{
    struct rw_test_directory *directory = world->directory;
    while (directory && directory->askers) {
        struct rw_test_asker *asker = directory->askers;
        directory->askers = asker->next;
        free(asker);
    }
    if (directory && directory->file >= 0)
        close(directory->file);
    free(directory);
    world->directory = NULL;
}
