#include "gate/front/request_rules.h"

#include "base/log.h"
#include "gate/snapshot.h"
#include "gate/worker.h"

/* ---- Underscores ---- */

bool rw_request_names_allowed(struct rw_exchange *x)
{
    struct rw_message *request = &x->request;
    int rule = x->listener->config->underscores;
    unsigned kept = 0;
    if (rule == RW_UNDERSCORES_PASS)
        return true;
    for (unsigned i = 0; i < request->field_count; i++) {
        const struct rw_field *field = &request->fields[i];
        if (field->id != RW_FIELD_OTHER || rw_span_find(field->name, '_') < 0) {
            if (kept != i)
                request->fields[kept] = *field;
            kept++;
            continue;
        }
        if (rule == RW_UNDERSCORES_REFUSE)
            return false;
        rw_log_limited(RW_LOG_INFO, "http", "field \"%.*s\" of a request is dropped: %s",
                       RW_SPAN_ARGS(field->name), "see underscores_in_headers of the listener");
        rw_worker_count(x->worker, RW_COUNTER_FIELDS_DROPPED, 1);
    }
    request->field_count = (uint16_t)kept;
    return true;
}

/* ---- Max-Forwards ---- */

enum rw_hops rw_request_take_hop(struct rw_exchange *x)
{
    struct rw_message *request = &x->request;
    struct rw_field *found = NULL;
    uint64_t hops;
    if (request->method != RW_METHOD_TRACE && request->method != RW_METHOD_OPTIONS)
        return RW_HOPS_ON;
    for (unsigned i = 0; i < request->field_count; i++) {
        if (!rw_span_is_nocase(request->fields[i].name, "max-forwards"))
            continue;
        if (found)
            return RW_HOPS_BAD;
        found = &request->fields[i];
    }
    if (!found)
        return RW_HOPS_ON;
    if (!rw_span_to_u64(found->value, &hops))
        return RW_HOPS_BAD;
    if (hops == 0)
        return RW_HOPS_HERE;
    struct rw_span left = rw_arena_format(&x->arena, "%llu", (unsigned long long)hops - 1);
    if (!left.at)
        return RW_HOPS_NO_MEMORY;
    found->value = left;
    found->parsed = false;
    return RW_HOPS_ON;
}
