#include "gate/route/circles.h"

#include "base/alloc.h"
#include "gate/snapshot.h"

enum { WALK_BYTES_MAX = 1 << 20, PORT_HTTP = 80, PORT_HTTPS = 443 };

/* Stands for any host, where a route does not ask for one. */
#define ANY_HOST "any-host.invalid"

struct place {
    struct rw_span host, path, query; /* query.at == NULL: none */
    uint64_t port;
    unsigned listener;
    bool https;
};

struct hop {
    struct place place;
    unsigned route;
};

struct walk {
    struct rw_route_params params;
    struct rw_snapshot *snapshot;
    struct rw_conf_report *report;
    struct rw_exchange *x; /* the made-up request; its arena holds the texts of one walk */
    bool *told;            /* per route: in a circle that was told */
    struct hop hops[RW_CIRCLE_HOPS_MAX];
    unsigned hop_count;
    bool found;
};

/* ---- Places ---- */

static uint64_t usual_port(bool https)
{
    return https ? PORT_HTTPS : PORT_HTTP;
}

static bool place_same(const struct place *a, const struct place *b)
{
    return a->listener == b->listener && a->https == b->https && a->port == b->port &&
           rw_span_eq_nocase(a->host, b->host) && rw_span_eq(a->path, b->path) &&
           rw_span_eq(a->query, b->query);
}

static bool listener_fits(const struct rw_snapshot *snapshot, unsigned listener,
                          const struct place *place)
{
    const struct rw_listener_settings *settings = &snapshot->listeners[listener];
    return (settings->config->tls != NULL) == place->https && place->port &&
           rw_address_port(&settings->address.storage) == place->port;
}

static bool find_listener(const struct rw_snapshot *snapshot, struct place *place)
{
    if (listener_fits(snapshot, place->listener, place))
        return true;
    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        if (!listener_fits(snapshot, i, place))
            continue;
        place->listener = i;
        return true;
    }
    return false;
}

static void take_path(struct rw_span text, struct place *place)
{
    ptrdiff_t fragment = rw_span_find(text, '#');
    if (fragment >= 0)
        text.len = (size_t)fragment;
    ptrdiff_t mark = rw_span_find(text, '?');
    place->path = mark < 0 ? text : rw_span(text.at, (size_t)mark);
    place->query = mark < 0 ? (struct rw_span){0} : rw_span_skip(text, (size_t)mark + 1);
    if (place->path.len == 0)
        place->path = RW_LITERAL("/");
}

static bool take_authority(struct rw_span authority, struct place *place)
{
    size_t host = authority.len;
    while (host > 0 && authority.at[host - 1] >= '0' && authority.at[host - 1] <= '9')
        host--;
    place->port = usual_port(place->https);
    place->host = authority;
    if (host == 0 || authority.at[host - 1] != ':')
        return authority.len > 0;
    place->host = rw_span(authority.at, host - 1);
    struct rw_span port = rw_span_skip(authority, host);
    return port.len == 0 || rw_span_to_u64(port, &place->port);
}

/* Where a target leads from `place`, which is changed to it; false: not known to be this gateway.
 */
static bool follow(const struct rw_snapshot *snapshot, struct rw_span target, struct place *place)
{
    if (target.at[0] == '/') {
        take_path(target, place);
        return true;
    }
    if (rw_span_starts(target, RW_LITERAL("https://")))
        place->https = true;
    else if (rw_span_starts(target, RW_LITERAL("http://")))
        place->https = false;
    else
        return false;
    struct rw_span rest = rw_span_skip(target, place->https ? 8 : 7);
    size_t len = 0;
    while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?' && rest.at[len] != '#')
        len++;
    if (!take_authority(rw_span(rest.at, len), place))
        return false;
    take_path(rw_span_skip(rest, len), place);
    return find_listener(snapshot, place);
}

/* ---- Walking ---- */

static enum rw_err make_request(struct walk *walk, const struct place *place)
{
    struct rw_exchange *x = walk->x;
    struct rw_span authority = place->host;
    if (place->port && place->port != usual_port(place->https))
        authority =
            rw_arena_format(&x->arena, "%.*s:%u", RW_SPAN_ARGS(place->host), (unsigned)place->port);
    if (!authority.at)
        return RW_ENOMEM;
    x->listener = &walk->snapshot->listeners[place->listener];
    x->https = place->https;
    x->request = (struct rw_message){
        .method = RW_METHOD_GET,
        .method_text = RW_LITERAL("GET"),
        .authority = authority,
        .target = place->path,
        .path = place->path,
        .query = place->query,
        .minor_version = 1,
    };
    return RW_OK;
}

static bool names_a_host(const struct rw_snapshot *snapshot, unsigned route)
{
    return snapshot->routes[route].config->match->host.count > 0;
}

static void tell(struct walk *walk, unsigned first)
{
    struct rw_text text = {0};
    for (unsigned i = first; i < walk->hop_count; i++) {
        const struct rw_route *route = &walk->snapshot->routes[walk->hops[i].route];
        rw_text_addf(&text, "%.*s -> ", RW_SPAN_ARGS(route->name));
        walk->told[walk->hops[i].route] = true;
    }
    const struct rw_route *route = &walk->snapshot->routes[walk->hops[first].route];
    rw_text_add(&text, route->name);
    rw_conf_mistake_at(walk->report, route->config->action.place,
                       "the redirects go in a circle: %s", text.err ? "" : text.at);
    rw_text_free(&text);
    walk->found = true;
}

/* The place was visited in this walk: a circle, unless one of its routes was told already. */
static bool closes(struct walk *walk, const struct place *place)
{
    for (unsigned i = 0; i < walk->hop_count; i++) {
        if (!place_same(&walk->hops[i].place, place))
            continue;
        if (!walk->told[walk->hops[i].route])
            tell(walk, i);
        return true;
    }
    return false;
}

/* One request and, if it is redirected, where to; false at the end of the walk. */
static enum rw_err hop(struct walk *walk, struct place *place, bool *more)
{
    struct rw_exchange *x = walk->x;
    struct rw_span target;
    *more = false;
    if (!rw_path_check(place->path, NULL))
        return RW_OK;
    enum rw_err err = make_request(walk, place);
    if (err)
        return err;
    int found = rw_router_find(walk->snapshot->router, place->listener, &x->request, &walk->params);
    if (found < 0)
        return RW_OK;
    const struct rw_route *route = &walk->snapshot->routes[found];
    bool same_host = walk->hop_count == 0 ||
                     rw_span_eq_nocase(walk->hops[walk->hop_count - 1].place.host, place->host);
    if (!route->origin->redirect_target || (!same_host && !names_a_host(walk->snapshot, found)))
        return RW_OK;
    x->route = route;
    err = route->origin->redirect_target(route->origin_instance, x, &target);
    if (err || target.len == 0)
        return err == RW_ENOMEM ? err : RW_OK;
    walk->hops[walk->hop_count++] = (struct hop){*place, (unsigned)found};
    *more = follow(walk->snapshot, target, place) && !closes(walk, place) &&
            walk->hop_count < RW_CIRCLE_HOPS_MAX;
    return RW_OK;
}

static enum rw_err walk_from(struct walk *walk, const struct place *start)
{
    struct place place = *start;
    enum rw_err err = RW_OK;
    bool more = true;
    walk->hop_count = 0;
    while (!err && more)
        err = hop(walk, &place, &more);
    return err;
}

/* ---- Where walks start ---- */

/* "/a/{id}/x" as "/a/x/x", "/a/" and "*" as "/a/x". */
static struct rw_span sample_path(struct rw_arena *arena, struct rw_span pattern)
{
    char *to = rw_arena_alloc(arena, pattern.len + 1);
    size_t len = 0;
    if (!to)
        return (struct rw_span){0};
    for (size_t i = 0; i < pattern.len; i++) {
        ptrdiff_t end =
            pattern.at[i] == '{' ? rw_span_find(rw_span_skip(pattern, i), '}') : (ptrdiff_t)-1;
        bool any = end > 0 || (pattern.at[i] == '*' && i + 1 == pattern.len);
        to[len++] = any ? 'x' : pattern.at[i];
        if (end > 0)
            i += (size_t)end;
    }
    return rw_span(to, len);
}

static struct rw_span sample_host(struct rw_arena *arena, struct rw_span pattern)
{
    if (!rw_span_starts(pattern, RW_LITERAL("*.")))
        return pattern;
    return rw_arena_format(arena, "x%.*s", (int)pattern.len - 1, pattern.at + 1);
}

/* The made-up request's memory begins anew. */
static void begin_walk(struct walk *walk)
{
    rw_arena_free(&walk->x->arena);
    rw_arena_init(&walk->x->arena, NULL, 0, RW_EXCHANGE_BYTES, WALK_BYTES_MAX);
}

static enum rw_err walk_start(struct walk *walk, unsigned listener, struct rw_span host,
                              struct rw_span path)
{
    const struct rw_listener_settings *settings = &walk->snapshot->listeners[listener];
    begin_walk(walk);
    struct rw_arena *arena = &walk->x->arena;
    struct place start = {
        .host = sample_host(arena, host),
        .path = sample_path(arena, path),
        .port = rw_address_port(&settings->address.storage),
        .listener = listener,
        .https = settings->config->tls != NULL,
    };
    return start.host.at && start.path.at ? walk_from(walk, &start) : RW_ENOMEM;
}

static enum rw_err walk_route(struct walk *walk, unsigned listener, const struct rw_route *route)
{
    static const struct rw_span any_host = {ANY_HOST, sizeof(ANY_HOST) - 1}, root = {"/", 1};
    const struct rw_config_match *match = route->config->match;
    const struct rw_span *hosts = match->host.count ? match->host.items : &any_host;
    const struct rw_span *paths = match->path.count ? match->path.items : &root;
    size_t host_count = match->host.count ? match->host.count : 1;
    size_t path_count = match->path.count ? match->path.count : 1;
    unsigned starts = 0;
    for (size_t h = 0; h < host_count; h++)
        for (size_t p = 0; p < path_count && starts < RW_CIRCLE_STARTS_MAX; p++, starts++) {
            enum rw_err err = walk_start(walk, listener, hosts[h], paths[p]);
            if (err)
                return err;
        }
    return RW_OK;
}

enum rw_err rw_circles_check(struct rw_snapshot *snapshot, struct rw_conf_report *report)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    struct walk walk = {.snapshot = snapshot, .report = report};
    enum rw_err err = RW_ENOMEM;
    walk.x = rw_alloc_zero(RW_EXCHANGE_BYTES);
    walk.told = rw_alloc_zero((snapshot->route_count + 1) * sizeof(*walk.told));
    if (!walk.x || !walk.told)
        goto out;
    walk.x->snapshot = snapshot;
    walk.x->client = &nobody;
    walk.x->params = &walk.params;
    err = RW_OK;
    for (unsigned l = 0; l < snapshot->listener_count && !err; l++)
        for (unsigned r = 0; r < snapshot->route_count && !err; r++)
            if (snapshot->routes[r].origin->redirect_target)
                err = walk_route(&walk, l, &snapshot->routes[r]);
    if (!err && walk.found)
        err = RW_EINVAL;
out:
    if (walk.x)
        rw_arena_free(&walk.x->arena);
    rw_free(walk.x);
    rw_free(walk.told);
    return err;
}
