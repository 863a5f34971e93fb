/* Files that a configuration names and that change without it: keys of the policy `jwt`.
 *
 * Whoever reads one for a snapshot adds it first; now and then the control thread asks whether one
 * of the snapshot in force has changed since, and loads the configuration anew. So a new file is
 * taken over as a new configuration is: whole, or not at all. Control thread. */
#ifndef RW_GATE_WATCHED_FILE_H
#define RW_GATE_WATCHED_FILE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

struct rw_watched_file;

/* `path` outlives the list. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_watched_file_add(struct rw_watched_file **files,
                                              struct rw_arena *arena, const char *path);

/* Is one of them another file, or a changed one, since it was added, or since the last call? */
bool rw_watched_files_changed(struct rw_watched_file *files);

#endif
