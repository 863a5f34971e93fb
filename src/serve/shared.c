#include "serve/shared.h"

#include "base/alloc.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct rw_shared nothing = {.tickets_fd = -1,
                                         .meters_fd = -1,
                                         .releases_fd = -1,
                                         .quotas_fd = -1};

static enum rw_err map_tickets(struct rw_shared *shared, int inherited_fd)
{
    size_t bytes = sizeof(struct rw_tls_ticket_keys);
    struct stat info;
    bool usable =
        inherited_fd >= 0 && fstat(inherited_fd, &info) == 0 && (size_t)info.st_size == bytes;
    shared->tickets_fd = usable ? inherited_fd : memfd_create("ringway-tickets", MFD_CLOEXEC);
    if (shared->tickets_fd < 0 || (!usable && ftruncate(shared->tickets_fd, (off_t)bytes) < 0))
        return rw_err_from_errno(errno);
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, shared->tickets_fd, 0);
    if (at == MAP_FAILED)
        return rw_err_from_errno(errno);
    shared->ticket_keys = at;
    return rw_tls_ticket_keys_init(shared->ticket_keys);
}

/* A table of another size begins anew: the old processes of an upgrade keep theirs. */
static enum rw_err map_meters(struct rw_shared *shared, unsigned keys_max, int inherited_fd)
{
    struct stat info;
    bool usable = inherited_fd >= 0 && fstat(inherited_fd, &info) == 0 &&
                  (size_t)info.st_size == rw_meters_bytes(keys_max);
    shared->meters_fd = usable ? inherited_fd : memfd_create("ringway-meters", MFD_CLOEXEC);
    if (!usable && inherited_fd >= 0)
        close(inherited_fd);
    if (shared->meters_fd < 0)
        return rw_err_from_errno(errno);
    return rw_meters_create(keys_max, shared->meters_fd, &shared->meters);
}

static enum rw_err map_releases(struct rw_shared *shared, int inherited_fd)
{
    shared->releases_fd =
        inherited_fd >= 0 ? inherited_fd : memfd_create("ringway-releases", MFD_CLOEXEC);
    if (shared->releases_fd < 0)
        return rw_err_from_errno(errno);
    return rw_release_states_create(shared->releases_fd, &shared->release_states);
}

static enum rw_err open_quota_file(struct rw_shared *shared,
                                   const struct rw_shared_options *options)
{
    const char *path = options->quota_file;
    shared->quotas_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    bool opened = shared->quotas_fd >= 0;
    enum rw_err err =
        opened ? rw_meters_open_quotas(shared->meters, options->limit_keys_max, shared->quotas_fd)
               : rw_err_from_errno(errno);
    if (err && opened)
        close(shared->quotas_fd);
    if (err)
        shared->quotas_fd = -1;
    if (err)
        rw_text_addf(options->quota_flaw, "%s: %s", path,
                     err == RW_EPROTO              ? "holds something else"
                     : !opened && err == RW_EINVAL ? "a directory, not a file"
                                                   : rw_err_text(err));
    return err;
}

/* Where it cannot be had at an upgrade, counting goes on in the file of the program before. */
static enum rw_err open_quotas(struct rw_shared *shared, const struct rw_shared_options *options)
{
    int inherited_fd = options->old.quotas;
    enum rw_err err = options->quota_file ? open_quota_file(shared, options) : RW_OK;
    if (err && inherited_fd >= 0 &&
        rw_meters_open_quotas(shared->meters, options->limit_keys_max, inherited_fd) == RW_OK) {
        shared->quotas_fd = inherited_fd;
        return RW_OK;
    }
    if (inherited_fd >= 0)
        close(inherited_fd);
    return err;
}

enum rw_err rw_shared_create(const struct rw_shared_options *options, struct rw_shared *shared)
{
    *shared = nothing;
    enum rw_err err = rw_metrics_create(options->shards, options->series_max, &shared->metrics);
    if (!err)
        err = rw_samples_create(&shared->samples);
    if (!err)
        err = map_tickets(shared, options->old.tickets);
    if (!err)
        err = map_meters(shared, options->limit_keys_max, options->old.meters);
    if (!err)
        err = map_releases(shared, options->old.releases);
    if (!err)
        err = open_quotas(shared, options);
    if (err)
        rw_shared_destroy(shared);
    return err;
}

void rw_shared_destroy(struct rw_shared *shared)
{
    if (shared->metrics)
        rw_metrics_destroy(shared->metrics);
    rw_samples_destroy(shared->samples);
    if (shared->ticket_keys)
        munmap(shared->ticket_keys, sizeof(*shared->ticket_keys));
    rw_meters_destroy(shared->meters);
    rw_release_states_destroy(shared->release_states);
    if (shared->tickets_fd >= 0)
        close(shared->tickets_fd);
    if (shared->meters_fd >= 0)
        close(shared->meters_fd);
    if (shared->releases_fd >= 0)
        close(shared->releases_fd);
    if (shared->quotas_fd >= 0)
        close(shared->quotas_fd);
    *shared = nothing;
}
