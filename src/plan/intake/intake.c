#include "plan/intake/intake.h"

#include "base/alloc.h"
#include "conf/file.h"
#include "plan/intake/reader.h"

#include <math.h>

/* ---- Rows ---- */

static struct rw_intake_row *grow(struct rw_intake *intake, size_t section)
{
    size_t count = intake->rows[section].count, room = intake->rows[section].room;
    if (count == room) {
        room = room ? room * 2 : 1;
        struct rw_intake_row *at =
            rw_realloc(intake->rows[section].at, room * sizeof(struct rw_intake_row));
        if (!at)
            return NULL;
        intake->rows[section].at = at;
        intake->rows[section].room = room;
    }
    const struct rw_intake_section *known = &rw_intake_sections[section];
    unsigned fields = rw_intake_field_count(known);
    struct rw_intake_value *values =
        rw_arena_zero(&intake->arena, fields * sizeof(struct rw_intake_value));
    if (!values)
        return NULL;
    for (unsigned i = 0; i < fields; i++) {
        values[i].field = &known->fields[i];
        values[i].text = RW_LITERAL("");
    }
    struct rw_intake_row *row = &intake->rows[section].at[intake->rows[section].count++];
    *row = (struct rw_intake_row){.section = known, .values = values};
    return row;
}

enum rw_err rw_intake_begin(struct rw_intake *intake, const char *name)
{
    *intake = (struct rw_intake){0};
    rw_arena_init(&intake->arena, NULL, 0, 16 << 10, RW_INTAKE_ARENA_BYTES_MAX);
    intake->file = rw_arena_copy(&intake->arena, rw_span_text(name)).at;
    if (!intake->file) {
        intake->file = "intake";
        return RW_ENOMEM;
    }
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++)
        if (!rw_intake_sections[i].many && !grow(intake, i))
            return RW_ENOMEM;
    return RW_OK;
}

void rw_intake_free(struct rw_intake *intake)
{
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++)
        rw_free(intake->rows[i].at);
    rw_arena_free(&intake->arena);
    *intake = (struct rw_intake){0};
}

struct rw_intake_row *rw_intake_add_row(struct rw_intake_reader *reader,
                                        const struct rw_intake_section *section,
                                        struct rw_conf_place place)
{
    size_t index = (size_t)(section - rw_intake_sections);
    if (reader->err)
        return NULL;
    if (reader->intake->rows[index].count == RW_INTAKE_ROWS_MAX) {
        rw_intake_tell(reader->report, place, "more than %d entries", "超过 %d 项",
                       RW_INTAKE_ROWS_MAX);
        return NULL;
    }
    struct rw_intake_row *row = grow(reader->intake, index);
    if (row)
        row->place = place;
    else
        reader->err = RW_ENOMEM;
    return row;
}

struct rw_intake_value *rw_intake_slot(struct rw_intake_row *row,
                                       const struct rw_intake_field *field)
{
    return &row->values[field - row->section->fields];
}

struct rw_intake_row *rw_intake_single(struct rw_intake *intake,
                                       const struct rw_intake_section *section)
{
    rw_assert(!section->many);
    return &intake->rows[section - rw_intake_sections].at[0];
}

/* ---- Reading a file ---- */

static enum rw_err outcome(const struct rw_intake_reader *reader)
{
    if (reader->err || reader->report->err)
        return reader->err ? reader->err : reader->report->err;
    return reader->report->count ? RW_EINVAL : RW_OK;
}

enum rw_err rw_intake_read_text(struct rw_span text, const char *name, struct rw_intake *intake,
                                struct rw_conf_report *report)
{
    struct rw_intake_reader reader = {.intake = intake, .report = report};
    reader.err = rw_intake_begin(intake, name);
    struct rw_arena *arena = report->arena ? report->arena : &intake->arena;
    *report = (struct rw_conf_report){
        .arena = arena, .file = rw_span_text(intake->file), .voice = report->voice};
    if (reader.err)
        return reader.err;
    if (text.len > RW_INTAKE_BYTES_MAX)
        rw_intake_tell(report, ((struct rw_conf_place){0, 0}), "longer than %d MiB", "超过 %d MiB",
                       RW_INTAKE_BYTES_MAX >> 20);
    else if (rw_intake_is_questionnaire(text))
        rw_intake_read_questionnaire(&reader, text);
    else
        rw_intake_read_yaml(&reader, text, name);
    rw_conf_report_sort(report);
    return outcome(&reader);
}

enum rw_err rw_intake_read_file(const char *path, struct rw_intake *intake,
                                struct rw_conf_report *report)
{
    struct rw_text text = {0};
    enum rw_err err = rw_conf_slurp(path, RW_INTAKE_BYTES_MAX, false, &text);
    if (!err) {
        err = rw_intake_read_text(rw_text_span(&text), path, intake, report);
        rw_text_free(&text);
        return err;
    }
    rw_text_free(&text);
    struct rw_arena *own = report->arena;
    enum rw_err begun = rw_intake_begin(intake, path);
    *report = (struct rw_conf_report){.arena = own ? own : &intake->arena,
                                      .file = rw_span_text(intake->file),
                                      .voice = report->voice};
    if (begun || err == RW_ENOMEM)
        return RW_ENOMEM;
    if (err == RW_ELIMIT)
        rw_intake_tell(report, ((struct rw_conf_place){0, 0}), "cannot be read: longer than 1 MiB",
                       "无法读取：超过 1 MiB");
    else if (err == RW_EINVAL)
        rw_intake_tell(report, ((struct rw_conf_place){0, 0}),
                       "cannot be read: a directory, not a file", "无法读取：是文件夹，不是文件");
    else
        rw_intake_tell(report, ((struct rw_conf_place){0, 0}), "cannot be read: %s", "无法读取：%s",
                       rw_conf_err_text(report, err));
    return report->err ? report->err : err == RW_ELIMIT ? RW_EINVAL : err;
}

/* ---- Looking things up ---- */

const struct rw_intake_row *rw_intake_rows(const struct rw_intake *intake, const char *section,
                                           size_t *count)
{
    const struct rw_intake_section *found = rw_intake_find_section(rw_span_text(section));
    rw_assert(found);
    *count = intake->rows[found - rw_intake_sections].count;
    return intake->rows[found - rw_intake_sections].at;
}

const struct rw_intake_value *rw_intake_in(const struct rw_intake_row *row, const char *name)
{
    const struct rw_intake_field *field = rw_intake_find_field(row->section, rw_span_text(name));
    rw_assert(field);
    return &row->values[field - row->section->fields];
}

const struct rw_intake_value *rw_intake_get(const struct rw_intake *intake, const char *path)
{
    const char *dot = strchr(path, '.');
    rw_assert(dot);
    const struct rw_intake_section *section =
        rw_intake_find_section(rw_span(path, (size_t)(dot - path)));
    rw_assert(section && !section->many);
    return rw_intake_in(&intake->rows[section - rw_intake_sections].at[0], dot + 1);
}

struct rw_span rw_intake_text(const struct rw_intake *intake, const char *path)
{
    const struct rw_intake_value *value = rw_intake_get(intake, path);
    return value->there ? value->text : RW_LITERAL("");
}

double rw_intake_number(const struct rw_intake_value *value)
{
    if (!value->there || value->count == 0)
        return NAN;
    return (value->amount.low + value->amount.high) / 2;
}

double rw_intake_rate(const struct rw_intake_value *value, enum rw_per per)
{
    if (!value->there || value->count == 0 || !value->amount.per)
        return NAN;
    if (value->amount.per == per)
        return rw_intake_number(value);
    return rw_intake_number(value) * (rw_per_seconds(per) / rw_per_seconds(value->amount.per));
}
