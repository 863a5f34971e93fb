#include "cli/load_output.h"

#include "cli/cli.h"
#include "load/report.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define fail(...) rw_cli_usage_error("load", __VA_ARGS__)

/* ---- Options ---- */

/* Told now, and not at the end of an hour. */
static int check_folder(const char *file)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(file, '/');
    size_t len = slash ? (size_t)(slash - file) + 1 : 1;
    if (len >= sizeof(folder))
        return fail("--out: the path is too long");
    memcpy(folder, slash ? file : ".", len);
    folder[len] = '\0';
    bool there = access(file, F_OK) == 0;
    if (access(there ? file : folder, W_OK) == 0)
        return 0;
    fprintf(stderr, "ringway load: %s cannot be written: %s\n", file, strerror(errno));
    return 1;
}

static int take_file(struct rw_load_output *output, const char *file)
{
    const char *suffix = strrchr(file, '.');
    if (!suffix || (strcmp(suffix, ".json") != 0 && strcmp(suffix, ".csv") != 0 &&
                    strcmp(suffix, ".html") != 0))
        return fail("--out: \"%s\" ends with none of .json, .csv, .html", file);
    if (output->count == RW_CLI_OUTPUTS_MAX)
        return fail("--out: at most %d files", RW_CLI_OUTPUTS_MAX);
    output->files[output->count++] = file;
    return check_folder(file);
}

static int take_language(struct rw_load_output *output, const char *language)
{
    return rw_cli_language("load", language, &output->language);
}

static bool take_flag(struct rw_load_output *output, const char *argument)
{
    bool *flag = strcmp(argument, "--json") == 0    ? &output->json
                 : strcmp(argument, "--quiet") == 0 ? &output->quiet
                                                    : NULL;
    if (flag)
        *flag = true;
    return flag != NULL;
}

bool rw_load_output_option(int argc, char **argv, int *i, struct rw_load_output *output, int *code)
{
    static const struct {
        const char *name;
        int (*take)(struct rw_load_output *output, const char *value);
    } words[] = {{"--out", take_file}, {"--lang", take_language}};
    *code = 0;
    if (take_flag(output, argv[*i]))
        return true;
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
        bool lacking;
        const char *value = rw_cli_option(argc, argv, i, words[w].name, &lacking);
        if (!value && !lacking)
            continue;
        *code = lacking ? fail("%s needs a value", words[w].name) : words[w].take(output, value);
        return true;
    }
    return false;
}

/* ---- Writing ---- */

static int write_output(const struct rw_load_output *output, const char *path,
                        const struct rw_load_settings *settings,
                        const struct rw_load_result *result)
{
    struct rw_text text = {0};
    if (strcmp(strrchr(path, '.'), ".json") == 0)
        rw_load_report_json(settings, result, &text);
    else if (strcmp(strrchr(path, '.'), ".csv") == 0)
        rw_load_report_csv(result, &text);
    else
        rw_load_report_html(settings, result, output->language, &text);
    int code = rw_cli_write_file("load", path, &text);
    rw_text_free(&text);
    return code;
}

int rw_load_write(const struct rw_load_output *output, const struct rw_load_settings *settings,
                  const struct rw_load_result *result)
{
    struct rw_text text = {0};
    int code = 0;
    if (output->json)
        rw_load_report_json(settings, result, &text);
    else
        rw_load_report_text(settings, result, &text);
    if (!text.err && text.at)
        fputs(text.at, stdout);
    rw_text_free(&text);
    for (unsigned i = 0; i < output->count; i++)
        code |= write_output(output, output->files[i], settings, result);
    enum rw_load_verdict verdict = rw_load_judge(settings, result);
    return code || verdict == RW_LOAD_GENERATOR_LATE || verdict == RW_LOAD_NOTHING_ANSWERED;
}
