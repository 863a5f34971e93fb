#include "plan/draws/draws.h"

#include "base/alloc.h"
#include "base/random.h"

#include <stdlib.h>

/* One run. `columns` has a column for each cell that is needed: of an uncertain cell it is filled
 * for each block, of a certain one once. */
struct run {
    const struct rw_sheet *sheet;
    const uint32_t *watched;
    unsigned watched_count;
    uint32_t end; /* past the last cell that is needed */
    bool *needed;
    double **columns;
    struct rw_random *random; /* of each cell; used where it has a spread */
    double *memory;           /* of all columns */
    double *results;          /* `draws` for each watched cell */
    size_t draws;
};

static void run_free(struct run *run)
{
    rw_free(run->needed);
    rw_free(run->columns);
    rw_free(run->random);
    rw_free(run->memory);
    rw_free(run->results);
}

/* Watched cells, and whatever they are computed from. Certain cells need no inputs. */
static size_t mark_needed(struct run *run)
{
    size_t count = 0;
    for (unsigned i = 0; i < run->watched_count; i++)
        run->needed[run->watched[i]] = true;
    for (uint32_t i = run->end; i-- > 0;) {
        const struct rw_cell *cell = &run->sheet->cells[i];
        if (!run->needed[i])
            continue;
        count++;
        for (unsigned k = 0; cell->uncertain && k < cell->input_count; k++)
            run->needed[cell->inputs[k]] = true;
    }
    return count;
}

static void fill_certain(struct run *run, uint32_t cell)
{
    for (size_t row = 0; row < RW_SHEET_BLOCK_ROWS; row++)
        run->columns[cell][row] = run->sheet->cells[cell].value;
}

static enum rw_err run_init(struct run *run, uint64_t seed)
{
    for (unsigned i = 0; i < run->watched_count; i++)
        if (run->watched[i] >= run->end)
            run->end = run->watched[i] + 1;
    size_t cells = run->end ? run->end : 1;
    run->needed = rw_alloc_zero(cells * sizeof(*run->needed));
    run->columns = rw_alloc_zero(cells * sizeof(*run->columns));
    run->random = rw_alloc_zero(cells * sizeof(*run->random));
    if (!run->needed || !run->columns || !run->random)
        return RW_ENOMEM;
    size_t count = mark_needed(run);
    run->memory = rw_alloc((count ? count : 1) * RW_SHEET_BLOCK_ROWS * sizeof(double));
    run->results = rw_alloc((run->watched_count * run->draws + 1) * sizeof(double));
    if (!run->memory || !run->results)
        return RW_ENOMEM;
    double *at = run->memory;
    for (uint32_t i = 0; i < run->end; i++) {
        const struct rw_cell *cell = &run->sheet->cells[i];
        if (!run->needed[i])
            continue;
        run->columns[i] = at;
        at += RW_SHEET_BLOCK_ROWS;
        fill_certain(run, i);
        rw_random_seed(&run->random[i], rw_hash(cell->id, strlen(cell->id), seed));
    }
    return RW_OK;
}

/* A stated share stays one, whatever its range says. */
static void clamp_share(const struct rw_cell *cell, double *column, size_t rows)
{
    if (cell->unit != RW_UNIT_SHARE || cell->spread.high > 1)
        return;
    for (size_t i = 0; i < rows; i++)
        column[i] = column[i] < 0 ? 0 : column[i] > 1 ? 1 : column[i];
}

static void compute(struct run *run, uint32_t index, size_t rows)
{
    const struct rw_cell *cell = &run->sheet->cells[index];
    const double *inputs[RW_SHEET_INPUTS_MAX];
    double *out = run->columns[index];
    if (!cell->formula) {
        rw_draws_sample(&cell->spread, &run->random[index], out, rows);
        clamp_share(cell, out, rows);
        return;
    }
    for (unsigned k = 0; k < cell->input_count; k++)
        inputs[k] = run->columns[cell->inputs[k]];
    struct rw_formula_inputs in = {
        .column = inputs, .count = cell->input_count, .part = cell->part, .rows = rows};
    cell->formula->evaluate(out, &in);
    if (cell->unit == RW_UNIT_MONEY)
        for (size_t i = 0; i < rows; i++)
            out[i] = rw_sheet_cents(out[i]);
}

static void run_block(struct run *run, size_t from, size_t rows)
{
    for (uint32_t i = 0; i < run->end; i++)
        if (run->needed[i] && run->sheet->cells[i].uncertain && !isnan(run->sheet->cells[i].value))
            compute(run, i, rows);
    for (unsigned i = 0; i < run->watched_count; i++)
        memcpy(run->results + i * run->draws + from, run->columns[run->watched[i]],
               rows * sizeof(double));
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Puts what is no number to the end; returns how many are numbers. */
static size_t part_numbers(double *values, size_t count)
{
    size_t numbers = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i])) {
            double kept = values[numbers];
            values[numbers++] = values[i];
            values[i] = kept;
        }
    return numbers;
}

static double quantile(const double *sorted, size_t count, double p)
{
    size_t at = (size_t)(p * (double)(count - 1) + 0.5);
    return sorted[at];
}

static void count_classes(struct rw_draws_range *range, const double *sorted, size_t count)
{
    range->class_from = quantile(sorted, count, 0.01);
    range->class_width =
        (quantile(sorted, count, 0.99) - range->class_from) / (double)RW_DRAWS_CLASSES;
    for (size_t i = 0; i < count; i++) {
        double place =
            range->class_width > 0 ? (sorted[i] - range->class_from) / range->class_width : 0;
        double most = RW_DRAWS_CLASSES - 1;
        range->classes[(unsigned)(place < 0 ? 0 : place > most ? most : place)]++;
    }
}

static void summarize(struct rw_draws_range *range, double plan, double *values, size_t draws)
{
    size_t count = part_numbers(values, draws), finite = 0;
    double sum = 0;
    if (!count)
        return;
    qsort(values, count, sizeof(*values), compare);
    range->low = quantile(values, count, 0.1);
    range->median = quantile(values, count, 0.5);
    range->high = quantile(values, count, 0.9);
    size_t below = 0, within = 0;
    for (size_t i = 0; i < count; i++) {
        below += values[i] < 0;
        within += values[i] <= plan;
        if (!isfinite(values[i]))
            continue;
        range->least = finite++ ? range->least : values[i];
        range->most = values[i];
        sum += values[i];
    }
    range->mean = finite ? sum / (double)finite : NAN;
    range->below_zero = (double)below / (double)draws;
    range->within_plan = (double)within / (double)draws;
    range->unbounded = (double)(draws - finite) / (double)draws;
    if (finite == count)
        count_classes(range, values, count);
}

static enum rw_err draw_all(struct run *run, uint64_t seed, struct rw_draws_range *ranges)
{
    enum rw_err err = run_init(run, seed);
    if (err)
        return err;
    for (size_t from = 0; from < run->draws; from += RW_SHEET_BLOCK_ROWS) {
        size_t rows = run->draws - from;
        run_block(run, from, rows < RW_SHEET_BLOCK_ROWS ? rows : RW_SHEET_BLOCK_ROWS);
    }
    for (unsigned i = 0; i < run->watched_count; i++)
        summarize(&ranges[i], run->sheet->cells[run->watched[i]].value,
                  run->results + i * run->draws, run->draws);
    return RW_OK;
}

enum rw_err rw_draws_run(const struct rw_sheet *sheet, uint64_t seed, unsigned draws,
                         const uint32_t *cells, unsigned count, struct rw_draws_range *ranges)
{
    if (draws > RW_DRAWS_MAX || count > RW_DRAWS_WATCHED_MAX)
        return RW_ELIMIT;
    for (unsigned i = 0; i < count; i++) {
        rw_assert(cells[i] < sheet->count);
        double value = sheet->cells[cells[i]].value;
        ranges[i] = (struct rw_draws_range){.cell = cells[i],
                                            .low = value,
                                            .median = value,
                                            .high = value,
                                            .mean = value,
                                            .least = value,
                                            .within_plan = 1,
                                            .most = value};
    }
    if (!draws || !count)
        return RW_OK;
    struct run run = {.sheet = sheet, .watched = cells, .watched_count = count, .draws = draws};
    enum rw_err err = draw_all(&run, seed, ranges);
    run_free(&run);
    return err;
}

static double width_of(const struct rw_swing *swing)
{
    double width = fabs(swing->at_high - swing->at_low);
    return isnan(width) ? INFINITY : width;
}

/* Into its place among the widest so far. */
static unsigned insert(struct rw_swing *swings, unsigned count, unsigned room,
                       const struct rw_swing *swing)
{
    unsigned at = count;
    while (at > 0 && width_of(&swings[at - 1]) < width_of(swing))
        at--;
    if (at == room)
        return count;
    if (count < room)
        count++;
    memmove(&swings[at + 1], &swings[at], (count - at - 1) * sizeof(*swings));
    swings[at] = *swing;
    return count;
}

unsigned rw_swings(struct rw_sheet *sheet, uint32_t cell, struct rw_swing *swings, unsigned room)
{
    unsigned count = 0;
    if (isnan(rw_sheet_value(sheet, cell)) || !room)
        return 0;
    for (uint32_t i = 0; i < cell; i++) {
        const struct rw_spread *spread = &sheet->cells[i].spread;
        if (spread->shape == RW_SPREAD_NONE || isnan(sheet->cells[i].value))
            continue;
        struct rw_swing swing = {.input = i, .low = spread->low, .high = spread->high};
        rw_sheet_try(sheet, i, swing.low);
        swing.at_low = rw_sheet_value(sheet, cell);
        rw_sheet_restore(sheet);
        rw_sheet_try(sheet, i, swing.high);
        swing.at_high = rw_sheet_value(sheet, cell);
        rw_sheet_restore(sheet);
        if (width_of(&swing) > 0)
            count = insert(swings, count, room, &swing);
    }
    return count;
}
