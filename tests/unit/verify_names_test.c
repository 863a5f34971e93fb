/* The name server of verify, asked by the gateway's own resolver, and over TCP. */
#include "gate/cluster/resolve/resolve.h"
#include "gate/config/config.h"
#include "unit/io_world.h"
#include "verify/fault/names.h"

#include <stdio.h>

#include <arpa/inet.h>
#include <errno.h>

static struct world world;
static struct rw_names *names;
static struct rw_resolver *resolver;
static struct rw_resolve_use use;

static void ignore(struct rw_resolve_use *unused)
{
    (void)unused;
}

static struct rw_address address_of(const char *text)
{
    struct rw_address address;
    assert_int_equal(rw_address_parse(rw_span_text(text), &address), RW_OK);
    return address;
}

static void open_names(void)
{
    struct rw_address any = address_of("127.0.0.1:0"), one = address_of("127.0.0.7:99"),
                      two = address_of("[::1]:99");
    assert_int_equal(world_try_open(&world, RW_LOOP_EPOLL, NULL, NULL, 1), RW_OK);
    assert_int_equal(rw_names_open(world.loop, &any, &names), RW_OK);
    assert_int_equal(rw_names_add(names, RW_LITERAL("Shop.Example"), &one), RW_OK);
    assert_int_equal(rw_names_add(names, RW_LITERAL("shop.example."), &two), RW_OK);
    assert_int_equal(rw_names_add_service(names, RW_LITERAL("_http._tcp.shop.example"),
                                          RW_LITERAL("shop.example"), 8088),
                     RW_OK);
}

static void on_names_closed(void *user)
{
    *(bool *)user = true;
}

static void close_names(void)
{
    bool closed = false;
    rw_names_close(names, on_names_closed, &closed);
    RUN_UNTIL(&world, closed);
    world_close(&world);
}

static const struct rw_resolved *ask(const char *name, bool srv, size_t *count)
{
    char text[RW_ADDRESS_TEXT_MAX];
    struct rw_span server =
        rw_span(text, rw_address_format(text, &rw_names_address(names)->storage));
    const struct rw_config_dns dns = {.servers = {.items = &server, .count = 1},
                                      .timeout_ms = 400,
                                      .ttl_ms_min = 1000,
                                      .ttl_ms_max = 60000};
    use = (struct rw_resolve_use){.changed = ignore};
    assert_int_equal(rw_resolver_create(world.loop, NULL, &dns, &resolver), RW_OK);
    assert_int_equal(rw_resolve_start(resolver, rw_span_text(name), srv, &use), RW_OK);
    RUN_UNTIL(&world, rw_resolve_settled(&use));
    return rw_resolve_answer(&use, count);
}

static void done(void)
{
    rw_resolve_stop(&use);
    rw_resolver_destroy(resolver);
}

static bool has(const struct rw_resolved *answer, size_t count, const char *host, unsigned port)
{
    for (size_t i = 0; i < count; i++) {
        char text[RW_ADDRESS_HOST_TEXT_MAX];
        size_t len = rw_address_format_host(text, rw_address_sockaddr(&answer[i].address));
        if (rw_span_is(rw_span(text, len), host) &&
            rw_address_port(&answer[i].address.storage) == port)
            return true;
    }
    return false;
}

static struct rw_names_counts counts(void)
{
    struct rw_names_counts counts;
    rw_names_count(names, &counts);
    return counts;
}

static void tells_the_truth(void **state)
{
    (void)state;
    size_t count;
    open_names();
    const struct rw_resolved *answer = ask("shop.example", false, &count);
    assert_true(has(answer, count, "127.0.0.7", 0));
    done();
    answer = ask("_http._tcp.shop.example", true, &count);
    assert_true(has(answer, count, "127.0.0.7", 8088));
    done();
    assert_null(ask("elsewhere.example", false, &count));
    done();
    assert_true(counts().queries > 0);
    assert_int_equal(counts().disturbed, 0);
    close_names();
}

/* What the resolver makes of a mode: no answer. */
static void finds_nothing(enum rw_names_mode mode)
{
    size_t count;
    open_names();
    assert_int_equal(rw_names_disturb(names, mode), RW_OK);
    assert_int_equal(rw_names_disturb(names, RW_NAMES_LIE), RW_EEXIST);
    assert_null(ask("shop.example", false, &count));
    done();
    assert_true(counts().disturbed > 0);
    assert_int_equal(rw_names_disturb(names, RW_NAMES_TRUTH), RW_OK);
    assert_non_null(ask("shop.example", false, &count));
    done();
    close_names();
}

static void fails(void **state)
{
    (void)state;
    finds_nothing(RW_NAMES_FAIL);
}

static void denies(void **state)
{
    (void)state;
    finds_nothing(RW_NAMES_UNKNOWN);
}

static void keeps_silent(void **state)
{
    (void)state;
    finds_nothing(RW_NAMES_SILENT);
}

static void lies(void **state)
{
    (void)state;
    size_t count;
    open_names();
    assert_int_equal(rw_names_disturb(names, RW_NAMES_LIE), RW_OK);
    const struct rw_resolved *answer = ask("shop.example", false, &count);
    assert_true(has(answer, count, "127.255.255.254", 0));
    assert_false(has(answer, count, "127.0.0.7", 0));
    done();
    assert_true(counts().disturbed > 0);
    close_names();
}

/* ---- TCP ---- */

static const char question[] = "\0\x1e" /* length */
                               "\x12\x34\x01\x00\0\x01\0\0\0\0\0\0"
                               "\x04shop\x07"
                               "example\0\0\x01\0\x01";

enum { QUESTION_BYTES = sizeof(question) - 1 };

static bool receive(int fd, char *reply, size_t room, size_t *len)
{
    ssize_t more = recv(fd, reply + *len, room - *len, MSG_DONTWAIT);
    *len += more > 0 ? (size_t)more : 0;
    return *len >= 2 && *len == 2u + (unsigned char)reply[1];
}

static void answers_over_tcp(void **state)
{
    (void)state;
    char reply[256];
    size_t len = 0;
    open_names();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const struct rw_address *address = rw_names_address(names);
    (void)connect(fd, rw_address_sockaddr(address), address->bytes);
    /* One byte a turn: the server has to put it together. */
    for (size_t i = 0; i < QUESTION_BYTES;) {
        i += send(fd, question + i, 1, MSG_NOSIGNAL) == 1;
        rw_loop_turn(world.loop, 1);
    }
    RUN_UNTIL(&world, receive(fd, reply, sizeof(reply), &len));
    assert_memory_equal(reply + 2, "\x12\x34\x85\x00\0\x01\0\x01", 8);
    assert_memory_equal(reply + len - 4, "\x7f\0\0\x07", 4);
    close(fd);
    close_names();
}

static void too_long_a_message(void **state)
{
    (void)state;
    char byte;
    open_names();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct rw_address *address = rw_names_address(names);
    assert_int_equal(connect(fd, rw_address_sockaddr(address), address->bytes), 0);
    assert_int_equal(send(fd, "\xff\xff\0", 3, 0), 3);
    RUN_UNTIL(&world, recv(fd, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET);
    close(fd);
    close_names();
}

static void refuses_what_is_no_name(void **state)
{
    (void)state;
    char name[300];
    struct rw_address address = address_of("127.0.0.1:0"), local = address_of("unix:/tmp/x");
    open_names();
    memset(name, 'a', sizeof(name));
    assert_int_equal(rw_names_add(names, rw_span(name, 64), &address), RW_EINVAL);
    assert_int_equal(rw_names_add(names, rw_span(name, 300), &address), RW_EINVAL);
    assert_int_equal(rw_names_add(names, RW_LITERAL("a..b"), &address), RW_EINVAL);
    assert_int_equal(rw_names_add(names, RW_LITERAL(""), &address), RW_EINVAL);
    assert_int_equal(rw_names_add(names, RW_LITERAL("a"), &local), RW_EINVAL);
    enum rw_err err = RW_OK;
    for (unsigned i = 0; i <= RW_NAMES_MAX && !err; i++) { /* the same twice is one */
        char text[16];
        int len = snprintf(text, sizeof(text), "127.0.%u.%u", i / 256, i % 256);
        assert_int_equal(rw_address_parse_ip(rw_span(text, (size_t)len), 0, &address), RW_OK);
        err = rw_names_add(names, RW_LITERAL("many.example"), &address);
        if (!err)
            err = rw_names_add(names, RW_LITERAL("many.example"), &address);
    }
    assert_int_equal(err, RW_ELIMIT);
    size_t count; /* as many as have room in a message, and a reply that can be read */
    assert_non_null(ask("many.example", false, &count));
    done();
    close_names();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_truth),
        cmocka_unit_test(fails),
        cmocka_unit_test(denies),
        cmocka_unit_test(keeps_silent),
        cmocka_unit_test(lies),
        cmocka_unit_test(answers_over_tcp),
        cmocka_unit_test(too_long_a_message),
        cmocka_unit_test(refuses_what_is_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
