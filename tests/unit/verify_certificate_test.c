/* Certificates with a flaw, shown by a relay to a client that trusts who issued them. */
#include "io/tls.h"
#include "unit/io_world.h"
#include "verify/fault/authority.h"
#include "verify/fault/fault.h"
#include "verify/fault/relay.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

static struct world world;
static struct rw_authority *authority;
static struct rw_tls_client *client;

/* A file in memory; its path stays good. */
static struct rw_span file_of(const struct rw_text *text, char *path)
{
    int fd = memfd_create("test", 0);
    assert_true(fd >= 0 && write(fd, text->at, text->len) == (ssize_t)text->len);
    return rw_span(path, (size_t)sprintf(path, "/proc/self/fd/%d", fd));
}

static void open_all(void)
{
    char path[40];
    struct rw_text pem = {0}, why = {0};
    assert_int_equal(world_try_open(&world, RW_LOOP_AUTO, "127.0.0.1:0", NULL, 1), RW_OK);
    assert_int_equal(rw_authority_create(&authority), RW_OK);
    assert_int_equal(rw_authority_certificate(authority, &pem), RW_OK);
    const struct rw_tls_client_options options = {.ca = file_of(&pem, path),
                                                  .name = RW_LITERAL("shop.example")};
    assert_int_equal(rw_tls_client_create(&options, &client, &why), RW_OK);
    rw_text_free(&pem);
    rw_text_free(&why);
}

static void close_all(void)
{
    rw_tls_client_drop(client);
    rw_authority_destroy(authority);
    world_close(&world);
}

/* What a client meets at an address. */
static enum rw_err meet(const struct rw_address *address)
{
    struct end end = {.world = &world, .slow = {.fire = unmute}};
    const struct rw_connect_options options = {
        .address = rw_address_sockaddr(address), .address_bytes = address->bytes, .tls = client};
    assert_int_equal(rw_stream_connect(world.loop, &end.stream, &world_events, &options), RW_OK);
    run_until_gone(&world, &end, 1);
    assert_int_equal(end.opens, 1);
    return end.open_err;
}

static struct rw_tls_server *issue(enum rw_certificate_flaw flaw)
{
    char paths[2][40];
    struct rw_text certificate = {0}, key = {0}, why = {0};
    struct rw_tls_server *server;
    assert_int_equal(
        rw_authority_issue(authority, RW_LITERAL("shop.example"), flaw, &certificate, &key), RW_OK);
    const struct rw_tls_certificate_files files = {.cert = file_of(&certificate, paths[0]),
                                                   .key = file_of(&key, paths[1])};
    const struct rw_tls_server_options options = {
        .certificates = &files, .certificate_count = 1, .tolerate_dates = true};
    assert_int_equal(rw_tls_server_create(&options, &server, &why), RW_OK);
    rw_text_free(&certificate);
    rw_text_free(&key);
    rw_text_free(&why);
    return server;
}

static void on_relay_closed(void *user)
{
    *(bool *)user = true;
}

/* So that the flaw is all that is wrong with the others. */
static void a_sound_one_is_trusted(void **state)
{
    (void)state;
    struct rw_address any;
    struct rw_relay *relay;
    struct rw_relay_counts counts;
    bool closed = false;
    open_all();
    assert_int_equal(rw_address_parse(RW_LITERAL("127.0.0.1:0"), &any), RW_OK);
    const struct rw_relay_options options = {
        .loop = world.loop, .listen = &any, .server = &world.address};
    assert_int_equal(rw_relay_open(&options, &relay), RW_OK);
    struct rw_relay_disturbance disturbance = {.mode = RW_RELAY_IMPOSTOR,
                                               .tls = issue(RW_CERTIFICATE_SOUND)};
    assert_int_equal(rw_relay_disturb(relay, &disturbance), RW_OK);
    rw_tls_server_drop(disturbance.tls);
    assert_int_equal(meet(rw_relay_address(relay)), RW_OK);
    rw_relay_count(relay, &counts);
    assert_int_equal(counts.trusted, 1);
    assert_int_equal(counts.connections_hit, 1);
    rw_relay_close(relay, on_relay_closed, &closed);
    RUN_UNTIL(&world, closed);
    close_all();
}

static void a_flaw_is_seen(enum rw_fault_class flaw)
{
    static const struct rw_dependency dependency = {.kind = RW_DEPENDENCY_CERTIFICATE,
                                                    .name = {"shop", 4}};
    const struct rw_faults_options options = {.seed = 3};
    char why[RW_FAULT_WHY_BYTES];
    struct rw_address any;
    struct rw_faults *faults;
    struct rw_relay *relay;
    struct rw_fault *fault;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    open_all();
    assert_int_equal(rw_faults_open(&options, &faults), RW_OK);
    assert_int_equal(rw_address_parse(RW_LITERAL("127.0.0.1:0"), &any), RW_OK);
    assert_int_equal(rw_faults_relay(faults, &any, &world.address, &relay), RW_OK);
    const struct rw_fault_target target = {.dependency = &dependency,
                                           .relays = &relay,
                                           .relay_count = 1,
                                           .authority = authority,
                                           .server_name = RW_LITERAL("shop.example")};
    rw_fault_order_init(&order, flaw);
    assert_int_equal(rw_fault_begin(faults, &target, &order, &fault, why), RW_OK);
    assert_int_equal(meet(rw_relay_address(relay)), RW_EVERIFY);
    do { /* the alert is on its way */
        rw_fault_observe(fault, &observed);
        usleep(1000);
    } while (!observed.happened);
    rw_fault_end(fault, &observed);
    assert_int_equal(observed.count, 1);
    rw_faults_close(faults);
    close_all();
}

static void an_expired_one_is_not(void **state)
{
    (void)state;
    a_flaw_is_seen(RW_FAULT_CERTIFICATE_EXPIRED);
}

static void nor_one_for_another(void **state)
{
    (void)state;
    a_flaw_is_seen(RW_FAULT_CERTIFICATE_NAME);
}

static void names_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a,DNS:b", "a,,b", "a b", "a:b", "a\n"};
    static const char *const good[] = {"a", "127.0.0.1", "::1", "x-1.example",
                                       "shop.example,127.0.0.1"};
    struct rw_text certificate = {0}, key = {0};
    assert_int_equal(rw_authority_create(&authority), RW_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(rw_authority_issue(authority, rw_span_text(bad[i]), RW_CERTIFICATE_SOUND,
                                            &certificate, &key),
                         RW_EINVAL);
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_int_equal(rw_authority_issue(authority, rw_span_text(good[i]), RW_CERTIFICATE_SOUND,
                                            &certificate, &key),
                         RW_OK);
    rw_text_free(&certificate);
    rw_text_free(&key);
    rw_authority_destroy(authority);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_one_is_trusted), cmocka_unit_test(an_expired_one_is_not),
        cmocka_unit_test(nor_one_for_another), cmocka_unit_test(names_are_checked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
