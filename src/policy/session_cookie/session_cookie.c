#include "policy/session_cookie/session_cookie.h"

#include "base/random.h"
#include "gate/cluster/cluster.h"
#include "gate/config/config_release.h"
#include "gate/config/template.h"
#include "gate/exchange/exchange.h"
#include "gate/release/release.h"
#include "gate/snapshot.h"
#include "gate/worker.h"
#include "http/pairs.h"
#include "origin/release.h"
#include "origin/upstream.h"
#include "policy/identity/credential.h"
#include "policy/limit/limit.h"

#include <stdio.h>

enum { VALUE_BYTES_MAX = 64, AGE_MS_MAX = 2073600000 }; /* 24 days */
enum same_site { SAME_SITE_LAX, SAME_SITE_STRICT, SAME_SITE_NONE };

static const char *const same_site_names[] = {"lax", "strict", "none", NULL};
static const char *const same_site_values[] = {"Lax", "Strict", "None"};

struct session_cookie_config {
    struct rw_span name, path;
    uint32_t max_age_ms;
    int same_site; /* enum same_site */
    struct rw_conf_place place;
};

/* What a new one has been given, for the response. */
struct note {
    struct rw_policy_note note;
    struct rw_span value;
};

/* ---- Configuration ---- */

#define MEMBER(member) offsetof(struct session_cookie_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(name),
        .fallback = "ringway_session",
        .min = 1,
        .max = 128,
        .doc = "Of the cookie.",
    },
    {
        .name = "max_age",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(max_age_ms),
        .fallback = "0s",
        .max = AGE_MS_MAX,
        .doc = "How long the browser keeps it; 0s: until it ends.",
    },
    {
        .name = "path",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path),
        .fallback = "/",
        .min = 1,
        .max = 1024,
        .doc = "Requests below this path get it.",
    },
    {
        .name = "same_site",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(same_site),
        .names = same_site_names,
        .fallback = "lax",
        .doc = "Whether calls from pages of other sites have it, too: `none` for frames and calls "
               "across sites, which browsers take over TLS only.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check(void *value, struct rw_conf_report *report)
{
    const struct session_cookie_config *config = value;
    if (!rw_is_token(config->name))
        rw_conf_mistake_on(report, &config->name, "%s cannot be the name of a cookie",
                           rw_conf_quote(report, config->name));
    if (config->path.at[0] != '/' || !rw_is_field_value(config->path) ||
        rw_span_find(config->path, ';') >= 0)
        rw_conf_mistake_on(report, &config->path, "a path begins with \"/\", and has no \";\"");
}

static const struct rw_conf_record record = {
    .name = "policy.session_cookie",
    .doc = "Gives each browser a cookie by which it is known again.",
    .size = sizeof(struct session_cookie_config),
    .fields = fields,
    .place_offset = offsetof(struct session_cookie_config, place),
    .check = check,
};

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    (void)compile;
    *instance = (void *)value; /* lives in the snapshot's arena already */
    return RW_OK;
}

/* ---- Is it of any use? ---- */

static bool goes_by(const struct rw_config_hash *hash, struct rw_span name)
{
    return hash->on == RW_HASH_COOKIE && rw_span_eq(hash->name, name);
}

static bool cluster_goes_by(const struct rw_cluster *cluster, struct rw_span name)
{
    return cluster->balance == RW_BALANCE_HASH && goes_by(&cluster->hash, name);
}

static bool release_goes_by(const struct rw_release *release, struct rw_span name)
{
    const struct rw_config_sticky *sticky = release->config->sticky;
    bool goes = sticky && goes_by(&sticky->by, name);
    for (unsigned i = 0; i < release->count && !goes; i++)
        goes = cluster_goes_by(release->versions[i].cluster, name);
    return goes;
}

/* Its own policy, and not one that the listener has for some of its routes. A rate limit may go by
 * the cookie, too: that is not looked into. */
static bool is_for_the_choice(const struct rw_route *route, const void *instance)
{
    bool own = false, limited = false;
    for (unsigned i = 0; i < route->policy_count; i++) {
        own |= route->policies[i].instance == instance;
        limited |= route->policies[i].policy == &rw_policy_rate_limit;
    }
    return own && !limited;
}

/* Sessions that are lost now and then are hard to find out about later. */
static enum rw_err check_route(const void *instance, const struct rw_route *route,
                               const struct rw_snapshot *snapshot, struct rw_conf_report *report)
{
    const struct session_cookie_config *config = instance;
    bool goes = !is_for_the_choice(route, instance);
    (void)snapshot;
    if (route->origin == &rw_origin_upstream)
        goes = goes || cluster_goes_by(route->origin_instance, config->name);
    else if (route->origin == &rw_origin_release)
        goes = goes || release_goes_by(route->origin_instance, config->name);
    else
        return RW_OK; /* nothing is chosen */
    if (goes)
        return RW_OK;
    rw_conf_mistake_at(report, config->place,
                       "nothing goes by the cookie %s: the upstream of the route %s needs "
                       "\"balance: hash\" and \"hash: { on: cookie, name: ... }\" with this name",
                       rw_conf_quote(report, config->name), rw_conf_quote(report, route->name));
    return RW_EINVAL;
}

/* ---- At work ---- */

/* Whatever a client has made up is as good as ours, if it is no trouble for anybody. */
static bool is_good(struct rw_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = rw_lower(value.at[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return value.len > 0 && value.len <= VALUE_BYTES_MAX;
}

/* One field with all cookies, as HTTP/1.1 has it, the new one the only one of its name. */
static enum rw_err put_cookie(struct rw_exchange *x, struct rw_span name, struct rw_span value)
{
    const struct rw_credential before = {RW_CREDENTIAL_COOKIE, name};
    enum rw_err err = rw_credential_remove(&before, x);
    if (err)
        return err;
    struct rw_span others = rw_message_value(&x->request, RW_FIELD_COOKIE);
    struct rw_span all =
        rw_arena_format(&x->arena, "%.*s%s%.*s=%.*s", RW_SPAN_ARGS(others), others.len ? "; " : "",
                        RW_SPAN_ARGS(name), RW_SPAN_ARGS(value));
    return all.at ? rw_message_set(&x->request, &x->arena, rw_field_name(RW_FIELD_COOKIE), all)
                  : RW_ENOMEM;
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct session_cookie_config *config = instance;
    struct rw_pairs_found found = rw_pairs_find(&x->request, RW_PAIRS_COOKIE, config->name);
    if (found.there && !found.ambiguous && is_good(found.value))
        return RW_VERDICT_NEXT;
    struct rw_random *random = rw_loop_random(x->worker->loop);
    unsigned long long high = rw_random_u64(random), low = rw_random_u64(random);
    struct note *note = rw_arena_alloc(&x->arena, sizeof(*note));
    if (!note)
        return RW_VERDICT_FAIL;
    note->value = rw_arena_format(&x->arena, "%016llx%016llx", high, low);
    if (!note->value.at || put_cookie(x, config->name, note->value))
        return RW_VERDICT_FAIL;
    rw_policy_keep(x, &note->note, instance);
    return RW_VERDICT_NEXT;
}

static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    const struct session_cookie_config *config = instance;
    const struct note *note = (struct note *)rw_policy_kept(x, instance);
    if (!note)
        return RW_VERDICT_NEXT;
    char age[32] = "";
    bool secure = config->same_site == SAME_SITE_NONE || rw_span_is(rw_template_scheme(x), "https");
    if (config->max_age_ms)
        snprintf(age, sizeof(age), "; Max-Age=%u", config->max_age_ms / 1000);
    struct rw_span cookie = rw_arena_format(
        &x->arena, "%.*s=%.*s; Path=%.*s%s; HttpOnly%s; SameSite=%s", RW_SPAN_ARGS(config->name),
        RW_SPAN_ARGS(note->value), RW_SPAN_ARGS(config->path), age, secure ? "; Secure" : "",
        same_site_values[config->same_site]);
    if (!cookie.at ||
        rw_message_add(&x->response, &x->arena, rw_field_name(RW_FIELD_SET_COOKIE), cookie))
        return RW_VERDICT_FAIL;
    return RW_VERDICT_NEXT;
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct session_cookie_config *config = instance;
    rw_text_addf(text, "%.*s, kept by the browser for ", RW_SPAN_ARGS(config->name));
    if (config->max_age_ms)
        rw_text_addf(text, "%u s", config->max_age_ms / 1000);
    else
        rw_text_adds(text, "its session");
}

const struct rw_policy rw_policy_session_cookie = {
    .kind = {.name = "session_cookie",
             .record = &record,
             .doc = "Gives each browser a cookie by which it is known again.",
             .user = &rw_policy_session_cookie},
    .compile = compile,
    .check_route = check_route,
    .on_request = on_request,
    .on_response = on_response,
    .explain = explain,
};
