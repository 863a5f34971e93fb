#include "plan/sheet.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    block_bytes = 64 << 10,
    cells_at_first = 256,
};

static const struct rw_label origins[] = {
    [RW_ORIGIN_GIVEN] = RW_LABEL("given", "已知"),
    [RW_ORIGIN_ASSUMED] = RW_LABEL("assumed", "假设"),
    [RW_ORIGIN_MEASURED] = RW_LABEL("measured", "实测"),
    [RW_ORIGIN_DATA] = RW_LABEL("data", "数据"),
    [RW_ORIGIN_COMPUTED] = RW_LABEL("computed", "计算"),
};

const char *rw_origin_kind_text(enum rw_origin_kind origin, enum rw_language language)
{
    return rw_label_in(origins[origin], language);
}

void rw_sheet_init(struct rw_sheet *sheet)
{
    *sheet = (struct rw_sheet){.currency = "USD"};
    rw_arena_init(&sheet->arena, NULL, 0, block_bytes, RW_SHEET_BYTES_MAX);
    rw_map_init(&sheet->by_id, 1);
}

void rw_sheet_free(struct rw_sheet *sheet)
{
    rw_map_free(&sheet->by_id);
    rw_free(sheet->cells);
    rw_arena_free(&sheet->arena);
    *sheet = (struct rw_sheet){0};
}

enum rw_err rw_sheet_set(struct rw_sheet *sheet, struct rw_span id, double value)
{
    if (sheet->setting_count == RW_SHEET_SETTINGS_MAX)
        return RW_ELIMIT;
    struct rw_span copy = rw_arena_copy(&sheet->arena, id);
    if (!copy.at)
        return RW_ENOMEM;
    sheet->settings[sheet->setting_count++] =
        (struct rw_sheet_setting){.id = copy.at, .value = value};
    return RW_OK;
}

static void fail(struct rw_sheet *sheet, enum rw_err err)
{
    if (!sheet->err)
        sheet->err = err;
}

const char *rw_sheet_text(struct rw_sheet *sheet, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof(text)) {
        fail(sheet, RW_ELIMIT);
        return "";
    }
    struct rw_span copy = rw_arena_copy(&sheet->arena, rw_span(text, (size_t)length));
    if (!copy.at) {
        fail(sheet, RW_ENOMEM);
        return "";
    }
    return copy.at;
}

/* Whole cents, ties to even. Adding 1.5 x 2^52 leaves no bits behind the point, which a compiler
 * can do for several rows at once, as it cannot for rint() on a plain x86-64. */
double rw_sheet_cents(double value)
{
    static const double shift = 6755399441055744.0;
    double rounded = (value + shift) - shift;
    return fabs(value) < 2251799813685248.0 ? rounded : rint(value);
}

static bool input_missing(const struct rw_sheet *sheet, const struct rw_cell *cell)
{
    for (unsigned i = 0; i < cell->input_count; i++)
        if (isnan(sheet->cells[cell->inputs[i]].value))
            return true;
    return false;
}

static void evaluate(const struct rw_sheet *sheet, struct rw_cell *cell)
{
    const double *columns[RW_SHEET_INPUTS_MAX];
    cell->value = NAN;
    if (input_missing(sheet, cell))
        return;
    for (unsigned i = 0; i < cell->input_count; i++)
        columns[i] = &sheet->cells[cell->inputs[i]].value;
    struct rw_formula_inputs in = {
        .column = columns, .count = cell->input_count, .part = cell->part, .rows = 1};
    cell->formula->evaluate(&cell->value, &in);
    if (cell->unit == RW_UNIT_MONEY)
        cell->value = rw_sheet_cents(cell->value);
}

static bool make_room(struct rw_sheet *sheet)
{
    if (sheet->count < sheet->room)
        return true;
    uint32_t room = sheet->room ? 2 * sheet->room : cells_at_first;
    struct rw_cell *cells = rw_realloc(sheet->cells, room * sizeof(*cells));
    if (!cells)
        return false;
    sheet->cells = cells;
    sheet->room = room;
    return true;
}

/* The setting of a cell takes the place of whatever it would have been. */
static void apply_setting(struct rw_sheet *sheet, struct rw_cell *cell)
{
    for (unsigned i = 0; i < sheet->setting_count; i++) {
        struct rw_sheet_setting *setting = &sheet->settings[i];
        if (strcmp(setting->id, cell->id) != 0)
            continue;
        setting->used = true;
        cell->set = true;
        cell->origin = RW_ORIGIN_ASSUMED;
        cell->reason = (struct rw_label)RW_LABEL("set for this run (what-if)", "本次试算设定");
        cell->value = setting->value;
        cell->formula = NULL;
        cell->input_count = 0;
        cell->spread = (struct rw_spread){0};
    }
}

static enum rw_err copy_inputs(struct rw_sheet *sheet, struct rw_cell *cell)
{
    if (!cell->input_count)
        return RW_OK;
    if (cell->input_count > RW_SHEET_INPUTS_MAX)
        return RW_ELIMIT;
    uint32_t *inputs = rw_arena_alloc(&sheet->arena, cell->input_count * sizeof(*inputs));
    if (!inputs)
        return RW_ENOMEM;
    for (unsigned i = 0; i < cell->input_count; i++) {
        inputs[i] = cell->inputs[i];
        rw_assert(inputs[i] < sheet->count);
        cell->uncertain |= sheet->cells[inputs[i]].uncertain;
    }
    cell->inputs = inputs;
    return RW_OK;
}

static enum rw_err prepare(struct rw_sheet *sheet, struct rw_cell *cell)
{
    if (sheet->count == RW_SHEET_CELLS_MAX)
        return RW_ELIMIT;
    if (rw_map_get(&sheet->by_id, rw_span_text(cell->id)))
        return RW_EEXIST;
    struct rw_span id = rw_arena_copy(&sheet->arena, rw_span_text(cell->id));
    if (!id.at || !make_room(sheet))
        return RW_ENOMEM;
    cell->id = id.at;
    apply_setting(sheet, cell);
    cell->uncertain = cell->spread.shape != RW_SPREAD_NONE;
    enum rw_err err = copy_inputs(sheet, cell);
    if (err)
        return err;
    /* Cells move when there are more; the map holds numbers, from 1. */
    return rw_map_put(&sheet->by_id, id, (void *)(uintptr_t)(sheet->count + 1));
}

uint32_t rw_sheet_add(struct rw_sheet *sheet, const struct rw_cell *cell)
{
    if (sheet->err)
        return RW_CELL_NONE;
    rw_assert(cell->id && cell->label.en && cell->label.zh && cell->unit < RW_UNIT_END);
    rw_assert((cell->origin == RW_ORIGIN_COMPUTED) == (cell->formula != NULL));
    struct rw_cell added = *cell;
    sheet->err = prepare(sheet, &added);
    if (sheet->err)
        return RW_CELL_NONE;
    if (added.formula)
        evaluate(sheet, &added);
    else if (added.unit == RW_UNIT_MONEY)
        added.value = rw_sheet_cents(added.value);
    sheet->cells[sheet->count] = added;
    return sheet->count++;
}

uint32_t rw_sheet_vcompute(struct rw_sheet *sheet, const char *id, struct rw_label label,
                           enum rw_unit unit, const struct rw_formula *formula,
                           unsigned input_count, va_list args)
{
    uint32_t inputs[RW_SHEET_INPUTS_MAX];
    rw_assert(input_count <= RW_SHEET_INPUTS_MAX);
    for (unsigned i = 0; i < input_count; i++)
        inputs[i] = va_arg(args, uint32_t);
    bool money = unit == RW_UNIT_MONEY || unit == RW_UNIT_PRICE;
    return rw_sheet_add(sheet, &(struct rw_cell){
                                   .id = id,
                                   .label = label,
                                   .unit = unit,
                                   .currency = money ? sheet->currency : NULL,
                                   .origin = RW_ORIGIN_COMPUTED,
                                   .formula = formula,
                                   .inputs = inputs,
                                   .input_count = input_count,
                               });
}

uint32_t rw_sheet_compute(struct rw_sheet *sheet, const char *id, struct rw_label label,
                          enum rw_unit unit, const struct rw_formula *formula, unsigned input_count,
                          ...)
{
    va_list args;
    va_start(args, input_count);
    uint32_t cell = rw_sheet_vcompute(sheet, id, label, unit, formula, input_count, args);
    va_end(args);
    return cell;
}

uint32_t rw_sheet_choose(struct rw_sheet *sheet, const char *id, struct rw_label label,
                         enum rw_unit unit, double value, struct rw_label reason)
{
    return rw_sheet_add(sheet, &(struct rw_cell){.id = id,
                                                 .label = label,
                                                 .unit = unit,
                                                 .origin = RW_ORIGIN_ASSUMED,
                                                 .value = value,
                                                 .reason = reason});
}

uint32_t rw_sheet_find(const struct rw_sheet *sheet, const char *id)
{
    uintptr_t number = (uintptr_t)rw_map_get(&sheet->by_id, rw_span_text(id));
    return number ? (uint32_t)(number - 1) : RW_CELL_NONE;
}

double rw_sheet_value_of(const struct rw_sheet *sheet, const char *id)
{
    return rw_sheet_value(sheet, rw_sheet_find(sheet, id));
}

struct rw_quantity rw_sheet_quantity(const struct rw_sheet *sheet, uint32_t cell)
{
    const struct rw_cell *at = rw_sheet_cell(sheet, cell);
    return (struct rw_quantity){at->value, at->unit, at->currency, at->per};
}

unsigned rw_sheet_missing(struct rw_sheet *sheet, uint32_t cell, uint32_t *causes, unsigned room)
{
    if (cell >= sheet->count)
        return 0;
    bool *wanted = rw_alloc_zero((size_t)cell + 1);
    if (!wanted) {
        fail(sheet, RW_ENOMEM);
        return 0;
    }
    unsigned found = 0;
    wanted[cell] = true;
    for (uint32_t i = cell + 1; i-- > 0;) {
        const struct rw_cell *at = &sheet->cells[i];
        if (!wanted[i] || !isnan(at->value))
            continue;
        if (!input_missing(sheet, at) && found++ < room)
            causes[found - 1] = i;
        for (unsigned k = 0; k < at->input_count; k++)
            wanted[at->inputs[k]] = true;
    }
    rw_free(wanted);
    return found;
}

static void keep(struct rw_cell *cell)
{
    if (!cell->tried)
        cell->plan_value = cell->value;
    cell->tried = true;
}

static bool depends_on_tried(const struct rw_sheet *sheet, const struct rw_cell *cell)
{
    for (unsigned i = 0; i < cell->input_count; i++)
        if (sheet->cells[cell->inputs[i]].tried)
            return true;
    return false;
}

void rw_sheet_try(struct rw_sheet *sheet, uint32_t cell, double value)
{
    rw_assert(cell < sheet->count);
    keep(&sheet->cells[cell]);
    sheet->cells[cell].value = value;
    for (uint32_t i = cell + 1; i < sheet->count; i++) {
        struct rw_cell *at = &sheet->cells[i];
        if (!at->formula || !depends_on_tried(sheet, at))
            continue;
        keep(at);
        evaluate(sheet, at);
    }
}

void rw_sheet_restore(struct rw_sheet *sheet)
{
    for (uint32_t i = 0; i < sheet->count; i++) {
        struct rw_cell *cell = &sheet->cells[i];
        if (cell->tried)
            cell->value = cell->plan_value;
        cell->tried = false;
    }
}

static const char *separator_of(char mark)
{
    switch (mark) {
    case '*':
        return " + ";
    case 'x':
        return " × ";
    case '/':
        return " / ";
    case ',':
        return ", ";
    default:
        return NULL;
    }
}

static void write_label(const struct rw_sheet *sheet, const struct rw_cell *cell, unsigned input,
                        enum rw_language language, struct rw_text *text)
{
    if (input < cell->input_count)
        rw_text_adds(text, rw_label_in(sheet->cells[cell->inputs[input]].label, language));
}

void rw_sheet_formula_write(const struct rw_sheet *sheet, uint32_t cell, enum rw_language language,
                            struct rw_text *text)
{
    const struct rw_cell *at = rw_sheet_cell(sheet, cell);
    const char *from = at->formula ? at->formula->text : "";
    while (*from != '\0') {
        size_t plain = strcspn(from, "{");
        rw_text_add(text, rw_span(from, plain));
        from += plain;
        if (from[0] == '\0')
            break;
        const char *separator = separator_of(from[1]);
        if (separator)
            for (unsigned i = 0; i < at->input_count; i++) {
                rw_text_adds(text, i ? separator : "");
                write_label(sheet, at, i, language, text);
            }
        else
            write_label(sheet, at, (unsigned)(from[1] - '0'), language, text);
        from += from[2] == '}' ? 3 : 1;
    }
}
