/* Several sockets on one address: which of them get the new connections. */
#include "io/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SOCKETS = 4, CLIENTS = 200 };

struct group {
    struct rw_address address;
    int fds[SOCKETS];
    int clients[CLIENTS];
};

static int setup(void **state)
{
    static struct group group;
    const struct rw_listen_options options = {.reuse_port = true};
    assert_int_equal(rw_address_parse(RW_LITERAL("127.0.0.1:0"), &group.address), RW_OK);
    for (int i = 0; i < SOCKETS; i++) {
        assert_int_equal(rw_listen_open(&group.address, &options, &group.fds[i], NULL), RW_OK);
        /* The first chooses the port. */
        struct sockaddr *at = (struct sockaddr *)&group.address.storage;
        assert_int_equal(getsockname(group.fds[i], at, &group.address.bytes), 0);
    }
    memset(group.clients, -1, sizeof(group.clients));
    *state = &group;
    return 0;
}

static int teardown(void **state)
{
    struct group *group = *state;
    for (int i = 0; i < SOCKETS; i++)
        close(group->fds[i]);
    for (int i = 0; i < CLIENTS; i++)
        if (group->clients[i] >= 0)
            close(group->clients[i]);
    return 0;
}

/* Connects all clients, accepts them, and counts whose queue each was in. */
static void spread(struct group *group, int counts[SOCKETS])
{
    for (int i = 0; i < CLIENTS; i++) {
        group->clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(
            connect(group->clients[i], rw_address_sockaddr(&group->address), group->address.bytes),
            0);
    }
    for (int i = 0; i < SOCKETS; i++) {
        counts[i] = 0;
        for (int fd; (fd = accept(group->fds[i], NULL, NULL)) >= 0; counts[i]++)
            close(fd);
    }
    for (int i = 0; i < CLIENTS; i++)
        close(group->clients[i]);
    memset(group->clients, -1, sizeof(group->clients));
}

static void all_of_them(void **state)
{
    int counts[SOCKETS];
    spread(*state, counts);
    for (int i = 0; i < SOCKETS; i++)
        assert_true(counts[i] > 0);
}

static void only_those_that_stay(void **state)
{
    struct group *group = *state;
    const uint16_t stay[] = {0, 3};
    int counts[SOCKETS];
    assert_int_equal(rw_listen_steer(group->fds[1], stay, 2), RW_OK);
    spread(group, counts);
    assert_int_equal(counts[1] + counts[2], 0);
    assert_true(counts[0] > 0 && counts[3] > 0);
    assert_int_equal(counts[0] + counts[3], CLIENTS);

    const uint16_t one[] = {2};
    assert_int_equal(rw_listen_steer(group->fds[0], one, 1), RW_OK);
    spread(group, counts);
    assert_int_equal(counts[2], CLIENTS);
}

static void and_all_again(void **state)
{
    struct group *group = *state;
    const uint16_t one[] = {2};
    assert_int_equal(rw_listen_steer(group->fds[0], one, 1), RW_OK);
    rw_listen_steer_end(group->fds[3]);
    all_of_them(state);
    rw_listen_steer_end(group->fds[3]); /* there is nothing to end */
}

static int try_connect(const struct group *group)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = connect(fd, rw_address_sockaddr(&group->address), group->address.bytes);
    int errno_value = errno;
    close(fd);
    return result == 0 ? 0 : errno_value;
}

static void a_hidden_one_keeps_what_it_has(void **state)
{
    struct group *group = *state;
    const struct rw_listen_options options = {.reuse_port = true};
    struct rw_address any = group->address;
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), wide = -1, found = -1;
    assert_int_equal(connect(client, rw_address_sockaddr(&group->address), group->address.bytes),
                     0);
    ((struct sockaddr_in *)&any.storage)->sin_addr.s_addr = htonl(INADDR_ANY);
    assert_int_equal(rw_listen_open(&any, &options, &wide, NULL), RW_OK);
    for (int i = 0; i < SOCKETS; i++)
        assert_int_equal(rw_listen_hide(group->fds[i]), RW_OK);

    assert_int_equal(try_connect(group), 0);
    int other = accept(wide, NULL, NULL);
    assert_true(other >= 0);
    close(other);
    close(wide);
    assert_int_equal(try_connect(group), ECONNREFUSED);

    for (int i = 0; i < SOCKETS && found < 0; i++)
        found = accept(group->fds[i], NULL, NULL);
    assert_true(found >= 0);
    assert_int_equal(write(client, "x", 1), 1);
    char byte = 0;
    assert_int_equal(read(found, &byte, 1), 1);
    close(found);
    close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_them, setup, teardown),
        cmocka_unit_test_setup_teardown(only_those_that_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(and_all_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hidden_one_keeps_what_it_has, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
