/* The compiled routes: what router_build.c makes, router.c walks and router_explain.c tells about.
 * Private to src/gate/router*.c.
 *
 * An entry is one way to reach a route: one of its hosts with one of its paths. Entries are sorted
 * by rank, so an entry's index is its rank: lower wins. Each list of entries is chained through
 * `next`, best first. All links are indices, and what a request touches is laid out in lines of 64
 * bytes: a lookup in a large table costs about two cache misses for each path segment that is not
 * shared by many requests.
 */
#ifndef RW_GATE_ROUTE_ROUTER_TABLE_H
#define RW_GATE_ROUTE_ROUTER_TABLE_H

#include "gate/route/router.h"
#include "gate/route/router_regex.h"

#define RW_ROUTER_NO_ENTRY UINT32_MAX
#define RW_ROUTER_NO_NODE UINT32_MAX

/* ---- What the configuration says, per route ---- */

enum rw_router_path_kind {
    RW_ROUTER_EXACT, /* in the order of rule 3 */
    RW_ROUTER_PATTERN,
    RW_ROUTER_PREFIX,
    RW_ROUTER_REGEX,
    RW_ROUTER_ANY
};

struct rw_router_path {
    uint8_t kind;           /* enum rw_router_path_kind */
    bool rest;              /* ends in "*" */
    uint16_t segment_count; /* without the "*" */
    uint16_t name_count;
    uint32_t literal_bytes;
    uint64_t shape;           /* bit 63 - i: segment i is a parameter */
    struct rw_span text;      /* as in the file */
    struct rw_span *segments; /* normal form; at == NULL: a parameter */
    struct rw_span *names;    /* of the parameters */
    struct rw_router_regex *regex;
};

struct rw_router_host {
    struct rw_span text; /* lower case; "*.example.com"; empty: any */
    uint16_t labels;     /* of a wildcard, "*" not counted; 0: not a wildcard */
};

enum rw_router_test { RW_ROUTER_EQUALS, RW_ROUTER_PRESENT, RW_ROUTER_MATCHES };

struct rw_router_condition {
    uint8_t test;     /* enum rw_router_test */
    uint8_t field_id; /* of a header */
    struct rw_span name, value;
    struct rw_router_regex *regex;
};

struct rw_router_route {
    struct rw_span name;
    int32_t priority;
    uint32_t methods; /* bit per enum rw_method; 0: any */
    uint16_t other_method_count, header_count, query_count;
    uint16_t condition_count; /* as rule 4 counts */
    struct rw_span *other_methods;
    struct rw_router_condition *headers, *queries;
    uint32_t host_count, path_count;
    struct rw_router_host *hosts;
    struct rw_router_path *paths;
};

/* ---- What a request walks through, per listener ---- */

struct rw_router_entry {
    uint32_t route : 31;
    uint32_t conditional : 1; /* the route has conditions besides host and path */
    uint32_t next;            /* in its list */
    uint32_t path, host;      /* indices into the route's */
};

enum { RW_ROUTER_LABEL_INLINE = 38 };

/* A short text where it is used; a longer one elsewhere: `text` then begins with the pointer. */
struct rw_router_label {
    uint16_t len;
    char text[RW_ROUTER_LABEL_INLINE];
};

/* A place in a tree: so many segments of a path are behind us. */
struct rw_router_node {
    uint32_t parent;
    uint32_t best;      /* lowest rank at or below this node */
    uint32_t parameter; /* child for any segment */
    uint32_t exact;     /* entries whose path ends here */
    uint32_t rest;      /* entries that take whatever follows */
    bool branches;      /* has children for literal segments */
    struct rw_router_label label;
} __attribute__((aligned(64)));

/* All entries of one host, wildcard or "any". */
struct rw_router_set {
    uint32_t best;                /* lowest rank of the set */
    uint32_t root;                /* node */
    uint32_t regex, any;          /* entries */
    struct rw_router_label label; /* "api.example.com", ".example.com", "" */
} __attribute__((aligned(64)));

/* Open addressing, linear probing; at most half full. The key is told by the target. */
struct rw_router_slot {
    uint32_t hash;
    uint32_t target; /* RW_ROUTER_NO_NODE: free */
};

struct rw_router_index {
    struct rw_router_slot *slots;
    uint32_t mask; /* slots - 1 */
    uint32_t count;
};

struct rw_router_table {
    struct rw_router_entry *entries;
    struct rw_router_node *nodes;
    struct rw_router_set *sets; /* [0] is "any host" */
    struct rw_router_index edges, hosts;
    uint32_t entry_count, node_count, node_room, set_count, set_room;
    uint32_t wildcard_best;     /* lowest rank of a wildcard entry */
    uint64_t suffix_lengths[4]; /* bit n: there is a wildcard whose label has n bytes */
};

struct rw_router {
    struct rw_arena arena; /* holds the routes, and labels */
    struct rw_router_route *routes;
    struct rw_router_table *tables;
    uint32_t *listener_tables; /* which table a listener uses */
    uint32_t route_count, table_count, listener_count;
};

static inline const char *rw_router_label_text(const struct rw_router_label *label)
{
    const char *text = label->text;
    if (__builtin_expect(label->len > RW_ROUTER_LABEL_INLINE, 0))
        memcpy(&text, label->text, sizeof(text));
    return text;
}

static inline bool rw_router_label_is(const struct rw_router_label *label, struct rw_span text)
{
    return label->len == text.len && memcmp(rw_router_label_text(label), text.at, text.len) == 0;
}

uint32_t rw_router_hash(struct rw_span text, uint32_t parent);

/* The child of `parent` for this segment, or RW_ROUTER_NO_NODE. */
uint32_t rw_router_child(const struct rw_router_table *table, uint32_t parent,
                         struct rw_span segment);
/* The set of this exact host or ".suffix", or 0 ("any host", which is never asked for by name). */
uint32_t rw_router_set_of(const struct rw_router_table *table, struct rw_span host);

/* ---- router_routes.c: from the configuration to routes ---- */

/* Fills router->routes. Mistakes go to the report: RW_EINVAL. */
RW_MUST_CHECK enum rw_err rw_router_read_routes(struct rw_router *router,
                                                const struct rw_config *config,
                                                struct rw_conf_report *report);
/* Frees the regular expressions of all routes. */
void rw_router_free_routes(struct rw_router *router);

/* ---- router_path.c ---- */

/* Reads a path as configured. RW_EINVAL: it is none, and `flaw` says why. */
RW_MUST_CHECK enum rw_err rw_router_path_read(struct rw_arena *arena, struct rw_span text,
                                              struct rw_router_path *path, char flaw[256]);

/* ---- router_build.c: from routes to a table ---- */

/* The table for the routes that `wanted` (route_count of them) marks. */
RW_MUST_CHECK enum rw_err rw_router_table_build(struct rw_router *router, const bool *wanted,
                                                struct rw_router_table *table);
void rw_router_table_free(struct rw_router_table *table);
/* By rules 1 to 5: negative when (route a, host, path) wins. `rule` (may be NULL) says which one
 * decided. */
int rw_router_compare(const struct rw_router *router, const struct rw_router_entry *a,
                      const struct rw_router_entry *b, int *rule);

/* ---- router_conditions.c ---- */

enum rw_router_verdict_kind {
    RW_ROUTER_HOLDS,
    RW_ROUTER_FAILS_PATH, /* the regex */
    RW_ROUTER_FAILS_METHOD,
    RW_ROUTER_FAILS_HEADER,
    RW_ROUTER_FAILS_QUERY,
    RW_ROUTER_EXHAUSTED
};

struct rw_router_verdict {
    uint8_t kind;                                /* enum rw_router_verdict_kind */
    bool wrong_method;                           /* whatever else */
    const struct rw_router_condition *condition; /* that failed or exhausted itself */
};

bool rw_router_method_holds(const struct rw_router_route *route, const struct rw_message *message);
/* Headers and query; the method counts only when all of these hold. */
struct rw_router_verdict rw_router_conditions(const struct rw_router_route *route,
                                              const struct rw_message *message);

/* ---- router.c ---- */

/* Calls `visit` for every entry whose host and path match, and for each regex that was tried; in no
 * order. */
typedef void rw_router_visit_fn(void *user, uint32_t entry, struct rw_router_verdict verdict);
void rw_router_visit(const struct rw_router *router, unsigned listener,
                     const struct rw_message *message, rw_router_visit_fn *visit, void *user);

#endif
