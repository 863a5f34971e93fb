/* Endpoints of a service of Kubernetes: its EndpointSlices (kubernetes.io, discovery.k8s.io/v1).
 * One list, then a watch from the resourceVersion of the list, and of every event and bookmark
 * after it; a watch that ends goes on from there, and one that is too old (410 Gone) begins anew
 * with a list (kubernetes.io, "API Concepts: Efficient detection of changes"). The token is read
 * for every request, since it changes while the program runs. */
#include "base/log.h"
#include "conf/file.h"
#include "gate/discovery/discovery_kinds.h"
#include "gate/discovery/discovery_secure.h"
#include "gate/discovery/feed.h"

#include <stdio.h>

enum {
    VERSION_BYTES_MAX = 64,
    TOKEN_BYTES_MAX = 65536,
    WATCH_S = 290, /* then the server ends the watch, and another one follows */
};

struct state {
    struct rw_discovery *discovery;
    struct rw_feed *feed;
    struct rw_span what, path, port, token_file; /* port: its name or number; empty: the first */
    char version[VERSION_BYTES_MAX + 1];
    bool listed;
};

/* ---- Requests ---- */

/* Not part of what is logged. A token with what ends a line is none. */
static void add_token(const struct state *state, struct rw_text *text)
{
    struct rw_text token = {0};
    if (!state->token_file.len)
        return;
    enum rw_err err = rw_conf_slurp(state->token_file.at, TOKEN_BYTES_MAX, true, &token);
    struct rw_span value = err ? RW_LITERAL("") : rw_span_trim(rw_text_span(&token));
    while (value.len && (value.at[value.len - 1] == '\n' || value.at[value.len - 1] == '\r'))
        value.len--;
    if (err)
        rw_log_limited(RW_LOG_WARN, "discovery", "%.*s: %s: %s", RW_SPAN_ARGS(state->what),
                       state->token_file.at, rw_err_text(err));
    else if (value.len && rw_span_find(value, '\n') < 0 && rw_span_find(value, '\r') < 0)
        rw_text_addf(text, "Authorization: Bearer %.*s\r\n", RW_SPAN_ARGS(value));
    rw_text_free(&token);
}

static void request(void *user, struct rw_span host, struct rw_text *text, bool *stream)
{
    const struct state *state = user;
    *stream = state->listed;
    rw_text_addf(text, "GET %.*s", RW_SPAN_ARGS(state->path));
    if (state->listed)
        rw_text_addf(text, "&watch=1&allowWatchBookmarks=true&timeoutSeconds=%d&resourceVersion=%s",
                     WATCH_S, state->version);
    rw_text_addf(text, " HTTP/1.1\r\nHost: %.*s\r\nAccept: application/json\r\n",
                 RW_SPAN_ARGS(host));
    add_token(state, text);
    rw_text_adds(text, "Connection: close\r\n\r\n");
}

/* ---- Slices ---- */

/* A number as text, or a name. */
static bool is_port(const json_t *port, struct rw_span wanted)
{
    char number[16];
    int len = snprintf(number, sizeof(number), "%u", rw_json_number(port, "port", 0, UINT16_MAX));
    return wanted.len == 0 || rw_span_eq(rw_json_text(port, "name"), wanted) ||
           rw_span_eq(rw_span(number, (size_t)len), wanted);
}

static unsigned find_port(const struct state *state, const json_t *slice)
{
    const json_t *ports = json_object_get(slice, "ports");
    for (size_t i = 0; i < json_array_size(ports); i++)
        if (is_port(json_array_get(ports, i), state->port))
            return rw_json_number(json_array_get(ports, i), "port", 0, UINT16_MAX);
    return 0;
}

/* Who does not say is ready. */
static bool is_ready(const json_t *endpoint)
{
    const json_t *ready = json_object_get(json_object_get(endpoint, "conditions"), "ready");
    return !json_is_false(ready);
}

static void add_endpoint(struct state *state, struct rw_discovery_group *group,
                         const json_t *endpoint, unsigned port, bool six)
{
    const json_t *addresses = json_object_get(endpoint, "addresses");
    const char *address = json_string_value(json_array_get(addresses, 0));
    const struct rw_discovered item = {.weight = 1,
                                       .locality.zone = rw_json_text(endpoint, "zone")};
    char text[RW_ADDRESS_TEXT_MAX + 8];
    if (!address || !is_ready(endpoint))
        return;
    int len = snprintf(text, sizeof(text), six ? "[%s]:%u" : "%s:%u", address, port);
    enum rw_err err = RW_EINVAL;
    if (len > 0 && (size_t)len < sizeof(text))
        err = rw_discovery_add(state->discovery, group, rw_span(text, (size_t)len), &item);
    if (err)
        rw_log_limited(RW_LOG_WARN, "discovery", "%.*s: an endpoint is left out: %s",
                       RW_SPAN_ARGS(state->what), rw_err_text(err));
}

static void put_slice(struct state *state, const json_t *slice, bool gone)
{
    struct rw_span name = rw_json_text(json_object_get(slice, "metadata"), "name");
    struct rw_span type = rw_json_text(slice, "addressType");
    const json_t *endpoints = json_object_get(slice, "endpoints");
    unsigned port = find_port(state, slice);
    if (gone || !port || rw_span_is(type, "FQDN")) {
        rw_discovery_remove(state->discovery, name);
        return;
    }
    struct rw_discovery_group *group = rw_discovery_put(state->discovery, name);
    for (size_t i = 0; group && i < json_array_size(endpoints); i++)
        add_endpoint(state, group, json_array_get(endpoints, i), port, rw_span_is(type, "IPv6"));
}

/* Is opaque; what could not stand in a URL is none. */
static bool note_version(struct state *state, const json_t *object)
{
    struct rw_span version = rw_json_text(json_object_get(object, "metadata"), "resourceVersion");
    if (version.len == 0 || version.len > VERSION_BYTES_MAX)
        return false;
    for (size_t i = 0; i < version.len; i++)
        if (version.at[i] <= ' ' || version.at[i] == '&' || version.at[i] == '#' ||
            version.at[i] >= 0x7f)
            return false;
    memcpy(state->version, version.at, version.len);
    state->version[version.len] = '\0';
    return true;
}

/* ---- Answers ---- */

static const char *take_list(struct state *state, const json_t *list)
{
    const json_t *items = json_object_get(list, "items");
    if (!json_is_array(items) || !note_version(state, list))
        return "the answer is no list of EndpointSlices";
    rw_discovery_begin(state->discovery);
    for (size_t i = 0; i < json_array_size(items); i++)
        put_slice(state, json_array_get(items, i), false);
    rw_discovery_end(state->discovery);
    state->listed = true;
    return NULL;
}

static const char *begin_anew(struct state *state)
{
    rw_log_info("discovery", "%.*s: the watch is too old, all is listed again",
                RW_SPAN_ARGS(state->what));
    state->listed = false;
    rw_feed_skip(state->feed);
    return NULL;
}

static const char *take_event(struct state *state, const json_t *event)
{
    struct rw_span type = rw_json_text(event, "type");
    const json_t *object = json_object_get(event, "object");
    if (rw_span_is(type, "ERROR"))
        return begin_anew(state);
    if (!json_is_object(object))
        return "the answer is no event";
    (void)note_version(state, object);
    if (rw_span_is(type, "BOOKMARK"))
        return NULL;
    put_slice(state, object, rw_span_is(type, "DELETED"));
    rw_discovery_tell(state->discovery);
    return NULL;
}

static const char *take(void *user, unsigned status, struct rw_span bytes)
{
    struct state *state = user;
    if (status == 410 && state->listed)
        return begin_anew(state);
    if (status == 401 || status == 403)
        return "it refuses access: see the token, and whether it may list and watch "
               "endpointslices of discovery.k8s.io";
    if (status != 200)
        return status == 404 ? "it does not have EndpointSlices (404)" : "it answers with an error";
    json_t *json = json_loadb(bytes.at ? bytes.at : "", bytes.len, 0, NULL);
    if (!json)
        return "the answer is no JSON";
    const char *why = state->listed ? take_event(state, json) : take_list(state, json);
    json_decref(json);
    return why;
}

/* ---- Coming and going ---- */

static void on_closed(void *user)
{
    rw_discovery_free(((struct state *)user)->discovery);
}

static const struct rw_feed_events feed_events = {request, take, on_closed};

static enum rw_err copy_settings(struct state *state, const struct rw_config_kubernetes *config)
{
    struct rw_arena *arena = &state->discovery->arena;
    state->what = rw_arena_format(arena, "upstream %.*s: Kubernetes",
                                  RW_SPAN_ARGS(state->discovery->upstream));
    state->path = rw_arena_format(arena,
                                  "/apis/discovery.k8s.io/v1/namespaces/%.*s/endpointslices"
                                  "?labelSelector=kubernetes.io%%2Fservice-name%%3D%.*s",
                                  RW_SPAN_ARGS(config->namespace), RW_SPAN_ARGS(config->service));
    state->port = rw_arena_copy(arena, config->port.len ? config->port : RW_LITERAL(""));
    state->token_file =
        rw_arena_copy(arena, config->token_file.len ? config->token_file : RW_LITERAL(""));
    bool copied = state->what.at && state->path.at && state->port.at && state->token_file.at;
    return copied ? RW_OK : RW_ENOMEM;
}

static enum rw_err begin(struct rw_discovery *discovery, const struct rw_config_discovery *config,
                         struct rw_conf_report *report)
{
    struct state *state = rw_arena_zero(&discovery->arena, sizeof(*state));
    if (!state)
        return RW_ENOMEM;
    state->discovery = discovery;
    discovery->state = state;
    enum rw_err err = copy_settings(state, config->kubernetes);
    struct rw_feed_options options = {
        .events = &feed_events, .user = state, .what = state->what, .server_count = 1};
    if (!err)
        err = rw_address_parse(config->kubernetes->server, &options.servers[0]);
    if (!err)
        err = rw_discovery_secure(discovery, config->kubernetes->tls, report, &options);
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

const struct rw_discovery_kind rw_discovery_kubernetes = {begin, end};
