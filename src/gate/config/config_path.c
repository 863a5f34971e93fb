/* Tables of paths: what connections to endpoints ask of the kernel, and lines. */
#include "gate/cluster/balance/path.h"
#include "gate/cluster/cluster.h"
#include "gate/config/config_tables.h"
#include "io/address.h"

/* ---- TCP ---- */

#define MEMBER(member) offsetof(struct rw_config_keepalive, member)
static const struct rw_conf_field keepalive_fields[] = {
    {
        .name = "idle",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(idle_ms),
        .fallback = "60s",
        .min = 1000,
        .max = 32767000,
        .doc = "After so long a silence the other side is asked whether it is still there. Whole "
               "seconds.",
    },
    {
        .name = "interval",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(interval_ms),
        .fallback = "10s",
        .min = 1000,
        .max = 32767000,
        .doc = "Between two questions. Whole seconds.",
    },
    {
        .name = "probes",
        .type = RW_CONF_UINT,
        .offset = MEMBER(probes),
        .fallback = "3",
        .min = 1,
        .max = 127,
        .doc = "Questions without an answer until the connection is given up.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_keepalive(void *value, struct rw_conf_report *report)
{
    struct rw_config_keepalive *keepalive = value;
    if (keepalive->idle_ms % 1000)
        rw_conf_mistake_on(report, &keepalive->idle_ms, "expected whole seconds");
    if (keepalive->interval_ms % 1000)
        rw_conf_mistake_on(report, &keepalive->interval_ms, "expected whole seconds");
}

static const struct rw_conf_record keepalive_record = {
    .name = "upstream.tcp.keepalive",
    .doc = "TCP keep-alive; {} takes the defaults.",
    .size = sizeof(struct rw_config_keepalive),
    .fields = keepalive_fields,
    .place_offset = -1,
    .check = check_keepalive,
};

#define CONGESTION                                                                                   \
    "Congestion control of what is sent: `bbr`, `cubic`, `reno` or another one that the kernel has " \
    "and allows (`net.ipv4.tcp_allowed_congestion_control`)."
#define SOURCE "The gateway's own address for these connections, without a port."
#define INTERFACE "The network interface that they leave by (SO_BINDTODEVICE)."

#define MEMBER(member) offsetof(struct rw_config_tcp, member)
static const struct rw_conf_field tcp_fields[] = {
    {
        .name = "congestion",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path.congestion),
        .min = 1,
        .max = RW_CONGESTION_BYTES_MAX,
        .doc = CONGESTION " By default the system's.",
        .example = "bbr",
    },
    {
        .name = "source",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path.source),
        .min = 1,
        .max = 64,
        .doc = SOURCE " By default the system chooses.",
        .example = "10.0.0.9",
    },
    {
        .name = "interface",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path.interface),
        .min = 1,
        .max = RW_INTERFACE_BYTES_MAX,
        .doc = INTERFACE " By default the routing table decides.",
        .example = "eth1",
    },
    {
        .name = "user_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(user_timeout_ms),
        .fallback = "0s",
        .min = 0,
        .max = 86400000,
        .doc = "How long what was sent may stay without an acknowledgement until the connection is "
               "given up (TCP_USER_TIMEOUT); 0s: the system's, which is some 15 minutes.",
    },
    {
        .name = "keepalive",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(keepalive),
        .record = &keepalive_record,
        .doc = "Ask on silent connections whether the other side is still there. Without it nobody "
               "asks.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_begin(struct rw_config_path *path, struct rw_conf_report *report)
{
    struct rw_address address;
    path->source_place = rw_conf_place_of(report, &path->source);
    path->interface_place = rw_conf_place_of(report, &path->interface);
    if (path->source.len && rw_address_parse_ip(path->source, 0, &address))
        rw_conf_mistake_on(report, &path->source, "expected an IP address without a port, not %s",
                           rw_conf_quote(report, path->source));
}

static void check_tcp(void *value, struct rw_conf_report *report)
{
    check_begin(&((struct rw_config_tcp *)value)->path, report);
}

const struct rw_conf_record rw_config_upstream_tcp_record = {
    .name = "upstream.tcp",
    .doc = "What connections to the endpoints ask of the kernel.",
    .size = sizeof(struct rw_config_tcp),
    .fields = tcp_fields,
    .place_offset = offsetof(struct rw_config_tcp, place),
    .check = check_tcp,
};

/* ---- Lines ---- */

#define MEMBER(member) offsetof(struct rw_config_line, member)
static const struct rw_conf_field line_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(name),
        .min = 1,
        .max = 32,
        .doc = "What logs and metrics call it: `10.0.0.1:80 via NAME`.",
        .example = "leased",
    },
    {
        .name = "source",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path.source),
        .min = 1,
        .max = 64,
        .doc = SOURCE " By default that of `tcp`.",
        .example = "10.0.0.9",
    },
    {
        .name = "interface",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path.interface),
        .min = 1,
        .max = RW_INTERFACE_BYTES_MAX,
        .doc = INTERFACE " By default that of `tcp`.",
        .example = "eth1",
    },
    {
        .name = "congestion",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path.congestion),
        .min = 1,
        .max = RW_CONGESTION_BYTES_MAX,
        .doc = CONGESTION " By default that of `tcp`.",
        .example = "bbr",
    },
    {
        .name = "cost_per_gb",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(cost_per_gb),
        .fallback = "0",
        .min = 1,
        .max = 16,
        .doc = "Its price of a gigabyte in any currency, as a decimal number, for `balance: path`.",
        .example = "0.05",
    },
    {
        .name = "weight",
        .type = RW_CONF_UINT,
        .offset = MEMBER(weight),
        .fallback = "1",
        .min = 0,
        .max = 1000,
        .doc = "Multiplies the weights of the endpoints that it leads to.",
    },
    {
        .name = "priority",
        .type = RW_CONF_UINT,
        .offset = MEMBER(priority),
        .fallback = "0",
        .min = 0,
        .max = 15,
        .doc =
            "Is added to the priorities of the endpoints: lines of a higher number are a reserve.",
    },
    {.name = NULL},
};
#undef MEMBER

/* "0.05" as 50000. */
static bool read_millionths(struct rw_span text, uint64_t *millionths)
{
    ptrdiff_t point = rw_span_find(text, '.');
    struct rw_span whole = point < 0 ? text : rw_span(text.at, (size_t)point);
    struct rw_span fraction = point < 0 ? RW_LITERAL("0") : rw_span_skip(text, (size_t)point + 1);
    uint64_t units = 0, parts = 0;
    if (!rw_span_to_u64(whole, &units) || !rw_span_to_u64(fraction, &parts) || fraction.len > 6 ||
        units > 1000000)
        return false;
    for (size_t i = fraction.len; i < 6; i++)
        parts *= 10;
    *millionths = units * 1000000 + parts;
    return true;
}

static void check_line(void *value, struct rw_conf_report *report)
{
    struct rw_config_line *line = value;
    check_begin(&line->path, report);
    for (size_t i = 0; i < line->name.len; i++)
        if (line->name.at[i] <= ' ')
            rw_conf_mistake_on(report, &line->name, "a line's name has no spaces");
    if (!read_millionths(line->cost_per_gb, &line->cost_millionths))
        rw_conf_mistake_on(
            report, &line->cost_per_gb,
            "expected a decimal number up to 1000000 with at most 6 digits behind the "
            "point, not %s",
            rw_conf_quote(report, line->cost_per_gb));
}

const struct rw_conf_record rw_config_line_record = {
    .name = "upstream.line",
    .doc = "A way to the endpoints: a link, an address.",
    .size = sizeof(struct rw_config_line),
    .fields = line_fields,
    .place_offset = offsetof(struct rw_config_line, place),
    .check = check_line,
};

/* ---- What goes together ---- */

static void check_priorities(const struct rw_config_upstream *upstream,
                             struct rw_conf_report *report)
{
    const struct rw_config_endpoint *endpoints = upstream->endpoints.items;
    const struct rw_config_line *lines = upstream->lines.items;
    uint32_t highest = 0;
    for (size_t i = 0; i < upstream->endpoints.count; i++)
        highest = endpoints[i].priority > highest ? endpoints[i].priority : highest;
    for (size_t i = 0; i < upstream->lines.count; i++)
        if (highest + lines[i].priority >= RW_PRIORITIES)
            rw_conf_mistake_at(report, lines[i].place,
                               "its priority and that of an endpoint are more than %d together",
                               RW_PRIORITIES - 1);
}

/* Neither does a way lead from an IPv4 address to an IPv6 one, nor from any to a Unix socket. */
static bool leads(struct rw_span source, const struct rw_address *to)
{
    struct rw_address from;
    return source.len == 0 || rw_address_parse_ip(source, 0, &from) ||
           from.storage.ss_family == to->storage.ss_family;
}

static bool is_reached(const struct rw_config_upstream *upstream, const struct rw_address *address)
{
    const struct rw_config_line *lines = upstream->lines.items;
    struct rw_span common = upstream->tcp ? upstream->tcp->path.source : RW_LITERAL("");
    for (size_t i = 0; i < upstream->lines.count; i++)
        if (leads(lines[i].path.source.len ? lines[i].path.source : common, address))
            return true;
    return upstream->lines.count == 0 && leads(common, address);
}

/* Of names nobody knows yet what addresses they have. */
static void check_reached(const struct rw_config_upstream *upstream, struct rw_conf_report *report)
{
    const struct rw_config_endpoint *endpoints = upstream->endpoints.items;
    struct rw_address address;
    for (size_t i = 0; i < upstream->endpoints.count; i++)
        if (rw_address_parse(endpoints[i].address, &address) == RW_OK &&
            !is_reached(upstream, &address))
            rw_conf_mistake_at(report, endpoints[i].place,
                               "%s is never reached: every way to it begins at a source address "
                               "of another family",
                               rw_conf_quote(report, endpoints[i].address));
}

void rw_config_check_paths(struct rw_config_upstream *upstream, struct rw_conf_report *report)
{
    const struct rw_config_line *lines = upstream->lines.items;
    uint64_t weights = 0;
    if (upstream->lines.count > RW_LINES_MAX)
        rw_conf_mistake_on(report, &upstream->lines, "at most %d lines", (int)RW_LINES_MAX);
    for (size_t i = 0; i < upstream->lines.count; i++)
        weights += lines[i].weight;
    if (upstream->lines.count && !weights)
        rw_conf_mistake_on(report, &upstream->lines,
                           "every line has the weight 0: none would get a request");
    check_priorities(upstream, report);
    check_reached(upstream, report);
}
