#include "gate/release/state.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UNSEEN_S_MIN = 3600 };

struct rw_release_states {
    struct rw_release_state *at;
    int fd;
};

enum { STATES_BYTES = RW_RELEASE_STATES_MAX * sizeof(struct rw_release_state) };

enum rw_err rw_release_states_create(int fd, struct rw_release_states **out)
{
    struct stat info;
    struct rw_release_states *states = rw_alloc_zero(sizeof(*states));
    if (!states)
        return RW_ENOMEM;
    states->fd = fd;
    void *at = MAP_FAILED;
    if (fstat(fd, &info) == 0 && (info.st_size == STATES_BYTES || ftruncate(fd, STATES_BYTES) == 0))
        at = mmap(NULL, STATES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        rw_free(states);
        return rw_err_from_errno(errno);
    }
    states->at = at;
    *out = states;
    return RW_OK;
}

void rw_release_states_destroy(struct rw_release_states *states)
{
    if (!states)
        return;
    munmap(states->at, STATES_BYTES);
    rw_free(states);
}

/* Of the process: when it dies the kernel takes the lock from it. */
static bool lock(const struct rw_release_states *states, short type)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET};
    while (fcntl(states->fd, F_SETLKW, &range) < 0)
        if (errno != EINTR)
            return false;
    return true;
}

/* Its own, else a free one, else the one that nobody has had for the longest time; NULL: none. */
static struct rw_release_state *choose(const struct rw_release_states *states, uint64_t id,
                                       uint64_t now_s)
{
    struct rw_release_state *best = NULL;
    uint64_t best_s = now_s > UNSEEN_S_MIN ? now_s - UNSEEN_S_MIN : 1;
    for (unsigned i = 0; i < RW_RELEASE_STATES_MAX; i++) {
        struct rw_release_state *state = &states->at[i];
        uint64_t owner = atomic_load(&state->id);
        uint64_t seen_s = owner ? atomic_load(&state->seen_s) : 0;
        if (owner == id)
            return state;
        if (seen_s < best_s) {
            best = state;
            best_s = seen_s;
        }
    }
    return best;
}

enum rw_err rw_release_states_find(struct rw_release_states *states, uint64_t id, uint64_t now_s,
                                   struct rw_release_state **out)
{
    rw_assert(id != 0);
    if (!lock(states, F_WRLCK))
        return RW_EIO;
    struct rw_release_state *state = choose(states, id, now_s);
    if (state && atomic_load(&state->id) != id) {
        atomic_store(&state->percent, 0);
        atomic_store(&state->phase, RW_ROLLOUT_NEW);
        atomic_store(&state->stage, 0);
        atomic_store(&state->changed_s, now_s);
        atomic_store(&state->id, id);
    }
    if (state)
        atomic_store(&state->seen_s, now_s);
    (void)lock(states, F_UNLCK);
    *out = state;
    return state ? RW_OK : RW_ELIMIT;
}

const char *rw_release_phase_name(enum rw_release_phase phase)
{
    static const char *const names[RW_ROLLOUT_PHASES] = {
        [RW_ROLLOUT_NEW] = "new",           [RW_ROLLOUT_RUNNING] = "running",
        [RW_ROLLOUT_PAUSED] = "paused",     [RW_ROLLOUT_ROLLED_BACK] = "rolled_back",
        [RW_ROLLOUT_COMPLETE] = "complete",
    };
    return names[phase];
}
