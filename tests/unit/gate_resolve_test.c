/* Names as endpoints, against a small DNS server on loopback that answers, lies or keeps silent. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "gate/cluster/resolve/resolve.h"
#include "gate/known/known.h"
#include "gate_cluster_fixture.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- The server: one thread, one socket ---- */

enum mode { ANSWER, FAILURE, SILENCE, GARBAGE, TRUNCATED, CUT, HALF };
enum { RECORDS_MAX = 64, PACKET_BYTES = 4096 };

struct record {
    const char *name;
    unsigned type;
    uint32_t ttl;
    const char *value; /* address, name, or "priority weight port target" */
};

static struct {
    pthread_t thread;
    pthread_mutex_t mutex;
    int fd;
    uint16_t port;
    bool stop;
    enum mode mode; /* HALF: AAAA fails */
    struct record records[RECORDS_MAX];
    unsigned record_count;
    unsigned queries;
} server = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static unsigned char *put_u16(unsigned char *to, unsigned value)
{
    *to++ = (unsigned char)(value >> 8);
    *to++ = (unsigned char)value;
    return to;
}

static unsigned char *put_u32(unsigned char *to, uint32_t value)
{
    return put_u16(put_u16(to, value >> 16), value & 0xffff);
}

static unsigned char *put_name(unsigned char *to, const char *name)
{
    while (*name) {
        size_t len = strcspn(name, ".");
        *to++ = (unsigned char)len;
        memcpy(to, name, len);
        to += len;
        name += len + (name[len] == '.');
    }
    *to++ = 0;
    return to;
}

static unsigned char *put_data(unsigned char *to, const struct record *record)
{
    unsigned priority, weight, port;
    char target[256];
    if (record->type == ns_t_a) {
        inet_pton(AF_INET, record->value, to);
        return to + 4;
    }
    if (record->type == ns_t_aaaa) {
        inet_pton(AF_INET6, record->value, to);
        return to + 16;
    }
    if (record->type == ns_t_cname)
        return put_name(to, record->value);
    if (sscanf(record->value, "%u %u %u %255s", &priority, &weight, &port, target) != 4)
        abort();
    return put_name(put_u16(put_u16(put_u16(to, priority), weight), port), target);
}

static unsigned char *put_record(unsigned char *to, const struct record *record)
{
    to = put_name(to, record->name);
    to = put_u16(put_u16(to, record->type), ns_c_in);
    to = put_u32(to, record->ttl);
    unsigned char *data = put_data(to + 2, record);
    put_u16(to, (unsigned)(data - to - 2));
    return data;
}

/* The question as "a.b.c"; its type. */
static unsigned read_question(const unsigned char *packet, char *name, size_t *question_end)
{
    size_t at = 12, len = 0;
    while (packet[at]) {
        memcpy(name + len, packet + at + 1, packet[at]);
        len += packet[at];
        name[len++] = '.';
        at += packet[at] + 1u;
    }
    name[len ? len - 1 : 0] = '\0';
    *question_end = at + 5;
    return (unsigned)packet[at + 1] << 8 | packet[at + 2];
}

/* Records of a name and type, and of what a CNAME leads to. */
static unsigned put_answers(unsigned char **to, const char *name, unsigned type, bool *known)
{
    unsigned count = 0;
    for (unsigned i = 0; i < server.record_count; i++) {
        const struct record *record = &server.records[i];
        if (strcasecmp(record->name, name) != 0)
            continue;
        *known = true;
        if (record->type == type || record->type == ns_t_cname) {
            *to = put_record(*to, record);
            count++;
        }
        if (record->type == ns_t_cname)
            count += put_answers(to, record->value, type, known);
    }
    return count;
}

static size_t answer(unsigned char *packet, size_t len)
{
    char name[256];
    size_t question_end;
    bool known = false;
    unsigned type = read_question(packet, name, &question_end);
    unsigned char *to = packet + question_end;
    unsigned rcode = 0, count = 0, flags = 0x8180;
    if (server.mode == FAILURE || (server.mode == HALF && type == ns_t_aaaa))
        rcode = ns_r_servfail;
    else if (server.mode != TRUNCATED)
        count = put_answers(&to, name, type, &known);
    if (!known && !rcode && server.mode != TRUNCATED)
        rcode = ns_r_nxdomain;
    if (server.mode == TRUNCATED)
        flags |= 0x0200;
    put_u16(packet + 2, flags | rcode);
    put_u16(packet + 6, count);
    put_u16(put_u16(packet + 8, 0), 0);
    len = (size_t)(to - packet);
    if (server.mode == CUT && count)
        len -= 3;
    if (server.mode == GARBAGE) {
        len = question_end + 40;
        put_u16(packet + 6, 3);
        memset(packet + question_end, 0xc0, 40);
    }
    return len;
}

static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        unsigned char packet[PACKET_BYTES];
        struct sockaddr_storage peer;
        socklen_t peer_bytes = sizeof(peer);
        ssize_t len = recvfrom(server.fd, packet, 512, 0, (struct sockaddr *)&peer, &peer_bytes);
        pthread_mutex_lock(&server.mutex);
        bool stop = server.stop;
        size_t answer_len = 0;
        if (!stop && len > 16) {
            server.queries++;
            if (server.mode != SILENCE)
                answer_len = answer(packet, (size_t)len);
        }
        pthread_mutex_unlock(&server.mutex);
        if (stop)
            return NULL;
        if (answer_len)
            sendto(server.fd, packet, answer_len, 0, (struct sockaddr *)&peer, peer_bytes);
    }
}

static void start_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server.fd, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(getsockname(server.fd, (struct sockaddr *)&address, &bytes), 0);
    server.port = ntohs(address.sin_port);
    server.stop = false;
    server.mode = ANSWER;
    server.record_count = server.queries = 0;
    pthread_create(&server.thread, NULL, serve, NULL);
}

static void stop_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(server.port)};
    pthread_mutex_lock(&server.mutex);
    server.stop = true;
    pthread_mutex_unlock(&server.mutex);
    sendto(server.fd, "", 0, 0, (struct sockaddr *)&address, sizeof(address));
    pthread_join(server.thread, NULL);
    close(server.fd);
}

static void set_mode(enum mode mode)
{
    pthread_mutex_lock(&server.mutex);
    server.mode = mode;
    pthread_mutex_unlock(&server.mutex);
}

static void set_records(const struct record *records, unsigned count)
{
    pthread_mutex_lock(&server.mutex);
    memcpy(server.records, records, count * sizeof(*records));
    server.record_count = count;
    pthread_mutex_unlock(&server.mutex);
}

#define SET_RECORDS(...)                                                                           \
    set_records((const struct record[]){__VA_ARGS__},                                              \
                sizeof((const struct record[]){__VA_ARGS__}) / sizeof(struct record))

static unsigned query_count(void)
{
    pthread_mutex_lock(&server.mutex);
    unsigned count = server.queries;
    pthread_mutex_unlock(&server.mutex);
    return count;
}

/* ---- The registry ---- */

static struct rw_loop *loop;
static struct rw_clusters *clusters;
static struct rw_known *known;
static char server_text[32];
static struct rw_span server_span;

static int set_up(void **unused)
{
    (void)unused;
    start_server();
    int len = snprintf(server_text, sizeof(server_text), "127.0.0.1:%u", server.port);
    server_span = rw_span(server_text, (size_t)len);
    const struct rw_loop_options loop_options = {.backend = RW_LOOP_EPOLL};
    assert_int_equal(rw_loop_create(&loop_options, &loop), RW_OK);
    const struct rw_known_options known_options = {.loop = loop};
    assert_int_equal(rw_known_create(&known_options, &known), RW_OK);
    const struct rw_clusters_options options = {.loop = loop, .known = known};
    assert_int_equal(rw_clusters_create(&options, &clusters), RW_OK);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    rw_clusters_destroy(clusters);
    rw_known_destroy(known);
    rw_loop_turn(loop, 0);
    rw_loop_destroy(loop);
    stop_server();
    fixture_end();
    return 0;
}

static void begin(const char *name)
{
    fixture_begin(name);
    fixture.dns.servers = (struct rw_conf_list){&server_span, 1};
}

static struct rw_cluster *make(bool wait)
{
    struct rw_cluster *cluster = NULL;
    assert_int_equal(fixture_make(clusters, wait, &cluster), RW_OK);
    return cluster;
}

static uint64_t now_ms(void)
{
    return rw_clock_monotonic_ns() / RW_NS_PER_MS;
}

static void run_ms(unsigned ms)
{
    for (uint64_t end_ms = now_ms() + ms; now_ms() < end_ms;)
        rw_loop_turn(loop, 5);
}

static void run_until(struct rw_cluster *cluster, const char *names)
{
    for (uint64_t end_ms = now_ms() + 8000;
         now_ms() < end_ms && strcmp(fixture_names(cluster), names) != 0;)
        rw_loop_turn(loop, 10);
    assert_string_equal(fixture_names(cluster), names);
}

/* ---- Tests ---- */

static void addresses_follow_their_ttl(void **unused)
{
    (void)unused;
    SET_RECORDS({"app.test", ns_t_a, 0, "127.0.0.2"}, {"app.test", ns_t_a, 0, "127.0.0.1"});
    begin("app");
    fixture_add(1, "app.test:80");
    fixture_add(1, "127.0.0.9:80");
    struct rw_cluster *cluster = make(false);
    assert_string_equal(fixture_names(cluster), "127.0.0.9:80"); /* what is known at once */
    run_until(cluster, "127.0.0.1:80 127.0.0.2:80 127.0.0.9:80");
    struct rw_endpoint_set *set = atomic_load(&cluster->set);
    assert_true(rw_span_is(set->endpoints[0]->host, "app.test"));
    assert_int_equal(set->weights[0], set->weights[2]);
    struct rw_endpoint *stays = set->endpoints[0];
    struct rw_endpoint *goes = rw_endpoint_hold(set->endpoints[1]);

    /* The same in another order: no swap. */
    SET_RECORDS({"app.test", ns_t_a, 0, "127.0.0.1"}, {"app.test", ns_t_a, 0, "127.0.0.2"});
    unsigned queries = query_count();
    run_ms(450);
    assert_true(query_count() - queries >= 4);
    assert_ptr_equal(atomic_load(&cluster->set), set);

    SET_RECORDS({"app.test", ns_t_a, 60, "127.0.0.3"}, {"app.test", ns_t_a, 60, "127.0.0.1"});
    run_until(cluster, "127.0.0.1:80 127.0.0.3:80 127.0.0.9:80");
    assert_ptr_equal(atomic_load(&cluster->set)->endpoints[0], stays);
    assert_true(atomic_load(&goes->removed));
    rw_endpoint_drop(goes);

    /* Sixty seconds: not asked again for now. */
    queries = query_count();
    run_ms(300);
    assert_int_equal(query_count(), queries);
    rw_cluster_drop(clusters, cluster);
}

static void ipv6_and_cname(void **unused)
{
    (void)unused;
    SET_RECORDS({"six.test", ns_t_aaaa, 60, "2001:db8::1"},
                {"alias.test", ns_t_cname, 0, "real.test"}, {"real.test", ns_t_a, 60, "127.0.0.1"});
    begin("app");
    fixture_add(1, "six.test:80");
    fixture_add(1, "alias.test:81");
    struct rw_cluster *cluster = make(true);
    assert_string_equal(fixture_names(cluster), "127.0.0.1:81 [2001:db8::1]:80");
    /* The alias' TTL counts too. */
    unsigned queries = query_count();
    run_ms(300);
    assert_true(query_count() > queries);
    rw_cluster_drop(clusters, cluster);
}

static void failures_keep_the_last_answer(void **unused)
{
    (void)unused;
    const enum mode modes[] = {FAILURE, SILENCE, GARBAGE, TRUNCATED, CUT};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        set_mode(ANSWER);
        SET_RECORDS({"app.test", ns_t_a, 0, "127.0.0.1"});
        begin("app");
        fixture.dns.timeout_ms = 300;
        fixture_add(1, "app.test:80");
        struct rw_cluster *cluster = make(true);
        assert_string_equal(fixture_names(cluster), "127.0.0.1:80");
        set_mode(modes[i]);
        unsigned queries = query_count();
        run_ms(600);
        assert_true(query_count() > queries);
        assert_string_equal(fixture_names(cluster), "127.0.0.1:80");
        set_mode(ANSWER);
        SET_RECORDS({"app.test", ns_t_a, 60, "127.0.0.2"});
        run_until(cluster, "127.0.0.2:80"); /* within the first back-offs */
        /* No such name any more: stays as well. */
        rw_cluster_drop(clusters, cluster);
    }
}

static void an_unknown_name_comes_later(void **unused)
{
    (void)unused;
    begin("app");
    fixture_add(1, "app.test:80");
    uint64_t begin_ms = now_ms();
    struct rw_cluster *cluster = make(true); /* the answer "no such name" is an answer */
    assert_true(now_ms() - begin_ms < 1000);
    assert_string_equal(fixture_names(cluster), "");
    unsigned queries = query_count();
    run_ms(500);
    assert_int_equal(query_count(), queries); /* not before a second has passed */
    SET_RECORDS({"app.test", ns_t_a, 60, "127.0.0.1"});
    run_until(cluster, "127.0.0.1:80");
    rw_cluster_drop(clusters, cluster);
}

static void waiting_has_an_end(void **unused)
{
    (void)unused;
    set_mode(SILENCE);
    begin("app");
    fixture.dns.timeout_ms = 300;
    fixture_add(1, "app.test:80");
    uint64_t begin_ms = now_ms();
    struct rw_cluster *cluster = make(true);
    assert_in_range(now_ms() - begin_ms, 200, 1000);
    begin("other");
    fixture.dns.timeout_ms = 300;
    fixture_add(1, "other.test:80");
    struct rw_cluster *other = make(false);
    begin_ms = now_ms();
    rw_clusters_settle(clusters, 100);
    assert_in_range(now_ms() - begin_ms, 90, 290);
    rw_cluster_drop(clusters, cluster);
    rw_cluster_drop(clusters, other); /* with its lookup under way */
}

static void a_reload_knows_at_once(void **unused)
{
    (void)unused;
    SET_RECORDS({"app.test", ns_t_a, 60, "127.0.0.1"});
    begin("app");
    fixture_add(1, "app.test:80");
    struct rw_cluster *before = make(true);
    unsigned queries = query_count();
    begin("app");
    fixture_add(1, "app.test:80");
    struct rw_cluster *after = make(true);
    assert_string_equal(fixture_names(after), "127.0.0.1:80");
    assert_int_equal(query_count(), queries);
    assert_ptr_equal(atomic_load(&after->set)->endpoints[0],
                     atomic_load(&before->set)->endpoints[0]);
    rw_cluster_drop(clusters, before);
    /* Other settings are another resolver. */
    begin("app");
    fixture.dns.timeout_ms = 1000;
    fixture_add(1, "app.test:80");
    struct rw_cluster *third = make(true);
    assert_true(query_count() > queries);
    assert_string_equal(fixture_names(third), "127.0.0.1:80");
    rw_cluster_drop(clusters, after);
    /* Even when its servers are silent, what the last one found is not lost. */
    set_mode(SILENCE);
    begin("app");
    fixture.dns.timeout_ms = 200;
    fixture_add(1, "app.test:80");
    struct rw_cluster *fourth = make(true);
    assert_string_equal(fixture_names(fourth), "127.0.0.1:80");
    rw_cluster_drop(clusters, third);
    rw_cluster_drop(clusters, fourth);
}

static void srv_records(void **unused)
{
    (void)unused;
    SET_RECORDS({"_http._tcp.app.test", ns_t_srv, 0, "10 3 8001 a.app.test"},
                {"_http._tcp.app.test", ns_t_srv, 0, "10 1 8002 b.app.test"},
                {"_http._tcp.app.test", ns_t_srv, 0, "20 9 8003 c.app.test"},
                {"a.app.test", ns_t_a, 60, "127.0.0.1"}, {"b.app.test", ns_t_a, 0, "127.0.0.2"},
                {"b.app.test", ns_t_a, 0, "127.0.0.3"}, {"c.app.test", ns_t_a, 0, "127.0.0.4"});
    begin("app");
    fixture_add(1, "srv:_http._tcp.app.test");
    struct rw_cluster *cluster = make(true);
    assert_string_equal(fixture_names(cluster), "127.0.0.1:8001 127.0.0.2:8002 127.0.0.3:8002");
    struct rw_endpoint_set *set = atomic_load(&cluster->set);
    assert_int_equal(set->weights[0], 6 * set->weights[1]); /* b's share is parted */
    assert_int_equal(set->weights[1], set->weights[2]);
    assert_true(rw_span_is(set->endpoints[1]->host, "b.app.test"));
    /* A target's address changes, then the targets do. */
    SET_RECORDS({"_http._tcp.app.test", ns_t_srv, 0, "10 3 8001 a.app.test"},
                {"_http._tcp.app.test", ns_t_srv, 0, "10 1 8002 b.app.test"},
                {"a.app.test", ns_t_a, 60, "127.0.0.1"}, {"b.app.test", ns_t_a, 0, "127.0.0.7"});
    run_until(cluster, "127.0.0.1:8001 127.0.0.7:8002");
    SET_RECORDS({"_http._tcp.app.test", ns_t_srv, 0, "5 0 8009 d.app.test"},
                {"_http._tcp.app.test", ns_t_srv, 0, "10 1 8002 b.app.test"},
                {"d.app.test", ns_t_a, 0, "127.0.0.8"});
    run_until(cluster, "127.0.0.8:8009");
    /* Failures and refusals keep it. */
    set_mode(FAILURE);
    run_ms(300);
    set_mode(CUT);
    run_ms(300);
    set_mode(ANSWER);
    SET_RECORDS({"_http._tcp.app.test", ns_t_srv, 0, "0 0 0 ."});
    run_ms(2500);
    assert_string_equal(fixture_names(cluster), "127.0.0.8:8009");
    rw_cluster_drop(clusters, cluster);
}

static void localhost_needs_no_network(void **unused)
{
    (void)unused;
    set_mode(SILENCE);
    begin("app");
    fixture_add(1, "localhost:9000");
    struct rw_cluster *cluster = make(false);
    assert_non_null(strstr(fixture_names(cluster), "127.0.0.1:9000"));
    assert_int_equal(query_count(), 0);
    rw_cluster_drop(clusters, cluster);
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool works = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    if (fd >= 0)
        close(fd);
    return works;
}

static void half_an_answer(void **unused)
{
    (void)unused;
    if (!has_ipv6())
        skip();
    SET_RECORDS({"app.test", ns_t_a, 0, "127.0.0.1"}, {"app.test", ns_t_aaaa, 0, "::1"});
    begin("app");
    fixture_add(1, "app.test:80");
    struct rw_cluster *cluster = make(true);
    assert_string_equal(fixture_names(cluster), "127.0.0.1:80 [::1]:80");
    set_mode(HALF);
    run_ms(500);
    assert_string_equal(fixture_names(cluster), "127.0.0.1:80 [::1]:80");
    run_until(cluster, "127.0.0.1:80"); /* missing twice: gone */
    set_mode(ANSWER);
    run_until(cluster, "127.0.0.1:80 [::1]:80");
    rw_cluster_drop(clusters, cluster);
}

static void many_names_and_addresses(void **unused)
{
    (void)unused;
    static char values[60][16];
    struct record records[60];
    for (unsigned i = 0; i < 30; i++) {
        snprintf(values[i], sizeof(values[i]), "127.0.1.%u", i);
        records[i] = (struct record){"big.test", ns_t_a, 60, values[i]};
    }
    set_records(records, 30);
    begin("app");
    fixture_add(1, "big.test:80");
    for (unsigned i = 0; i < 200; i++)
        fixture_add(1, "big.test:%u", 1000 + i);
    struct rw_cluster *cluster = make(true);
    assert_int_equal(atomic_load(&cluster->set)->count, RW_CLUSTER_ENDPOINTS_MAX);
    assert_true(query_count() <= 2);
    rw_cluster_drop(clusters, cluster);
}

/* ---- Threads choose while answers come and go ---- */

enum { THREADS = 8, DEFERRED_MAX = 1024 };

static struct {
    void (*release)(void *object);
    void *object;
} deferred[DEFERRED_MAX];
static unsigned deferred_count;
static _Atomic uint64_t passes[THREADS];
static _Atomic bool stop_choosing;

static void defer(void *user, void (*release)(void *object), void *object)
{
    (void)user;
    assert_true(deferred_count < DEFERRED_MAX);
    deferred[deferred_count].release = release;
    deferred[deferred_count++].object = object;
}

static struct rw_cluster *chosen_from;

static void *choose_all_the_time(void *argument)
{
    _Atomic uint64_t *pass = argument;
    struct rw_random random;
    uint32_t cursor = 0;
    rw_random_seed(&random, (uint64_t)(pass - passes));
    while (!atomic_load(&stop_choosing)) {
        struct rw_choice choice = {
            .hash = rw_random_u64(&random), .cursor = &cursor, .random = &random};
        struct rw_endpoint *endpoint = rw_cluster_choose(chosen_from, &choice);
        if (!endpoint || !rw_span_is(endpoint->host, "app.test"))
            abort();
        /* Leaves the others some of the processors. */
        if (atomic_fetch_add(pass, 1) % 64 == 0)
            usleep(500);
    }
    return NULL;
}

static void wait_for_passes(void)
{
    uint64_t seen[THREADS];
    for (int i = 0; i < THREADS; i++)
        seen[i] = atomic_load(&passes[i]);
    for (int i = 0; i < THREADS; i++) {
        while (atomic_load(&passes[i]) < seen[i] + 2)
            sched_yield();
    }
}

static void release_deferred(void)
{
    unsigned count = deferred_count;
    if (count)
        wait_for_passes();
    for (unsigned i = 0; i < count; i++)
        deferred[i].release(deferred[i].object);
    deferred_count = 0;
}

static void swaps_while_threads_choose(void **unused)
{
    (void)unused;
    const struct rw_clusters_options options = {.loop = loop, .defer = defer};
    struct rw_clusters *own;
    assert_int_equal(rw_clusters_create(&options, &own), RW_OK);
    SET_RECORDS({"app.test", ns_t_a, 0, "127.0.0.1"});
    begin("app");
    fixture.upstream.balance = RW_BALANCE_HASH;
    fixture_add(1, "app.test:80");
    assert_int_equal(fixture_make(own, true, &chosen_from), RW_OK);
    pthread_t threads[THREADS];
    atomic_store(&stop_choosing, false);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, choose_all_the_time, &passes[i]);
    unsigned swaps = 0;
    for (uint64_t end_ms = now_ms() + 20000; swaps < 8 && now_ms() < end_ms;) {
        if (strcmp(fixture_names(chosen_from), "127.0.0.1:80") != 0)
            SET_RECORDS({"app.test", ns_t_a, 0, "127.0.0.1"});
        else
            SET_RECORDS({"app.test", ns_t_a, 0, "127.0.0.2"}, {"app.test", ns_t_a, 0, "127.0.0.3"});
        rw_loop_turn(loop, 20);
        swaps += deferred_count;
        release_deferred();
    }
    assert_true(swaps >= 8);
    atomic_store(&stop_choosing, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    rw_cluster_drop(own, chosen_from);
    for (unsigned i = 0; i < deferred_count; i++)
        deferred[i].release(deferred[i].object);
    deferred_count = 0;
    rw_clusters_destroy(own);
}

static void wrong_servers(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster;
    struct rw_span wrong = RW_LITERAL("unix:/run/dns");
    begin("app");
    fixture.dns.servers = (struct rw_conf_list){&wrong, 1};
    fixture_add(1, "app.test:80");
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_EINVAL);
}

static void allocation_failures(void **unused)
{
    (void)unused;
    SET_RECORDS({"app.test", ns_t_a, 0, "127.0.0.1"},
                {"_http._tcp.app.test", ns_t_srv, 0, "10 3 8001 app.test"});
    bool made_all = false;
    for (unsigned n = 0; n < 300 && !made_all; n++) {
        struct rw_cluster *cluster = NULL;
        begin("app");
        fixture.dns.timeout_ms = 60;
        fixture_add(1, "app.test:80");
        fixture_add(1, "srv:_http._tcp.app.test");
        fixture_add(1, "127.0.0.9:80");
        rw_alloc_fail_after(n);
        enum rw_err err = fixture_make(clusters, true, &cluster);
        for (int i = 0; i < 3 && !err; i++)
            rw_loop_turn(loop, 1);
        rw_alloc_fail_never();
        if (err) {
            assert_true(err == RW_ENOMEM || err == RW_EDNS);
            continue;
        }
        made_all = strcmp(fixture_names(cluster), "127.0.0.1:80 127.0.0.1:8001 127.0.0.9:80") == 0;
        rw_cluster_drop(clusters, cluster);
    }
    assert_true(made_all);
}

int main(void)
{
    rw_log_set_level(RW_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(addresses_follow_their_ttl, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ipv6_and_cname, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_keep_the_last_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_name_comes_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waiting_has_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reload_knows_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(srv_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(localhost_needs_no_network, set_up, tear_down),
        cmocka_unit_test_setup_teardown(half_an_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_names_and_addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(swaps_while_threads_choose, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_servers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(allocation_failures, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
