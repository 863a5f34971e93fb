/* The driver of the bench: bench/run builds it and hands its arguments on. See `bench/run --help`.
 */
#include "cases.h"
#include "net.h"
#include "process.h"
#include "report.h"
#include "results.h"
#include "run.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum exit_code {
    EXIT_FINE = 0,
    EXIT_TARGET_MISSED = 1,
    EXIT_USAGE = 2,
    EXIT_ENVIRONMENT = 3,
    EXIT_INTERRUPTED = 130,
};

#define CASES_MAX 256

struct wishes {
    bool all;
    bool json;
    bool list;
    bool strict;
    bool write;
    const char *root;
    const char *ringway;
    size_t count;
    const struct bench_case *cases[CASES_MAX];
};

static struct bench_laboratory laboratory;

static const char help[] =
    "usage: bench/run CASE... [options]\n"
    "       bench/run --all [options]\n"
    "       bench/run --list\n"
    "\n"
    "Measures Ringway side by side with nginx, HAProxy and a blind TCP relay (the floor).\n"
    "\n"
    "  --list         name the cases\n"
    "  --all          run every case\n"
    "  --json         one line of JSON for each case, as soon as it is done\n"
    "  --rounds N     rounds for each contender (by default what the case says)\n"
    "  --seconds N    seconds measured in a round (by default what the case says)\n"
    "  --ringway PATH the gateway to measure (build/release/ringway)\n"
    "  --strict       exit with 1 when a target is missed or cannot be judged\n"
    "  --write        write bench/RESULTS.md as well\n"
    "  --help         this\n"
    "\n"
    "exit codes: 0 fine, 1 a target is missed (only with --strict), 2 usage,\n"
    "3 the environment is lacking, 130 interrupted\n";

static const struct bench_case *find_case(const char *name)
{
    for (size_t i = 0; i < bench_cases_count; i++) {
        if (strcmp(bench_cases[i].name, name) == 0) {
            return &bench_cases[i];
        }
    }
    fprintf(stderr, "bench: no case is called \"%s\"; bench/run --list names them\n", name);
    exit(EXIT_USAGE);
}

static void apply_option(struct wishes *wishes, int option)
{
    switch (option) {
    case 'l':
        wishes->list = true;
        break;
    case 'a':
        wishes->all = true;
        break;
    case 'j':
        wishes->json = true;
        break;
    case 'r':
        bench_rounds_wanted = (int)bench_parse_number("--rounds", optarg, 1, BENCH_ROUNDS_MAX);
        break;
    case 's':
        bench_seconds_wanted = (int)bench_parse_number("--seconds", optarg, 1, 600);
        break;
    case 'R':
        wishes->ringway = optarg;
        break;
    case 'S':
        wishes->strict = true;
        break;
    case 'w':
        wishes->write = true;
        break;
    case 'o':
        wishes->root = optarg;
        break;
    case 'h':
        fputs(help, stdout);
        exit(EXIT_FINE);
    default:
        fputs(help, stderr);
        exit(EXIT_USAGE);
    }
}

static void choose_cases(struct wishes *wishes, int count, char **names)
{
    if (wishes->all) {
        for (size_t i = 0; i < bench_cases_count; i++) {
            wishes->cases[wishes->count++] = &bench_cases[i];
        }
    }
    for (int i = 0; i < count && wishes->count < CASES_MAX; i++) {
        wishes->cases[wishes->count++] = find_case(names[i]);
    }
    if (!wishes->list && (wishes->count == 0 || (wishes->all && count > 0))) {
        fputs(help, stderr);
        exit(EXIT_USAGE);
    }
}

static void parse_wishes(struct wishes *wishes, int count, char **arguments)
{
    static const struct option names[] = {{"list", no_argument, NULL, 'l'},
                                          {"all", no_argument, NULL, 'a'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"ringway", required_argument, NULL, 'R'},
                                          {"strict", no_argument, NULL, 'S'},
                                          {"write", no_argument, NULL, 'w'},
                                          {"root", required_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(count, arguments, "", names, NULL)) != -1) {
        apply_option(wishes, option);
    }
    choose_cases(wishes, count - optind, arguments + optind);
}

static void check_environment(void)
{
    static const char *const programs[] = {"nginx", "haproxy"};
    char command[128];
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        snprintf(command, sizeof command, "command -v %s >/dev/null", programs[i]);
        if (system(command) != 0) {
            bench_fail("%s is missing: apt-get install nginx haproxy", programs[i]);
        }
    }
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        bench_fail("two cores are needed, one for the gateway and one for client and origin");
    }
}

static void prepare_paths(const struct wishes *wishes, const char *program)
{
    static char templates[4096];
    static char programs[4096];
    static char ringway[4096];
    static char search[4096];
    const char *slash = strrchr(program, '/');
    snprintf(templates, sizeof templates, "%s/bench/contenders", wishes->root);
    snprintf(programs, sizeof programs, "%.*s", slash ? (int)(slash - program) : 1,
             slash ? program : ".");
    if (wishes->ringway != NULL) {
        snprintf(ringway, sizeof ringway, "%s", wishes->ringway);
    } else {
        snprintf(ringway, sizeof ringway, "%s/build/release/ringway", wishes->root);
    }
    /* Debian keeps both peers in /usr/sbin, which a user's PATH may lack. */
    snprintf(search, sizeof search, "%s:/usr/sbin:/sbin", getenv("PATH") ? getenv("PATH") : "/bin");
    setenv("PATH", search, 1);
    laboratory.templates = templates;
    laboratory.programs = programs;
    laboratory.ringway = access(ringway, X_OK) == 0 ? ringway : NULL;
    if (laboratory.ringway == NULL && wishes->ringway != NULL) {
        bench_fail("cannot execute %s", ringway);
    }
    if (laboratory.ringway == NULL) {
        fputs("bench: build/release/ringway is not built; only its peers are measured\n", stderr);
    }
}

static void close_laboratory(void)
{
    bench_laboratory_close(&laboratory);
}

static int run_cases(const struct wishes *wishes)
{
    struct bench_result *results = bench_allocate(wishes->count, sizeof *results);
    int code = EXIT_FINE;
    size_t done = 0;
    for (; done < wishes->count; done++) {
        if (!bench_run_case(&laboratory, wishes->cases[done], &results[done])) {
            code = EXIT_INTERRUPTED;
            break;
        }
        if (wishes->json) {
            bench_report_json(stdout, &results[done]);
        }
        if (wishes->strict && results[done].verdict != BENCH_MET) {
            code = EXIT_TARGET_MISSED;
        }
    }
    if (!wishes->json) {
        bench_report_table(stdout, results, done);
    }
    if (wishes->write && done == wishes->count) {
        char path[4096];
        snprintf(path, sizeof path, "%s/bench/RESULTS.md", wishes->root);
        bench_results_write(&laboratory, path, results, done);
        fputs("bench: wrote bench/RESULTS.md\n", stderr);
    }
    free(results);
    return code;
}

int main(int count, char **arguments)
{
    struct wishes wishes = {.root = "."};
    parse_wishes(&wishes, count, arguments);
    if (wishes.list) {
        for (size_t i = 0; i < bench_cases_count; i++) {
            printf("%s\n", bench_cases[i].name);
        }
        return EXIT_FINE;
    }
    prepare_paths(&wishes, arguments[0]);
    check_environment();
    bench_catch_interrupts();
    bench_process_adopt_orphans();
    bench_raise_descriptor_limit();
    atexit(close_laboratory);
    bench_laboratory_open(&laboratory);
    return run_cases(&wishes);
}
