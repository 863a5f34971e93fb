/* The table of `hedging`. */
#include "gate/config/config_tables.h"

#define MEMBER(member) offsetof(struct rw_hedge_settings, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "percentile",
        .type = RW_CONF_UINT,
        .offset = MEMBER(percentile),
        .fallback = "95",
        .min = 1,
        .max = 99,
        .doc = "A request that takes longer to be answered than so many percent of the upstream's "
               "requests did in the last 10 to 20 s is asked of another endpoint as well.",
    },
    {
        .name = "after_min",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(after_ms_min),
        .fallback = "5ms",
        .min = 1,
        .max = 600000,
        .doc = "But never before this.",
    },
    {
        .name = "after_max",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(after_ms_max),
        .fallback = "1s",
        .min = 1,
        .max = 600000,
        .doc = "Nor later than this; it holds as well while fewer than 100 answers are known.",
    },
    {
        .name = "budget_percent",
        .type = RW_CONF_UINT,
        .offset = MEMBER(budget.percent),
        .fallback = "5",
        .min = 1,
        .max = 100,
        .doc = "Second requests, in percent of the reads.",
    },
    {
        .name = "budget_burst",
        .type = RW_CONF_UINT,
        .offset = MEMBER(budget.burst),
        .fallback = "100",
        .min = 1,
        .max = 1000000,
        .doc =
            "So many that were not needed are saved up. The threads share them, at least one each.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check(void *value, struct rw_conf_report *report)
{
    struct rw_hedge_settings *settings = value;
    if (settings->after_ms_min > settings->after_ms_max)
        rw_conf_mistake_on(report, &settings->after_ms_min, "longer than \"after_max\"");
}

const struct rw_conf_record rw_config_hedging_record = {
    .name = "upstream.hedging",
    .doc = "Reads that take long are asked of a second endpoint; {} takes the defaults.",
    .size = sizeof(struct rw_hedge_settings),
    .fields = fields,
    .place_offset = -1,
    .check = check,
};
