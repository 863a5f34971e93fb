/* The arguments of `ringway plan`. */
#include "cli/cli.h"
#include "cli/plan.h"

#include <stdio.h>

/* The value of an option goes to *to; true when it was this one, or it lacks its value. */
static bool takes(int argc, char **argv, int *i, const char *name, const char **to, int *code)
{
    bool lacking;
    const char *value = rw_cli_option(argc, argv, i, name, &lacking);
    if (lacking)
        *code = rw_cli_usage_error("plan", "%s needs a value", name);
    if (value)
        *to = value;
    return value || lacking;
}

static bool takes_list(int argc, char **argv, int *i, const char *name, const char **list,
                       unsigned room, unsigned *count, int *code)
{
    const char *value = NULL;
    if (!takes(argc, argv, i, name, &value, code))
        return false;
    if (value && *count == room)
        *code = rw_cli_usage_error("plan", "%s: at most %u of them", name, room);
    else if (value)
        list[(*count)++] = value;
    return true;
}

static int read_language(const char *text, struct rw_cli_plan *arguments)
{
    if (!text)
        return 0;
    int code = rw_cli_language("plan", text, &arguments->language);
    bool chinese = arguments->language == RW_LANGUAGE_ZH;
    arguments->language_given = !code;
    arguments->options.voice = chinese ? RW_CONF_VOICE_CHINESE : RW_CONF_VOICE_ENGLISH;
    return code;
}

static int read_number(const char *name, const char *text, uint64_t most, uint64_t *value)
{
    if (!text)
        return 0;
    if (!rw_span_to_u64(rw_span_text(text), value) || *value > most)
        return rw_cli_usage_error("plan", "%s: \"%s\" is no whole number up to %llu", name, text,
                                  (unsigned long long)most);
    return 0;
}

static int read_date(const char *text, struct rw_cli_plan *arguments)
{
    if (text && !rw_date_read(rw_span_text(text), &arguments->options.date))
        return rw_cli_usage_error("plan", "--date: \"%s\" is no date such as 2026-11-20", text);
    return 0;
}

static int read_format(const char *format)
{
    static const char *const formats[] = {"text", "html", "md", "json", "pdf", "cells"};
    if (!format)
        return 0;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(format, formats[i]) == 0)
            return 0;
    return rw_cli_usage_error(
        "plan", "--format: \"%s\" is none of text, html, md, json, pdf, cells", format);
}

struct texts {
    const char *language, *date, *draws, *seed;
};

static int read_texts(const struct texts *texts, struct rw_cli_plan *arguments)
{
    uint64_t draws = arguments->options.draws;
    int code = read_language(texts->language, arguments);
    if (!code)
        code = read_date(texts->date, arguments);
    if (!code)
        code = read_number("--draws", texts->draws, RW_DRAWS_MAX, &draws);
    if (!code)
        code = read_number("--seed", texts->seed, UINT64_MAX, &arguments->options.seed);
    if (!code)
        code = read_format(arguments->format);
    arguments->options.draws = (unsigned)draws;
    return code;
}

static int take_word(const char *word, struct rw_cli_plan *arguments)
{
    if (word[0] == '-' && word[1] != '\0')
        return rw_cli_usage_error("plan", "unknown option \"%s\"", word);
    if (arguments->file_count == RW_CLI_PLAN_FILES_MAX)
        return rw_cli_usage_error("plan", "one file too many: \"%s\"", word);
    arguments->files[arguments->file_count++] = word;
    return 0;
}

int rw_cli_plan_parse(int argc, char **argv, struct rw_cli_plan *arguments)
{
    struct texts texts = {0};
    int code = 0;
    struct rw_plan_options *options = &arguments->options;
    *arguments = (struct rw_cli_plan){
        .cells = "", .options = {.date = NAN, .draws = RW_OUTLOOK_DRAWS, .seed = 1}};
    for (int i = 0; i < argc && !code; i++) {
        if (takes(argc, argv, &i, "--lang", &texts.language, &code) ||
            takes(argc, argv, &i, "--date", &texts.date, &code) ||
            takes(argc, argv, &i, "--draws", &texts.draws, &code) ||
            takes(argc, argv, &i, "--seed", &texts.seed, &code) ||
            takes(argc, argv, &i, "--format", &arguments->format, &code) ||
            takes(argc, argv, &i, "--out", &arguments->out, &code) ||
            takes(argc, argv, &i, "--tier", &options->tier, &code) ||
            takes(argc, argv, &i, "--cells", &arguments->cells, &code) ||
            takes_list(argc, argv, &i, "--set", arguments->settings, RW_SHEET_SETTINGS_MAX,
                       &options->setting_count, &code) ||
            takes_list(argc, argv, &i, "--prices", arguments->prices, RW_CLI_PLAN_PRICES_MAX,
                       &options->price_count, &code))
            continue;
        if (strcmp(argv[i], "--template") == 0)
            arguments->template = true;
        else
            code = take_word(argv[i], arguments);
    }
    options->settings = arguments->settings;
    options->prices = arguments->prices;
    return code ? code : read_texts(&texts, arguments);
}
