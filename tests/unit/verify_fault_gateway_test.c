/* Faults of what a gateway itself lives on and of those who use it, against a small server in a
 * process of its own that stands in for one. */
#include "base/clock.h"
#include "io/listen.h"
#include "verify/fault/clock_shim.h"
#include "verify/fault/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/eventually.h"

/* ---- The server ---- */

enum { CONNECTIONS = 60, BODY_BYTES = 256 * 1024, GROWTH_BYTES = 64 << 20 };

/* What the server sees, for the test to compare with what the fault says. */
struct seen {
    _Atomic unsigned accepted, one_byte_reads, requests, reloads, refused_memory;
    _Atomic bool hoards, hoarded; /* memory for a moment: it is asked to; it does */
};

static struct seen *seen;
static struct rw_address address;
static pid_t server;
static struct rw_faults *faults;
static char why[RW_FAULT_WHY_BYTES];

static void grow(void)
{
    void *block = mmap(NULL, GROWTH_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        seen->refused_memory++;
    else
        munmap(block, GROWTH_BYTES);
}

static void hoard(void)
{
    static void *block;
    if (seen->hoards == seen->hoarded)
        return;
    if (seen->hoarded)
        munmap(block, GROWTH_BYTES);
    else
        block = mmap(NULL, GROWTH_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    seen->hoarded = seen->hoards;
}

/* True: the connection is done with. */
static bool answer(int fd, char *text, size_t len)
{
    static char body[BODY_BYTES];
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 262144\r\n\r\n";
    if (!memmem(text, len, "\r\n\r\n", 4))
        return false;
    seen->requests++;
    seen->reloads += memcmp(text, "POST /reload ", 13) == 0;
    grow();
    (void)!send(fd, head, sizeof(head) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)!send(fd, body, sizeof(body), MSG_NOSIGNAL | MSG_DONTWAIT);
    return memmem(text, len, "Connection: close", 17) != NULL;
}

_Noreturn static void serve(int listener)
{
    static char texts[CONNECTIONS + 1][16384];
    static size_t lengths[CONNECTIONS + 1];
    struct pollfd fds[CONNECTIONS + 1] = {{.fd = listener, .events = POLLIN}};
    for (int i = 1; i <= CONNECTIONS; i++)
        fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        (void)poll(fds, CONNECTIONS + 1, 20);
        hoard();
        int free_one = 0;
        for (int i = 1; i <= CONNECTIONS; i++) {
            if (fds[i].fd >= 0 && fds[i].revents) {
                ssize_t len = read(fds[i].fd, texts[i] + lengths[i], sizeof(texts[i]) - lengths[i]);
                lengths[i] += len > 0 ? (size_t)len : 0;
                seen->one_byte_reads += len == 1;
                if (len <= 0 || answer(fds[i].fd, texts[i], lengths[i])) {
                    close(fds[i].fd);
                    fds[i].fd = -1;
                }
            }
            if (fds[i].fd < 0)
                free_one = i;
        }
        if (!fds[0].revents || !free_one)
            continue;
        fds[free_one].fd = accept(listener, NULL, NULL);
        fds[free_one].revents = 0;
        lengths[free_one] = 0;
        seen->accepted += fds[free_one].fd >= 0;
    }
}

static const struct rw_dependency limits = {.kind = RW_DEPENDENCY_LIMITS, .name = {"limits", 6}};
static const struct rw_dependency clients = {.kind = RW_DEPENDENCY_CLIENTS, .name = {"clients", 7}};
static const struct rw_dependency clock_of = {.kind = RW_DEPENDENCY_CLOCK, .name = {"clock", 5}};
static const struct rw_dependency configuration = {.kind = RW_DEPENDENCY_CONFIGURATION,
                                                   .name = {"configuration", 13}};

static int open_all(void **state)
{
    (void)state;
    const struct rw_listen_options listen_options = {0};
    const struct rw_faults_options options = {.seed = 5};
    int listener;
    seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(seen, MAP_FAILED);
    assert_int_equal(rw_address_parse(RW_LITERAL("127.0.0.1:0"), &address), RW_OK);
    assert_int_equal(rw_listen_open(&address, &listen_options, &listener, NULL), RW_OK);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address.storage, &address.bytes), 0);
    server = fork();
    if (server == 0)
        serve(listener);
    close(listener);
    assert_int_equal(rw_faults_open(&options, &faults), RW_OK);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    rw_faults_close(faults);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    munmap(seen, sizeof(*seen));
    return 0;
}

static struct rw_fault_target target_of(const struct rw_dependency *dependency)
{
    return (struct rw_fault_target){.dependency = dependency,
                                    .pids = &server,
                                    .pid_count = 1,
                                    .front = &address,
                                    .admin = &address};
}

static struct rw_fault *begin(const struct rw_fault_target *target,
                              const struct rw_fault_order *order)
{
    struct rw_fault *fault = NULL;
    if (rw_fault_begin(faults, target, order, &fault, why))
        fail_msg("%s", why);
    return fault;
}

static struct rw_fault_observed observe(struct rw_fault *fault)
{
    struct rw_fault_observed observed;
    rw_fault_observe(fault, &observed);
    return observed;
}

static bool answers(void)
{
    char reply[16];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_usec = 200 * 1000};
    assert_int_equal(connect(fd, rw_address_sockaddr(&address), address.bytes), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_int_equal(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
    ssize_t len = recv(fd, reply, sizeof(reply), 0);
    close(fd);
    return len > 0;
}

/* ---- Limits ---- */

static void descriptors_run_out(void **state)
{
    (void)state;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    struct rlimit before, during, after;
    const struct rw_fault_target target = target_of(&limits);
    EVENTUALLY(answers());
    assert_int_equal(prlimit(server, RLIMIT_NOFILE, NULL, &before), 0);
    rw_fault_order_init(&order, RW_FAULT_DESCRIPTORS);
    struct rw_fault *fault = begin(&target, &order);
    assert_int_equal(prlimit(server, RLIMIT_NOFILE, NULL, &during), 0);
    assert_true(during.rlim_cur < 64 && during.rlim_max == before.rlim_max);
    EVENTUALLY(observe(fault).happened);
    assert_false(answers());
    rw_fault_end(fault, &observed);
    assert_true(observed.count > 0);
    assert_int_equal(prlimit(server, RLIMIT_NOFILE, NULL, &after), 0);
    assert_int_equal(after.rlim_cur, before.rlim_cur);
    EVENTUALLY(answers());
}

static void memory_runs_out(void **state)
{
    (void)state;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    const struct rw_fault_target target = target_of(&limits);
    EVENTUALLY(answers());
    assert_int_equal(seen->refused_memory, 0);
    rw_fault_order_init(&order, RW_FAULT_MEMORY);
    struct rw_fault *fault = begin(&target, &order);
    EVENTUALLY(answers() && seen->refused_memory > 0);
    rw_fault_end(fault, &observed);
    assert_true(observed.happened);
    assert_int_equal(observed.count, 1);
    unsigned refused = seen->refused_memory;
    EVENTUALLY(answers());
    assert_int_equal(seen->refused_memory, refused);
}

/* It had more than usual just when the fault began. */
static void memory_runs_out_again(void **state)
{
    (void)state;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    const struct rw_fault_target target = target_of(&limits);
    seen->hoards = true;
    EVENTUALLY(seen->hoarded);
    rw_fault_order_init(&order, RW_FAULT_MEMORY);
    struct rw_fault *fault = begin(&target, &order);
    seen->hoards = false;
    EVENTUALLY(!seen->hoarded);
    unsigned refused = seen->refused_memory;
    EVENTUALLY(observe(fault).happened && answers() && seen->refused_memory > refused);
    rw_fault_end(fault, &observed);
    assert_int_equal(observed.count, 1);
    refused = seen->refused_memory;
    EVENTUALLY(answers());
    assert_int_equal(seen->refused_memory, refused);
}

/* ---- Clients ---- */

static void clients_send_slowly(void **state)
{
    (void)state;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    const struct rw_fault_target target = target_of(&clients);
    rw_fault_order_init(&order, RW_FAULT_SLOW_SENDERS);
    order.connections = 20;
    order.bytes_per_second = 100;
    struct rw_fault *fault = begin(&target, &order);
    EVENTUALLY(observe(fault).count == 20 && seen->one_byte_reads > 40);
    assert_int_equal(seen->accepted, 20);
    assert_int_equal(seen->requests, 0);
    rw_fault_end(fault, &observed);
    order.connections = 0;
    assert_int_equal(rw_fault_begin(faults, &target, &order, &fault, why), RW_ELIMIT);
    assert_string_equal(why, "connections: from 1 to 10000");
}

static void clients_do_not_read(void **state)
{
    (void)state;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    const struct rw_fault_target target = target_of(&clients);
    rw_fault_order_init(&order, RW_FAULT_SLOW_READERS);
    order.connections = 20;
    order.bytes_per_second = 100;
    struct rw_fault *fault = begin(&target, &order);
    EVENTUALLY(observe(fault).count == 20);
    rw_fault_end(fault, &observed);
    assert_true(seen->requests >= 20);
}

/* ---- Reloads ---- */

static void reloads_come_in_a_storm(void **state)
{
    (void)state;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    struct rw_fault_target target = target_of(&configuration);
    rw_fault_order_init(&order, RW_FAULT_RELOAD_STORM);
    order.per_second = 200;
    struct rw_fault *fault = begin(&target, &order);
    EVENTUALLY(observe(fault).count >= 20);
    rw_fault_end(fault, &observed);
    assert_true(seen->reloads >= observed.count && seen->reloads <= observed.count + 1);
    target.admin = NULL;
    assert_false(rw_fault_possible(&target, RW_FAULT_RELOAD_STORM, why));
    assert_string_equal(why, "reload_storm of configuration: the gateway has no admin listener");
}

/* ---- The clock ---- */

/* What date(1) says, started as a gateway would be. */
static time_t date_says(struct rw_clock_shim *shim)
{
    char *arguments[RW_CLOCK_SHIM_ARGUMENTS], command[256];
    long long seconds = 0;
    rw_clock_shim_arguments(shim, arguments);
    snprintf(command, sizeof(command), "%s %s %s date +%%s", arguments[0], arguments[1],
             arguments[2]);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    assert_int_equal(fscanf(output, "%lld", &seconds), 1);
    pclose(output);
    return (time_t)seconds;
}

static void the_clock_jumps(void **state)
{
    (void)state;
    enum { DAY_S = 24 * 3600, SLACK_S = 3600 };
    struct rw_clock_shim shim;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    struct rw_fault_target target = target_of(&clock_of);
    assert_false(rw_fault_possible(&target, RW_FAULT_CLOCK_STEP, why));
    assert_int_equal(rw_clock_shim_open(&shim), RW_OK);
    target.clock = &shim;
    rw_fault_order_init(&order, RW_FAULT_CLOCK_STEP);
    order.step_ms = -(int64_t)10 * DAY_S * 1000;
    struct rw_fault *fault = begin(&target, &order);
    assert_false(observe(fault).happened);
    assert_true(labs(date_says(&shim) - time(NULL) + 10l * DAY_S) < SLACK_S);
    rw_fault_end(fault, &observed);
    assert_true(observed.happened);
    assert_int_equal(observed.count, 10ll * DAY_S * 1000);
    assert_true(labs(date_says(&shim) - time(NULL)) < SLACK_S);
    order.step_ms = 0;
    assert_int_equal(rw_fault_begin(faults, &target, &order, &fault, why), RW_EINVAL);
    rw_clock_shim_close(&shim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(descriptors_run_out, open_all, close_all),
        cmocka_unit_test_setup_teardown(memory_runs_out, open_all, close_all),
        cmocka_unit_test_setup_teardown(memory_runs_out_again, open_all, close_all),
        cmocka_unit_test_setup_teardown(clients_send_slowly, open_all, close_all),
        cmocka_unit_test_setup_teardown(clients_do_not_read, open_all, close_all),
        cmocka_unit_test_setup_teardown(reloads_come_in_a_storm, open_all, close_all),
        cmocka_unit_test_setup_teardown(the_clock_jumps, open_all, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
