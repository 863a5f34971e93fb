/* The sheet: every number of a plan, each with where it comes from.
 *
 * Chapters (intake, sizing, bill, money, roadmap...) add cells in order; a cell's inputs exist
 * before it, so one pass from the first to the last evaluates everything, and each cell has its
 * value as soon as it is added: a chapter may look at it to decide what to add next. Lint and
 * report only read.
 *
 * A number is given (by the customer), assumed (with the reason, and shown as such), measured (by
 * this program), data (a dated fact: a price, a model constant) or computed (a formula over other
 * cells). A value that nobody gave is missing (NaN), never zero; whatever is computed from it is
 * missing, too, and rw_sheet_missing tells which cells are the cause.
 *
 * Errors: the first failure (no memory, a limit, an id twice) is kept in `err`; from then on
 * rw_sheet_add returns RW_CELL_NONE and does nothing, so that a chapter checks once, at its end.
 * Cells, their texts and columns live in the sheet's arena. One thread at a time.
 */
#ifndef RW_PLAN_SHEET_H
#define RW_PLAN_SHEET_H

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "conf/schema.h"
#include "plan/formula.h"
#include "report/label.h"
#include "report/unit.h"

#include <math.h>
#include <stdarg.h>

/* The source of what is no fact of the world but how the sheet counts: a one, a nothing, the second
 * year. Such cells are among the figures, not among the data of a proposal. */
#define RW_BY_DEFINITION "by definition"

enum {
    RW_SHEET_CELLS_MAX = 100000,
    RW_SHEET_INPUTS_MAX = 256, /* of one cell */
    RW_SHEET_BLOCK_ROWS = 1024,
    RW_SHEET_SETTINGS_MAX = 100,
    RW_SHEET_BYTES_MAX = 256 << 20,
};

#define RW_CELL_NONE UINT32_MAX

enum rw_origin_kind {
    RW_ORIGIN_GIVEN,
    RW_ORIGIN_ASSUMED,
    RW_ORIGIN_MEASURED,
    RW_ORIGIN_DATA,
    RW_ORIGIN_COMPUTED,
};

/* How an input may differ from its plan value. TRIANGULAR and UNIFORM stay within low and high;
 * for NORMAL and LOGNORMAL these are the 5 % and the 95 % quantile. */
enum rw_spread_shape {
    RW_SPREAD_NONE,
    RW_SPREAD_TRIANGULAR,
    RW_SPREAD_NORMAL,
    RW_SPREAD_LOGNORMAL,
    RW_SPREAD_UNIFORM,
};

struct rw_spread {
    enum rw_spread_shape shape;
    double low, mode, high;
};

/* One cell. The caller fills what applies (the rest is zero) and hands it to rw_sheet_add, which
 * copies it, the inputs and the id; other texts are literals or made with rw_sheet_text. */
struct rw_cell {
    const char *id; /* "sizing.gateway.nodes": lower-case words, digits, _ and dots */
    struct rw_label label;
    enum rw_unit unit;
    const char *currency, *per; /* see struct rw_quantity */
    enum rw_origin_kind origin;
    double value; /* of a cell that is not computed; NAN: missing. Computed: filled by the sheet */

    const struct rw_formula *formula; /* COMPUTED */
    const uint32_t *inputs;           /* COMPUTED: cells that were added before */
    unsigned input_count;
    unsigned part; /* for formulas with several results */

    struct rw_label reason; /* ASSUMED: why; missing: what it would change */
    const char *source;     /* DATA, MEASURED: from where, with its date */
    const char *file;       /* GIVEN: the intake's name */
    struct rw_conf_place place;
    struct rw_spread spread;
    struct rw_label spread_reason;

    /* The sheet's own. */
    bool set;          /* by rw_sheet_set: the value is the user's what-if */
    bool uncertain;    /* has a spread, or depends on a cell that has one */
    bool tried;        /* by rw_sheet_try: `plan_value` is to be restored */
    double plan_value; /* while `tried` */
};

struct rw_sheet_setting {
    const char *id;
    double value;
    bool used;
};

struct rw_sheet {
    struct rw_arena arena;
    struct rw_cell *cells;
    uint32_t count, room;
    struct rw_map by_id;
    struct rw_sheet_setting settings[RW_SHEET_SETTINGS_MAX];
    unsigned setting_count;
    const char *currency; /* the plan's; all totals are in it */
    enum rw_err err;
};

void rw_sheet_init(struct rw_sheet *sheet);
void rw_sheet_free(struct rw_sheet *sheet);

/* Before cells are added: the cell `id` will have this value, whatever it would have been (a
 * computed cell becomes a fixed one). RW_ELIMIT, RW_ENOMEM. After the stages have run, a setting
 * with `used` false named no cell. */
RW_MUST_CHECK enum rw_err rw_sheet_set(struct rw_sheet *sheet, struct rw_span id, double value);

/* Adds a copy of `cell` and evaluates it; returns its number, or RW_CELL_NONE when `err` is set
 * (now or before). An input of RW_CELL_NONE is a mistake of the program unless `err` is set. */
uint32_t rw_sheet_add(struct rw_sheet *sheet, const struct rw_cell *cell);

/* The short form for a computed cell: rw_sheet_compute(sheet, id, label, unit, &formula, 2, a, b).
 * MONEY gets the plan's currency. */
uint32_t rw_sheet_compute(struct rw_sheet *sheet, const char *id, struct rw_label label,
                          enum rw_unit unit, const struct rw_formula *formula, unsigned input_count,
                          ...);

uint32_t rw_sheet_vcompute(struct rw_sheet *sheet, const char *id, struct rw_label label,
                           enum rw_unit unit, const struct rw_formula *formula,
                           unsigned input_count, va_list args);

/* A number that the planner chose (a tier's property, a machine's size): ASSUMED, certain. */
uint32_t rw_sheet_choose(struct rw_sheet *sheet, const char *id, struct rw_label label,
                         enum rw_unit unit, double value, struct rw_label reason);

/* printf into the sheet's arena (ids, sources, labels with names in them). "" after an error. */
const char *rw_sheet_text(struct rw_sheet *sheet, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* RW_CELL_NONE when there is none. */
uint32_t rw_sheet_find(const struct rw_sheet *sheet, const char *id);

static inline const struct rw_cell *rw_sheet_cell(const struct rw_sheet *sheet, uint32_t cell)
{
    rw_assert(cell < sheet->count);
    return &sheet->cells[cell];
}

/* NaN for RW_CELL_NONE and for a missing value. */
static inline double rw_sheet_value(const struct rw_sheet *sheet, uint32_t cell)
{
    return cell < sheet->count ? sheet->cells[cell].value : NAN;
}

/* The value of the cell `id`, NaN when there is none. */
double rw_sheet_value_of(const struct rw_sheet *sheet, const char *id);

struct rw_quantity rw_sheet_quantity(const struct rw_sheet *sheet, uint32_t cell);

/* The cells without a value that make `cell` missing, nearest first; returns how many there are,
 * fills at most `room`. RW_ENOMEM is kept in `err`, and 0 is returned. */
unsigned rw_sheet_missing(struct rw_sheet *sheet, uint32_t cell, uint32_t *causes, unsigned room);

/* The formula of a computed cell with the labels of its inputs in place: "Users / (Response time +
 * Think time)". Nothing for other cells. */
void rw_sheet_formula_write(const struct rw_sheet *sheet, uint32_t cell, enum rw_language language,
                            struct rw_text *text);

/* Gives an input another value for a while and computes anew what depends on it, nothing else.
 * rw_sheet_restore takes back all such changes. */
void rw_sheet_try(struct rw_sheet *sheet, uint32_t cell, double value);
void rw_sheet_restore(struct rw_sheet *sheet);

/* The nearest whole number of cents, ties to even: what the sheet does with every MONEY value. */
double rw_sheet_cents(double value);

/* "given" / "已知", for people and (English) for files. */
const char *rw_origin_kind_text(enum rw_origin_kind origin, enum rw_language language);

#endif
