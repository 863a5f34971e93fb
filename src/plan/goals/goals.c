#include "plan/goals/goals.h"

#include <math.h>

#define DAY 86400.0

/* ---- The chapter ---- */

static void saving(double *out, const struct rw_formula_inputs *in)
{
    for (size_t i = 0; i < in->rows; i++)
        out[i] = 1 - in->column[0][i] / in->column[1][i];
}

static const struct rw_formula saving_formula = {saving, "1 - {0} / {1}", "saving"};

static void add_saving(struct rw_plan *plan, const struct rw_tier *tier)
{
    uint32_t year = rw_plan_find(plan, "money", tier, "cost_year");
    if (year != RW_CELL_NONE && rw_plan_input(plan, RW_INPUT_COST_NOW) > 0)
        (void)rw_plan_compute(plan, "goals", tier, "saving",
                              RW_TEXTS("Saving against today's system", "相对现系统的节省"),
                              RW_UNIT_SHARE, &saving_formula, 2, year,
                              plan->inputs[RW_INPUT_COST_NOW]);
}

static void add_support(struct rw_plan *plan, const struct rw_tier *tier)
{
    double wanted = plan->terms.support_response;
    uint32_t cell =
        rw_sheet_choose(&plan->sheet, rw_sheet_text(&plan->sheet, "goals.%s.support", tier->id),
                        RW_TEXTS("First answer of the support", "支持首次响应时间"),
                        RW_UNIT_SECONDS, tier->profile->support_minutes * 60,
                        RW_TEXTS("part of the tier, at any hour", "该档所含支持，7x24"));
    if (!(rw_sheet_value(&plan->sheet, cell) > wanted))
        return;
    struct rw_finding finding = {
        .rule = "tier_support",
        .severity = RW_SEVERITY_WARNING,
        .text = RW_TEXTS("{2}: a first answer within {0} is wanted; the tier has {1}",
                         "{2}：要求 {0} 内响应，该档为 {1}"),
        .action = RW_TEXTS("Choose a tier with the support that is wanted, or buy it besides",
                           "选择支持达标的档次，或另行购买支持服务"),
        .numbers = {{.value = wanted, .unit = RW_UNIT_SECONDS},
                    rw_sheet_quantity(&plan->sheet, cell)},
        .cells = {RW_CELL_NONE, cell},
        .subject = tier->name,
        .named = tier->label,
        .source = "the support that each tier has",
        .file = plan->terms.file,
        .place = plan->terms.support_place,
    };
    rw_findings_add(&plan->findings, &finding);
}

enum rw_err rw_goals_chapter(struct rw_plan *plan)
{
    for (unsigned i = 0; i < plan->tier_count; i++) {
        add_saving(plan, &plan->tiers[i]);
        add_support(plan, &plan->tiers[i]);
    }
    return plan->sheet.err ? plan->sheet.err : plan->findings.err;
}

/* ---- Measuring ---- */

static bool has_word(struct rw_span text, const char *words)
{
    struct rw_span rest = rw_span_text(words), word;
    if (!*words)
        return true;
    while (rw_intake_next_word(&rest, &word))
        for (size_t i = 0; i + word.len <= text.len; i++)
            if (rw_span_eq_nocase(rw_span(text.at + i, word.len), word))
                return true;
    return false;
}

static const struct rw_goal_measure *find_measure(struct rw_span named, unsigned dimension)
{
    const struct rw_goal_measure *measure = rw_goal_measures;
    for (; measure->words; measure++) {
        bool fits = measure->dimension == 0 ? dimension == 0 || *measure->words
                                            : (measure->dimension & dimension) != 0;
        if (fits && has_word(named, measure->words))
            break;
    }
    rw_assert(measure->words);
    return measure;
}

/* The amount in the unit of the cell that answers it. */
static double wanted_in(const struct rw_amount *amount, enum rw_unit unit)
{
    double value = (amount->low + amount->high) / 2;
    double seconds = rw_per_seconds(amount->per);
    switch (unit) {
    case RW_UNIT_MINUTES_PER_QUARTER:
        return value / 60 * (seconds > 0 ? rw_per_seconds(RW_PER_QUARTER) / seconds : 1);
    case RW_UNIT_PER_MONTH:
        return seconds > 0 ? value * rw_per_seconds(RW_PER_MONTH) / seconds : NAN;
    case RW_UNIT_PER_SECOND:
        return seconds > 0 ? value / seconds : value;
    case RW_UNIT_DAYS:
        return value / DAY;
    default:
        return value;
    }
}

static uint32_t answering(const struct rw_plan *plan, const struct rw_goal_measure *measure,
                          unsigned tier)
{
    if (!measure->name)
        return RW_CELL_NONE;
    return measure->prefix ? rw_plan_find(plan, measure->prefix, &plan->tiers[tier], measure->name)
                           : rw_sheet_find(&plan->sheet, measure->name);
}

/* Which cells answer, and what they must reach; else why nothing does. */
static void judge(const struct rw_plan *plan, struct rw_goal *goal,
                  const struct rw_goal_measure *measure, const struct rw_amount *amount)
{
    goal->told = measure->told;
    goal->at_least = measure->at_least;
    if (measure->whole && goal->scope.len) {
        goal->told =
            RW_TEXTS("cannot be judged: the plan knows the whole; this part is measured in "
                     "operation",
                     "无法判定：方案只计算整体，该部分须在运行中实测");
        return;
    }
    for (unsigned i = 0; i < plan->tier_count; i++) {
        goal->cells[i] = answering(plan, measure, i);
        if (isnan(rw_sheet_value(&plan->sheet, goal->cells[i])))
            goal->cells[i] = RW_CELL_NONE;
        if (goal->cells[i] == RW_CELL_NONE)
            continue;
        goal->judged = true;
        goal->wanted = wanted_in(amount, rw_sheet_cell(&plan->sheet, goal->cells[i])->unit);
    }
    if (measure->name && !goal->judged)
        goal->told =
            strcmp(measure->name, "saving") == 0 && isnan(rw_plan_input(plan, RW_INPUT_COST_NOW))
                ? RW_TEXTS("cannot be judged: what today's system costs a year was not "
                           "given (money.cost_now)",
                           "无法判定：未给出现系统年成本（money.cost_now）")
                : RW_TEXTS("cannot be judged: the figure that answers it is missing",
                           "无法判定：所需的数字缺失");
}

static struct rw_goal *add(struct rw_goals *goals, enum rw_goal_kind kind)
{
    if (goals->count == RW_GOALS_MAX) {
        goals->left_out++;
        return NULL;
    }
    struct rw_goal *goal = &goals->at[goals->count++];
    *goal = (struct rw_goal){
        .kind = kind, .scope = RW_LITERAL(""), .text = RW_LITERAL(""), .wanted_cell = RW_CELL_NONE};
    for (unsigned i = 0; i < RW_TIERS_MAX; i++)
        goal->cells[i] = RW_CELL_NONE;
    return goal;
}

bool rw_goal_kept(const struct rw_plan *plan, const struct rw_goal *goal, unsigned tier)
{
    double given = rw_sheet_value(&plan->sheet, goal->cells[tier]);
    return goal->at_least ? given >= goal->wanted : given <= goal->wanted;
}

/* ---- The stated figures ---- */

static void add_input(const struct rw_plan *plan, struct rw_goals *goals, enum rw_input input,
                      const char *words, unsigned dimension)
{
    double value = rw_plan_input(plan, input);
    uint32_t cell = plan->inputs[input];
    if (isnan(value) || rw_sheet_cell(&plan->sheet, cell)->origin == RW_ORIGIN_ASSUMED)
        return;
    struct rw_goal *goal = add(goals, RW_GOAL_STATED);
    if (!goal)
        return;
    struct rw_amount amount = {
        .dimension = (enum rw_dimension)dimension, .low = value, .high = value};
    goal->name = rw_sheet_cell(&plan->sheet, cell)->label;
    goal->wanted_cell = cell;
    goal->place = rw_sheet_cell(&plan->sheet, cell)->place;
    judge(plan, goal, find_measure(rw_span_text(words), dimension), &amount);
    goal->wanted = value; /* it has the unit already */
}

static void add_point(const struct rw_plan *plan, struct rw_goals *goals)
{
    unsigned before = goals->count;
    add_input(plan, goals, RW_INPUT_RECOVERY_POINT, "RPO", RW_DIMENSION_TIME);
    if (goals->count > before)
        goals->at[before].told =
            RW_TEXTS("cannot be judged: the lag of replication is measured under load",
                     "无法判定：复制延迟须在负载下实测");
}

static void add_deadline(const struct rw_plan *plan, struct rw_goals *goals)
{
    uint32_t finish = rw_sheet_find(&plan->sheet, "roadmap.finish");
    if (isnan(plan->terms.deadline))
        return;
    struct rw_goal *goal = add(goals, RW_GOAL_STATED);
    if (!goal)
        return;
    goal->name = RW_TEXTS("To be done by", "完成时间");
    goal->wanted = plan->terms.deadline;
    goal->judged = finish != RW_CELL_NONE;
    goal->told = goal->judged
                     ? RW_TEXTS("by the roadmap, with likely durations", "以路线图的预计工期判定")
                     : RW_TEXTS("cannot be judged: the plan has no date", "无法判定：方案没有日期");
    for (unsigned i = 0; i < plan->tier_count; i++)
        goal->cells[i] = finish;
}

static void add_stated(const struct rw_plan *plan, struct rw_goals *goals)
{
    add_input(plan, goals, RW_INPUT_CONCURRENT_USERS, "并发", RW_DIMENSION_COUNT);
    add_input(plan, goals, RW_INPUT_CONCURRENT_REQUESTS, "并发", RW_DIMENSION_COUNT);
    add_input(plan, goals, RW_INPUT_AVAILABILITY, "可用性", RW_DIMENSION_FRACTION);
    add_input(plan, goals, RW_INPUT_DOWNTIME_ALLOWED, "停机", RW_DIMENSION_TIME);
    add_input(plan, goals, RW_INPUT_LATENCY, "时延", RW_DIMENSION_TIME);
    add_input(plan, goals, RW_INPUT_RECOVERY_TIME, "恢复", RW_DIMENSION_TIME);
    add_point(plan, goals);
    add_input(plan, goals, RW_INPUT_GOAL_SAVING, "成本", RW_DIMENSION_FRACTION);
    add_input(plan, goals, RW_INPUT_GOAL_ROI, "ROI", RW_DIMENSION_COUNT);
    add_deadline(plan, goals);
}

/* ---- Lists and words ---- */

static struct rw_label as_written(struct rw_span text)
{
    return (struct rw_label){text.at, text.at};
}

/* A figure of its own that is no input: utilisation, processing time. */
static void add_field(const struct rw_plan *plan, const struct rw_intake *intake,
                      struct rw_goals *goals, const char *path, const char *words)
{
    const struct rw_intake_value *value = rw_intake_get(intake, path);
    struct rw_goal *goal = value->there && value->count ? add(goals, RW_GOAL_STATED) : NULL;
    if (!goal)
        return;
    goal->name = rw_intake_field_label(value->field);
    goal->text = value->text;
    goal->place = value->place;
    judge(plan, goal, find_measure(rw_span_text(words), value->amount.dimension), &value->amount);
}

static void add_target(const struct rw_plan *plan, struct rw_goals *goals,
                       const struct rw_intake_row *row)
{
    const struct rw_intake_value *name = rw_intake_in(row, "name"),
                                 *value = rw_intake_in(row, "value"),
                                 *scope = rw_intake_in(row, "scope"),
                                 *measure = rw_intake_in(row, "measure");
    struct rw_goal *goal = name->there || value->there ? add(goals, RW_GOAL_LISTED) : NULL;
    if (!goal)
        return;
    bool number = value->there && value->count;
    goal->name = name->there ? as_written(name->text) : RW_TEXTS("(without a name)", "（未命名）");
    goal->text = value->text;
    goal->scope = scope->text;
    goal->place = row->place;
    struct rw_span named = name->there && name->text.len ? name->text : measure->text;
    judge(plan, goal, find_measure(named, number ? value->amount.dimension : 0), &value->amount);
}

/* Bytes of a mark between clauses at `at`; 0: none. */
static size_t mark_at(struct rw_span text, size_t at)
{
    static const char *const marks[] = {"，", "；", "。", "、", "; ", ", ", "/"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if (rw_span_starts(rw_span_skip(text, at), rw_span_text(marks[i])))
            return strlen(marks[i]);
    return 0;
}

static void add_clause(const struct rw_plan *plan, const struct rw_intake_value *value,
                       struct rw_goals *goals, struct rw_span clause)
{
    static const unsigned any =
        RW_DIMENSION_COUNT | RW_DIMENSION_FRACTION | RW_DIMENSION_TIME | RW_DIMENSION_BYTES;
    struct rw_amount amount = {0};
    struct rw_span where;
    clause = rw_span_trim(clause);
    struct rw_goal *goal = clause.len ? add(goals, RW_GOAL_WORDS) : NULL;
    if (!goal)
        return;
    /* A version is no amount: "ISO27001:2022". */
    const struct rw_goal_measure *measure = find_measure(clause, 0);
    bool number = measure != rw_goal_certificates && rw_amount_find(clause, any, &amount, &where);
    goal->name = rw_intake_field_label(value->field);
    goal->text = clause;
    goal->place = value->place;
    judge(plan, goal, number ? find_measure(clause, amount.dimension) : measure, &amount);
}

static void add_words(const struct rw_plan *plan, const struct rw_intake *intake,
                      struct rw_goals *goals, const char *path)
{
    const struct rw_intake_value *value = rw_intake_get(intake, path);
    for (size_t t = 0; value->there && t < value->count; t++) {
        struct rw_span text = value->texts[t];
        size_t begin = 0;
        for (size_t at = 0; at <= text.len; at++) {
            size_t mark = at < text.len ? mark_at(text, at) : 0;
            if (at < text.len && !mark)
                continue;
            add_clause(plan, value, goals, rw_span(text.at + begin, at - begin));
            begin = at + mark;
            at += mark ? mark - 1 : 0;
        }
    }
}

void rw_goals_gather(const struct rw_plan *plan, const struct rw_intake *intake,
                     struct rw_goals *goals)
{
    static const char *const words[] = {"goal.target",
                                        "goal.performance",
                                        "goal.cost",
                                        "goal.security",
                                        "goal.acceptance_technical",
                                        "goal.acceptance_business",
                                        "goal.other",
                                        "service.level",
                                        "service.support"};
    goals->count = goals->left_out = 0;
    add_stated(plan, goals);
    if (!intake)
        return;
    add_field(plan, intake, goals, "goal.utilization", "利用率");
    add_field(plan, intake, goals, "goal.processing", "处理时间");
    add_field(plan, intake, goals, "service.response", "支持响应");
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(intake, "targets", &count);
    for (size_t i = 0; i < count; i++)
        add_target(plan, goals, &rows[i]);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        add_words(plan, intake, goals, words[i]);
}
