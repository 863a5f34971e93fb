#include "gate/cluster/resolve/resolve.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "gate/cluster/resolve/resolve_name.h"
#include "gate/config/config.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BUCKETS = 256, TTL_MS_FLOOR = 100, SETTLE_STEP_MS = 50 };
enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 };

struct rw_resolver {
    struct rw_resolve_channel channel;
    struct rw_loop *loop;
    struct rw_known *known;
    struct rw_text servers;         /* for c-ares; empty: the system's */
    struct timespec system_changed; /* of resolv.conf, when it is used */
    uint32_t timeout_ms, ttl_ms_min, ttl_ms_max;
    unsigned unsettled;
    struct rw_list names[NAME_BUCKETS];
};

/* Owned by c-ares until it calls back. */
struct lookup {
    struct rw_resolve_name *name; /* NULL: nobody wants it any more */
};

/* ---- The resolver ---- */

static enum rw_err list_servers(const struct rw_config_dns *dns, struct rw_text *text)
{
    const struct rw_span *servers = dns->servers.items;
    for (size_t i = 0; i < dns->servers.count; i++) {
        struct rw_address address;
        char server[RW_ADDRESS_TEXT_MAX];
        enum rw_err err = rw_address_parse(servers[i], &address);
        if (err || address.storage.ss_family == AF_UNIX)
            return RW_EINVAL;
        rw_text_adds(text, i ? "," : "");
        rw_text_add(text, rw_span(server, rw_address_format(server, &address.storage)));
    }
    return text->err;
}

static struct timespec system_changed(void)
{
    struct stat status;
    return stat("/etc/resolv.conf", &status) == 0 ? status.st_mtim : (struct timespec){0};
}

enum rw_err rw_resolver_create(struct rw_loop *loop, struct rw_known *known,
                               const struct rw_config_dns *dns, struct rw_resolver **resolver)
{
    if (rw_loop_backend(loop) == RW_LOOP_SIM)
        return RW_EUNSUPPORTED;
    struct rw_resolver *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    made->loop = loop;
    made->known = known;
    made->timeout_ms = dns->timeout_ms;
    made->ttl_ms_min = dns->ttl_ms_min;
    made->ttl_ms_max = dns->ttl_ms_max;
    made->system_changed = system_changed();
    for (unsigned i = 0; i < NAME_BUCKETS; i++)
        rw_list_init(&made->names[i]);
    enum rw_err err = list_servers(dns, &made->servers);
    if (!err)
        err = rw_resolve_channel_open(&made->channel, loop,
                                      made->servers.len ? made->servers.at : "", dns->timeout_ms);
    if (err) {
        rw_text_free(&made->servers);
        rw_free(made);
        return err;
    }
    *resolver = made;
    return RW_OK;
}

void rw_resolver_destroy(struct rw_resolver *resolver)
{
    for (unsigned i = 0; i < NAME_BUCKETS; i++)
        rw_assert(rw_list_empty(&resolver->names[i]));
    rw_resolve_channel_close(&resolver->channel);
    rw_text_free(&resolver->servers);
    rw_free(resolver);
}

bool rw_resolver_is(const struct rw_resolver *resolver, const struct rw_config_dns *dns)
{
    struct rw_text servers = {0};
    bool same = list_servers(dns, &servers) == RW_OK &&
                rw_span_eq(rw_text_span(&servers), rw_text_span(&resolver->servers)) &&
                resolver->timeout_ms == dns->timeout_ms &&
                resolver->ttl_ms_min == dns->ttl_ms_min && resolver->ttl_ms_max == dns->ttl_ms_max;
    rw_text_free(&servers);
    if (same && dns->servers.count == 0) {
        struct timespec now = system_changed(), then = resolver->system_changed;
        same = now.tv_sec == then.tv_sec && now.tv_nsec == then.tv_nsec;
    }
    return same;
}

bool rw_resolver_settle(struct rw_resolver *resolver, uint32_t ms_max)
{
    uint64_t deadline_ms = rw_clock_monotonic_ns() / RW_NS_PER_MS + ms_max;
    while (resolver->unsettled > 0) {
        uint64_t now_ms = rw_clock_monotonic_ns() / RW_NS_PER_MS;
        if (now_ms >= deadline_ms)
            return false;
        uint64_t left_ms = deadline_ms - now_ms;
        rw_resolve_channel_wait(&resolver->channel,
                                left_ms < SETTLE_STEP_MS ? (uint32_t)left_ms : SETTLE_STEP_MS);
    }
    return true;
}

/* ---- Answers ---- */

static void free_name(struct rw_resolve_name *name)
{
    struct rw_resolver *resolver = name->resolver;
    if (!name->settled)
        resolver->unsettled--;
    if (name->lookup)
        name->lookup->name = NULL;
    rw_timer_stop(resolver->loop, &name->timer);
    rw_list_remove(&name->link);
    rw_resolve_srv_stop(name);
    rw_known_drop(&name->known);
    rw_free(name->answer);
    rw_free(name);
}

/* Any user may stop any use meanwhile. */
static void tell_users(struct rw_resolve_name *name)
{
    struct rw_list batch, *item;
    rw_list_insert_after(&name->uses, (rw_list_init(&batch), &batch));
    rw_list_remove(&name->uses);
    rw_list_init(&name->uses);
    name->telling = true;
    while ((item = rw_list_pop_front(&batch))) {
        struct rw_resolve_use *use = rw_container_of(item, struct rw_resolve_use, link);
        rw_list_push_back(&name->uses, item);
        use->changed(use);
    }
    name->telling = false;
    if (name->use_count == 0)
        free_name(name);
}

static int compare_resolved(const void *a, const void *b)
{
    const struct rw_resolved *left = a, *right = b;
    int order =
        memcmp(&left->address.storage, &right->address.storage, sizeof(left->address.storage));
    if (order == 0)
        order = memcmp(left->host.at, right->host.at,
                       (left->host.len < right->host.len ? left->host.len : right->host.len) + 1);
    if (order)
        return order;
    return left->weight < right->weight ? -1 : left->weight > right->weight;
}

static bool is_answer(const struct rw_resolve_name *name, const struct rw_resolved *found,
                      size_t count)
{
    if (name->count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (compare_resolved(&name->answer[i], &found[i]))
            return false;
    }
    return true;
}

/* The array, then the hosts. */
struct rw_resolved *rw_resolve_copy(const struct rw_resolved *found, size_t count)
{
    size_t bytes = count * sizeof(*found) + 1;
    for (size_t i = 0; i < count; i++)
        bytes += found[i].host.len + 1;
    struct rw_resolved *copy = rw_alloc(bytes);
    if (!copy)
        return NULL;
    char *text = (char *)(copy + count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = found[i];
        copy[i].host.at = text;
        memcpy(text, found[i].host.at, found[i].host.len);
        text[found[i].host.len] = '\0';
        text += found[i].host.len + 1;
    }
    return copy;
}

static bool settle_name(struct rw_resolve_name *name)
{
    if (name->settled)
        return false;
    name->settled = true;
    name->resolver->unsettled--;
    return true;
}

enum rw_err rw_resolve_set_answer(struct rw_resolve_name *name, struct rw_resolved *found,
                                  size_t count)
{
    qsort(found, count, sizeof(*found), compare_resolved);
    bool changed = !is_answer(name, found, count);
    if (changed) {
        struct rw_resolved *copy = rw_resolve_copy(found, count);
        if (!copy)
            return RW_ENOMEM;
        rw_free(name->answer);
        name->answer = copy;
        name->count = count;
        rw_known_changed(&name->known);
    }
    if (settle_name(name) || changed)
        tell_users(name);
    return RW_OK;
}

/* ---- Lookups ---- */

static void start_again(struct rw_resolve_name *name, uint64_t after_ms)
{
    struct rw_loop *loop = name->resolver->loop;
    rw_timer_start(loop, &name->timer, rw_loop_now_ms(loop) + after_ms);
}

void rw_resolve_succeeded(struct rw_resolve_name *name, uint64_t ttl_ms)
{
    const struct rw_resolver *resolver = name->resolver;
    if (name->failing)
        rw_log_info("dns", "%.*s is resolved again", RW_SPAN_ARGS(name->name));
    name->failing = false;
    rw_known_follows(&name->known, true);
    name->failures = 0;
    if (ttl_ms > resolver->ttl_ms_max)
        ttl_ms = resolver->ttl_ms_max;
    if (ttl_ms < resolver->ttl_ms_min)
        ttl_ms = resolver->ttl_ms_min;
    start_again(name, ttl_ms > TTL_MS_FLOOR ? ttl_ms : TTL_MS_FLOOR);
}

void rw_resolve_failed(struct rw_resolve_name *name, const char *reason)
{
    uint64_t after_ms = RW_RESOLVE_RETRY_MS_MAX;
    if (name->failures < 6)
        after_ms = (uint64_t)RW_RESOLVE_RETRY_MS_MIN << name->failures;
    name->failures++;
    if (!name->failing)
        rw_log_warn("dns", "cannot resolve %.*s: %s; %zu known addresses stay in use",
                    RW_SPAN_ARGS(name->name), reason, name->count);
    name->failing = true;
    rw_known_follows(&name->known, false);
    start_again(name, after_ms < RW_RESOLVE_RETRY_MS_MAX ? after_ms : RW_RESOLVE_RETRY_MS_MAX);
    if (settle_name(name))
        tell_users(name);
}

/* Is there a route? Connecting a datagram socket asks the kernel, and sends nothing. */
static bool is_reachable(const struct sockaddr *address, socklen_t bytes)
{
    struct sockaddr_storage copy = {0};
    memcpy(&copy, address, bytes);
    rw_address_set_port(&copy, 9);
    int fd = socket(copy.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno != EAFNOSUPPORT;
    bool reachable = connect(fd, (struct sockaddr *)&copy, bytes) == 0 ||
                     (errno != ENETUNREACH && errno != EHOSTUNREACH && errno != EADDRNOTAVAIL);
    close(fd);
    return reachable;
}

static unsigned family_of(const struct sockaddr *address)
{
    return address->sa_family == AF_INET    ? FAMILY_IPV4
           : address->sa_family == AF_INET6 ? FAMILY_IPV6
                                            : 0;
}

/* What a reply holds, on its way to being the answer. */
struct found {
    struct rw_resolved *items;
    size_t count;
    unsigned families;
    uint32_t ttl_s;
    bool reachable_only;
};

static void add_address(struct found *found, const struct rw_resolve_name *name,
                        const struct sockaddr *address, socklen_t bytes)
{
    if (found->count == RW_RESOLVE_ADDRESSES_MAX)
        return;
    struct rw_resolved *item = &found->items[found->count++];
    *item = (struct rw_resolved){.host = name->name, .weight = RW_RESOLVE_WEIGHT_ONE};
    memcpy(&item->address.storage, address, bytes);
    item->address.bytes = bytes;
    found->families |= family_of(address);
}

static void collect(struct found *found, const struct rw_resolve_name *name,
                    const struct ares_addrinfo *reply)
{
    found->count = 0;
    found->families = 0;
    for (const struct ares_addrinfo_node *node = reply->nodes; node; node = node->ai_next) {
        if (family_of(node->ai_addr) &&
            (!found->reachable_only || is_reachable(node->ai_addr, node->ai_addrlen)))
            add_address(found, name, node->ai_addr, node->ai_addrlen);
    }
}

static uint32_t least_ttl(const struct ares_addrinfo *reply)
{
    int ttl_s = INT32_MAX;
    for (const struct ares_addrinfo_node *node = reply->nodes; node; node = node->ai_next)
        ttl_s = node->ai_ttl < ttl_s ? node->ai_ttl : ttl_s;
    for (const struct ares_addrinfo_cname *cname = reply->cnames; cname; cname = cname->next)
        ttl_s = cname->ttl < ttl_s ? cname->ttl : ttl_s;
    return ttl_s > 0 ? (uint32_t)ttl_s : 0;
}

/* A family that was there and is missing for the first time stays, and is asked for again soon. */
static void keep_missing(struct found *found, struct rw_resolve_name *name)
{
    unsigned had = 0, present = found->families;
    for (size_t i = 0; i < name->count; i++)
        had |= family_of((const struct sockaddr *)&name->answer[i].address.storage);
    unsigned missing = had & ~present;
    unsigned kept = missing & ~name->missing;
    for (size_t i = 0; i < name->count && kept; i++) {
        const struct rw_address *address = &name->answer[i].address;
        if (family_of(rw_address_sockaddr(address)) & kept)
            add_address(found, name, rw_address_sockaddr(address), address->bytes);
    }
    if (kept)
        found->ttl_s = RW_RESOLVE_RETRY_MS_MIN / 1000;
    name->missing = missing;
}

static void take_reply(struct rw_resolve_name *name, const struct ares_addrinfo *reply)
{
    struct found found = {.ttl_s = least_ttl(reply), .reachable_only = true};
    found.items = rw_alloc(RW_RESOLVE_ADDRESSES_MAX * sizeof(*found.items));
    if (!found.items) {
        rw_resolve_failed(name, rw_err_text(RW_ENOMEM));
        return;
    }
    collect(&found, name, reply);
    if (found.count == 0) {
        found.reachable_only = false;
        collect(&found, name, reply);
    }
    keep_missing(&found, name);
    /* The next lookup is settled first: telling users may free the name. */
    if (found.count == 0) {
        rw_resolve_failed(name, "no addresses");
    } else {
        rw_resolve_succeeded(name, (uint64_t)found.ttl_s * 1000);
        if (rw_resolve_set_answer(name, found.items, found.count))
            rw_resolve_failed(name, rw_err_text(RW_ENOMEM));
    }
    rw_free(found.items);
}

/* The name that still wants this reply, or NULL. */
static struct rw_resolve_name *finish_lookup(struct lookup *lookup)
{
    struct rw_resolve_name *name = lookup->name;
    if (name)
        name->lookup = NULL;
    rw_free(lookup);
    return name;
}

static void on_addresses(void *user, int status, int timeouts, struct ares_addrinfo *reply)
{
    (void)timeouts;
    struct rw_resolve_name *name = finish_lookup(user);
    if (name && status == ARES_SUCCESS)
        take_reply(name, reply);
    else if (name)
        rw_resolve_failed(name, ares_strerror(status));
    if (reply)
        ares_freeaddrinfo(reply);
}

static void on_srv(void *user, int status, int timeouts, unsigned char *bytes, int len)
{
    (void)timeouts;
    struct rw_resolve_name *name = finish_lookup(user);
    if (name && status == ARES_SUCCESS)
        rw_resolve_srv_reply(name, bytes, len);
    else if (name)
        rw_resolve_failed(name, ares_strerror(status));
}

/* May free the name, when its users stop on being told. */
static void look_up(struct rw_resolve_name *name)
{
    const struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct rw_resolve_channel *channel = &name->resolver->channel;
    struct lookup *lookup = rw_alloc(sizeof(*lookup));
    if (!lookup) {
        rw_resolve_failed(name, rw_err_text(RW_ENOMEM));
        return;
    }
    lookup->name = name;
    name->lookup = lookup;
    name->asked_ms = rw_loop_now_ms(name->resolver->loop);
    if (name->srv)
        ares_search(channel->ares, name->name.at, ns_c_in, ns_t_srv, on_srv, lookup);
    else
        ares_getaddrinfo(channel->ares, name->name.at, NULL, &hints, on_addresses, lookup);
    rw_resolve_channel_asked(channel);
}

static void on_timer(struct rw_timer *timer)
{
    look_up(rw_container_of(timer, struct rw_resolve_name, timer));
}

/* ---- Users ---- */

static struct rw_list *bucket_of(struct rw_resolver *resolver, struct rw_span name)
{
    return &resolver->names[rw_hash(name.at, name.len, 0) % NAME_BUCKETS];
}

static struct rw_resolve_name *find_name(struct rw_resolver *resolver, struct rw_span text,
                                         bool srv)
{
    struct rw_list *bucket = bucket_of(resolver, text);
    for (struct rw_list *item = bucket->next; item != bucket; item = item->next) {
        struct rw_resolve_name *name = rw_container_of(item, struct rw_resolve_name, link);
        if (name->srv == srv && rw_span_eq(name->name, text))
            return name;
    }
    return NULL;
}

static struct rw_resolve_name *make_name(struct rw_resolver *resolver, struct rw_span text,
                                         bool srv)
{
    struct rw_resolve_name *name = rw_alloc_zero(sizeof(*name) + text.len + 1);
    if (!name)
        return NULL;
    memcpy(name->text, text.at, text.len);
    name->name = rw_span(name->text, text.len);
    name->resolver = resolver;
    name->srv = srv;
    name->timer.fire = on_timer;
    rw_list_init(&name->uses);
    rw_list_push_back(bucket_of(resolver, text), &name->link);
    rw_resolve_hold_known(name, resolver->known);
    resolver->unsettled++;
    return name;
}

enum rw_err rw_resolve_start(struct rw_resolver *resolver, struct rw_span text, bool srv,
                             struct rw_resolve_use *use)
{
    struct rw_resolve_name *name = find_name(resolver, text, srv);
    bool made = !name;
    if (made)
        name = make_name(resolver, text, srv);
    if (!name)
        return RW_ENOMEM;
    /* Counted but not linked yet: what is found at once is not told. */
    name->use_count++;
    use->name = name;
    if (made) {
        look_up(name);
        rw_resolve_take_known(name);
    }
    rw_list_push_back(&name->uses, &use->link);
    return RW_OK;
}

void rw_resolve_again(struct rw_resolve_use *use)
{
    struct rw_resolve_name *name = use->name;
    struct rw_loop *loop = name->resolver->loop;
    uint64_t due_ms = name->asked_ms + RW_RESOLVE_RETRY_MS_MIN;
    if (due_ms < rw_loop_now_ms(loop))
        due_ms = rw_loop_now_ms(loop);
    if (!name->lookup && (!rw_timer_running(&name->timer) || name->timer.due_ms > due_ms))
        rw_timer_start(loop, &name->timer, due_ms);
}

void rw_resolve_stop(struct rw_resolve_use *use)
{
    struct rw_resolve_name *name = use->name;
    if (!name)
        return;
    use->name = NULL;
    rw_list_remove(&use->link);
    name->use_count--;
    if (name->use_count == 0 && !name->telling)
        free_name(name);
}

const struct rw_resolved *rw_resolve_answer(const struct rw_resolve_use *use, size_t *count)
{
    *count = use->name->count;
    return use->name->answer;
}

bool rw_resolve_settled(const struct rw_resolve_use *use)
{
    return use->name->settled;
}
