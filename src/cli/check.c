#include "cli/cli.h"
#include "cli/compile.h"
#include "gate/cluster/cluster_explain.h"
#include "gate/config_warnings.h"

#include <stdio.h>

static const char *plural(unsigned count)
{
    return count == 1 ? "" : "s";
}

/* A gateway starts without these files, and takes them when they are there. */
static void warn_of_sources(const char *file, const struct rw_snapshot *snapshot,
                            struct rw_text *warnings)
{
    const struct rw_config_upstream *upstreams = snapshot->config->upstreams.items;
    for (unsigned i = 0; i < snapshot->cluster_count; i++) {
        struct rw_span flaw = rw_cluster_source_flaw(snapshot->clusters[i]);
        const struct rw_config_discovery *discovery = upstreams[i].discovery;
        if (flaw.len)
            rw_text_addf(warnings, "%s:%u:%u: warning: upstream %.*s: %.*s\n", file,
                         discovery->place.line, discovery->place.column,
                         RW_SPAN_ARGS(upstreams[i].name), RW_SPAN_ARGS(flaw));
    }
}

static int run(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (argv[i][0] == '-')
            return rw_cli_usage_error("check", "unknown option \"%s\"", argv[i]);
    if (argc != 1)
        return rw_cli_usage_error("check", "one configuration file, please");
    struct rw_compiled compiled;
    int code = rw_cli_compile(argv[0], &compiled);
    if (code)
        return code;
    warn_of_sources(argv[0], compiled.snapshot, &compiled.warnings);
    rw_config_warn_of_start(compiled.snapshot->config, rw_span_text(argv[0]), &compiled.warnings);
    rw_router_warnings(compiled.snapshot->router, &compiled.warnings);
    if (compiled.warnings.len)
        fprintf(stderr, "%s", compiled.warnings.at);
    const struct rw_snapshot *snapshot = compiled.snapshot;
    printf("%s: fine: %u listener%s, %u route%s, %u upstream%s\n", argv[0],
           snapshot->listener_count, plural(snapshot->listener_count), snapshot->route_count,
           plural(snapshot->route_count), snapshot->cluster_count, plural(snapshot->cluster_count));
    rw_cli_compiled_free(&compiled);
    return 0;
}

const struct rw_verb rw_verb_check = {
    .name = "check",
    .arguments = "FILE",
    .summary = "tell all mistakes of a configuration file",
    .help = "Reads FILE and everything it names (certificates, patterns); nothing listens.\n"
            "Each mistake is one line on standard error: file:line:column: where: what.\n"
            "What this machine lacks (addresses, interfaces, folders of logs) and what else a\n"
            "gateway starts with is told there, too, as a warning.\n\n"
            "Exit codes: 0 no mistake; 2 mistakes.\n",
    .run = run,
};
