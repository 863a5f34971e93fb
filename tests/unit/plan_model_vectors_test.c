/* Every test vector of data/plan/models.yaml against the formulas, within 1e-5, or within
 * half of the last digit that the file prints. A model, or an
 * expected value of one, that no line below computes is a failure: so the data file and the code
 * cannot part. */
#include "conf/file.h"
#include "conf/tree.h"
#include "plan/model/availability.h"
#include "plan/model/finance.h"
#include "plan/model/queueing.h"
#include "plan/model/scale.h"
#include "plan/model/volume.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { VALUES_MAX = 32 };

struct given {
    const struct rw_conf_node *map;
};

static double number(struct rw_span text)
{
    char *end = NULL;
    double value = strtod(text.at, &end);
    assert_true(text.len > 0 && end == text.at + text.len);
    return value;
}

/* Half a unit of the last printed digit: -0.008479 says no more. */
static double rounding(struct rw_span text)
{
    ptrdiff_t point = rw_span_find(text, '.');
    bool plain = rw_span_find(text, 'e') < 0;
    return point < 0 || !plain ? 0 : 0.5 * pow(10, -(double)(text.len - 1 - (size_t)point));
}

static double in(struct given given, const char *name)
{
    return number(rw_conf_tree_text(given.map, name));
}

/* A list, or "20 x 0.999". */
static size_t all(struct given given, const char *name, double *values)
{
    const struct rw_conf_node *node = rw_conf_tree_at(given.map, name);
    assert_non_null(node);
    size_t count = 0;
    if (node->kind == RW_CONF_NODE_SCALAR) {
        char *end = NULL;
        size_t times = strtoul(node->text.at, &end, 10);
        assert_true(strncmp(end, " x ", 3) == 0 && times <= VALUES_MAX);
        while (count < times)
            values[count++] = strtod(end + 3, NULL);
        return count;
    }
    for (const struct rw_conf_entry *e = rw_conf_tree_entries(node); e; e = e->next) {
        assert_true(count < VALUES_MAX);
        values[count++] = number(e->node->text);
    }
    return count;
}

static double series(struct given g)
{
    double parts[VALUES_MAX];
    size_t count = all(g, "A_i", parts);
    return rw_model_series(parts, count);
}

static double parallel(struct given g)
{
    double parts[VALUES_MAX];
    size_t count = all(g, "A_i", parts);
    return rw_model_parallel(parts, count);
}

static double npv(struct given g)
{
    double flows[VALUES_MAX];
    size_t count = all(g, "CF", flows);
    return rw_model_npv(flows, count, in(g, "r"));
}

static double irr(struct given g)
{
    double flows[VALUES_MAX];
    size_t count = all(g, "CF", flows);
    double rate = 0;
    assert_int_equal(rw_model_irr(flows, count, &rate), RW_MODEL_IRR_FOUND);
    return rate;
}

static double payback(struct given g, double rate)
{
    double flows[VALUES_MAX];
    size_t count = all(g, "CF", flows);
    return rw_model_payback(flows, count, rate);
}

static size_t every_year(struct given g, const char *name, double *values)
{
    size_t years = (size_t)in(g, "n");
    assert_true(years <= VALUES_MAX);
    for (size_t i = 0; i < years; i++)
        values[i] = in(g, name);
    return years;
}

static double subscription(struct given g)
{
    double fees[VALUES_MAX];
    size_t count = every_year(g, "fee", fees);
    return rw_model_subscription(fees, count, in(g, "r"));
}

static double one_off(struct given g)
{
    double upkeep[VALUES_MAX];
    size_t count = every_year(g, "upkeep", upkeep);
    return rw_model_one_off(in(g, "price"), upkeep, count, in(g, "residual"), in(g, "r"));
}

static double steps(struct given g)
{
    struct rw_model_price_step list[VALUES_MAX];
    size_t count = 0;
    const struct rw_conf_node *tiers = rw_conf_tree_at(g.map, "tiers");
    for (const struct rw_conf_entry *e = rw_conf_tree_entries(tiers); e; e = e->next) {
        const struct rw_conf_entry *from = rw_conf_tree_entries(e->node);
        list[count++] = (struct rw_model_price_step){
            number(from->node->text),
            number(from->next->node->text),
            number(from->next->next->node->text),
        };
    }
    return rw_model_price_steps(in(g, "q_gb"), list, count);
}

static double erlang_c(struct given g)
{
    double load = rw_conf_tree_at(g.map, "a") ? in(g, "a") : in(g, "lambda") / in(g, "mu");
    return rw_model_erlang_c(in(g, "c"), load);
}

#define FORMULA(name, expression)                                                                  \
    static double name(struct given g)                                                             \
    {                                                                                              \
        return expression;                                                                         \
    }

FORMULA(little, rw_model_little_rate(in(g, "L"), in(g, "W")))
FORMULA(interactive, rw_model_interactive_rate(in(g, "N"), in(g, "R"), in(g, "Z")))
FORMULA(load, rw_model_offered_load(in(g, "X"), in(g, "S")))
FORMULA(utilization, rw_model_utilization(in(g, "X"), in(g, "S"), in(g, "c")))
FORMULA(mm1, rw_model_mm1_response(in(g, "S"), in(g, "rho")))
FORMULA(mm1_p99, rw_model_mm1_percentile(in(g, "S"), in(g, "rho"), 0.99))
FORMULA(erlang_b, rw_model_erlang_b(in(g, "c"), in(g, "lambda") / in(g, "mu")))
FORMULA(mmc_wait, rw_model_mmc_wait(in(g, "lambda"), in(g, "mu"), in(g, "c")))
FORMULA(mmc_tail, rw_model_mmc_wait_tail(in(g, "lambda"), in(g, "mu"), in(g, "c"), 0.5))
FORMULA(mmc_p99, rw_model_mmc_wait_percentile(in(g, "lambda"), in(g, "mu"), in(g, "c"), 0.99))
FORMULA(staffing, rw_model_square_root_staffing(in(g, "a"), in(g, "beta")))
FORMULA(staffing_waits, rw_model_erlang_c(staffing(g), in(g, "a")))
FORMULA(mg1, rw_model_mg1_wait(in(g, "S"), in(g, "rho"), in(g, "cv2")))
FORMULA(ps, rw_model_ps_response(in(g, "S"), in(g, "rho")))
FORMULA(ps_job, rw_model_ps_response(in(g, "x"), in(g, "rho")))
FORMULA(ggc,
        rw_model_ggc_wait(in(g, "lambda"), in(g, "mu"), in(g, "c"), in(g, "ca2"), in(g, "cs2")))
FORMULA(usl_best, rw_model_usl_nodes_best(in(g, "sigma"), in(g, "kappa")))
FORMULA(usl, rw_model_usl_rate(in(g, "N"), in(g, "lambda1"), in(g, "sigma"), in(g, "kappa")))
FORMULA(fanout, rw_model_fanout_slow(in(g, "p"), in(g, "n")))
FORMULA(fanout_leaf, rw_model_fanout_leaf(in(g, "P_target"), in(g, "n")))
FORMULA(hpa, rw_model_hpa_replicas(in(g, "current"), in(g, "metric"), in(g, "target"), 0.1))
FORMULA(headroom, rw_model_headroom_nodes(in(g, "peak"), in(g, "cap"), in(g, "u_target")))
FORMULA(zone_loss, rw_model_zone_loss_nodes(in(g, "n"), in(g, "z")))
FORMULA(storage, rw_model_storage_tb(in(g, "D"), in(g, "T"), in(g, "rf"), in(g, "o"), in(g, "k")))
FORMULA(storage_grown, rw_model_storage_grown_tb(in(g, "V_0"), in(g, "g"), in(g, "y")))
FORMULA(bandwidth, rw_model_bandwidth_gbps(in(g, "bytes_per_day")))
FORMULA(distance, rw_model_distance_rtt_ms(in(g, "km")))
FORMULA(downtime_hours, rw_model_error_budget(series(g), 8760))
FORMULA(k_of_n, rw_model_k_of_n(in(g, "a"), in(g, "k"), in(g, "n")))
FORMULA(incidents, rw_model_incidents_allowed(in(g, "budget"), in(g, "MTTR")))
FORMULA(to_empty, rw_model_time_to_empty(in(g, "window_days"), in(g, "burn")))
FORMULA(breakeven, rw_model_commit_breakeven(in(g, "price_committed"), in(g, "price_on_demand")))
FORMULA(roi, rw_model_roi(in(g, "benefits"), in(g, "costs")))
FORMULA(payback_simple, payback(g, 0))
FORMULA(payback_discounted, payback(g, in(g, "r")))
FORMULA(annuity, rw_model_annuity(in(g, "PV"), in(g, "r"), in(g, "n")))
FORMULA(carbon, rw_model_carbon_intensity(in(g, "E"), in(g, "I"), in(g, "M"), in(g, "R")))

static const struct {
    const char *model, *expects;
    double (*formula)(struct given);
} formulas[] = {
    {"little", "X", little},
    {"interactive", "X", interactive},
    {"utilization", "a", load},
    {"utilization", "rho", utilization},
    {"mm1", "R", mm1},
    {"mm1", "R_p99", mm1_p99},
    {"mmc", "C", erlang_c},
    {"mmc", "B_c", erlang_b},
    {"mmc", "Wq", mmc_wait},
    {"mmc", "P(W>0.5)", mmc_tail},
    {"mmc", "W_p99", mmc_p99},
    {"sqrt_staffing", "c", staffing},
    {"sqrt_staffing", "C_at_c", staffing_waits},
    {"mg1_fcfs", "Wq", mg1},
    {"mg1_ps", "R", ps},
    {"mg1_ps", "R(x)", ps_job},
    {"ggc", "Wq", ggc},
    {"usl", "N_max", usl_best},
    {"usl", "X", usl},
    {"fanout", "P_slow", fanout},
    {"fanout", "p_leaf_needed", fanout_leaf},
    {"hpa", "desired", hpa},
    {"headroom", "n", headroom},
    {"zone_loss", "n_total", zone_loss},
    {"storage", "V", storage},
    {"storage", "V_y", storage_grown},
    {"bandwidth", "Gbps_mean", bandwidth},
    {"distance_floor", "RTT_min_ms", distance},
    {"series", "A", series},
    {"series", "downtime_hours_per_year", downtime_hours},
    {"parallel", "A", parallel},
    {"parallel", "A_k_of_n", k_of_n},
    {"mtbf", "incidents_allowed", incidents},
    {"error_budget", "time_to_empty_days", to_empty},
    {"tiered_price", "cost", steps},
    {"commit_breakeven", "u_star", breakeven},
    {"npv", "NPV", npv},
    {"irr", "IRR", irr},
    {"roi", "ROI", roi},
    {"payback", "simple", payback_simple},
    {"payback", "discounted", payback_discounted},
    {"annuity", "EAC", annuity},
    {"sub_vs_oneoff", "PV_sub", subscription},
    {"sub_vs_oneoff", "PV_one", one_off},
    {"sci", "SCI", carbon},
};
enum { FORMULAS = sizeof(formulas) / sizeof(*formulas) };

static bool used[FORMULAS];

static double compute(struct rw_span model, struct rw_span expects, struct given given)
{
    for (size_t i = 0; i < FORMULAS; i++)
        if (rw_span_is(model, formulas[i].model) && rw_span_is(expects, formulas[i].expects)) {
            used[i] = true;
            return formulas[i].formula(given);
        }
    fail_msg("no formula gives %.*s of %.*s", RW_SPAN_ARGS(expects), RW_SPAN_ARGS(model));
    return 0;
}

static void check_vector(struct rw_span model, const struct rw_conf_node *vector)
{
    struct given given = {rw_conf_tree_at(vector, "given")};
    const struct rw_conf_entry *e = rw_conf_tree_entries(rw_conf_tree_at(vector, "expect"));
    assert_non_null(e);
    for (; e; e = e->next) {
        double expected = number(e->node->text);
        double value = compute(model, e->key, given);
        double tolerance = fmax(1e-5 * fabs(expected), rounding(e->node->text));
        if (!(fabs(value - expected) <= tolerance))
            fail_msg("%.*s: %.*s is %.10g, expected %.10g (line %u)", RW_SPAN_ARGS(model),
                     RW_SPAN_ARGS(e->key), value, expected, e->key_place.line);
    }
}

static void test_vectors(void **state)
{
    (void)state;
    struct rw_text text = {0};
    assert_int_equal(rw_conf_slurp("data/plan/models.yaml", 1 << 20, true, &text), RW_OK);
    struct rw_arena arena;
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 20);
    struct rw_conf_report report = {0};
    struct rw_conf_tree tree;
    assert_int_equal(rw_conf_tree_read(rw_text_span(&text), "models.yaml", &arena, &tree, &report),
                     RW_OK);
    size_t vectors = 0;
    const struct rw_conf_node *models = rw_conf_tree_at(tree.root, "models");
    for (const struct rw_conf_entry *e = rw_conf_tree_entries(models); e; e = e->next) {
        const struct rw_conf_node *list = rw_conf_tree_at(e->node, "test_vectors");
        for (const struct rw_conf_entry *v = rw_conf_tree_entries(list); v; v = v->next) {
            check_vector(rw_conf_tree_text(e->node, "id"), v->node);
            vectors++;
        }
    }
    print_message("%zu vectors\n", vectors);
    assert_true(vectors >= 30);
    for (size_t i = 0; i < FORMULAS; i++)
        if (!used[i])
            fail_msg("no vector asks for %s of %s", formulas[i].expects, formulas[i].model);
    rw_conf_tree_free(&tree);
    rw_arena_free(&arena);
    rw_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
