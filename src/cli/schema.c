#include "cli/cli.h"
#include "gate/config/config.h"
#include "gate/exchange/exchange.h"
#include "load/script/config.h"
#include "plan/intake/intake.h"
#include "simulate/model.h"
#include "verify/acceptance.h"

#include <stdio.h>

static void add_gateway_json(struct rw_text *text)
{
    rw_conf_schema_json(&rw_config_record, "Ringway gateway configuration", text);
}

static void add_gateway_manual(struct rw_text *text)
{
    static const struct rw_conf_preface preface = {
        .heading = "Configuration reference",
        .opening =
            "The configuration is one YAML file. `ringway check FILE` reports all mistakes in it, "
            "with line, column\nand what was expected; `ringway schema` writes a JSON Schema by "
            "which editors complete and check it.",
        .smallest = "listeners: [{ address: \":8080\" }]\n"
                    "routes: [{ upstream: app }]\n"
                    "upstreams: [{ name: app, endpoints: [\"127.0.0.1:9000\"] }]\n",
    };
    rw_conf_manual(&rw_config_record, &preface, text);
}

static void add_gateway_example(struct rw_text *text)
{
    rw_conf_example(&rw_config_record, text);
}

static void add_acceptance_json(struct rw_text *text)
{
    rw_conf_schema_json(&rw_acceptance_record, "Ringway acceptance file", text);
}

static void add_acceptance_manual(struct rw_text *text)
{
    static const struct rw_conf_preface preface = {
        .heading = "Acceptance file reference",
        .opening =
            "An acceptance file is one YAML file. `ringway verify --check FILE` reports all mistakes "
            "in it, with line, column\nand what was expected; `ringway schema --format acceptance` "
            "writes a JSON Schema by which editors complete and\ncheck it. "
            "See [the manual](../manual/verify.md).",
        .smallest = "url: http://127.0.0.1:8080\n"
                    "load: { rate: 100 }\n"
                    "targets: [{ latency: { percentile: 99, at_most: 50ms } }]\n",
    };
    rw_conf_manual(&rw_acceptance_record, &preface, text);
}

static void add_acceptance_example(struct rw_text *text)
{
    rw_conf_example(&rw_acceptance_record, text);
}

static void add_load_json(struct rw_text *text)
{
    rw_conf_schema_json(&rw_load_config_record, "Ringway load scenario", text);
}

static void add_load_manual(struct rw_text *text)
{
    static const struct rw_conf_preface preface = {
        .heading = "Scenario reference",
        .opening =
            "A scenario is one YAML file. `ringway load FILE` reports all mistakes in it before it "
            "sends anything;\n`ringway schema --format load` writes a JSON Schema by which editors "
            "complete and check it. In templates\n(where this page says that `${variables}` are "
            "filled in) a dollar does not mean the environment:\n`${name}` is a variable, "
            "`${name|url}` and `${name|json}` encode it. See [the manual](../manual/load.md).",
        .smallest = "target: http://127.0.0.1:8080\n"
                    "rate: 100\n"
                    "scenarios: [{ steps: [/] }]\n",
    };
    rw_conf_manual(&rw_load_config_record, &preface, text);
}

static void add_load_example(struct rw_text *text)
{
    rw_conf_example(&rw_load_config_record, text);
}

static void add_simulation_json(struct rw_text *text)
{
    rw_conf_schema_json(&rw_simulate_record, "Ringway simulation", text);
}

static void add_simulation_manual(struct rw_text *text)
{
    static const struct rw_conf_preface preface = {
        .heading = "Simulation reference",
        .opening =
            "A simulation is one YAML file. `ringway simulate FILE` reports all mistakes in it; "
            "`ringway schema --format\nsimulation` writes a JSON Schema by which editors complete "
            "and check it. See [the manual](../manual/simulate.md).",
        .smallest = "request: { per_cpu_second: 80000 }\n"
                    "fleet: [{ name: small, cores: 2, nodes: 3 }]\n"
                    "arrivals: { rate: 200000 }\n",
    };
    rw_conf_manual(&rw_simulate_record, &preface, text);
}

static void add_simulation_example(struct rw_text *text)
{
    rw_conf_example(&rw_simulate_record, text);
}

static const struct {
    const char *name;
    void (*add)(struct rw_text *text);
} formats[] = {
    {"json", add_gateway_json},
    {"markdown", add_gateway_manual},
    {"example", add_gateway_example},
    {"steps", rw_steps_manual},
    {"intake", rw_intake_write_schema},
    {"intake-markdown", rw_intake_write_manual},
    {"acceptance", add_acceptance_json},
    {"acceptance-markdown", add_acceptance_manual},
    {"acceptance-example", add_acceptance_example},
    {"load", add_load_json},
    {"load-markdown", add_load_manual},
    {"load-example", add_load_example},
    {"simulation", add_simulation_json},
    {"simulation-markdown", add_simulation_manual},
    {"simulation-example", add_simulation_example},
};
enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

static int refuse(const char *format)
{
    struct rw_text names = {0};
    for (unsigned i = 0; i < FORMATS; i++)
        rw_text_addf(&names, "%s%s", i ? ", " : "", formats[i].name);
    int code = rw_cli_usage_error("schema", "--format: \"%s\" is none of %s", format,
                                  names.at ? names.at : "");
    rw_text_free(&names);
    return code;
}

static int run(int argc, char **argv)
{
    const char *format = "json";
    unsigned which = 0;
    for (int i = 0; i < argc; i++) {
        bool lacking;
        const char *value = rw_cli_option(argc, argv, &i, "--format", &lacking);
        if (!value)
            return rw_cli_usage_error("schema", "unknown argument \"%s\"", argv[i]);
        format = value;
    }
    while (which < FORMATS && strcmp(format, formats[which].name) != 0)
        which++;
    if (which == FORMATS)
        return refuse(format);
    struct rw_text text = {0};
    formats[which].add(&text);
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
        "  intake    JSON Schema of what `ringway plan` reads\n"
        "  acceptance, acceptance-markdown, acceptance-example\n"
        "            JSON Schema of what `ringway verify` reads; its reference; the whole file with\n"
        "            its defaults\n"
        "  load, load-markdown, load-example\n"
        "            the same of a scenario file of `ringway load`\n"
        "  simulation, simulation-markdown, simulation-example\n"
        "            the same of a file of `ringway simulate`\n",
    .run = run,
};
