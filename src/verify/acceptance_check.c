/* What no single value of the file shows. */
#include "base/alloc.h"
#include "http/message.h"
#include "http/url.h"
#include "load/settings.h"
#include "verify/acceptance_tables.h"
#include "verify/target.h"

/* As the table's words stand for them. */
static const enum rw_dependency_kind server_kinds[] = {
    RW_DEPENDENCY_UPSTREAM, RW_DEPENDENCY_REDIS, RW_DEPENDENCY_DATABASE, RW_DEPENDENCY_BROKER};

void rw_acceptance_check_server(void *value, struct rw_conf_report *report)
{
    struct rw_verify_server *server = value;
    server->kind = (int)server_kinds[server->kind];
    if (!server->upstream.len)
        server->upstream = server->name;
    if (server->origin && server->kind != RW_DEPENDENCY_UPSTREAM)
        rw_conf_mistake_on(report, &server->kind, "the built-in server speaks HTTP only");
    if (server->origin && server->command.count)
        rw_conf_mistake_on(report, &server->command,
                           "the server is built in (origin): it needs no command");
    if (server->pid_file.len && (server->origin || server->command.count))
        rw_conf_mistake_on(report, &server->pid_file,
                           "verify starts this server, and knows its process");
    if (server->restart.count && !server->pid_file.len)
        rw_conf_mistake_on(report, &server->restart, "it goes with `pid_file`");
}

bool rw_verify_server_is_placed(const struct rw_verify_server *server)
{
    const struct rw_span *words = server->command.items;
    for (size_t i = 0; i < server->command.count; i++)
        if (strstr(words[i].at, "{port}") || strstr(words[i].at, "{address}"))
            return true;
    return false;
}

void rw_acceptance_check_gateway(void *value, struct rw_conf_report *report)
{
    struct rw_verify_gateway *gateway = value;
    if (!gateway->config.len && !gateway->pid_file.len)
        rw_conf_mistake_on(report, &gateway->config,
                           "the gateway's configuration is missing (to start it), or `pid_file` "
                           "(it runs already)");
}

void rw_acceptance_check_headers(const struct rw_conf_list *headers, struct rw_conf_report *report)
{
    const struct rw_conf_pair *pairs = headers->items;
    if (headers->count > RW_LOAD_HEADERS_MAX)
        rw_conf_mistake_on(report, headers, "at most %d fields", RW_LOAD_HEADERS_MAX);
    for (size_t i = 0; i < headers->count; i++) {
        if (!rw_is_token(pairs[i].key) || !rw_is_field_value(pairs[i].value))
            rw_conf_mistake_on(report, &pairs[i].value, "this is no field that HTTP has");
        else if (rw_span_is_nocase(pairs[i].key, "host") ||
                 rw_span_is_nocase(pairs[i].key, "content-length"))
            rw_conf_mistake_on(report, &pairs[i].value, "%s is written by the generator itself",
                               pairs[i].key.at);
    }
}

static bool is_visible(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] >= 0x7f || text.at[i] == '#')
            return false;
    return true;
}

void rw_acceptance_check_path(const struct rw_span *path, struct rw_conf_report *report)
{
    if (path->len && (path->at[0] != '/' || !is_visible(*path)))
        rw_conf_mistake_on(report, path,
                           "a path begins with \"/\", and has no blanks, controls, \"#\" or "
                           "letters that are not ASCII (write them as %%20)");
}

void rw_acceptance_check_request(void *value, struct rw_conf_report *report)
{
    struct rw_verify_request *request = value;
    if (!rw_is_token(request->method))
        rw_conf_mistake_on(report, &request->method, "%s is no method",
                           rw_conf_quote(report, request->method));
    rw_acceptance_check_path(&request->path, report);
    rw_acceptance_check_headers(&request->headers, report);
}

void rw_acceptance_check_load(void *value, struct rw_conf_report *report)
{
    struct rw_verify_load *load = value;
    unsigned threads = load->threads * load->processes;
    if (threads > RW_LOAD_THREADS_MAX)
        rw_conf_mistake_on(report, &load->processes, "at most %d threads in all processes",
                           RW_LOAD_THREADS_MAX);
    else if (threads > load->connections)
        rw_conf_mistake_on(report, &load->connections,
                           "each of the %u threads needs a connection at least", threads);
    if (load->rate_to > 0 && load->rate <= 0)
        rw_conf_mistake_on(report, &load->rate_to, "it goes with `rate`, the rate at the begin");
}

/* ---- The whole file ---- */

static void check_count(const struct rw_conf_list *list, size_t most, const char *what,
                        struct rw_conf_report *report)
{
    if (list->count > most)
        rw_conf_mistake_on(report, list, "at most %zu %s", most, what);
}

static void check_url(struct rw_acceptance *file, struct rw_conf_report *report)
{
    struct rw_url url;
    const char *why;
    if (!file->url.len)
        return;
    if (rw_url_parse(file->url, &url, &why))
        rw_conf_mistake_on(report, &file->url, "%s", why);
    else if (!rw_span_is_nocase(url.scheme, "http") && !rw_span_is_nocase(url.scheme, "https"))
        rw_conf_mistake_on(report, &file->url, "the scheme is none of http, https");
    else if (rw_span_find(url.target, '?') >= 0)
        rw_conf_mistake_on(report, &file->url, "a query belongs to the paths of `requests`");
}

static bool find_load(const struct rw_acceptance *file, struct rw_span name, unsigned *load)
{
    const struct rw_verify_load *loads = rw_acceptance_loads(file);
    *load = 0;
    for (size_t i = 0; name.len && i < file->loads.count; i++)
        if (rw_span_eq(loads[i].name, name)) {
            *load = (unsigned)i;
            return true;
        }
    return !name.len;
}

static void tell_unknown_load(const struct rw_acceptance *file, const struct rw_span *name,
                              struct rw_conf_report *report)
{
    const struct rw_verify_load *loads = rw_acceptance_loads(file);
    const char *names[RW_ACCEPTANCE_LOADS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < file->loads.count && count < RW_ACCEPTANCE_LOADS_MAX; i++)
        names[count++] = loads[i].name.at;
    rw_conf_mistake_on(report, name, "no load is called %s%s", rw_conf_quote(report, *name),
                       rw_conf_hint(report, *name, names, count));
}

/* All writes of a run are of one kind. */
static void check_losses(const struct rw_acceptance *file, struct rw_conf_report *report)
{
    const struct rw_verify_target *targets = rw_acceptance_targets(file);
    unsigned count = 0;
    for (size_t i = 0; i < file->targets.count; i++)
        if (rw_target_is(&targets[i], RW_TARGET_DATA_LOSS) && count++)
            rw_conf_mistake_on(report, &targets[i], "a second data_loss: there can be one");
}

static void check_targets(struct rw_acceptance *file, struct rw_conf_report *report)
{
    struct rw_verify_target *targets = file->targets.items;
    for (size_t i = 0; i < file->targets.count; i++)
        if (!find_load(file, targets[i].load_name, &targets[i].load))
            tell_unknown_load(file, &targets[i].load_name, report);
    check_losses(file, report);
}

static void check_faults(struct rw_acceptance *file, struct rw_conf_report *report)
{
    struct rw_verify_fault *faults = file->faults.items;
    for (size_t i = 0; i < file->faults.count; i++)
        if (!find_load(file, faults[i].load_name, &faults[i].load))
            tell_unknown_load(file, &faults[i].load_name, report);
    if (file->fault_repetitions > file->repetitions)
        file->fault_repetitions = file->repetitions;
}

/* Without `requests`: one for "/". */
static void fill_requests(struct rw_acceptance *file, struct rw_conf_report *report)
{
    if (file->requests.count)
        return;
    struct rw_verify_request *request = rw_arena_zero(rw_conf_results(report), sizeof(*request));
    if (!request) {
        report->err = RW_ENOMEM;
        return;
    }
    request->method = RW_LITERAL("GET");
    request->path = RW_LITERAL("/");
    request->weight = 1;
    file->requests = (struct rw_conf_list){request, 1};
}

void rw_acceptance_check(void *value, struct rw_conf_report *report)
{
    struct rw_acceptance *file = value;
    check_count(&file->loads, RW_ACCEPTANCE_LOADS_MAX, "loads", report);
    check_count(&file->targets, RW_ACCEPTANCE_TARGETS_MAX, "targets", report);
    check_count(&file->servers, RW_ACCEPTANCE_SERVERS_MAX, "servers", report);
    check_count(&file->faults, RW_ACCEPTANCE_FAULTS_MAX, "faults", report);
    check_count(&file->requests, RW_ACCEPTANCE_REQUESTS_MAX, "requests", report);
    check_url(file, report);
    check_targets(file, report);
    check_faults(file, report);
    file->url_place = rw_conf_place_of(report, &file->url);
    file->openslo_place = rw_conf_place_of(report, &file->openslo);
    if (!file->targets.count && !file->openslo.len)
        rw_conf_mistake_on(report, &file->targets,
                           "nothing is to hold: `targets`, or `openslo`, is missing");
    fill_requests(file, report);
    if (file->confidence_percent >= 100)
        rw_conf_mistake_on(report, &file->confidence_percent, "nothing is ever certain");
    if (rw_acceptance_seconds(file) > RW_ACCEPTANCE_SECONDS_MAX)
        rw_conf_mistake_on(report, &file->repetitions,
                           "all loads and repetitions together take more than %d days",
                           RW_ACCEPTANCE_SECONDS_MAX / 86400);
}
