/* Verdicts: what was measured, how sure that is, and whether the target holds.
 *
 * A target is met only when the whole confidence interval keeps the limit, not met only when none
 * of it does. In between, and where the measurement itself was at fault (the generator was the
 * bottleneck, too few requests), it could not be judged: `reason` says why, and what would help.
 *
 *   percentiles   the ranks of a binomial number bound it (confidence.h), over the requests of all
 *                 repetitions; with two repetitions or more Student's t over their percentiles,
 *                 too: the wider of both judges
 *   shares        Clopper and Pearson, over the requests of all repetitions
 *   rates         Student's t over the repetitions; with one alone over its seconds (batch means)
 *
 * Pure: the same run gives the same verdicts.
 */
#ifndef RW_VERIFY_VERDICT_H
#define RW_VERIFY_VERDICT_H

#include "report/unit.h"
#include "verify/confidence.h"
#include "verify/record.h"

enum rw_verify_result { RW_VERIFY_MET, RW_VERIFY_NOT_MET, RW_VERIFY_UNJUDGED };

/* X(name, english, chinese): "%s" stands for rw_verdict.number, in words. */
#define RW_VERIFY_REASONS(X)                                                                       \
    X(NONE, "", "")                                                                                \
    X(NOT_RUN, "the load did not run", "未施加该负载")                                             \
    X(REFUSED, "the system did not take all connections", "被测系统未接受全部连接")                \
    X(NOTHING_ANSWERED, "nothing was answered", "没有任何应答")                                    \
    X(GENERATOR, "the generator was the bottleneck: give it more threads, or ask for less",        \
      "发压端成为瓶颈：请增加线程或降低负载")                                                      \
    X(FEW_REQUESTS, "too few requests: %s are needed at least", "请求数不足：至少需要 %s 个")      \
    X(FEW_REPETITIONS, "one value says nothing of its spread: repeat it",                          \
      "只有一个值，无法得知其离散程度：请重复测试")                                                \
    X(UNSURE, "the limit lies within the confidence interval: more repetitions or requests",       \
      "限值落在置信区间内：请增加重复次数或请求数")                                                \
    X(OFFERED_LESS, "the load asked only for %s: the system had no chance",                        \
      "负载只要求了 %s：系统没有达标的机会")                                                       \
    X(NO_FAULT, "no fault was caused", "未制造任何故障")                                           \
    X(NOT_OURS, "the gateway's processes are not ours: verify must start it",                      \
      "网关进程不由本程序启动，无法测量")                                                          \
    X(NOT_COUNTED, "no built-in server counts the writes, and `read` does not say where to look",  \
      "没有内置服务器统计写入，也未用 `read` 指明如何读回")                                        \
    X(READS_FIND_ALL, "`read` finds a write that nobody made: it cannot show that one is lost",    \
      "`read` 读到了从未写入的数据：无法证明丢失")                                                 \
    X(READS_FIND_NONE, "a write could not be made and read back before the first fault",           \
      "首个故障之前的写入即无法完成并读回")                                                        \
    X(UNREAD, "%s acknowledged writes could not be read, neither found nor missing",               \
      "有 %s 个已确认的写入无法读回，既未找到也不能认定丢失")                                      \
    X(WRITES, "of %s acknowledged writes", "共 %s 个已确认的写入")                                 \
    X(BUDGET, "%s of the error budget is used", "已用错误预算的 %s")

enum rw_verify_reason {
#define RW_VERIFY_REASON_ENUM(name, en, zh) RW_VERIFY_REASON_##name,
    RW_VERIFY_REASONS(RW_VERIFY_REASON_ENUM)
#undef RW_VERIFY_REASON_ENUM
        RW_VERIFY_REASON_COUNT
};

/* X(name, english, chinese) */
#define RW_VERIFY_METHODS(X)                                                                       \
    X(NONE, "", "")                                                                                \
    X(RANKS, "order statistics", "次序统计量")                                                     \
    X(RANKS_AND_STUDENT, "order statistics and Student's t, the wider of both",                    \
      "次序统计量与 Student t，取较宽者")                                                          \
    X(CLOPPER_PEARSON, "Clopper-Pearson", "Clopper-Pearson")                                       \
    X(STUDENT, "Student's t over repetitions", "对各次重复的 Student t")                           \
    X(BATCHES, "Student's t over seconds", "对各秒的 Student t")                                   \
    X(LEAST, "the least of all repetitions", "各次重复中的最小值")                                 \
    X(WORST_MOMENT, "the worst of all faults, to a tenth of a second",                             \
      "所有故障中最差值，精确到 0.1 秒")                                                           \
    X(COUNTED, "counted", "计数")                                                                  \
    X(BUDGET, "Clopper-Pearson and the faults' lost time", "Clopper-Pearson 与故障损失时间")

enum rw_verify_method {
#define RW_VERIFY_METHOD_ENUM(name, en, zh) RW_VERIFY_METHOD_##name,
    RW_VERIFY_METHODS(RW_VERIFY_METHOD_ENUM)
#undef RW_VERIFY_METHOD_ENUM
        RW_VERIFY_METHOD_COUNT
};

struct rw_label rw_verify_method_label(enum rw_verify_method method);
const char *rw_verify_result_name(enum rw_verify_result result); /* "met", "not met", ... */
struct rw_label rw_verify_result_label(enum rw_verify_result result);

struct rw_verdict {
    enum rw_verify_result result;
    double measured; /* NaN: nothing was */
    double limit;
    struct rw_interval interval; /* NaN: none */
    bool generator_late;         /* of what was measured, a part is the generator's own */
    enum rw_verify_method method;
    enum rw_verify_reason reason;
    double number; /* of the reason */
    enum rw_unit number_unit;
    unsigned repetitions;                     /* that had a part in it */
    double values[RW_RECORD_REPETITIONS_MAX]; /* of each of them */
};

/* What a kind of target judges by. */
struct rw_coverage;
struct rw_judging {
    const struct rw_acceptance *file;
    const struct rw_record *record;
    const struct rw_coverage *coverage;
    double confidence;
    unsigned load; /* the target's: rw_verdict_of sees to it */
};

/* Decides by the interval, and says so; keeps a reason that is there already. */
void rw_verdict_decide(struct rw_verdict *verdict, bool at_least);

struct rw_verify_target;
void rw_verdict_of(const struct rw_judging *judging, const struct rw_verify_target *target,
                   struct rw_verdict *verdict);

/* The reason in words; nothing where there is none. */
void rw_verdict_explain(const struct rw_verdict *verdict, enum rw_language language,
                        struct rw_text *text);

#endif
