#include "gate/config/settable.h"

#include "http/message.h"

const char *rw_settable_flaw(struct rw_span name, enum rw_settable where)
{
    if (!rw_is_token(name))
        return "is not a field name";
    switch (rw_field_id(name)) {
    case RW_FIELD_CONTENT_LENGTH:
    case RW_FIELD_TRANSFER_ENCODING:
    case RW_FIELD_TRAILER:
        return "frames the message: the gateway itself writes it";
    case RW_FIELD_CONNECTION:
    case RW_FIELD_KEEP_ALIVE:
    case RW_FIELD_UPGRADE:
    case RW_FIELD_TE:
    case RW_FIELD_PROXY_CONNECTION:
    case RW_FIELD_HTTP2_SETTINGS:
        return "belongs to one connection: the gateway itself writes it";
    default:
        break;
    }
    if (where == RW_SETTABLE_RESPONSE)
        return NULL;
    switch (rw_field_id(name)) {
    case RW_FIELD_HOST:
        return "routes the request: use the policy rewrite, or `host` of the upstream";
    case RW_FIELD_EXPECT:
        return "frames the message: the gateway itself answers it";
    case RW_FIELD_FORWARDED:
    case RW_FIELD_X_FORWARDED_FOR:
    case RW_FIELD_X_FORWARDED_HOST:
    case RW_FIELD_X_FORWARDED_PROTO:
        return "says who the client is: see `forwarded` and `trusted_proxies` of the listener";
    case RW_FIELD_VIA:
    case RW_FIELD_TRACEPARENT:
        return "is written by the gateway itself";
    default:
        return NULL;
    }
}

void rw_settable_check_pairs(struct rw_conf_report *report, const struct rw_conf_list *pairs,
                             enum rw_settable where)
{
    const struct rw_conf_pair *items = pairs->items;
    for (size_t i = 0; i < pairs->count; i++) {
        const char *flaw = rw_settable_flaw(items[i].key, where);
        if (flaw)
            rw_conf_mistake_on(report, &items[i], "%s cannot be set: it %s",
                               rw_conf_quote(report, items[i].key), flaw);
        if (!rw_is_field_value(items[i].value))
            rw_conf_mistake_on(report, &items[i],
                               "the value of %s has characters that no field may have, or white "
                               "space at an end",
                               rw_conf_quote(report, items[i].key));
    }
}

void rw_settable_check_names(struct rw_conf_report *report, const struct rw_conf_list *names,
                             enum rw_settable where)
{
    const struct rw_span *items = names->items;
    for (size_t i = 0; i < names->count; i++) {
        const char *flaw = rw_settable_flaw(items[i], where);
        if (flaw)
            rw_conf_mistake_on(report, &items[i], "%s cannot be removed: it %s",
                               rw_conf_quote(report, items[i]), flaw);
    }
}
