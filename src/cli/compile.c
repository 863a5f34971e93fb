#include "cli/compile.h"

#include "gate/snapshot_tls.h"

#include <stdio.h>

static enum rw_err compile(const char *path, struct rw_conf_report *report,
                           struct rw_compiled *compiled)
{
    struct rw_arena arena;
    struct rw_config *config = NULL;
    struct rw_clusters_options clusters = {.loop = NULL};
    rw_arena_init(&arena, NULL, 0, 64 * 1024, (size_t)1 << 30);
    enum rw_err err = rw_clusters_create(&clusters, &compiled->clusters);
    if (!err)
        err = rw_config_load(path, &arena, &config, report);
    if (err == RW_EINVAL)
        rw_snapshot_look_further(config, report);
    struct rw_snapshot_options options = {
        .clusters = compiled->clusters,
        .warnings = &compiled->warnings,
        .workers = 1,
        .generation = 1,
    };
    if (!err)
        err = rw_snapshot_create(&options, &arena, config, report, &compiled->snapshot);
    rw_arena_free(&arena);
    return err;
}

int rw_cli_compile(const char *path, struct rw_compiled *compiled)
{
    struct rw_arena mistakes;
    rw_arena_init(&mistakes, NULL, 0, 16 * 1024, (size_t)64 << 20);
    struct rw_conf_report report = {.arena = &mistakes, .file = rw_span_text(path)};
    *compiled = (struct rw_compiled){0};
    enum rw_err err = compile(path, &report, compiled);
    if (err) {
        struct rw_text text = {0};
        rw_conf_report_sort(&report);
        rw_conf_report_print(&report, &text);
        if (text.len == 0)
            rw_text_addf(&text, "%s: %s\n", path, rw_err_text(err));
        fprintf(stderr, "%s", text.at ? text.at : "out of memory\n");
        rw_text_free(&text);
        rw_text_free(&compiled->warnings);
        if (compiled->clusters)
            rw_clusters_destroy(compiled->clusters);
    }
    rw_arena_free(&mistakes);
    return err ? 2 : 0;
}

void rw_cli_compiled_free(struct rw_compiled *compiled)
{
    rw_snapshot_destroy(compiled->snapshot, compiled->clusters);
    rw_clusters_destroy(compiled->clusters);
    rw_text_free(&compiled->warnings);
}
