#include "cli/cli.h"
#include "cli/compile.h"

#include <stdio.h>

static int run(int argc, char **argv)
{
    if (argc != 1 || argv[0][0] == '-')
        return rw_cli_usage_error("check", "one configuration file, please");
    struct rw_compiled compiled;
    int code = rw_cli_compile(argv[0], &compiled);
    if (code)
        return code;
    struct rw_text warnings = {0};
    rw_router_warnings(compiled.snapshot->router, &warnings);
    if (warnings.len)
        fprintf(stderr, "%s", warnings.at);
    rw_text_free(&warnings);
    printf("%s: fine: %u listeners, %u routes, %u upstreams\n", argv[0],
           compiled.snapshot->listener_count, compiled.snapshot->route_count,
           compiled.snapshot->cluster_count);
    rw_cli_compiled_free(&compiled);
    return 0;
}

const struct rw_verb rw_verb_check = {
    .name = "check",
    .arguments = "FILE",
    .summary = "tell all mistakes of a configuration file",
    .help = "Reads FILE and everything it names (certificates, patterns), opens no socket.\n"
            "Each mistake is one line on standard error: file:line:column: where: what.\n\n"
            "Exit codes: 0 no mistake; 2 mistakes.\n",
    .run = run,
};
