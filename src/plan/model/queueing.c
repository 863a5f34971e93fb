#include "plan/model/queueing.h"

#include "plan/model/domain.h"

double rw_model_little_rate(double items, double time_s)
{
    return rw_model_nonnegative(items) && rw_model_positive(time_s) ? items / time_s
                                                                    : RW_MODEL_INVALID;
}

double rw_model_little_items(double rate, double time_s)
{
    return rw_model_nonnegative(rate) && rw_model_nonnegative(time_s) ? rate * time_s
                                                                      : RW_MODEL_INVALID;
}

double rw_model_interactive_rate(double users, double response_s, double think_s)
{
    bool valid = rw_model_nonnegative(users) && rw_model_nonnegative(response_s) &&
                 rw_model_nonnegative(think_s) && response_s + think_s > 0;
    return valid ? users / (response_s + think_s) : RW_MODEL_INVALID;
}

double rw_model_interactive_response(double users, double rate, double think_s)
{
    bool valid =
        rw_model_nonnegative(users) && rw_model_positive(rate) && rw_model_nonnegative(think_s);
    return valid ? users / rate - think_s : RW_MODEL_INVALID;
}

double rw_model_offered_load(double rate, double service_s)
{
    return rw_model_little_items(rate, service_s);
}

double rw_model_utilization(double rate, double service_s, double servers)
{
    return rw_model_positive(servers) ? rw_model_offered_load(rate, service_s) / servers
                                      : RW_MODEL_INVALID;
}

/* ---- One server ---- */

double rw_model_mm1_response(double service_s, double utilization)
{
    return rw_model_ps_response(service_s, utilization);
}

double rw_model_mm1_percentile(double service_s, double utilization, double p)
{
    if (!(p >= 0 && p < 1))
        return RW_MODEL_INVALID;
    double mean = rw_model_mm1_response(service_s, utilization);
    /* The zeroth percentile is zero, even of a response that has no end. */
    return p == 0 && !isnan(mean) ? 0 : mean * -log1p(-p);
}

double rw_model_mg1_wait(double service_s, double utilization, double cv2)
{
    if (!rw_model_nonnegative(service_s) || !rw_model_nonnegative(utilization) ||
        !rw_model_nonnegative(cv2))
        return RW_MODEL_INVALID;
    if (utilization >= 1)
        return INFINITY;
    return utilization * service_s * (1 + cv2) / (2 * (1 - utilization));
}

double rw_model_ps_response(double size_s, double utilization)
{
    if (!rw_model_nonnegative(size_s) || !rw_model_nonnegative(utilization))
        return RW_MODEL_INVALID;
    return utilization >= 1 ? INFINITY : size_s / (1 - utilization);
}

/* ---- Several servers ---- */

static bool servers_valid(double servers, double load)
{
    return rw_model_count(servers, 1, RW_MODEL_SERVERS_MAX) && rw_model_nonnegative(load);
}

double rw_model_erlang_b(double servers, double load)
{
    if (!servers_valid(servers, load))
        return RW_MODEL_INVALID;
    double blocked = 1;
    for (int k = 1; k <= (int)servers; k++)
        blocked = load * blocked / (k + load * blocked);
    return blocked;
}

static double wait_from_loss(double blocked, double utilization)
{
    if (isnan(blocked))
        return RW_MODEL_INVALID;
    return utilization >= 1 ? 1 : blocked / (1 - utilization * (1 - blocked));
}

double rw_model_erlang_c(double servers, double load)
{
    return wait_from_loss(rw_model_erlang_b(servers, load), load / servers);
}

struct queue {
    double waits;      /* chance of a wait */
    double spare_rate; /* c * mu - lambda */
    double service_rate;
};

static bool make_queue(double rate, double service_rate, double servers, struct queue *queue)
{
    if (!rw_model_nonnegative(rate) || !rw_model_positive(service_rate))
        return false;
    *queue = (struct queue){
        .waits = rw_model_erlang_c(servers, rate / service_rate),
        .spare_rate = servers * service_rate - rate,
        .service_rate = service_rate,
    };
    return !isnan(queue->waits);
}

static double queue_wait(const struct queue *queue)
{
    return queue->spare_rate > 0 ? queue->waits / queue->spare_rate : INFINITY;
}

static double queue_wait_tail(const struct queue *queue, double time_s)
{
    return queue->spare_rate > 0 ? queue->waits * exp(-queue->spare_rate * time_s) : 1;
}

static double queue_wait_percentile(const struct queue *queue, double p)
{
    if (queue->waits <= 1 - p)
        return 0;
    return queue->spare_rate > 0 ? log(queue->waits / (1 - p)) / queue->spare_rate : INFINITY;
}

/* The wait is zero or exponential at the spare rate; the service follows it, exponential and
 * independent of it. With t * (spare - mu) small, their sum has a double pole. */
static double queue_response_tail(const struct queue *queue, double time_s)
{
    if (queue->spare_rate <= 0)
        return 1;
    double mu = queue->service_rate;
    double spare = queue->spare_rate;
    double served = exp(-mu * time_s);
    double gap = (spare - mu) * time_s;
    double both = fabs(gap) < 1e-6 ? served * mu * time_s * (1 - gap / 2)
                                   : served * mu * time_s * (-expm1(-gap) / gap);
    if (!isfinite(both)) /* the spare rate is far below mu: the service adds nothing */
        both = mu / (mu - spare) * exp(-spare * time_s);
    return fmin(1, served + queue->waits * both);
}

static double queue_response_percentile(const struct queue *queue, double p)
{
    if (queue->spare_rate <= 0)
        return p == 0 ? 0 : INFINITY;
    double low = 0;
    double high = 1 / queue->service_rate;
    while (queue_response_tail(queue, high) > 1 - p)
        high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-13 * high; i++) {
        double middle = low + (high - low) / 2;
        if (queue_response_tail(queue, middle) > 1 - p)
            low = middle;
        else
            high = middle;
    }
    return high;
}

double rw_model_mmc_wait(double rate, double service_rate, double servers)
{
    struct queue queue;
    return make_queue(rate, service_rate, servers, &queue) ? queue_wait(&queue) : RW_MODEL_INVALID;
}

double rw_model_mmc_response(double rate, double service_rate, double servers)
{
    return rw_model_mmc_wait(rate, service_rate, servers) + 1 / service_rate;
}

double rw_model_mmc_wait_tail(double rate, double service_rate, double servers, double time_s)
{
    struct queue queue;
    if (!rw_model_nonnegative(time_s) || !make_queue(rate, service_rate, servers, &queue))
        return RW_MODEL_INVALID;
    return queue_wait_tail(&queue, time_s);
}

double rw_model_mmc_response_tail(double rate, double service_rate, double servers, double time_s)
{
    struct queue queue;
    if (!rw_model_nonnegative(time_s) || !make_queue(rate, service_rate, servers, &queue))
        return RW_MODEL_INVALID;
    return queue_response_tail(&queue, time_s);
}

double rw_model_mmc_wait_percentile(double rate, double service_rate, double servers, double p)
{
    struct queue queue;
    if (!(p >= 0 && p < 1) || !make_queue(rate, service_rate, servers, &queue))
        return RW_MODEL_INVALID;
    return queue_wait_percentile(&queue, p);
}

double rw_model_mmc_response_percentile(double rate, double service_rate, double servers, double p)
{
    struct queue queue;
    if (!(p >= 0 && p < 1) || !make_queue(rate, service_rate, servers, &queue))
        return RW_MODEL_INVALID;
    return queue_response_percentile(&queue, p);
}

/* The tail falls with every further server, so the first number that keeps the target is the least.
 * The recurrence goes up with them: one pass. */
static double fewest_servers(double rate, double service_rate, double p, double time_s,
                             double (*tail)(const struct queue *, double))
{
    bool valid = rw_model_nonnegative(rate) && rw_model_positive(service_rate) && p >= 0 && p < 1 &&
                 rw_model_nonnegative(time_s);
    if (!valid)
        return RW_MODEL_INVALID;
    double load = rate / service_rate;
    double blocked = 1;
    struct queue queue = {.service_rate = service_rate};
    for (int servers = 1; servers <= RW_MODEL_SERVERS_MAX; servers++) {
        blocked = load * blocked / (servers + load * blocked);
        if (servers <= load)
            continue;
        queue.waits = wait_from_loss(blocked, load / servers);
        queue.spare_rate = servers * service_rate - rate;
        if (tail(&queue, time_s) <= 1 - p)
            return servers;
        if (blocked < 1e-15) /* nobody waits: more servers change nothing */
            return RW_MODEL_INVALID;
    }
    return RW_MODEL_INVALID;
}

double rw_model_mmc_servers_for_wait(double rate, double service_rate, double p, double time_s)
{
    return fewest_servers(rate, service_rate, p, time_s, queue_wait_tail);
}

double rw_model_mmc_servers_for_response(double rate, double service_rate, double p, double time_s)
{
    return fewest_servers(rate, service_rate, p, time_s, queue_response_tail);
}

double rw_model_square_root_staffing(double load, double beta)
{
    return rw_model_nonnegative(load) && rw_model_nonnegative(beta) ? load + beta * sqrt(load)
                                                                    : RW_MODEL_INVALID;
}

double rw_model_ggc_wait(double rate, double service_rate, double servers, double arrival_cv2,
                         double service_cv2)
{
    if (!rw_model_nonnegative(arrival_cv2) || !rw_model_nonnegative(service_cv2))
        return RW_MODEL_INVALID;
    double variation = (arrival_cv2 + service_cv2) / 2;
    double wait = rw_model_mmc_wait(rate, service_rate, servers);
    return variation == 0 && !isnan(wait) ? 0 : wait * variation;
}
