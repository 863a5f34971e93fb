/* The table of the policy `residency`, and what a rule must have. */
#include "policy/residency/residency_private.h"

#define MEMBER(member) offsetof(struct rw_residency_rule_config, member)
static const struct rw_conf_field rule_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(name),
        .min = 1,
        .max = RW_RESIDENCY_NAME_BYTES_MAX,
        .doc = "What the access log calls it.",
        .example = "eu-stays",
    },
    {
        .name = "clients",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED,
        .offset = MEMBER(clients),
        .doc = "Whom it is for: countries (ISO 3166-1, two letters), `EU` for the member states of "
               "the European Union, `unknown` for addresses of which nothing is known, `any`.",
        .example = "[EU, CH]",
    },
    {
        .name = "regions",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(regions),
        .doc = "Their requests go only to endpoints whose `region` is one of these; a name may end "
               "in `*`. Either this or `refuse`.",
        .example = "[\"eu-*\", europe-west4]",
    },
    {
        .name = "refuse",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(refuse),
        .fallback = "false",
        .doc = "Their requests are refused.",
    },
    {
        .name = "status",
        .type = RW_CONF_UINT,
        .offset = MEMBER(status),
        .fallback = "451",
        .min = 400,
        .max = 499,
        .doc = "What the refused are answered.",
    },
    {.name = NULL},
};
#undef MEMBER

static bool is_group(struct rw_span client)
{
    return rw_span_is(client, "EU") || rw_span_is(client, "unknown") || rw_span_is(client, "any");
}

static void check_rule(void *value, struct rw_conf_report *report)
{
    struct rw_residency_rule_config *rule = value;
    struct rw_span *clients = rule->clients.items, *regions = rule->regions.items;
    for (size_t i = 0; i < rule->clients.count; i++)
        if (!is_group(clients[i]) && !rw_geo_is_country(clients[i]))
            rw_conf_mistake_on(report, &clients[i],
                               "%s is neither a country (ISO 3166-1, two capital letters) nor EU, "
                               "unknown or any%s",
                               rw_conf_quote(report, clients[i]), rw_geo_hint(clients[i]));
    for (size_t i = 0; i < rule->regions.count; i++)
        if (regions[i].len == 0)
            rw_conf_mistake_on(report, &regions[i], "no region has an empty name");
    if (rule->refuse == (rule->regions.count > 0))
        rw_conf_mistake_at(report, rule->place, "expected either \"regions\" or \"refuse: true\"");
}

static const struct rw_conf_record rule_record = {
    .name = "policy.residency.rule",
    .doc = "Where requests of some clients may go.",
    .size = sizeof(struct rw_residency_rule_config),
    .fields = rule_fields,
    .place_offset = offsetof(struct rw_residency_rule_config, place),
    .check = check_rule,
};

#define MEMBER(member) offsetof(struct rw_residency_networks_config, member)
static const struct rw_conf_field networks_fields[] = {
    {
        .name = "country",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(country),
        .min = 2,
        .max = 2,
        .doc = "The country (ISO 3166-1, two letters) that they are in.",
        .example = "DE",
    },
    {
        .name = "networks",
        .type = RW_CONF_CIDR,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED,
        .offset = MEMBER(networks),
        .doc = "The networks.",
        .example = "[10.20.0.0/16]",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_networks(void *value, struct rw_conf_report *report)
{
    struct rw_residency_networks_config *networks = value;
    if (!rw_geo_is_country(networks->country))
        rw_conf_mistake_on(
            report, &networks->country, "%s is no country (ISO 3166-1, two capital letters)%s",
            rw_conf_quote(report, networks->country), rw_geo_hint(networks->country));
}

static const struct rw_conf_record networks_record = {
    .name = "policy.residency.networks",
    .doc = "Networks of one country.",
    .size = sizeof(struct rw_residency_networks_config),
    .fields = networks_fields,
    .place_offset = offsetof(struct rw_residency_networks_config, place),
    .check = check_networks,
};

#define MEMBER(member) offsetof(struct rw_residency_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "database",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(database),
        .min = 1,
        .max = 4095,
        .doc = "MaxMind database (GeoLite2 or GeoIP2, Country or City) that says where an address "
               "is. It is opened anew at each reload; replace it by renaming.",
        .example = "/var/lib/GeoIP/GeoLite2-Country.mmdb",
    },
    {
        .name = "networks",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(networks),
        .record = &networks_record,
        .doc =
            "Networks whose country is known without the database, or better; of networks inside "
            "each other the smallest holds.",
    },
    {
        .name = "networks_file",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(networks_file),
        .min = 1,
        .max = 4095,
        .doc = "A file with more of them: network and country, one pair a line, comments after #. "
               "It is read at each reload.",
        .example = "/etc/ringway/countries.txt",
    },
    {
        .name = "rules",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED | RW_CONF_UNIQUE,
        .offset = MEMBER(rules),
        .record = &rule_record,
        .doc =
            "The first one that is for a client holds; a client that none is for may go anywhere.",
    },
    {.name = NULL},
};
#undef MEMBER

/* A rule for any leaves nothing to those after it. */
static void check_order(const struct rw_residency_config *config, struct rw_conf_report *report)
{
    const struct rw_residency_rule_config *rules = config->rules.items;
    for (size_t i = 0; i + 1 < config->rules.count; i++) {
        const struct rw_span *clients = rules[i].clients.items;
        for (size_t k = 0; k < rules[i].clients.count; k++)
            if (rw_span_is(clients[k], "any"))
                rw_conf_mistake_at(report, rules[i + 1].place,
                                   "never reached: the rule before it is for any client");
    }
}

static void check(void *value, struct rw_conf_report *report)
{
    struct rw_residency_config *config = value;
    if (!config->database.len && !config->networks.count && !config->networks_file.len)
        rw_conf_mistake_at(
            report, config->place,
            "expected \"database\", \"networks\" or \"networks_file\": something has "
            "to say where a client is");
    if (config->rules.count == 0 || config->rules.count > RW_RESIDENCY_RULES_MAX)
        rw_conf_mistake_on(report, &config->rules, "expected 1 to %d rules",
                           (int)RW_RESIDENCY_RULES_MAX);
    check_order(config, report);
}

const struct rw_conf_record rw_residency_record = {
    .name = "policy.residency",
    .doc = "Keeps the requests of clients from some countries to endpoints in some regions, or "
           "refuses them.",
    .size = sizeof(struct rw_residency_config),
    .fields = fields,
    .place_offset = offsetof(struct rw_residency_config, place),
    .check = check,
};
