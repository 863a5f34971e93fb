#include "load/script/data.h"

#include <stdio.h>

struct csv {
    const char *at, *end;
    size_t line;  /* from 1 */
    size_t begun; /* where the row that is being read began */
    struct rw_arena *arena;
    char *flaw;
};

/* A quoted field as it stands, without the quotes around it: where quotes are doubled inside, a
 * copy. */
static enum rw_err read_quoted(struct csv *csv, struct rw_span *field)
{
    const char *begin = ++csv->at;
    size_t opened = csv->line, doubled = 0;
    for (;; csv->at++) {
        if (csv->at == csv->end) {
            snprintf(csv->flaw, 128, "line %zu: a quote that is never closed", opened);
            return RW_EINVAL;
        }
        csv->line += *csv->at == '\n';
        if (*csv->at != '"')
            continue;
        if (csv->at + 1 == csv->end || csv->at[1] != '"')
            break;
        csv->at++;
        doubled++;
    }
    *field = rw_span(begin, (size_t)(csv->at++ - begin));
    if (!doubled)
        return RW_OK;
    char *copy = rw_arena_alloc(csv->arena, field->len);
    if (!copy)
        return RW_ENOMEM;
    size_t len = 0;
    for (size_t i = 0; i < field->len; i++) {
        copy[len++] = field->at[i];
        i += field->at[i] == '"';
    }
    *field = rw_span(copy, len);
    return RW_OK;
}

static bool at_line_end(const struct csv *csv)
{
    return csv->at == csv->end || *csv->at == '\n' ||
           (*csv->at == '\r' && csv->at + 1 < csv->end && csv->at[1] == '\n');
}

static enum rw_err read_field(struct csv *csv, struct rw_span *field)
{
    if (csv->at < csv->end && *csv->at == '"') {
        enum rw_err err = read_quoted(csv, field);
        if (err || at_line_end(csv) || *csv->at == ',')
            return err;
        snprintf(csv->flaw, 128, "line %zu: after a closing quote comes a comma or the end",
                 csv->line);
        return RW_EINVAL;
    }
    const char *begin = csv->at;
    while (!at_line_end(csv) && *csv->at != ',')
        csv->at++;
    *field = rw_span(begin, (size_t)(csv->at - begin));
    return RW_OK;
}

static void end_line(struct csv *csv)
{
    if (csv->at < csv->end && *csv->at == '\r')
        csv->at++;
    if (csv->at < csv->end)
        csv->at++;
    csv->line++;
}

/* One row into `fields`, RW_LOAD_COLUMNS_MAX of room; 0 fields at the end of the text. */
static enum rw_err read_row(struct csv *csv, struct rw_span *fields, unsigned *count)
{
    *count = 0;
    while (csv->at < csv->end && at_line_end(csv))
        end_line(csv);
    csv->begun = csv->line;
    if (csv->at == csv->end)
        return RW_OK;
    for (;;) {
        if (*count == RW_LOAD_COLUMNS_MAX) {
            snprintf(csv->flaw, 128, "line %zu: more than %d columns", csv->line,
                     RW_LOAD_COLUMNS_MAX);
            return RW_EINVAL;
        }
        enum rw_err err = read_field(csv, &fields[(*count)++]);
        if (err)
            return err;
        if (at_line_end(csv)) {
            end_line(csv);
            return RW_OK;
        }
        csv->at++;
    }
}

static enum rw_err take_columns(struct csv *csv, struct rw_load_data *data)
{
    struct rw_span fields[RW_LOAD_COLUMNS_MAX];
    enum rw_err err = read_row(csv, fields, &data->column_count);
    if (err)
        return err;
    if (!data->column_count) {
        snprintf(csv->flaw, 128, "it is empty: its first line names the columns");
        return RW_EINVAL;
    }
    data->columns = rw_arena_alloc(csv->arena, data->column_count * sizeof(*data->columns));
    if (!data->columns)
        return RW_ENOMEM;
    for (unsigned i = 0; i < data->column_count; i++)
        data->columns[i] = rw_span_trim(fields[i]);
    return RW_OK;
}

/* Rows there may be at most: each ends a line, or the text. */
static size_t rows_max(const struct csv *csv)
{
    size_t lines = 1;
    for (const char *at = csv->at; at < csv->end; at++)
        lines += *at == '\n';
    return lines;
}

static enum rw_err take_rows(struct csv *csv, struct rw_load_data *data)
{
    struct rw_span fields[RW_LOAD_COLUMNS_MAX];
    size_t row_bytes = data->column_count * sizeof(*data->cells);
    data->cells = rw_arena_alloc(csv->arena, rows_max(csv) * row_bytes);
    if (!data->cells)
        return RW_ENOMEM;
    for (;;) {
        unsigned count;
        enum rw_err err = read_row(csv, fields, &count);
        if (err || !count)
            return err;
        if (count != data->column_count) {
            snprintf(csv->flaw, 128, "line %zu: %u fields, where %u columns are", csv->begun, count,
                     data->column_count);
            return RW_EINVAL;
        }
        memcpy(data->cells + data->row_count++ * data->column_count, fields, row_bytes);
    }
}

enum rw_err rw_load_data_parse(struct rw_span text, bool header, struct rw_arena *arena,
                               struct rw_load_data *data, char flaw[128])
{
    if (rw_span_starts(text, RW_LITERAL("\xef\xbb\xbf")))
        text = rw_span_skip(text, 3);
    struct csv csv = {text.at, text.at + text.len, 1, 1, arena, flaw};
    enum rw_err err = text.len ? RW_OK : RW_EINVAL;
    if (err)
        snprintf(flaw, 128, "it is empty");
    if (!err && header)
        err = take_columns(&csv, data);
    if (!err)
        err = take_rows(&csv, data);
    if (!err && !data->row_count) {
        snprintf(flaw, 128, "it has no rows");
        err = RW_EINVAL;
    }
    return err;
}
