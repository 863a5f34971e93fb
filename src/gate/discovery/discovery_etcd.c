/* Endpoints in etcd: every key under a prefix is one. Its value is an address, or a JSON object
 * with `address` and what an endpoint of the configuration may have besides. Over etcd's JSON
 * gateway (etcd.io, "API v3", gRPC gateway; keys and values in Base64): one range, then a watch
 * from the revision after it. A watch that ends goes on behind the last revision that it told of;
 * one whose revision was compacted away begins anew with a range. */
#include "base/base64.h"
#include "base/log.h"
#include "gate/cluster/cluster.h"
#include "gate/discovery/discovery_kinds.h"
#include "gate/discovery/discovery_secure.h"
#include "gate/discovery/feed.h"

enum { WEIGHT_MAX = 1000 };

struct state {
    struct rw_discovery *discovery;
    struct rw_feed *feed;
    struct rw_span what;
    struct rw_span key, range_end; /* Base64 */
    uint64_t revision;             /* of the last thing that is known */
    bool listed;
    struct rw_text decoded[2];
};

/* ---- Base64 ---- */

static void encode(struct rw_text *to, struct rw_span bytes)
{
    struct rw_base64_encoder encoder = {0};
    char out[256];
    while (bytes.len)
        rw_text_add(to, rw_span(out, rw_base64_encode(&encoder, &bytes, out, sizeof(out))));
    rw_text_add(to, rw_span(out, rw_base64_finish(&encoder, out)));
}

static bool decode(struct rw_text *to, struct rw_span text)
{
    struct rw_base64_decoder decoder = {0};
    char out[256];
    size_t written;
    to->len = 0;
    while (text.len) {
        if (!rw_base64_decode(&decoder, &text, out, sizeof(out), &written))
            return false;
        rw_text_add(to, rw_span(out, written));
    }
    return rw_base64_decoded(&decoder) && !to->err;
}

/* ---- Requests ---- */

static void request(void *user, struct rw_span host, struct rw_text *text, bool *stream)
{
    const struct state *state = user;
    struct rw_text body = {0};
    *stream = state->listed;
    if (state->listed)
        rw_text_addf(&body,
                     "{\"create_request\":{\"key\":\"%.*s\",\"range_end\":\"%.*s\","
                     "\"start_revision\":\"%llu\"}}",
                     RW_SPAN_ARGS(state->key), RW_SPAN_ARGS(state->range_end),
                     (unsigned long long)state->revision + 1);
    else
        rw_text_addf(&body, "{\"key\":\"%.*s\",\"range_end\":\"%.*s\"}", RW_SPAN_ARGS(state->key),
                     RW_SPAN_ARGS(state->range_end));
    rw_text_addf(text,
                 "POST /v3/%s HTTP/1.1\r\nHost: %.*s\r\nContent-Type: application/json\r\n"
                 "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                 state->listed ? "watch" : "kv/range", RW_SPAN_ARGS(host), body.len);
    rw_text_add(text, rw_text_span(&body));
    if (body.err)
        text->err = body.err;
    rw_text_free(&body);
}

/* ---- Answers ---- */

/* Numbers of 64 bits are texts in protobuf's JSON. */
static void note_revision(struct state *state, const json_t *header)
{
    uint64_t revision;
    if (rw_span_to_u64(rw_json_text(header, "revision"), &revision) && revision > state->revision)
        state->revision = revision;
}

static enum rw_err add(struct state *state, struct rw_discovery_group *group, struct rw_span value)
{
    struct rw_discovered item = {.weight = 1};
    if (value.len == 0 || value.at[0] != '{')
        return rw_discovery_add(state->discovery, group, rw_span_trim(value), &item);
    json_t *object = json_loadb(value.at, value.len, 0, NULL);
    if (!object)
        return RW_EINVAL;
    item.weight = rw_json_number(object, "weight", 1, WEIGHT_MAX);
    item.priority = rw_json_number(object, "priority", 0, RW_PRIORITIES - 1);
    item.locality =
        (struct rw_locality){rw_json_text(object, "zone"), rw_json_text(object, "region"),
                             rw_json_text(object, "cloud")};
    enum rw_err err =
        rw_discovery_add(state->discovery, group, rw_json_text(object, "address"), &item);
    json_decref(object);
    return err;
}

static void put(struct state *state, const json_t *kv, bool gone)
{
    struct rw_text *key = &state->decoded[0], *value = &state->decoded[1];
    if (!decode(key, rw_json_text(kv, "key")) || !decode(value, rw_json_text(kv, "value")))
        return;
    if (gone) {
        rw_discovery_remove(state->discovery, rw_text_span(key));
        return;
    }
    struct rw_discovery_group *group = rw_discovery_put(state->discovery, rw_text_span(key));
    enum rw_err err = group ? add(state, group, rw_text_span(value)) : RW_ENOMEM;
    if (err)
        rw_log_limited(RW_LOG_WARN, "discovery", "%.*s: the value of %.*s is no endpoint: %s",
                       RW_SPAN_ARGS(state->what), RW_SPAN_ARGS(rw_text_span(key)),
                       rw_err_text(err));
}

static const char *take_range(struct state *state, const json_t *answer)
{
    const json_t *kvs = json_object_get(answer, "kvs");
    const json_t *header = json_object_get(answer, "header");
    if (!json_is_object(header))
        return "the answer is not etcd's";
    rw_discovery_begin(state->discovery);
    for (size_t i = 0; i < json_array_size(kvs); i++)
        put(state, json_array_get(kvs, i), false);
    rw_discovery_end(state->discovery);
    state->revision = 0;
    note_revision(state, header);
    state->listed = true;
    return NULL;
}

static const char *take_events(struct state *state, const json_t *line)
{
    const json_t *result = json_object_get(line, "result");
    const json_t *events = json_object_get(result, "events");
    if (!json_is_object(result))
        return "the watch was refused";
    if (json_is_true(json_object_get(result, "canceled"))) {
        rw_log_info("discovery", "%.*s: the watch was canceled, all is listed again",
                    RW_SPAN_ARGS(state->what));
        state->listed = false;
        rw_feed_skip(state->feed);
        return NULL;
    }
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        put(state, json_object_get(event, "kv"), rw_span_is(rw_json_text(event, "type"), "DELETE"));
    }
    if (json_array_size(events)) {
        note_revision(state, json_object_get(result, "header"));
        rw_discovery_tell(state->discovery);
    }
    return NULL;
}

static const char *take(void *user, unsigned status, struct rw_span bytes)
{
    struct state *state = user;
    if (status != 200)
        return status == 401 || status == 403 ? "it refuses access" : "it answers with an error";
    json_t *json = json_loadb(bytes.at ? bytes.at : "", bytes.len, 0, NULL);
    if (!json)
        return "the answer is no JSON";
    const char *why = state->listed ? take_events(state, json) : take_range(state, json);
    json_decref(json);
    return why;
}

/* ---- Coming and going ---- */

static void on_closed(void *user)
{
    struct state *state = user;
    rw_text_free(&state->decoded[0]);
    rw_text_free(&state->decoded[1]);
    rw_discovery_free(state->discovery);
}

static const struct rw_feed_events feed_events = {request, take, on_closed};

/* The key range of all that begins with the prefix: up to the prefix with its last byte one higher
 * (etcd.io, "Key ranges"); an empty one is all keys. */
static enum rw_err set_range(struct state *state, struct rw_span prefix)
{
    struct rw_text key = {0}, end = {0};
    struct rw_arena *arena = &state->discovery->arena;
    char *last = rw_arena_copy(arena, prefix).at ? rw_arena_alloc(arena, prefix.len + 1) : NULL;
    if (!last)
        return RW_ENOMEM;
    size_t len = prefix.len;
    memcpy(last, prefix.at, prefix.len);
    while (len && (unsigned char)last[len - 1] == 0xff)
        len--;
    if (len)
        last[len - 1]++;
    encode(&key, prefix.len ? prefix : rw_span("\0", 1));
    encode(&end, len ? rw_span(last, len) : rw_span("\0", 1));
    state->key = rw_arena_copy(arena, rw_text_span(&key));
    state->range_end = rw_arena_copy(arena, rw_text_span(&end));
    bool made = !key.err && !end.err && state->key.at && state->range_end.at;
    rw_text_free(&key);
    rw_text_free(&end);
    return made ? RW_OK : RW_ENOMEM;
}

static enum rw_err begin(struct rw_discovery *discovery, const struct rw_config_discovery *config,
                         struct rw_conf_report *report)
{
    struct state *state = rw_arena_zero(&discovery->arena, sizeof(*state));
    if (!state)
        return RW_ENOMEM;
    state->discovery = discovery;
    discovery->state = state;
    state->what = rw_arena_format(&discovery->arena, "upstream %.*s: etcd",
                                  RW_SPAN_ARGS(discovery->upstream));
    enum rw_err err = state->what.at ? set_range(state, config->etcd->prefix) : RW_ENOMEM;
    struct rw_feed_options options = {.events = &feed_events, .user = state, .what = state->what};
    const struct rw_span *servers = config->etcd->servers.items;
    for (size_t i = 0; i < config->etcd->servers.count && !err && i < RW_FEED_SERVERS_MAX; i++)
        err = rw_address_parse(servers[i], &options.servers[options.server_count++]);
    if (!err)
        err = rw_discovery_secure(discovery, config->etcd->tls, report, &options);
    if (err)
        return err;
    err = rw_feed_create(discovery->loop, &options, &state->feed);
    if (err)
        rw_tls_client_drop(options.tls);
    return err;
}

static void end(struct rw_discovery *discovery)
{
    rw_feed_close(((struct state *)discovery->state)->feed);
}

const struct rw_discovery_kind rw_discovery_etcd = {begin, end};
