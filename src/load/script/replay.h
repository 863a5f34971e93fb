/* An access log as a script: each line is a user with one request, who comes when the line says.
 *
 * The command line calls rw_load_replay_read and has the settings' profile, script and requests
 * filled: what a run does with them is what it does with any script. One thread.
 */
#ifndef RW_LOAD_SCRIPT_REPLAY_H
#define RW_LOAD_SCRIPT_REPLAY_H

#include "base/text.h"
#include "load/script/script.h"
#include "load/settings.h"

enum { RW_LOAD_REPLAY_METHODS_MAX = 32, RW_LOAD_REPLAY_LINES_MAX = 50 * 1000 * 1000 };

struct rw_load_replay {
    double speed;     /* 2: in half the time */
    bool all_methods; /* also those that change something; otherwise GET, HEAD and OPTIONS */
    /* What came of it. */
    size_t lines, taken;
    size_t strange; /* lines that are none of an access log, or of requests that cannot be made */
    size_t unsafe;  /* that would change something */
};

/* `request` is what all have in common: its header fields. All is in `arena`. RW_EINVAL and, in
 * `why`, what is wrong: it cannot be read, no line of it can be used. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_load_replay_read(const char *path,
                                              const struct rw_load_request *request,
                                              struct rw_arena *arena, struct rw_load_replay *replay,
                                              struct rw_load_settings *settings, char why[192]);

#endif
