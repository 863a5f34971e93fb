/* Tables of releases, and what no single value of one shows. */
#include "gate/config/config_release.h"

#include "gate/config/config_tables.h"
#include "http/scan.h"

#define EACH(type, item, list)                                                                     \
    type *item = (list).items;                                                                     \
    item &&item < (type *)(list).items + (list).count;                                             \
    item++

/* ---- Versions ---- */

#define MEMBER(member) offsetof(struct rw_config_version, member)
static const struct rw_conf_field version_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(name),
        .min = 1,
        .max = 48,
        .doc = "For rules, metrics and the log.",
        .example = "stable",
    },
    {
        .name = "upstream",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(upstream),
        .min = 1,
        .max = 128,
        .doc = "The upstream that runs this version; each version has its own.",
        .example = "app",
    },
    {
        .name = "weight",
        .type = RW_CONF_UINT,
        .offset = MEMBER(weight),
        .fallback = "1",
        .min = 0,
        .max = 1000000,
        .doc = "Its share of the requests that no rule takes, against the weights of the other "
               "versions; 0: only what a rule sends there. With weights that add up to 100 they "
               "are percentages.",
        .example = "95",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record version_record = {
    .name = "release.version",
    .doc = "One version of what is behind the route.",
    .size = sizeof(struct rw_config_version),
    .fields = version_fields,
    .place_offset = offsetof(struct rw_config_version, place),
};

/* ---- Rules ---- */

#define MEMBER(member) offsetof(struct rw_config_release_rule, member)
static const struct rw_conf_field rule_fields[] = {
    {
        .name = "header",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(header),
        .min = 1,
        .max = 256,
        .doc = "The name of a header field,",
        .example = "X-Canary",
    },
    {
        .name = "cookie",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(cookie),
        .min = 1,
        .max = 256,
        .doc = "or of a cookie,",
        .example = "beta",
    },
    {
        .name = "query",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(query),
        .min = 1,
        .max = 256,
        .doc = "or of a query parameter: exactly one of the three.",
        .example = "beta",
    },
    {
        .name = "value",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(value),
        .fallback = "*",
        .min = 1,
        .max = 1024,
        .doc = "What it has to be, exactly; `*`: anything, it only has to be there.",
        .example = "\"yes\"",
    },
    {
        .name = "version",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(version),
        .min = 1,
        .max = 48,
        .doc = "Where such requests go, whatever the weights say.",
        .example = "canary",
    },
    {.name = NULL},
};
#undef MEMBER

static struct rw_span *rule_name(struct rw_config_release_rule *rule)
{
    return rule->header.len ? &rule->header : rule->cookie.len ? &rule->cookie : &rule->query;
}

static void check_rule(void *value, struct rw_conf_report *report)
{
    struct rw_config_release_rule *rule = value;
    int kinds = !!rule->header.len + !!rule->cookie.len + !!rule->query.len;
    if (kinds == 0)
        rw_conf_mistake_on(report, &rule->header,
                           "expected one of \"header\", \"cookie\", \"query\"");
    if (kinds > 1)
        rw_conf_mistake_on(report, rule_name(rule),
                           "a rule looks at one thing: header, cookie or query parameter");
    if (rule->header.len && !rw_is_token(rule->header))
        rw_conf_mistake_on(report, &rule->header, "%s is no name of a field",
                           rw_conf_quote(report, rule->header));
}

static const struct rw_conf_record rule_record = {
    .name = "release.rule",
    .doc = "Requests that go to a version by what they bring.",
    .size = sizeof(struct rw_config_release_rule),
    .fields = rule_fields,
    .place_offset = offsetof(struct rw_config_release_rule, place),
    .check = check_rule,
};

/* ---- Who stays ---- */

#define MEMBER(member) offsetof(struct rw_config_sticky, member)
static const struct rw_conf_field sticky_fields[] = {
    {
        .name = "on",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(by.on),
        .names = rw_config_hash_on_names,
        .fallback = "address",
        .doc = "By what a user is known: the client's address, a header field, a cookie, the path, "
               "a query parameter, or what the policies `api_key` and `jwt` have found out: the "
               "consumer, its tenant, or a claim. A request that lacks it is known by its address.",
        .example = "cookie",
    },
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(by.name),
        .min = 1,
        .max = 256,
        .doc = "Of the header field, cookie, query parameter or claim.",
        .example = "session",
    },
    {
        .name = "salt",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(salt),
        .min = 1,
        .max = 128,
        .doc = "Who gets which version is drawn anew when this changes. Routes of one salt draw "
               "the same users; by default it is the route's name, so that it is not always the "
               "same users who try what is new.",
        .example = "summer",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_sticky(void *value, struct rw_conf_report *report)
{
    struct rw_config_sticky *sticky = value;
    sticky->by.place = sticky->place;
    rw_config_check_hash(&sticky->by, report);
}

static const struct rw_conf_record sticky_record = {
    .name = "release.sticky",
    .doc = "Users stay with their version.",
    .size = sizeof(struct rw_config_sticky),
    .fields = sticky_fields,
    .place_offset = offsetof(struct rw_config_sticky, place),
    .check = check_sticky,
};

/* ---- The release ---- */

#define MEMBER(member) offsetof(struct rw_config_release, member)
static const struct rw_conf_field release_fields[] = {
    {
        .name = "versions",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED | RW_CONF_UNIQUE,
        .offset = MEMBER(versions),
        .record = &version_record,
        .doc = "What runs side by side: from two to 16 versions.",
    },
    {
        .name = "rules",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(rules),
        .record = &rule_record,
        .doc = "Before the weights: the first rule that takes a request says its version.",
    },
    {
        .name = "sticky",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(sticky),
        .record = &sticky_record,
        .doc = "The weights are shares of users, who stay with their version: when a share grows, "
               "users come to it and nobody leaves it. Without this record each request is drawn "
               "by itself.",
    },
    {
        .name = "rollout",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(rollout),
        .record = &rw_config_rollout_record,
        .doc = "One version comes in by stages, and is turned back when it is worse than another.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_versions(struct rw_config_release *release, struct rw_conf_report *report)
{
    uint64_t weights = 0;
    for (EACH(struct rw_config_version, version, release->versions)) {
        weights += version->weight;
        for (struct rw_config_version *other = release->versions.items; other < version; other++)
            if (version->upstream.len && rw_span_eq(other->upstream, version->upstream))
                rw_conf_mistake_on(report, &version->upstream,
                                   "the version %s has this upstream already: they would be one",
                                   rw_conf_quote(report, other->name));
    }
    if (weights == 0)
        rw_conf_mistake_on(report, &release->versions,
                           "every version has the weight 0: none would get a request");
}

const struct rw_config_version *rw_config_version_named(const struct rw_config_release *release,
                                                        struct rw_span name)
{
    for (EACH(const struct rw_config_version, version, release->versions))
        if (rw_span_eq(version->name, name))
            return version;
    return NULL;
}

void rw_config_expect_version(const struct rw_config_release *release, const struct rw_span *name,
                              struct rw_conf_report *report)
{
    const char *names[RW_RELEASE_VERSIONS_MAX];
    size_t count = 0;
    if (name->len == 0 || rw_config_version_named(release, *name))
        return;
    for (EACH(const struct rw_config_version, version, release->versions))
        if (version->name.len)
            names[count++] = version->name.at;
    rw_conf_mistake_on(report, name, "unknown version %s%s", rw_conf_quote(report, *name),
                       rw_conf_hint(report, *name, names, count));
}

/* Does `first` take every request that `second` would? */
static bool hides(const struct rw_config_release_rule *first,
                  const struct rw_config_release_rule *second)
{
    bool same_thing = rw_span_eq_nocase(first->header, second->header) &&
                      rw_span_eq(first->cookie, second->cookie) &&
                      rw_span_eq(first->query, second->query);
    return same_thing && (rw_span_is(first->value, "*") || rw_span_eq(first->value, second->value));
}

static void check_rules(struct rw_config_release *release, struct rw_conf_report *report)
{
    for (EACH(struct rw_config_release_rule, rule, release->rules)) {
        rw_config_expect_version(release, &rule->version, report);
        for (struct rw_config_release_rule *first = release->rules.items; first < rule; first++) {
            if (!hides(first, rule))
                continue;
            rw_conf_mistake_on(report, rule_name(rule),
                               "the rule in line %u takes all these requests already, to the "
                               "version %s",
                               first->place.line, rw_conf_quote(report, first->version));
            break;
        }
    }
}

static void check_release(void *value, struct rw_conf_report *report)
{
    struct rw_config_release *release = value;
    if (release->versions.count < 2 || release->versions.count > RW_RELEASE_VERSIONS_MAX) {
        rw_conf_mistake_on(report, &release->versions, "expected from 2 to %d versions, not %zu",
                           RW_RELEASE_VERSIONS_MAX, release->versions.count);
        return;
    }
    if (release->rules.count > RW_RELEASE_RULES_MAX) {
        rw_conf_mistake_on(report, &release->rules, "expected at most %d rules, not %zu",
                           RW_RELEASE_RULES_MAX, release->rules.count);
        return;
    }
    check_versions(release, report);
    check_rules(release, report);
    if (release->rollout)
        rw_config_check_rollout(release, report);
}

const struct rw_conf_record rw_config_release_record = {
    .name = "release",
    .doc = "Shares the route's requests out among several versions, each an upstream.",
    .size = sizeof(struct rw_config_release),
    .fields = release_fields,
    .place_offset = offsetof(struct rw_config_release, place),
    .check = check_release,
};
