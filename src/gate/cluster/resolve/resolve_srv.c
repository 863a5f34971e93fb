#include "base/alloc.h"
#include "gate/cluster/resolve/resolve_name.h"

#include <stdlib.h>

enum { DNS_HEADER_BYTES = 12, DNS_QUESTION_BYTES = 4, DNS_RECORD_BYTES = 10 };

struct rw_resolve_target {
    struct rw_resolve_use use;
    struct rw_resolve_name *parent;
    char *host; /* lower case, NUL-terminated */
    uint16_t port;
    uint32_t weight;
};

static void on_target_changed(struct rw_resolve_use *use);

/* ---- The reply ---- */

static unsigned read_u16(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* Past a name (RFC 1035 section 4.1.4), or a number greater than `len`. */
static int skip_name(const unsigned char *bytes, int len, int at)
{
    while (at < len && bytes[at] != 0) {
        if ((bytes[at] & 0xc0) == 0xc0)
            return at + 2;
        at += bytes[at] + 1;
    }
    return at + 1;
}

uint32_t rw_resolve_least_ttl(const unsigned char *bytes, int len)
{
    if (len < DNS_HEADER_BYTES)
        return 0;
    unsigned questions = read_u16(bytes + 4), answers = read_u16(bytes + 6);
    int at = DNS_HEADER_BYTES;
    uint32_t least = UINT32_MAX;
    while (questions-- > 0 && at < len)
        at = skip_name(bytes, len, at) + DNS_QUESTION_BYTES;
    while (answers-- > 0) {
        at = at < len ? skip_name(bytes, len, at) : len;
        if (at > len - DNS_RECORD_BYTES)
            return 0;
        uint32_t ttl = read_u16(bytes + at + 4) << 16 | read_u16(bytes + at + 6);
        /* The highest bit set means zero (RFC 2181 section 8). */
        if (ttl >> 31)
            ttl = 0;
        least = ttl < least ? ttl : least;
        at += DNS_RECORD_BYTES + (int)read_u16(bytes + at + 8);
    }
    return least == UINT32_MAX ? 0 : least;
}

/* ---- Targets ---- */

static int compare_targets(const void *a, const void *b)
{
    const struct rw_resolve_target *left = a, *right = b;
    int order = strcmp(left->host, right->host);
    if (order)
        return order;
    if (left->port != right->port)
        return left->port < right->port ? -1 : 1;
    return left->weight < right->weight ? -1 : left->weight > right->weight;
}

static void free_targets(struct rw_resolve_target *targets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rw_resolve_stop(&targets[i].use);
        rw_free(targets[i].host);
    }
    rw_free(targets);
}

void rw_resolve_srv_stop(struct rw_resolve_name *name)
{
    free_targets(name->targets, name->target_count);
    name->targets = NULL;
    name->target_count = 0;
}

static unsigned lowest_priority(const struct ares_srv_reply *records)
{
    unsigned lowest = UINT16_MAX;
    for (; records; records = records->next)
        lowest = records->priority < lowest ? records->priority : lowest;
    return lowest;
}

static bool set_target(struct rw_resolve_target *target, const struct ares_srv_reply *record)
{
    target->host = rw_strdup(record->host, strlen(record->host));
    if (!target->host)
        return false;
    for (char *at = target->host; *at; at++)
        *at = rw_lower(*at);
    target->port = record->port;
    /* Weight 0 is for a very small chance among others (RFC 2782), not for none. */
    target->weight = record->weight ? record->weight : 1;
    target->use.changed = on_target_changed;
    return true;
}

/* Those of the lowest priority, sorted. A target "." says that there is no such service, and port 0
 * is nowhere. */
static enum rw_err read_targets(const struct ares_srv_reply *records,
                                struct rw_resolve_target **targets, size_t *count)
{
    unsigned priority = lowest_priority(records);
    struct rw_resolve_target *made = rw_alloc_zero(RW_RESOLVE_TARGETS_MAX * sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    size_t filled = 0;
    for (; records && filled < RW_RESOLVE_TARGETS_MAX; records = records->next) {
        if (records->priority != priority || records->port == 0 || !records->host[0] ||
            (records->host[0] == '.' && !records->host[1]))
            continue;
        if (!set_target(&made[filled], records)) {
            free_targets(made, filled);
            return RW_ENOMEM;
        }
        filled++;
    }
    qsort(made, filled, sizeof(*made), compare_targets);
    *targets = made;
    *count = filled;
    return RW_OK;
}

static bool are_targets(const struct rw_resolve_name *name, const struct rw_resolve_target *targets,
                        size_t count)
{
    if (name->target_count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (compare_targets(&name->targets[i], &targets[i]))
            return false;
    }
    return true;
}

/* ---- From targets to the answer ---- */

static bool all_settled(const struct rw_resolve_name *name)
{
    for (size_t i = 0; i < name->target_count; i++) {
        if (!rw_resolve_settled(&name->targets[i].use))
            return false;
    }
    return true;
}

static bool any_address(const struct rw_resolve_name *name)
{
    for (size_t i = 0; i < name->target_count; i++) {
        size_t count;
        rw_resolve_answer(&name->targets[i].use, &count);
        if (count)
            return true;
    }
    return false;
}

static size_t add_target(struct rw_resolved *found, size_t room,
                         const struct rw_resolve_target *target)
{
    size_t count;
    const struct rw_resolved *answer = rw_resolve_answer(&target->use, &count);
    if (count > room)
        count = room;
    for (size_t i = 0; i < count; i++) {
        uint32_t share = target->weight * RW_RESOLVE_WEIGHT_ONE / (uint32_t)count;
        found[i] = answer[i];
        found[i].weight = share ? share : 1;
        rw_address_set_port(&found[i].address.storage, target->port);
    }
    return count;
}

static enum rw_err combine(struct rw_resolve_name *name)
{
    struct rw_resolved *found = rw_alloc(RW_RESOLVE_ADDRESSES_MAX * sizeof(*found));
    if (!found)
        return RW_ENOMEM;
    size_t count = 0;
    for (size_t i = 0; i < name->target_count; i++)
        count += add_target(found + count, RW_RESOLVE_ADDRESSES_MAX - count, &name->targets[i]);
    enum rw_err err = rw_resolve_set_answer(name, found, count);
    rw_free(found);
    return err;
}

/* Waits until each target's first lookup is over, so that a new set of targets comes as a whole. */
static void update(struct rw_resolve_name *name)
{
    if (!all_settled(name))
        return;
    if (!any_address(name))
        rw_resolve_failed(name, "none of its targets is resolved");
    else if (combine(name))
        rw_resolve_failed(name, rw_err_text(RW_ENOMEM));
}

static void on_target_changed(struct rw_resolve_use *use)
{
    update(rw_container_of(use, struct rw_resolve_target, use)->parent);
}

/* New ones are started before old ones stop, so that what both have is not asked for again. */
static enum rw_err replace_targets(struct rw_resolve_name *name, struct rw_resolve_target *targets,
                                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rw_resolve_target *target = &targets[i];
        target->parent = name;
        enum rw_err err =
            rw_resolve_start(name->resolver, rw_span_text(target->host), false, &target->use);
        if (err)
            return err;
    }
    rw_resolve_srv_stop(name);
    name->targets = targets;
    name->target_count = count;
    return RW_OK;
}

void rw_resolve_srv_reply(struct rw_resolve_name *name, const unsigned char *bytes, int len)
{
    struct ares_srv_reply *records = NULL;
    struct rw_resolve_target *targets = NULL;
    size_t count = 0;
    int status = ares_parse_srv_reply(bytes, len, &records);
    if (status != ARES_SUCCESS) {
        rw_resolve_failed(name, ares_strerror(status));
        return;
    }
    enum rw_err err = read_targets(records, &targets, &count);
    ares_free_data(records);
    if (!err && count == 0) {
        rw_free(targets);
        rw_resolve_failed(name, "the service is not offered");
        return;
    }
    if (!err && are_targets(name, targets, count)) {
        free_targets(targets, count);
        targets = NULL;
    } else if (!err) {
        err = replace_targets(name, targets, count);
        if (err)
            free_targets(targets, count);
    }
    if (err) {
        rw_resolve_failed(name, rw_err_text(err));
        return;
    }
    if (!all_settled(name) || any_address(name))
        rw_resolve_succeeded(name, (uint64_t)rw_resolve_least_ttl(bytes, len) * 1000);
    update(name);
}
