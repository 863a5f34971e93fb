#include "verify/verdict.h"

#include "verify/target.h"

#include <math.h>

static const struct rw_label reasons[RW_VERIFY_REASON_COUNT] = {
#define REASON_LABEL(name, english, chinese) RW_LABEL(english, chinese),
    RW_VERIFY_REASONS(REASON_LABEL)
#undef REASON_LABEL
};

static const struct rw_label methods[RW_VERIFY_METHOD_COUNT] = {
#define METHOD_LABEL(name, english, chinese) RW_LABEL(english, chinese),
    RW_VERIFY_METHODS(METHOD_LABEL)
#undef METHOD_LABEL
};

static const struct {
    const char *name;
    struct rw_label label;
} results[] = {
    [RW_VERIFY_MET] = {"met", RW_LABEL("met", "达标")},
    [RW_VERIFY_NOT_MET] = {"not_met", RW_LABEL("not met", "未达标")},
    [RW_VERIFY_UNJUDGED] = {"unjudged", RW_LABEL("could not be judged", "无法判定")},
};

struct rw_label rw_verify_method_label(enum rw_verify_method method)
{
    return methods[method];
}

const char *rw_verify_result_name(enum rw_verify_result result)
{
    return results[result].name;
}

struct rw_label rw_verify_result_label(enum rw_verify_result result)
{
    return results[result].label;
}

/* A floor is a ceiling for the value below zero. */
void rw_verdict_decide(struct rw_verdict *verdict, bool at_least)
{
    double limit = verdict->limit, good = verdict->interval.high, bad = verdict->interval.low;
    if (at_least) {
        limit = -limit;
        good = -verdict->interval.low;
        bad = -verdict->interval.high;
    }
    if (good <= limit)
        verdict->result = RW_VERIFY_MET;
    else if (bad > limit)
        verdict->result = RW_VERIFY_NOT_MET;
    else
        verdict->result = RW_VERIFY_UNJUDGED;
    if (verdict->result != RW_VERIFY_UNJUDGED)
        verdict->reason = RW_VERIFY_REASON_NONE;
    else if (!verdict->reason)
        verdict->reason = RW_VERIFY_REASON_UNSURE;
    /* What the generator added may be what is too much; what it did not add was good enough. */
    if (verdict->result == RW_VERIFY_NOT_MET && verdict->generator_late) {
        verdict->result = RW_VERIFY_UNJUDGED;
        verdict->reason = RW_VERIFY_REASON_GENERATOR;
    }
}

/* How many repetitions of the target's load were done; false: the system did not even take all
 * connections in one of them. */
static bool look_at_takes(const struct rw_judging *judging, bool timed, struct rw_verdict *verdict)
{
    const struct rw_record *record = judging->record;
    bool refused = false;
    for (unsigned i = 0; i < record->repetitions; i++) {
        const struct rw_take *take = rw_record_take(record, judging->load, i);
        refused = refused || take->refused;
        verdict->repetitions += take->done;
        verdict->generator_late = verdict->generator_late || (timed && take->done && take->late);
    }
    return !refused;
}

void rw_verdict_of(const struct rw_judging *judging, const struct rw_verify_target *target,
                   struct rw_verdict *verdict)
{
    const struct rw_target_kind *kind = rw_target_kind(target);
    struct rw_judging of_load = *judging;
    of_load.load = target->load;
    *verdict = (struct rw_verdict){.result = RW_VERIFY_UNJUDGED,
                                   .measured = NAN,
                                   .limit = kind->limit(target->what.value),
                                   .interval = {NAN, NAN},
                                   .reason = RW_VERIFY_REASON_NOT_RUN};
    if (!kind->of_faults && !look_at_takes(&of_load, kind->timed, verdict)) {
        verdict->result = RW_VERIFY_NOT_MET;
        verdict->reason = RW_VERIFY_REASON_REFUSED;
        return;
    }
    if (!kind->of_faults && !verdict->repetitions)
        return;
    verdict->reason = RW_VERIFY_REASON_NONE;
    kind->judge(&of_load, target->what.value, verdict);
}

void rw_verdict_explain(const struct rw_verdict *verdict, enum rw_language language,
                        struct rw_text *text)
{
    struct rw_span words = rw_span_text(rw_label_in(reasons[verdict->reason], language));
    for (size_t i = 0; i + 1 < words.len; i++) {
        if (words.at[i] != '%' || words.at[i + 1] != 's')
            continue;
        rw_text_add(text, rw_span(words.at, i));
        rw_quantity_write(text, (struct rw_quantity){verdict->number, verdict->number_unit, 0, 0},
                          language);
        words = rw_span_skip(words, i + 2);
        break;
    }
    rw_text_add(text, words);
}
