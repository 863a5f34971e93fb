#include "policy/residency/geo_database.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "conf/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 20, TAIL_BYTES = 128 << 10 };

struct rw_geo_database {
    struct rw_list link;
    struct stat from; /* what it was copied from */
    unsigned uses;
    int copy; /* the memory that is mapped */
    MMDB_s contents;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rw_list all = {&all, &all}; /* under the lock, as `uses` is */

/* ---- Copying ---- */

/* What the format has near the end of a file (maxmind.github.io/MaxMind-DB, "Database Metadata"):
 * nothing large is copied that is no database. */
static bool has_metadata(int file, off_t bytes)
{
    static const char marker[] = "\xab\xcd\xefMaxMind.com";
    off_t from = bytes > TAIL_BYTES ? bytes - TAIL_BYTES : 0;
    char *tail = rw_alloc(TAIL_BYTES);
    ssize_t got = tail ? pread(file, tail, TAIL_BYTES, from) : -1;
    bool found = !tail || (got > 0 && memmem(tail, (size_t)got, marker, sizeof(marker) - 1));
    rw_free(tail);
    return found;
}

static const char *check_file(int file, struct stat *is)
{
    if (fstat(file, is) != 0)
        return "it cannot be read";
    if (!S_ISREG(is->st_mode))
        return S_ISDIR(is->st_mode) ? "it is a directory, not a file" : "it is no regular file";
    if (is->st_size > RW_GEO_DATABASE_BYTES_MAX)
        return "it is larger than 2 GiB";
    return has_metadata(file, is->st_size) ? NULL : "it is no MaxMind database";
}

/* As many bytes as it was said to have: one that is being written may have fewer meanwhile, which
 * is found out by reading it as a database. */
static const char *copy_bytes(int to, int file, off_t left)
{
    while (left > 0) {
        ssize_t sent = sendfile(to, file, NULL, left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return sent < 0 ? "it cannot be read, or there is no memory for it"
                            : "it is being written just now";
        left -= sent;
    }
    return NULL;
}

static enum rw_err open_copy(int copy, MMDB_s *contents, const char **why)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
    int status = MMDB_open(path, MMDB_MODE_MMAP, contents);
    if (status == MMDB_OUT_OF_MEMORY_ERROR)
        return RW_ENOMEM;
    *why = MMDB_strerror(status);
    return status == MMDB_SUCCESS ? RW_OK : RW_EINVAL;
}

/* What is kept is such a copy already. */
static enum rw_err copy_file(int file, bool kept, struct rw_geo_database *to, const char **why)
{
    to->copy = kept ? fcntl(file, F_DUPFD_CLOEXEC, 0) : memfd_create("ringway-geo", MFD_CLOEXEC);
    if (to->copy < 0)
        return RW_ENOMEM;
    *why = kept ? NULL : copy_bytes(to->copy, file, to->from.st_size);
    enum rw_err err = *why ? RW_EINVAL : open_copy(to->copy, &to->contents, why);
    if (err)
        close(to->copy);
    return err;
}

/* ---- Sharing ---- */

static struct rw_geo_database *find(const struct stat *is)
{
    for (struct rw_list *item = all.next; item != &all; item = item->next) {
        struct rw_geo_database *database = rw_container_of(item, struct rw_geo_database, link);
        if (rw_file_same(&database->from, is)) {
            database->uses++;
            return database;
        }
    }
    return NULL;
}

static enum rw_err add(int file, bool kept, const struct stat *is,
                       struct rw_geo_database **database, const char **why)
{
    struct rw_geo_database *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    made->from = *is;
    made->uses = 1;
    enum rw_err err = copy_file(file, kept, made, why);
    if (err) {
        rw_free(made);
        return err;
    }
    rw_list_push_back(&all, &made->link);
    *database = made;
    return RW_OK;
}

enum rw_err rw_geo_database_open(const char *path, struct rw_geo_database **database,
                                 const char **why)
{
    struct stat is = {0};
    enum rw_err err = RW_EINVAL;
    int file = rw_kept_fd_find(path);
    bool kept = file >= 0;
    if (!kept)
        file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *why = file < 0 ? rw_err_text(rw_err_from_errno(errno)) : check_file(file, &is);
    if (!*why) {
        pthread_mutex_lock(&lock);
        *database = find(&is);
        err = *database ? RW_OK : add(file, kept, &is, database, why);
        if (!err && rw_kept_fd_add(path, (*database)->copy))
            rw_log_warn("residency", "%s is not kept for a restart: no memory, or no descriptor",
                        path);
        pthread_mutex_unlock(&lock);
    }
    if (file >= 0)
        close(file);
    return err;
}

void rw_geo_database_close(struct rw_geo_database *database)
{
    if (!database)
        return;
    pthread_mutex_lock(&lock);
    bool last = --database->uses == 0;
    if (last)
        rw_list_remove(&database->link);
    pthread_mutex_unlock(&lock);
    if (!last)
        return;
    MMDB_close(&database->contents);
    close(database->copy);
    rw_free(database);
}

const MMDB_s *rw_geo_database_get(const struct rw_geo_database *database)
{
    return &database->contents;
}
