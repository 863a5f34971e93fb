/* Rows of values for virtual users: a CSV file (RFC 4180), read once, then shared by all threads.
 *
 * Fields are parted by commas, lines by LF or CRLF; a field in double quotes may hold both, and
 * quotes doubled. Each row has as many fields as the first; blank lines are passed over.
 */
#ifndef RW_LOAD_SCRIPT_DATA_H
#define RW_LOAD_SCRIPT_DATA_H

#include "base/arena.h"
#include "base/err.h"

enum { RW_LOAD_COLUMNS_MAX = 64, RW_LOAD_DATA_BYTES_MAX = 256 << 20 };

enum rw_load_order {
    RW_LOAD_SEQUENTIAL, /* one after the other, and again from the first */
    RW_LOAD_RANDOM,
    RW_LOAD_ONCE /* each row once: when they are used up nobody new begins */
};

struct rw_load_data {
    struct rw_span name;
    enum rw_load_order order;
    struct rw_span *columns;
    unsigned column_count;
    struct rw_span *cells; /* row by row */
    size_t row_count;
};

/* The cells of `text`, which they point into where they can; copies are in `arena`. With `header`
 * the first row names the columns, else they are given. RW_EINVAL, and in `flaw` what is wrong,
 * with the line; RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_load_data_parse(struct rw_span text, bool header,
                                             struct rw_arena *arena, struct rw_load_data *data,
                                             char flaw[128]);

static inline const struct rw_span *rw_load_data_row(const struct rw_load_data *data, size_t row)
{
    return data->cells + row * data->column_count;
}

#endif
