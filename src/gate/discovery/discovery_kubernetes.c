/* Endpoints of a service of Kubernetes: its EndpointSlices. One list, then a watch from the
 * resourceVersion of the list, and of every event and bookmark after it; a watch that ends goes on
 * from there, and one that is too old (410 Gone) begins anew with a list (kubernetes.io, "API
 * Concepts: Efficient detection of changes"). The token is read for every request, since it changes
 * while the program runs. */
#include "base/log.h"
#include "conf/file.h"
#include "conf/kept.h"
#include "gate/discovery/discovery_watch.h"
#include "gate/discovery/kubernetes_read.h"

enum {
    TOKEN_BYTES_MAX = 65536,
    WATCH_S = 290, /* then the server ends the watch, and another one follows */
};

struct state {
    struct rw_discovery_watch watch;
    struct rw_kubernetes_reader reader;
    struct rw_span path, token_file;
};

static struct state *state_of(struct rw_discovery_watch *watch)
{
    return rw_container_of(watch, struct state, watch);
}

/* ---- Requests ---- */

/* Not part of what is logged. A token with what ends a line is none. */
static void add_token(const struct state *state, struct rw_text *text)
{
    struct rw_text token = {0};
    char room[48];
    if (!state->token_file.len)
        return;
    struct rw_kept_files *kept = rw_kept_files_use(NULL); /* it is for an hour, and replaced */
    enum rw_err err = rw_conf_slurp(state->token_file.at, TOKEN_BYTES_MAX, true, &token);
    rw_kept_files_use(kept);
    struct rw_span value = err ? RW_LITERAL("") : rw_span_trim(rw_text_span(&token));
    while (value.len && (value.at[value.len - 1] == '\n' || value.at[value.len - 1] == '\r'))
        value.len--;
    if (err)
        rw_log_limited(RW_LOG_WARN, "discovery", "%.*s: %s: cannot be read: %s",
                       RW_SPAN_ARGS(state->watch.what), state->token_file.at,
                       rw_conf_slurp_flaw(err, TOKEN_BYTES_MAX, room));
    else if (value.len && rw_span_find(value, '\n') < 0 && rw_span_find(value, '\r') < 0)
        rw_text_addf(text, "Authorization: Bearer %.*s\r\n", RW_SPAN_ARGS(value));
    rw_text_free(&token);
}

static void request(struct rw_discovery_watch *watch, struct rw_span host, struct rw_text *text)
{
    const struct state *state = state_of(watch);
    rw_text_addf(text, "GET %.*s", RW_SPAN_ARGS(state->path));
    if (watch->step == RW_DISCOVERY_WATCH)
        rw_text_addf(text, "&watch=1&allowWatchBookmarks=true&timeoutSeconds=%d&resourceVersion=%s",
                     WATCH_S, state->reader.version);
    rw_text_addf(text, " HTTP/1.1\r\nHost: %.*s\r\nAccept: application/json\r\n",
                 RW_SPAN_ARGS(host));
    add_token(state, text);
    rw_text_adds(text, "Connection: close\r\n\r\n");
}

/* ---- Answers ---- */

static const char *take_list(struct rw_discovery_watch *watch, const json_t *list)
{
    switch (rw_kubernetes_read_list(&state_of(watch)->reader, list)) {
    case RW_KUBERNETES_TAKEN:
        return NULL;
    case RW_KUBERNETES_NO_MEMORY:
        return rw_err_text(RW_ENOMEM);
    default:
        return "the answer is no list of EndpointSlices";
    }
}

static const char *take_event(struct rw_discovery_watch *watch, const json_t *event)
{
    switch (rw_kubernetes_read_event(&state_of(watch)->reader, event)) {
    case RW_KUBERNETES_TAKEN:
        return NULL;
    case RW_KUBERNETES_EXPIRED:
        return rw_discovery_watch_anew(watch, "the watch is too old");
    case RW_KUBERNETES_NO_MEMORY:
        return rw_discovery_watch_anew(watch, rw_err_text(RW_ENOMEM));
    case RW_KUBERNETES_UNKNOWN:
        break;
    }
    return "the answer is no event";
}

/* Gone; no version to it (400); or one that it has not come to, being restored from a backup (504).
 */
static bool is_version_refused(unsigned status)
{
    return status == 410 || status == 400 || status == 504;
}

static const char *refused(struct rw_discovery_watch *watch, unsigned status, struct rw_span bytes)
{
    (void)bytes;
    if (watch->listed && is_version_refused(status))
        return rw_discovery_watch_anew(watch, "the watch is too old, or ahead of it");
    if (status == 401 || status == 403)
        return "it refuses access: see the token, and whether it may list and watch "
               "endpointslices of discovery.k8s.io";
    return status == 404 ? "it does not have EndpointSlices (404)" : "it answers with an error";
}

static const struct rw_discovery_watch_kind watch_kind = {
    .name = "Kubernetes",
    .request = request,
    .take = {NULL, take_list, take_event},
    .refused = refused,
};

/* ---- Coming and going ---- */

static enum rw_err copy_settings(struct state *state, struct rw_arena *arena,
                                 const struct rw_config_kubernetes *config)
{
    state->path = rw_arena_format(arena,
                                  "/apis/discovery.k8s.io/v1/namespaces/%.*s/endpointslices"
                                  "?labelSelector=kubernetes.io%%2Fservice-name%%3D%.*s",
                                  RW_SPAN_ARGS(config->namespace), RW_SPAN_ARGS(config->service));
    state->reader.port = rw_arena_copy(arena, config->port.len ? config->port : RW_LITERAL(""));
    state->token_file =
        rw_arena_copy(arena, config->token_file.len ? config->token_file : RW_LITERAL(""));
    return state->path.at && state->reader.port.at && state->token_file.at ? RW_OK : RW_ENOMEM;
}

static enum rw_err begin(struct rw_discovery *discovery, const struct rw_config_discovery *config,
                         const struct rw_config_dns *dns, struct rw_conf_report *report)
{
    const struct rw_config_kubernetes *kubernetes = config->kubernetes;
    struct state *state = rw_arena_zero(&discovery->arena, sizeof(*state));
    if (!state)
        return RW_ENOMEM;
    const struct rw_discovery_watch_options options = {
        .kind = &watch_kind,
        .servers = &kubernetes->server,
        .server_count = 1,
        .dns = dns,
        .tls = kubernetes->tls,
    };
    enum rw_err err = copy_settings(state, &discovery->arena, kubernetes);
    if (!err)
        err = rw_discovery_watch_begin(&state->watch, discovery, &options, report);
    state->reader.discovery = discovery;
    state->reader.family = (enum rw_config_family)kubernetes->family;
    state->reader.what = state->watch.what;
    return err;
}

static enum rw_err renew(struct rw_discovery *discovery, const struct rw_config_discovery *config,
                         struct rw_conf_report *report)
{
    return rw_discovery_watch_renew(discovery, config->kubernetes->tls, report);
}

const struct rw_discovery_kind rw_discovery_kubernetes = {begin, renew, rw_discovery_watch_end};
