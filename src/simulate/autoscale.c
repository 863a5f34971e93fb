#include "simulate/autoscale.h"

#include <math.h>

void rw_simulate_autoscale_begin(struct rw_simulate_autoscale *autoscale,
                                 const struct rw_simulate_model *model)
{
    *autoscale = (struct rw_simulate_autoscale){.terms = model->autoscaling};
    if (autoscale->terms)
        autoscale->next_s = autoscale->terms->period_ms / 1e3;
}

unsigned rw_simulate_advise(unsigned nodes, unsigned ready, double ratio, double tolerance)
{
    const double hair = 1e-9; /* what rounding leaves */
    if (!ready || fabs(ratio - 1) <= tolerance + hair)
        return nodes;
    if (ratio < 1 || ready == nodes) {
        double wanted = ceil(ratio * ready - hair);
        return ratio < 1 && wanted > nodes ? nodes : (unsigned)fmin(wanted, RW_SIMULATE_NODES_MAX);
    }
    /* Those that are not ready will take their part. */
    ratio *= (double)ready / nodes;
    if (ratio - 1 <= tolerance + hair)
        return nodes;
    return (unsigned)fmin(ceil(ratio * nodes - hair), RW_SIMULATE_NODES_MAX);
}

static void remember(struct rw_simulate_autoscale *autoscale, double now, unsigned wanted,
                     unsigned nodes)
{
    if (autoscale->count == RW_SIMULATE_ADVICE_MAX) {
        autoscale->first = (autoscale->first + 1) % RW_SIMULATE_ADVICE_MAX;
        autoscale->count--;
    }
    unsigned at = (autoscale->first + autoscale->count++) % RW_SIMULATE_ADVICE_MAX;
    autoscale->past[at] = (struct rw_simulate_advice){now, wanted, nodes};
}

/* Up to the least, down to the most that was wanted within the windows. */
static unsigned stabilise(const struct rw_simulate_autoscale *autoscale, double now,
                          unsigned wanted, unsigned nodes)
{
    const struct rw_simulate_autoscaling *terms = autoscale->terms;
    unsigned up = wanted, down = wanted;
    for (unsigned i = 0; i < autoscale->count; i++) {
        const struct rw_simulate_advice *past =
            &autoscale->past[(autoscale->first + i) % RW_SIMULATE_ADVICE_MAX];
        if (past->at_s > now - terms->up_window_ms / 1e3 && past->wanted < up)
            up = past->wanted;
        if (past->at_s > now - terms->down_window_ms / 1e3 && past->wanted > down)
            down = past->wanted;
    }
    return up > nodes ? up : down < nodes ? down : nodes;
}

/* At most so much since the begin of the step. */
static unsigned limit_step(const struct rw_simulate_autoscale *autoscale, double now,
                           unsigned wanted, unsigned nodes)
{
    const struct rw_simulate_autoscaling *terms = autoscale->terms;
    unsigned before = nodes;
    for (unsigned i = autoscale->count; i-- > 0;) {
        const struct rw_simulate_advice *past =
            &autoscale->past[(autoscale->first + i) % RW_SIMULATE_ADVICE_MAX];
        if (past->at_s <= now - terms->step_ms / 1e3)
            break;
        before = past->nodes;
    }
    double up = fmax(before + terms->up_nodes, ceil(before * (1 + terms->up_percent / 100)));
    double down =
        fmin((double)before - terms->down_nodes, floor(before * (1 - terms->down_percent / 100)));
    if (wanted > nodes)
        return (unsigned)fmax(nodes, fmin(wanted, up));
    return (unsigned)fmin(nodes, fmax(wanted, down));
}

static unsigned within(const struct rw_simulate_fleet *fleet, unsigned wanted)
{
    unsigned least = rw_simulate_fleet_least(fleet->model),
             most = rw_simulate_fleet_most(fleet->model);
    return wanted < least ? least : wanted > most ? most : wanted;
}

/* Adds up the second; how many serve. */
static unsigned observe(struct rw_simulate_autoscale *autoscale,
                        const struct rw_simulate_fleet *fleet)
{
    unsigned ready = 0;
    for (uint32_t i = 0; i < fleet->count; i++) {
        const struct rw_simulate_node *node = &fleet->nodes[i];
        if (!rw_simulate_node_serves(node))
            continue;
        ready++;
        autoscale->busy_core_s += node->busy * node->type->cores;
        autoscale->core_s += node->type->cores;
        autoscale->taken_byte_s += rw_simulate_node_memory(fleet->model, node);
        autoscale->byte_s += (double)node->type->memory_bytes;
    }
    return ready;
}

static unsigned advise(struct rw_simulate_autoscale *autoscale, unsigned nodes, unsigned ready)
{
    const struct rw_simulate_autoscaling *terms = autoscale->terms;
    double busy = autoscale->core_s > 0 ? autoscale->busy_core_s / autoscale->core_s : 0;
    double full = autoscale->byte_s > 0 ? autoscale->taken_byte_s / autoscale->byte_s : 0;
    double tolerance = terms->tolerance_percent / 100;
    autoscale->busy_core_s = autoscale->core_s = 0;
    autoscale->taken_byte_s = autoscale->byte_s = 0;
    unsigned by_cores =
        rw_simulate_advise(nodes, ready, busy / (terms->target_percent / 100), tolerance);
    if (terms->memory_percent <= 0)
        return by_cores;
    unsigned by_memory =
        rw_simulate_advise(nodes, ready, full / (terms->memory_percent / 100), tolerance);
    return by_memory > by_cores ? by_memory : by_cores;
}

void rw_simulate_autoscale_second(struct rw_simulate_autoscale *autoscale,
                                  struct rw_simulate_fleet *fleet, double now)
{
    if (!autoscale->terms)
        return;
    unsigned nodes = fleet->wanted, ready = observe(autoscale, fleet);
    if (now + 1 < autoscale->next_s)
        return;
    autoscale->next_s += autoscale->terms->period_ms / 1e3;
    unsigned advice = within(fleet, advise(autoscale, nodes, ready < nodes ? ready : nodes));
    unsigned wanted = stabilise(autoscale, now, advice, nodes);
    wanted = within(fleet, limit_step(autoscale, now, wanted, nodes));
    remember(autoscale, now, advice, nodes);
    fleet->wanted = wanted;
}
