/* Small fixed worlds, one for each kind of request, for the sweeps: cut after every step, every
 * allocation failed in turn. */
#include "support/gateway_world.h"

#include <stdlib.h>

struct conversation {
    const char
        *name; /* "filtered: ...": with the policy doubling, which is told the rest;
                  "...http2: ...": what the origin speaks; "h2: ...": what the clients speak */
    unsigned clients, depth;
    unsigned limit; /* of connections to the endpoint */
    enum rw_test_leave leave;
    unsigned count;
    struct rw_test_request requests[3];
};

#define GET .method = "GET", .minor_version = 1
#define POST .method = "POST", .minor_version = 1
#define ANSWER(framing, bytes)                                                                     \
    .status = 200, .answer = RW_TEST_BODY_##framing, .answer_bytes = (bytes)
#define SOCKET(bytes)                                                                              \
    .upgrade = true, .socket = true, .body_bytes = (bytes), .status = 101,                         \
    .answer = RW_TEST_BODY_RAW, .answer_bytes = (bytes)
#define BODY(kind, bytes) .framing = RW_TEST_BODY_##kind, .body_bytes = (bytes)

static const struct conversation conversations[] = {
    {"get",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     2,
     {{GET, ANSWER(LENGTH, 300)}, {GET, ANSWER(LENGTH, 0)}}},
    {"chunks",
     1,
     1,
     0,
     RW_TEST_LEAVE_HALF,
     1,
     {{GET, ANSWER(CHUNKED, 300), .answer_trailers = true}}},
    {"until close", 1, 1, 0, RW_TEST_LEAVE_CLOSE, 1, {{GET, ANSWER(UNTIL_CLOSE, 300)}}},
    {"HTTP/1.0",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{.method = "GET", .minor_version = 0, ANSWER(CHUNKED, 300)}}},
    {"post", 1, 1, 0, RW_TEST_LEAVE_CLOSE, 1, {{POST, BODY(LENGTH, 300), ANSWER(LENGTH, 10)}}},
    {"post in chunks",
     1,
     1,
     0,
     RW_TEST_LEAVE_STAY,
     1,
     {{POST, BODY(CHUNKED, 300), .trailers = true, ANSWER(CHUNKED, 10)}}},
    {"expect",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{POST, BODY(LENGTH, 300), .expect = true, ANSWER(LENGTH, 10)}}},
    {"early answer",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{POST, BODY(CHUNKED, 300), .answer_early = true, ANSWER(CHUNKED, 200)}}},
    {"hints, then none",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     2,
     {{GET, .interims = 2, ANSWER(LENGTH, 10)},
      {.method = "HEAD", .minor_version = 1, ANSWER(LENGTH, 500)}}},
    {"pipelined",
     1,
     3,
     0,
     RW_TEST_LEAVE_HALF,
     3,
     {{GET, ANSWER(LENGTH, 100)},
      {.method = "PUT", .minor_version = 1, BODY(LENGTH, 40), ANSWER(CHUNKED, 100)},
      {GET, ANSWER(UNTIL_CLOSE, 100)}}},
    {"one connection for three",
     3,
     1,
     1,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{POST, BODY(CHUNKED, 50), ANSWER(LENGTH, 50)}}},
    {"tunnel",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{GET, .upgrade = true, .body_bytes = 200, .status = 101, .answer = RW_TEST_BODY_RAW,
       .answer_bytes = 200}}},
    {"hasty tunnel",
     1,
     1,
     0,
     RW_TEST_LEAVE_STAY,
     1,
     {{GET, .upgrade = true, .hasty = true, .origin_ends = true, .body_bytes = 200, .status = 101,
       .answer = RW_TEST_BODY_RAW, .answer_bytes = 200}}},
    {"socket",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{GET, SOCKET(300), .hasty = true, .origin_ends = true}}},
    {"http2: socket", 1, 1, 0, RW_TEST_LEAVE_STAY, 1, {{GET, SOCKET(300), .hasty = true}}},
    {"h2: socket, get",
     1,
     2,
     0,
     RW_TEST_LEAVE_CLOSE,
     2,
     {{GET, SOCKET(300), .hasty = true, .origin_ends = true}, {GET, ANSWER(LENGTH, 300)}}},
    {"h2: http2: two sockets",
     1,
     2,
     0,
     RW_TEST_LEAVE_STAY,
     2,
     {{GET, SOCKET(300)}, {GET, SOCKET(9000), .origin_ends = true}}},
    {"fixed",
     1,
     2,
     0,
     RW_TEST_LEAVE_CLOSE,
     2,
     {{GET, .route = RW_TEST_ROUTE_FIXED}, {POST, .route = RW_TEST_ROUTE_FIXED, BODY(LENGTH, 50)}}},
    {"no route", 1, 1, 0, RW_TEST_LEAVE_CLOSE, 1, {{GET, .route = RW_TEST_ROUTE_NONE}}},
    {"bad chunk",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{POST, BODY(CHUNKED, 50), .flaw = RW_TEST_FLAW_CHUNK, ANSWER(LENGTH, 10)}}},
    {"bad head", 1, 1, 0, RW_TEST_LEAVE_CLOSE, 1, {{GET, .flaw = RW_TEST_FLAW_HEAD}}},
    {"bad answer",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{GET, ANSWER(LENGTH, 50), .fault = RW_TEST_FAULT_MALFORMED}}},
    {"large",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{POST, BODY(LENGTH, 30000), ANSWER(CHUNKED, 30000)}}},
    {"http2: get, then none",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     3,
     {{GET, ANSWER(LENGTH, 300)},
      {GET, .interims = 1, ANSWER(CHUNKED, 300), .answer_trailers = true},
      {.method = "HEAD", .minor_version = 1, ANSWER(LENGTH, 500)}}},
    {"http2: post in chunks",
     1,
     1,
     0,
     RW_TEST_LEAVE_STAY,
     1,
     {{POST, BODY(CHUNKED, 300), .trailers = true, ANSWER(CHUNKED, 10)}}},
    {"http2: one connection for three",
     3,
     1,
     1,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{POST, BODY(LENGTH, 50), ANSWER(LENGTH, 50)}}},
    {"http2: early answer",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{POST, BODY(CHUNKED, 300), .answer_early = true, ANSWER(CHUNKED, 200)}}},
    {"http2: bad answer",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{GET, ANSWER(LENGTH, 50), .fault = RW_TEST_FAULT_MALFORMED}}},
    {"http2: large",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{POST, BODY(LENGTH, 30000), ANSWER(CHUNKED, 30000)}}},
    {"h2: get, post, head",
     1,
     3,
     0,
     RW_TEST_LEAVE_CLOSE,
     3,
     {{GET, ANSWER(CHUNKED, 300), .answer_trailers = true},
      {POST, BODY(LENGTH, 300), ANSWER(LENGTH, 10)},
      {.method = "HEAD", .minor_version = 1, .interims = 1, ANSWER(LENGTH, 500)}}},
    {"h2: expect, early answer, reset",
     1,
     3,
     0,
     RW_TEST_LEAVE_STAY,
     3,
     {{POST, BODY(CHUNKED, 300), .trailers = true, .expect = true, ANSWER(UNTIL_CLOSE, 100)},
      {POST, BODY(CHUNKED, 300), .answer_early = true, ANSWER(CHUNKED, 200)},
      {POST, BODY(LENGTH, 300), .resets = true, ANSWER(CHUNKED, 200)}}},
    {"h2: fixed, no route, large head",
     1,
     2,
     0,
     RW_TEST_LEAVE_HALF,
     3,
     {{GET, .route = RW_TEST_ROUTE_FIXED},
      {POST, .route = RW_TEST_ROUTE_NONE, BODY(LENGTH, 50)},
      {GET, .flaw = RW_TEST_FLAW_OVERSIZE, ANSWER(LENGTH, 10)}}},
    {"h2: malformed",
     1,
     2,
     0,
     RW_TEST_LEAVE_CLOSE,
     2,
     {{GET, .flaw = RW_TEST_FLAW_HEAD, ANSWER(LENGTH, 10)},
      {POST, BODY(LENGTH, 50), .flaw = RW_TEST_FLAW_CHUNK, ANSWER(LENGTH, 10)}}},
    {"h2: large",
     1,
     2,
     0,
     RW_TEST_LEAVE_CLOSE,
     2,
     {{POST, BODY(LENGTH, 30000), ANSWER(CHUNKED, 30000)}, {GET, ANSWER(LENGTH, 30000)}}},
    {"filtered: request response",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     2,
     {{POST, BODY(LENGTH, 300), ANSWER(CHUNKED, 300), .answer_trailers = true},
      {GET, ANSWER(LENGTH, 300)}}},
    {"mirrored: post",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     2,
     {{POST, BODY(LENGTH, 300), ANSWER(LENGTH, 300)}, {GET, ANSWER(CHUNKED, 300)}}},
    {"limited: the second is refused",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     2,
     {{GET, ANSWER(LENGTH, 10)}, {POST, BODY(LENGTH, 50), ANSWER(LENGTH, 10)}}},
    {"h2: limited: the second is refused",
     1,
     2,
     0,
     RW_TEST_LEAVE_CLOSE,
     2,
     {{GET, ANSWER(LENGTH, 10)}, {POST, BODY(LENGTH, 50), ANSWER(LENGTH, 10)}}},
    {"filtered: request response wait same",
     1,
     1,
     0,
     RW_TEST_LEAVE_CLOSE,
     1,
     {{POST, BODY(CHUNKED, 9000), ANSWER(LENGTH, 9000)}}},
};

/* One request only has a place. */
static void add_quotas(struct rw_test_world *world, struct rw_test_bytes *yaml)
{
    world->quota_of_all = 1;
    rw_test_bytes_format(yaml, "  policies: [");
    rw_test_limits_configure(world, yaml);
    rw_test_bytes_format(yaml, " ]\n");
}

static void adopt(struct rw_test_world *world, const struct conversation *conversation)
{
    static const char mirror[] =
        ", policies: [ { mirror: { upstream: shadow, requests_max: 4, compare: {} } } ]";
    static const char shadow[] = "- { name: shadow, endpoints: [\"10.1.0.9:9009\"] }\n";
    struct rw_test_bytes yaml = {0};
    const char *filters = strstr(conversation->name, "filtered: ");
    bool mirrored = strstr(conversation->name, "mirrored: ") != NULL;
    world->copies_max = mirrored ? RW_TEST_MIRRORED_MAX : 0;
    world->filtered = filters || mirrored;
    world->http2 = strstr(conversation->name, "http2: ") != NULL;
    rw_test_bytes_format(&yaml, "%slisteners:\n- address: \"10.2.0.1:80\"\n  reason_header: true\n",
                         world->limited ? "rate_limits: { quota_file: quotas }\n" : "");
    if (filters)
        rw_test_bytes_format(&yaml, "  policies: [ doubling: \"%s\" ]\n", strchr(filters, ' '));
    if (world->limited)
        add_quotas(world, &yaml);
    rw_test_bytes_format(&yaml,
                         "routes:\n"
                         "- { name: origin, match: { path: /r/* }, upstream: app%s }\n"
                         "- { name: fixed, match: { path: /fixed/* },\n"
                         "    respond: { body: fixed, headers: { X-Fixed: one } } }\n"
                         "upstreams:\n"
                         "- { name: app, endpoints: [\"10.1.0.1:9001\"],\n"
                         "    connections: { per_endpoint_max: %u }%s }\n%s",
                         mirrored ? mirror : "", conversation->limit,
                         world->http2 ? ", protocol: http2" : "", mirrored ? shadow : "");
    rw_test_bytes_add(&yaml, "", 1);
    rw_test_world_adopt(world, yaml.at);
    free(yaml.at);
}

static void add_client(struct rw_test_world *world, const struct conversation *conversation,
                       struct rw_test_client *client)
{
    *client = (struct rw_test_client){
        .world = world,
        .first = world->request_count,
        .count = conversation->count,
        .depth = conversation->depth,
        .leave = conversation->leave,
        .speaks_h2 = strncmp(conversation->name, "h2: ", 4) == 0,
        .pace = {.segment_bytes_max = conversation->requests[0].body_bytes > 1000 ? 8000 : 100},
    };
    for (unsigned i = 0; i < conversation->count; i++) {
        struct rw_test_request *r = &world->requests[world->request_count];
        *r = conversation->requests[i];
        r->id = world->request_count++;
    }
}

const char *rw_test_conversation(struct rw_test_world *world, unsigned kind, bool verbose)
{
    if (kind >= sizeof(conversations) / sizeof(conversations[0]))
        return NULL;
    const struct conversation *conversation = &conversations[kind];
    struct rw_sim_faults faults = {
        .send_pending = 5000, .split = 2000, .send_partial = 2000, .window_bytes = 4000};
    world->verbose = verbose;
    rw_random_seed(&world->random, kind);
    rw_test_world_create(world, kind, &faults, 0);
    world->limited = world->users = strstr(conversation->name, "limited: ") != NULL;
    rw_test_limits_create(world);
    world->origin_count = 1;
    world->origins[0] = (struct rw_test_origin){
        .world = world,
        .pace = {.segment_bytes_max = conversation->requests[0].answer_bytes > 1000 ? 8000 : 100}};
    enum rw_err err = rw_address_parse_ip(RW_LITERAL("10.1.0.1"), 9001, &world->origins[0].address);
    rw_assert(!err);
    unsigned count = conversation->clients;
    world->clients = calloc(count, sizeof(*world->clients));
    world->requests = calloc(count * conversation->count, sizeof(*world->requests));
    rw_assert(world->clients && world->requests);
    for (; world->client_count < count; world->client_count++)
        add_client(world, conversation, &world->clients[world->client_count]);
    adopt(world, conversation);
    return conversation->name;
}
