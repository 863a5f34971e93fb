#include "support/replay.h"

#include "base/log.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

static char replay[200];
static bool one;

bool rw_test_replay_tells(void)
{
    return one;
}

void rw_test_replay_set(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(replay, sizeof(replay), format, arguments);
    va_end(arguments);
}

void rw_test_replay_tell(void)
{
    ssize_t written = write(STDOUT_FILENO, replay, strlen(replay));
    (void)written;
}

static void on_signal(int number)
{
    (void)number;
    rw_test_replay_tell();
}

void rw_test_replay_watch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
    sigaction(SIGABRT, &action, NULL);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_set_death_callback(rw_test_replay_tell);
#else
    sigaction(SIGSEGV, &action, NULL);
#endif
}

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [--seeds N] [--first-seed S]\n       %s --seed S\n", program,
            program);
    return 2;
}

int rw_test_run_worlds(const struct rw_test_worlds *worlds, int argc, char **argv)
{
    uint64_t seeds = worlds->seeds_default, first = 1;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            return usage(worlds->program);
        uint64_t number = strtoull(argv[i + 1], NULL, 10);
        one = strcmp(argv[i], "--seed") == 0;
        if (strcmp(argv[i], "--seeds") == 0)
            seeds = number;
        else if (one || strcmp(argv[i], "--first-seed") == 0)
            first = number;
        else
            return usage(worlds->program);
    }
    rw_test_replay_watch();
    rw_log_set_fd(one ? 1 : -1);
    seeds = one ? 1 : seeds;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        rw_test_replay_set("again with: %s --seed %" PRIu64 "\n", worlds->program, seed);
        if (!worlds->run_seed(seed)) {
            fflush(stdout);
            rw_test_replay_tell();
            _Exit(1); /* what is left of the world is no leak */
        }
    }
    return worlds->report(seeds);
}
