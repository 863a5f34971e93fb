/* A store against imitations of Redis servers on the same loop, which send commands on, lie, and
 * go: whatever they say, each command comes back once, and nothing grows without an end. */
#include "gate/redis/store.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/listen.h"
#include "io/resp.h"
#include "io/stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    TURNS_MAX = 20000,
    SERVERS = 3,
    SENTINELS = 2,
    CLIENTS_MAX = 64,
    SLOT = 7,
    OUTPUT_BYTES = 1 << 17
};

static struct rw_loop *loop;

/* ---- The servers ---- */

struct server {
    struct rw_listener listener;
    uint16_t port;
    bool deaf; /* closes at once */
    void (*answer)(struct server *server, struct rw_span word, struct rw_text *text);
    unsigned commands, asking, maps;
};

struct client {
    struct rw_stream stream;
    struct server *server; /* NULL: a free place */
    struct rw_text input;
    char output[OUTPUT_BYTES];
};

static struct server servers[SERVERS];
static struct client clients[CLIENTS_MAX];
static struct rw_text map; /* said by all on CLUSTER SLOTS */
static const char *primary, *role;
static bool first_is_cut_off; /* and names a primary that is not there */

static void add_bulk(struct rw_text *text, const char *word)
{
    rw_resp_word(text, rw_span_text(word));
}

/* What all do, unless the test has something of its own. */
static void answer(struct server *server, struct rw_span first, struct rw_text *text)
{
    if (rw_span_is(first, "CLUSTER")) {
        server->maps++;
        rw_text_add(text, rw_text_span(&map));
    } else if (rw_span_is(first, "SENTINEL")) {
        rw_text_adds(text, first_is_cut_off && server == servers
                               ? "*2\r\n$9\r\n127.0.0.1\r\n$1\r\n1\r\n"
                               : primary);
    } else if (rw_span_is(first, "ROLE")) {
        rw_resp_begin(text, 1);
        add_bulk(text, role);
    } else if (rw_span_is(first, "ASKING")) {
        server->asking++;
        rw_text_adds(text, "+OK\r\n");
    } else if (rw_span_is(first, "DO")) {
        server->commands++;
        if (server->answer)
            server->answer(server, first, text);
        else
            rw_text_adds(text, "*0\r\n");
    } else {
        rw_text_adds(text, "+PONG\r\n");
    }
}

static void send_all(struct client *client, const struct rw_text *text)
{
    assert_true(text->len <= sizeof(client->output));
    memcpy(client->output, text->at, text->len);
    struct iovec part = {.iov_base = client->output, .iov_len = text->len};
    if (rw_stream_send(&client->stream, &part, 1) == RW_SEND_FAILED)
        rw_stream_close(&client->stream);
}

static void serve_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct client *client = rw_container_of(stream, struct client, stream);
    struct rw_alloc_pause pause;
    struct rw_text text = {0};
    size_t len;
    rw_alloc_pause(&pause);
    rw_text_add(&client->input, rw_span(buf->data + buf->start, buf->end - buf->start));
    rw_buf_drop(buf);
    struct rw_span rest = rw_text_span(&client->input);
    while (rest.len && rw_resp_whole(rest, &len) == RW_RESP_WHOLE) {
        struct rw_span command = rw_span(rest.at, len);
        struct rw_resp_value value;
        assert_true(rw_resp_next(&command, &value) && rw_resp_next(&command, &value));
        answer(client->server, value.text, &text);
        rest = rw_span_skip(rest, len);
    }
    memmove(client->input.at, rest.at, rest.len);
    client->input.len = rest.len;
    if (text.len)
        send_all(client, &text);
    rw_text_free(&text);
    rw_alloc_resume(&pause);
}

static void serve_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    rw_stream_close(stream);
}

static void serve_sent(struct rw_stream *stream, enum rw_err err)
{
    if (err)
        rw_stream_close(stream);
}

static void serve_closed(struct rw_stream *stream)
{
    struct client *client = rw_container_of(stream, struct client, stream);
    rw_text_free(&client->input);
    client->input = (struct rw_text){0};
    client->server = NULL;
}

static const struct rw_stream_events client_events = {
    .on_data = serve_data,
    .on_end = serve_end,
    .on_sent = serve_sent,
    .on_closed = serve_closed,
};

static void serve_accept(struct rw_listener *listener, int fd, const struct sockaddr_storage *peer)
{
    struct server *server = rw_container_of(listener, struct server, listener);
    unsigned i = 0;
    (void)peer;
    while (i < CLIENTS_MAX && clients[i].server)
        i++;
    if (i == CLIENTS_MAX || server->deaf ||
        rw_stream_attach(loop, &clients[i].stream, &client_events, fd, NULL)) {
        if (i == CLIENTS_MAX || server->deaf)
            rw_listener_refuse(listener, fd);
        return;
    }
    clients[i].server = server;
    rw_stream_receive(&clients[i].stream, true, false);
}

static void serve_nothing(struct rw_listener *listener)
{
    listener->fd = -1;
}

static void start_server(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    *server = (struct server){.port = ntohs(address.sin_port)};
    server->listener =
        (struct rw_listener){.on_accept = serve_accept, .on_closed = serve_nothing, .fd = fd};
    assert_int_equal(rw_listener_start(loop, &server->listener), RW_OK);
}

static void stop_server(struct server *server)
{
    int fd = server->listener.fd;
    rw_listener_close(&server->listener);
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        if (clients[i].server == server)
            rw_stream_close(&clients[i].stream);
    while (server->listener.fd >= 0)
        rw_loop_turn(loop, 1);
    close(fd);
}

/* The slots from `first` to `last` are server `i`'s. */
static void add_range(unsigned first, unsigned last, unsigned i)
{
    rw_text_addf(&map, "*3\r\n:%u\r\n:%u\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n", first, last,
                 servers[i].port);
}

static void set_map(const char *text)
{
    map.len = 0;
    rw_text_adds(&map, text);
}

/* All slots are the first server's, or half of them the second's. */
static void map_one(void)
{
    set_map("*1\r\n");
    add_range(0, RW_REDIS_SLOTS - 1, 0);
}

static void map_two(void)
{
    set_map("*2\r\n");
    add_range(0, RW_REDIS_SLOTS / 2 - 1, 0);
    add_range(RW_REDIS_SLOTS / 2, RW_REDIS_SLOTS - 1, 1);
}

/* ---- The side under test ---- */

static struct rw_redis_store *store;
static struct {
    unsigned taken, lost, again, apart, moved, up, down, astray;
    bool closed;
    char why[200];
} seen;

static bool on_probe(void *user, const struct rw_redis_node *node, struct rw_text *text)
{
    (void)user;
    (void)node;
    rw_resp_begin(text, 1);
    add_bulk(text, "PROBE");
    return true;
}

static void on_write(void *user, const struct rw_redis_command *command, struct rw_text *text)
{
    (void)user;
    (void)command;
    rw_resp_begin(text, 1);
    add_bulk(text, "DO");
}

static const char *on_take(void *user, struct rw_redis_command *command, struct rw_span reply)
{
    struct rw_resp_value value;
    (void)user;
    assert_true(rw_resp_next(&reply, &value));
    if (command)
        seen.taken++;
    rw_free(command);
    return value.kind == RW_RESP_ERROR ? "it says no" : NULL;
}

static void on_lost(void *user, struct rw_redis_command *command)
{
    (void)user;
    seen.lost++;
    rw_free(command);
}

static void on_again(void *user, struct rw_redis_command *command, bool apart)
{
    (void)user;
    seen.again++;
    seen.apart += apart;
    rw_free(command);
}

static void on_changed(void *user, const struct rw_redis_node *node, const char *why)
{
    (void)user;
    (void)node;
    seen.up += !why;
    seen.down += why != NULL;
    if (why)
        snprintf(seen.why, sizeof(seen.why), "%s", why);
}

static void on_moved(void *user)
{
    (void)user;
    seen.moved++;
}

static void on_astray(void *user, const struct rw_place *from, const char *why)
{
    (void)user;
    (void)from;
    seen.astray++;
    snprintf(seen.why, sizeof(seen.why), "%s", why);
}

static void on_closed(void *user)
{
    (void)user;
    seen.closed = true;
}

static const struct rw_redis_store_events events = {
    .probe = on_probe,
    .write = on_write,
    .take = on_take,
    .lost = on_lost,
    .again = on_again,
    .changed = on_changed,
    .moved = on_moved,
    .astray = on_astray,
    .closed = on_closed,
};

static uint32_t timeout_ms;

static enum rw_err create(enum rw_redis_kind kind)
{
    char texts[SENTINELS][32];
    struct rw_span addresses[SENTINELS];
    for (unsigned i = 0; i < SENTINELS; i++) {
        snprintf(texts[i], sizeof(texts[i]), "127.0.0.1:%u", servers[i].port);
        addresses[i] = rw_span_text(texts[i]);
    }
    struct rw_config_sentinel sentinel = {.addresses = {addresses, SENTINELS},
                                          .primary = RW_LITERAL("limits")};
    struct rw_config_redis config = {.timeout_ms = timeout_ms};
    if (kind == RW_REDIS_CLUSTER)
        config.cluster = (struct rw_conf_list){addresses, 1};
    else if (kind == RW_REDIS_SENTINEL)
        config.sentinel = &sentinel;
    else
        config.address = addresses[0];
    const struct rw_redis_store_options options = {.config = &config, .events = &events};
    return rw_redis_store_create(loop, &options, &store);
}

static void start(enum rw_redis_kind kind)
{
    assert_int_equal(create(kind), RW_OK);
}

static void finish(void)
{
    rw_redis_store_close(store);
    for (int turn = 0; turn < TURNS_MAX && !seen.closed; turn++)
        rw_loop_turn(loop, 5);
    assert_true(seen.closed);
    store = NULL;
}

static void put(uint16_t slot)
{
    struct rw_redis_command *command = rw_alloc_zero(sizeof(*command));
    assert_non_null(command);
    command->slot = slot;
    rw_redis_store_put(store, command);
    rw_redis_store_flush(store);
}

static bool is_up(uint16_t slot)
{
    const struct rw_redis_node *node = rw_redis_store_node(store, slot);
    return node && node->state == RW_REDIS_UP;
}

#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        for (int turn_ = 0; turn_ < TURNS_MAX && !(condition); turn_++)                            \
            rw_loop_turn(loop, 5);                                                                 \
        assert_true(condition);                                                                    \
    } while (0)

static unsigned back(void)
{
    return seen.taken + seen.lost + seen.again;
}

static int set_up(void **state)
{
    (void)state;
    struct rw_loop_options options = {.backend = RW_LOOP_EPOLL};
    assert_int_equal(rw_loop_create(&options, &loop), RW_OK);
    rw_log_set_level(RW_LOG_ERROR);
    for (unsigned i = 0; i < SERVERS; i++)
        start_server(&servers[i]);
    memset(&seen, 0, sizeof(seen));
    primary = "*-1\r\n";
    role = "master";
    first_is_cut_off = false;
    timeout_ms = 10000;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (store)
        finish();
    for (unsigned i = 0; i < SERVERS; i++)
        stop_server(&servers[i]);
    rw_loop_destroy(loop);
    rw_text_free(&map);
    map = (struct rw_text){0};
    return 0;
}

/* ---- Cluster ---- */

static void answer_moved(struct server *server, struct rw_span word, struct rw_text *text)
{
    (void)word;
    rw_text_addf(text, "-MOVED %d 127.0.0.1:%u\r\n", SLOT, servers[server == servers].port);
}

static void answer_ask_third(struct server *server, struct rw_span word, struct rw_text *text)
{
    (void)server;
    (void)word;
    rw_text_addf(text, "-ASK %d :%u\r\n", SLOT, servers[2].port);
}

static void answer_try_again(struct server *server, struct rw_span word, struct rw_text *text)
{
    (void)server;
    (void)word;
    rw_text_adds(text, "-TRYAGAIN Multiple keys request during rehashing of slot\r\n");
}

static void answer_no(struct server *server, struct rw_span word, struct rw_text *text)
{
    (void)server;
    (void)word;
    rw_text_adds(text, "-CLUSTERDOWN The cluster is down\r\n");
}

/* Each hostile MOVED points to a place of its own, where nobody is. */
static void answer_anywhere(struct server *server, struct rw_span word, struct rw_text *text)
{
    (void)word;
    rw_text_addf(text, "-MOVED %u 127.1.%u.%u:1\r\n", server->commands % RW_REDIS_SLOTS,
                 server->commands / 250 % 250, server->commands % 250);
}

static void each_slot_has_its_server(void **state)
{
    (void)state;
    map_two();
    start(RW_REDIS_CLUSTER);
    UNTIL(is_up(0) && is_up(RW_REDIS_SLOTS - 1));
    put(0);
    put(RW_REDIS_SLOTS - 1);
    put(RW_REDIS_SLOTS - 2);
    UNTIL(seen.taken == 3);
    assert_int_equal(servers[0].commands, 1);
    assert_int_equal(servers[1].commands, 2);
}

static void moved_is_followed(void **state)
{
    (void)state;
    map_two();
    start(RW_REDIS_CLUSTER);
    UNTIL(is_up(SLOT) && is_up(RW_REDIS_SLOTS - 1));
    servers[0].answer = answer_moved;
    unsigned maps = servers[0].maps;
    set_map("*3\r\n");
    add_range(0, SLOT - 1, 0);
    add_range(SLOT, SLOT, 1);
    add_range(SLOT + 1, RW_REDIS_SLOTS - 1, 1);
    put(SLOT);
    UNTIL(seen.taken == 1);
    assert_int_equal(servers[0].commands, 1);
    assert_int_equal(servers[1].commands, 1);
    /* What follows goes there at once, and the map is asked for. */
    put(SLOT);
    UNTIL(seen.taken == 2 && servers[0].maps > maps);
    assert_int_equal(servers[0].commands, 1);
    assert_int_equal(rw_redis_store_counts(store)->moved, 1);
}

/* The third is in nobody's map yet: the command is told again when it is connected. */
static void ask_is_followed_once(void **state)
{
    (void)state;
    map_one();
    start(RW_REDIS_CLUSTER);
    UNTIL(is_up(SLOT));
    servers[0].answer = answer_ask_third;
    put(SLOT);
    UNTIL(back() == 1);
    assert_int_equal(seen.again, 1);
    UNTIL(seen.up == 2);
    put(SLOT);
    UNTIL(seen.taken == 1);
    assert_int_equal(servers[2].asking, 1);
    assert_int_equal(servers[2].commands, 1);
    servers[0].answer = NULL;
    put(SLOT);
    UNTIL(seen.taken == 2);
    assert_int_equal(servers[2].commands, 1);
}

static void what_goes_in_circles_ends(void **state)
{
    (void)state;
    map_two();
    start(RW_REDIS_CLUSTER);
    UNTIL(is_up(SLOT) && is_up(RW_REDIS_SLOTS - 1));
    servers[0].answer = servers[1].answer = answer_moved;
    put(SLOT);
    UNTIL(back() == 1);
    assert_int_equal(seen.lost, 1);
    assert_int_equal(servers[0].commands + servers[1].commands, RW_REDIS_HOPS_MAX + 1);
}

static void servers_have_an_end(void **state)
{
    (void)state;
    map_one();
    start(RW_REDIS_CLUSTER);
    UNTIL(is_up(SLOT));
    servers[0].answer = answer_anywhere;
    for (unsigned i = 0; i < 2 * RW_REDIS_NODES_MAX; i++) {
        UNTIL(is_up(RW_REDIS_SLOTS - 1));
        unsigned before = back();
        put(RW_REDIS_SLOTS - 1);
        UNTIL(back() > before);
    }
    unsigned count = 0;
    for (const struct rw_redis_node *node = NULL; (node = rw_redis_store_next(store, node));)
        count++;
    assert_true(count <= RW_REDIS_NODES_MAX);
}

static void several_keys_are_told_apart(void **state)
{
    (void)state;
    map_one();
    start(RW_REDIS_CLUSTER);
    UNTIL(is_up(SLOT));
    servers[0].answer = answer_try_again;
    put(SLOT);
    UNTIL(back() == 1);
    assert_int_equal(seen.apart, 1);
    assert_true(is_up(SLOT));
}

static void a_server_that_says_no_is_down(void **state)
{
    (void)state;
    map_one();
    start(RW_REDIS_CLUSTER);
    UNTIL(is_up(SLOT));
    servers[0].answer = answer_no;
    put(SLOT);
    put(SLOT); /* goes with the next batch, or not at all */
    UNTIL(back() == 2 && seen.down > 0);
    servers[0].answer = NULL;
    UNTIL(is_up(SLOT));
}

/* The first map was good, and stays. */
static void bad_maps_change_nothing(void **state)
{
    (void)state;
    static const char twice[] = "*2\r\n*3\r\n:0\r\n:9\r\n*2\r\n$1\r\na\r\n:1\r\n"
                                "*3\r\n:9\r\n:9\r\n*2\r\n$1\r\nb\r\n:1\r\n";
    static const char *const maps[] = {
        twice,
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n:1\r\n",
        "*0\r\n",
        "+OK\r\n",
        "*70000\r\n",
        "*1000000000000\r\n",
        "$2000000\r\n",
        "-ERR This instance has cluster support disabled\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
    };
    map_one();
    start(RW_REDIS_CLUSTER);
    UNTIL(is_up(SLOT));
    for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
        unsigned astray = seen.astray;
        set_map(maps[i]);
        servers[0].answer = answer_no; /* it is asked again when a server fails */
        put(SLOT);
        UNTIL(seen.astray > astray);
        servers[0].answer = NULL;
        map_one();
        unsigned asked = servers[0].maps;
        UNTIL(is_up(SLOT) && rw_redis_store_guide(store) && servers[0].maps > asked);
    }
    assert_int_equal(seen.moved, 1);
}

/* ---- Sentinels ---- */

static char primary_text[64];

static void name_primary(unsigned i)
{
    char port[8];
    snprintf(port, sizeof(port), "%u", servers[i].port);
    snprintf(primary_text, sizeof(primary_text), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n",
             strlen(port), port);
    primary = primary_text;
}

static void the_primary_is_followed(void **state)
{
    (void)state;
    start(RW_REDIS_SENTINEL);
    UNTIL(seen.astray > 0);
    assert_string_equal(seen.why, "it knows no primary of this name");
    assert_null(rw_redis_store_node(store, 0));
    name_primary(1);
    UNTIL(is_up(0));
    put(0);
    UNTIL(seen.taken == 1);
    assert_int_equal(servers[1].commands, 1);
    name_primary(2);
    UNTIL(rw_redis_store_node(store, 0)->place.port == servers[2].port && is_up(0));
    put(0);
    UNTIL(seen.taken == 2);
    assert_int_equal(servers[2].commands, 1);
    assert_int_equal(rw_redis_store_counts(store)->changes, 2);
}

static void who_is_cut_off_is_not_believed_for_long(void **state)
{
    (void)state;
    first_is_cut_off = true;
    name_primary(2);
    start(RW_REDIS_SENTINEL);
    UNTIL(is_up(0));
    assert_int_equal(rw_redis_store_node(store, 0)->place.port, servers[2].port);
    assert_int_equal(rw_redis_store_guide(store)->port, servers[1].port);
}

static void a_replica_is_no_primary(void **state)
{
    (void)state;
    role = "slave";
    name_primary(1);
    start(RW_REDIS_SENTINEL);
    UNTIL(seen.down > 0);
    assert_string_equal(seen.why, "it is a replica, not the primary");
    role = "sentinel";
    UNTIL(strcmp(seen.why, "it is no server of data") == 0);
    role = "master";
    UNTIL(is_up(0));
}

static void a_member_needs_to_be_told_as_one(void **state)
{
    (void)state;
    start(RW_REDIS_SINGLE);
    UNTIL(is_up(0));
    servers[0].answer = answer_moved;
    put(0);
    UNTIL(seen.lost == 1 && seen.down == 1);
    assert_string_equal(seen.why,
                        "it is a member of a cluster, which needs `cluster` in the configuration");
}

/* ---- Memory ---- */

/* Each allocation fails once: it comes up all the same, and nothing leaks. */
static void without_memory(void **state)
{
    (void)state;
    timeout_ms = 50; /* what could not be sent is waited for */
    for (uint64_t n = 0; n < 160; n++) {
        enum rw_redis_kind kind = n % 2 ? RW_REDIS_CLUSTER : RW_REDIS_SENTINEL;
        map_two();
        name_primary(1);
        seen.closed = false;
        rw_alloc_fail_once(n / 2);
        enum rw_err err = create(kind);
        for (int turn = 0; !err && turn < 8; turn++) {
            rw_loop_turn(loop, 2);
            if (is_up(SLOT)) {
                struct rw_redis_command *command = rw_alloc_zero(sizeof(*command));
                if (command)
                    rw_redis_store_put(store, command);
                rw_redis_store_flush(store);
            }
        }
        rw_alloc_fail_never();
        if (err) {
            assert_int_equal(err, RW_ENOMEM);
            continue;
        }
        UNTIL(is_up(SLOT));
        finish();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_slot_has_its_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(moved_is_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ask_is_followed_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_goes_in_circles_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(servers_have_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_keys_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_says_no_is_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_maps_change_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_primary_is_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_cut_off_is_not_believed_for_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_replica_is_no_primary, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_member_needs_to_be_told_as_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
