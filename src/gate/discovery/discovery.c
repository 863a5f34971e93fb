#include "gate/discovery/discovery.h"

#include "base/alloc.h"
#include "base/log.h"
#include "gate/discovery/discovery_kinds.h"
#include "gate/discovery/discovery_known.h"
#include "gate/discovery/discovery_secure.h"

enum { ARENA_BLOCK_BYTES = 512, GROUP_BYTES_MAX = 4 << 20, ARENA_BYTES_MAX = 1 << 20 };

/* ---- Groups ---- */

static struct rw_discovery_group *group_of(struct rw_list *item)
{
    return rw_container_of(item, struct rw_discovery_group, link);
}

static void free_group(struct rw_discovery *discovery, struct rw_discovery_group *group)
{
    rw_list_remove(&group->link);
    discovery->group_count--;
    rw_free(group->items);
    rw_arena_free(&group->arena);
    rw_free(group);
}

static struct rw_discovery_group *find_group(struct rw_discovery *discovery, struct rw_span key)
{
    for (struct rw_list *item = discovery->groups.next; item != &discovery->groups;
         item = item->next)
        if (rw_span_eq(group_of(item)->key, key))
            return group_of(item);
    return NULL;
}

void rw_discovery_remove(struct rw_discovery *discovery, struct rw_span key)
{
    struct rw_discovery_group *group = find_group(discovery, key);
    if (group)
        free_group(discovery, group);
}

enum rw_err rw_discovery_put(struct rw_discovery *discovery, struct rw_span key,
                             struct rw_discovery_group **group)
{
    rw_discovery_remove(discovery, key);
    if (discovery->group_count == RW_DISCOVERED_MAX)
        return RW_ELIMIT;
    struct rw_discovery_group *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    rw_arena_init(&made->arena, NULL, 0, ARENA_BLOCK_BYTES, GROUP_BYTES_MAX);
    rw_list_push_back(&discovery->groups, &made->link);
    discovery->group_count++;
    made->key = rw_arena_copy(&made->arena, key);
    if (!made->key.at) {
        free_group(discovery, made);
        return RW_ENOMEM;
    }
    *group = made;
    return RW_OK;
}

void rw_discovery_begin(struct rw_discovery *discovery)
{
    for (struct rw_list *item = discovery->groups.next; item != &discovery->groups;
         item = item->next)
        group_of(item)->stale = true;
}

void rw_discovery_end(struct rw_discovery *discovery)
{
    struct rw_list *item = discovery->groups.next;
    while (item != &discovery->groups) {
        struct rw_discovery_group *group = group_of(item);
        item = item->next;
        if (group->stale)
            free_group(discovery, group);
    }
    discovery->answered = true;
    rw_discovery_follows(discovery);
    rw_discovery_tell(discovery);
}

static bool does_all_leave(const struct rw_discovery *discovery)
{
    for (struct rw_list *item = discovery->groups.next; item != &discovery->groups;
         item = item->next)
        for (unsigned i = 0; i < group_of(item)->count; i++)
            if (!group_of(item)->items[i].leaving)
                return false;
    return true;
}

void rw_discovery_tell(struct rw_discovery *discovery)
{
    discovery->all_leave = does_all_leave(discovery);
    rw_known_changed(&discovery->known);
    struct rw_list *item = discovery->uses.next;
    while (item != &discovery->uses) {
        struct rw_discovery_use *use = rw_container_of(item, struct rw_discovery_use, link);
        item = item->next;
        use->changed(use);
    }
}

void rw_discovery_follows(struct rw_discovery *discovery)
{
    discovery->follows = true;
    rw_known_follows(&discovery->known, true);
    discovery->flaw.len = 0;
    discovery->flaw.err = RW_OK;
}

void rw_discovery_fails(struct rw_discovery *discovery, struct rw_span why)
{
    if (discovery->follows && discovery->loop)
        discovery->known_ms = rw_loop_now_ms(discovery->loop);
    discovery->follows = false;
    rw_known_follows(&discovery->known, false);
    discovery->failures++;
    discovery->flaw.len = 0;
    discovery->flaw.err = RW_OK;
    rw_text_add(&discovery->flaw, why);
}

/* ---- Endpoints ---- */

static bool copy_label(struct rw_arena *arena, struct rw_span *to, struct rw_span label,
                       struct rw_span around)
{
    label = label.len ? label : around;
    *to = rw_arena_copy(arena, label.len ? label : RW_LITERAL(""));
    return to->at != NULL;
}

static bool make_room(struct rw_discovery_group *group)
{
    if (group->count < group->room)
        return true;
    unsigned room = group->room ? group->room * 2 : 1;
    void *items = rw_realloc(group->items, room * sizeof(*group->items));
    if (!items)
        return false;
    group->items = items;
    group->room = room;
    return true;
}

enum rw_err rw_discovery_add(struct rw_discovery *discovery, struct rw_discovery_group *group,
                             struct rw_span address, const struct rw_discovered *item)
{
    if (group->count == RW_DISCOVERED_MAX)
        return RW_ELIMIT;
    if (!make_room(group))
        return RW_ENOMEM;
    struct rw_discovered *made = &group->items[group->count];
    const struct rw_locality *around = &discovery->around;
    *made = *item;
    enum rw_err err = rw_address_parse(address, &made->address);
    if (err)
        return RW_EINVAL;
    bool copied =
        copy_label(&group->arena, &made->locality.zone, item->locality.zone, around->zone) &&
        copy_label(&group->arena, &made->locality.region, item->locality.region, around->region) &&
        copy_label(&group->arena, &made->locality.cloud, item->locality.cloud, around->cloud);
    group->count += copied;
    return copied ? RW_OK : RW_ENOMEM;
}

static const struct rw_discovered *first_from(const struct rw_discovery *discovery,
                                              struct rw_list *item)
{
    for (; item != &discovery->groups; item = item->next)
        if (group_of(item)->count)
            return group_of(item)->items;
    return NULL;
}

static const struct rw_discovered *step(const struct rw_discovery *discovery,
                                        const struct rw_discovered *after)
{
    if (!after)
        return first_from(discovery, discovery->groups.next);
    for (struct rw_list *item = discovery->groups.next; item != &discovery->groups;
         item = item->next) {
        const struct rw_discovery_group *group = group_of(item);
        if (!group->count || after < group->items || after >= group->items + group->count)
            continue;
        return after + 1 < group->items + group->count ? after + 1
                                                       : first_from(discovery, item->next);
    }
    return NULL;
}

const struct rw_discovered *rw_discovery_next(const struct rw_discovery_use *use,
                                              const struct rw_discovered *after)
{
    do
        after = step(use->discovery, after);
    while (after && after->leaving && !use->discovery->all_leave);
    return after;
}

bool rw_discovery_answered(const struct rw_discovery_use *use)
{
    return use->discovery && use->discovery->answered;
}

uint64_t rw_discovery_failures(const struct rw_discovery_use *use)
{
    return use->discovery ? use->discovery->failures : 0;
}

struct rw_span rw_discovery_flaw(const struct rw_discovery_use *use)
{
    return use->discovery ? rw_text_span(&use->discovery->flaw) : RW_LITERAL("");
}

uint64_t rw_discovery_age_ms(const struct rw_discovery_use *use)
{
    const struct rw_discovery *discovery = use->discovery;
    if (!discovery || discovery->follows)
        return 0;
    return rw_loop_now_ms(discovery->loop) - discovery->known_ms;
}

/* ---- JSON ---- */

struct rw_span rw_json_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? rw_span(json_string_value(value), json_string_length(value))
                                 : RW_LITERAL("");
}

uint32_t rw_json_number(const json_t *object, const char *name, uint32_t fallback, uint32_t max)
{
    const json_t *value = json_object_get(object, name);
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    return number >= 0 && number <= max ? (uint32_t)number : fallback;
}

/* ---- Coming and going ---- */

void rw_discovery_free(struct rw_discovery *discovery)
{
    rw_known_drop(&discovery->known);
    while (!rw_list_empty(&discovery->groups))
        free_group(discovery, group_of(discovery->groups.next));
    rw_text_free(&discovery->flaw);
    rw_arena_free(&discovery->arena);
    rw_free(discovery);
}

static const struct rw_discovery_kind *kind_of(const struct rw_config_discovery *config)
{
    return config->file.len ? &rw_discovery_file
           : config->etcd   ? &rw_discovery_etcd
                            : &rw_discovery_kubernetes;
}

static void add_locality(struct rw_text *text, const struct rw_locality *locality)
{
    rw_text_addf(text, " %.*s/%.*s/%.*s", RW_SPAN_ARGS(locality->zone),
                 RW_SPAN_ARGS(locality->region), RW_SPAN_ARGS(locality->cloud));
}

static void add_tls(struct rw_text *text, const struct rw_config_tls_client *tls)
{
    if (tls)
        rw_text_addf(text, " %d %d %.*s %.*s %.*s %.*s", tls->verify, tls->min_version,
                     RW_SPAN_ARGS(tls->ca), RW_SPAN_ARGS(tls->name), RW_SPAN_ARGS(tls->cert),
                     RW_SPAN_ARGS(tls->key));
}

static void add_dns(struct rw_text *text, const struct rw_config_dns *dns)
{
    const struct rw_span *servers = dns->servers.items;
    for (size_t i = 0; i < dns->servers.count; i++)
        rw_text_addf(text, " dns %.*s", RW_SPAN_ARGS(servers[i]));
    rw_text_addf(text, " %u %u %u", dns->timeout_ms, dns->ttl_ms_min, dns->ttl_ms_max);
}

/* All that makes a difference, as a text. */
static void describe(struct rw_text *text, struct rw_span upstream,
                     const struct rw_config_discovery *config, const struct rw_config_dns *dns)
{
    rw_text_add(text, upstream);
    add_locality(text, &config->locality);
    if (config->file.len)
        rw_text_addf(text, " file %.*s", RW_SPAN_ARGS(config->file));
    else
        add_dns(text, dns);
    if (config->etcd) {
        const struct rw_span *servers = config->etcd->servers.items;
        for (size_t i = 0; i < config->etcd->servers.count; i++)
            rw_text_addf(text, " etcd %.*s", RW_SPAN_ARGS(servers[i]));
        rw_text_addf(text, " %.*s", RW_SPAN_ARGS(config->etcd->prefix));
        rw_text_add_json(text, config->etcd->username);
        rw_text_add_json(text, config->etcd->password);
        add_tls(text, config->etcd->tls);
    }
    const struct rw_config_kubernetes *kubernetes = config->kubernetes;
    if (kubernetes) {
        rw_text_addf(text, " kubernetes %d %.*s %.*s %.*s %.*s %.*s", kubernetes->family,
                     RW_SPAN_ARGS(kubernetes->server), RW_SPAN_ARGS(kubernetes->namespace),
                     RW_SPAN_ARGS(kubernetes->service), RW_SPAN_ARGS(kubernetes->port),
                     RW_SPAN_ARGS(kubernetes->token_file));
        add_tls(text, kubernetes->tls);
    }
}

static struct rw_discovery *find(const struct rw_list *all, struct rw_span identity)
{
    for (struct rw_list *item = all->next; item != all; item = item->next) {
        struct rw_discovery *discovery = rw_container_of(item, struct rw_discovery, link);
        if (rw_span_eq(discovery->identity, identity))
            return discovery;
    }
    return NULL;
}

enum rw_err rw_discovery_create(struct rw_loop *loop, struct rw_span upstream,
                                struct rw_span identity, const struct rw_locality *around,
                                struct rw_discovery **discovery)
{
    static const struct rw_span nothing;
    struct rw_discovery *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    rw_arena_init(&made->arena, NULL, 0, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
    rw_list_init(&made->uses);
    rw_list_init(&made->groups);
    made->loop = loop;
    made->upstream = rw_arena_copy(&made->arena, upstream);
    made->identity = rw_arena_copy(&made->arena, identity);
    bool copied = made->upstream.at && made->identity.at &&
                  copy_label(&made->arena, &made->around.zone, around->zone, nothing) &&
                  copy_label(&made->arena, &made->around.region, around->region, nothing) &&
                  copy_label(&made->arena, &made->around.cloud, around->cloud, nothing);
    if (!copied) {
        rw_discovery_free(made);
        return RW_ENOMEM;
    }
    *discovery = made;
    return RW_OK;
}

static enum rw_err make(struct rw_discoveries *discoveries, struct rw_span upstream,
                        struct rw_span identity, const struct rw_config_discovery *config,
                        const struct rw_config_dns *dns, struct rw_conf_report *report,
                        struct rw_discovery **out)
{
    struct rw_discovery *made = NULL;
    enum rw_err err =
        rw_discovery_create(discoveries->loop, upstream, identity, &config->locality, &made);
    if (err)
        return err;
    rw_discovery_remember(made, discoveries->known, config);
    made->kind = kind_of(config);
    err = made->kind->begin(made, config, dns, report);
    if (err)
        rw_discovery_free(made);
    else
        *out = made;
    return err;
}

enum rw_err rw_discovery_start(struct rw_discoveries *discoveries, struct rw_span upstream,
                               const struct rw_config_discovery *config,
                               const struct rw_config_dns *dns, struct rw_conf_report *report,
                               struct rw_discovery_use *use)
{
    struct rw_text identity = {0};
    describe(&identity, upstream, config, dns);
    struct rw_discovery *discovery = NULL;
    enum rw_err err = identity.err;
    if (!err)
        discovery = find(&discoveries->all, rw_text_span(&identity));
    if (!err && discovery && discovery->kind->renew)
        err = discovery->kind->renew(discovery, config, report);
    if (!err && !discovery) {
        err = make(discoveries, upstream, rw_text_span(&identity), config, dns, report, &discovery);
        if (!err)
            rw_list_push_back(&discoveries->all, &discovery->link);
    }
    rw_text_free(&identity);
    if (err)
        return err;
    use->discovery = discovery;
    rw_list_push_back(&discovery->uses, &use->link);
    return RW_OK;
}

/* The authority of a service account, which is the default, is only there in a cluster. */
enum rw_err rw_discovery_check(const struct rw_config_discovery *config,
                               struct rw_conf_report *report)
{
    const struct rw_config_tls_client *tls = config->etcd         ? config->etcd->tls
                                             : config->kubernetes ? config->kubernetes->tls
                                                                  : NULL;
    struct rw_tls_client *client = NULL;
    if (!tls || !tls->place.line)
        return RW_OK;
    enum rw_err err = rw_discovery_secure(tls, report, &client);
    rw_tls_client_drop(client);
    return err;
}

void rw_discovery_stop(struct rw_discovery_use *use)
{
    struct rw_discovery *discovery = use->discovery;
    if (!discovery)
        return;
    use->discovery = NULL;
    rw_list_remove(&use->link);
    if (!rw_list_empty(&discovery->uses))
        return;
    rw_list_remove(&discovery->link);
    rw_known_drop(&discovery->known);
    discovery->kind->end(discovery);
}
