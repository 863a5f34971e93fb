/* A simulation's file: whatever is taken can be simulated, and no request of it is lost. */
#include "simulate/report.h"

#include "base/alloc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 1 << 14, ARENA_BYTES_MAX = 64 << 20, SECONDS_MAX = 4, NODES_MAX = 200 };

/* Small enough for thousands of runs a second. */
static bool is_small(const struct rw_simulate_model *model)
{
    double cores = 0;
    for (size_t i = 0; i < model->fleet.count; i++)
        cores += rw_simulate_types(model)[i].cores;
    return rw_simulate_fleet_most(model) <= NODES_MAX && cores <= 1000 &&
           (!model->origin || (model->origin->endpoints <= 100 &&
                               model->origin->concurrency + model->origin->waiting_max <= 1000));
}

static void look(const struct rw_simulate_world *world, void *user)
{
    (void)user;
    rw_assert(rw_simulate_ledger_balances(world->ledger));
}

static void simulate(struct rw_simulate_model *model)
{
    struct rw_simulate_run run = {.model = model, .runs = 1, .look = look};
    struct rw_simulate_sheet sheet;
    struct rw_text text = {0};
    model->seconds = model->seconds < SECONDS_MAX ? model->seconds : SECONDS_MAX;
    model->method = RW_SIMULATE_SAMPLED;
    enum rw_err err = rw_simulate_run(&run);
    rw_assert(err == RW_OK || err == RW_ELIMIT);
    if (!err) {
        rw_simulate_sheet_make(model, &run, &sheet);
        rw_simulate_report_text(&sheet, RW_LANGUAGE_EN, &text);
        rw_simulate_report_json(&sheet, &text);
        rw_assert(!text.err && text.len);
    }
    rw_text_free(&text);
    rw_simulate_run_close(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_arena arena;
    struct rw_simulate_model *model;
    struct rw_conf_report report = {0};
    if (size > BYTES_MAX)
        return 0;
    char *copy = malloc(size + 1); /* exactly: reading past its end is found */
    if (!copy)
        abort();
    memcpy(copy, data, size);
    rw_arena_init(&arena, NULL, 0, 4096, ARENA_BYTES_MAX);
    enum rw_err err = rw_simulate_read_text(rw_span(copy, size), "s.yaml", &arena, &model, &report);
    rw_assert(!err || report.count || err != RW_EINVAL);
    if (!err && is_small(model))
        simulate(model);
    rw_arena_free(&arena);
    free(copy);
    return 0;
}
