/* Endpoints in etcd: every key under a prefix is one. Its value is an address, or a JSON object
 * with `address` and what an endpoint of the configuration may have besides. Over etcd's JSON
 * gateway: one range, then a watch from the revision after it. A watch that ends goes on behind the
 * last revision that it told of; one whose revision was compacted away, or that etcd has not come
 * to (it was restored from a backup), begins anew with a range. With a user there is a login first;
 * its token goes with every request until etcd refuses it, and then there is another login. */
#include "gate/discovery/discovery_watch.h"
#include "gate/discovery/etcd_read.h"
#include "http/message.h"

enum { TOKEN_BYTES_MAX = 4096 };

struct state {
    struct rw_discovery_watch watch;
    struct rw_etcd_reader reader;
    struct rw_span key, range_end;     /* Base64 */
    struct rw_span username, password; /* empty: no login */
    struct rw_text token;
    bool proven; /* the token was good for something already */
};

static struct state *state_of(struct rw_discovery_watch *watch)
{
    return rw_container_of(watch, struct state, watch);
}

/* ---- Requests ---- */

static void write_login(const struct state *state, struct rw_text *body)
{
    rw_text_adds(body, "{\"name\":");
    rw_text_add_json(body, state->username);
    rw_text_adds(body, ",\"password\":");
    rw_text_add_json(body, state->password);
    rw_text_adds(body, "}");
}

static void write_range(const struct state *state, struct rw_text *body)
{
    rw_text_addf(body, "{\"key\":\"%.*s\",\"range_end\":\"%.*s\"}", RW_SPAN_ARGS(state->key),
                 RW_SPAN_ARGS(state->range_end));
}

static void write_watch(const struct state *state, struct rw_text *body)
{
    rw_text_addf(body,
                 "{\"create_request\":{\"key\":\"%.*s\",\"range_end\":\"%.*s\","
                 "\"start_revision\":\"%llu\"}}",
                 RW_SPAN_ARGS(state->key), RW_SPAN_ARGS(state->range_end),
                 (unsigned long long)state->reader.revision + 1);
}

static const struct {
    const char *path;
    void (*write)(const struct state *state, struct rw_text *body);
} requests[] = {
    [RW_DISCOVERY_LOGIN] = {"auth/authenticate", write_login},
    [RW_DISCOVERY_LIST] = {"kv/range", write_range},
    [RW_DISCOVERY_WATCH] = {"watch", write_watch},
};

static void request(struct rw_discovery_watch *watch, struct rw_span host, struct rw_text *text)
{
    const struct state *state = state_of(watch);
    struct rw_text body = {0};
    requests[watch->step].write(state, &body);
    rw_text_addf(text,
                 "POST /v3/%s HTTP/1.1\r\nHost: %.*s\r\nContent-Type: application/json\r\n"
                 "Content-Length: %zu\r\nConnection: close\r\n",
                 requests[watch->step].path, RW_SPAN_ARGS(host), body.len);
    /* A member that is cut off from the others would say nothing for ever: it ends the watch. */
    if (watch->step == RW_DISCOVERY_WATCH)
        rw_text_adds(text, "Grpc-Metadata-hasleader: true\r\n");
    if (state->token.len && watch->step != RW_DISCOVERY_LOGIN)
        rw_text_addf(text, "Authorization: %.*s\r\n", RW_SPAN_ARGS(rw_text_span(&state->token)));
    rw_text_adds(text, "\r\n");
    rw_text_add(text, rw_text_span(&body));
    if (body.err)
        text->err = body.err;
    rw_text_free(&body);
}

/* ---- Answers ---- */

static const char *error_of(const struct state *state)
{
    return state->reader.why.len ? state->reader.why.at : "it answers with an error";
}

/* A token that was good and no longer is has run out: there is another login, and nothing to tell.
 * One that never was good is not asked for again at once. */
static const char *refuse(struct state *state)
{
    if (state->proven) {
        state->proven = false;
        return rw_discovery_watch_login(&state->watch);
    }
    state->watch.logged_out = state->username.len > 0;
    return error_of(state);
}

static const char *refused(struct rw_discovery_watch *watch, unsigned status, struct rw_span bytes)
{
    struct state *state = state_of(watch);
    rw_etcd_read_error(&state->reader, status, bytes);
    return status >= 500 ? error_of(state) : refuse(state);
}

static const char *take_login(struct rw_discovery_watch *watch, const json_t *answer)
{
    struct state *state = state_of(watch);
    struct rw_span token = rw_json_text(answer, "token");
    if (!token.len || token.len > TOKEN_BYTES_MAX || !rw_is_field_value(token))
        return "the answer to the login has no token";
    state->token.len = 0;
    state->token.err = RW_OK;
    state->proven = false;
    rw_text_add(&state->token, token);
    return state->token.err ? rw_err_text(state->token.err) : NULL;
}

static const char *take_range(struct rw_discovery_watch *watch, const json_t *answer)
{
    struct state *state = state_of(watch);
    switch (rw_etcd_read_range(&state->reader, answer)) {
    case RW_ETCD_TAKEN:
        state->proven = state->token.len > 0;
        return NULL;
    case RW_ETCD_NO_MEMORY:
        return rw_err_text(RW_ENOMEM);
    default:
        return "the answer is not etcd's";
    }
}

static const char *take_events(struct rw_discovery_watch *watch, const json_t *line)
{
    struct state *state = state_of(watch);
    switch (rw_etcd_read_events(&state->reader, line)) {
    case RW_ETCD_TAKEN:
        state->proven = state->token.len > 0;
        return NULL;
    case RW_ETCD_COMPACTED:
        return rw_discovery_watch_anew(watch, "the watch is too old");
    case RW_ETCD_BEHIND:
        return rw_discovery_watch_anew(watch, "it knows less than it did");
    case RW_ETCD_NO_MEMORY:
        return rw_discovery_watch_anew(watch, rw_err_text(RW_ENOMEM));
    case RW_ETCD_UNAVAILABLE:
        return error_of(state);
    case RW_ETCD_CANCELED:
        return refuse(state);
    case RW_ETCD_UNKNOWN:
        break;
    }
    return "the answer is not etcd's";
}

static void ended(struct rw_discovery_watch *watch)
{
    struct state *state = state_of(watch);
    rw_etcd_reader_free(&state->reader);
    rw_text_free(&state->token);
}

static const struct rw_discovery_watch_kind watch_kind = {
    .name = "etcd",
    .request = request,
    .take = {take_login, take_range, take_events},
    .refused = refused,
    .ended = ended,
};

/* ---- Coming and going ---- */

/* The key range of all that begins with the prefix: up to the prefix with its last byte one higher
 * (etcd.io, "Key ranges"); an empty one is all keys. */
static enum rw_err set_range(struct state *state, struct rw_arena *arena, struct rw_span prefix)
{
    struct rw_text key = {0}, end = {0};
    char *last = rw_arena_copy(arena, prefix).at ? rw_arena_alloc(arena, prefix.len + 1) : NULL;
    if (!last)
        return RW_ENOMEM;
    size_t len = prefix.len;
    memcpy(last, prefix.at, prefix.len);
    while (len && (unsigned char)last[len - 1] == 0xff)
        len--;
    if (len)
        last[len - 1]++;
    rw_etcd_add_base64(&key, prefix.len ? prefix : rw_span("\0", 1));
    rw_etcd_add_base64(&end, len ? rw_span(last, len) : rw_span("\0", 1));
    state->key = rw_arena_copy(arena, rw_text_span(&key));
    state->range_end = rw_arena_copy(arena, rw_text_span(&end));
    bool made = !key.err && !end.err && state->key.at && state->range_end.at;
    rw_text_free(&key);
    rw_text_free(&end);
    return made ? RW_OK : RW_ENOMEM;
}

static enum rw_err copy_login(struct state *state, struct rw_arena *arena,
                              const struct rw_config_etcd *config)
{
    state->watch.logged_out = config->username.len > 0;
    if (!config->username.len)
        return RW_OK;
    state->username = rw_arena_copy(arena, config->username);
    state->password = rw_arena_copy(arena, config->password);
    return state->username.at && state->password.at ? RW_OK : RW_ENOMEM;
}

static enum rw_err begin(struct rw_discovery *discovery, const struct rw_config_discovery *config,
                         const struct rw_config_dns *dns, struct rw_conf_report *report)
{
    const struct rw_config_etcd *etcd = config->etcd;
    struct state *state = rw_arena_zero(&discovery->arena, sizeof(*state));
    if (!state)
        return RW_ENOMEM;
    const struct rw_discovery_watch_options options = {
        .kind = &watch_kind,
        .servers = etcd->servers.items,
        .server_count = etcd->servers.count,
        .dns = dns,
        .tls = etcd->tls,
    };
    enum rw_err err = set_range(state, &discovery->arena, etcd->prefix);
    if (!err)
        err = copy_login(state, &discovery->arena, etcd);
    if (!err)
        err = rw_discovery_watch_begin(&state->watch, discovery, &options, report);
    state->reader.discovery = discovery;
    state->reader.what = state->watch.what;
    return err;
}

static enum rw_err renew(struct rw_discovery *discovery, const struct rw_config_discovery *config,
                         struct rw_conf_report *report)
{
    return rw_discovery_watch_renew(discovery, config->etcd->tls, report);
}

const struct rw_discovery_kind rw_discovery_etcd = {begin, renew, rw_discovery_watch_end};
