/* What must be true of the planning formulas whatever their arguments: monotonicity, limits,
 * agreement with each other, and NaN for what a contract excludes. */
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

#include <cmocka.h>

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b));
}

static uint64_t seed = 0x9e3779b97f4a7c15;

/* splitmix64 */
static double uniform(double low, double high)
{
    uint64_t z = (seed += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return low + (high - low) * ((double)((z ^ (z >> 31)) >> 11) * 0x1p-53);
}

static void test_erlang(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        double servers = floor(uniform(1, 400));
        double load = servers * uniform(0.01, 0.999);
        double loss = rw_model_erlang_b(servers, load);
        double waits = rw_model_erlang_c(servers, load);
        assert_true(loss > 0 || load < servers / 4);
        assert_true(loss <= waits && waits <= 1);
        assert_true(rw_model_erlang_c(servers + 1, load) < waits || waits == 0);
        assert_true(rw_model_erlang_c(servers, load * 1.0001) > waits || waits == 0);
    }
    /* One server is M/M/1; a million does not overflow. */
    assert_true(near(rw_model_erlang_c(1, 0.8), 0.8, 1e-14));
    assert_true(near(rw_model_mmc_response(8, 10, 1), rw_model_mm1_response(0.1, 0.8), 1e-13));
    double waits = rw_model_erlang_c(1000000, 999000);
    assert_true(waits > 0.1 && waits < 0.5);
    assert_true(rw_model_erlang_c(10, 10) == 1 && rw_model_erlang_c(10, 1e300) == 1);
    assert_true(rw_model_erlang_c(10, 0) == 0);
    assert_true(isnan(rw_model_erlang_c(0, 1)) && isnan(rw_model_erlang_c(1.5, 1)));
    assert_true(isnan(rw_model_erlang_b(1, -1)) && isnan(rw_model_erlang_b(NAN, 1)));
    assert_true(isnan(rw_model_erlang_b(1, INFINITY)));
}

static void test_percentiles(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        double servers = floor(uniform(1, 60));
        double mu = uniform(0.1, 200);
        double rate = servers * mu * uniform(0.05, 0.99);
        double p = uniform(0.5, 0.9999);
        double wait = rw_model_mmc_wait_percentile(rate, mu, servers, p);
        double response = rw_model_mmc_response_percentile(rate, mu, servers, p);
        if (wait > 0)
            assert_true(near(rw_model_mmc_wait_tail(rate, mu, servers, wait), 1 - p, 1e-9));
        assert_true(near(rw_model_mmc_response_tail(rate, mu, servers, response), 1 - p, 1e-7));
        assert_true(response > wait);
        double half = (1 + p) / 2; /* each exceeds its half with half the chance */
        double bound = rw_model_mmc_wait_percentile(rate, mu, servers, half) - log(1 - half) / mu;
        assert_true(response <= bound * (1 + 1e-9));
        double least = rw_model_mmc_servers_for_wait(rate, mu, p, wait * (1 + 1e-9));
        assert_true(least <= servers);
        assert_true(least == servers || wait == 0 ||
                    rw_model_mmc_wait_tail(rate, mu, least, wait * (1 + 1e-9)) <= 1 - p);
        double enough = response * (1 + 1e-9);
        least = rw_model_mmc_servers_for_response(rate, mu, p, enough);
        assert_true(least <= servers);
        assert_true(rw_model_mmc_response_tail(rate, mu, least, enough) <= 1 - p);
        assert_true(least == 1 ||
                    !(rw_model_mmc_response_tail(rate, mu, least - 1, enough) <= 1 - p));
    }
    /* One server: the response is exponential. The double pole at spare == mu is smooth. */
    assert_true(near(rw_model_mmc_response_percentile(8, 10, 1, 0.99),
                     rw_model_mm1_percentile(0.1, 0.8, 0.99), 1e-9));
    double at = rw_model_mmc_response_tail(10, 10, 2, 0.3);
    assert_true(near(at, rw_model_mmc_response_tail(10 + 1e-7, 10, 2, 0.3), 1e-6));
    /* No number of servers makes a service faster. */
    assert_true(isnan(rw_model_mmc_servers_for_response(100, 10, 0.99, 0.1)));
    assert_true(isinf(rw_model_mmc_wait(11, 1, 10)));
    assert_true(isinf(rw_model_mmc_wait_percentile(11, 1, 10, 0.9)));
    assert_true(isinf(rw_model_mmc_response_percentile(11, 1, 10, 0.9)));
    assert_true(isnan(rw_model_mmc_wait_percentile(5, 1, 10, 1)));
    assert_true(isnan(rw_model_mmc_wait(5, 0, 10)) && isnan(rw_model_mmc_wait(-5, 1, 10)));
}

static void test_single_server(void **state)
{
    (void)state;
    assert_true(isinf(rw_model_mm1_response(1, 1)) && isinf(rw_model_mg1_wait(1, 1.2, 1)));
    assert_true(isnan(rw_model_mm1_response(-1, 0.5)) && isnan(rw_model_ps_response(1, -0.1)));
    assert_true(rw_model_mm1_percentile(1, 2, 0) == 0);
    assert_true(isnan(rw_model_mm1_percentile(1, 0.5, 1)));
    /* With exponential service, Pollaczek-Khinchine is M/M/1, and Allen-Cunneen is M/M/c. */
    assert_true(near(rw_model_mg1_wait(0.1, 0.8, 1), rw_model_mmc_wait(8, 10, 1), 1e-12));
    assert_true(near(rw_model_ggc_wait(30, 10, 4, 1, 1), rw_model_mmc_wait(30, 10, 4), 1e-15));
    assert_true(rw_model_ggc_wait(50, 10, 4, 0, 0) == 0);
    assert_true(isnan(rw_model_little_rate(1, 0)) && isnan(rw_model_little_items(INFINITY, 1)));
    assert_true(isnan(rw_model_interactive_rate(10, 0, 0)));
    assert_true(near(rw_model_interactive_response(1000, 31.25, 30), 2, 1e-12));
    assert_true(isnan(rw_model_interactive_response(10, 0, 1)));
    assert_true(isnan(rw_model_utilization(1, 1, 0)));
    assert_true(isnan(rw_model_square_root_staffing(-1, 1)));
}

static void test_usl(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        double sigma = uniform(0, 0.3);
        double kappa = uniform(1e-6, 1e-2);
        double lambda1 = uniform(10, 1e5);
        double best = rw_model_usl_nodes_best(sigma, kappa);
        double roof = rw_model_usl_rate_roof(lambda1, sigma, kappa);
        assert_true(rw_model_usl_rate(best * 1.1, lambda1, sigma, kappa) <= roof);
        assert_true(rw_model_usl_rate(fmax(1, best * 0.9), lambda1, sigma, kappa) <=
                    roof * (1 + 1e-12));
        double nodes[8];
        double rates[8];
        for (int j = 0; j < 8; j++) {
            nodes[j] = 1 << j;
            rates[j] = rw_model_usl_rate(nodes[j], lambda1, sigma, kappa);
        }
        struct rw_model_usl fit;
        assert_true(rw_model_usl_fit(nodes, rates, 8, &fit));
        assert_true(near(fit.lambda1, lambda1, 1e-6) && fabs(fit.sigma - sigma) < 1e-6);
        assert_true(fabs(fit.kappa - kappa) < 1e-7 && fit.error < 1e-7);
    }
    assert_true(rw_model_usl_rate_roof(1000, 0.02, 0) == 50000);
    assert_true(isinf(rw_model_usl_rate_roof(1000, 0, 0)) && isinf(rw_model_usl_nodes_best(0, 0)));
    assert_true(rw_model_usl_nodes_best(0.5, 2) == 1);
    assert_true(isnan(rw_model_usl_rate(0, 1, 0, 0)) && isnan(rw_model_usl_rate(1, 1, 2, 0)));
}

static void test_usl_fit_bounds(void **state)
{
    (void)state;
    const double nodes[] = {1, 2, 4, 8};
    const double linear[] = {100, 200, 400, 800};
    const double better[] = {100, 210, 450, 1000}; /* superlinear: held to the ranges */
    const double broken[] = {100, 0, 400, 800};
    const double same[] = {4, 4, 4, 4};
    struct rw_model_usl fit;
    assert_true(rw_model_usl_fit(nodes, linear, 4, &fit));
    assert_true(fit.sigma < 1e-9 && fit.kappa < 1e-9 && near(fit.lambda1, 100, 1e-9));
    assert_true(rw_model_usl_fit(nodes, better, 4, &fit));
    assert_true(fit.sigma >= 0 && fit.kappa >= 0 && fit.error > 0.01);
    assert_false(rw_model_usl_fit(nodes, linear, 2, &fit));
    assert_false(rw_model_usl_fit(nodes, broken, 4, &fit));
    assert_false(rw_model_usl_fit(same, linear, 4, &fit));
}

static void test_scale(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        double target = uniform(0.0001, 0.5);
        double calls = floor(uniform(1, 1000));
        double leaf = rw_model_fanout_leaf(target, calls);
        assert_true(near(rw_model_fanout_slow(leaf, calls), target, 1e-12) && leaf <= target);
    }
    /* Far below what a difference from one could hold. */
    assert_true(near(rw_model_fanout_slow(1e-18, 100), 1e-16, 1e-12));
    assert_true(rw_model_fanout_slow(1, 3) == 1 && isnan(rw_model_fanout_slow(0.1, 0)));
    assert_true(rw_model_hpa_replicas(10, 80, 75, 0.1) == 10);
    assert_true(rw_model_hpa_replicas(10, 0, 75, 0.1) == 0);
    assert_true(isnan(rw_model_hpa_replicas(10, 80, 0, 0.1)));
    assert_true(rw_model_headroom_utilization(0, 300) == 1);
    assert_true(near(rw_model_headroom_utilization(0.001, 300), 1 / 1.3, 1e-15));
    /* 2100 / (250 * 0.7) is 12 but for rounding, whichever way it rounds. */
    assert_true(rw_model_headroom_nodes(2100, 250, 0.7) == 12);
    assert_true(rw_model_headroom_nodes(2101, 250, 0.7) == 13);
    assert_true(isnan(rw_model_headroom_nodes(2100, 250, 1.2)));
    assert_true(rw_model_round_up(3 + 1e-12) == 3 && rw_model_round_up(3.001) == 4);
    assert_true(rw_model_round_up(-0.5) == 0 && rw_model_round_up(0) == 0);
    for (int zones = 2; zones < 10; zones++)
        for (int nodes = 0; nodes < 50; nodes++) {
            double total = rw_model_zone_loss_nodes(nodes, zones);
            assert_true(total * (zones - 1) / zones >= nodes - 1e-9);
            assert_true((total - 1) * (zones - 1) / zones < nodes);
        }
    assert_true(isnan(rw_model_zone_loss_nodes(3, 1)));
}

static void test_volume(void **state)
{
    (void)state;
    /* 10 TB a day is 3.65 PB a year. */
    assert_true(rw_model_storage_tb(10, 365, 1, 0, 1) == 3650);
    assert_true(isnan(rw_model_storage_tb(10, 365, 0.5, 0, 1)));
    assert_true(isnan(rw_model_storage_tb(10, 365, 1, 0, 0)));
    assert_true(isnan(rw_model_storage_grown_tb(10, -1, 1)));
    assert_true(near(rw_model_bandwidth_link_gbps(1, 3, 0.6), 5, 1e-12));
    assert_true(isnan(rw_model_bandwidth_link_gbps(1, 0.5, 0.6)));
    assert_true(isnan(rw_model_bandwidth_link_gbps(1, 2, 0)));
    /* Beijing to Frankfurt. */
    assert_true(near(rw_model_distance_km(39.9042, 116.4074, 50.1109, 8.6821), 7785, 0.002));
    assert_true(near(rw_model_distance_km(0, 0, 0, 180), M_PI * 6371.0088, 1e-12));
    assert_true(rw_model_distance_km(10, 20, 10, 20) == 0);
    assert_true(isnan(rw_model_distance_km(91, 0, 0, 0)) && isnan(rw_model_distance_rtt_ms(-1)));
}

static void test_availability(void **state)
{
    (void)state;
    const double parts[] = {0.99, 0.95, 0.999};
    assert_true(rw_model_series(parts, 3) < 0.95 && rw_model_parallel(parts, 3) > 0.999);
    assert_true(rw_model_series(parts, 0) == 1 && isnan(rw_model_parallel(parts, 0)));
    const double wrong[] = {0.99, 99.5};
    assert_true(isnan(rw_model_series(wrong, 2)) && isnan(rw_model_parallel(wrong, 2)));
    for (int i = 0; i < 200; i++) {
        double part = uniform(0.01, 0.9999);
        double installed = floor(uniform(1, 200));
        double needed = floor(uniform(0, installed));
        double at_least = rw_model_k_of_n(part, needed, installed);
        assert_true(at_least >= 0 && at_least <= 1);
        assert_true(rw_model_k_of_n(part, needed + 1, installed) <= at_least + 1e-12);
        assert_true(rw_model_k_of_n(part, needed, installed + 1) >= at_least - 1e-12);
    }
    assert_true(near(rw_model_k_of_n(0.9, 3, 3), 0.729, 1e-12));
    assert_true(near(rw_model_k_of_n(0.9, 1, 3), 0.999, 1e-12));
    assert_true(rw_model_k_of_n(0, 1, 3) == 0 && rw_model_k_of_n(1, 3, 3) == 1);
    assert_true(isnan(rw_model_k_of_n(0.9, 4, 3)) && isnan(rw_model_k_of_n(0.9, 0.5, 3)));
    assert_true(near(rw_model_steady_state(999, 1), 0.999, 1e-15));
    assert_true(isnan(rw_model_steady_state(0, 0)));
    assert_true(isinf(rw_model_incidents_allowed(10, 0)) && isinf(rw_model_time_to_empty(30, 0)));
    assert_true(near(rw_model_error_budget(0.9995, 129600), 64.8, 1e-9));
    assert_true(near(rw_model_slo_of_downtime(15, 129600), 0.99988426, 1e-8));
    assert_true(near(rw_model_burn_rate(0.0144, 0.999), 14.4, 1e-9));
    assert_true(isnan(rw_model_burn_rate(0.1, 1)) && isnan(rw_model_error_budget(99.5, 30)));
}

static void test_rate_of_return(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        double flows[24];
        size_t count = (size_t)uniform(2, 24);
        flows[0] = -uniform(1, 1e9);
        for (size_t j = 1; j < count; j++)
            flows[j] = uniform(0, -flows[0]);
        double rate = 0;
        assert_int_equal(rw_model_irr(flows, count, &rate), RW_MODEL_IRR_FOUND);
        double zero = rw_model_npv(flows, count, rate);
        assert_true(fabs(zero) <= 1e-9 * fabs(flows[0]));
        /* A present value falls as the rate grows. */
        assert_true(rw_model_npv(flows, count, rate + 0.01) < 0);
    }
    double rate = 0;
    const double none[] = {100, 10, 0, 5};
    const double several[] = {-100, 300, -210};
    const double late[] = {0, 0, -100, 121, 0};
    const double wrong[] = {-100, NAN};
    assert_int_equal(rw_model_irr(none, 4, &rate), RW_MODEL_IRR_NONE);
    assert_int_equal(rw_model_irr(none, 0, &rate), RW_MODEL_IRR_NONE);
    assert_int_equal(rw_model_irr(several, 3, &rate), RW_MODEL_IRR_SEVERAL);
    assert_true(isnan(rate));
    assert_int_equal(rw_model_irr(wrong, 2, &rate), RW_MODEL_IRR_INVALID);
    assert_int_equal(rw_model_irr(late, 5, &rate), RW_MODEL_IRR_FOUND);
    assert_true(near(rate, 0.21, 1e-12));
    const double loss[] = {-100, 1, 1};
    assert_int_equal(rw_model_irr(loss, 3, &rate), RW_MODEL_IRR_FOUND);
    assert_true(rate > -1 && rate < -0.8);
}

static void test_payments(void **state)
{
    (void)state;
    const double flows[] = {-1000, 400, 400, 400, 400};
    assert_true(isinf(rw_model_payback(flows, 3, 0)) && isnan(rw_model_payback(flows, 0, 0)));
    assert_true(rw_model_payback(flows + 1, 2, 0) == 0);
    assert_true(rw_model_payback(flows, 5, 0.1) > rw_model_payback(flows, 5, 0));
    assert_true(isnan(rw_model_npv(flows, 5, -1)) && rw_model_npv(flows, 5, 0) == 600);
    assert_true(rw_model_annuity(1000, 0, 4) == 250);
    assert_true(near(rw_model_annuity(1000, 1e-12, 4), 250, 1e-9));
    assert_true(isnan(rw_model_annuity(1000, 0.1, 0)));
    double fees[5];
    for (int i = 0; i < 5; i++)
        fees[i] = rw_model_annuity(1000, 0.08, 5);
    assert_true(near(rw_model_one_off(0, fees, 5, 0, 0.08), 1000, 1e-12));
    assert_true(near(rw_model_subscription(fees, 5, 0.08), 1080, 1e-12));
    assert_true(near(rw_model_one_off(0, fees, 5, 100, 0.08), 1000 - 100 / pow(1.08, 5), 1e-12));
    const struct rw_model_costs costs = {500, 100, 50, 20, 70};
    assert_true(rw_model_tco(&costs, fees, 0) == 600 && isnan(rw_model_roi(1, 0)));
    assert_true(rw_model_downtime_benefit(100, 40, 10) == 600);
    assert_true(isnan(rw_model_downtime_benefit(100, 40, -1)));
    assert_true(isnan(rw_model_carbon_intensity(1, 1, 1, 0)));
}

static void test_credits(void **state)
{
    (void)state;
    const struct rw_model_credit_band bands[] = {
        {0.9995, 0.99, 0.1}, {0.99, 0.95, 0.25}, {0.95, 0, 1}};
    assert_true(rw_model_sla_credit(1000, 0.9996, bands, 3) == 0);
    assert_true(rw_model_sla_credit(1000, 0.9995, bands, 3) == 0);
    assert_true(rw_model_sla_credit(1000, 0.99, bands, 3) == 100);
    assert_true(rw_model_sla_credit(1000, 0.5, bands, 3) == 1000);
    assert_true(isnan(rw_model_sla_credit(1000, 99.5, bands, 3)));
    const double chances[] = {0.1, 0.01, 0.001};
    assert_true(near(rw_model_sla_credit_expected(1000, chances, bands, 3), 13.5, 1e-12));
    const double too_many[] = {0.9, 0.9, 0.9};
    assert_true(isnan(rw_model_sla_credit_expected(1000, too_many, bands, 3)));
}

static void test_prices(void **state)
{
    (void)state;
    const struct rw_model_price_step steps[] = {
        {0, 10240, 0.09}, {10240, 51200, 0.085}, {51200, 153600, 0.07}, {153600, INFINITY, 0.05}};
    double last = 0;
    for (int quantity = 0; quantity < 400000; quantity += 997) {
        double cost = rw_model_price_steps(quantity, steps, 4);
        assert_true(cost >= last && cost <= quantity * 0.09 + 1e-9 && cost >= quantity * 0.05);
        last = cost;
    }
    assert_true(near(rw_model_price_steps(10240, steps, 4), 921.6, 1e-12));
    /* Beyond the last known step there is no price, least of all zero. */
    assert_true(isnan(rw_model_price_steps(51201, steps, 2)));
    assert_true(!isnan(rw_model_price_steps(51200, steps, 2)));
    assert_true(isnan(rw_model_price_steps(5, steps + 1, 3)));
    assert_true(isnan(rw_model_price_steps(5, steps, 0)) && rw_model_price_steps(0, steps, 0) == 0);
    assert_true(isnan(rw_model_commit_breakeven(1, 0)));
    /* At the break-even use both cost the same. */
    double use = rw_model_commit_breakeven(0.428, 0.68);
    assert_true(near(rw_model_commit_mix(use, 1, 0.428, 0.68),
                     rw_model_commit_mix(use, 0, 0.428, 0.68), 1e-12));
    assert_true(isnan(rw_model_commit_mix(-1, 0, 1, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_erlang),         cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_single_server),  cmocka_unit_test(test_usl),
        cmocka_unit_test(test_usl_fit_bounds), cmocka_unit_test(test_scale),
        cmocka_unit_test(test_volume),         cmocka_unit_test(test_availability),
        cmocka_unit_test(test_rate_of_return), cmocka_unit_test(test_payments),
        cmocka_unit_test(test_credits),        cmocka_unit_test(test_prices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
