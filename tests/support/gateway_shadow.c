/* A shadow: the upstream of a mirror. It does whatever a server can do wrong, and now and then
 * answers, as the origin does or otherwise; no client may notice any of it. What the mirror has to
 * find out by comparing is counted as it is said (world->mirror). */
#include "support/gateway_world.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ENDLESS_PIECES = 400,
    ENDLESS_BYTES = 16000,
    PAUSE_MS_MAX = 200,
    REQUEST_BYTES_MAX = 1 << 20,
};

enum manner {
    SILENT,
    SLOW, /* it takes the request slowly, perhaps never whole, and is silent */
    RESETS,
    CLOSES,
    GARBAGE,
    HALF_HEAD,
    HALF_BODY,
    ENDLESS,
    BROKEN, /* so many that give no answer */
    OTHER_STATUS = BROKEN,
    OTHER_FIELD,
    OTHER_BODY,
    OTHER_TYPE,
    SAME,
    MANNERS = SAME + 5 /* it is likely */
};

struct rw_test_shadow {
    struct rw_test_shadow *next;
    struct rw_test_world *world;
    struct rw_sim_socket *socket; /* NULL: it has ended */
    struct rw_test_bytes request;
    unsigned manner, pieces;
    bool acts;
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

/* ---- Answers ---- */

static bool bodiless(const struct rw_test_request *r, unsigned status)
{
    return strcmp(r->method, "HEAD") == 0 || status == 204 || status == 304;
}

/* Beside what the origin says: what is compared of both. */
struct saying {
    unsigned status;
    const char *field; /* whole, or nothing */
    uint32_t bytes;
    bool none; /* no body is possible */
};

static struct saying saying_of(const struct rw_test_request *r, unsigned manner)
{
    struct saying made = {.status = r->status, .field = "", .bytes = r->answer_bytes};
    if (manner == OTHER_STATUS)
        made.status = r->status == 200 ? 203 : 200;
    if (manner == OTHER_FIELD)
        made.field = "Cache-Control: no-store\r\n";
    if (manner == OTHER_TYPE)
        made.field = "Content-Type: application/json; charset=utf-8\r\n";
    made.none = bodiless(r, made.status);
    made.bytes += manner == OTHER_BODY;
    made.bytes = made.none ? 0 : made.bytes;
    return made;
}

/* What the mirror is to find. */
static void expect(struct rw_test_world *world, const struct rw_test_request *r,
                   const struct saying *said)
{
    struct rw_test_mirror *mirror = &world->mirror;
    uint32_t bytes = bodiless(r, r->status) ? 0 : r->answer_bytes;
    bool over = bytes > mirror->compared_bytes_max || said->bytes > mirror->compared_bytes_max;
    bool status = said->status != r->status, field = *said->field != '\0';
    bool body = !over && said->bytes != bytes;
    mirror->expected[RW_MIRROR_BY_STATUS] += status;
    mirror->expected[RW_MIRROR_BY_FIELD] += field;
    mirror->expected[RW_MIRROR_BY_BODY] += body;
    bool different = status || field || body;
    mirror->expected[different ? RW_MIRROR_DIFFERENT
                     : over    ? RW_MIRROR_UNCOMPARED
                               : RW_MIRROR_SAME]++;
}

static void answer(struct rw_test_shadow *shadow, const struct rw_test_request *r)
{
    const struct saying said = saying_of(r, shadow->manner);
    struct rw_test_bytes out = {0};
    rw_test_bytes_format(&out, "HTTP/1.1 %u So\r\n%sConnection: close\r\n", said.status,
                         said.field);
    if (!said.none)
        rw_test_bytes_format(&out, "Content-Length: %u\r\n", said.bytes);
    rw_test_bytes_format(&out, "\r\n");
    rw_test_bytes_body(shadow->world, &out, RW_TEST_BODY_LENGTH, said.bytes, r->id, RW_TEST_ORIGIN,
                       false);
    if (shadow->socket && !rw_test_send(shadow->socket, rw_span(out.at, out.len)))
        rw_test_trace(shadow->world, "shadow: nobody listens");
    expect(shadow->world, r, &said);
    leave(shadow, false);
    free(out.at);
}

/* NULL: it is not HTTP/1 that is spoken here. */
static const struct rw_test_request *find_request(const struct rw_test_shadow *shadow)
{
    char target[RW_TEST_TARGET_BYTES], host[RW_TEST_TARGET_BYTES];
    const char *field = strcasestr(shadow->request.at, "\r\nHost: ");
    if (sscanf(shadow->request.at, "%*[A-Z] %79[^ ] HTTP/1.1\r", target) != 1 || !field ||
        sscanf(field, "\r\n%*[^ ] %79[^\r]", host) != 1)
        return NULL;
    struct rw_test_request *r = rw_test_rewrite_find(shadow->world, rw_span_text(target));
    if (r && shadow->world->has_tokens)
        rw_test_token_admitted(shadow->world, r);
    if (r)
        rw_test_rewrite_arrived(shadow->world, r, rw_span_text(target), rw_span_text(host));
    return r;
}

static bool is_head(const struct rw_test_request *r)
{
    return r && strcmp(r->method, "HEAD") == 0;
}

/* To HEAD a head is a whole answer. */
static void expect_broken(struct rw_test_shadow *shadow, const struct rw_test_request *r)
{
    static const struct saying ok = {.status = 200, .field = "", .none = true};
    bool head = shadow->manner == HALF_BODY || shadow->manner == ENDLESS;
    if (head && is_head(r))
        expect(shadow->world, r, &ok);
    else
        shadow->world->mirror.expected[RW_MIRROR_FAILED]++;
}

static void act(void *user)
{
    struct rw_test_shadow *shadow = user;
    const struct rw_test_request *r = find_request(shadow);
    rw_test_trace(shadow->world, "shadow: request %d, manner %u", r ? (int)r->id : -1,
                  shadow->manner);
    if (r && shadow->manner >= BROKEN) {
        answer(shadow, r);
        return;
    }
    if (shadow->manner != SLOW)
        expect_broken(shadow, r);
    switch (shadow->manner) {
    case SILENT:
    case SLOW:
        break;
    case RESETS:
        leave(shadow, true);
        break;
    case HALF_HEAD:
        say(shadow, "HTTP/1.1 200 OK\r\nContent-");
        break;
    case HALF_BODY:
        say(shadow, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1000\r\n\r\nhalf");
        leave(shadow, !is_head(r) && rw_test_chance(shadow->world, 50));
        break;
    case ENDLESS:
        say(shadow, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        go_on(shadow);
        break;
    case GARBAGE:
        say(shadow, "\r\nwhat? \x01\r\n\r\n");
        break;
    default:
        leave(shadow, false);
        break;
    }
}

/* ---- Requests ---- */

static bool is_whole(const struct rw_test_shadow *shadow)
{
    static const char length[] = "Content-Length: ";
    const char *told = strcasestr(shadow->request.at, length);
    const char *body = strstr(shadow->request.at, "\r\n\r\n");
    size_t expected =
        told && body && told < body ? strtoul(told + sizeof(length) - 1, NULL, 10) : 0;
    return body && shadow->request.len >= (size_t)(body + 4 - shadow->request.at) + expected + 1;
}

static void on_data(struct rw_sim_socket *socket, void *user, struct rw_span bytes)
{
    struct rw_test_shadow *shadow = user;
    struct rw_test_bytes *request = &shadow->request;
    (void)socket;
    rw_test_trace(shadow->world, "shadow: %zu bytes", bytes.len);
    if (shadow->world->resident)
        rw_test_fail(shadow->world, "a copy has left the region of its request");
    if (shadow->acts || request->len + bytes.len > REQUEST_BYTES_MAX)
        return;
    request->len -= request->len > 0; /* what ends it as a text */
    rw_test_bytes_add(request, bytes.at, bytes.len);
    rw_test_bytes_add(request, "", 1);
    shadow->acts = is_whole(shadow);
    if (shadow->acts)
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
    if (rw_test_chance(world, 10)) {
        world->mirror.expected[RW_MIRROR_FAILED]++;
        return false;
    }
    struct rw_test_shadow *shadow = calloc(1, sizeof(*shadow));
    rw_assert(shadow);
    *shadow = (struct rw_test_shadow){.next = world->shadows, .world = world, .socket = socket};
    shadow->manner = rw_test_below(world, MANNERS);
    world->shadows = shadow;
    if (shadow->manner == SLOW) {
        rw_sim_peer_throttle(socket, 1);
        world->mirror.expected[RW_MIRROR_FAILED]++; /* also if the gateway gives up before */
    }
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
        free(shadow->request.at);
        free(shadow);
    }
}
