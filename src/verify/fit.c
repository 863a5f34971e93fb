#include "verify/fit.h"

#include "io/address.h"

static bool is_there(const struct rw_config_endpoint *endpoint, const struct rw_address *server)
{
    struct rw_address is;
    return !rw_address_parse(endpoint->address, &is) &&
           rw_address_eq(&is.storage, &server->storage);
}

/* A name may lead to any host, and a service to any port. */
static bool may_be_there(const struct rw_config_endpoint *endpoint, const struct rw_address *server)
{
    struct rw_conf_address named = {0};
    bool has_name =
        rw_endpoint_has_name(endpoint, &named) || rw_span_is_nocase(named.host, "localhost");
    if (!has_name)
        return is_there(endpoint, server);
    return named.srv.len || named.port == rw_address_port(&server->storage);
}

/* What discovery finds may be anywhere. */
static bool may_serve(const struct rw_config_upstream *upstream, const struct rw_address *server)
{
    const struct rw_config_endpoint *endpoints = upstream->endpoints.items;
    for (size_t i = 0; i < upstream->endpoints.count; i++)
        if (may_be_there(&endpoints[i], server))
            return true;
    return upstream->discovery;
}

/* The upstream that has this very endpoint; NULL: none. */
static const struct rw_config_upstream *owner_of(const struct rw_config *config,
                                                 const struct rw_address *server)
{
    const struct rw_config_upstream *upstreams = config->upstreams.items;
    for (size_t i = 0; i < config->upstreams.count; i++) {
        const struct rw_config_endpoint *endpoints = upstreams[i].endpoints.items;
        for (size_t k = 0; k < upstreams[i].endpoints.count; k++)
            if (is_there(&endpoints[k], server))
                return &upstreams[i];
    }
    return NULL;
}

static void tell(const struct rw_acceptance *file, const struct rw_verify_server *server,
                 const struct rw_config_upstream *named, const struct rw_config_upstream *owner,
                 struct rw_text *why)
{
    rw_text_addf(why, "%s:%u:%u: server %s: ", file->path, server->place.line, server->place.column,
                 server->name.at);
    if (owner) {
        rw_text_addf(why, "%s is an endpoint of upstream %s: `upstream: %s` says so\n",
                     server->address.at, owner->name.at, owner->name.at);
        return;
    }
    const struct rw_config_endpoint *endpoints = named->endpoints.items;
    rw_text_addf(why, "upstream %s has no endpoint at %s; it has", named->name.at,
                 server->address.at);
    for (size_t i = 0; i < named->endpoints.count; i++)
        rw_text_addf(why, "%s %s", i ? "," : "", endpoints[i].address.at);
    rw_text_adds(why, "\n");
}

enum rw_err rw_acceptance_fits(const struct rw_acceptance *file, const struct rw_config *config,
                               struct rw_text *why)
{
    const struct rw_verify_server *servers = rw_acceptance_servers(file);
    enum rw_err err = RW_OK;
    for (size_t i = 0; i < file->servers.count; i++) {
        struct rw_address address;
        if (servers[i].kind != RW_DEPENDENCY_UPSTREAM ||
            rw_address_parse(servers[i].address, &address))
            continue;
        const struct rw_config_upstream *named =
            rw_config_upstream_named(config, servers[i].upstream);
        if (named && may_serve(named, &address))
            continue;
        const struct rw_config_upstream *owner = owner_of(config, &address);
        if (!named && !owner)
            continue;
        tell(file, &servers[i], named, owner, why);
        err = RW_EINVAL;
    }
    return err;
}
