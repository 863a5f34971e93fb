#include "gate/watched_file.h"

#include <sys/stat.h>

/* By what a file is known: all 0 when there is none. */
struct mark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct rw_watched_file {
    struct rw_watched_file *next;
    const char *path;
    struct mark mark;
};

static struct mark mark_of(const char *path)
{
    struct stat file;
    if (stat(path, &file) != 0)
        return (struct mark){0};
    return (struct mark){file.st_dev, file.st_ino, file.st_size, file.st_mtim};
}

static bool same(const struct mark *a, const struct mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

enum rw_err rw_watched_file_add(struct rw_watched_file **files, struct rw_arena *arena,
                                const char *path)
{
    struct rw_watched_file *file = rw_arena_alloc(arena, sizeof(*file));
    if (!file)
        return RW_ENOMEM;
    *file = (struct rw_watched_file){.next = *files, .path = path, .mark = mark_of(path)};
    *files = file;
    return RW_OK;
}

bool rw_watched_files_changed(struct rw_watched_file *files)
{
    bool changed = false;
    for (struct rw_watched_file *file = files; file; file = file->next) {
        struct mark now = mark_of(file->path);
        changed |= !same(&now, &file->mark);
        file->mark = now;
    }
    return changed;
}
