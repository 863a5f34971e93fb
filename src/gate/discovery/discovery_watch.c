#include "gate/discovery/discovery_watch.h"

#include "base/log.h"
#include "gate/discovery/discovery_secure.h"

/* ---- The feed's events ---- */

static void request(void *user, struct rw_span host, struct rw_text *text, bool *stream)
{
    struct rw_discovery_watch *watch = user;
    watch->step = watch->logged_out ? RW_DISCOVERY_LOGIN
                  : watch->listed   ? RW_DISCOVERY_WATCH
                                    : RW_DISCOVERY_LIST;
    *stream = watch->step == RW_DISCOVERY_WATCH;
    watch->kind->request(watch, host, text);
}

static const char *take_json(struct rw_discovery_watch *watch, const json_t *json)
{
    const char *why = watch->kind->take[watch->step](watch, json);
    if (why)
        return why;
    if (watch->step == RW_DISCOVERY_LOGIN) {
        watch->logged_out = false;
        rw_feed_step(watch->feed);
    } else if (watch->step == RW_DISCOVERY_LIST) {
        watch->listed = true;
    }
    return NULL;
}

static const char *take(void *user, unsigned status, struct rw_span bytes)
{
    struct rw_discovery_watch *watch = user;
    if (status != 200)
        return watch->kind->refused(watch, status, bytes);
    json_t *json = json_loadb(bytes.at ? bytes.at : "", bytes.len, 0, NULL);
    if (!json)
        return "the answer is no JSON";
    const char *why = take_json(watch, json);
    json_decref(json);
    return why;
}

static void opened(void *user)
{
    rw_discovery_follows(((struct rw_discovery_watch *)user)->discovery);
}

static void failed(void *user, struct rw_span why)
{
    rw_discovery_fails(((struct rw_discovery_watch *)user)->discovery, why);
}

static void on_closed(void *user)
{
    struct rw_discovery_watch *watch = user;
    if (watch->kind->ended)
        watch->kind->ended(watch);
    rw_discovery_free(watch->discovery);
}

static const char *locate(void *user, unsigned server, struct rw_feed_target *target)
{
    return rw_discovery_servers_locate(&((struct rw_discovery_watch *)user)->servers, server,
                                       target);
}

static void on_moved(struct rw_discovery_servers *servers)
{
    rw_feed_retry(rw_container_of(servers, struct rw_discovery_watch, servers)->feed);
}

static const struct rw_feed_events feed_events = {locate, request, take, opened, failed, on_closed};

/* ---- For kinds ---- */

const char *rw_discovery_watch_anew(struct rw_discovery_watch *watch, const char *why)
{
    rw_log_info("discovery", "%.*s: %s, all is listed again", RW_SPAN_ARGS(watch->what), why);
    watch->listed = false;
    rw_feed_skip(watch->feed);
    return NULL;
}

const char *rw_discovery_watch_login(struct rw_discovery_watch *watch)
{
    rw_log_info("discovery", "%.*s: the login has run out, there is another one",
                RW_SPAN_ARGS(watch->what));
    watch->logged_out = true;
    rw_feed_skip(watch->feed);
    return NULL;
}

/* ---- Coming and going ---- */

static enum rw_err start_feed(struct rw_discovery_watch *watch,
                              const struct rw_config_tls_client *tls, struct rw_conf_report *report)
{
    struct rw_feed_options options = {
        .server_count = watch->servers.count,
        .events = &feed_events,
        .user = watch,
        .what = watch->what,
    };
    enum rw_err err = rw_discovery_secure_name(watch->discovery, tls, &options.tls_name);
    if (!err)
        err = rw_discovery_secure(tls, report, &options.tls);
    if (err)
        return err;
    err = rw_feed_create(watch->discovery->loop, &options, &watch->feed);
    if (err)
        rw_tls_client_drop(options.tls);
    return err;
}

enum rw_err rw_discovery_watch_begin(struct rw_discovery_watch *watch,
                                     struct rw_discovery *discovery,
                                     const struct rw_discovery_watch_options *options,
                                     struct rw_conf_report *report)
{
    watch->kind = options->kind;
    watch->discovery = discovery;
    discovery->state = watch;
    watch->what = rw_arena_format(&discovery->arena, "upstream %.*s: %s",
                                  RW_SPAN_ARGS(discovery->upstream), options->kind->name);
    if (!watch->what.at)
        return RW_ENOMEM;
    watch->servers.moved = on_moved;
    enum rw_err err = rw_discovery_servers_start(&watch->servers, discovery, options->servers,
                                                 options->server_count, options->dns);
    if (!err)
        err = start_feed(watch, options->tls, report);
    if (err)
        rw_discovery_servers_stop(&watch->servers);
    return err;
}

enum rw_err rw_discovery_watch_renew(struct rw_discovery *discovery,
                                     const struct rw_config_tls_client *tls,
                                     struct rw_conf_report *report)
{
    struct rw_discovery_watch *watch = discovery->state;
    struct rw_tls_client *client = NULL;
    enum rw_err err = rw_discovery_secure(tls, report, &client);
    if (err)
        return err;
    rw_feed_secure(watch->feed, client);
    rw_feed_retry(watch->feed);
    return RW_OK;
}

void rw_discovery_watch_end(struct rw_discovery *discovery)
{
    struct rw_discovery_watch *watch = discovery->state;
    rw_discovery_servers_stop(&watch->servers);
    rw_feed_close(watch->feed);
}
