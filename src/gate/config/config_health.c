/* Tables of how it is known that an endpoint works. */
#include "gate/config/config_tables.h"
#include "http/grpc_health.h"

/* ---- Probes ---- */

static const struct rw_conf_field grpc_health_fields[] = {
    {
        .name = "service",
        .type = RW_CONF_TEXT,
        .offset = offsetof(struct rw_config_grpc_health, service),
        .min = 1,
        .max = RW_GRPC_SERVICE_BYTES_MAX,
        .doc = "The service that is asked about. By default the server as a whole.",
        .example = "shop.Orders",
    },
    {.name = NULL},
};

static const struct rw_conf_record grpc_health_record = {
    .name = "upstream.health.grpc",
    .doc = "The health check of gRPC: good is the status SERVING. A text in place of the mapping "
           "is the service.",
    .size = sizeof(struct rw_config_grpc_health),
    .fields = grpc_health_fields,
    .place_offset = -1,
    .scalar_field = "service",
};

#define MEMBER(member) offsetof(struct rw_config_active_health, member)
static const struct rw_conf_field health_fields[] = {
    {
        .name = "path",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path),
        .min = 1,
        .max = 4096,
        .doc = "What is asked for, by GET. Either this or `grpc`.",
        .example = "/healthz",
    },
    {
        .name = "grpc",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(grpc),
        .record = &grpc_health_record,
        .doc = "Ask by gRPC (grpc.health.v1.Health/Check) in place of a GET; {} asks about the "
               "server as a whole. For `protocol: http2`.",
    },
    {
        .name = "host",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(host),
        .min = 1,
        .max = 253,
        .doc = "The Host field of the probe. By default the upstream's name.",
        .example = "app.internal",
    },
    {
        .name = "interval",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(interval_ms),
        .fallback = "5s",
        .min = 100,
        .max = 3600000,
        .doc = "From one probe to the next.",
    },
    {
        .name = "timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(timeout_ms),
        .fallback = "2s",
        .min = 10,
        .max = 600000,
        .doc = "For the whole probe; not longer than the interval.",
    },
    {
        .name = "healthy_after",
        .type = RW_CONF_UINT,
        .offset = MEMBER(healthy_after),
        .fallback = "2",
        .min = 1,
        .max = 100,
        .doc = "So many good probes in a row bring an endpoint back, also one that "
               "`passive_health` has put out.",
    },
    {
        .name = "unhealthy_after",
        .type = RW_CONF_UINT,
        .offset = MEMBER(unhealthy_after),
        .fallback = "3",
        .min = 1,
        .max = 100,
        .doc = "So many bad probes in a row take an endpoint out.",
    },
    {
        .name = "status_min",
        .type = RW_CONF_UINT,
        .offset = MEMBER(status_min),
        .fallback = "200",
        .min = 100,
        .max = 599,
        .doc = "The lowest status that counts as good.",
    },
    {
        .name = "status_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(status_max),
        .fallback = "399",
        .min = 100,
        .max = 599,
        .doc = "The highest status that counts as good.",
    },
    {
        .name = "panic_percent",
        .type = RW_CONF_UINT,
        .offset = MEMBER(panic_percent),
        .fallback = "0",
        .min = 0,
        .max = 100,
        .doc = "When fewer than so many percent of the endpoints are up by their probes, the "
               "probes are not believed and all are asked: better some answers than the whole "
               "load on the few. 0: a request goes to none that is down.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_health_record = {
    .name = "upstream.health",
    .doc = "Probes of each endpoint. A text in place of the mapping is the path.",
    .size = sizeof(struct rw_config_active_health),
    .fields = health_fields,
    .place_offset = -1,
    .scalar_field = "path",
    .check = rw_config_check_health,
};

/* ---- By requests ---- */

static const char *const all_out_names[] = {"ask", "refuse", NULL};

#define MEMBER(member) offsetof(struct rw_config_passive_health, member)
static const struct rw_conf_field passive_health_fields[] = {
    {
        .name = "failures",
        .type = RW_CONF_UINT,
        .offset = MEMBER(failures),
        .fallback = "5",
        .min = 0,
        .max = 1000,
        .doc = "So many failures in a row put an endpoint out: no connection, reset, timeout, or a "
               "status 502, 503 or 504; 0 is off.",
    },
    {
        .name = "eject",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(eject_ms),
        .fallback = "10s",
        .min = 1,
        .max = 3600000,
        .doc = "How long it then gets no requests; longer each time that it fails again.",
    },
    {
        .name = "eject_percent_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(eject_percent_max),
        .fallback = "50",
        .min = 0,
        .max = 100,
        .doc =
            "At most so many percent of the endpoints are out at a time, so that a failure of all "
            "does not leave none.",
    },
    {
        .name = "error_percent",
        .type = RW_CONF_UINT,
        .offset = MEMBER(error_percent),
        .fallback = "0",
        .min = 0,
        .max = 100,
        .doc = "So many percent of an endpoint's requests in a `window` that fail put it out, too; "
               "0 is off.",
    },
    {
        .name = "slow",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(slow_ms),
        .fallback = "0s",
        .min = 0,
        .max = 86400000,
        .doc = "A response that takes so long, from the request to its head, is slow; 0s is off.",
        .example = "2s",
    },
    {
        .name = "slow_percent",
        .type = RW_CONF_UINT,
        .offset = MEMBER(slow_percent),
        .fallback = "50",
        .min = 1,
        .max = 100,
        .doc = "So many percent of slow responses in a `window` put an endpoint out.",
    },
    {
        .name = "window",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(window_ms),
        .fallback = "10s",
        .min = 100,
        .max = 3600000,
        .doc = "Over which these shares are taken, one window after the other.",
    },
    {
        .name = "requests_min",
        .type = RW_CONF_UINT,
        .offset = MEMBER(requests_min),
        .fallback = "20",
        .min = 1,
        .max = 1000000,
        .doc = "With fewer requests in a window shares say nothing.",
    },
    {
        .name = "trials",
        .type = RW_CONF_UINT,
        .offset = MEMBER(trials),
        .fallback = "1",
        .min = 0,
        .max = 1000,
        .doc = "After its time an endpoint gets one request at a time, and is back when so many in "
               "a row were good; one that fails puts it out again. 0: it is back at once.",
    },
    {
        .name = "slow_start",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(slow_start_ms),
        .fallback = "0s",
        .min = 0,
        .max = 3600000,
        .doc =
            "An endpoint that is back, by `trials` or by its probes, gets a tenth of its share at "
            "first, and the whole of it after this time. 0s: at once.",
    },
    {
        .name = "all_out",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(all_out),
        .names = all_out_names,
        .fallback = "ask",
        .doc = "When no endpoint takes requests but those that failed: `ask` them all the same, or "
               "`refuse` with 503 at once, which spares them (a circuit breaker of the upstream). "
               "With fewer than all the endpoints out, `eject_percent_max` decides first.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_passive_health_record = {
    .name = "upstream.passive_health",
    .doc = "What real requests tell about an endpoint.",
    .size = sizeof(struct rw_config_passive_health),
    .fields = passive_health_fields,
    .place_offset = -1,
};
