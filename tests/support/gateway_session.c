/* Sessions: the policy `session_cookie` gives each client that has none a cookie, by which its
 * origin, or its version of a release, is chosen. What an origin is told at the first request is
 * what the client is given, and where it leads is where all later ones go; who has one is given no
 * other; and the client's other cookies stay. */
#include "support/gateway_world.h"

#include <stdio.h>

#define NAME "sid"
#define BAD "no.session"

void rw_test_session_reload(struct rw_test_world *world, bool in_force)
{
    world->sessions.in_force = in_force;
    world->sessions.count = 0;
}

void rw_test_session_policy(struct rw_test_bytes *yaml)
{
    rw_test_bytes_format(yaml, " session_cookie: { name: " NAME ", max_age: 1h },");
}

const char *rw_test_session_cookie(const struct rw_test_client *client, struct rw_test_request *r)
{
    static char text[80];
    struct rw_test_world *world = client->world;
    if (!world->has_sessions)
        return NULL;
    const char *value = client->session;
    if (!world->strict && rw_test_chance(world, 10))
        value = BAD;
    else
        snprintf(r->session, sizeof(r->session), "%s", value);
    r->has_session = value == client->session && *value;
    snprintf(text, sizeof(text), "a=1%s%s; b=2", *value ? "; " NAME "=" : "", value);
    return text;
}

/* How often it is there; the value of the last. */
static unsigned find(const char *cookies, const char *name, char *value, size_t room)
{
    unsigned count = 0;
    size_t len = strlen(name);
    for (const char *at = cookies; *at; at += strcspn(at, ";"), at += strspn(at, "; ")) {
        if (strncmp(at, name, len) != 0 || at[len] != '=')
            continue;
        count++;
        snprintf(value, room, "%.*s", (int)strcspn(at + len + 1, ";"), at + len + 1);
    }
    return count;
}

static struct rw_test_session *session(struct rw_test_world *world, const char *value)
{
    struct rw_test_sessions *all = &world->sessions;
    for (unsigned i = 0; i < all->count; i++)
        if (strcmp(all->seen[i].value, value) == 0)
            return &all->seen[i];
    if (all->count == RW_TEST_SESSIONS_MAX)
        return NULL;
    struct rw_test_session *made = &all->seen[all->count++];
    *made = (struct rw_test_session){0};
    snprintf(made->value, sizeof(made->value), "%s", value);
    return made;
}

/* Every request of a session at one origin of each version. */
static void check_stay(struct rw_test_world *world, const struct rw_test_request *r,
                       const struct rw_test_origin *origin)
{
    struct rw_test_session *s = session(world, r->session);
    const struct rw_test_origin **known = s ? &s->origins[origin->version] : NULL;
    if (!s || !rw_test_is_calm(world))
        return;
    world->sessions.stays += *known != NULL;
    if (*known && *known != origin)
        rw_test_fail(world, "%u: session %s has changed the origin though nothing failed", r->id,
                     s->value);
    *known = origin;
}

void rw_test_session_arrived(const struct rw_test_origin *origin, struct rw_test_request *r,
                             const char *cookies)
{
    struct rw_test_world *world = origin->world;
    char value[RW_TEST_SESSION_BYTES] = "", other[8];
    bool sure = r->sent_generation == world->generation && world->sessions.in_force;
    unsigned count = find(cookies, NAME, value, sizeof(value));
    if (find(cookies, "a", other, sizeof(other)) != 1 ||
        find(cookies, "b", other, sizeof(other)) != 1)
        rw_test_fail(world, "%u: cookies became %s", r->id, cookies);
    if (!sure)
        return;
    if (count != 1 || strcmp(value, BAD) == 0 ||
        (r->has_session && strcmp(value, r->session) != 0) || strlen(value) != 32)
        rw_test_fail(world, "%u: a session of %s became %s", r->id, r->session, cookies);
    if (!r->has_session && r->arrivals > 1 && strcmp(value, r->session) != 0)
        rw_test_fail(world, "%u: another session at the second try", r->id);
    snprintf(r->session, sizeof(r->session), "%s", value);
    r->session_known = true;
    check_stay(world, r, origin);
}

void rw_test_session_answered(struct rw_test_client *client, const struct rw_test_reader *reader,
                              const struct rw_test_request *r)
{
    struct rw_test_world *world = client->world;
    struct rw_span given = rw_test_head_value(reader, "Set-Cookie");
    unsigned count = rw_test_head_count(reader, "Set-Cookie");
    char text[160], value[RW_TEST_SESSION_BYTES] = "";
    snprintf(text, sizeof(text), "%.*s", RW_SPAN_ARGS(given));
    bool told = count && find(text, NAME, value, sizeof(value)) == 1;
    bool sure = r->session_known && r->sent_generation == world->generation && !r->upgrade;
    if (count > 1 || (count && !told))
        rw_test_fail(world, "%u: is given %s", r->id, text);
    if (told && r->has_session)
        rw_test_fail(world, "%u: has a session, and is given another", r->id);
    if (sure && !r->has_session && strcmp(value, r->session) != 0)
        rw_test_fail(world, "%u: the origin knows session %s, the client %s", r->id, r->session,
                     value);
    if (told)
        snprintf(client->session, sizeof(client->session), "%s", value);
}
