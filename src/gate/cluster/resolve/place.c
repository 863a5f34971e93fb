#include "gate/cluster/resolve/place.h"

#include "conf/scalar.h"

#include <stdio.h>

#define NOT_RESOLVED "its name is not resolved"

enum rw_err rw_place_set(struct rw_place *place, struct rw_span text)
{
    struct rw_conf_address parts;
    *place = (struct rw_place){0};
    if (text.len > RW_PLACE_BYTES_MAX || rw_conf_address(text, true, &parts) || parts.srv.len ||
        parts.host.len > RW_PLACE_HOST_BYTES_MAX)
        return RW_EINVAL;
    memcpy(place->text, text.at, text.len);
    if (parts.host.len)
        memcpy(place->host, parts.host.at, parts.host.len);
    place->port = parts.port;
    place->named = parts.host.len && rw_address_parse(text, &place->address) != RW_OK;
    return place->named || !rw_address_parse(text, &place->address) ? RW_OK : RW_EINVAL;
}

enum rw_err rw_place_set_host(struct rw_place *place, struct rw_span host, uint16_t port)
{
    char text[RW_PLACE_BYTES_MAX + 1];
    if (host.len == 0 || host.len > RW_PLACE_HOST_BYTES_MAX || port == 0)
        return RW_EINVAL;
    int len = snprintf(text, sizeof(text), rw_span_find(host, ':') < 0 ? "%.*s:%u" : "[%.*s]:%u",
                       RW_SPAN_ARGS(host), port);
    return len > RW_PLACE_BYTES_MAX ? RW_EINVAL : rw_place_set(place, rw_span(text, (size_t)len));
}

enum rw_err rw_place_start(struct rw_place *place, struct rw_resolver *resolver,
                           void (*changed)(struct rw_resolve_use *use))
{
    if (!place->named || !resolver)
        return RW_OK;
    place->use.changed = changed;
    return rw_resolve_start(resolver, rw_span_text(place->host), false, &place->use);
}

void rw_place_stop(struct rw_place *place)
{
    rw_resolve_stop(&place->use);
}

const char *rw_place_next(struct rw_place *place, struct rw_address *address)
{
    size_t count = 0;
    if (!place->named) {
        *address = place->address;
        return NULL;
    }
    if (!place->use.name)
        return NOT_RESOLVED;
    const struct rw_resolved *found = rw_resolve_answer(&place->use, &count);
    if (count) {
        *address = found[place->next++ % count].address;
        rw_address_set_port(&address->storage, place->port);
    }
    rw_resolve_again(&place->use);
    return count ? NULL : NOT_RESOLVED;
}

bool rw_place_has(const struct rw_place *place, const struct rw_address *address)
{
    size_t count = 0;
    const struct rw_resolved *found = NULL;
    if (!place->named)
        return rw_address_eq(&place->address.storage, &address->storage);
    if (place->use.name)
        found = rw_resolve_answer(&place->use, &count);
    for (size_t i = 0; i < count; i++) {
        struct rw_address known = found[i].address;
        rw_address_set_port(&known.storage, place->port);
        if (rw_address_eq(&known.storage, &address->storage))
            return true;
    }
    return count == 0;
}
