/* What the router has to say besides the route: Allow, why, and which routes can never win. Off the
 * hot path. */
#include "base/alloc.h"
#include "conf/credential.h"
#include "gate/route/router_table.h"

#include <stdlib.h>

/* ---- Everything that was looked at ---- */

struct look {
    uint32_t rank;
    struct rw_router_verdict verdict;
};

struct looks {
    struct look *items;
    uint32_t count, room;
    enum rw_err err;
};

static void keep_look(void *user, uint32_t rank, struct rw_router_verdict verdict)
{
    struct looks *looks = user;
    if (looks->count == looks->room && !looks->err) {
        uint32_t room = looks->room ? looks->room * 2 : 16;
        struct look *bigger = rw_realloc(looks->items, room * sizeof(*bigger));
        looks->err = bigger ? RW_OK : RW_ENOMEM;
        looks->items = bigger ? bigger : looks->items;
        looks->room = bigger ? room : looks->room;
    }
    if (!looks->err)
        looks->items[looks->count++] = (struct look){rank, verdict};
}

static int compare_looks(const void *a, const void *b)
{
    const struct look *look_a = a, *look_b = b;
    return (look_a->rank > look_b->rank) - (look_a->rank < look_b->rank);
}

/* By rank; freed by the caller. */
static void look_at(struct looks *looks, const struct rw_router *router, unsigned listener,
                    const struct rw_message *message)
{
    rw_router_visit(router, listener, message, keep_look, looks);
    if (looks->count)
        qsort(looks->items, looks->count, sizeof(*looks->items), compare_looks);
}

static const struct rw_router_table *table_of(const struct rw_router *router, unsigned listener)
{
    return &router->tables[router->listener_tables[listener]];
}

static void add_quoted(struct rw_text *text, struct rw_span bytes)
{
    rw_text_add_json(text, bytes);
}

/* ---- Allow ---- */

static bool list_has(const struct rw_text *list, size_t from, struct rw_span method)
{
    struct rw_span rest = rw_span(list->at ? list->at + from : "", list->len - from), item;
    while (rw_span_next(&rest, ',', &item))
        if (rw_span_eq(item, method))
            return true;
    return false;
}

static void add_method(struct rw_text *list, size_t from, struct rw_span method)
{
    if (list_has(list, from, method))
        return;
    if (list->len > from)
        rw_text_adds(list, ", ");
    rw_text_add(list, method);
}

static void add_known_methods(struct rw_text *list, uint32_t mask)
{
    size_t from = list->len;
    for (unsigned m = RW_METHOD_OTHER + 1; m < RW_METHOD_COUNT; m++)
        if (mask & 1u << m)
            add_method(list, from, rw_span_text(rw_method_name(m)));
}

static bool method_matters(struct rw_router_verdict verdict)
{
    return verdict.kind == RW_ROUTER_HOLDS || verdict.kind == RW_ROUTER_FAILS_METHOD;
}

void rw_router_allow(const struct rw_router *router, unsigned listener,
                     const struct rw_message *message, struct rw_text *allow)
{
    const struct rw_router_table *table = table_of(router, listener);
    struct looks looks = {0};
    size_t from = allow->len;
    uint32_t mask = 0;
    look_at(&looks, router, listener, message);
    for (uint32_t i = 0; i < looks.count; i++) {
        uint32_t methods = router->routes[table->entries[looks.items[i].rank].route].methods;
        if (method_matters(looks.items[i].verdict))
            mask |= methods ? methods : ~(1u << RW_METHOD_CONNECT);
    }
    add_known_methods(allow, mask);
    for (uint32_t i = 0; i < looks.count; i++) {
        const struct rw_router_route *route =
            &router->routes[table->entries[looks.items[i].rank].route];
        for (unsigned m = 0;
             method_matters(looks.items[i].verdict) && m < route->other_method_count; m++)
            add_method(allow, from, route->other_methods[m]);
    }
    if (looks.err && !allow->err)
        allow->err = looks.err;
    rw_free(looks.items);
}

/* ---- Explain ---- */

static void add_methods(struct rw_text *text, const struct rw_router_route *route)
{
    add_known_methods(text, route->methods);
    for (unsigned i = 0; i < route->other_method_count; i++) {
        if (i || (route->methods & ~(1u << RW_METHOD_OTHER)))
            rw_text_adds(text, ", ");
        rw_text_add(text, route->other_methods[i]);
    }
}

static void add_condition(struct rw_text *text, const struct rw_router_condition *condition)
{
    rw_text_add(text, condition->name);
    if (condition->test == RW_ROUTER_PRESENT)
        rw_text_adds(text, " is missing");
    else
        rw_text_adds(text, condition->test == RW_ROUTER_MATCHES ? " does not match " : " is not ");
    if (rw_conf_names_credential(condition->name) && condition->test != RW_ROUTER_PRESENT)
        rw_text_adds(text, "the secret that is there");
    else if (condition->test != RW_ROUTER_PRESENT)
        add_quoted(text, condition->value);
}

static void add_failure(struct rw_text *text, const struct rw_router_route *route,
                        struct rw_router_verdict verdict)
{
    switch ((enum rw_router_verdict_kind)verdict.kind) {
    case RW_ROUTER_HOLDS:
        rw_text_adds(text, "matches");
        break;
    case RW_ROUTER_FAILS_PATH:
        rw_text_adds(text, "no: the path does not match the regex");
        break;
    case RW_ROUTER_FAILS_METHOD:
        rw_text_adds(text, "no: the method is not ");
        add_methods(text, route);
        break;
    case RW_ROUTER_FAILS_HEADER:
        rw_text_adds(text, "no: header ");
        add_condition(text, verdict.condition);
        break;
    case RW_ROUTER_FAILS_QUERY:
        rw_text_adds(text, "no: query ");
        add_condition(text, verdict.condition);
        break;
    case RW_ROUTER_EXHAUSTED:
        rw_text_adds(text, "a regex ran into its limits: no route is taken");
        break;
    }
}

static void add_where(struct rw_text *text, const struct rw_router_host *host,
                      const struct rw_router_path *path)
{
    rw_text_adds(text, " (");
    rw_text_add(text, host->text.len ? host->text : RW_LITERAL("any host"));
    rw_text_adds(text, path->kind == RW_ROUTER_REGEX ? ", regex " : ", ");
    rw_text_add(text, path->kind == RW_ROUTER_ANY ? RW_LITERAL("any path") : path->text);
    rw_text_adds(text, "): ");
}

static const char *const rules[] = {
    "", "higher priority", "better host", "better path", "more conditions", "earlier in the file"};

/* A route may be there with several hosts or paths: only its best entry is taken. */
static void add_look(struct rw_text *text, const struct rw_router *router,
                     const struct rw_router_table *table, const struct look *look,
                     const struct look *winner)
{
    const struct rw_router_entry *entry = &table->entries[look->rank];
    const struct rw_router_route *route = &router->routes[entry->route];
    rw_text_adds(text, "route ");
    add_quoted(text, route->name);
    add_where(text, &route->hosts[entry->host], &route->paths[entry->path]);
    if (look == winner) {
        rw_text_adds(text, "taken\n");
        return;
    }
    add_failure(text, route, look->verdict);
    if (look->verdict.kind == RW_ROUTER_HOLDS && winner) {
        const struct rw_router_entry *best = &table->entries[winner->rank];
        int rule;
        rw_router_compare(router, best, entry, &rule);
        rw_text_adds(text, ", but ");
        if (best->route == entry->route)
            rw_text_adds(text, "the same route is taken above");
        else
            add_quoted(text, router->routes[best->route].name);
        if (best->route != entry->route)
            rw_text_addf(text, " wins: %s", rules[rule]);
    }
    rw_text_adds(text, "\n");
}

static void add_looks(struct rw_text *text, const struct rw_router *router,
                      const struct rw_router_table *table, const struct looks *looks, int result)
{
    const struct look *winner = NULL;
    for (uint32_t i = 0; i < looks->count; i++) {
        bool holds = looks->items[i].verdict.kind == RW_ROUTER_HOLDS;
        if (holds && !winner && result >= 0)
            winner = &looks->items[i];
    }
    for (uint32_t i = 0; i < looks->count; i++)
        add_look(text, router, table, &looks->items[i], winner);
    if (looks->count == 0)
        rw_text_adds(text, "no route has this host and path\n");
}

int rw_router_explain(const struct rw_router *router, unsigned listener,
                      const struct rw_message *message, struct rw_route_params *params,
                      struct rw_text *text)
{
    struct looks looks = {0};
    const char *reason = NULL;
    params->count = 0;
    params->matched_bytes = 0;
    if (!rw_path_check(message->path, &reason)) {
        rw_text_addf(text, "answered 400: %s\n", reason);
        return RW_ROUTE_NONE;
    }
    int result = rw_router_find(router, listener, message, params);
    look_at(&looks, router, listener, message);
    add_looks(text, router, table_of(router, listener), &looks, result);
    if (result == RW_ROUTE_NONE)
        rw_text_adds(text, "no route is taken: 404\n");
    if (result == RW_ROUTE_WRONG_METHOD) {
        rw_text_adds(text, "no route is taken: 405, allowed are ");
        rw_router_allow(router, listener, message, text);
        rw_text_adds(text, "\n");
    }
    if (looks.err && !text->err)
        text->err = looks.err;
    rw_free(looks.items);
    return result;
}

/* ---- Routes that can never win ---- */

enum { COMPARED_MAX = 256 };

static bool same_condition(const struct rw_router_condition *a, const struct rw_router_condition *b,
                           bool header)
{
    bool same_name = header ? rw_span_eq_nocase(a->name, b->name) : rw_span_eq(a->name, b->name);
    return same_name &&
           (a->test == RW_ROUTER_PRESENT || (a->test == b->test && rw_span_eq(a->value, b->value)));
}

/* Does each of `a` follow from one of `b`? */
static bool conditions_follow(const struct rw_router_condition *a, unsigned count_a,
                              const struct rw_router_condition *b, unsigned count_b, bool header)
{
    for (unsigned i = 0; i < count_a; i++) {
        unsigned j = 0;
        while (j < count_b && !same_condition(&a[i], &b[j], header))
            j++;
        if (j == count_b)
            return false;
    }
    return true;
}

static bool methods_follow(const struct rw_router_route *a, const struct rw_router_route *b)
{
    if (!a->methods)
        return true;
    if (!b->methods || (b->methods & ~a->methods))
        return false;
    for (unsigned i = 0; i < b->other_method_count; i++) {
        unsigned j = 0;
        while (j < a->other_method_count && !rw_span_eq(a->other_methods[j], b->other_methods[i]))
            j++;
        if (j == a->other_method_count)
            return false;
    }
    return true;
}

/* Does `a` hold wherever `b` does, host and path being the same but for a regex? */
static bool covers(const struct rw_router *router, const struct rw_router_entry *entry_a,
                   const struct rw_router_entry *entry_b)
{
    const struct rw_router_route *a = &router->routes[entry_a->route],
                                 *b = &router->routes[entry_b->route];
    return rw_span_eq(
               a->paths[entry_a->path].regex ? a->paths[entry_a->path].text : rw_span(NULL, 0),
               b->paths[entry_b->path].regex ? b->paths[entry_b->path].text : rw_span(NULL, 0)) &&
           methods_follow(a, b) &&
           conditions_follow(a->headers, a->header_count, b->headers, b->header_count, true) &&
           conditions_follow(a->queries, a->query_count, b->queries, b->query_count, false);
}

/* What is known of each route after all tables: the route that covers it, or that nothing does. */
enum { UNSEEN = -1, ALIVE = -2 };

struct coverage {
    int64_t *by; /* per route: UNSEEN, ALIVE, or the index of the route that covers it */
};

static void cover_list(const struct rw_router *router, const struct rw_router_table *table,
                       uint32_t first, struct coverage *coverage)
{
    uint32_t before[COMPARED_MAX], count = 0;
    for (uint32_t rank = first; rank != RW_ROUTER_NO_ENTRY; rank = table->entries[rank].next) {
        const struct rw_router_entry *entry = &table->entries[rank];
        int64_t *by = &coverage->by[entry->route];
        int64_t covered_by = ALIVE;
        for (uint32_t i = 0; i < count && i < COMPARED_MAX && covered_by == ALIVE && *by != ALIVE;
             i++) {
            const struct rw_router_entry *other = &table->entries[before[i]];
            if (other->route != entry->route && covers(router, other, entry))
                covered_by = other->route;
        }
        *by = covered_by == ALIVE || *by == ALIVE ? ALIVE : *by == UNSEEN ? covered_by : *by;
        before[count++ % COMPARED_MAX] = rank;
    }
}

static void cover_table(const struct rw_router *router, const struct rw_router_table *table,
                        struct coverage *coverage)
{
    for (uint32_t i = 0; i < table->node_count; i++) {
        cover_list(router, table, table->nodes[i].exact, coverage);
        cover_list(router, table, table->nodes[i].rest, coverage);
    }
    for (uint32_t i = 0; i < table->set_count; i++) {
        cover_list(router, table, table->sets[i].regex, coverage);
        cover_list(router, table, table->sets[i].any, coverage);
    }
}

void rw_router_warnings(const struct rw_router *router, struct rw_text *text)
{
    struct coverage coverage = {rw_alloc(((size_t)router->route_count + 1) * sizeof(*coverage.by))};
    if (!coverage.by) {
        text->err = text->err ? text->err : RW_ENOMEM;
        return;
    }
    for (uint32_t r = 0; r < router->route_count; r++)
        coverage.by[r] = UNSEEN;
    for (uint32_t t = 0; t < router->table_count; t++)
        cover_table(router, &router->tables[t], &coverage);
    for (uint32_t r = 0; r < router->route_count; r++) {
        if (coverage.by[r] < 0)
            continue;
        rw_text_adds(text, "route ");
        add_quoted(text, router->routes[r].name);
        rw_text_adds(text, " can never win: ");
        add_quoted(text, router->routes[coverage.by[r]].name);
        rw_text_adds(text, " takes all that it matches\n");
    }
    rw_free(coverage.by);
}
