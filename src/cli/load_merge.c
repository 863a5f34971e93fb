/* `ringway load merge`: results of several hosts as one. */
#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/load_output.h"
#include "conf/file.h"
#include "load/merge.h"

#include <stdio.h>

enum { FILES_MAX = 1000 };

#define fail(...) rw_cli_usage_error("load", __VA_ARGS__)

static int add_file(struct rw_load_merge *merge, const char *path)
{
    struct rw_text text = {0};
    char why[256] = "", room[48];
    enum rw_err err = rw_conf_slurp(path, RW_LOAD_RESULT_BYTES_MAX, false, &text);
    if (err)
        snprintf(why, sizeof(why), "cannot be read: %s",
                 rw_conf_slurp_flaw(err, RW_LOAD_RESULT_BYTES_MAX, room));
    else
        err = rw_load_merge_add(merge, rw_text_span(&text), why);
    if (err || why[0]) /* also of a run that was not sound */
        fprintf(stderr, "ringway load: %s: %s\n", path, why[0] ? why : rw_err_text(err));
    rw_text_free(&text);
    return err ? 1 : 0;
}

static int merge_all(const struct rw_cli_reports *reports, const char *const *files, unsigned count)
{
    struct rw_load_merge *merge = rw_alloc_zero(sizeof(*merge));
    int code = !merge || rw_load_merge_begin(merge);
    if (code)
        fprintf(stderr, "ringway load: out of memory\n");
    for (unsigned i = 0; i < count && !code; i++)
        code = add_file(merge, files[i]);
    if (!code)
        code = rw_load_write(reports, &merge->settings, &merge->result);
    if (merge)
        rw_load_merge_free(merge);
    rw_free(merge);
    return code;
}

int rw_load_merge_files(int argc, char **argv)
{
    struct rw_cli_reports reports = rw_load_reports;
    const char *files[FILES_MAX];
    unsigned count = 0;
    for (int i = 0; i < argc; i++) {
        int code;
        if (rw_cli_reports_option(argc, argv, &i, &reports, &code)) {
            if (code)
                return code;
            continue;
        }
        if (argv[i][0] == '-')
            return fail("merge: unknown option \"%s\"", argv[i]);
        if (count == FILES_MAX)
            return fail("merge: at most %d files", FILES_MAX);
        files[count++] = argv[i];
    }
    return count ? merge_all(&reports, files, count) : fail("merge: needs files of --out");
}
