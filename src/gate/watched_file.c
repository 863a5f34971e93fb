#include "gate/watched_file.h"

#include "base/file.h"
#include "conf/kept.h"

struct rw_watched_file {
    struct rw_watched_file *next;
    const char *path;
    struct stat seen; /* all 0 when there was none */
};

enum rw_err rw_watched_file_add(struct rw_watched_file **files, struct rw_arena *arena,
                                const char *path)
{
    struct rw_watched_file *file = rw_arena_alloc(arena, sizeof(*file));
    if (!file)
        return RW_ENOMEM;
    *file = (struct rw_watched_file){.next = *files, .path = path, .seen = rw_kept_file_look(path)};
    *files = file;
    return RW_OK;
}

bool rw_watched_files_changed(struct rw_watched_file *files)
{
    bool changed = false;
    for (struct rw_watched_file *file = files; file; file = file->next) {
        struct stat now = rw_kept_file_look(file->path);
        changed |= !rw_file_same(&now, &file->seen);
        file->seen = now;
    }
    return changed;
}
