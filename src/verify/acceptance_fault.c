/* What goes wrong: the table of a fault, and which of its settings go with which cause. */
#include "verify/acceptance_tables.h"
#include "verify/fault/army.h"
#include "verify/fault/storm.h"

#define MEMBER(member) offsetof(struct rw_verify_fault, member)

static const struct rw_conf_field fault_fields[] = {
    {
        .name = "cause",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(cause),
        .min = 1,
        .max = 64,
        .doc = "What goes wrong: refuse, reset, delay, throttle, truncate, stall, blackhole, kill, "
               "stop, dns_fail, dns_unknown, dns_silent, dns_lie, certificate_expired, "
               "certificate_name, descriptors, memory, clock_step, slow_senders, slow_readers, "
               "reload_storm.",
        .example = "reset",
    },
    {
        .name = "on",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(on),
        .max = 128,
        .doc =
            "The dependency: the name of an upstream, or of a database or broker in `servers`; or "
            "dns, redis, worker, limits, clock, clients, configuration. Without it, everything "
            "to which the cause applies, one after the other.",
        .example = "app",
    },
    {
        .name = "load",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(load_name),
        .max = 64,
        .doc = "The load meanwhile; without it, the first.",
    },
    {
        .name = "before",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(before_ms),
        .fallback = "1s",
        .min = 500,
        .max = 3600000,
        .doc = "How long the load runs before it.",
    },
    {
        .name = "for",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(for_ms),
        .fallback = "2s",
        .min = 250,
        .max = 600000,
        .doc = "How long it lasts. What is killed is started again at the end.",
    },
    {
        .name = "recovery_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(recovery_ms_max),
        .fallback = "20s",
        .min = 3000,
        .max = 3600000,
        .doc = "How long to wait until the targets hold again. The load ends as soon as they do.",
    },
    {
        .name = "per_window",
        .type = RW_CONF_UINT,
        .offset = MEMBER(per_window),
        .fallback = "0",
        .max = 1000000,
        .doc = "How often it is expected within the window of an availability target, whose error "
               "budget it then uses.",
    },
    {
        .name = "parts",
        .type = RW_CONF_UINT,
        .offset = MEMBER(parts),
        .fallback = "0",
        .max = 1024,
        .doc = "On servers and workers: how many of the endpoints or processes suffer; 0: all.",
    },
    {
        .name = "share_percent",
        .type = RW_CONF_UINT,
        .offset = MEMBER(share_percent),
        .fallback = "0",
        .max = 100,
        .doc = "On the way to servers: how many of the connections suffer; 0: all.",
    },
    {
        .name = "delay",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(delay_ms),
        .fallback = "200ms",
        .max = 600000,
        .doc = "delay: how long each piece of an answer waits.",
    },
    {
        .name = "jitter",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(jitter_ms),
        .fallback = "50ms",
        .max = 600000,
        .doc = "delay: at most so much longer.",
    },
    {
        .name = "bytes",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(bytes),
        .fallback = "0",
        .max = 1 << 30,
        .doc = "reset, stall: after so many bytes of answers on a connection; truncate: the same, "
               "and 0 is 64; memory: how many more are to be had.",
    },
    {
        .name = "bytes_per_second",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(bytes_per_second),
        .fallback = "0",
        .max = 1 << 30,
        .doc = "throttle: how fast answers come, of each connection; 0: 10 kB. slow_senders: how "
               "fast each sends; 0: 5 bytes.",
    },
    {
        .name = "step",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(step_ms),
        .fallback = "1d",
        .min = 1,
        .max = 45LL * 24 * 3600 * 1000,
        .doc = "clock_step: how far it jumps.",
    },
    {
        .name = "back",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(back),
        .fallback = "false",
        .doc = "clock_step: into the past instead of the future.",
    },
    {
        .name = "connections",
        .type = RW_CONF_UINT,
        .offset = MEMBER(connections),
        .fallback = "200",
        .min = 1,
        .max = RW_ARMY_MAX,
        .doc = "slow_senders, slow_readers: how many.",
    },
    {
        .name = "per_second",
        .type = RW_CONF_UINT,
        .offset = MEMBER(per_second),
        .fallback = "10",
        .min = 1,
        .max = RW_STORM_PER_SECOND_MAX,
        .doc = "reload_storm: how many reloads.",
    },
    {.name = NULL},
};
#undef MEMBER

/* ---- What goes with which cause ---- */

#define CAUSE(name) (1u << RW_FAULT_##name)

enum {
    SHOWN = CAUSE(CERTIFICATE_EXPIRED) | CAUSE(CERTIFICATE_NAME),
    RELAYED = CAUSE(REFUSE) | CAUSE(RESET) | CAUSE(DELAY) | CAUSE(THROTTLE) | CAUSE(TRUNCATE) |
              CAUSE(STALL) | CAUSE(BLACKHOLE),
};

static const struct {
    size_t offset;
    unsigned causes;
} settings[] = {
    {offsetof(struct rw_verify_fault, parts), RELAYED | SHOWN | CAUSE(KILL) | CAUSE(STOP)},
    {offsetof(struct rw_verify_fault, share_percent), RELAYED | SHOWN},
    {offsetof(struct rw_verify_fault, delay_ms), CAUSE(DELAY)},
    {offsetof(struct rw_verify_fault, jitter_ms), CAUSE(DELAY)},
    {offsetof(struct rw_verify_fault, bytes),
     CAUSE(RESET) | CAUSE(TRUNCATE) | CAUSE(STALL) | CAUSE(MEMORY)},
    {offsetof(struct rw_verify_fault, bytes_per_second), CAUSE(THROTTLE) | CAUSE(SLOW_SENDERS)},
    {offsetof(struct rw_verify_fault, step_ms), CAUSE(CLOCK_STEP)},
    {offsetof(struct rw_verify_fault, back), CAUSE(CLOCK_STEP)},
    {offsetof(struct rw_verify_fault, connections), CAUSE(SLOW_SENDERS) | CAUSE(SLOW_READERS)},
    {offsetof(struct rw_verify_fault, per_second), CAUSE(RELOAD_STORM)},
};

static void tell_useless(const struct rw_verify_fault *fault, const void *value, unsigned causes,
                         struct rw_conf_report *report)
{
    struct rw_text names = {0};
    for (unsigned i = 0; i < RW_FAULT_CLASS_COUNT; i++)
        if (causes >> i & 1)
            rw_text_addf(&names, "%s%s", names.len ? ", " : "",
                         rw_fault_class_info((enum rw_fault_class)i)->name);
    rw_conf_mistake_on(report, value, "%s makes no use of it; it goes with %s", fault->cause.at,
                       names.at ? names.at : "others");
    rw_text_free(&names);
}

/* What is not stands where the whole fault does. */
static bool is_given(const struct rw_verify_fault *fault, const void *value,
                     const struct rw_conf_report *report)
{
    struct rw_conf_place place = rw_conf_place_of(report, value);
    struct rw_conf_place whole = rw_conf_place_of(report, &fault->place);
    return place.line != whole.line || place.column != whole.column;
}

static void check_settings(const struct rw_verify_fault *fault, struct rw_conf_report *report)
{
    for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
        const void *value = (const char *)fault + settings[i].offset;
        bool goes = settings[i].causes >> fault->class & 1;
        if (!goes && is_given(fault, value, report))
            tell_useless(fault, value, settings[i].causes, report);
    }
}

/* Who sends slowly is known by it only after some bytes. */
static void check_patience(const struct rw_verify_fault *fault, struct rw_conf_report *report)
{
    uint64_t rate = fault->bytes_per_second ? fault->bytes_per_second : RW_ARMY_BYTES_PER_SECOND;
    double least_s = (double)RW_ARMY_SLOW_BYTES / (double)rate;
    if (fault->class == RW_FAULT_SLOW_SENDERS && fault->for_ms < least_s * 1e3)
        rw_conf_mistake_on(report, &fault->for_ms,
                           "who sends %llu bytes a second is seen to be slow after %d bytes: it "
                           "lasts %.3g s at least",
                           (unsigned long long)rate, RW_ARMY_SLOW_BYTES, least_s);
}

static void check(void *value, struct rw_conf_report *report)
{
    struct rw_verify_fault *fault = value;
    const char *names[RW_FAULT_CLASS_COUNT];
    for (unsigned i = 0; i < RW_FAULT_CLASS_COUNT; i++)
        names[i] = rw_fault_class_info((enum rw_fault_class)i)->name;
    if (!fault->cause.len)
        return;
    if (rw_fault_class_find(fault->cause, &fault->class)) {
        rw_conf_mistake_on(report, &fault->cause, "no fault is called %s%s",
                           rw_conf_quote(report, fault->cause),
                           rw_conf_hint(report, fault->cause, names, RW_FAULT_CLASS_COUNT));
        return;
    }
    check_settings(fault, report);
    check_patience(fault, report);
}

const struct rw_conf_record rw_acceptance_fault_record = {
    .name = "fault",
    .doc = "Something that goes wrong, under a load of its own, after the loads of a repetition.",
    .size = sizeof(struct rw_verify_fault),
    .fields = fault_fields,
    .place_offset = offsetof(struct rw_verify_fault, place),
    .scalar_field = "cause",
    .check = check,
};
