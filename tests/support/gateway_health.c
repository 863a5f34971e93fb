/* Probes of origins, beside what becomes of requests. Origins turn sick and well again: probes of a
 * sick one are answered badly in some way, or, where things may fail, it is dead and takes no
 * connection.
 *
 * What must hold: after as many bad probes in a row as the configuration says an endpoint is down,
 * whatever these were; no request goes to one that was down before it came, unless so few are up
 * that probes are not believed; then, in a strict world, all requests succeed though all are down.
 * Once every origin is well, and probes have had their time, every endpoint is up, and none that
 * requests had put out is out any more. A drain ends, whatever is probed meanwhile. */
#include "gate/cluster/cluster.h"
#include "gate/front/listener.h"
#include "support/gateway_world.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TURNS_MAX = 8,
    TURN_MS_MAX = 700,
    INTERVAL_MS = 100,     /* the least that there is */
    RECOVERY_MS_MAX = 4500 /* for two probes, of 1 s each, and some more */
};

#define RECOVERY "  health: { path: /health, interval: 1s, timeout: 1s, healthy_after: 2 }\n"

/* How a sick origin answers. */
enum manner { BAD_STATUS, SILENT, RESETS, CLOSES, BABBLES, BREAKS_OFF, MANNERS };

static struct rw_test_origin *origin_at(struct rw_test_world *world, unsigned version, unsigned i)
{
    return version && !world->discovers ? &world->nexts[i] : &world->origins[i];
}

/* ---- The configuration ---- */

void rw_test_health_configure(struct rw_test_world *world, unsigned version,
                              struct rw_test_bytes *yaml)
{
    struct rw_test_health *health = &world->health;
    struct rw_test_health_settings *made = &health->settings[version];
    *made = (struct rw_test_health_settings){0};
    if (health->phase == RW_TEST_HEALTH_RECOVERS)
        rw_test_bytes_format(yaml, RECOVERY);
    if (health->phase != RW_TEST_HEALTH_CHANGES || rw_test_chance(world, 15))
        return;
    static const unsigned panics[] = {1, 34, 50, 67, 100};
    made->unhealthy_after = 1 + rw_test_below(world, 3);
    made->healthy_after = 1 + rw_test_below(world, 3);
    made->panic_percent = panics[rw_test_below(world, 5)];
    if (!world->strict && rw_test_chance(world, 50))
        made->panic_percent = 0;
    unsigned interval_ms = INTERVAL_MS + rw_test_below(world, 100);
    rw_test_bytes_format(yaml,
                         "  health: { path: /health, interval: %ums, timeout: %ums, healthy_after: "
                         "%u, unhealthy_after: %u, panic_percent: %u }\n",
                         interval_ms, 10 + rw_test_below(world, interval_ms - 10),
                         made->healthy_after, made->unhealthy_after, made->panic_percent);
}

/* What an older checker has counted is of no account to the next; and of each there may be a probe
 * that comes late. */
static int none_bad(const struct rw_test_world *world)
{
    return 1 - (int)world->generation;
}

void rw_test_health_adopted(struct rw_test_world *world)
{
    for (unsigned i = 0; i < world->origin_count; i++)
        for (unsigned version = 0; version < RW_TEST_VERSIONS; version++)
            origin_at(world, version, i)->bad_probes[version] = none_bad(world);
    for (unsigned i = 0; i < world->snapshot->cluster_count && world->probed; i++)
        rw_clusters_activate(world->clusters, world->snapshot->clusters[i]);
}

/* The configuration in force, with these lines in place of those for probes. */
static void adopt_with(struct rw_test_world *world, const char *lines)
{
    static const char mark[] = "  health: {";
    struct rw_test_bytes yaml = {0};
    for (const char *at = world->yaml, *end; *at; at = end) {
        end = strchr(at, '\n') + 1;
        bool health = strncmp(at, mark, strlen(mark)) == 0;
        bool upstream =
            strncmp(at, "- name: app\n", 12) == 0 || strncmp(at, "- name: next\n", 13) == 0;
        if (!health)
            rw_test_bytes_add(&yaml, at, (size_t)(end - at));
        if (upstream)
            rw_test_bytes_add(&yaml, lines, strlen(lines));
    }
    rw_test_bytes_add(&yaml, "", 1);
    for (unsigned version = 0; version < RW_TEST_VERSIONS; version++)
        world->health.settings[version] = (struct rw_test_health_settings){0};
    rw_test_world_adopt(world, yaml.at);
    free(yaml.at);
}

/* ---- Sick and well ---- */

static void turn(void *user)
{
    struct rw_test_origin *origin = user;
    struct rw_test_world *world = origin->world;
    if (world->health.phase != RW_TEST_HEALTH_CHANGES)
        return;
    origin->sick = !origin->sick;
    origin->dead = origin->sick && !world->strict && rw_test_chance(world, 40);
    rw_test_trace(world, "origin %u of version %u is %s",
                  origin->address.bytes ? (unsigned)(origin->version ? origin - world->nexts
                                                                     : origin - world->origins)
                                        : 0,
                  origin->version,
                  origin->dead   ? "dead"
                  : origin->sick ? "sick"
                                 : "well");
    if (++origin->turns < TURNS_MAX)
        rw_test_later(world, 1 + rw_test_below(world, TURN_MS_MAX), turn, origin);
}

void rw_test_health_start(struct rw_test_world *world)
{
    for (unsigned version = 0; version < RW_TEST_VERSIONS && world->probed; version++)
        for (unsigned i = 0; i < world->origin_count; i++)
            if (!version || !world->discovers)
                rw_test_later(world, rw_test_below(world, TURN_MS_MAX), turn,
                              origin_at(world, version, i));
}

/* ---- Probes ---- */

static struct rw_endpoint *endpoint_of(const struct rw_test_world *world, unsigned version,
                                       const struct rw_test_origin *origin,
                                       const struct rw_endpoint_set **set)
{
    static const char *const names[] = {"app", "next"};
    for (unsigned i = 0; i < world->snapshot->cluster_count; i++) {
        const struct rw_cluster *cluster = world->snapshot->clusters[i];
        if (!rw_span_is(cluster->name, names[version]))
            continue;
        *set = atomic_load(&cluster->set);
        for (unsigned k = 0; k < (*set)->count; k++)
            if (memcmp(&(*set)->endpoints[k]->address, rw_address_sockaddr(&origin->address),
                       origin->address.bytes) == 0)
                return (*set)->endpoints[k];
    }
    return NULL;
}

/* The one before has been judged. */
static void check_down(struct rw_test_origin *origin, unsigned version)
{
    struct rw_test_world *world = origin->world;
    const struct rw_endpoint_set *set;
    const struct rw_endpoint *endpoint = endpoint_of(world, version, origin, &set);
    int most = (int)world->health.settings[version].unhealthy_after;
    if (most && endpoint && origin->bad_probes[version] >= most &&
        !atomic_load(&endpoint->probe_failed))
        rw_test_fail(world, "%.*s is still up after %d bad probes", RW_SPAN_ARGS(endpoint->name),
                     origin->bad_probes[version]);
}

/* Whose probes it is, they say by Host. */
struct rw_test_probe_answer rw_test_health_asked(struct rw_test_origin *origin, struct rw_span host)
{
    static const unsigned good[] = {200, 204, 302}, bad[] = {400, 404, 500, 503};
    struct rw_test_world *world = origin->world;
    unsigned version = rw_span_is(host, "next");
    struct rw_test_probe_answer answer = {.status = good[rw_test_below(world, 3)]};
    check_down(origin, version);
    origin->bad_probes[version] = origin->sick ? origin->bad_probes[version] + 1 : none_bad(world);
    world->health.bad += origin->sick;
    if (!origin->sick)
        return answer;
    answer.status = bad[rw_test_below(world, 4)];
    switch ((enum manner)rw_test_below(world, MANNERS)) {
    case SILENT:
        return (struct rw_test_probe_answer){.silent = true};
    case RESETS:
        return (struct rw_test_probe_answer){.cut = RW_TEST_CUT_RESET};
    case CLOSES:
        return (struct rw_test_probe_answer){.cut = RW_TEST_CUT_CLOSE};
    case BABBLES:
        return (struct rw_test_probe_answer){.status = answer.status, .babble = true};
    case BREAKS_OFF:
        return (struct rw_test_probe_answer){.status = 200, .breaks_off = true};
    default:
        return answer;
    }
}

/* ---- Who is asked ---- */

static bool panics(const struct rw_test_world *world, unsigned version,
                   const struct rw_endpoint_set *set)
{
    uint64_t up = 0;
    for (unsigned i = 0; i < set->count; i++)
        up += !atomic_load(&set->endpoints[i]->probe_failed);
    return up * 100 < (uint64_t)world->health.settings[version].panic_percent * set->count;
}

static void note(struct rw_test_world *world, unsigned version, struct rw_test_origin *origin)
{
    struct rw_test_health *health = &world->health;
    const struct rw_endpoint_set *set = NULL;
    const struct rw_endpoint *endpoint = endpoint_of(world, version, origin, &set);
    bool down = endpoint && atomic_load(&endpoint->probe_failed);
    bool panic = down && panics(world, version, set);
    if (origin->endpoints[version] != endpoint)
        origin->bad_probes[version] = none_bad(world); /* nothing is known of another one */
    origin->endpoints[version] = endpoint;
    health->downs += down && !origin->down[version];
    health->panics += panic;
    origin->down[version] = down;
    if (!down || panic)
        origin->asked_step = rw_sim_steps(world->sim);
}

void rw_test_health_arrived(const struct rw_test_origin *origin, const struct rw_test_request *r)
{
    struct rw_test_world *world = origin->world;
    if (world->probed && r->sent_generation == world->generation &&
        origin->asked_step < r->sent_step)
        rw_test_fail(world, "%u: to an origin that was down before it came", r->id);
}

/* ---- The end ---- */

static bool clients_are_gone(const struct rw_test_world *world)
{
    for (unsigned i = 0; i < world->client_count; i++)
        if (!world->clients[i].ended)
            return false;
    return true;
}

static void recover(struct rw_test_world *world)
{
    struct rw_test_health *health = &world->health;
    for (unsigned i = 0; i < world->origin_count; i++)
        for (unsigned version = 0; version < RW_TEST_VERSIONS; version++) {
            struct rw_test_origin *origin = origin_at(world, version, i);
            origin->sick = origin->dead = false;
            origin->refuse = 0;
            const struct rw_endpoint_set *set;
            const struct rw_endpoint *endpoint = endpoint_of(world, version, origin, &set);
            health->returns += endpoint && atomic_load(&endpoint->ejected_until_ms) >
                                               rw_sim_now_ms(world->sim) + RECOVERY_MS_MAX;
        }
    health->phase = RW_TEST_HEALTH_RECOVERS;
    health->due_ms = rw_sim_now_ms(world->sim) + RECOVERY_MS_MAX;
    adopt_with(world, RECOVERY);
}

static void check_recovered(struct rw_test_world *world)
{
    for (unsigned i = 0; i < world->snapshot->cluster_count; i++) {
        const struct rw_endpoint_set *set = atomic_load(&world->snapshot->clusters[i]->set);
        for (unsigned k = 0; k < set->count; k++) {
            const struct rw_endpoint *endpoint = set->endpoints[k];
            if (atomic_load(&endpoint->probe_failed))
                rw_test_fail(world, "%.*s is down, and well", RW_SPAN_ARGS(endpoint->name));
            if (atomic_load(&endpoint->ejected_until_ms) > rw_sim_now_ms(world->sim) &&
                rw_cluster_probed(world->snapshot->clusters[i]))
                rw_test_fail(world, "%.*s is ejected, and well", RW_SPAN_ARGS(endpoint->name));
        }
    }
}

void rw_test_health_stop(struct rw_test_world *world)
{
    if (!world->probed || world->health.phase == RW_TEST_HEALTH_OVER)
        return;
    world->health.phase = RW_TEST_HEALTH_OVER;
    adopt_with(world, "");
    /* As the process does in time: a listener that was taken away keeps its configuration, and the
     * probes of that, until nobody can come by it any more. */
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++)
        for (unsigned k = 0; k < RW_TEST_LISTENERS_MAX; k++)
            rw_listeners_finish_at(&world->workers[i], world->fds[k]);
}

void rw_test_health_look(struct rw_test_world *world)
{
    struct rw_test_health *health = &world->health;
    if (!world->probed || health->phase == RW_TEST_HEALTH_OVER)
        return;
    for (unsigned i = 0; i < world->origin_count; i++)
        for (unsigned version = 0; version < RW_TEST_VERSIONS; version++)
            note(world, version, origin_at(world, version, i));
    if (world->draining && world->drained == RW_TEST_WORKERS) {
        rw_test_health_stop(world); /* as the process ends then */
    } else if (health->phase == RW_TEST_HEALTH_RECOVERS &&
               rw_sim_now_ms(world->sim) >= health->due_ms) {
        check_recovered(world);
        rw_test_health_stop(world);
    } else if (health->phase == RW_TEST_HEALTH_CHANGES && clients_are_gone(world)) {
        (world->harsh ? rw_test_health_stop
                      : recover)(world); /* where the network fails probes do, too */
    }
}
