#include "cli/arguments.h"

#include "cli/cli.h"

static int take_value(const struct rw_cli_arguments *arguments, const struct rw_cli_word *word,
                      const char *value)
{
    if (word->take)
        return word->take(arguments->options, value);
    *(const char **)((char *)arguments->options + word->offset) = value;
    return 0;
}

/* False: the argument is none of the table's options. */
static bool take_word(const struct rw_cli_arguments *arguments, int argc, char **argv, int *i,
                      int *code)
{
    for (const struct rw_cli_word *word = arguments->words; word->name; word++) {
        bool lacking;
        if (word->flag && strcmp(argv[*i], word->name) == 0)
            return *(bool *)((char *)arguments->options + word->offset) = true;
        const char *value = word->flag ? NULL : rw_cli_option(argc, argv, i, word->name, &lacking);
        if (!word->flag && lacking)
            *code = rw_cli_usage_error(arguments->verb, "%s needs a value", word->name);
        else if (value)
            *code = take_value(arguments, word, value);
        if (value || *code)
            return true;
    }
    return false;
}

static int take(const struct rw_cli_arguments *arguments, int argc, char **argv, int *i)
{
    int code = 0;
    if (rw_cli_reports_option(argc, argv, i, arguments->reports, &code) ||
        take_word(arguments, argc, argv, i, &code))
        return code;
    if (argv[*i][0] == '-')
        return rw_cli_usage_error(arguments->verb, "unknown option \"%s\"", argv[*i]);
    if (*arguments->file)
        return rw_cli_usage_error(arguments->verb, "one file at a time: \"%s\"", argv[*i]);
    *arguments->file = argv[*i];
    return 0;
}

int rw_cli_arguments(const struct rw_cli_arguments *arguments, int argc, char **argv)
{
    int code = 0;
    for (int i = 0; i < argc && !code; i++)
        code = take(arguments, argc, argv, &i);
    if (!code && !*arguments->file)
        code = rw_cli_usage_error(arguments->verb, "%s", arguments->lacking);
    return code;
}

int rw_cli_number(const char *verb, const char *name, const char *text, uint64_t least,
                  uint64_t most, uint32_t *to)
{
    uint64_t value;
    if (!rw_span_to_u64(rw_span_text(text), &value) || value < least || value > most)
        return rw_cli_usage_error(verb, "%s: expected a number from %llu to %llu, not \"%s\"", name,
                                  (unsigned long long)least, (unsigned long long)most, text);
    *to = (uint32_t)value;
    return 0;
}
