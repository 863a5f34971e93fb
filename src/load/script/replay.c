#include "load/script/replay.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "load/script/log_line.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_BYTES_MAX = 64 * 1024 };

/* While it is read: one a line. */
struct entry {
    int64_t time_ns;
    size_t number; /* of the line: those of one time stay in order */
    struct rw_span path;
    uint8_t method;
    bool whole_second;
};

struct reader {
    struct rw_arena *arena;
    struct rw_load_replay *replay;
    struct rw_span methods[RW_LOAD_REPLAY_METHODS_MAX];
    unsigned method_count;
    struct entry *entries;
    size_t count, room;
};

/* ---- Reading ---- */

static bool grow(struct reader *reader)
{
    if (reader->count < reader->room)
        return true;
    size_t room = reader->room ? 2 * reader->room : 1024;
    struct entry *entries = rw_realloc(reader->entries, room * sizeof(*entries));
    if (!entries)
        return false;
    reader->entries = entries;
    reader->room = room;
    return true;
}

/* RW_LOAD_REPLAY_METHODS_MAX: there are too many. */
static enum rw_err method_number(struct reader *reader, struct rw_span method, unsigned *number)
{
    *number = 0;
    while (*number < reader->method_count && !rw_span_eq(reader->methods[*number], method))
        ++*number;
    if (*number < reader->method_count || *number == RW_LOAD_REPLAY_METHODS_MAX)
        return RW_OK;
    struct rw_span copy = rw_arena_copy(reader->arena, method);
    if (!copy.at)
        return RW_ENOMEM;
    reader->methods[reader->method_count++] = copy;
    return RW_OK;
}

static bool is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
           strcmp(method, "OPTIONS") == 0;
}

static enum rw_err take_line(struct reader *reader, struct rw_span line,
                             struct rw_load_log_line *scratch)
{
    struct rw_load_replay *replay = reader->replay;
    replay->lines++;
    if (!rw_load_log_line(line, scratch)) {
        replay->strange++;
        return RW_OK;
    }
    if (!replay->all_methods && !is_safe(scratch->method)) {
        replay->unsafe++;
        return RW_OK;
    }
    unsigned method;
    enum rw_err err = method_number(reader, rw_span_text(scratch->method), &method);
    if (err)
        return err;
    if (method == RW_LOAD_REPLAY_METHODS_MAX || reader->count == RW_LOAD_REPLAY_LINES_MAX) {
        replay->strange++;
        return RW_OK;
    }
    struct rw_span path = rw_arena_copy(reader->arena, scratch->path);
    if (!path.at || !grow(reader))
        return RW_ENOMEM;
    reader->entries[reader->count] = (struct entry){
        .time_ns = scratch->time_ns,
        .number = reader->count,
        .path = path,
        .method = (uint8_t)method,
        .whole_second = scratch->whole_second,
    };
    reader->count++;
    return RW_OK;
}

/* One line without its end; what is longer than there is room for is cut, which makes it none. */
static bool read_line(FILE *file, char *room, struct rw_span *line)
{
    if (!fgets(room, LINE_BYTES_MAX, file))
        return false;
    *line = rw_span_text(room);
    if (line->len + 1 == LINE_BYTES_MAX && room[line->len - 1] != '\n')
        for (int c = 0; c != '\n' && c != EOF;)
            c = fgetc(file);
    while (line->len && (room[line->len - 1] == '\n' || room[line->len - 1] == '\r'))
        line->len--;
    return true;
}

static enum rw_err read_lines(struct reader *reader, FILE *file)
{
    struct rw_load_log_line *scratch = rw_alloc(sizeof(*scratch));
    char *room = rw_alloc(LINE_BYTES_MAX);
    enum rw_err err = scratch && room ? RW_OK : RW_ENOMEM;
    for (struct rw_span line; !err && read_line(file, room, &line);)
        if (line.len)
            err = take_line(reader, line, scratch);
    rw_free(room);
    rw_free(scratch);
    return err;
}

/* ---- Times ---- */

static int earlier(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* A log that only knows seconds: those of one are spread over it. */
static void spread(struct entry *entries, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && entries[end].time_ns == entries[i].time_ns)
            end++;
        int64_t step = (int64_t)RW_NS_PER_S / (int64_t)(end - i);
        for (size_t k = i + 1; entries[i].whole_second && k < end; k++)
            entries[k].time_ns += step * (int64_t)(k - i);
        i = end;
    }
}

/* ---- The script ---- */

static enum rw_err make_step(struct rw_arena *arena, const struct rw_load_request *request,
                             unsigned number, struct rw_load_scenario *scenario)
{
    struct rw_load_step *step = rw_arena_zero(arena, sizeof(*step));
    struct rw_load_piece *column = rw_arena_zero(arena, sizeof(*column));
    struct rw_load_piece *fields =
        rw_arena_zero(arena, (RW_LOAD_HEADERS_MAX + 1) * sizeof(*fields));
    if (!step || !column || !fields)
        return RW_ENOMEM;
    step->headers = rw_arena_zero(arena, (RW_LOAD_HEADERS_MAX + 1) * sizeof(*step->headers));
    if (!step->headers)
        return RW_ENOMEM;
    *column = (struct rw_load_piece){.origin = RW_LOAD_COLUMN};
    step->request = number;
    step->times = 1;
    step->target = (struct rw_load_template){column, 1};
    for (unsigned i = 0; i < request->header_count; i++) {
        fields[i] = (struct rw_load_piece){.text = request->headers[i].value};
        step->headers[i] = (struct rw_load_template){&fields[i], 1};
    }
    scenario->steps = step;
    scenario->step_count = 1;
    return RW_OK;
}

static enum rw_err make_scenarios(struct reader *reader, const struct rw_load_request *request,
                                  struct rw_load_settings *settings)
{
    struct rw_load_script *script = settings->script;
    unsigned count = reader->method_count;
    script->scenarios = rw_arena_zero(reader->arena, count * sizeof(*script->scenarios));
    settings->requests = rw_arena_zero(reader->arena, count * sizeof(*settings->requests));
    if (!script->scenarios || !settings->requests)
        return RW_ENOMEM;
    script->scenario_count = settings->request_count = count;
    for (unsigned i = 0; i < count; i++) {
        settings->requests[i] = *request;
        settings->requests[i].name = settings->requests[i].method = reader->methods[i];
        settings->requests[i].varies = true;
        script->scenarios[i] =
            (struct rw_load_scenario){.name = RW_LITERAL("replay"), .weight = 1, .uses = {true}};
        enum rw_err err = make_step(reader->arena, request, i, &script->scenarios[i]);
        if (err)
            return err;
    }
    return RW_OK;
}

static enum rw_err make_rows(struct reader *reader, struct rw_load_settings *settings)
{
    struct rw_load_script *script = settings->script;
    size_t count = reader->count;
    struct rw_span *cells = rw_arena_alloc(reader->arena, count * sizeof(*cells));
    uint8_t *scenarios = rw_arena_alloc(reader->arena, count);
    uint64_t *times = rw_arena_alloc(reader->arena, count * sizeof(*times));
    if (!cells || !scenarios || !times)
        return RW_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = &reader->entries[i];
        int64_t since_ns = entry->time_ns - reader->entries[0].time_ns;
        cells[i] = entry->path;
        scenarios[i] = entry->method;
        times[i] = (uint64_t)((double)since_ns / reader->replay->speed);
    }
    script->row_scenarios = scenarios;
    script->data_count = 1;
    script->data[0] = (struct rw_load_data){.name = RW_LITERAL("log"),
                                            .order = RW_LOAD_ONCE,
                                            .column_count = 1,
                                            .cells = cells,
                                            .row_count = count};
    settings->profile = (struct rw_profile){.times_ns = times, .time_count = count};
    return RW_OK;
}

static enum rw_err make_script(struct reader *reader, const struct rw_load_request *request,
                               struct rw_load_settings *settings)
{
    settings->script = rw_arena_zero(reader->arena, sizeof(*settings->script));
    if (!settings->script)
        return RW_ENOMEM;
    enum rw_err err = make_scenarios(reader, request, settings);
    return err ? err : make_rows(reader, settings);
}

enum rw_err rw_load_replay_read(const char *path, const struct rw_load_request *request,
                                struct rw_arena *arena, struct rw_load_replay *replay,
                                struct rw_load_settings *settings, char why[192])
{
    struct reader reader = {.arena = arena, .replay = replay};
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    json_set_alloc_funcs(rw_alloc, rw_free);
    if (!file) {
        snprintf(why, 192, "cannot be read: %s", strerror(errno));
        return RW_EINVAL;
    }
    enum rw_err err = read_lines(&reader, file);
    if (file != stdin)
        fclose(file);
    if (!err && !reader.count) {
        snprintf(why, 192, "none of its %zu lines can be replayed", replay->lines);
        err = RW_EINVAL;
    }
    if (!err) {
        replay->taken = reader.count;
        qsort(reader.entries, reader.count, sizeof(*reader.entries), earlier);
        spread(reader.entries, reader.count);
        err = make_script(&reader, request, settings);
    }
    rw_free(reader.entries);
    return err;
}
