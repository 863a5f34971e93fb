#include "policy/faults/faults_private.h"

#include "base/log.h"
#include "conf/scalar.h"
#include "gate/exchange/filter.h"
#include "gate/worker.h"
#include "policy/refuse.h"

/* A worker's own generator, in a cache line of its own. */
struct lane {
    _Alignas(64) struct rw_random random;
};

struct faults {
    const struct rw_faults_config *config;
    struct lane *lanes; /* one a worker; NULL: the workers' own */
};

/* What was drawn for a request. */
struct drawn {
    struct rw_policy_note note;
    uint8_t kinds; /* bits 1 << enum rw_faults_kind */
    bool delayed;
};

enum { BODIES = 1 << RW_FAULTS_TRUNCATE | 1 << RW_FAULTS_THROTTLE };

/* ---- Compiling ---- */

static enum rw_err make_lanes(struct rw_compile *compile, struct faults *faults)
{
    const size_t line = _Alignof(struct lane);
    unsigned count = compile->snapshot->worker_count;
    char *memory = rw_arena_alloc(compile->arena, count * sizeof(struct lane) + line);
    if (!memory)
        return RW_ENOMEM;
    faults->lanes = (struct lane *)(((uintptr_t)memory + line - 1) & ~(uintptr_t)(line - 1));
    for (unsigned i = 0; i < count; i++)
        rw_random_seed(&faults->lanes[i].random, ((uint64_t)i << 32) + faults->config->seed);
    return RW_OK;
}

static void explain(const void *instance, struct rw_text *text);

/* Who looks for the reason of errors finds it in the log. */
static void warn(const struct rw_compile *compile, const struct faults *faults)
{
    struct rw_text text = {0};
    explain(faults, &text);
    if (!text.err)
        rw_log_warn("faults", "on purpose, %s%.*s: %.*s", compile->route ? "route " : "a listener",
                    compile->route ? (int)compile->route->name.len : 0,
                    compile->route ? compile->route->name.at : "",
                    RW_SPAN_ARGS(rw_text_span(&text)));
    rw_text_free(&text);
}

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    struct faults *faults = rw_arena_zero(compile->arena, sizeof(*faults));
    if (!faults)
        return RW_ENOMEM;
    faults->config = value;
    *instance = faults;
    enum rw_err err = faults->config->seed ? make_lanes(compile, faults) : RW_OK;
    if (!err && faults->config->enabled && compile->meters) /* it is there to serve */
        warn(compile, faults);
    return err;
}

/* ---- Drawing ---- */

static bool has_method(const struct rw_exchange *x, const struct rw_conf_list *methods)
{
    const struct rw_span *names = methods->items;
    for (size_t i = 0; i < methods->count; i++)
        if (rw_span_eq(names[i], x->request.method_text))
            return true;
    return methods->count == 0;
}

static bool has_headers(const struct rw_exchange *x, const struct rw_conf_list *headers)
{
    const struct rw_conf_pair *pairs = headers->items;
    for (size_t i = 0; i < headers->count; i++) {
        const struct rw_field *field = rw_message_find_name(&x->request, pairs[i].key);
        if (!field ||
            (!rw_span_is(pairs[i].value, "*") && !rw_span_eq(field->value, pairs[i].value)))
            return false;
    }
    return true;
}

static bool concerns(const struct rw_faults_config *config, const struct rw_exchange *x)
{
    const struct rw_faults_config_when *when = config->when;
    return config->enabled &&
           (!when || (has_method(x, &when->methods) && has_headers(x, &when->headers)));
}

static struct rw_random *random_of(const struct rw_exchange *x, const struct faults *faults)
{
    return faults->lanes ? &faults->lanes[x->worker->index].random
                         : rw_loop_random(x->worker->loop);
}

/* One draw for each fault that is configured, whatever the others gave. */
static uint8_t draw(const struct rw_exchange *x, const struct faults *faults)
{
    struct rw_random *random = random_of(x, faults);
    unsigned kinds = 0;
    for (unsigned i = 0; i < RW_FAULTS_COUNT; i++) {
        uint32_t percent = rw_faults_percent(faults->config, (enum rw_faults_kind)i);
        if (percent && rw_random_below(random, 100) < percent)
            kinds |= 1u << i;
    }
    return (uint8_t)kinds;
}

/* ---- At work ---- */

void rw_faults_tell(struct rw_exchange *x, enum rw_faults_kind kind)
{
    static const enum rw_counter counters[] = {
#define COUNTER(id, name) [RW_FAULTS_##id] = RW_COUNTER_FAULTS_##id,
        RW_FAULTS(COUNTER)
#undef COUNTER
    };
    rw_worker_count(x->worker, counters[kind], 1);
    const char *name = rw_faults_kind_name(kind), *both = NULL;
    if (x->fault)
        both = rw_arena_format(&x->arena, "%s,%s", x->fault, name).at;
    x->fault = both ? both : name;
}

static enum rw_verdict hold_up(struct rw_exchange *x, const struct faults *faults)
{
    const struct rw_faults_config_delay *delay = faults->config->delay;
    uint32_t ms = delay->by_ms;
    if (delay->jitter_ms)
        ms += rw_random_below(random_of(x, faults), delay->jitter_ms + 1);
    rw_faults_tell(x, RW_FAULTS_DELAY);
    return rw_exchange_wait(x, ms) ? RW_VERDICT_FAIL : RW_VERDICT_WAIT;
}

static struct drawn *drawn_for(struct rw_exchange *x, const struct faults *faults)
{
    struct rw_policy_note *note = rw_policy_kept(x, faults);
    if (note)
        return rw_container_of(note, struct drawn, note);
    struct drawn *drawn = rw_arena_zero(&x->arena, sizeof(*drawn));
    if (!drawn)
        return NULL;
    drawn->kinds = draw(x, faults);
    rw_policy_keep(x, &drawn->note, faults);
    return drawn;
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct faults *faults = instance;
    if (!concerns(faults->config, x))
        return RW_VERDICT_NEXT;
    struct drawn *drawn = drawn_for(x, faults);
    if (!drawn)
        return RW_VERDICT_FAIL;
    if (drawn->kinds & 1 << RW_FAULTS_DELAY && !drawn->delayed) {
        drawn->delayed = true;
        return hold_up(x, faults); /* and asks again */
    }
    if (drawn->kinds & 1 << RW_FAULTS_RESET) {
        rw_faults_tell(x, RW_FAULTS_RESET);
        x->reason = RW_REASON_FAULT;
        return RW_VERDICT_CUT;
    }
    if (drawn->kinds & 1 << RW_FAULTS_ABORT) {
        rw_faults_tell(x, RW_FAULTS_ABORT);
        x->reason = RW_REASON_FAULT;
        return rw_policy_refuse(x, faults->config->abort->status, "A fault on purpose.");
    }
    return RW_VERDICT_NEXT;
}

static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    const struct faults *faults = instance;
    struct rw_policy_note *note = rw_policy_kept(x, faults);
    unsigned kinds = note ? rw_container_of(note, struct drawn, note)->kinds : 0;
    bool answered_here = kinds & 1 << RW_FAULTS_ABORT;
    if (!(kinds & BODIES) || answered_here || !rw_filter_response_possible(x))
        return RW_VERDICT_NEXT;
    return rw_faults_filter(x, faults->config, kinds) ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
}

/* ---- Explaining ---- */

static void explain_kind(const struct rw_faults_config *config, enum rw_faults_kind kind,
                         struct rw_text *text)
{
    char one[32], other[32];
    rw_text_addf(text, "%s %u%%", rw_faults_kind_name(kind), rw_faults_percent(config, kind));
    switch (kind) {
    case RW_FAULTS_DELAY:
        rw_text_addf(text, " by %s", rw_conf_format_duration(one, config->delay->by_ms));
        if (config->delay->jitter_ms)
            rw_text_addf(text, " and at most %s more",
                         rw_conf_format_duration(other, config->delay->jitter_ms));
        break;
    case RW_FAULTS_ABORT:
        rw_text_addf(text, " with %u", config->abort->status);
        break;
    case RW_FAULTS_TRUNCATE:
        rw_text_addf(text, " after %s", rw_conf_format_size(one, config->truncate->after_bytes));
        break;
    case RW_FAULTS_THROTTLE:
        rw_text_addf(text, " to %s/s",
                     rw_conf_format_size(one, config->throttle->bytes_per_second));
        break;
    default:
        break;
    }
}

static void explain_when(const struct rw_faults_config_when *when, struct rw_text *text)
{
    const struct rw_span *methods = when->methods.items;
    const struct rw_conf_pair *headers = when->headers.items;
    const char *before = "; of ";
    for (size_t i = 0; i < when->methods.count; i++, before = ", ")
        rw_text_addf(text, "%s%.*s", before, RW_SPAN_ARGS(methods[i]));
    before = "; with ";
    for (size_t i = 0; i < when->headers.count; i++, before = ", ")
        rw_text_addf(text, "%s%.*s: %.*s", before, RW_SPAN_ARGS(headers[i].key),
                     RW_SPAN_ARGS(headers[i].value));
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct rw_faults_config *config = ((const struct faults *)instance)->config;
    const char *before = config->enabled ? "" : "off: ";
    for (unsigned i = 0; i < RW_FAULTS_COUNT; i++) {
        if (!rw_faults_percent(config, (enum rw_faults_kind)i))
            continue;
        rw_text_adds(text, before);
        explain_kind(config, (enum rw_faults_kind)i, text);
        before = ", ";
    }
    if (config->when)
        explain_when(config->when, text);
}

const struct rw_policy rw_policy_faults = {
    .kind = {.name = "faults",
             .record = &rw_faults_record,
             .doc = "Delays, cuts and refuses requests on purpose, for tests.",
             .user = &rw_policy_faults},
    .compile = compile,
    .on_request = on_request,
    .on_response = on_response,
    .explain = explain,
};
