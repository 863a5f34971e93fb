/* Tables of places: where the gateway is, where its endpoints are, which of them are preferred. */
#include "gate/cluster/cluster.h"
#include "gate/config/config_tables.h"

#include <stdlib.h>

enum { LABEL_BYTES_MAX = 64 };

/* ---- The gateway ---- */

#define MEMBER(member) offsetof(struct rw_locality, member)
static const struct rw_conf_field locality_fields[] = {
    {
        .name = "zone",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(zone),
        .min = 1,
        .max = LABEL_BYTES_MAX,
        .doc = "The zone (data centre) of this gateway. By default what the environment variable "
               "`RINGWAY_ZONE` says, if it is set.",
        .example = "eu-west-1a",
    },
    {
        .name = "region",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(region),
        .min = 1,
        .max = LABEL_BYTES_MAX,
        .doc = "Its region; by default `RINGWAY_REGION` of the environment.",
        .example = "eu-west-1",
    },
    {
        .name = "cloud",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(cloud),
        .min = 1,
        .max = LABEL_BYTES_MAX,
        .doc = "Whose data centre it is; by default `RINGWAY_CLOUD` of the environment.",
        .example = "aws",
    },
    {.name = NULL},
};
#undef MEMBER

static void take_environment(struct rw_conf_report *report, struct rw_span *label, const char *name)
{
    const char *value = getenv(name);
    if (label->len || !value || !*value)
        return;
    if (strlen(value) > LABEL_BYTES_MAX) {
        rw_conf_mistake_on(report, label, "the environment variable %s is longer than %d bytes",
                           name, (int)LABEL_BYTES_MAX);
        return;
    }
    *label = rw_arena_copy(rw_conf_results(report), rw_span_text(value));
    if (!label->at)
        report->err = RW_ENOMEM;
}

static void check_locality(void *value, struct rw_conf_report *report)
{
    struct rw_locality *locality = value;
    take_environment(report, &locality->zone, "RINGWAY_ZONE");
    take_environment(report, &locality->region, "RINGWAY_REGION");
    take_environment(report, &locality->cloud, "RINGWAY_CLOUD");
}

const struct rw_conf_record rw_config_locality_record = {
    .name = "locality",
    .doc = "Where this gateway is.",
    .size = sizeof(struct rw_locality),
    .fields = locality_fields,
    .place_offset = -1,
    .check = check_locality,
};

/* ---- Endpoints ---- */

#define MEMBER(member) offsetof(struct rw_config_endpoint, member)
static const struct rw_conf_field endpoint_fields[] = {
    {
        .name = "address",
        .type = RW_CONF_ADDRESS,
        .flags = RW_CONF_REQUIRED | RW_CONF_REMOTE,
        .offset = MEMBER(address),
        .doc = "Address or name with a port, a Unix socket, or a name to look up SRV records for. "
               "Every address of a name is an endpoint of its own.",
        .example = "10.0.0.1:9000",
    },
    {
        .name = "weight",
        .type = RW_CONF_UINT,
        .offset = MEMBER(weight),
        .fallback = "1",
        .min = 0,
        .max = 1000,
        .doc = "Its share of the requests, beside the other weights; 0 gets none.",
    },
    {
        .name = "priority",
        .type = RW_CONF_UINT,
        .offset = MEMBER(priority),
        .fallback = "0",
        .min = 0,
        .max = RW_PRIORITIES - 1,
        .doc = "Endpoints of the lowest number take the requests, as long as enough of them are up "
               "(`locality.overflow_below`); those of higher ones are their reserve.",
    },
    {
        .name = "zone",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(locality.zone),
        .min = 1,
        .max = LABEL_BYTES_MAX,
        .doc =
            "The zone (data centre) that it is in, in the words of the gateway's own `locality`.",
        .example = "eu-west-1a",
    },
    {
        .name = "region",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(locality.region),
        .min = 1,
        .max = LABEL_BYTES_MAX,
        .doc = "The region that it is in.",
        .example = "eu-west-1",
    },
    {
        .name = "cloud",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(locality.cloud),
        .min = 1,
        .max = LABEL_BYTES_MAX,
        .doc = "Whose data centre it is.",
        .example = "aws",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_endpoint_record = {
    .name = "endpoint",
    .doc = "One server. A text in place of the mapping is the address.",
    .size = sizeof(struct rw_config_endpoint),
    .fields = endpoint_fields,
    .place_offset = offsetof(struct rw_config_endpoint, place),
    .scalar_field = "address",
};

/* ---- Preferring ---- */

static const char *const prefer_names[] = {"zone", "region", "cloud", "none", NULL};

#define MEMBER(member) offsetof(struct rw_config_locality, member)
static const struct rw_conf_field preference_fields[] = {
    {
        .name = "prefer",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(prefer),
        .names = prefer_names,
        .fallback = "zone",
        .doc =
            "What is near, beside the gateway's own `locality`: `zone`, first its zone, then its "
            "region, then its cloud, then the rest; `region`, first its region, ...; `none`, "
            "all endpoints of a priority alike. Endpoints without labels are far.",
    },
    {
        .name = "overflow_below",
        .type = RW_CONF_UINT,
        .offset = MEMBER(overflow_below_percent),
        .fallback = "70",
        .min = 1,
        .max = 100,
        .doc = "In percent of the weights: when less of the nearest endpoints (of one priority) is "
               "up, a part of the requests goes to the next ones, in proportion: with 70, half of "
               "them up keep 50/70 of the requests.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_upstream_locality_record = {
    .name = "upstream.locality",
    .doc = "Which endpoints are preferred, by `priority` and by their place.",
    .size = sizeof(struct rw_config_locality),
    .fields = preference_fields,
    .place_offset = -1,
};
