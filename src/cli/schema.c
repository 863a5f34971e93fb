#include "cli/cli.h"
#include "gate/config/config.h"
#include "gate/exchange/exchange.h"
#include "plan/intake/intake.h"

#include <stdio.h>

static int run(int argc, char **argv)
{
    const char *format = "json";
    for (int i = 0; i < argc; i++) {
        bool lacking;
        const char *value = rw_cli_option(argc, argv, &i, "--format", &lacking);
        if (!value)
            return rw_cli_usage_error("schema", "unknown argument \"%s\"", argv[i]);
        format = value;
    }
    struct rw_text text = {0};
    if (strcmp(format, "json") == 0)
        rw_conf_schema_json(&rw_config_record, "Ringway gateway configuration", &text);
    else if (strcmp(format, "markdown") == 0)
        rw_conf_manual(&rw_config_record, &text);
    else if (strcmp(format, "example") == 0)
        rw_conf_example(&rw_config_record, &text);
    else if (strcmp(format, "steps") == 0)
        rw_steps_manual(&text);
    else if (strcmp(format, "intake") == 0)
        rw_intake_write_schema(&text);
    else
        return rw_cli_usage_error(
            "schema", "--format: \"%s\" is none of json, markdown, example, steps, intake", format);
    bool written = !text.err && fwrite(text.at, 1, text.len, stdout) == text.len;
    rw_text_free(&text);
    return written ? 0 : 1;
}

const struct rw_verb rw_verb_schema = {
    .name = "schema",
    .arguments = "[--format FORMAT]",
    .summary = "print the JSON Schema of the configuration, or its manual",
    .help =
        "Formats:\n"
        "  json      JSON Schema (draft 2020-12), for editors to complete and validate (default)\n"
        "  markdown  the reference of all options\n"
        "  example   a whole configuration with every option and its default\n"
        "  steps     the steps of an exchange\n"
        "  intake    JSON Schema of what `ringway plan` reads\n",
    .run = run,
};
