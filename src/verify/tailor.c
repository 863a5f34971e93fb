#include "verify/tailor.h"

#include "conf/file.h"
#include "conf/rewrite.h"
#include "verify/fault/authority.h"
#include "verify/fault/memory_file.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PEM_BYTES_MAX = 4 << 20, CHANGES_MAX = RW_ACCEPTANCE_SERVERS_MAX + 1 };

/* ---- Files in memory ---- */

static void close_file(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- What there is in the acceptance file ---- */

static const struct rw_verify_server *next_server(const struct rw_acceptance *file,
                                                  struct rw_span upstream,
                                                  const struct rw_verify_server *before)
{
    const struct rw_verify_server *servers = rw_acceptance_servers(file);
    for (size_t i = before ? (size_t)(before - servers) + 1 : 0; i < file->servers.count; i++)
        if (servers[i].kind == RW_DEPENDENCY_UPSTREAM && rw_span_eq(servers[i].upstream, upstream))
            return &servers[i];
    return NULL;
}

/* The next server that an endpoint's name leads to: of its upstream, and its port. */
static const struct rw_verify_server *next_of_name(const struct rw_acceptance *file,
                                                   struct rw_span upstream,
                                                   const struct rw_conf_address *address,
                                                   const struct rw_verify_server *before,
                                                   struct rw_address *where)
{
    const struct rw_verify_server *server = before;
    while ((server = next_server(file, upstream, server)))
        if (!rw_address_parse(server->address, where) &&
            (address->srv.len || rw_address_port(&where->storage) == address->port))
            return server;
    return NULL;
}

/* ---- Names ---- */

static enum rw_err name_service(struct rw_faults *faults, struct rw_span service,
                                const struct rw_address *where)
{
    static const struct rw_span none;
    char text[64];
    int len =
        snprintf(text, sizeof(text), "port-%u.verify.invalid", rw_address_port(&where->storage));
    struct rw_span target = rw_span(text, (size_t)len);
    enum rw_err err = rw_faults_name(faults, target, none, where);
    return err ? err : rw_faults_name(faults, service, target, where);
}

/* One endpoint; RW_ENOENT: no server is there. `faults` NULL: only looks. */
static enum rw_err name_endpoint(const struct rw_tailor *tailor, struct rw_span upstream,
                                 const struct rw_conf_address *endpoint, struct rw_faults *faults)
{
    const struct rw_verify_server *server = NULL;
    struct rw_address where;
    enum rw_err err = RW_ENOENT;
    while ((server = next_of_name(tailor->file, upstream, endpoint, server, &where))) {
        if (!faults)
            err = RW_OK;
        else if (endpoint->srv.len)
            err = name_service(faults, endpoint->srv, &where);
        else
            err = rw_faults_name(faults, endpoint->host, (struct rw_span){"", 0}, &where);
        if (err)
            return err;
    }
    return err;
}

static enum rw_err name_all(const struct rw_tailor *tailor, struct rw_faults *faults, size_t *count)
{
    const struct rw_config_upstream *upstreams = tailor->config->upstreams.items;
    enum rw_err err = RW_OK;
    *count = 0;
    for (size_t i = 0; i < tailor->config->upstreams.count && !err; i++) {
        const struct rw_config_endpoint *endpoints = upstreams[i].endpoints.items;
        for (size_t k = 0; k < upstreams[i].endpoints.count && !err; k++) {
            struct rw_conf_address address;
            if (!rw_endpoint_has_name(&endpoints[k], &address))
                continue;
            *count += 1;
            err = name_endpoint(tailor, upstreams[i].name, &address, faults);
        }
    }
    return err;
}

enum rw_err rw_tailor_names(const struct rw_tailor *tailor, struct rw_faults *faults)
{
    size_t count;
    return name_all(tailor, faults, &count);
}

/* ---- Certificates ---- */

/* What OpenSSL trusts by default, as far as it is one file. */
static enum rw_err add_system_authorities(struct rw_text *pem)
{
    const char *const files[] = {getenv("SSL_CERT_FILE"), X509_get_default_cert_file(),
                                 "/etc/ssl/certs/ca-certificates.crt"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        enum rw_err err = files[i] ? rw_conf_slurp(files[i], PEM_BYTES_MAX, true, pem) : RW_ENOENT;
        if (!err || err == RW_ENOMEM)
            return err;
    }
    return RW_OK; /* then the gateway has none either */
}

static enum rw_err make_trust(const struct rw_tailor *tailor, struct rw_tailored_tls *tls,
                              struct rw_text *why)
{
    struct rw_span ca = tls->upstream->tls->ca;
    struct rw_text pem = {0};
    char room[48];
    enum rw_err err =
        ca.len ? rw_conf_slurp(ca.at, PEM_BYTES_MAX, true, &pem) : add_system_authorities(&pem);
    if (err && err != RW_ENOMEM)
        rw_text_addf(why, "%s:%u: upstream %s: tls.ca: %s: %s\n", tailor->file->gateway->config.at,
                     tls->upstream->tls->place.line, tls->upstream->name.at, ca.at,
                     rw_conf_slurp_flaw(err, PEM_BYTES_MAX, room));
    if (!err)
        rw_text_adds(&pem, "\n");
    if (!err)
        err = rw_authority_certificate(tailor->authority, &pem);
    if (!err)
        err = rw_memory_file("ringway-verify-ca", rw_text_span(&pem), true, &tls->ca);
    rw_text_free(&pem);
    return err;
}

static enum rw_err make_identity(const struct rw_tailor *tailor, struct rw_tailored_tls *tls)
{
    struct rw_text pem = {0};
    enum rw_err err =
        rw_authority_issue(tailor->authority, tls->names, RW_CERTIFICATE_SOUND, &pem, &pem);
    if (!err)
        err = rw_memory_file("ringway-verify-identity", rw_text_span(&pem), true, &tls->identity);
    rw_text_free(&pem);
    return err;
}

static bool has_name(const struct rw_text *names, struct rw_span name)
{
    struct rw_span rest = rw_text_span(names);
    while (rest.len) {
        ptrdiff_t comma = rw_span_find(rest, ',');
        struct rw_span one = comma < 0 ? rest : rw_span(rest.at, (size_t)comma);
        if (rw_span_eq(one, name))
            return true;
        rest = rw_span_skip(rest, comma < 0 ? rest.len : (size_t)comma + 1);
    }
    return false;
}

/* What the gateway verifies: the name that the file says, or those of the endpoints. */
static enum rw_err find_names(struct rw_tailor *tailor, struct rw_tailored_tls *tls)
{
    const struct rw_config_endpoint *endpoints = tls->upstream->endpoints.items;
    struct rw_text names = {0};
    rw_text_add(&names, tls->upstream->tls->name);
    for (size_t i = 0; i < tls->upstream->endpoints.count && !tls->upstream->tls->name.len; i++) {
        struct rw_conf_address address;
        if (rw_conf_address(endpoints[i].address, true, &address))
            continue;
        struct rw_span name = address.srv.len ? address.srv : address.host;
        if (name.len && !has_name(&names, name))
            rw_text_addf(&names, "%s%.*s", names.len ? "," : "", RW_SPAN_ARGS(name));
    }
    tls->names = rw_arena_copy(&tailor->arena, rw_text_span(&names));
    enum rw_err err = names.err ? names.err : tls->names.at ? RW_OK : RW_ENOMEM;
    rw_text_free(&names);
    return err;
}

static enum rw_err add_tls(struct rw_tailor *tailor, const struct rw_config_upstream *upstream,
                           struct rw_text *why)
{
    struct rw_tailored_tls *tls = &tailor->tls[tailor->tls_count++];
    *tls = (struct rw_tailored_tls){.upstream = upstream, .ca = -1, .identity = -1};
    enum rw_err err = tailor->authority ? RW_OK : rw_authority_create(&tailor->authority);
    if (!err)
        err = find_names(tailor, tls);
    if (!err && tls->names.len)
        err = make_identity(tailor, tls);
    return err || !upstream->tls->verify ? err : make_trust(tailor, tls, why);
}

static enum rw_err add_all_tls(struct rw_tailor *tailor, struct rw_text *why)
{
    const struct rw_config_upstream *upstreams = tailor->config->upstreams.items;
    enum rw_err err = RW_OK;
    tailor->tls = rw_arena_zero(&tailor->arena, RW_ACCEPTANCE_SERVERS_MAX * sizeof(*tailor->tls));
    if (!tailor->tls)
        return RW_ENOMEM;
    /* Each has a server of its own, so there are not more than servers. */
    for (size_t i = 0; i < tailor->config->upstreams.count && !err; i++)
        if (upstreams[i].tls && next_server(tailor->file, upstreams[i].name, NULL))
            err = add_tls(tailor, &upstreams[i], why);
    return err;
}

const struct rw_tailored_tls *rw_tailor_tls(const struct rw_tailor *tailor, struct rw_span upstream)
{
    for (size_t i = 0; i < tailor->tls_count; i++)
        if (rw_span_eq(tailor->tls[i].upstream->name, upstream))
            return &tailor->tls[i];
    return NULL;
}

/* ---- All of it ---- */

enum rw_err rw_tailor_open(struct rw_tailor *tailor, const struct rw_acceptance *file,
                           const struct rw_config *config, struct rw_text *why)
{
    size_t names;
    *tailor = (struct rw_tailor){.file = file, .config = config, .configuration = -1};
    rw_arena_init(&tailor->arena, NULL, 0, 4096, 16u << 20);
    if (!config)
        return RW_OK;
    tailor->names = !name_all(tailor, NULL, &names) && names;
    return add_all_tls(tailor, why);
}

void rw_tailor_close(struct rw_tailor *tailor)
{
    for (size_t i = 0; i < tailor->tls_count; i++) {
        close_file(&tailor->tls[i].ca);
        close_file(&tailor->tls[i].identity);
    }
    close_file(&tailor->configuration);
    rw_authority_destroy(tailor->authority);
    rw_arena_free(&tailor->arena);
}

/* Neither an address nor the path of a descriptor needs to be escaped. `path` NULL: no memory. */
static enum rw_err add_change(struct rw_tailor *tailor, const char *path, const char *value,
                              struct rw_conf_change *changes, size_t *count)
{
    struct rw_span json = rw_arena_format(&tailor->arena, "\"%s\"", value);
    changes[*count] = (struct rw_conf_change){path, json};
    *count += 1;
    return path && json.at ? RW_OK : RW_ENOMEM;
}

static enum rw_err make_changes(struct rw_tailor *tailor, const struct rw_address *server,
                                struct rw_conf_change *changes, size_t *count)
{
    const struct rw_config_upstream *upstreams = tailor->config->upstreams.items;
    char place[RW_ADDRESS_TEXT_MAX + 1], file[RW_MEMORY_PATH_BYTES];
    enum rw_err err = RW_OK;
    if (server) {
        place[rw_address_format(place, &server->storage)] = '\0';
        err = add_change(tailor, "dns.servers", place, changes, count);
    }
    for (size_t i = 0; i < tailor->tls_count && !err; i++) {
        size_t index = (size_t)(tailor->tls[i].upstream - upstreams);
        struct rw_span path = rw_arena_format(&tailor->arena, "upstreams[%zu].tls.ca", index);
        if (tailor->tls[i].ca < 0)
            continue;
        rw_memory_file_path(tailor->tls[i].ca, file);
        err = add_change(tailor, path.at, file, changes, count);
    }
    return err;
}

enum rw_err rw_tailor_write(struct rw_tailor *tailor, const struct rw_address *server)
{
    struct rw_conf_change changes[CHANGES_MAX];
    struct rw_text before = {0}, after = {0};
    size_t count = 0;
    close_file(&tailor->configuration);
    if (!tailor->config)
        return RW_OK;
    enum rw_err err = make_changes(tailor, server, changes, &count);
    if (err || !count)
        return err;
    err = rw_conf_slurp(tailor->file->gateway->config.at, RW_CONF_FILE_BYTES_MAX, true, &before);
    if (!err)
        err = rw_conf_rewrite(rw_text_span(&before), changes, count, &after);
    if (!err)
        err = rw_memory_file("ringway-verify-config", rw_text_span(&after), true,
                             &tailor->configuration);
    rw_text_free(&before);
    rw_text_free(&after);
    rw_memory_file_path(tailor->configuration, tailor->path);
    return err;
}

const char *rw_tailor_path(const struct rw_tailor *tailor)
{
    return tailor->configuration < 0 ? tailor->file->gateway->config.at : tailor->path;
}
