#include "cli/reports.h"

#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* ---- Options ---- */

static const struct rw_cli_writer *find_writer(const struct rw_cli_reports *reports,
                                               const char *file)
{
    const char *suffix = strrchr(file, '.');
    for (const struct rw_cli_writer *at = reports->writers; suffix && at->suffix; at++)
        if (strcmp(suffix, at->suffix) == 0)
            return at;
    return NULL;
}

static int tell_suffixes(const struct rw_cli_reports *reports, const char *file)
{
    struct rw_text known = {0};
    for (const struct rw_cli_writer *at = reports->writers; at->suffix; at++)
        if (at->suffix[0])
            rw_text_addf(&known, "%s%s", known.len ? ", " : "", at->suffix);
    int code = rw_cli_usage_error(reports->verb, "--out: \"%s\" ends with none of %s", file,
                                  known.at ? known.at : "");
    rw_text_free(&known);
    return code;
}

static int check_folder(const struct rw_cli_reports *reports, const char *file)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(file, '/');
    size_t len = slash ? (size_t)(slash - file) + 1 : 1;
    if (len >= sizeof(folder))
        return rw_cli_usage_error(reports->verb, "--out: the path is too long");
    memcpy(folder, slash ? file : ".", len);
    folder[len] = '\0';
    bool there = access(file, F_OK) == 0;
    if (access(there ? file : folder, W_OK) == 0)
        return 0;
    fprintf(stderr, "ringway %s: %s cannot be written: %s\n", reports->verb, file, strerror(errno));
    return 1;
}

static int take_file(struct rw_cli_reports *reports, const char *file)
{
    if (!find_writer(reports, file))
        return tell_suffixes(reports, file);
    if (reports->count == RW_CLI_REPORTS_MAX)
        return rw_cli_usage_error(reports->verb, "--out: at most %d files", RW_CLI_REPORTS_MAX);
    reports->files[reports->count++] = file;
    return check_folder(reports, file);
}

static int take_language(struct rw_cli_reports *reports, const char *name)
{
    return rw_cli_language(reports->verb, name, &reports->language);
}

bool rw_cli_reports_option(int argc, char **argv, int *i, struct rw_cli_reports *reports, int *code)
{
    static const struct {
        const char *name;
        int (*take)(struct rw_cli_reports *reports, const char *value);
    } words[] = {{"--out", take_file}, {"--lang", take_language}};
    *code = 0;
    if (strcmp(argv[*i], "--json") == 0)
        return reports->json = true;
    if (strcmp(argv[*i], "--quiet") == 0)
        return reports->quiet = true;
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
        bool lacking;
        const char *value = rw_cli_option(argc, argv, i, words[w].name, &lacking);
        if (lacking)
            *code = rw_cli_usage_error(reports->verb, "%s needs a value", words[w].name);
        else if (value)
            *code = words[w].take(reports, value);
        if (lacking || value)
            return true;
    }
    return false;
}

/* ---- Writing ---- */

static int print(const struct rw_cli_reports *reports, const void *result)
{
    struct rw_text text = {0};
    reports->writers[reports->json].write(result, reports->language, &text);
    if (!text.err && text.at)
        fputs(text.at, stdout);
    else if (text.err)
        fprintf(stderr, "ringway %s: %s\n", reports->verb, rw_err_text(text.err));
    int code = text.err ? 1 : 0;
    rw_text_free(&text);
    return code;
}

int rw_cli_reports_write(const struct rw_cli_reports *reports, const void *result)
{
    int code = print(reports, result);
    for (unsigned i = 0; i < reports->count; i++) {
        struct rw_text text = {0};
        find_writer(reports, reports->files[i])->write(result, reports->language, &text);
        code |= rw_cli_write_file(reports->verb, reports->files[i], &text);
        rw_text_free(&text);
    }
    return code;
}
