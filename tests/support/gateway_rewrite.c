/* Paths and hosts that are rewritten, in a world that rewrites: by the policy of a listener, then
 * by that of the route; otherwise in each configuration, and what is rewritten says by which. What
 * must hold: an origin gets what the configuration in force makes of the target, once, and the same
 * at every try, whatever is reloaded meanwhile; so does a mirror's shadow. */
#include "support/gateway_world.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUTE = RW_TEST_LISTENERS_MAX };

enum manner {
    NOTHING,
    PREFIXED,
    STRIPPED,
    MATCHED,
    MISSED, /* its expression matches nothing: only the host is another one */
    WHOLE,  /* with a query of its own */
    BEHIND, /* what stands behind the route's path */
    MANNERS
};

enum { TAG_BYTES = 16 };

struct text {
    char path[RW_TEST_TARGET_BYTES], query[RW_TEST_TARGET_BYTES], host[RW_TEST_TARGET_BYTES];
};

static void tell(char tag[TAG_BYTES], unsigned set, unsigned place)
{
    snprintf(tag, TAG_BYTES, "c%u-%u", set, place);
}

void rw_test_rewrite_reload(struct rw_test_world *world)
{
    struct rw_test_rewrites *rewrites = &world->rewriting;
    rw_assert(rewrites->count < RW_TEST_REWRITES_MAX);
    memset(rewrites->sets[rewrites->count++], 0, sizeof(rewrites->sets[0]));
}

void rw_test_rewrite_policy(struct rw_test_world *world, int listener, struct rw_test_bytes *yaml)
{
    static const char *const formats[MANNERS] = {
        [PREFIXED] = "add_prefix: /%s",
        [STRIPPED] = "strip_prefix: /r, add_prefix: /%s",
        [MATCHED] = "regex: \"/r/(?<rest>.*)\", replacement: \"/%s/{rest}\"",
        [MISSED] = "regex: \"/q/.*\", replacement: \"/%s/never\"",
        [WHOLE] = "path: \"/%s{path}?was={path}\"",
        [BEHIND] = "path: \"/%s/{*}\""};
    struct rw_test_rewrites *rewrites = &world->rewriting;
    unsigned at = listener < 0 ? ROUTE : (unsigned)listener, set = rewrites->count - 1;
    unsigned manner = 1 + rw_test_below(world, listener < 0 ? MANNERS - 1 : BEHIND - 1);
    char tag[TAG_BYTES], text[100];
    tell(tag, set, at);
    snprintf(text, sizeof(text), formats[manner], tag);
    rw_test_bytes_format(yaml, " rewrite: { %s, host: %s.example },", text, tag);
    rewrites->sets[set][at] = (uint8_t)manner;
}

static void rewrite(struct text *made, enum manner manner, const char *tag, unsigned id)
{
    const struct text was = *made;
    bool plain = strncmp(was.path, "/r/", 3) == 0;
    size_t len = sizeof(made->path);
    if (manner == NOTHING)
        return;
    snprintf(made->host, sizeof(made->host), "%s.example", tag);
    if (manner == PREFIXED || (manner == STRIPPED && !plain))
        snprintf(made->path, len, "/%s%.40s", tag, was.path);
    if ((manner == STRIPPED || manner == MATCHED) && plain)
        snprintf(made->path, len, "/%s%.40s", tag, was.path + 2);
    if (manner == BEHIND)
        snprintf(made->path, len, "/%s/%u", tag, id);
    if (manner != WHOLE)
        return;
    snprintf(made->path, len, "/%s/r/%u", tag, id);
    snprintf(made->query, sizeof(made->query), "?was=/r/%u", id);
}

/* What is to become of a request by the configuration number `set`: first what the listener says,
 * then what the route does. */
static struct text rewritten(const struct rw_test_world *world, const struct rw_test_request *r,
                             unsigned set)
{
    struct text made = {.query = "?x=%41", .host = "example.com"};
    const unsigned places[] = {r->listener, ROUTE};
    snprintf(made.path, sizeof(made.path), "/r/%u", r->id);
    for (unsigned i = 0; i < 2; i++) {
        char tag[TAG_BYTES];
        tell(tag, set, places[i]);
        rewrite(&made, (enum manner)world->rewriting.sets[set][places[i]], tag, r->id);
    }
    return made;
}

static bool is(const struct text *made, struct rw_span target, struct rw_span host)
{
    size_t path = strlen(made->path);
    return rw_span_starts(target, rw_span_text(made->path)) &&
           rw_span_is(rw_span_skip(target, path), made->query) && rw_span_is(host, made->host);
}

struct rw_test_request *rw_test_rewrite_find(struct rw_test_world *world, struct rw_span target)
{
    char text[RW_TEST_TARGET_BYTES], again[RW_TEST_TARGET_BYTES];
    snprintf(text, sizeof(text), "%.*s", RW_SPAN_ARGS(target));
    char *query = strchr(text, '?');
    if (query)
        *query = '\0';
    const char *number = strrchr(text, '/');
    unsigned long id = number ? strtoul(number + 1, NULL, 10) : 0;
    snprintf(again, sizeof(again), "/%lu", id);
    if (!query || !number || strcmp(number, again) != 0 || id >= world->request_count)
        return NULL;
    return &world->requests[id];
}

static void check_again(struct rw_test_world *world, struct rw_test_request *r,
                        struct rw_span target)
{
    if (r->visits) /* several ask for it */
        return;
    if (*r->target && !rw_span_is(target, r->target))
        rw_test_fail(world, "%u: was %s and is %.*s", r->id, r->target, RW_SPAN_ARGS(target));
    snprintf(r->target, sizeof(r->target), "%.*s", RW_SPAN_ARGS(target));
}

void rw_test_rewrite_arrived(struct rw_test_world *world, struct rw_test_request *r,
                             struct rw_span target, struct rw_span host)
{
    unsigned last = world->rewriting.count ? world->rewriting.count - 1 : 0;
    bool sure = r->sent_generation == world->generation, known = false;
    for (unsigned set = sure ? last : 0; set <= last; set++) {
        const struct text made = rewritten(world, r, set);
        known |= is(&made, target, host);
    }
    if (!known)
        rw_test_fail(world, "%u: an origin was sent %.*s of %.*s", r->id, RW_SPAN_ARGS(target),
                     RW_SPAN_ARGS(host));
    check_again(world, r, target);
    world->rewritten += !rw_span_starts(target, RW_LITERAL("/r/"));
}
