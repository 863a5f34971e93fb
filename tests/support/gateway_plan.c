/* A world from a seed: configuration, origins, clients and their requests.
 *
 * Three sorts. Strict: the network is slow, splits and stops, but nothing fails, and every request
 * must succeed. Gentle: clients and origins misbehave too. Harsh: the network and memory fail as
 * well.
 */
#include "support/gateway_world.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CLIENTS_MAX = 6,
    REQUESTS_MAX = 8,
    ROLLOUT_REQUESTS_MAX = 50,
    SMALL_BYTES = 600,
    LARGE_BYTES = 150000
};

struct plan {
    struct rw_test_world *world;
    bool large;     /* bodies */
    bool mirrors;   /* the configuration has a mirror */
    bool releases;  /* ... two versions of the upstream */
    bool sessions;  /* ... the policy session_cookie */
    bool only_gets; /* without a body: what may always be sent again */
};

static uint32_t below(struct plan *plan, uint32_t bound)
{
    return rw_test_below(plan->world, bound);
}

static bool chance(struct plan *plan, unsigned percent)
{
    return rw_test_chance(plan->world, percent);
}

static uint32_t body_bytes(struct plan *plan)
{
    if (chance(plan, 15))
        return 0;
    return 1 + below(plan, plan->large && chance(plan, 40) ? LARGE_BYTES : SMALL_BYTES);
}

static struct rw_test_pace pace(struct plan *plan)
{
    static const uint32_t pauses[] = {0, 0, 0, 3, 40};
    struct rw_test_pace made = {.pause_ms_max = pauses[below(plan, 5)]};
    made.segment_bytes_max = plan->large ? 4000 + below(plan, 60000) : 1 + below(plan, 700);
    return made;
}

/* ---- Requests ---- */

static bool quick(const struct rw_test_client *client)
{
    return !client->pace.pause_ms_max && !client->bytes_per_ms;
}

static void plan_flaws(struct plan *plan, struct rw_test_request *r, bool h2)
{
    if (chance(plan, 5))
        r->flaw = (enum rw_test_flaw)(1 + below(plan, RW_TEST_FLAW_COUNT - 1));
    if (r->flaw == RW_TEST_FLAW_CHUNK) /* in HTTP/2: a length that is wrong */
        r->framing = h2 ? RW_TEST_BODY_LENGTH : RW_TEST_BODY_CHUNKED;
    if (chance(plan, 12)) {
        r->fault = (enum rw_test_fault)(1 + below(plan, RW_TEST_FAULT_COUNT - 1));
        r->fault_at = below(plan, 60 + r->answer_bytes + 40);
    }
    if (chance(plan, 5))
        r->status = (uint16_t)(502 + below(plan, 3));
    r->fault_once = chance(plan, 50);
}

static void plan_answer(struct plan *plan, struct rw_test_request *r)
{
    static const uint16_t statuses[] = {200, 200, 200, 201, 404, 500, 204, 304};
    r->status = statuses[below(plan, 8)];
    r->answer = (enum rw_test_body)(1 + below(plan, 3));
    r->answer_bytes = body_bytes(plan);
    r->answer_trailers = chance(plan, 30);
    r->answer_close = chance(plan, 10);
    r->interims = chance(plan, 10) ? (uint8_t)(1 + below(plan, 3)) : 0;
}

static void plan_body(struct plan *plan, struct rw_test_request *r)
{
    static const char *const methods[] = {"POST", "PUT"};
    r->method = methods[below(plan, 2)];
    r->framing = chance(plan, 50) && r->minor_version ? RW_TEST_BODY_CHUNKED : RW_TEST_BODY_LENGTH;
    r->body_bytes = body_bytes(plan);
    r->trailers = chance(plan, 30);
    r->expect = chance(plan, 15) && r->body_bytes && r->minor_version;
}

static void plan_upgrade(struct plan *plan, struct rw_test_request *r)
{
    r->upgrade = true;
    r->method = "GET";
    r->minor_version = 1;
    r->close = r->keep_alive = false;
    r->status = 101;
    r->answer = RW_TEST_BODY_RAW;
    r->interims = 0;
    r->answer_close = false;
    r->body_bytes = 1 + body_bytes(plan);
    r->answer_bytes = 1 + body_bytes(plan);
    r->hasty = chance(plan, 30);
    r->origin_ends = chance(plan, 50);
    r->route = RW_TEST_ROUTE_ORIGIN;
    r->framing = RW_TEST_BODY_NONE;
    r->expect = r->answer_early = false;
}

/* To raw bytes only HTTP/1.1 can, on both sides; a connection of it carries nothing else then. */
static void maybe_upgrade(struct plan *plan, const struct rw_test_client *client,
                          struct rw_test_request *r, bool last)
{
    bool h1 = !client->speaks_h2 && !plan->world->http2;
    if (plan->only_gets || !(last || client->speaks_h2) || !chance(plan, 12))
        return;
    plan_upgrade(plan, r);
    r->socket = !h1 || chance(plan, 70);
}

/* The same page as the request before: what was well is no more, or is as it was. */
static bool maybe_visit(struct plan *plan, struct rw_test_request *r)
{
    struct rw_test_request *before = rw_test_page(r - 1);
    bool whole = !before->flaw && !before->fault && !before->close && !before->upgrade &&
                 !before->resets && before->status == 200;
    if (!whole || before->route != RW_TEST_ROUTE_ORIGIN || strcmp(before->method, "GET") != 0 ||
        before->framing != RW_TEST_BODY_NONE || plan->world->has_sessions ||
        plan->world->has_tokens || plan->world->rolls || !chance(plan, 60))
        return false;
    if (before->visits++ == 0 && !plan->world->strict && chance(plan, 80)) {
        before->sours = true;
        before->sour = (enum rw_test_fault)below(plan, RW_TEST_FAULT_OVERSIZE);
    }
    uint32_t id = r->id;
    *r = *before;
    r->id = id;
    r->page = before;
    r->visits = 0;
    return true;
}

static void plan_request(struct plan *plan, struct rw_test_client *client,
                         struct rw_test_request *r, bool last)
{
    static const char *const methods[] = {"GET", "GET", "HEAD", "DELETE"};
    r->method = methods[below(plan, 4)];
    r->minor_version = chance(plan, 90);
    plan_answer(plan, r);
    if (!plan->only_gets && chance(plan, 50))
        plan_body(plan, r);
    bool may_be_early = !plan->world->strict || (last && quick(client));
    bool has_body = r->framing != RW_TEST_BODY_NONE;
    if (chance(plan, 8) && (may_be_early || !has_body))
        r->route = chance(plan, 60) ? RW_TEST_ROUTE_FIXED : RW_TEST_ROUTE_NONE;
    r->answer_early = has_body && may_be_early && chance(plan, 20);
    r->close = last && chance(plan, 30);
    r->keep_alive = !r->minor_version && !last;
    if (client->speaks_h2) {
        r->minor_version = 1;
        r->close = r->keep_alive = false;
        r->resets = !plan->world->strict && chance(plan, 10);
    }
    maybe_upgrade(plan, client, r, last);
    if (!plan->world->strict && !r->upgrade)
        plan_flaws(plan, r, client->speaks_h2);
}

/* ---- Clients and origins ---- */

static void plan_client(struct plan *plan, struct rw_test_client *client)
{
    struct rw_test_world *world = plan->world;
    client->world = world;
    client->first = world->request_count;
    client->count = world->rolls ? ROLLOUT_REQUESTS_MAX / 2 + below(plan, ROLLOUT_REQUESTS_MAX / 2)
                                 : 1 + below(plan, REQUESTS_MAX);
    client->depth = chance(plan, 40) ? 1 + below(plan, 5) : 1;
    client->listener = below(plan, 2);
    client->speaks_h2 = chance(plan, 40);
    client->pace = pace(plan);
    client->leave = (enum rw_test_leave)below(plan, 3);
    client->start_ms = below(plan, 100);
    client->think_ms_max = chance(plan, 30) ? 100 : 0;
    if (world->has_tokens && chance(plan, 50))
        client->think_ms_max = 1000; /* some expire meanwhile */
    client->bytes_per_ms = chance(plan, 15) ? (plan->large ? 100 : 5) + below(plan, 500) : 0;
    if (!world->strict && chance(plan, 25)) {
        client->cut = (enum rw_test_cut)(1 + below(plan, 3));
        client->cut_after_bytes = below(plan, 1500);
    }
    for (unsigned i = 0; i < client->count; i++) {
        struct rw_test_request *r = &world->requests[world->request_count];
        r->id = world->request_count++;
        r->user = (unsigned)(client - world->clients) % RW_TEST_USERS;
        if (i == 0 || !maybe_visit(plan, r))
            plan_request(plan, client, r, i + 1 == client->count);
        if (world->has_tokens)
            rw_test_token_plan(world, r);
        if (world->compresses)
            rw_test_coding_plan(world, r);
    }
}

/* The same servers, at other addresses. */
static void plan_next(struct rw_test_world *world, unsigned index)
{
    struct rw_test_origin *next = &world->nexts[index];
    *next = world->origins[index];
    next->version = 1;
    enum rw_err err =
        rw_address_parse_ip(RW_LITERAL("10.1.0.2"), (uint16_t)(9001 + index), &next->address);
    rw_assert(!err);
}

static void plan_origin(struct plan *plan, struct rw_test_origin *origin, unsigned index)
{
    origin->world = plan->world;
    enum rw_err err =
        rw_address_parse_ip(RW_LITERAL("10.1.0.1"), (uint16_t)(9001 + index), &origin->address);
    rw_assert(!err);
    origin->pace = pace(plan);
    origin->bytes_per_ms = chance(plan, 10) ? 100 + below(plan, 500) : 0;
    if (plan->only_gets || !plan->world->strict)
        origin->idle_close = chance(plan, 50) ? below(plan, 5000) : 0;
    if (!plan->world->strict && chance(plan, 20))
        origin->refuse = below(plan, 5000);
}

/* Of files few: they are looked at as long as the world lasts. */
static enum rw_test_discovery plan_discovery(struct plan *plan)
{
    unsigned kind = below(plan, 100);
    return kind < 2    ? RW_TEST_IN_FILE
           : kind < 16 ? RW_TEST_IN_ETCD
           : kind < 30 ? RW_TEST_IN_KUBERNETES
                       : RW_TEST_CONFIGURED;
}

static struct rw_sim_faults plan_faults(struct plan *plan, bool harsh)
{
    struct rw_sim_faults faults = {0};
    if (chance(plan, 60))
        faults.split = below(plan, 5000);
    if (chance(plan, 50))
        faults.delay = below(plan, 3000);
    faults.delay_ms_max = 1 + below(plan, 30);
    if (chance(plan, 70))
        faults.send_pending = chance(plan, 30) ? 10000 : below(plan, 9000);
    if (chance(plan, 40))
        faults.send_partial = below(plan, 6000);
    if (chance(plan, 40))
        faults.window_bytes = plan->large ? 3000 + below(plan, 60000) : 50 + below(plan, 3000);
    if (!harsh)
        return faults;
    if (chance(plan, 60))
        faults.reset = below(plan, chance(plan, 20) ? 1000 : 100);
    if (chance(plan, 30))
        faults.refuse = below(plan, 2000);
    if (chance(plan, 30))
        faults.blackhole = below(plan, 1000);
    if (chance(plan, 60))
        faults.alloc = below(plan, chance(plan, 30) ? 4000 : 400);
    return faults;
}

/* ---- The configuration ---- */

/* One number at a time: which argument of a call is made first is the compiler's choice, and every
 * build is to make the same worlds. With `percent` 0 it is always `usual`. */
static void add_number(struct plan *plan, struct rw_test_bytes *yaml, const char *name,
                       unsigned percent, uint32_t usual, uint32_t least, uint32_t most)
{
    uint32_t value = usual;
    if (chance(plan, percent))
        value = least + below(plan, most - least + 1);
    rw_test_bytes_format(yaml, " %s: %u", name, value);
}

/* In milliseconds; strict worlds have the usual value. */
static void add_time(struct plan *plan, struct rw_test_bytes *yaml, const char *name,
                     uint32_t usual_ms, uint32_t most_ms)
{
    add_number(plan, yaml, name, plan->world->strict ? 0 : 30, usual_ms, 1, most_ms);
    rw_test_bytes_format(yaml, "ms");
}

/* Filters that leave what peers see as it was, save how its end is told. */
static void add_filters(struct plan *plan, struct rw_test_bytes *yaml)
{
    plan->world->filtered = true;
    const char *bodies = chance(plan, 60) ? "response" : "request";
    const char *other = chance(plan, 30) ? " request response" : "";
    const char *wait = chance(plan, 30) ? " wait" : "";
    rw_test_bytes_format(yaml, " doubling: \"%s%s%s%s\",", bodies, other, wait,
                         chance(plan, 50) ? " same" : "");
}

/* Whatever the shadow does: a world that is strict stays so. */
static void add_mirror(struct plan *plan, struct rw_test_bytes *yaml)
{
    plan->world->filtered = true;
    plan->world->copies_max = RW_TEST_MIRRORED_MAX;
    rw_test_bytes_format(yaml, "  policies: [ { mirror: { upstream: shadow, share: 70%%,");
    add_number(plan, yaml, "requests_max", 70, RW_TEST_MIRRORED_MAX, 1, RW_TEST_MIRRORED_MAX);
    rw_test_bytes_format(yaml, ",");
    add_number(plan, yaml, "timeout", 70, 10000, 1, 1000);
    rw_test_bytes_format(yaml, "ms,");
    add_number(plan, yaml, "body_max", 40, 65536, 0, 1000);
    rw_test_bytes_format(yaml, "%s } } ]\n", chance(plan, 70) ? ", compare: {}" : "");
}

/* A policy that waits before the origin has the request; and one that spoils it, or its answer. */
static void add_faults(struct plan *plan, struct rw_test_bytes *yaml)
{
    rw_test_bytes_format(yaml, " faults: { enabled: true, delay: { percent: 50,");
    add_time(plan, yaml, "by", 5, 300);
    rw_test_bytes_format(yaml, " }");
    if (!plan->world->strict && chance(plan, 60)) {
        plan->world->filtered = true;
        rw_test_bytes_format(
            yaml,
            ", abort: { percent: %u, status: 503 }, reset: { percent: %u }, "
            "truncate: { percent: %u, after: %u }, throttle: { percent: %u, bytes_per_second: "
            "%u }",
            1 + below(plan, 20), 1 + below(plan, 10), 1 + below(plan, 20), 1 + below(plan, 500),
            1 + below(plan, 20), 1000 + below(plan, 100000));
    }
    rw_test_bytes_format(yaml, " },");
}

/* Answers that are kept, and given to those who ask for a page again that has gone sour. */
static void add_keeping(struct plan *plan, struct rw_test_bytes *yaml)
{
    plan->world->filtered = plan->world->keeps = true;
    rw_test_bytes_format(yaml, " stale: {");
    add_number(plan, yaml, "memory_max", 50, 16777216, 65536, 200000);
    rw_test_bytes_format(yaml, "B,");
    add_number(plan, yaml, "body_max", 50, 65536, 1, 20000);
    rw_test_bytes_format(yaml, "B },");
}

static void add_identity(struct rw_test_bytes *yaml)
{
    rw_test_bytes_format(yaml, "identity: { consumer_field: X-Consumer }\nconsumers:\n");
    for (unsigned i = 0; i < RW_TEST_CONSUMERS; i++)
        rw_test_bytes_format(
            yaml, "- { name: " RW_TEST_CONSUMER_FORMAT ", keys: " RW_TEST_KEY_FORMAT " }\n", i, i);
}

/* Of a listener: whatever all clients are asked for and bound to in such a world; or of the route
 * (-1). */
static void add_policies(struct plan *plan, struct rw_test_bytes *yaml, int listener)
{
    bool of_listener = listener >= 0;
    bool sized = chance(plan, 15), sessions = !of_listener && plan->sessions;
    bool filters = chance(plan, 25), faults = chance(plan, 20), keeps = chance(plan, 20);
    bool bound = of_listener && plan->world->resident;
    bool identifies = of_listener && plan->world->identifies;
    bool limited = of_listener && plan->world->limited;
    /* What is somebody's is not kept; nor is it told apart from what is broken. */
    keeps &= !plan->world->identifies && !plan->world->rolls && !plan->world->has_tokens;
    bool dressed = of_listener && plan->world->dressed;
    bool rewrites = plan->world->rewrites && chance(plan, 60);
    bool tokens = of_listener && plan->world->has_tokens;
    bool codes = of_listener && plan->world->compresses && chance(plan, 80);
    if (!filters && !faults && !keeps && !bound && !identifies && !limited && !sized && !sessions &&
        !dressed && !rewrites && !tokens && !codes)
        return;
    rw_test_bytes_format(yaml, "  policies: [%s", identifies ? " api_key: {}," : "");
    if (dressed)
        rw_test_dressed_policies(yaml);
    if (codes)
        rw_test_coding_policy(plan->world, (unsigned)listener, yaml);
    if (tokens)
        rw_test_token_policy(plan->world, yaml);
    if (rewrites)
        rw_test_rewrite_policy(plan->world, listener, yaml);
    if (limited)
        rw_test_limits_configure(plan->world, yaml);
    if (sized)
        rw_test_bodies_policy(plan->world, listener, yaml);
    if (sessions)
        rw_test_session_policy(yaml);
    if (bound)
        rw_test_bytes_format(
            yaml, " residency: { networks: { country: DE, networks: \"0.0.0.0/0\" }, rules: { "
                  "name: eu-stays, clients: EU, regions: \"eu-*\" } },");
    if (faults)
        add_faults(plan, yaml);
    if (filters)
        add_filters(plan, yaml);
    if (keeps)
        add_keeping(plan, yaml);
    rw_test_bytes_format(yaml, " ]\n");
}

static void add_listeners(struct plan *plan, struct rw_test_bytes *yaml)
{
    bool strict = plan->world->strict;
    unsigned count = strict || chance(plan, 80) ? 2 : 1;
    struct rw_test_sticky *sticky = &plan->world->sticky;
    sticky->listeners_min = count < sticky->listeners_min ? count : sticky->listeners_min;
    rw_test_bytes_format(yaml, "listeners:\n");
    for (unsigned i = 0; i < count; i++) {
        rw_test_bytes_format(yaml,
                             "- name: l%u\n  address: \"10.2.0.1:%u\"\n  reason_header: true\n"
                             "  limits: {",
                             i, 80 + i);
        add_number(plan, yaml, "requests_per_connection", 15, 0, 1, 5);
        rw_test_bytes_format(yaml, ",");
        add_number(plan, yaml, "connections", strict ? 0 : 20, 1000, 1, 4);
        rw_test_bytes_format(yaml, ",");
        rw_test_bodies_limit(plan->world, i, yaml);
        rw_test_bytes_format(yaml, " }\n  timeouts: { body_rate_min: 0,");
        add_time(plan, yaml, "header", 60000, 500);
        rw_test_bytes_format(yaml, ",");
        add_time(plan, yaml, "body_idle", 60000, 500);
        rw_test_bytes_format(yaml, ",");
        add_time(plan, yaml, "idle", 75000, 500);
        rw_test_bytes_format(yaml, ",");
        add_time(plan, yaml, "send_idle", 60000, 500);
        rw_test_bytes_format(yaml, " }\n");
        add_policies(plan, yaml, (int)i);
    }
}

static void add_action(struct plan *plan, struct rw_test_bytes *yaml)
{
    if (!plan->releases) {
        rw_test_bytes_format(yaml, "  upstream: app\n");
        return;
    }
    static const unsigned shares[] = {0, 1, 10, 50, 50, 90, 100};
    struct rw_test_sticky *sticky = &plan->world->sticky;
    plan->world->released = true;
    uint32_t share = shares[below(plan, sizeof(shares) / sizeof(*shares))];
    if (!plan->world->rolls)
        sticky->share = share;
    sticky->by_user = chance(plan, 70) && !plan->sessions;
    rw_test_bytes_format(yaml,
                         "  release:\n    versions: [ { name: one, upstream: app, weight: %u }, "
                         "{ name: two, upstream: next",
                         plan->world->rolls ? 1 : 100 - share);
    if (!plan->world->rolls) /* else the share is the rollout's */
        rw_test_bytes_format(yaml, ", weight: %u", share);
    rw_test_bytes_format(yaml, " } ]\n");
    if (plan->world->rolls)
        rw_test_rollout_configure(plan->world, yaml);
    if (sticky->by_user)
        rw_test_bytes_format(yaml, "    sticky: { on: header, name: X-User }\n");
    if (plan->sessions)
        rw_test_bytes_format(yaml, "    sticky: { on: cookie, name: sid }\n");
}

static void add_brown_out(struct plan *plan, struct rw_test_bytes *yaml)
{
    bool browns_out = chance(plan, 30);
    plan->world->browns_out |= browns_out;
    if (browns_out)
        rw_test_bytes_format(
            yaml, ", status: %d, content_type: " RW_TEST_LATER_TYPE ", body: " RW_TEST_LATER_BODY,
            RW_TEST_LATER_STATUS);
    rw_test_bytes_format(yaml, " }\n");
}

static void add_routes(struct plan *plan, struct rw_test_bytes *yaml)
{
    rw_test_bytes_format(yaml, "routes:\n"
                               "- name: origin\n  match: { path: /r/* }\n  timeouts: {");
    add_time(plan, yaml, "first_byte", 100000, 500);
    rw_test_bytes_format(yaml, ",");
    add_time(plan, yaml, "total", 0, 1000);
    static const char *const classes[] = {"critical", "normal", "bulk"};
    rw_test_bytes_format(yaml, " }\n  websocket: {");
    add_number(plan, yaml, "message_max", plan->world->strict ? 0 : 20, 0, 1, 4000);
    rw_test_bytes_format(yaml, "B,");
    add_time(plan, yaml, "ping_interval", 0, 500);
    rw_test_bytes_format(yaml, ",");
    add_time(plan, yaml, "close_timeout", 5000, 500);
    rw_test_bytes_format(yaml, " }\n  overload: { class: %s", classes[below(plan, 3)]);
    add_brown_out(plan, yaml);
    add_action(plan, yaml);
    if (plan->mirrors)
        add_mirror(plan, yaml);
    else
        add_policies(plan, yaml, -1);
    rw_test_bytes_format(yaml, "- name: fixed\n  match: { path: /fixed/* }\n"
                               "  respond: { body: fixed, headers: { X-Fixed: one } }\n");
}

static void add_connections(struct plan *plan, struct rw_test_bytes *yaml)
{
    rw_test_bytes_format(yaml, "  connections: {");
    add_number(plan, yaml, "per_endpoint_max", 50, 0, 1, 3);
    rw_test_bytes_format(yaml, ",");
    add_number(plan, yaml, "idle_max", 20, 10, 0, 1);
    rw_test_bytes_format(yaml, ",");
    add_number(plan, yaml, "idle_timeout", 50, 30000, 1, 200);
    rw_test_bytes_format(yaml, "ms,");
    add_number(plan, yaml, "requests_max", 20, 0, 1, 4);
    rw_test_bytes_format(yaml, ",");
    add_number(plan, yaml, "queue_max", plan->world->strict ? 0 : 30, 1000, 0, 3);
    rw_test_bytes_format(yaml, ",");
    add_time(plan, yaml, "queue_timeout", 600000, 300);
    rw_test_bytes_format(yaml, " }\n");
}

static void add_http2(struct plan *plan, struct rw_test_bytes *yaml)
{
    rw_test_bytes_format(yaml, "  protocol: http2\n  http2: {");
    add_number(plan, yaml, "streams", 50, 100, 1, 4);
    rw_test_bytes_format(yaml, ", connection_window: 1MiB,");
    add_number(plan, yaml, "stream_window", 40, 262144, 65535, 65540);
    rw_test_bytes_format(yaml, ",");
    add_time(plan, yaml, "ping_interval", 10000, 300);
    rw_test_bytes_format(yaml, ",");
    add_time(plan, yaml, "ping_timeout", 60000, 300);
    rw_test_bytes_format(yaml, ",");
    add_number(plan, yaml, "age_max", 20, 0, 1, 100);
    rw_test_bytes_format(yaml, "ms }\n");
}

static void note_most(uint32_t *most, uint32_t value)
{
    if (value > *most)
        *most = value;
}

/* Strict worlds, whose origins close kept connections, need the usual. */
static void add_retries(struct plan *plan, struct rw_test_bytes *yaml)
{
    static const char *const causes[] = {
        "[connect, reset]", "[connect, reset, timeout, 502, 503, 504]", "[503, connect]", "[reset]",
        "[connect, reset, 502, timeout]"};
    struct rw_test_world *world = plan->world;
    bool usual = world->strict || chance(plan, 40);
    uint32_t tries = usual ? 3 : 1 + below(plan, 5);
    uint32_t percent = usual ? 20 : below(plan, 100);
    uint32_t per_second = usual ? 10 : below(plan, 3);
    uint32_t burst = usual ? 1000 : 1 + below(plan, 6);
    unsigned on = usual ? below(plan, 2) : below(plan, 5);
    uint32_t try_ms = on == 1 || on == 4 ? below(plan, 300) : 0;
    if (world->strict)
        try_ms = 0;
    uint32_t backoff_ms = below(plan, 250);
    uint32_t body_bytes = chance(plan, 50) ? 65536 : below(plan, 2000);
    rw_test_bytes_format(yaml,
                         "  retries: { tries: %u, on: %s, backoff: %ums, try_timeout: %ums, "
                         "body_max: %u, budget_percent: %u, budget_min: %u, budget_burst: %u }\n",
                         tries, causes[on], backoff_ms, try_ms, body_bytes, percent, per_second,
                         burst);
    note_most(&world->tries_max, tries);
    note_most(&world->retries_max.percent, percent);
    note_most(&world->retries_max.per_second, per_second);
    note_most(&world->retries_max.burst, burst);
}

/* Strict worlds have so few requests at once that none is refused. */
static void add_overload(struct plan *plan, struct rw_test_bytes *yaml)
{
    bool strict = plan->world->strict;
    if (!chance(plan, 40))
        return;
    rw_test_bytes_format(yaml, "  overload: {");
    add_number(plan, yaml, "limit", 60, 20, 1, 5);
    rw_test_bytes_format(yaml, ",");
    add_number(plan, yaml, "limit_min", 60, 4, 1, 4);
    rw_test_bytes_format(yaml, ",");
    add_number(plan, yaml, "limit_max", 40, 1000, 4, 8);
    rw_test_bytes_format(yaml, ",");
    add_number(plan, yaml, "queue_max", strict ? 0 : 40, 1000, 0, 4);
    rw_test_bytes_format(yaml, strict ? ", queue_timeout: 60s, queue_target: 60s }\n"
                                      : ", queue_timeout: 300ms, queue_target: 20ms }\n");
}

static void add_shadow(struct plan *plan, struct rw_test_bytes *yaml)
{
    rw_test_bytes_format(yaml,
                         "- name: shadow\n  endpoints: [\"10.1.0.9:9009\"]\n"
                         "  protocol: %s\n  retries: {",
                         chance(plan, 70) ? "http1" : "http2");
    add_number(plan, yaml, "tries", 50, 1, 1, 3);
    rw_test_bytes_format(yaml, ", budget_percent: 0, budget_min: 0,");
    add_number(plan, yaml, "budget_burst", 0, 1, 1, 1);
    rw_test_bytes_format(yaml, " }\n  connections: {");
    add_number(plan, yaml, "per_endpoint_max", 50, 0, 1, 2);
    rw_test_bytes_format(yaml, " }\n");
    add_overload(plan, yaml);
}

/* Answers of the simulation take milliseconds: many reads are late. */
static void add_hedging(struct plan *plan, struct rw_test_bytes *yaml)
{
    if (!chance(plan, 40))
        return;
    plan->world->hedges = true;
    uint32_t after_ms = 1 + below(plan, chance(plan, 50) ? 5 : 200);
    rw_test_bytes_format(
        yaml,
        "  hedging: { after_min: 1ms, after_max: %ums, budget_percent: %u, budget_burst: %u }\n",
        after_ms, 1 + below(plan, 100), 1 + below(plan, 100));
}

/* In one place, or in several of them. */
static void add_endpoints(struct plan *plan, struct rw_test_bytes *yaml, unsigned version)
{
    static const char *const places[] = {"",
                                         ", zone: a, region: eu",
                                         ", zone: b, region: eu",
                                         ", region: us",
                                         ", priority: 1",
                                         ", priority: 2, zone: a"};
    static const char *const regions[] = {", region: eu-1", ", region: us-1"};
    unsigned used = 1 + below(plan, plan->world->origin_count);
    bool apart = chance(plan, 40);
    for (unsigned i = 0; i < used; i++) {
        const char *place =
            plan->world->resident ? regions[i > 0] : places[apart ? below(plan, 6) : 0];
        rw_test_bytes_format(yaml, "%s{ address: \"10.1.0.%u:%u\"%s }", i ? ", " : "",
                             version && !plan->world->discovers ? 2 : 1, 9001 + i, place);
    }
}

static void add_upstream(struct plan *plan, struct rw_test_bytes *yaml, unsigned version)
{
    static const char *const balances[] = {"round_robin", "least_requests", "random",
                                           "hash",        "latency",        "path"};
    static const char *const names[RW_TEST_VERSIONS] = {"app", "next"};
    struct rw_test_world *world = plan->world;
    const char *balance = plan->sessions ? "hash" : balances[below(plan, 6)];
    rw_test_bytes_format(yaml, "- name: %s\n  balance: %s\n", names[version], balance);
    world->sticky.hashed[version] = !plan->sessions && strcmp(balance, "hash") == 0;
    if (plan->sessions)
        rw_test_bytes_format(yaml, "  hash: { on: cookie, name: sid }\n");
    if (world->sticky.hashed[version])
        rw_test_bytes_format(yaml, "  hash: { on: header, name: X-User }\n");
    rw_test_bytes_format(yaml, "  endpoints: [");
    add_endpoints(plan, yaml, version);
    rw_test_bytes_format(yaml, "]\n ");
    rw_test_directory_configure(world, yaml);
    add_time(plan, yaml, "connect_timeout", 20000, 2000);
    rw_test_bytes_format(yaml, "\n");
    add_connections(plan, yaml);
    if (world->http2)
        add_http2(plan, yaml);
    add_retries(plan, yaml);
    add_overload(plan, yaml);
    add_hedging(plan, yaml);
    if (world->probed)
        rw_test_health_configure(world, version, yaml);
    rw_test_bytes_format(yaml, "  passive_health: {");
    unsigned breaks = world->strict ? 0 : world->probed ? 90 : 50;
    add_number(plan, yaml, "failures", breaks, 0, 1, 4);
    rw_test_bytes_format(yaml, ",");
    add_number(plan, yaml, "error_percent", breaks / 2, 0, 10, 90);
    rw_test_bytes_format(yaml, ",");
    add_number(plan, yaml, "requests_min", 50, 20, 1, 5);
    rw_test_bytes_format(yaml, ",");
    add_number(plan, yaml, "trials", 50, 1, 0, 3);
    rw_test_bytes_format(yaml, ",");
    add_number(plan, yaml, "eject_percent_max", 30, 50, 0, 100);
    rw_test_bytes_format(yaml, ",");
    add_time(plan, yaml, "eject", 10000, 100);
    rw_test_bytes_format(yaml, ",");
    add_time(plan, yaml, "slow", 0, 50);
    rw_test_bytes_format(yaml, ",");
    add_time(plan, yaml, "slow_start", 0, 200);
    rw_test_bytes_format(yaml, ", all_out: %s }\n",
                         world->strict || chance(plan, 50) ? "ask" : "refuse");
}

void rw_test_plan_reload(struct rw_test_world *world)
{
    struct plan plan = {.world = world};
    struct rw_test_bytes yaml = {0};
    plan.mirrors = chance(&plan, 25);
    plan.releases = chance(&plan, world->rolls      ? 90
                                  : world->released ? 70
                                                    : 25); /* what was shared out mostly stays so */
    plan.sessions = world->has_sessions && !plan.mirrors;
    rw_test_sticky_reload(world);
    rw_test_bodies_reload(world);
    rw_test_rewrite_reload(world);
    rw_test_coding_reload(world);
    rw_test_session_reload(world, plan.sessions);
    if (world->identifies)
        add_identity(&yaml);
    if (world->has_tokens)
        rw_test_token_reload(world, &yaml);
    if (world->limited)
        rw_test_bytes_format(&yaml, "rate_limits: { quota_file: quotas }\n");
    add_listeners(&plan, &yaml);
    add_routes(&plan, &yaml);
    rw_test_bytes_format(&yaml, "upstreams:\n");
    add_upstream(&plan, &yaml, 0);
    if (plan.releases)
        add_upstream(&plan, &yaml, 1);
    if (plan.mirrors)
        add_shadow(&plan, &yaml);
    rw_test_bytes_format(&yaml, "locality: { zone: a, region: eu }\n");
    rw_test_bytes_add(&yaml, "", 1);
    if (world->verbose)
        printf("%s", yaml.at);
    rw_test_world_adopt(world, yaml.at);
    free(yaml.at);
}

/* ---- The whole ---- */

static void trace_requests(struct rw_test_world *world)
{
    for (unsigned i = 0; i < world->request_count; i++) {
        const struct rw_test_request *r = &world->requests[i];
        rw_test_trace(world,
                      "%u: %s HTTP/1.%u route %d body %d %u%s%s%s%s flaw %d -> %u %d %u%s%s "
                      "interims %u fault %d at %u",
                      r->id, r->method, r->minor_version, r->route, r->framing, r->body_bytes,
                      r->expect ? " expect" : "", r->close ? " close" : "",
                      r->socket    ? " socket"
                      : r->upgrade ? " upgrade"
                                   : "",
                      r->hasty ? " hasty" : "", r->flaw, r->status, r->answer, r->answer_bytes,
                      r->answer_early ? " early" : "", r->answer_close ? " close" : "", r->interims,
                      r->fault, r->fault_at);
    }
}

void rw_test_plan(struct rw_test_world *world, uint64_t seed, bool verbose)
{
    struct plan plan = {.world = world};
    rw_random_seed(&world->random, seed * 2 + 1);
    world->verbose = verbose;
    unsigned sort = below(&plan, 100);
    world->strict = world->strict || sort < 50;
    world->harsh = !world->strict && sort >= 65;
    plan.large = chance(&plan, 25);
    plan.only_gets = chance(&plan, 25);
    world->http2 = chance(&plan, 35);
    world->discovers = plan_discovery(&plan);
    world->resident = !world->discovers && chance(&plan, 15);
    world->identifies = chance(&plan, 25);
    world->limited = chance(&plan, 25);
    world->rolls = !world->discovers && chance(&plan, 12);
    plan.large &= !world->rolls; /* which have many requests */
    world->has_sessions = chance(&plan, 15);
    world->dressed = chance(&plan, 15);
    world->rewrites = chance(&plan, 15);
    world->compresses = chance(&plan, 20);
    world->has_tokens = !world->identifies && chance(&plan, 20);
    world->users = true;
    /* Where nobody may be refused, a well one must not be out of bounds. */
    world->probed = world->discovers != RW_TEST_IN_FILE && !(world->strict && world->resident) &&
                    chance(&plan, 12);
    struct rw_sim_faults faults = plan_faults(&plan, world->harsh);
    size_t buffers = 0;
    if (world->harsh && chance(&plan, 20))
        buffers = RW_BUF_LARGE_BYTES + below(&plan, 4 * RW_BUF_LARGE_BYTES);
    rw_test_world_create(world, seed, &faults, buffers);
    world->origin_count = 1 + below(&plan, RW_TEST_ORIGINS_MAX);
    for (unsigned i = 0; i < world->origin_count; i++)
        plan_origin(&plan, &world->origins[i], i);
    for (unsigned i = 0; i < world->origin_count && !world->discovers; i++)
        plan_next(world, i);
    rw_test_limits_create(world);
    rw_test_directory_create(world);
    world->client_count = 1 + below(&plan, CLIENTS_MAX);
    rw_test_rollout_create(world);
    world->clients = calloc(world->client_count, sizeof(*world->clients));
    world->requests = calloc(world->client_count * ROLLOUT_REQUESTS_MAX, sizeof(*world->requests));
    rw_assert(world->clients && world->requests);
    for (unsigned i = 0; i < world->client_count; i++)
        plan_client(&plan, &world->clients[i]);
    trace_requests(world);
    world->tries_max = 0;
    world->retries_max = (struct rw_retry_budget_settings){0};
    rw_test_plan_reload(world);
}
