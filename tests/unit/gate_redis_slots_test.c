/* Slots of keys, and what servers say about slots, moves and primaries: right, and hostile. */
#include "gate/redis/slots.h"

#include "base/text.h"
#include "io/resp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* As a Redis server says by CLUSTER KEYSLOT. */
static void keys_have_slots(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        unsigned slot;
    } keys[] = {
        {"123456789", 12739},
        {"foo", 12182},
        {"bar", 5061},
        {"foo{bar}", 5061},
        {"foo{bar}{zap}", 5061},
        {"foo{{bar}}zap", 4015},
        {"foo{}{bar}", 8363},
        {"{user1000}.following", 3443},
        {"", 0},
        {"{}", 15257},
        {"a{", 14311},
        {"ringway:limit:{3f}8a", 7334},
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        assert_int_equal(rw_redis_slot(rw_span_text(keys[i].key)), keys[i].slot);
}

static bool is_whole(const char *reply)
{
    size_t len;
    return rw_resp_whole(rw_span_text(reply), &len) == RW_RESP_WHOLE && len == strlen(reply);
}

/* Two ranges: with a replica and the metadata of version 7, and with a host that is not known. */
static void maps_are_read(void **state)
{
    (void)state;
    static const char reply[] =
        "*2\r\n"
        "*4\r\n:0\r\n:5460\r\n*4\r\n$9\r\n127.0.0.1\r\n:7000\r\n$2\r\nid\r\n*2\r\n$8\r\nhostname\r\n"
        "$3\r\nabc\r\n*4\r\n$9\r\n127.0.0.1\r\n:7003\r\n$2\r\nid\r\n*0\r\n"
        "*3\r\n:5461\r\n:16383\r\n*3\r\n$-1\r\n:7001\r\n$2\r\nid\r\n";
    struct rw_redis_ranges ranges;
    struct rw_redis_range range;
    assert_true(is_whole(reply));
    assert_null(rw_redis_ranges_begin(&ranges, rw_span_text(reply)));
    assert_int_equal(rw_redis_ranges_next(&ranges, &range), RW_OK);
    assert_int_equal(range.first, 0);
    assert_int_equal(range.last, 5460);
    assert_int_equal(range.port, 7000);
    assert_true(rw_span_is(range.host, "127.0.0.1"));
    assert_int_equal(rw_redis_ranges_next(&ranges, &range), RW_OK);
    assert_int_equal(range.first, 5461);
    assert_int_equal(range.port, 7001);
    assert_int_equal(range.host.len, 0);
    assert_int_equal(rw_redis_ranges_next(&ranges, &range), RW_ENOENT);
}

static void what_is_no_map_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *reply, *why; /* NULL: it begins well */
    } replies[] = {
        {"-ERR This instance has cluster support disabled\r\n",
         "it is no member of a cluster (cluster support is off)"},
        {"-NOPERM this user\r\n", "its user may not run CLUSTER SLOTS"},
        {"-LOADING it\r\n", "it does not say who has the slots"},
        {"+OK\r\n", "it does not say who has the slots"},
        {"*-1\r\n", "it does not say who has the slots"},
        {"*0\r\n", "no slot of the cluster has a server yet"},
        {"*1\r\n:1\r\n", NULL},
        {"*1\r\n*0\r\n", NULL},
        {"*1\r\n*-1\r\n", NULL},
        {"*1\r\n*2\r\n:0\r\n:1\r\n", NULL},
        {"*1\r\n*3\r\n:5\r\n:4\r\n*2\r\n$1\r\na\r\n:1\r\n", NULL},
        {"*1\r\n*3\r\n:-1\r\n:4\r\n*2\r\n$1\r\na\r\n:1\r\n", NULL},
        {"*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n", NULL},
        {"*1\r\n*3\r\n$1\r\n0\r\n:5\r\n*2\r\n$1\r\na\r\n:1\r\n", NULL},
        {"*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n$1\r\na\r\n:0\r\n", NULL},
        {"*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n$1\r\na\r\n:65536\r\n", NULL},
        {"*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n:1\r\n:1\r\n", NULL},
        {"*1\r\n*3\r\n:0\r\n:5\r\n*1\r\n$1\r\na\r\n", NULL},
        {"*1\r\n*3\r\n:0\r\n:5\r\n:7\r\n", NULL},
    };
    for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
        struct rw_redis_ranges ranges;
        struct rw_redis_range range;
        assert_true(is_whole(replies[i].reply));
        const char *why = rw_redis_ranges_begin(&ranges, rw_span_text(replies[i].reply));
        if (replies[i].why)
            assert_string_equal(why, replies[i].why);
        else
            assert_int_equal(rw_redis_ranges_next(&ranges, &range), RW_EPROTO);
    }
}

static void redirections_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *error;
        enum rw_redis_turn turn;
        unsigned slot, port;
        const char *host;
    } errors[] = {
        {"MOVED 3999 127.0.0.1:6381", RW_REDIS_TURN_MOVED, 3999, 6381, "127.0.0.1"},
        {"MOVED 0 ::1:6381", RW_REDIS_TURN_MOVED, 0, 6381, "::1"},
        {"MOVED 16383 :6381", RW_REDIS_TURN_MOVED, 16383, 6381, ""},
        {"MOVED 16383 ?:6381", RW_REDIS_TURN_MOVED, 16383, 6381, ""},
        {"ASK 1 redis.internal:1", RW_REDIS_TURN_ASK, 1, 1, "redis.internal"},
        {"TRYAGAIN Multiple keys request during rehashing of slot", RW_REDIS_TURN_SPLIT, 0, 0, ""},
        {"MOVED", RW_REDIS_TURN_NONE, 0, 0, ""},
        {"MOVED ", RW_REDIS_TURN_NONE, 0, 0, ""},
        {"MOVED 3999", RW_REDIS_TURN_NONE, 0, 0, ""},
        {"MOVED 3999 ", RW_REDIS_TURN_NONE, 0, 0, ""},
        {"MOVED 16384 a:1", RW_REDIS_TURN_NONE, 0, 0, ""},
        {"MOVED -1 a:1", RW_REDIS_TURN_NONE, 0, 0, ""},
        {"ASK 1 a:0", RW_REDIS_TURN_NONE, 0, 0, ""},
        {"ASK 1 a:65536", RW_REDIS_TURN_NONE, 0, 0, ""},
        {"ASK 1 a", RW_REDIS_TURN_NONE, 0, 0, ""},
        {"ASK 1 a:", RW_REDIS_TURN_NONE, 0, 0, ""},
        {"CLUSTERDOWN The cluster is down", RW_REDIS_TURN_NONE, 0, 0, ""},
        {"", RW_REDIS_TURN_NONE, 0, 0, ""},
    };
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        struct rw_redis_redirect redirect = {0};
        assert_int_equal(rw_redis_turn(rw_span_text(errors[i].error), &redirect), errors[i].turn);
        assert_int_equal(redirect.slot, errors[i].slot);
        assert_int_equal(redirect.port, errors[i].port);
        assert_true(rw_span_is(redirect.host, errors[i].host));
    }
}

static void primaries_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *reply, *why;
    } replies[] = {
        {"*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n", NULL},
        {"*-1\r\n", "it knows no primary of this name"},
        {"-ERR unknown command 'SENTINEL'\r\n", "it is no Sentinel"},
        {"-NOAUTH\r\n", "it does not say which server is the primary"},
        {"*1\r\n$1\r\na\r\n", "it does not say which server is the primary"},
        {"*2\r\n$0\r\n\r\n$1\r\n1\r\n", "it does not say which server is the primary"},
        {"*2\r\n$-1\r\n$1\r\n1\r\n", "it does not say which server is the primary"},
        {"*2\r\n$1\r\na\r\n:1\r\n", "it does not say which server is the primary"},
        {"*2\r\n$1\r\na\r\n$1\r\n0\r\n", "it does not say which server is the primary"},
        {"*2\r\n$1\r\na\r\n$5\r\n65536\r\n", "it does not say which server is the primary"},
        {"*2\r\n$1\r\na\r\n$2\r\n1x\r\n", "it does not say which server is the primary"},
    };
    for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
        struct rw_span host;
        uint16_t port;
        assert_true(is_whole(replies[i].reply));
        const char *why = rw_redis_primary(rw_span_text(replies[i].reply), &host, &port);
        if (replies[i].why) {
            assert_string_equal(why, replies[i].why);
            continue;
        }
        assert_null(why);
        assert_true(rw_span_is(host, "127.0.0.1"));
        assert_int_equal(port, 6379);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_slots),           cmocka_unit_test(maps_are_read),
        cmocka_unit_test(what_is_no_map_is_refused), cmocka_unit_test(redirections_are_read),
        cmocka_unit_test(primaries_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
