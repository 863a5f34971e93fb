/* `ringway load import`: a scenario file from what other tools have. */
#include "cli/cli.h"
#include "cli/load_output.h"
#include "conf/file.h"
#include "load/import/import.h"

#include <errno.h>
#include <stdio.h>

#define fail(...) rw_cli_usage_error("load", __VA_ARGS__)

static const size_t ARENA_BYTES_MAX = (size_t)1 << 30;

static int write_yaml(const struct rw_draft *draft, const char *path)
{
    struct rw_text yaml = {0};
    rw_draft_write(draft, &yaml);
    FILE *file = !path ? stdout : fopen(path, "wbx");
    bool good = file && !yaml.err && fwrite(yaml.at, 1, yaml.len, file) == yaml.len;
    if (path && file && fclose(file) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "ringway load: %s cannot be written: %s\n", path ? path : "the output",
                yaml.err ? rw_err_text(yaml.err) : strerror(errno));
    rw_text_free(&yaml);
    return !good;
}

static void tell(const struct rw_draft *draft)
{
    fprintf(stderr, "ringway load: %u request%s taken over\n", draft->steps,
            draft->steps == 1 ? "" : "s");
    for (const struct rw_draft_line *line = draft->notes.first; line; line = line->next)
        fprintf(stderr, "  %.*s\n", RW_SPAN_ARGS(line->text));
}

static int convert(const char *path, struct rw_span content, const char *out)
{
    struct rw_arena arena;
    struct rw_draft draft = {.arena = &arena};
    struct rw_text why = {0};
    rw_arena_init(&arena, NULL, 0, 64 * 1024, ARENA_BYTES_MAX);
    enum rw_load_import_kind kind = rw_load_import_kind_of(rw_span_text(path), content);
    enum rw_err err = rw_load_import(kind, path, content, &draft, &why);
    int code = err ? 2 : write_yaml(&draft, out);
    if (err)
        fprintf(stderr, "ringway load: %s: %s\n", path, why.at ? why.at : rw_err_text(err));
    else
        tell(&draft);
    rw_text_free(&why);
    rw_arena_free(&arena);
    return code;
}

int rw_load_import_file(int argc, char **argv)
{
    const char *path = NULL, *out = NULL;
    struct rw_text text = {0};
    for (int i = 0; i < argc; i++) {
        bool lacking;
        const char *value = rw_cli_option(argc, argv, &i, "--out", &lacking);
        if (value)
            out = value;
        else if (lacking || argv[i][0] == '-' || path)
            return fail("import: takes one file, and --out FILE.yaml: \"%s\"", argv[i]);
        else
            path = argv[i];
    }
    if (!path)
        return fail("import: needs a file");
    enum rw_err err = rw_conf_slurp(path, RW_LOAD_IMPORT_BYTES_MAX, false, &text);
    int code = 2;
    char room[48];
    if (err)
        fprintf(stderr, "ringway load: %s cannot be read: %s\n", path,
                rw_conf_slurp_flaw(err, RW_LOAD_IMPORT_BYTES_MAX, room));
    else
        code = convert(path, rw_text_span(&text), out);
    rw_text_free(&text);
    return code;
}
