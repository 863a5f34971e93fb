#include "conf/scalar.h"
#include "gate/config/config_release.h"
#include "origin/upstream.h"
#include "policy/mirror/mirror_private.h"

#define EACH(type, item, list)                                                                     \
    type *item = (list).items;                                                                     \
    item &&item < (type *)(list).items + (list).count;                                             \
    item++

/* ---- What is compared ---- */

#define MEMBER(member) offsetof(struct rw_mirror_compare_config, member)
static const struct rw_conf_field compare_fields[] = {
    {
        .name = "fields",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(fields),
        .fallback = "[Content-Type, Content-Language, Location, Cache-Control, WWW-Authenticate]",
        .min = 1,
        .max = 128,
        .doc = "Header fields that have to be the same, beside the status; [] is none.",
    },
    {
        .name = "ignore",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(ignore),
        .min = 2,
        .max = 512,
        .doc = "Values in JSON that may differ, and all below them: JSON Pointers, in which `*` is "
               "any member or element.",
        .example = "[/request_id, /items/*/updated_at]",
    },
    {
        .name = "body_max",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(body_bytes_max),
        .fallback = "64KiB",
        .min = 0,
        .max = 1 << 20,
        .doc = "So much of a body is kept on either side until both are there; answers with "
               "longer ones are compared without them.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_compare(void *value, struct rw_conf_report *report)
{
    struct rw_mirror_compare_config *compare = value;
    if (compare->fields.count > RW_MIRROR_FIELDS_MAX)
        rw_conf_mistake_on(report, &compare->fields, "expected at most %d fields",
                           RW_MIRROR_FIELDS_MAX);
    if (compare->ignore.count > RW_MIRROR_IGNORED_MAX)
        rw_conf_mistake_on(report, &compare->ignore, "expected at most %d paths",
                           RW_MIRROR_IGNORED_MAX);
    for (EACH(const struct rw_span, name, compare->fields))
        if (name->len && !rw_is_token(*name))
            rw_conf_mistake_on(report, name, "%s is no name of a field",
                               rw_conf_quote(report, *name));
    for (EACH(const struct rw_span, path, compare->ignore))
        if (path->len && path->at[0] != '/')
            rw_conf_mistake_on(report, path, "%s is no JSON Pointer: it begins with a slash",
                               rw_conf_quote(report, *path));
}

static const struct rw_conf_record compare_record = {
    .name = "policy.mirror.compare",
    .doc = "The migration check: is the shadow's answer the one that the client got?",
    .size = sizeof(struct rw_mirror_compare_config),
    .fields = compare_fields,
    .place_offset = offsetof(struct rw_mirror_compare_config, place),
    .check = check_compare,
};

/* ---- The policy ---- */

#define MEMBER(member) offsetof(struct rw_mirror_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "upstream",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(upstream),
        .min = 1,
        .max = 128,
        .doc = "The shadow: an upstream that answers nobody else, so that copies take neither "
               "connections nor places from clients.",
        .example = "app",
    },
    {
        .name = "share",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(share_text),
        .fallback = "100%",
        .max = 16,
        .doc = "Of the requests, each drawn by itself.",
        .example = "10%",
    },
    {
        .name = "body_max",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(body_bytes_max),
        .fallback = "64KiB",
        .min = 0,
        .max = 1 << 20,
        .doc = "A request with a larger body is not mirrored. The copy leaves when all of the body "
               "is there.",
    },
    {
        .name = "requests_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(requests_max),
        .fallback = "64",
        .min = 1,
        .max = 1024,
        .doc = "Copies under way in a thread; while there are so many, further requests are not "
               "mirrored.",
    },
    {
        .name = "timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(timeout_ms),
        .fallback = "10s",
        .min = 1,
        .max = 600000,
        .doc = "From the request's head until both answers are there.",
    },
    {
        .name = "compare",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(compare),
        .record = &compare_record,
        .doc = "Compares the answers. Without it they are dropped.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check(void *value, struct rw_conf_report *report)
{
    struct rw_mirror_config *config = value;
    if (rw_conf_percent(config->share_text, &config->share) || config->share > 1)
        rw_conf_mistake_on(report, &config->share_text,
                           "expected a share from 0%% to 100%%, not %s",
                           rw_conf_quote(report, config->share_text));
}

const struct rw_conf_record rw_mirror_record = {
    .name = "policy.mirror",
    .doc = "Sends copies of requests to another upstream, the shadow, without any effect on the "
           "clients, and compares what it answers. Put it last among the route's policies.",
    .size = sizeof(struct rw_mirror_config),
    .fields = fields,
    .place_offset = offsetof(struct rw_mirror_config, place),
    .scalar_field = "upstream",
    .check = check,
};

/* ---- Compiling ---- */

static bool answers_by(const struct rw_conf_variant *action, struct rw_span upstream)
{
    if (!action->kind || !action->value)
        return false;
    if (action->kind == &rw_origin_upstream.kind)
        return rw_span_eq(*(const struct rw_span *)action->value, upstream);
    if (action->kind->record != &rw_config_release_record)
        return false;
    const struct rw_config_release *release = action->value;
    for (EACH(const struct rw_config_version, version, release->versions))
        if (rw_span_eq(version->upstream, upstream))
            return true;
    return false;
}

/* The shadow is nobody's but the mirror's. */
static enum rw_err check_shadow(struct rw_compile *compile, const struct rw_mirror_config *config)
{
    const struct rw_config *all = compile->snapshot->config;
    for (EACH(const struct rw_config_route, route, all->routes)) {
        if (!answers_by(&route->action, config->upstream))
            continue;
        rw_conf_mistake_at(compile->report, config->place,
                           "the upstream \"%.*s\" answers the route \"%.*s\" in line %u: copies "
                           "would take connections from its clients; give the shadow an upstream "
                           "of its own",
                           RW_SPAN_ARGS(config->upstream), RW_SPAN_ARGS(route->name),
                           route->place.line);
        return RW_EINVAL;
    }
    return RW_OK;
}

static enum rw_err tell_unknown(struct rw_compile *compile, const struct rw_mirror_config *config)
{
    const struct rw_config *all = compile->snapshot->config;
    const char **names =
        rw_arena_alloc(compile->arena, (all->upstreams.count + 1) * sizeof(*names));
    size_t count = 0;
    if (!names)
        return RW_ENOMEM;
    if (rw_config_upstream_named(all, config->upstream))
        return RW_EINVAL; /* it could not be made: told already */
    for (EACH(const struct rw_config_upstream, upstream, all->upstreams))
        names[count++] = upstream->name.at;
    rw_conf_mistake_at(compile->report, config->place, "unknown upstream \"%.*s\"%s",
                       RW_SPAN_ARGS(config->upstream),
                       rw_conf_hint(compile->report, config->upstream, names, count));
    return RW_EINVAL;
}

/* Copies give way to everybody else's requests. */
static enum rw_err make_route(struct rw_compile *compile, struct rw_mirror *mirror,
                              struct rw_cluster *shadow)
{
    const struct rw_config_route *of = compile->route;
    struct rw_config_route *config = rw_arena_alloc(compile->arena, sizeof(*config));
    struct rw_config_route_overload *overload = rw_arena_alloc(compile->arena, sizeof(*overload));
    struct rw_span name = rw_arena_format(compile->arena, "%.*s (mirror)", RW_SPAN_ARGS(of->name));
    if (!config || !overload || !name.at)
        return RW_ENOMEM;
    uint32_t first_byte_ms = of->timeouts->first_byte_ms, most_ms = mirror->config->timeout_ms;
    *overload = *of->overload;
    overload->class = RW_CLASS_BULK;
    *config = *of;
    config->name = name;
    config->overload = overload;
    mirror->shadow_route = (struct rw_route){
        .name = name,
        .config = config,
        .origin = &rw_origin_upstream,
        .origin_instance = shadow,
        .series = mirror->series,
        .first_byte_ms = first_byte_ms < most_ms ? first_byte_ms : most_ms,
    };
    return RW_OK;
}

static void find_series(struct rw_compile *compile, struct rw_mirror *mirror)
{
    static const struct rw_span none;
    mirror->series = RW_SERIES_MIRROR;
    mirror->result_series = RW_SERIES_MIRROR_RESULT;
    if (!compile->metrics)
        return;
    mirror->series =
        rw_metrics_series(compile->metrics, RW_SERIES_MIRROR, compile->route->name, none);
    mirror->result_series =
        rw_metrics_series(compile->metrics, RW_SERIES_MIRROR_RESULT, compile->route->name, none);
}

enum rw_err rw_mirror_compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct rw_mirror_config *config = value;
    if (!compile->route) {
        rw_conf_mistake_at(compile->report, config->place,
                           "a mirror belongs to a route, not to a listener");
        return RW_EINVAL;
    }
    struct rw_cluster *shadow = rw_snapshot_cluster(compile->snapshot, config->upstream);
    if (!shadow)
        return tell_unknown(compile, config);
    struct rw_mirror *mirror = rw_arena_zero(compile->arena, sizeof(*mirror));
    if (!mirror)
        return RW_ENOMEM;
    mirror->config = config;
    mirror->route = compile->route->name;
    mirror->samples = compile->samples;
    find_series(compile, mirror);
    *instance = mirror;
    enum rw_err err = check_shadow(compile, config);
    return err ? err : make_route(compile, mirror, shadow);
}
