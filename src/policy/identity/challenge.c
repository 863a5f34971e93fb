#include "policy/identity/challenge.h"

#include "base/clock.h"
#include "base/siphash.h"
#include "gate/front/forwarded.h"
#include "gate/worker.h"

enum { IP_BYTES = 16, NETWORK_BYTES = 8 };

const char *const rw_challenge_required_names[] = {
    [RW_REQUIRED_ALWAYS] = "always",
    [RW_REQUIRED_UNLESS_KNOWN] = "unless_known",
    [RW_REQUIRED_NEVER] = "never",
    NULL,
};

/* ---- Configuration ---- */

void rw_challenge_check(const struct rw_challenge_config *config, struct rw_conf_report *report)
{
    if (!rw_is_field_value(config->realm) || rw_span_find(config->realm, '"') >= 0 ||
        rw_span_find(config->realm, '\\') >= 0)
        rw_conf_mistake_on(report, &config->realm,
                           "a realm has no quotes, backslashes or control characters");
}

/* Policies with the same number count together, as rate limits of one name do. */
static void make_meter(struct rw_challenge *challenge)
{
    static const char label[] = "requests without valid credentials";
    uint32_t failures = challenge->config->failures_max;
    enum rw_err err = rw_meter_rate(failures, 60 * RW_NS_PER_S, failures, &challenge->rate);
    rw_assert(!err); /* by the bounds of the table */
    const uint64_t *key = rw_meters_key(challenge->meters, &challenge->rate);
    struct rw_siphash hash;
    rw_siphash_begin(&hash, key);
    rw_siphash_add(&hash, label, sizeof(label));
    rw_siphash_add(&hash, &failures, sizeof(failures));
    challenge->hash_key[0] = rw_siphash_end(&hash);
    challenge->hash_key[1] = key[1];
}

enum rw_err rw_challenge_compile(struct rw_compile *compile,
                                 const struct rw_challenge_config *config, const char *scheme,
                                 const char *error, struct rw_challenge *challenge)
{
    challenge->config = config;
    challenge->missing =
        rw_arena_format(compile->arena, "%s realm=\"%.*s\"", scheme, RW_SPAN_ARGS(config->realm));
    challenge->wrong = rw_arena_format(compile->arena, "%s realm=\"%.*s\"%s", scheme,
                                       RW_SPAN_ARGS(config->realm), error);
    if (!challenge->missing.at || !challenge->wrong.at)
        return RW_ENOMEM;
    challenge->meters = config->failures_max ? compile->meters : NULL;
    if (challenge->meters)
        make_meter(challenge);
    return RW_OK;
}

/* ---- At work ---- */

/* The address, or network, of the client. Clients of a Unix socket are one. */
static struct rw_meter meter_of(const struct rw_challenge *challenge, const struct rw_exchange *x)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t ip[IP_BYTES] = {0};
    if (rw_cidr_bytes(x->client, ip) && memcmp(ip, mapped, sizeof(mapped)) != 0)
        memset(ip + NETWORK_BYTES, 0, IP_BYTES - NETWORK_BYTES);
    struct rw_siphash hash;
    rw_siphash_begin(&hash, challenge->hash_key);
    rw_siphash_add(&hash, ip, sizeof(ip));
    return (struct rw_meter){.hash = rw_siphash_end(&hash), .rate = &challenge->rate};
}

static struct rw_meters_time time_of(const struct rw_exchange *x)
{
    return (struct rw_meters_time){
        .now_ns = rw_loop_turn_ns(x->worker->loop),
        .wall_s = rw_loop_wall_ns(x->worker->loop) / RW_NS_PER_S,
    };
}

bool rw_challenge_blocked(const struct rw_challenge *challenge, const struct rw_exchange *x)
{
    if (!challenge->meters)
        return false;
    struct rw_meter meter = meter_of(challenge, x);
    const struct rw_meters_time time = time_of(x);
    return !rw_meters_ask(challenge->meters, &meter, &time);
}

/* Seconds until the address may fail again; 0: it may now. */
static uint64_t too_many_s(const struct rw_challenge *challenge, const struct rw_exchange *x)
{
    if (!challenge->meters)
        return 0;
    struct rw_meter meter = meter_of(challenge, x);
    const struct rw_meters_time time = time_of(x);
    if (rw_meters_take(challenge->meters, &meter, 1, &time).admitted)
        return 0;
    return rw_meter_next_ns(&meter) / RW_NS_PER_S + 1;
}

static enum rw_err add_field(struct rw_exchange *x, const char *name, struct rw_span value)
{
    return value.at ? rw_message_add(&x->response, &x->arena, rw_span_text(name), value)
                    : RW_ENOMEM;
}

static enum rw_err answer(struct rw_exchange *x, enum rw_reason reason)
{
    x->reason = (uint8_t)reason;
    x->detail = rw_reason_text(reason);
    return rw_exchange_make_problem(x, rw_reason_status(reason), x->detail);
}

static enum rw_verdict refuse(const struct rw_challenge *challenge, struct rw_exchange *x,
                              enum rw_counter counter, struct rw_span field)
{
    uint64_t wait_s = too_many_s(challenge, x);
    rw_worker_count(x->worker, counter, 1);
    if (wait_s)
        rw_worker_count(x->worker, RW_COUNTER_IDENTITY_LIMITED, 1);
    enum rw_err err = answer(x, wait_s ? RW_REASON_TOO_MANY_FAILURES : RW_REASON_UNAUTHENTICATED);
    if (!err && wait_s)
        err = add_field(x, "Retry-After",
                        rw_arena_format(&x->arena, "%llu", (unsigned long long)wait_s));
    else if (!err)
        err = add_field(x, "WWW-Authenticate", field);
    return err ? RW_VERDICT_FAIL : RW_VERDICT_REPLY;
}

enum rw_verdict rw_challenge_missing(const struct rw_challenge *challenge, struct rw_exchange *x,
                                     enum rw_counter counter)
{
    int required = challenge->config->required;
    if (required == RW_REQUIRED_NEVER || (required == RW_REQUIRED_UNLESS_KNOWN && x->identity))
        return RW_VERDICT_NEXT;
    return refuse(challenge, x, counter, challenge->missing);
}

enum rw_verdict rw_challenge_wrong(const struct rw_challenge *challenge, struct rw_exchange *x,
                                   enum rw_counter counter)
{
    return refuse(challenge, x, counter, challenge->wrong);
}
