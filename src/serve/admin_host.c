#include "base/clock.h"
#include "base/version.h"
#include "conf/redact.h"
#include "gate/certificates.h"
#include "policy/mirror/mirror.h"
#include "serve/channel.h"
#include "serve/process.h"
#include "watch/process.h"

static bool host_ready(void *user)
{
    const struct rw_process *process = user;
    return process->ready && !process->draining;
}

static void host_metrics(void *user, struct rw_text *text)
{
    const struct rw_process *process = user;
    rw_metrics_expose(process->options.shared->metrics, text);
    rw_clusters_expose(process->clusters, text);
    rw_rollouts_expose(process->rollouts, text);
    rw_shares_expose(process->shares, text);
    rw_known_expose(process->known, text);
    rw_certificates_expose(process->snapshot, text);
    rw_metrics_expose_gauge(text, "ringway_config_generation",
                            "Number of the configuration in force", (double)process->generation);
    rw_metrics_expose_gauge(text, "ringway_config_last_reload_successful",
                            "1 unless the last reload was refused",
                            process->last_error.len ? 0 : 1);
    rw_metrics_expose_gauge(text, "ringway_config_loaded_timestamp_seconds",
                            "When the configuration in force was loaded",
                            (double)process->loaded_wall_ns / (double)RW_NS_PER_S);
    rw_process_expose(text, NULL, 0);
}

static void host_status(void *user, struct rw_text *json)
{
    const struct rw_process *process = user;
    char when[24];
    rw_clock_format_rfc3339(when, process->loaded_wall_ns);
    rw_text_addf(json,
                 "{\"version\":\"%s\",\"generation\":%llu,\"loaded_at\":\"%.24s\",\"processes\":%u,"
                 "\"threads\":%u,\"io\":\"%s\",\"draining\":%s,\"snapshots\":%u,\"certificates\":",
                 RW_VERSION, (unsigned long long)process->generation, when,
                 process->options.processes, process->running,
                 rw_loop_backend_name(process->threads[0].worker.loop),
                 process->draining ? "true" : "false", process->snapshots_alive);
    rw_certificates_describe(process->snapshot, json);
    rw_text_adds(json, ",\"last_error\":");
    if (process->last_error.len)
        rw_text_add_json(json, rw_text_span(&process->last_error));
    else
        rw_text_adds(json, "null");
    rw_text_adds(json, "}\n");
}

static void host_config(void *user, struct rw_text *yaml)
{
    const struct rw_process *process = user;
    enum rw_err err = rw_conf_redact(rw_text_span(&process->config_text), &rw_config_record, yaml);
    if (err)
        rw_text_addf(yaml, "\n# The rest cannot be shown: %s\n", rw_err_text(err));
}

static void describe_policy(const struct rw_policy_use *use, struct rw_text *json)
{
    struct rw_text line = {0};
    if (use->policy->explain)
        use->policy->explain(use->instance, &line);
    rw_text_addf(json, "{\"name\":\"%s\",\"description\":", use->policy->kind.name);
    rw_text_add_json(json, rw_text_span(&line));
    rw_text_adds(json, "}");
    rw_text_free(&line);
}

static void describe_route(const struct rw_route *route, struct rw_text *json)
{
    struct rw_text line = {0};
    route->origin->explain(route->origin_instance, &line);
    rw_text_adds(json, "{\"name\":");
    rw_text_add_json(json, route->name);
    rw_text_addf(json, ",\"priority\":%d,\"action\":", route->config->priority);
    rw_text_add_json(json, rw_span_text(route->origin->kind.name));
    rw_text_adds(json, ",\"description\":");
    rw_text_add_json(json, rw_text_span(&line));
    rw_text_adds(json, ",\"policies\":[");
    for (unsigned i = 0; i < route->policy_count; i++) {
        rw_text_adds(json, i ? "," : "");
        describe_policy(&route->policies[i], json);
    }
    rw_text_adds(json, "]}");
    rw_text_free(&line);
}

static void host_routes(void *user, struct rw_text *json)
{
    const struct rw_snapshot *snapshot = ((struct rw_process *)user)->snapshot;
    rw_text_adds(json, "[");
    for (unsigned i = 0; i < snapshot->route_count; i++) {
        rw_text_adds(json, i ? ",\n" : "");
        describe_route(&snapshot->routes[i], json);
    }
    rw_text_adds(json, "]\n");
}

static void host_upstreams(void *user, struct rw_text *json)
{
    rw_clusters_describe(((struct rw_process *)user)->clusters, json);
}

static void host_connections(void *user, struct rw_text *json)
{
    const struct rw_metrics *metrics = ((struct rw_process *)user)->options.shared->metrics;
    rw_text_addf(json,
                 "{\"clients_open\":%lld,\"clients_accepted\":%lld,\"requests_active\":%lld,"
                 "\"upstreams_open\":%lld}\n",
                 (long long)rw_metrics_total(metrics, RW_COUNTER_CONNECTIONS_OPEN),
                 (long long)rw_metrics_total(metrics, RW_COUNTER_CONNECTIONS_ACCEPTED),
                 (long long)rw_metrics_total(metrics, RW_COUNTER_REQUESTS_ACTIVE),
                 (long long)rw_metrics_total(metrics, RW_COUNTER_UPSTREAM_OPEN));
}

static void host_limits(void *user, struct rw_text *json)
{
    rw_shares_describe(((struct rw_process *)user)->shares, json);
}

static void host_releases(void *user, struct rw_text *json)
{
    const struct rw_process *process = user;
    struct rw_rollouts_time now = rw_rollouts_now(process->control.loop);
    rw_rollouts_describe(process->rollouts, &now, json);
}

static void host_mirrors(void *user, struct rw_text *json)
{
    const struct rw_process *process = user;
    rw_mirrors_describe(process->snapshot, process->options.shared->metrics,
                        process->options.shared->samples, json);
}

static void report_mirrors(struct rw_process *process, enum rw_mirrors_form form,
                           struct rw_text *text)
{
    rw_mirrors_report(process->snapshot, process->options.shared->metrics,
                      process->options.shared->samples, form,
                      rw_loop_wall_ns(process->control.loop), text);
}

static void host_mirrors_html(void *user, struct rw_text *html)
{
    report_mirrors(user, RW_MIRRORS_HTML, html);
}

static void host_mirrors_markdown(void *user, struct rw_text *markdown)
{
    report_mirrors(user, RW_MIRRORS_MARKDOWN, markdown);
}

static enum rw_err host_act(void *user, struct rw_span route, struct rw_span action,
                            struct rw_text *why)
{
    struct rw_process *process = user;
    struct rw_rollouts_time now = rw_rollouts_now(process->control.loop);
    return rw_rollouts_act(process->rollouts, route, action, &now, why);
}

static void tell_supervisor(const struct rw_process *process, enum rw_channel_kind kind)
{
    struct rw_channel_message message = {.kind = kind};
    if (rw_channel_send(process->options.channel, &message, NULL, 0))
        return; /* it has died: the channel's end is noticed by its watch */
}

static enum rw_err host_reload(void *user, struct rw_text *why)
{
    struct rw_process *process = user;
    enum rw_err err = rw_process_load(process, RW_LOAD_FILES);
    if (err)
        rw_text_add(why, rw_text_span(&process->last_error));
    else
        tell_supervisor(process, RW_CHANNEL_RELOAD);
    return err;
}

static void host_drain(void *user)
{
    tell_supervisor(user, RW_CHANNEL_SHUTDOWN);
}

void rw_process_init_admin(struct rw_process *process)
{
    process->admin_host = (struct rw_admin_host){
        .user = process,
        .ready = host_ready,
        .metrics = host_metrics,
        .status = host_status,
        .config = host_config,
        .routes = host_routes,
        .upstreams = host_upstreams,
        .connections = host_connections,
        .limits = host_limits,
        .releases = host_releases,
        .mirrors = host_mirrors,
        .mirrors_html = host_mirrors_html,
        .mirrors_markdown = host_mirrors_markdown,
        .reload = host_reload,
        .drain = host_drain,
        .act = host_act,
    };
}

/* The admin listener is a configuration of one listener and one route, compiled like any other;
 * then its route is given the admin origin, which no file can name. */
enum rw_err rw_process_make_admin(struct rw_process *process, const struct rw_config *config,
                                  struct rw_conf_report *report, struct rw_snapshot **out)
{
    *out = NULL;
    if (!config->admin || process->options.index != 0)
        return RW_OK;
    struct rw_text yaml = {0};
    struct rw_arena arena;
    struct rw_config *own = NULL;
    rw_arena_init(&arena, NULL, 0, 16 * 1024, 1 << 20);
    rw_text_adds(&yaml, "listeners: [{name: admin, address: ");
    rw_text_add_json(&yaml, config->admin->address);
    rw_text_adds(&yaml, "}]\nroutes: [{name: _admin, respond: {}}]\n");
    enum rw_err err = yaml.err;
    struct rw_span file = report->file; /* what is told later is about the file of the user */
    if (!err)
        err = rw_config_load_text(rw_text_span(&yaml), "admin", &arena, &own, report);
    if (!err) {
        report->file = file;
        ((struct rw_config_listener *)own->listeners.items)[0].place = config->admin->place;
    }
    struct rw_snapshot_options options = {
        .clusters = process->clusters,
        .metrics = process->options.shared->metrics,
        .workers = 1,
        .generation = process->generation + 1,
    };
    if (!err)
        err = rw_snapshot_create(&options, &arena, own, report, out);
    if (!err) {
        (*out)->routes[0].origin = &rw_admin_origin;
        (*out)->routes[0].origin_instance = &process->admin_host;
    }
    rw_arena_free(&arena);
    rw_text_free(&yaml);
    return err;
}
