#include "conf/kept.h"

#include "base/alloc.h"
#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
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
    void *mapping;         /* NULL: not loaded */
    size_t mapped_bytes;
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
    if (files->mapping)
        munmap(files->mapping, files->mapped_bytes);
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

static enum rw_err write_all(int fd, const void *at, size_t left)
{
    const char *next = at;
    while (left > 0) {
        ssize_t wrote = write(fd, next, left);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return wrote < 0 && errno == ENOSPC ? RW_ENOMEM : rw_err_from_errno(errno);
        next += wrote;
        left -= (size_t)wrote;
    }
    return RW_OK;
}

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
        err = write_all(kept->fds[0], &record, sizeof(record));
    if (!err)
        err = write_all(kept->fds[0], file->path, record.path_bytes);
    return err ? err : write_all(kept->fds[0], file->contents.at, file->contents.len);
}

enum rw_err rw_kept_files_store(const struct rw_kept_files *files, struct rw_kept *kept)
{
    kept->fds[0] = memfd_create("ringway-files", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    kept->count = kept->fds[0] >= 0;
    kept->left_out = 0;
    if (!kept->count)
        return rw_err_from_errno(errno);
    enum rw_err err = write_all(kept->fds[0], begins_with, sizeof(begins_with));
    for (const struct kept_file *file = files->first; file && !err; file = file->next)
        err = store_file(file, kept);
    if (!err && fcntl(kept->fds[0], F_ADD_SEALS,
                      F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        err = rw_err_from_errno(errno);
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

static bool take(struct rw_span *rest, uint64_t bytes, struct rw_span *part)
{
    if (bytes > rest->len)
        return false;
    *part = rw_span(rest->at, (size_t)bytes);
    *rest = rw_span_skip(*rest, (size_t)bytes);
    return true;
}

static enum rw_err load_file(struct rw_kept_files *files, const struct rw_kept *kept,
                             struct rw_span *rest)
{
    struct rw_span head, path, contents;
    struct record record;
    if (!take(rest, sizeof(record), &head))
        return RW_EPROTO;
    memcpy(&record, head.at, sizeof(record));
    if (!take(rest, record.path_bytes, &path) || !take(rest, record.bytes, &contents) ||
        record.fd >= kept->count)
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

static enum rw_err map(struct rw_kept_files *files, int fd)
{
    struct stat info;
    if (fstat(fd, &info) < 0)
        return rw_err_from_errno(errno);
    if ((size_t)info.st_size < sizeof(begins_with))
        return RW_EPROTO;
    void *at = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return rw_err_from_errno(errno);
    files->mapping = at;
    files->mapped_bytes = (size_t)info.st_size;
    return memcmp(at, begins_with, sizeof(begins_with)) == 0 ? RW_OK : RW_EPROTO;
}

enum rw_err rw_kept_files_load(const struct rw_kept *kept, struct rw_kept_files **files)
{
    struct rw_kept_files *made;
    enum rw_err err = kept->count ? rw_kept_files_create(&made) : RW_ENOENT;
    if (err)
        return err;
    err = map(made, kept->fds[0]);
    struct rw_span rest = rw_span(made->mapping, made->mapped_bytes);
    rest = err ? (struct rw_span){0} : rw_span_skip(rest, sizeof(begins_with));
    while (!err && rest.len)
        err = load_file(made, kept, &rest);
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
