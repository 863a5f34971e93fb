#include "conf/kept.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct kept_file {
    struct kept_file *next;
    char *path;
    char *bytes; /* NULL: empty, or a descriptor, or inside the mapping */
    struct rw_span contents;
    int fd; /* -1: contents */
    struct stat seen;
};

struct rw_kept_files {
    struct kept_file *first;
    struct rw_map by_path; /* of kept_file */
    struct rw_span mapped; /* empty: not loaded */
};

static _Thread_local struct rw_kept_files *used;

/* ---- A set ---- */

enum rw_err rw_kept_files_create(struct rw_kept_files **files)
{
    *files = rw_alloc_zero(sizeof(**files));
    if (!*files)
        return RW_ENOMEM;
    rw_map_init(&(*files)->by_path, 0);
    return RW_OK;
}

static void free_file(struct kept_file *file)
{
    if (file->bytes)
        explicit_bzero(file->bytes, file->contents.len);
    if (file->fd >= 0)
        close(file->fd);
    rw_free(file->bytes);
    rw_free(file->path);
    rw_free(file);
}

void rw_kept_files_free(struct rw_kept_files *files)
{
    if (!files)
        return;
    for (struct kept_file *file = files->first, *next; file; file = next) {
        next = file->next;
        free_file(file);
    }
    rw_map_free(&files->by_path);
    rw_sealed_unmap(files->mapped);
    rw_free(files);
}

struct rw_kept_files *rw_kept_files_use(struct rw_kept_files *files)
{
    struct rw_kept_files *before = used;
    used = files;
    return before;
}

static struct kept_file *find(const struct rw_kept_files *files, const char *path)
{
    return files ? rw_map_get(&files->by_path, rw_span_text(path)) : NULL;
}

static enum rw_err add_empty(struct rw_kept_files *files, struct rw_span path,
                             struct kept_file **made)
{
    struct kept_file *file = rw_alloc_zero(sizeof(*file));
    char *copy = file ? rw_strdup(path.at, path.len) : NULL;
    if (!copy) {
        rw_free(file);
        return RW_ENOMEM;
    }
    *file = (struct kept_file){.next = files->first, .path = copy, .fd = -1};
    if (rw_map_put(&files->by_path, rw_span(copy, path.len), file)) {
        free_file(file);
        return RW_ENOMEM;
    }
    files->first = file;
    *made = file;
    return RW_OK;
}

enum rw_err rw_kept_files_add(struct rw_kept_files *files, const char *path, struct rw_span bytes,
                              const struct stat *seen)
{
    struct kept_file *file;
    char *copy = bytes.len ? rw_alloc(bytes.len) : NULL;
    if (bytes.len && !copy)
        return RW_ENOMEM;
    enum rw_err err = add_empty(files, rw_span_text(path), &file);
    if (err) {
        rw_free(copy);
        return err;
    }
    if (copy)
        memcpy(copy, bytes.at, bytes.len);
    file->bytes = copy;
    file->contents = rw_span(copy, bytes.len);
    file->seen = *seen;
    return RW_OK;
}

/* ---- Stored ---- */

/* Before each file's path and contents. */
struct record {
    uint64_t path_bytes, bytes;
    uint64_t fd; /* of rw_kept.fds; 0: contents */
    struct stat seen;
};

/* Another layout has another one. */
static const char begins_with[16] = "ringway files 1";

static enum rw_err store_fd(int fd, struct record *record, struct rw_kept *kept)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return rw_err_from_errno(errno);
    record->fd = kept->count;
    kept->fds[kept->count++] = copy;
    return RW_OK;
}

static enum rw_err store_file(const struct kept_file *file, struct rw_kept *kept)
{
    struct record record = {
        .path_bytes = strlen(file->path), .bytes = file->contents.len, .seen = file->seen};
    enum rw_err err = RW_OK;
    if (file->fd >= 0 && kept->count == RW_KEPT_FDS_MAX) {
        kept->left_out++;
        return RW_OK;
    }
    if (file->fd >= 0)
        err = store_fd(file->fd, &record, kept);
    if (!err)
        err = rw_sealed_add(kept->fds[0], rw_span((const char *)&record, sizeof(record)));
    if (!err)
        err = rw_sealed_add(kept->fds[0], rw_span_text(file->path));
    return err ? err : rw_sealed_add(kept->fds[0], file->contents);
}

enum rw_err rw_kept_files_store(const struct rw_kept_files *files, struct rw_kept *kept)
{
    enum rw_err err = rw_sealed_begin("ringway-files", &kept->fds[0]);
    kept->count = err == RW_OK;
    kept->left_out = 0;
    if (err)
        return err;
    err = rw_sealed_add(kept->fds[0], rw_span(begins_with, sizeof(begins_with)));
    for (const struct kept_file *file = files->first; file && !err; file = file->next)
        err = store_file(file, kept);
    if (!err)
        err = rw_sealed_end(kept->fds[0]);
    if (err)
        rw_kept_close(kept);
    return err;
}

void rw_kept_close(struct rw_kept *kept)
{
    for (unsigned i = 0; i < kept->count; i++)
        close(kept->fds[i]);
    kept->count = 0;
}

static enum rw_err load_file(struct rw_kept_files *files, const struct rw_kept *kept,
                             struct rw_span *rest)
{
    struct rw_span head, path, contents;
    struct record record;
    if (!rw_span_take(rest, sizeof(record), &head))
        return RW_EPROTO;
    memcpy(&record, head.at, sizeof(record));
    if (!rw_span_take(rest, record.path_bytes, &path) ||
        !rw_span_take(rest, record.bytes, &contents) || record.fd >= kept->count)
        return RW_EPROTO;
    struct kept_file *file;
    enum rw_err err = add_empty(files, path, &file);
    if (err)
        return err;
    file->contents = contents;
    file->seen = record.seen;
    if (record.fd)
        file->fd = fcntl(kept->fds[record.fd], F_DUPFD_CLOEXEC, 0);
    return record.fd && file->fd < 0 ? rw_err_from_errno(errno) : RW_OK;
}

static enum rw_err load_all(struct rw_kept_files *files, const struct rw_kept *kept)
{
    enum rw_err err = rw_sealed_map(kept->fds[0], SIZE_MAX, &files->mapped);
    struct rw_span rest = files->mapped, mark;
    if (err)
        return err;
    if (!rw_span_take(&rest, sizeof(begins_with), &mark) ||
        memcmp(mark.at, begins_with, sizeof(begins_with)) != 0)
        return RW_EPROTO;
    while (!err && rest.len)
        err = load_file(files, kept, &rest);
    return err;
}

enum rw_err rw_kept_files_load(const struct rw_kept *kept, struct rw_kept_files **files)
{
    struct rw_kept_files *made;
    enum rw_err err = kept->count ? rw_kept_files_create(&made) : RW_ENOENT;
    if (err)
        return err;
    err = load_all(made, kept);
    if (err)
        rw_kept_files_free(made);
    else
        *files = made;
    return err;
}

/* ---- The one in use ---- */

bool rw_kept_file_find(const char *path, struct rw_span *bytes)
{
    const struct kept_file *file = find(used, path);
    if (!file || file->fd >= 0)
        return false;
    *bytes = file->contents;
    return true;
}

enum rw_err rw_kept_file_add(const char *path, struct rw_span bytes, const struct stat *seen)
{
    return used ? rw_kept_files_add(used, path, bytes, seen) : RW_OK;
}

struct stat rw_kept_file_look(const char *path)
{
    const struct kept_file *file = find(used, path);
    struct stat now;
    if (file)
        return file->seen;
    return stat(path, &now) == 0 ? now : (struct stat){0};
}

int rw_kept_fd_find(const char *path)
{
    const struct kept_file *file = find(used, path);
    return file && file->fd >= 0 ? fcntl(file->fd, F_DUPFD_CLOEXEC, 0) : -1;
}

enum rw_err rw_kept_fd_add(const char *path, int fd)
{
    struct kept_file *file;
    if (!used || find(used, path))
        return RW_OK;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return rw_err_from_errno(errno);
    enum rw_err err = add_empty(used, rw_span_text(path), &file);
    if (err)
        close(copy);
    else
        file->fd = copy;
    return err;
}
