#include "support/redis_peer.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "io/resp.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_BYTES_MAX = 1 << 18 };

struct rw_test_redis_connection {
    struct rw_test_redis_connection *next;
    struct rw_test_redis *redis;
    struct rw_sim_socket *socket; /* NULL: it has ended */
    struct rw_text input;
};

/* ---- What it knows ---- */

static struct rw_test_redis_key *key_named(struct rw_test_redis *redis, struct rw_span name)
{
    for (unsigned i = 0; i < redis->key_count; i++)
        if (rw_span_eq(rw_span_text(redis->keys[i].name), name))
            return &redis->keys[i];
    rw_assert(redis->key_count < RW_TEST_REDIS_KEYS_MAX);
    struct rw_test_redis_key *key = &redis->keys[redis->key_count++];
    *key = (struct rw_test_redis_key){0};
    snprintf(key->name, sizeof(key->name), "%.*s", RW_SPAN_ARGS(name));
    return key;
}

static uint64_t *teller_of(struct rw_test_redis_key *key, struct rw_span name)
{
    for (unsigned i = 0; i < key->teller_count; i++)
        if (rw_span_eq(rw_span_text(key->tellers[i].name), name))
            return &key->tellers[i].used;
    rw_assert(key->teller_count < RW_TEST_REDIS_TELLERS_MAX);
    unsigned at = key->teller_count++;
    snprintf(key->tellers[at].name, sizeof(key->tellers[at].name), "%.*s", RW_SPAN_ARGS(name));
    key->tellers[at].used = 0;
    return &key->tellers[at].used;
}

static uint64_t sum_of(const struct rw_test_redis_key *key)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < key->teller_count; i++)
        sum += key->tellers[i].used;
    return sum;
}

uint64_t rw_test_redis_sum(const struct rw_test_redis *redis, const char *end)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < redis->key_count; i++) {
        const char *colon = strrchr(redis->keys[i].name, ':');
        if (colon && strcmp(colon, end) == 0)
            sum += sum_of(&redis->keys[i]);
    }
    return sum;
}

/* ---- The script ---- */

static double number_of(const struct rw_resp_value *value)
{
    char text[64];
    snprintf(text, sizeof(text), "%.*s", RW_SPAN_ARGS(value->text));
    return strtod(text, NULL);
}

static void run_pace(const struct rw_test_redis *redis, struct rw_test_redis_key *key, double used,
                     double most, struct rw_text *answer)
{
    double now_us = (double)rw_sim_now_ms(redis->sim) * 1000;
    key->tat_us = fmax(key->tat_us, now_us);
    key->tat_us = fmin(key->tat_us + used, now_us + most);
    rw_text_addf(answer, ":%.0f\r\n", floor(key->tat_us - now_us));
}

static void run_quota(struct rw_test_redis_key *key, struct rw_span teller, double used,
                      struct rw_text *answer)
{
    uint64_t *known = teller_of(key, teller), had = *known, told = (uint64_t)used;
    *known = told > had ? told : had;
    rw_text_addf(answer, ":%llu\r\n:%llu\r\n", (unsigned long long)had,
                 (unsigned long long)(sum_of(key) - *known));
}

/* From behind EVAL and the script. */
static void run_script(struct rw_test_redis *redis, struct rw_span rest, struct rw_text *answer)
{
    struct rw_resp_value keys, name, teller, used, most, life;
    struct rw_span names, arguments;
    unsigned numbers = 0;
    struct rw_text items = {0};
    rw_assert(rw_resp_next(&rest, &keys));
    names = arguments = rest;
    for (unsigned i = 0; i < (unsigned)number_of(&keys); i++)
        rw_assert(rw_resp_next(&arguments, &name));
    rw_assert(rw_resp_next(&arguments, &teller));
    while (rw_resp_next(&arguments, &used)) {
        rw_assert(rw_resp_next(&arguments, &most) && rw_resp_next(&arguments, &life) &&
                  rw_resp_next(&names, &name));
        struct rw_test_redis_key *key = key_named(redis, name.text);
        bool quota = number_of(&life) > 0;
        numbers += quota ? 2 : 1;
        if (quota)
            run_quota(key, teller.text, number_of(&used), &items);
        else
            run_pace(redis, key, number_of(&used), number_of(&most), &items);
    }
    rw_text_addf(answer, "*%u\r\n", numbers);
    rw_text_add(answer, rw_text_span(&items));
    rw_text_free(&items);
    redis->scripts++;
}

static void run(struct rw_test_redis *redis, struct rw_span command, struct rw_text *answer)
{
    struct rw_resp_value value;
    rw_assert(rw_resp_next(&command, &value) && rw_resp_next(&command, &value));
    if (!rw_span_is(value.text, "EVAL")) {
        rw_text_adds(answer, "+PONG\r\n");
    } else if (redis->nonsense) {
        rw_text_adds(answer, redis->nonsense);
    } else {
        rw_assert(rw_resp_next(&command, &value));
        run_script(redis, command, answer);
    }
}

/* ---- Connections ---- */

static void leave(struct rw_test_redis_connection *connection, bool reset)
{
    struct rw_sim_socket *socket = connection->socket;
    connection->socket = NULL;
    if (socket && reset)
        rw_sim_peer_reset(socket);
    if (socket)
        rw_sim_peer_close(socket);
}

static void say(struct rw_test_redis_connection *connection, const struct rw_text *answer)
{
    enum rw_err err = RW_OK;
    while (answer->len && connection->socket &&
           (err = rw_sim_peer_send(connection->socket, rw_text_span(answer))) == RW_ENOMEM)
        rw_alloc_fail_never();
    if (err)
        leave(connection, false);
}

static void on_data(struct rw_sim_socket *socket, void *user, struct rw_span bytes)
{
    (void)socket;
    struct rw_test_redis_connection *connection = user;
    struct rw_alloc_pause pause;
    struct rw_text answer = {0};
    size_t len;
    rw_alloc_pause(&pause);
    rw_text_add(&connection->input, bytes);
    rw_assert(connection->input.len < INPUT_BYTES_MAX);
    struct rw_span rest = rw_text_span(&connection->input);
    while (rest.len && rw_resp_whole(rest, &len) == RW_RESP_WHOLE) {
        run(connection->redis, rw_span(rest.at, len), &answer);
        rest = rw_span_skip(rest, len);
    }
    memmove(connection->input.at, rest.at, rest.len);
    connection->input.len = rest.len;
    if (!connection->redis->silent)
        say(connection, &answer);
    rw_text_free(&answer);
    rw_alloc_resume(&pause);
}

static void on_end(struct rw_sim_socket *socket, void *user, enum rw_err err)
{
    (void)socket;
    (void)err;
    leave(user, false);
}

static bool on_connect(struct rw_sim_socket *socket, void *user,
                       const struct rw_sim_peer_events **events, void **socket_user)
{
    static const struct rw_sim_peer_events connection_events = {.on_data = on_data,
                                                                .on_end = on_end};
    struct rw_test_redis *redis = user;
    if (redis->down)
        return false;
    struct rw_test_redis_connection *connection = calloc(1, sizeof(*connection));
    rw_assert(connection);
    *connection = (struct rw_test_redis_connection){
        .next = redis->connections, .redis = redis, .socket = socket};
    redis->connections = connection;
    *events = &connection_events;
    *socket_user = connection;
    return true;
}

/* ---- Start and end ---- */

void rw_test_redis_start(struct rw_test_redis *redis, struct rw_sim *sim, const char *ip)
{
    redis->sim = sim;
    enum rw_err err = rw_address_parse_ip(rw_span_text(ip), 6379, &redis->address);
    err = err ? err
              : rw_sim_peer_listen(sim, rw_address_sockaddr(&redis->address), redis->address.bytes,
                                   on_connect, redis);
    rw_assert(!err);
}

void rw_test_redis_cut(struct rw_test_redis *redis, bool lost)
{
    for (struct rw_test_redis_connection *connection = redis->connections; connection;
         connection = connection->next)
        leave(connection, true);
    if (lost)
        redis->key_count = 0;
}

void rw_test_redis_free(struct rw_test_redis *redis)
{
    while (redis->connections) {
        struct rw_test_redis_connection *connection = redis->connections;
        redis->connections = connection->next;
        leave(connection, false);
        rw_text_free(&connection->input);
        free(connection);
    }
}
