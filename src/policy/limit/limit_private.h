/* What the files of policy/limit share; nobody else includes this. */
#ifndef RW_POLICY_LIMIT_LIMIT_PRIVATE_H
#define RW_POLICY_LIMIT_LIMIT_PRIVATE_H

#include "gate/limit/meter.h"
#include "gate/limit/share.h"
#include "policy/limit/limit.h"
#include "policy/limit/limit_key.h"
#include "watch/metrics.h"

enum { RW_LIMIT_NAME_BYTES_MAX = 64 };

/* ---- As the user writes it ---- */

enum rw_limit_per {
    RW_LIMIT_SECOND,
    RW_LIMIT_MINUTE,
    RW_LIMIT_HOUR,
    RW_LIMIT_DAY,
    RW_LIMIT_CALENDAR_DAY,
    RW_LIMIT_CALENDAR_MONTH
};
enum rw_limit_keyless { RW_LIMIT_TOGETHER, RW_LIMIT_UNCOUNTED };

struct rw_limit_config {
    struct rw_span name;
    uint32_t requests;
    int per; /* enum rw_limit_per */
    uint32_t burst;
    struct rw_conf_list key; /* of text */
    int keyless;             /* enum rw_limit_keyless */
    bool shared;
    struct rw_conf_place place;
};

struct rw_limits_config {
    struct rw_conf_list limits; /* of rw_limit_config */
    uint32_t ipv4_prefix, ipv6_prefix;
    uint32_t status;
    struct rw_span utc_offset;
    bool fields, dry_run;
    struct rw_conf_place place;
};

extern const struct rw_conf_record rw_limits_record;

/* ---- As it works ---- */

struct rw_limit {
    const struct rw_limit_config *config;
    struct rw_meter_rate rate;
    uint64_t hash_key[2];  /* the table's, with the limit's name in it */
    uint64_t id_key[2][2]; /* shared: the same for all gateways */
    struct rw_limit_part parts[RW_LIMIT_PARTS_MAX];
    unsigned part_count;
    int32_t offset_s; /* of local time from UTC, for what is counted */
    unsigned series;
    struct rw_span item;  /* "name";r= */
    struct rw_span label; /* for the log */
};

struct rw_limits {
    const struct rw_limits_config *config;
    struct rw_meters *meters;            /* NULL: serves nobody */
    struct rw_shares *shares;            /* NULL: no limit is shared */
    const struct rw_config_redis *redis; /* NULL: none */
    struct rw_limit limits[RW_METERS_AT_ONCE_MAX];
    unsigned count;
    struct rw_span policy_field; /* value of RateLimit-Policy */
};

/* Of a month: 0. */
uint64_t rw_limit_period_s(const struct rw_limit_config *config);
const char *rw_limit_per_name(const struct rw_limit_config *config);

/* limit_calendar.c */

/* "+08:00", "-03:30". RW_EINVAL. */
RW_MUST_CHECK enum rw_err rw_limit_offset(struct rw_span text, int32_t *offset_s);
/* When the day or month (enum rw_limit_per) that `wall_s` is in ends, both since 1970 UTC. */
uint32_t rw_limit_period_end(int per, int32_t offset_s, uint64_t wall_s);

/* limit_config.c */
enum rw_err rw_limits_compile(struct rw_compile *compile, const void *value, void **instance);

/* limit_fields.c: what a response is told of one decision, kept from the request on. */
struct rw_limit_note {
    struct rw_policy_note note;
    struct rw_span field;   /* value of RateLimit */
    uint64_t retry_after_s; /* 0: not refused */
};

/* RW_ENOMEM: the exchange has no room. */
RW_MUST_CHECK enum rw_err rw_limit_note_keep(struct rw_exchange *x, const struct rw_limits *limits,
                                             const struct rw_limit *const *asked,
                                             const struct rw_meter *meters, unsigned count,
                                             bool refused);
RW_MUST_CHECK enum rw_err rw_limit_note_tell(struct rw_exchange *x, const struct rw_limits *limits);

/* The answer to a refused request: problem details of the type that the draft registers. */
RW_MUST_CHECK enum rw_err rw_limit_refusal(struct rw_exchange *x, unsigned status,
                                           const struct rw_limit *const *asked,
                                           const struct rw_meter *meters, unsigned count);

#endif
