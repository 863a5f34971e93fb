#include "conf/read.h"

#include "conf/file.h"
#include "conf/reader.h"

#include <errno.h>

static void begin_report(struct rw_conf_report *report, struct rw_arena *arena, const char *name)
{
    struct rw_arena *own = report->arena ? report->arena : arena;
    *report = (struct rw_conf_report){.arena = own, .voice = report->voice};
    report->file = rw_arena_copy(own, rw_span_text(name));
    if (!report->file.at) {
        report->file = RW_LITERAL("configuration");
        report->err = RW_ENOMEM;
    }
}

static enum rw_err outcome(const struct rw_conf_reader *reader)
{
    const struct rw_conf_report *report = reader->report;
    if (reader->err || report->err)
        return reader->err ? reader->err : report->err;
    return report->count ? RW_EINVAL : RW_OK;
}

static bool length_allowed(struct rw_conf_report *report, struct rw_span yaml)
{
    if (yaml.len <= RW_CONF_FILE_BYTES_MAX)
        return true;
    rw_conf_mistake_at(report, (struct rw_conf_place){0, 0}, "longer than %d MiB",
                       RW_CONF_FILE_BYTES_MAX >> 20);
    return false;
}

static enum rw_err read_into(struct rw_span yaml, const struct rw_conf_record *record,
                             struct rw_arena *arena, void *out, struct rw_conf_report *report)
{
    memset(out, 0, record->size);
    if (!length_allowed(report, yaml))
        return RW_EINVAL;
    struct rw_conf_reader reader = {.arena = arena, .report = report};
    rw_arena_init(&reader.scratch, NULL, 0, 64 << 10, RW_CONF_SCRATCH_BYTES_MAX);
    report->reader = &reader;
    struct rw_conf_node *root = rw_conf_compose(&reader, yaml);
    /* A file that is not YAML has no keys that could be missing. */
    if (!reader.err && (root || report->count == 0))
        rw_conf_decode(&reader, record, root, out);
    report->reader = NULL;
    rw_arena_free(&reader.scratch);
    rw_conf_report_sort(report);
    return outcome(&reader);
}

enum rw_err rw_conf_read_text(struct rw_span yaml, const char *name,
                              const struct rw_conf_record *record, struct rw_arena *arena,
                              void *out, struct rw_conf_report *report)
{
    begin_report(report, arena, name);
    return report->err ? report->err : read_into(yaml, record, arena, out, report);
}

enum rw_err rw_conf_tree_read(struct rw_span yaml, const char *name, struct rw_arena *arena,
                              struct rw_conf_tree *tree, struct rw_conf_report *report)
{
    *tree = (struct rw_conf_tree){0};
    begin_report(report, arena, name);
    if (report->err)
        return report->err;
    if (!length_allowed(report, yaml))
        return RW_EINVAL;
    struct rw_conf_reader reader = {.arena = arena, .report = report};
    rw_arena_init(&reader.scratch, NULL, 0, 64 << 10, RW_CONF_SCRATCH_BYTES_MAX);
    report->reader = &reader;
    tree->root = rw_conf_compose(&reader, yaml);
    report->reader = NULL;
    tree->nodes = reader.scratch;
    rw_conf_report_sort(report);
    return outcome(&reader);
}

static enum rw_err tell_unreadable(struct rw_conf_report *report, enum rw_err err)
{
    char room[48];
    if (err == RW_ENOMEM)
        return err;
    rw_conf_mistake_at(report, (struct rw_conf_place){0, 0}, "cannot be read: %s",
                       rw_conf_slurp_flaw(err, RW_CONF_FILE_BYTES_MAX, room));
    return err == RW_ELIMIT ? RW_EINVAL : err;
}

enum rw_err rw_conf_read_file(const char *path, const struct rw_conf_record *record,
                              struct rw_arena *arena, void *out, struct rw_conf_report *report)
{
    begin_report(report, arena, path);
    if (report->err)
        return report->err;
    memset(out, 0, record->size);
    struct rw_text text = {0};
    enum rw_err err = rw_conf_slurp(path, RW_CONF_FILE_BYTES_MAX, false, &text);
    if (err)
        err = tell_unreadable(report, err);
    else
        err = read_into(rw_text_span(&text), record, arena, out, report);
    rw_text_free(&text);
    return err;
}
