/* Faults armed, observed and undone: to processes, and on the way to a server. */
#include "base/clock.h"
#include "io/listen.h"
#include "verify/fault/fault.h"
#include "verify/fault/guard.h"
#include "verify/fault/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/eventually.h"

static struct rw_faults *faults;
static char why[RW_FAULT_WHY_BYTES];

static void open_faults(void)
{
    const struct rw_faults_options options = {.seed = 7};
    assert_int_equal(rw_faults_open(&options, &faults), RW_OK);
}

static pid_t start_sleeper(void)
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(0); /* it has died before it could be asked for */
        for (;;)
            pause();
    }
    assert_true(pid > 0);
    return pid;
}

static void reap(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static const struct rw_dependency orders = {.kind = RW_DEPENDENCY_UPSTREAM,
                                            .name = {"orders", 6},
                                            .place = {0}};
static const struct rw_dependency worker = {.kind = RW_DEPENDENCY_WORKER,
                                            .name = {"worker", 6},
                                            .place = {0}};

static struct rw_fault *begin(const struct rw_fault_target *target,
                              const struct rw_fault_order *order)
{
    struct rw_fault *fault = NULL;
    enum rw_err err = rw_fault_begin(faults, target, order, &fault, why);
    if (err)
        fail_msg("%s", why);
    return fault;
}

static struct rw_fault_observed observe(struct rw_fault *fault)
{
    struct rw_fault_observed observed;
    rw_fault_observe(fault, &observed);
    return observed;
}

/* ---- Processes ---- */

static void kills(void **state)
{
    (void)state;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    open_faults();
    pid_t pids[3] = {start_sleeper(), start_sleeper(), start_sleeper()};
    const struct rw_fault_target target = {.dependency = &orders, .pids = pids, .pid_count = 3};
    rw_fault_order_init(&order, RW_FAULT_KILL);
    order.parts = 2;
    struct rw_fault *fault = begin(&target, &order);
    EVENTUALLY(observe(fault).happened);
    rw_fault_end(fault, &observed);
    assert_int_equal(observed.count, 2);
    unsigned alive = 0;
    for (unsigned i = 0; i < 3; i++) {
        alive += rw_process_began(pids[i]) != 0;
        reap(pids[i]);
    }
    assert_int_equal(alive, 1);
    assert_int_equal(rw_fault_begin(faults, &target, &order, &fault, why), RW_ENOENT);
    assert_non_null(strstr(why, "is gone already"));
    rw_faults_close(faults);
}

/* As a server with workers of its own; what is left of it goes on without the first. */
static void kills_with_all_that_descend(void **state)
{
    (void)state;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    pid_t family[3];
    open_faults();
    pid_t parent = fork();
    if (parent == 0) {
        pid_t child = fork();
        if (child == 0 && fork() == 0)
            sleep(600);
        sleep(600);
        _exit(0);
    }
    EVENTUALLY(rw_process_family(parent, family, 3) == 3);
    const struct rw_fault_target target = {.dependency = &orders, .pids = &parent, .pid_count = 1};
    rw_fault_order_init(&order, RW_FAULT_STOP);
    struct rw_fault *fault = begin(&target, &order);
    EVENTUALLY(observe(fault).happened);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rw_process_state(family[i]), 'T');
    rw_fault_end(fault, &observed);
    assert_int_equal(observed.count, 3);
    rw_fault_order_init(&order, RW_FAULT_KILL);
    fault = begin(&target, &order);
    EVENTUALLY(observe(fault).happened);
    rw_fault_end(fault, &observed);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rw_process_began(family[i]), 0);
    reap(parent);
    rw_faults_close(faults);
}

static void stops_and_lets_go_on(void **state)
{
    (void)state;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    open_faults();
    pid_t pid = start_sleeper();
    const struct rw_fault_target target = {.dependency = &orders, .pids = &pid, .pid_count = 1};
    rw_fault_order_init(&order, RW_FAULT_STOP);
    struct rw_fault *fault = begin(&target, &order);
    EVENTUALLY(rw_process_state(pid) == 'T');
    rw_fault_end(fault, &observed);
    assert_true(observed.happened);
    EVENTUALLY(rw_process_state(pid) == 'S');

    fault = begin(&target, &order);
    EVENTUALLY(observe(fault).happened);
    rw_faults_close(faults); /* undoes what is armed */
    EVENTUALLY(rw_process_state(pid) == 'S');
    reap(pid);
}

static void ends_by_itself(void **state)
{
    (void)state;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    open_faults();
    pid_t pid = start_sleeper();
    const struct rw_fault_target target = {.dependency = &orders, .pids = &pid, .pid_count = 1};
    rw_fault_order_init(&order, RW_FAULT_STOP);
    order.ms_max = 100;
    struct rw_fault *fault = begin(&target, &order);
    EVENTUALLY(rw_process_state(pid) == 'T');
    EVENTUALLY(rw_process_state(pid) == 'S');
    rw_fault_end(fault, &observed);
    assert_true(observed.happened);
    reap(pid);
    rw_faults_close(faults);
}

/* Verify is killed while a process stands still and another has a limit: both get over it. */
static void guard_outlives_us(void **state)
{
    (void)state;
    pid_t still = start_sleeper(), limited = start_sleeper();
    struct rlimit before, now;
    assert_int_equal(prlimit(limited, RLIMIT_NOFILE, NULL, &before), 0);
    pid_t us = fork();
    if (us == 0) {
        struct rw_guard guard;
        struct rw_guard_duty *duty;
        if (!rw_guard_open(&guard) && !rw_guard_stop(&guard, still, &duty) &&
            !rw_guard_limit(&guard, limited, RLIMIT_NOFILE, 3, &duty))
            pause();
        _exit(1);
    }
    EVENTUALLY(prlimit(limited, RLIMIT_NOFILE, NULL, &now) == 0 && now.rlim_cur == 3);
    EVENTUALLY(rw_process_state(still) == 'T');
    reap(us);
    EVENTUALLY(rw_process_state(still) == 'S');
    EVENTUALLY(prlimit(limited, RLIMIT_NOFILE, NULL, &now) == 0 && now.rlim_cur == before.rlim_cur);
    reap(still);
    reap(limited);
}

/* A supervisor with two workers: one of the workers is hit, never the supervisor. */
static void kills_a_worker(void **state)
{
    (void)state;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    pid_t workers[4];
    open_faults();
    pid_t supervisor = fork();
    if (supervisor == 0) {
        start_sleeper();
        start_sleeper();
        for (;;)
            pause();
    }
    EVENTUALLY(rw_process_children(supervisor, workers, 4) == 2);
    const struct rw_fault_target target = {
        .dependency = &worker, .pids = &supervisor, .pid_count = 1};
    rw_fault_order_init(&order, RW_FAULT_KILL);
    order.parts = 1;
    struct rw_fault *fault = begin(&target, &order);
    EVENTUALLY(observe(fault).happened);
    rw_fault_end(fault, &observed);
    assert_int_equal(observed.count, 1);
    assert_true(rw_process_began(supervisor) != 0);
    assert_int_equal((rw_process_began(workers[0]) != 0) + (rw_process_began(workers[1]) != 0), 1);
    reap(supervisor);
    rw_faults_close(faults);
}

/* ---- On the way ---- */

static int listen_somewhere(struct rw_address *address)
{
    const struct rw_listen_options options = {0};
    int fd;
    assert_int_equal(rw_address_parse(RW_LITERAL("127.0.0.1:0"), address), RW_OK);
    assert_int_equal(rw_listen_open(address, &options, &fd, NULL), RW_OK);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address->storage, &address->bytes), 0);
    return fd;
}

static int connect_to(const struct rw_address *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    if (connect(fd, rw_address_sockaddr(address), address->bytes) == 0)
        return fd;
    close(fd);
    return -1;
}

static int accept_one(int listener)
{
    struct pollfd poll_fd = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, EVENTUALLY_MS_MAX), 1);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    return fd;
}

static void resets_on_the_way(void **state)
{
    (void)state;
    struct rw_address any, server;
    struct rw_relay *relays[1];
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    char byte = 'x';
    open_faults();
    int listener = listen_somewhere(&server);
    assert_int_equal(rw_address_parse(RW_LITERAL("127.0.0.1:0"), &any), RW_OK);
    assert_int_equal(rw_faults_relay(faults, &any, &server, &relays[0]), RW_OK);
    const struct rw_fault_target target = {
        .dependency = &orders, .relays = relays, .relay_count = 1};
    int client = connect_to(rw_relay_address(relays[0]));
    int served = accept_one(listener);
    assert_int_equal(write(client, &byte, 1), 1);
    assert_int_equal(read(served, &byte, 1), 1);

    rw_fault_order_init(&order, RW_FAULT_RESET);
    struct rw_fault *fault = begin(&target, &order), *second;
    assert_int_equal(read(client, &byte, 1), -1);
    assert_int_equal(errno, ECONNRESET);
    rw_fault_order_init(&order, RW_FAULT_DELAY);
    assert_int_equal(rw_fault_begin(faults, &target, &order, &second, why), RW_EEXIST);
    assert_string_equal(why, "another fault disturbs orders already");
    rw_fault_end(fault, &observed);
    assert_true(observed.happened);
    assert_int_equal(observed.count, 1);

    fault = begin(&target, &order); /* nothing came, so nothing has happened */
    rw_fault_end(fault, &observed);
    assert_false(observed.happened);
    rw_faults_close(faults);
    close(client);
    close(served);
    close(listener);
}

static void says_what_is_missing(void **state)
{
    (void)state;
    struct rw_fault_target target = {.dependency = &orders};
    assert_false(rw_fault_possible(&target, RW_FAULT_RESET, why));
    assert_string_equal(why, "reset of upstream orders: no relay stands in front of it");
    assert_false(rw_fault_possible(&target, RW_FAULT_KILL, why));
    assert_string_equal(why, "kill of upstream orders: its process is not known: verify starts it, "
                             "or `pid_file` says it");
    assert_false(rw_fault_possible(&target, RW_FAULT_CLOCK_STEP, why));
    assert_string_equal(
        why, "clock_step of upstream orders: that can happen to other dependencies only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills),
        cmocka_unit_test(kills_with_all_that_descend),
        cmocka_unit_test(stops_and_lets_go_on),
        cmocka_unit_test(ends_by_itself),
        cmocka_unit_test(guard_outlives_us),
        cmocka_unit_test(kills_a_worker),
        cmocka_unit_test(resets_on_the_way),
        cmocka_unit_test(says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
