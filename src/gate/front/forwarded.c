#include "gate/front/forwarded.h"

#include "gate/snapshot.h"
#include "io/address.h"

#include <netinet/in.h>

/* As the names of the config option stand in gate/config/config.c. */
enum forwarded_mode { MODE_X_FORWARDED, MODE_FORWARDED, MODE_BOTH, MODE_OFF };

bool rw_forwarded_trusts(const struct rw_listener_settings *listener,
                         const struct sockaddr *address)
{
    return rw_cidrs_hold(listener->trusted, listener->trusted_count, address);
}

/* "10.0.0.1", "10.0.0.1:80", "::1", "[::1]:80", each maybe in quotes. */
static bool parse_node(struct rw_span text, struct rw_address *address)
{
    if (text.len >= 2 && text.at[0] == '"' && text.at[text.len - 1] == '"')
        text = rw_span(text.at + 1, text.len - 2);
    if (rw_address_parse_ip(text, 0, address) == RW_OK)
        return true;
    return rw_address_parse(text, address) == RW_OK && address->storage.ss_family != AF_UNIX;
}

/* The node of one element of Forwarded: its "for" parameter. */
static struct rw_span forwarded_for(struct rw_span element)
{
    struct rw_span pair;
    while (rw_span_next(&element, ';', &pair))
        if (pair.len > 4 && rw_span_is_nocase(rw_span(pair.at, 4), "for="))
            return rw_span_skip(pair, 4);
    return (struct rw_span){0};
}

/* The last element of a comma-separated list; `list` loses it. */
static bool take_last(struct rw_span *list, struct rw_span *element)
{
    if (list->len == 0)
        return false;
    size_t at = list->len;
    while (at > 0 && list->at[at - 1] != ',')
        at--;
    *element = rw_span_trim(rw_span_skip(*list, at));
    list->len = at ? at - 1 : 0;
    return true;
}

/* Walks one field's list from the end; true when an untrusted (or unreadable) hop ended the walk.
 */
static bool walk_list(const struct rw_exchange *x, struct rw_span list, bool is_forwarded,
                      struct rw_address *client)
{
    struct rw_span element;
    while (take_last(&list, &element)) {
        struct rw_address hop;
        if (is_forwarded)
            element = forwarded_for(element);
        if (!parse_node(element, &hop))
            return true;
        *client = hop;
        if (!rw_forwarded_trusts(x->listener, rw_address_sockaddr(&hop)))
            return true;
    }
    return false;
}

/* `client` stays empty when no hop tells. */
static void walk_hops(const struct rw_exchange *x, enum rw_field_id id, struct rw_address *client)
{
    for (unsigned i = x->request.field_count; i-- > 0;) {
        const struct rw_field *field = &x->request.fields[i];
        if (field->id == id && walk_list(x, field->value, id == RW_FIELD_FORWARDED, client))
            return;
    }
}

static bool believe_hops(struct rw_exchange *x)
{
    struct rw_address client = {.bytes = 0};
    bool has_x = rw_message_find(&x->request, RW_FIELD_X_FORWARDED_FOR) != NULL;
    walk_hops(x, has_x ? RW_FIELD_X_FORWARDED_FOR : RW_FIELD_FORWARDED, &client);
    if (!client.bytes)
        return true;
    struct sockaddr *kept = rw_arena_alloc(&x->arena, client.bytes);
    if (kept)
        memcpy(kept, &client.storage, client.bytes);
    x->client = kept ? kept : x->peer;
    return kept;
}

/* Of the fields that say who the client is, those that rw_forwarded_put does not write anew
 * (X-Forwarded-Port, -Prefix, X-Real-IP ...) must not come from a stranger: frameworks believe
 * them. */
static void drop_claims(struct rw_message *request)
{
    for (unsigned i = 0; i < request->field_count; i++) {
        struct rw_field *field = &request->fields[i];
        if (field->id == RW_FIELD_OTHER && rw_h1_names_client(field->name))
            field->hop = true;
    }
}

bool rw_forwarded_resolve(struct rw_exchange *x)
{
    x->client = x->peer;
    x->client_trusted = x->listener->trusted_count && rw_forwarded_trusts(x->listener, x->client);
    if (x->client_trusted)
        return believe_hops(x);
    drop_claims(&x->request);
    return true;
}

bool rw_forwarded_loops(const struct rw_exchange *x)
{
    unsigned hops = 0;
    for (unsigned i = 0; i < x->request.field_count; i++) {
        struct rw_span list = x->request.fields[i].value, hop;
        if (x->request.fields[i].id != RW_FIELD_VIA)
            continue;
        while (rw_span_next(&list, ',', &hop))
            hops += rw_span_ends(hop, RW_LITERAL(" ringway"));
    }
    return hops > RW_VIA_HOPS_MAX;
}

/* ---- What the origin is told ---- */

/* One field: what a trusted proxy said so far in the fields of that id, if `earlier`, and the
 * parts.
 */
struct told {
    enum rw_field_id id;
    struct rw_span name; /* with ": " */
    bool earlier;
    unsigned count;
    struct rw_span parts[7];
};

/* Inlined with `put` into each protocol's function, where names are literals. */
typedef void put_told(const struct rw_exchange *x, void *to, const struct told *told);
#define ALWAYS __attribute__((always_inline))

/* What the trusted proxy said, or our own observation. */
static struct rw_span believed(const struct rw_exchange *x, enum rw_field_id id, struct rw_span own)
{
    struct rw_span said =
        x->client_trusted ? rw_message_value(&x->request, id) : (struct rw_span){0};
    return said.len ? said : own;
}

static struct rw_span scheme_of(const struct rw_exchange *x)
{
    return x->https ? RW_LITERAL("https") : RW_LITERAL("http");
}

static inline ALWAYS void tell_one(const struct rw_exchange *x, put_told *put, void *to,
                                   enum rw_field_id id, struct rw_span name, struct rw_span value)
{
    const struct told told = {.id = id, .name = name, .count = 1, .parts = {value}};
    put(x, to, &told);
}

static inline ALWAYS void tell_x_forwarded(const struct rw_exchange *x, put_told *put, void *to,
                                           struct rw_span peer)
{
    const struct told chain = {
        .id = RW_FIELD_X_FORWARDED_FOR,
        .name = RW_LITERAL("X-Forwarded-For: "),
        .earlier = x->client_trusted,
        .count = 1,
        .parts = {peer},
    };
    put(x, to, &chain);
    tell_one(x, put, to, RW_FIELD_X_FORWARDED_PROTO, RW_LITERAL("X-Forwarded-Proto: "),
             believed(x, RW_FIELD_X_FORWARDED_PROTO, scheme_of(x)));
    struct rw_span host = believed(x, RW_FIELD_X_FORWARDED_HOST, x->request.authority);
    if (host.len) /* HTTP/1.0 may come without Host */
        tell_one(x, put, to, RW_FIELD_X_FORWARDED_HOST, RW_LITERAL("X-Forwarded-Host: "), host);
}

static inline ALWAYS void tell_forwarded(const struct rw_exchange *x, put_told *put, void *to,
                                         struct rw_span peer)
{
    bool v6 = rw_span_find(peer, ':') >= 0;
    const struct told told = {
        .id = RW_FIELD_FORWARDED,
        .name = RW_LITERAL("Forwarded: "),
        .earlier = x->client_trusted,
        .count = x->request.authority.len ? 7 : 4,
        .parts = {v6 ? RW_LITERAL("for=\"[") : RW_LITERAL("for="), peer,
                  v6 ? RW_LITERAL("]\";proto=") : RW_LITERAL(";proto="), scheme_of(x),
                  RW_LITERAL(";host=\""), x->request.authority, RW_LITERAL("\"")},
    };
    put(x, to, &told);
}

static inline ALWAYS void tell(const struct rw_exchange *x, put_told *put, void *to)
{
    char text[RW_ADDRESS_HOST_TEXT_MAX];
    struct rw_span peer = rw_span(text, rw_address_format_host(text, x->peer));
    int mode = x->listener->config->forwarded;
    if (mode == MODE_X_FORWARDED || mode == MODE_BOTH)
        tell_x_forwarded(x, put, to, peer);
    if (mode == MODE_FORWARDED || mode == MODE_BOTH)
        tell_forwarded(x, put, to, peer);
    struct rw_span version = x->front->via;
    if (!version.len)
        version = x->request.minor_version ? RW_LITERAL("1.1 ringway") : RW_LITERAL("1.0 ringway");
    const struct told via = {
        .id = RW_FIELD_VIA,
        .name = RW_LITERAL("Via: "),
        .earlier = true,
        .count = 1,
        .parts = {version},
    };
    put(x, to, &via);
}

/* ---- ... over HTTP/1 ---- */

static void put_earlier(const struct rw_exchange *x, struct rw_h1_out *out, enum rw_field_id id)
{
    for (unsigned i = 0; i < x->request.field_count; i++) {
        const struct rw_field *field = &x->request.fields[i];
        if (field->id != id || field->value.len == 0)
            continue;
        rw_h1_put(out, field->value);
        rw_h1_put(out, RW_LITERAL(", "));
    }
}

static inline ALWAYS void put_h1(const struct rw_exchange *x, void *to, const struct told *told)
{
    struct rw_h1_out *out = to;
    rw_h1_put(out, told->name);
    if (told->earlier)
        put_earlier(x, out, told->id);
    for (unsigned i = 0; i < told->count; i++)
        rw_h1_put(out, told->parts[i]);
    rw_h1_put(out, RW_LITERAL("\r\n"));
}

void rw_forwarded_put(const struct rw_exchange *x, struct rw_h1_out *out)
{
    tell(x, put_h1, out);
}

/* ---- ... over HTTP/2 ---- */

struct h2_put {
    struct rw_h2 *h2;
    struct rw_arena *arena;
    bool failed;
};

static bool has_earlier(const struct rw_exchange *x, enum rw_field_id id)
{
    const struct rw_field *field = rw_message_find(&x->request, id);
    return field != NULL;
}

static size_t joined_bytes(const struct rw_exchange *x, const struct told *told)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < x->request.field_count; i++)
        if (x->request.fields[i].id == told->id)
            bytes += x->request.fields[i].value.len + 2;
    for (unsigned i = 0; i < told->count; i++)
        bytes += told->parts[i].len;
    return bytes;
}

/* In one piece, in the arena; at == NULL: no memory. */
static struct rw_span join(const struct rw_exchange *x, struct rw_arena *arena,
                           const struct told *told)
{
    struct rw_h1_out out = {.room = joined_bytes(x, told)};
    out.at = rw_arena_alloc(arena, out.room);
    if (!out.at)
        return (struct rw_span){0};
    if (told->earlier)
        put_earlier(x, &out, told->id);
    for (unsigned i = 0; i < told->count; i++)
        rw_h1_put(&out, told->parts[i]);
    return rw_span(out.at, out.len);
}

static inline ALWAYS void put_h2(const struct rw_exchange *x, void *to, const struct told *told)
{
    struct h2_put *put = to;
    struct rw_span value = told->parts[0];
    if (told->count > 1 || (told->earlier && has_earlier(x, told->id)))
        value = join(x, put->arena, told);
    if (value.at)
        rw_h2_put_field(put->h2, told->id, rw_span(told->name.at, told->name.len - 2), value);
    else
        put->failed = true;
}

bool rw_forwarded_put_h2(struct rw_exchange *x, struct rw_h2 *h2)
{
    struct h2_put put = {.h2 = h2, .arena = &x->arena};
    tell(x, put_h2, &put);
    return !put.failed;
}
