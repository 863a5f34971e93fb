/* Tables of what an upstream does about failure. */
#include "gate/config/config_tables.h"

/* ---- Retries ---- */

const char *const rw_config_retry_names[] = {"connect",
                                             "reset",
                                             "timeout",
                                             "502",
                                             "503",
                                             "504",
                                             "grpc_cancelled",
                                             "grpc_deadline_exceeded",
                                             "grpc_resource_exhausted",
                                             "grpc_internal",
                                             "grpc_unavailable",
                                             NULL};

#define MEMBER(member) offsetof(struct rw_config_retries, member)
static const struct rw_conf_field retries_fields[] = {
    {
        .name = "tries",
        .type = RW_CONF_UINT,
        .offset = MEMBER(tries),
        .fallback = "3",
        .min = 1,
        .max = 10,
        .doc = "A request is sent at most so many times; 1 is never again.",
    },
    {
        .name = "on",
        .type = RW_CONF_ENUM,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(on),
        .names = rw_config_retry_names,
        .fallback = "[connect, reset]",
        .doc = "What is tried again, on another endpoint if there is one: `connect`, no connection "
               "or a request that the server says it has not looked at; `reset`, the connection "
               "ended before the response; `timeout`, no response in time; a status. All but "
               "`connect` for methods only that may be repeated (GET, HEAD, OPTIONS, TRACE, PUT, "
               "DELETE). A status of gRPC, in an answer that has nothing else, is tried again "
               "whatever the call: list it only if the service's calls may be repeated.",
        .example = "[connect, reset, 503]",
    },
    {
        .name = "backoff",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(backoff_ms),
        .fallback = "25ms",
        .min = 0,
        .max = 60000,
        .doc = "Before the second try a random time up to this, before each further one up to "
               "twice the last. Where a kept connection had gone, or the server has refused the "
               "request unseen, the first repetition is at once.",
    },
    {
        .name = "backoff_max",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(backoff_ms_max),
        .fallback = "250ms",
        .min = 0,
        .max = 60000,
        .doc = "The longest of these times.",
    },
    {
        .name = "try_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(try_ms),
        .fallback = "0s",
        .min = 0,
        .max = 86400000,
        .doc = "With `timeout` in `on`: from a request being sent to its response, as long as it "
               "can be tried again; the last try has the route's `first_byte`. 0s: all have.",
    },
    {
        .name = "body_max",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(body_bytes_max),
        .fallback = "64KiB",
        .min = 0,
        .max = 256 * 1024,
        .doc = "Of a request that may have to be repeated so much of the body is kept until the "
               "response; one with a larger body is sent once.",
    },
    {
        .name = "budget_percent",
        .type = RW_CONF_UINT,
        .offset = MEMBER(budget.percent),
        .fallback = "20",
        .min = 0,
        .max = 100,
        .doc = "Repetitions, in percent of the requests: an upstream in trouble is not given more "
               "than so much on top.",
    },
    {
        .name = "budget_min",
        .type = RW_CONF_UINT,
        .offset = MEMBER(budget.per_second),
        .fallback = "10",
        .min = 0,
        .max = 1000000,
        .doc = "Repetitions in a second that are allowed whatever the number of requests. The "
               "threads share them, and each process has its own.",
    },
    {
        .name = "budget_burst",
        .type = RW_CONF_UINT,
        .offset = MEMBER(budget.burst),
        .fallback = "1000",
        .min = 1,
        .max = 1000000,
        .doc = "So many that were not needed are saved up, for when an endpoint dies with many "
               "requests under way. The threads share them, at least one each.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_retries_record = {
    .name = "upstream.retries",
    .doc = "When a request is sent again.",
    .size = sizeof(struct rw_config_retries),
    .fields = retries_fields,
    .place_offset = -1,
    .check = rw_config_check_retries,
};

/* ---- Overload ---- */

#define MEMBER(member) offsetof(struct rw_config_overload, member)
static const struct rw_conf_field overload_fields[] = {
    {
        .name = "limit",
        .type = RW_CONF_UINT,
        .offset = MEMBER(limit),
        .fallback = "20",
        .min = 1,
        .max = 1000000,
        .doc = "Requests at once to begin with; from then on the limit is found by the latency. Of "
               "all threads together; each process has its own.",
    },
    {
        .name = "limit_min",
        .type = RW_CONF_UINT,
        .offset = MEMBER(limit_min),
        .fallback = "1",
        .min = 1,
        .max = 1000000,
        .doc = "It is never less. The same as `limit_max`: a fixed limit.",
    },
    {
        .name = "limit_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(limit_max),
        .fallback = "10000",
        .min = 1,
        .max = 1000000,
        .doc = "It is never more.",
    },
    {
        .name = "queue_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(queue_max),
        .fallback = "1000",
        .min = 0,
        .max = 100000,
        .doc = "Requests of one thread that may wait while the limit is reached; others are "
               "answered with 503.",
    },
    {
        .name = "queue_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(queue_ms_max),
        .fallback = "100ms",
        .min = 1,
        .max = 60000,
        .doc =
            "How long a request may wait, and how long others of its tenant must have waited too "
            "long before they are in trouble (`queue_target`).",
    },
    {
        .name = "queue_target",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(target_ms),
        .fallback = "10ms",
        .min = 1,
        .max = 60000,
        .doc = "How long it may wait when its tenant's oldest has waited for so long, or one was "
               "turned away for want of room, all through a `queue_timeout`. The newest then goes "
               "first.",
    },
    {
        .name = "retry_after",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(retry_after_ms),
        .fallback = "1s",
        .min = 0,
        .max = 3600000,
        .doc = "What `Retry-After` says, in seconds and rounded up, in the answers of who was "
               "refused; 0s leaves it out.",
    },
    {
        .name = "fair_by",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(fair_by),
        .record = &rw_config_hash_record,
        .doc = "Whose request it is: of those who wait each tenant has its turn. By default the "
               "client's address.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_overload_record = {
    .name = "upstream.overload",
    .doc = "How many requests the upstream is given at once; {} takes the defaults.",
    .size = sizeof(struct rw_config_overload),
    .fields = overload_fields,
    .place_offset = -1,
    .check = rw_config_check_overload,
};

const char *const rw_config_class_names[] = {"critical", "normal", "bulk", "exempt", NULL};

#define MEMBER(member) offsetof(struct rw_config_route_overload, member)
static const struct rw_conf_field route_overload_fields[] = {
    {
        .name = "class",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(class),
        .names = rw_config_class_names,
        .fallback = "normal",
        .doc = "Who goes first when requests wait for the upstream (`overload` of the upstream): "
               "`critical` before `normal` before `bulk`, which besides never has more than 90 "
               "percent of the limit. `exempt` requests never wait, and do not count: for what "
               "takes long without being work, such as long polls and slow uploads.",
    },
    {
        .name = "status",
        .type = RW_CONF_UINT,
        .offset = MEMBER(status),
        .fallback = "503",
        .min = 200,
        .max = 599,
        .doc = "Of the answer with `body`.",
    },
    {
        .name = "content_type",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(content_type),
        .min = 1,
        .max = 256,
        .fallback = "text/plain; charset=utf-8",
        .doc = "Of the answer with `body`.",
    },
    {
        .name = "body",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(body),
        .max = 65536,
        .doc = "What a request is answered with that the upstream has no room for, no connection "
               "or no endpoint (brown-out), instead of a problem document and 503.",
        .example = "Please try again in a minute.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_route_overload_record = {
    .name = "route.overload",
    .doc = "What becomes of this route's requests when their upstream has too many.",
    .size = sizeof(struct rw_config_route_overload),
    .fields = route_overload_fields,
    .place_offset = -1,
    .check = rw_config_check_route_overload,
};
