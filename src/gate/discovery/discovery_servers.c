#include "gate/discovery/discovery_servers.h"

static void on_resolved(struct rw_resolve_use *use)
{
    struct rw_place *place = rw_container_of(use, struct rw_place, use);
    struct rw_discovery_servers *servers =
        rw_container_of(place, struct rw_discovery_server, place)->of;
    servers->moved(servers);
}

static enum rw_err make_resolver(struct rw_discovery_servers *servers,
                                 const struct rw_discovery *discovery,
                                 const struct rw_config_dns *dns)
{
    if (servers->resolver)
        return RW_OK;
    enum rw_err err =
        rw_resolver_create(discovery->loop, discovery->notes, dns, &servers->resolver);
    if (err)
        servers->resolver = NULL;
    return err;
}

enum rw_err rw_discovery_servers_start(struct rw_discovery_servers *servers,
                                       struct rw_discovery *discovery, const struct rw_span *texts,
                                       size_t count, const struct rw_config_dns *dns)
{
    enum rw_err err = RW_OK;
    servers->all = rw_arena_zero(&discovery->arena, count * sizeof(*servers->all));
    if (!servers->all)
        return RW_ENOMEM;
    for (; servers->count < count && !err; servers->count++) {
        struct rw_discovery_server *server = &servers->all[servers->count];
        server->of = servers;
        err = rw_place_set(&server->place, texts[servers->count]);
        if (!err && server->place.named)
            err = make_resolver(servers, discovery, dns);
        if (!err)
            err = rw_place_start(&server->place, servers->resolver, on_resolved);
    }
    return err;
}

void rw_discovery_servers_stop(struct rw_discovery_servers *servers)
{
    for (unsigned i = 0; i < servers->count; i++)
        rw_place_stop(&servers->all[i].place);
    if (servers->resolver)
        rw_resolver_destroy(servers->resolver);
    servers->resolver = NULL;
}

const char *rw_discovery_servers_locate(struct rw_discovery_servers *servers, unsigned number,
                                        struct rw_feed_target *target)
{
    struct rw_place *place = &servers->all[number].place;
    target->text = place->text;
    target->host = *place->host ? place->host : NULL;
    if (place->use.name && !rw_resolve_settled(&place->use))
        return ""; /* the answer will say so */
    return rw_place_next(place, &target->address);
}
