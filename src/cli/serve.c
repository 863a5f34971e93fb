#include "serve/serve.h"

#include "cli/cli.h"

#include <stdlib.h>

enum { PROCESSES_MAX = 128 };

static int run(int argc, char **argv)
{
    struct rw_serve_options options = {.processes = 1, .argv = rw_cli_argv};
    for (int i = 0; i < argc; i++) {
        bool lacking;
        uint64_t number;
        const char *value = rw_cli_option(argc, argv, &i, "--processes", &lacking);
        if (lacking)
            return rw_cli_usage_error("serve", "--processes needs a number");
        if (value) {
            if (!rw_span_to_u64(rw_span_text(value), &number) || number < 1 ||
                number > PROCESSES_MAX)
                return rw_cli_usage_error("serve",
                                          "--processes: \"%s\" is not a number from 1 to %d", value,
                                          PROCESSES_MAX);
            options.processes = (unsigned)number;
        } else if (argv[i][0] == '-') {
            return rw_cli_usage_error("serve", "unknown option \"%s\"", argv[i]);
        } else if (options.config_path) {
            return rw_cli_usage_error("serve", "one configuration file, not two: \"%s\"", argv[i]);
        } else {
            options.config_path = argv[i];
        }
    }
    if (!options.config_path)
        return rw_cli_usage_error("serve", "which configuration file?");
    return rw_serve(&options);
}

const struct rw_verb rw_verb_serve = {
    .name = "serve",
    .arguments = "[--processes N] FILE",
    .summary = "run the gateway",
    .help =
        "Options:\n"
        "  --processes N   worker processes (default 1, up to 128); more than one is for machines\n"
        "                  with a low limit of descriptors per process\n\n"
        "Signals:\n"
        "  SIGHUP          load FILE anew; when it is wrong the running configuration stays\n"
        "  SIGUSR1         open the log files anew, after they were moved\n"
        "  SIGUSR2         replace the program by the one on disk, without failing a request\n"
        "  SIGTERM, SIGINT finish the requests under way, then end; SIGINT twice: at once\n\n"
        "Exit codes: 0 ended in order; 2 FILE is wrong or an address cannot be had; 1 else.\n",
    .run = run,
};
