#include "gate/snapshot_tls.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/tls.h"

/* Each line of `why` begins with the file that it is about, where it is about one. */
static bool is_about(struct rw_span line, struct rw_span file)
{
    return file.len && rw_span_starts(line, file) && line.len > file.len &&
           line.at[file.len] == ':';
}

static struct rw_conf_place place_of(const struct rw_conf_list *certificates, struct rw_span line,
                                     struct rw_conf_place otherwise)
{
    const struct rw_config_certificate *items = certificates->items;
    for (size_t i = 0; i < certificates->count; i++)
        if (is_about(line, items[i].cert) || is_about(line, items[i].key))
            return items[i].place;
    return otherwise;
}

static void tell(struct rw_conf_place place, const struct rw_conf_list *certificates,
                 const struct rw_text *why, struct rw_conf_report *report)
{
    struct rw_span lines = rw_text_span(why), line;
    while (lines.at && rw_span_next(&lines, '\n', &line))
        if (line.len)
            rw_conf_mistake_at(report, place_of(certificates, line, place), "%.*s",
                               RW_SPAN_ARGS(line));
}

static void warn(const struct rw_config_tls_server *config, const struct rw_text *why,
                 struct rw_span file, struct rw_text *warnings)
{
    struct rw_span lines = rw_text_span(why), line;
    while (lines.at && rw_span_next(&lines, '\n', &line)) {
        struct rw_conf_place place = place_of(&config->certificates, line, config->place);
        if (line.len && warnings)
            rw_text_addf(warnings, "%.*s:%u:%u: warning: %.*s\n", RW_SPAN_ARGS(file), place.line,
                         place.column, RW_SPAN_ARGS(line));
        else if (line.len)
            rw_log_warn("config", "%.*s:%u:%u: %.*s", RW_SPAN_ARGS(file), place.line, place.column,
                        RW_SPAN_ARGS(line));
    }
}

static size_t list_protocols(const struct rw_config_listener *listener, struct rw_span *alpn)
{
    static const struct rw_span names[] = {
        [RW_PROTOCOL_HTTP1] = {"http/1.1", 8},
        [RW_PROTOCOL_HTTP2] = {"h2", 2},
    };
    const int *protocols = listener->protocols.items;
    size_t count = listener->protocol == RW_LISTENER_TCP ? 0 : listener->protocols.count;
    for (size_t i = 0; i < count; i++)
        alpn[i] = names[protocols[i]];
    return count;
}

enum rw_err rw_snapshot_tls_server(const struct rw_config_listener *listener,
                                   struct rw_tls_ticket_keys *keys, struct rw_conf_report *report,
                                   struct rw_text *warnings, struct rw_tls_server **server)
{
    const struct rw_config_tls_server *config = listener->tls;
    const struct rw_config_certificate *certificates = config->certificates.items;
    size_t count = config->certificates.count;
    struct rw_tls_certificate_files *files = rw_alloc((count + 1) * sizeof(*files));
    if (!files)
        return RW_ENOMEM;
    for (size_t i = 0; i < count; i++)
        files[i] = (struct rw_tls_certificate_files){certificates[i].cert, certificates[i].key};
    struct rw_span alpn[RW_PROTOCOL_COUNT];
    size_t alpn_count = list_protocols(listener, alpn);
    struct rw_tls_server_options options = {
        .certificates = files,
        .certificate_count = count,
        .alpn = alpn,
        .alpn_count = alpn_count,
        .min_version = (enum rw_tls_version)config->min_version,
        .ciphers = config->ciphers,
        .client_auth = (enum rw_tls_client_auth)config->client_auth,
        .client_ca = config->client_ca,
        .ticket_keys = config->tickets ? keys : NULL,
        .no_takeover = !config->takeover,
        .tolerate_dates = true,
    };
    struct rw_text why = {0};
    enum rw_err err = rw_tls_server_create(&options, server, &why);
    if (err)
        tell(config->place, &config->certificates, &why, report);
    else
        warn(config, &why, report->file, warnings);
    rw_text_free(&why);
    rw_free(files);
    return err == RW_OK || err == RW_ENOMEM ? err : RW_EINVAL;
}

enum rw_err rw_snapshot_tls_client(const struct rw_config_tls_client *config,
                                   struct rw_conf_report *report, struct rw_tls_client **client)
{
    if (!config)
        return RW_OK;
    const struct rw_tls_client_options options = {
        .insecure = !config->verify,
        .ca = config->ca,
        .name = config->name,
        .cert = config->cert,
        .key = config->key,
        .min_version = (enum rw_tls_version)config->min_version,
    };
    struct rw_text why = {0};
    enum rw_err err = rw_tls_client_create(&options, client, &why);
    if (err)
        tell(config->place, &(struct rw_conf_list){0}, &why, report);
    rw_text_free(&why);
    return err == RW_OK || err == RW_ENOMEM ? err : RW_EINVAL;
}

/* ---- Where there are mistakes already ---- */

/* What is missing has been told. */
static bool is_complete(const struct rw_config_tls_server *config)
{
    const struct rw_config_certificate *certificates = config->certificates.items;
    for (size_t i = 0; i < config->certificates.count; i++)
        if (!certificates[i].cert.len || !certificates[i].key.len)
            return false;
    return config->certificates.count && (!config->client_auth || config->client_ca.len);
}

void rw_snapshot_look_further(const struct rw_config *config, struct rw_conf_report *report)
{
    const struct rw_config_listener *listeners = config->listeners.items;
    const struct rw_config_upstream *upstreams = config->upstreams.items;
    struct rw_text warnings = {0}; /* of no interest now */
    for (size_t i = 0; i < config->listeners.count; i++) {
        struct rw_tls_server *server = NULL;
        if (listeners[i].tls && is_complete(listeners[i].tls) &&
            rw_snapshot_tls_server(&listeners[i], NULL, report, &warnings, &server) == RW_OK)
            rw_tls_server_drop(server);
    }
    for (size_t i = 0; i < config->upstreams.count; i++) {
        struct rw_tls_client *client = NULL;
        if (rw_snapshot_tls_client(upstreams[i].tls, report, &client) == RW_OK)
            rw_tls_client_drop(client);
    }
    rw_text_free(&warnings);
}
