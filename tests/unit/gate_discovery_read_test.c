/* What etcd and Kubernetes say, as texts: which endpoints are known afterwards, and how the watch
 * goes on. The servers themselves are in tests/scenario/discovery.test.mjs. */
#include "base/alloc.h"
#include "gate/discovery/etcd_read.h"
#include "gate/discovery/kubernetes_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct rw_discovery *discovery;
static unsigned told;

static void on_changed(struct rw_discovery_use *use)
{
    (void)use;
    told++;
}

static struct rw_discovery_use use;

static int set_up(void **state)
{
    (void)state;
    static const struct rw_locality around = {.region = RW_LITERAL("eu")};
    if (rw_discovery_create(NULL, RW_LITERAL("app"), RW_LITERAL("x"), &around, &discovery))
        return -1;
    use = (struct rw_discovery_use){.discovery = discovery, .changed = on_changed};
    rw_list_push_back(&discovery->uses, &use.link);
    told = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rw_discovery_free(discovery);
    return 0;
}

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    if (!json)
        fail_msg("no JSON: %s", text);
    return json;
}

static void expect_known(const char *expected)
{
    char text[512] = "";
    size_t len = 0;
    for (const struct rw_discovered *item = NULL; (item = rw_discovery_next(&use, item));) {
        len += rw_address_format(text + len, &item->address.storage);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "*%u ", item->weight);
    }
    assert_string_equal(text, expected);
}

static enum rw_etcd_said hear(struct rw_etcd_reader *reader, const char *line)
{
    json_t *json = parse(line);
    enum rw_etcd_said said =
        discovery->answered ? rw_etcd_read_events(reader, json) : rw_etcd_read_range(reader, json);
    json_decref(json);
    return said;
}

static void etcd(void **state)
{
    (void)state;
    struct rw_etcd_reader reader = {.discovery = discovery, .what = RW_LITERAL("app")};
    assert_int_equal(hear(&reader, "{\"some\":\"thing\"}"), RW_ETCD_UNKNOWN);
    assert_false(discovery->answered);
    /* /app/1 = 127.0.0.1:80; /app/2 = an object with weight 3; the rest is none. */
    assert_int_equal(
        hear(
            &reader,
            "{\"header\":{\"revision\":\"7\"},\"kvs\":["
            "{\"key\":\"L2FwcC8x\",\"value\":\"MTI3LjAuMC4xOjgw\"},"
            "{\"key\":\"L2FwcC8y\",\"value\":\"eyJhZGRyZXNzIjoiMTAuMC4wLjE6ODAiLCJ3ZWlnaHQiOjN9\"},"
            "{\"key\":\"L2FwcC8z\",\"value\":\"bm9uc2Vuc2U=\"},{\"key\":\"!\"},5]}"),
        RW_ETCD_TAKEN);
    expect_known("127.0.0.1:80*1 10.0.0.1:80*3 ");
    assert_int_equal(reader.revision, 7);
    assert_int_equal(told, 1);
    assert_int_equal(hear(&reader, "{\"result\":{\"header\":{\"revision\":\"8\"},\"events\":["
                                   "{\"type\":\"DELETE\",\"kv\":{\"key\":\"L2FwcC8x\","
                                   "\"mod_revision\":\"8\"}}]}}"),
                     RW_ETCD_TAKEN);
    expect_known("10.0.0.1:80*3 ");
    assert_int_equal(reader.revision, 8);
    assert_int_equal(told, 2);
    /* An event that is behind what is known; one of several that are told in parts: the header is
     * ahead of it. */
    assert_int_equal(hear(&reader, "{\"result\":{\"header\":{\"revision\":\"20\"},\"events\":["
                                   "{\"kv\":{\"key\":\"L2FwcC8x\",\"mod_revision\":\"7\","
                                   "\"value\":\"MTI3LjAuMC4xOjgw\"}},"
                                   "{\"kv\":{\"key\":\"L2FwcC8z\",\"mod_revision\":\"9\","
                                   "\"value\":\"MTI3LjAuMC4xOjgw\"}}]}}"),
                     RW_ETCD_TAKEN);
    expect_known("10.0.0.1:80*3 127.0.0.1:80*1 ");
    assert_int_equal(reader.revision, 9);
    assert_int_equal(told, 3);
    /* Progress without events: nothing is told, and the revision does not move. */
    assert_int_equal(hear(&reader, "{\"result\":{\"header\":{\"revision\":\"20\"}}}"),
                     RW_ETCD_TAKEN);
    assert_int_equal(reader.revision, 9);
    assert_int_equal(told, 3);
    /* Another watch, of an etcd that has come less far, as after a backup was restored. */
    assert_int_equal(
        hear(&reader, "{\"result\":{\"header\":{\"revision\":\"9\"},\"created\":true}}"),
        RW_ETCD_TAKEN);
    assert_int_equal(
        hear(&reader, "{\"result\":{\"header\":{\"revision\":\"8\"},\"created\":true}}"),
        RW_ETCD_BEHIND);
    rw_etcd_reader_free(&reader);
}

static void etcd_refuses(void **state)
{
    (void)state;
    struct rw_etcd_reader reader = {.discovery = discovery, .what = RW_LITERAL("app")};
    assert_int_equal(hear(&reader, "{\"header\":{\"revision\":\"7\"}}"), RW_ETCD_TAKEN);
    assert_int_equal(hear(&reader, "{\"result\":{\"canceled\":true,\"compact_revision\":\"9\"}}"),
                     RW_ETCD_COMPACTED);
    assert_int_equal(hear(&reader, "{\"result\":{\"canceled\":true,\"cancel_reason\":\"a\\nb\"}}"),
                     RW_ETCD_CANCELED);
    assert_string_equal(reader.why.at, "a b");
    assert_int_equal(hear(&reader, "{\"error\":{\"message\":\"gone\"}}"), RW_ETCD_CANCELED);
    assert_string_equal(reader.why.at, "gone");
    assert_int_equal(hear(&reader, "{\"error\":5}"), RW_ETCD_UNKNOWN);
    assert_int_equal(hear(&reader, "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":"
                                   "\"etcdserver: no leader\"}}"),
                     RW_ETCD_UNAVAILABLE);
    assert_string_equal(reader.why.at, "etcdserver: no leader");
    rw_etcd_read_error(&reader, 403, RW_LITERAL("{\"error\":\"etcdserver: permission denied\"}"));
    assert_string_equal(reader.why.at, "etcdserver: permission denied (403)");
    rw_etcd_read_error(&reader, 502, RW_LITERAL("<html>"));
    assert_string_equal(reader.why.at, "it answers with an error (502)");
    rw_etcd_reader_free(&reader);
}

static enum rw_kubernetes_said see(struct rw_kubernetes_reader *reader, const char *line)
{
    json_t *json = parse(line);
    enum rw_kubernetes_said said = discovery->answered ? rw_kubernetes_read_event(reader, json)
                                                       : rw_kubernetes_read_list(reader, json);
    json_decref(json);
    return said;
}

#define SLICE(name, version, more)                                                                 \
    "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}," more "}"
#define HTTP                                                                                       \
    "\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"m\",\"port\":9},{\"name\":\"http\",\"port\":80}],"

static void kubernetes(void **state)
{
    (void)state;
    struct rw_kubernetes_reader reader = {
        .discovery = discovery, .what = RW_LITERAL("app"), .port = RW_LITERAL("http")};
    assert_int_equal(see(&reader, "{\"items\":[]}"), RW_KUBERNETES_UNKNOWN);
    assert_int_equal(see(&reader, "{\"items\":[],\"metadata\":{\"resourceVersion\":\"1&x\"}}"),
                     RW_KUBERNETES_UNKNOWN);
    assert_int_equal(
        see(&reader,
            "{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[" SLICE(
                "a", "5",
                HTTP
                "\"endpoints\":[{\"addresses\":[\"10.0.0.1\"]},"
                "{\"addresses\":[\"10.0.0.2\"],\"conditions\":{\"ready\":false}},"
                "{\"addresses\":[\"name.example\"]},{}]") "," SLICE("b", "6",
                                                                    "\"addressType\":\"FQDN\"") ",5]}"),
        RW_KUBERNETES_TAKEN);
    expect_known("10.0.0.1:80*1 ");
    assert_string_equal(reader.version, "7");
    assert_int_equal(
        see(&reader, "{\"type\":\"MODIFIED\",\"object\":" SLICE(
                         "a", "8", HTTP "\"endpoints\":[{\"addresses\":[\"10.0.0.3\"]}]") "}"),
        RW_KUBERNETES_TAKEN);
    expect_known("10.0.0.3:80*1 ");
    assert_int_equal(see(&reader, "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{"
                                  "\"resourceVersion\":\"9\"}}}"),
                     RW_KUBERNETES_TAKEN);
    assert_string_equal(reader.version, "9");
    expect_known("10.0.0.3:80*1 ");
    assert_int_equal(see(&reader, "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"metadata\":{"
                                  "\"resourceVersion\":\"1\"}}}"),
                     RW_KUBERNETES_EXPIRED);
    assert_string_equal(reader.version, "9");
    assert_int_equal(see(&reader, "{\"type\":\"ADDED\"}"), RW_KUBERNETES_UNKNOWN);
    assert_int_equal(
        see(&reader, "{\"type\":\"DELETED\",\"object\":" SLICE("a", "10", "\"a\":1") "}"),
        RW_KUBERNETES_TAKEN);
    expect_known("");
    assert_int_equal(told, 3);
}

#define LIST(items) "{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[" items "]}"
#define POD(address, conditions) "{\"addresses\":[\"" address "\"],\"conditions\":{" conditions "}}"
#define STAYS POD("10.0.0.1", "\"ready\":true,\"serving\":true,\"terminating\":false")
#define LEAVES POD("10.0.0.2", "\"ready\":false,\"serving\":true,\"terminating\":true")
#define FAILS POD("10.0.0.3", "\"ready\":false,\"serving\":false,\"terminating\":true")
#define STARTS POD("10.0.0.4", "\"ready\":false,\"serving\":true,\"terminating\":false")
#define HTTP_SLICE(name, pods) SLICE(name, "8", HTTP "\"endpoints\":[" pods "]")

static void kubernetes_leaving(void **state)
{
    (void)state;
    struct rw_kubernetes_reader reader = {.discovery = discovery, .what = RW_LITERAL("app")};
    assert_int_equal(
        see(&reader, LIST(HTTP_SLICE("a", STAYS) "," HTTP_SLICE("b", LEAVES "," FAILS "," STARTS))),
        RW_KUBERNETES_TAKEN);
    expect_known("10.0.0.1:9*1 ");
    /* The last one that stays is gone: who still serves is better than nobody. */
    assert_int_equal(see(&reader, "{\"type\":\"DELETED\",\"object\":" HTTP_SLICE("a", "") "}"),
                     RW_KUBERNETES_TAKEN);
    expect_known("10.0.0.2:9*1 ");
}

#define DUAL_FIRST                                                                                 \
    SLICE("a", "8",                                                                                \
          "\"addressType\":\"IPv6\",\"ports\":[{\"protocol\":\"UDP\",\"port\":53},"                \
          "{\"protocol\":\"TCP\",\"port\":80}],\"endpoints\":[{\"addresses\":[\"::1\"]}]")

static void kubernetes_ports_and_families(void **state)
{
    (void)state;
    struct rw_kubernetes_reader reader = {
        .discovery = discovery, .what = RW_LITERAL("app"), .family = RW_CONFIG_FAMILY_IPV6};
    /* The first port is the first of TCP. */
    assert_int_equal(see(&reader, LIST(DUAL_FIRST "," HTTP_SLICE("b", STAYS))),
                     RW_KUBERNETES_TAKEN);
    expect_known("[::1]:80*1 ");
    reader.family = RW_CONFIG_FAMILY_ANY;
    assert_int_equal(see(&reader, "{\"type\":\"ADDED\",\"object\":" HTTP_SLICE("b", STAYS) "}"),
                     RW_KUBERNETES_TAKEN);
    expect_known("[::1]:80*1 10.0.0.1:9*1 ");
    reader.port = RW_LITERAL("https");
    assert_int_equal(see(&reader, "{\"type\":\"MODIFIED\",\"object\":" DUAL_FIRST "}"),
                     RW_KUBERNETES_TAKEN);
    expect_known("10.0.0.1:9*1 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(etcd, set_up, tear_down),
        cmocka_unit_test_setup_teardown(etcd_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kubernetes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kubernetes_leaving, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kubernetes_ports_and_families, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
