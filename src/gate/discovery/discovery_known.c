#include "gate/discovery/discovery_known.h"

#include "base/log.h"
#include "gate/cluster/cluster.h"
#include "gate/discovery/discovery_secure.h"

enum { WEIGHT_MAX = 1000 }; /* as of a configured one */

/* ---- As a text ---- */

static void write_item(const struct rw_discovered *item, struct rw_text *text)
{
    char address[RW_ADDRESS_TEXT_MAX];
    size_t len = rw_address_format(address, &item->address.storage);
    rw_text_adds(text, "{\"address\":");
    rw_text_add_json(text, rw_span(address, len));
    rw_text_addf(text, ",\"weight\":%u,\"priority\":%u,\"leaving\":%s,\"zone\":", item->weight,
                 item->priority, item->leaving ? "true" : "false");
    rw_text_add_json(text, item->locality.zone);
    rw_text_adds(text, ",\"region\":");
    rw_text_add_json(text, item->locality.region);
    rw_text_adds(text, ",\"cloud\":");
    rw_text_add_json(text, item->locality.cloud);
    rw_text_adds(text, "}");
}

void rw_discovery_write_known(const struct rw_discovery *discovery, struct rw_text *text)
{
    unsigned count = 0;
    if (!discovery->answered)
        return;
    rw_text_adds(text, "[");
    for (const struct rw_list *at = discovery->groups.next; at != &discovery->groups;
         at = at->next) {
        const struct rw_discovery_group *group =
            rw_container_of(at, struct rw_discovery_group, link);
        for (unsigned i = 0; i < group->count && count < RW_DISCOVERED_MAX; i++) {
            rw_text_adds(text, count++ ? "," : "");
            write_item(&group->items[i], text);
        }
    }
    rw_text_adds(text, "]");
}

static enum rw_err read_item(struct rw_discovery *discovery, struct rw_discovery_group *group,
                             const json_t *entry)
{
    const struct rw_discovered item = {
        .weight = rw_json_number(entry, "weight", 0, WEIGHT_MAX),
        .priority = rw_json_number(entry, "priority", 0, RW_PRIORITIES - 1),
        .leaving = json_is_true(json_object_get(entry, "leaving")),
        .locality = {.zone = rw_json_text(entry, "zone"),
                     .region = rw_json_text(entry, "region"),
                     .cloud = rw_json_text(entry, "cloud")},
    };
    enum rw_err err = rw_discovery_add(discovery, group, rw_json_text(entry, "address"), &item);
    return err == RW_EINVAL ? RW_EPROTO : err;
}

/* One group: the first list that comes drops it. */
static enum rw_err read_items(struct rw_discovery *discovery, const json_t *list)
{
    const struct rw_span key = RW_LITERAL("known");
    struct rw_discovery_group *group;
    enum rw_err err = json_is_array(list) ? RW_OK : RW_EPROTO;
    if (!err)
        err = rw_discovery_put(discovery, key, &group);
    if (err)
        return err;
    for (size_t i = 0; i < json_array_size(list) && !err; i++)
        err = read_item(discovery, group, json_array_get(list, i));
    if (err)
        rw_discovery_remove(discovery, key);
    return err;
}

enum rw_err rw_discovery_read_known(struct rw_discovery *discovery, struct rw_span text)
{
    json_t *list = json_loadb(text.at ? text.at : "", text.len, 0, NULL);
    enum rw_err err = read_items(discovery, list);
    json_decref(list);
    if (err)
        return err;
    discovery->answered = true;
    rw_discovery_tell(discovery);
    return RW_OK;
}

/* ---- The note ---- */

static void write(struct rw_known_use *use, struct rw_text *text)
{
    rw_discovery_write_known(rw_container_of(use, struct rw_discovery, known), text);
}

/* What is asked, whom, and who vouches for the answer; not how one gets there. */
static void describe(struct rw_text *text, const struct rw_discovery *discovery,
                     const struct rw_config_discovery *config)
{
    const struct rw_locality *around = &config->locality;
    rw_text_addf(text, "upstream %.*s: %.*s/%.*s/%.*s", RW_SPAN_ARGS(discovery->upstream),
                 RW_SPAN_ARGS(around->zone), RW_SPAN_ARGS(around->region),
                 RW_SPAN_ARGS(around->cloud));
    if (config->etcd) {
        const struct rw_span *servers = config->etcd->servers.items;
        rw_text_addf(text, " etcd %.*s", RW_SPAN_ARGS(config->etcd->prefix));
        for (size_t i = 0; i < config->etcd->servers.count; i++)
            rw_text_addf(text, " %.*s", RW_SPAN_ARGS(servers[i]));
        rw_discovery_describe_trust(config->etcd->tls, text);
    } else if (config->kubernetes) {
        const struct rw_config_kubernetes *kubernetes = config->kubernetes;
        rw_text_addf(text, " kubernetes %.*s %.*s/%.*s %.*s %d", RW_SPAN_ARGS(kubernetes->server),
                     RW_SPAN_ARGS(kubernetes->namespace), RW_SPAN_ARGS(kubernetes->service),
                     RW_SPAN_ARGS(kubernetes->port), kubernetes->family);
        rw_discovery_describe_trust(kubernetes->plain ? NULL : kubernetes->tls, text);
    } else {
        rw_text_addf(text, " file %.*s", RW_SPAN_ARGS(config->file));
    }
}

static void take_over(struct rw_discovery *discovery)
{
    struct rw_span text = rw_known_text(&discovery->known);
    if (!text.len)
        return;
    discovery->known_ms = rw_known_until_ms(&discovery->known);
    enum rw_err err = rw_discovery_read_known(discovery, text);
    if (err)
        rw_log_warn("discovery", "upstream %.*s: what was known before is of no use: %s",
                    RW_SPAN_ARGS(discovery->upstream),
                    err == RW_EPROTO ? "it is no list of endpoints" : rw_err_text(err));
    else
        rw_log_info(
            "discovery",
            "upstream %.*s: begins with what was known %.1f s ago, until there is an answer",
            RW_SPAN_ARGS(discovery->upstream),
            (double)(rw_loop_now_ms(discovery->loop) - discovery->known_ms) / 1e3);
}

void rw_discovery_remember(struct rw_discovery *discovery, struct rw_known *known,
                           const struct rw_config_discovery *config)
{
    struct rw_text key = {0};
    describe(&key, discovery, config);
    discovery->notes = known;
    discovery->known.write = write;
    if (!key.err)
        rw_known_hold(known, rw_text_span(&key), &discovery->known);
    rw_text_free(&key);
    take_over(discovery);
}
