/* A shadow: the upstream of a mirror. It does whatever a server can do wrong, and now and then
 * answers; no client may notice any of it. */
#include "support/gateway_world.h"

#include <stdlib.h>

enum { ENDLESS_PIECES = 400, ENDLESS_BYTES = 16000, PAUSE_MS_MAX = 200 };

enum manner {
    SILENT,
    SLOW,
    RESETS,
    CLOSES,
    GARBAGE,
    HALF_HEAD,
    HALF_BODY,
    ENDLESS,
    ANSWERS,
    MANNERS = ANSWERS + 4 /* it is likely */
};

struct rw_test_shadow {
    struct rw_test_shadow *next;
    struct rw_test_world *world;
    struct rw_sim_socket *socket; /* NULL: it has ended */
    unsigned manner, pieces;
};

static void say(struct rw_test_shadow *shadow, const char *text)
{
    if (shadow->socket && !rw_test_send(shadow->socket, rw_span_text(text)))
        rw_test_trace(shadow->world, "shadow: nobody listens");
}

static void leave(struct rw_test_shadow *shadow, bool reset)
{
    struct rw_sim_socket *socket = shadow->socket;
    shadow->socket = NULL;
    if (socket && reset)
        rw_sim_peer_reset(socket);
    if (socket)
        rw_sim_peer_close(socket);
}

/* Goes on as long as somebody takes it. */
static void go_on(void *user)
{
    static const char block[ENDLESS_BYTES];
    struct rw_test_shadow *shadow = user;
    if (!shadow->socket || shadow->pieces++ > ENDLESS_PIECES ||
        !rw_test_send(shadow->socket, rw_span(block, sizeof(block))))
        return;
    rw_test_later(shadow->world, 1, go_on, shadow);
}

static void act(void *user)
{
    struct rw_test_shadow *shadow = user;
    switch (shadow->manner) {
    case SILENT:
    case SLOW:
        break;
    case RESETS:
        leave(shadow, true);
        break;
    case CLOSES:
        leave(shadow, false);
        break;
    case GARBAGE:
        say(shadow, "\r\nwhat? \x01\r\n\r\n");
        break;
    case HALF_HEAD:
        say(shadow, "HTTP/1.1 200 OK\r\nContent-");
        break;
    case HALF_BODY:
        say(shadow, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this");
        leave(shadow, rw_test_chance(shadow->world, 50));
        break;
    case ENDLESS:
        say(shadow, "HTTP/1.1 200 OK\r\n\r\n");
        go_on(shadow);
        break;
    default:
        say(shadow, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n"
                    "\r\n{\"a\":1}");
        break;
    }
}

static void on_data(struct rw_sim_socket *socket, void *user, struct rw_span bytes)
{
    struct rw_test_shadow *shadow = user;
    (void)socket;
    rw_test_trace(shadow->world, "shadow: %zu bytes", bytes.len);
    if (shadow->world->resident)
        rw_test_fail(shadow->world, "a copy has left the region of its request");
    rw_test_later(shadow->world, rw_test_below(shadow->world, PAUSE_MS_MAX), act, shadow);
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
    struct rw_test_world *world = user;
    if (rw_test_chance(world, 10))
        return false;
    struct rw_test_shadow *shadow = calloc(1, sizeof(*shadow));
    rw_assert(shadow);
    *shadow = (struct rw_test_shadow){.next = world->shadows, .world = world, .socket = socket};
    shadow->manner = rw_test_below(world, MANNERS);
    world->shadows = shadow;
    if (shadow->manner == SLOW)
        rw_sim_peer_throttle(socket, 1);
    *events = &socket_events;
    *socket_user = shadow;
    return true;
}

void rw_test_shadow_listen(struct rw_test_world *world)
{
    struct rw_address address;
    enum rw_err err = rw_address_parse_ip(RW_LITERAL("10.1.0.9"), 9009, &address);
    rw_assert(!err);
    err = rw_sim_peer_listen(world->sim, rw_address_sockaddr(&address), address.bytes, on_connect,
                             world);
    rw_assert(!err);
}

void rw_test_shadows_free(struct rw_test_world *world)
{
    while (world->shadows) {
        struct rw_test_shadow *shadow = world->shadows;
        world->shadows = shadow->next;
        free(shadow);
    }
}
