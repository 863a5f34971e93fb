/* How to have the same world again, told by a simulation that fails, and also after an assertion or
 * a sanitizer has ended it.
 */
#ifndef RW_TEST_SUPPORT_REPLAY_H
#define RW_TEST_SUPPORT_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

/* Once, before the first world. */
void rw_test_replay_watch(void);
/* Of the world that comes now: a whole line, at most 200 bytes; "": there is none. */
__attribute__((format(printf, 1, 2))) void rw_test_replay_set(const char *format, ...);
void rw_test_replay_tell(void);

/* A simulation whose worlds are numbers and nothing else: `--seeds N --first-seed S`, or `--seed S`
 * for one that is told in full. */
struct rw_test_worlds {
    const char *program;
    uint64_t seeds_default;
    bool (*run_seed)(uint64_t seed); /* false: it was wrong, and has said so */
    int (*report)(uint64_t seeds);   /* at the end, when none was: the exit code */
};

/* There is one world only: it tells what happens in it. */
bool rw_test_replay_tells(void);

/* The exit code. */
int rw_test_run_worlds(const struct rw_test_worlds *worlds, int argc, char **argv);

#endif
