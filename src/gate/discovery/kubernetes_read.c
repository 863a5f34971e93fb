#include "gate/discovery/kubernetes_read.h"

#include "base/log.h"

#include <stdio.h>

/* ---- Slices ---- */

/* A number as text, or a name. */
static bool is_port(const json_t *port, struct rw_span wanted)
{
    char number[16];
    int len = snprintf(number, sizeof(number), "%u", rw_json_number(port, "port", 0, UINT16_MAX));
    struct rw_span protocol = rw_json_text(port, "protocol");
    if (protocol.len && !rw_span_is(protocol, "TCP"))
        return false;
    return wanted.len == 0 || rw_span_eq(rw_json_text(port, "name"), wanted) ||
           rw_span_eq(rw_span(number, (size_t)len), wanted);
}

/* 0: there is none. */
static unsigned find_port(const struct rw_kubernetes_reader *reader, const json_t *slice)
{
    const json_t *ports = json_object_get(slice, "ports");
    for (size_t i = 0; i < json_array_size(ports); i++)
        if (is_port(json_array_get(ports, i), reader->port))
            return rw_json_number(json_array_get(ports, i), "port", 0, UINT16_MAX);
    return 0;
}

static bool is_family(enum rw_config_family family, struct rw_span type)
{
    if (rw_span_is(type, "IPv4"))
        return family != RW_CONFIG_FAMILY_IPV6;
    return rw_span_is(type, "IPv6") && family != RW_CONFIG_FAMILY_IPV4;
}

/* Who does not say is ready. One that is not, but serves while it ends, is better than none at all
 * (kubernetes.io, "EndpointSlices: Conditions"). */
static bool is_of_use(const json_t *endpoint, bool *leaving)
{
    const json_t *conditions = json_object_get(endpoint, "conditions");
    *leaving = json_is_false(json_object_get(conditions, "ready"));
    return !*leaving || (json_is_true(json_object_get(conditions, "serving")) &&
                         json_is_true(json_object_get(conditions, "terminating")));
}

static void add_endpoint(struct rw_kubernetes_reader *reader, struct rw_discovery_group *group,
                         const json_t *endpoint, unsigned port, bool six)
{
    const json_t *addresses = json_object_get(endpoint, "addresses");
    const char *address = json_string_value(json_array_get(addresses, 0));
    struct rw_discovered item = {.weight = 1, .locality.zone = rw_json_text(endpoint, "zone")};
    char text[RW_ADDRESS_TEXT_MAX + 8];
    if (!address || !is_of_use(endpoint, &item.leaving))
        return;
    int len = snprintf(text, sizeof(text), six ? "[%s]:%u" : "%s:%u", address, port);
    enum rw_err err = RW_EINVAL;
    if (len > 0 && (size_t)len < sizeof(text))
        err = rw_discovery_add(reader->discovery, group, rw_span(text, (size_t)len), &item);
    reader->lost |= err == RW_ENOMEM;
    if (err)
        rw_log_limited(RW_LOG_WARN, "discovery", "%.*s: an endpoint is left out: %s",
                       RW_SPAN_ARGS(reader->what), rw_err_text(err));
}

static void tell_no_port(const struct rw_kubernetes_reader *reader, struct rw_span slice)
{
    rw_log_limited(RW_LOG_WARN, "discovery",
                   "%.*s: the slice %.*s has no TCP port%s%.*s: its endpoints are left out",
                   RW_SPAN_ARGS(reader->what), RW_SPAN_ARGS(slice), reader->port.len ? " " : "",
                   RW_SPAN_ARGS(reader->port));
}

static void put_slice(struct rw_kubernetes_reader *reader, const json_t *slice, bool gone)
{
    struct rw_span name = rw_json_text(json_object_get(slice, "metadata"), "name");
    struct rw_span type = rw_json_text(slice, "addressType");
    const json_t *endpoints = json_object_get(slice, "endpoints");
    unsigned port = find_port(reader, slice);
    if (gone || !port || !is_family(reader->family, type)) {
        rw_discovery_remove(reader->discovery, name);
        if (!gone && !port && json_array_size(endpoints))
            tell_no_port(reader, name);
        return;
    }
    struct rw_discovery_group *group = NULL;
    enum rw_err err = rw_discovery_put(reader->discovery, name, &group);
    reader->lost |= err == RW_ENOMEM;
    for (size_t i = 0; !err && i < json_array_size(endpoints); i++)
        add_endpoint(reader, group, json_array_get(endpoints, i), port, rw_span_is(type, "IPv6"));
}

/* Is opaque; what could not stand in a URL is none. */
static bool note_version(struct rw_kubernetes_reader *reader, const json_t *object)
{
    struct rw_span version = rw_json_text(json_object_get(object, "metadata"), "resourceVersion");
    if (version.len == 0 || version.len > RW_KUBERNETES_VERSION_BYTES_MAX)
        return false;
    for (size_t i = 0; i < version.len; i++)
        if (version.at[i] <= ' ' || version.at[i] == '&' || version.at[i] == '#' ||
            version.at[i] >= 0x7f)
            return false;
    memcpy(reader->version, version.at, version.len);
    reader->version[version.len] = '\0';
    return true;
}

/* ---- Answers ---- */

enum rw_kubernetes_said rw_kubernetes_read_list(struct rw_kubernetes_reader *reader,
                                                const json_t *list)
{
    const json_t *items = json_object_get(list, "items");
    if (!json_is_array(items) || !note_version(reader, list))
        return RW_KUBERNETES_UNKNOWN;
    reader->lost = false;
    rw_discovery_begin(reader->discovery);
    for (size_t i = 0; i < json_array_size(items); i++)
        put_slice(reader, json_array_get(items, i), false);
    if (reader->lost)
        return RW_KUBERNETES_NO_MEMORY;
    rw_discovery_end(reader->discovery);
    return RW_KUBERNETES_TAKEN;
}

enum rw_kubernetes_said rw_kubernetes_read_event(struct rw_kubernetes_reader *reader,
                                                 const json_t *event)
{
    struct rw_span type = rw_json_text(event, "type");
    const json_t *object = json_object_get(event, "object");
    if (rw_span_is(type, "ERROR"))
        return RW_KUBERNETES_EXPIRED;
    if (!json_is_object(object))
        return RW_KUBERNETES_UNKNOWN;
    (void)note_version(reader, object);
    if (rw_span_is(type, "BOOKMARK"))
        return RW_KUBERNETES_TAKEN;
    put_slice(reader, object, rw_span_is(type, "DELETED"));
    if (reader->lost)
        return RW_KUBERNETES_NO_MEMORY;
    rw_discovery_tell(reader->discovery);
    return RW_KUBERNETES_TAKEN;
}
