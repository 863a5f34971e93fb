/* The ring's table of files. */
#include "base/alloc.h"
#include "io/uring_private.h"

enum { SLOTS = 4096 };

void rw_uring_files_open(struct uring_state *state)
{
    struct uring_files *files = &state->files;
    files->free = rw_alloc((SLOTS - 1) * sizeof(*files->free));
    if (!files->free)
        return;
    if (io_uring_register_files_sparse(&state->ring, SLOTS) != 0) {
        rw_uring_files_close(state);
        return;
    }
    for (unsigned slot = SLOTS - 1; slot > 0; slot--)
        files->free[files->count++] = (uint16_t)slot;
}

void rw_uring_files_close(struct uring_state *state)
{
    rw_free(state->files.free);
    state->files = (struct uring_files){0};
}

uint16_t rw_uring_file_take(struct uring_state *state, int fd)
{
    struct uring_files *files = &state->files;
    if (files->count == 0)
        return 0;
    uint16_t slot = files->free[files->count - 1];
    if (io_uring_register_files_update(&state->ring, slot, &fd, 1) != 1)
        return 0;
    files->count--;
    return slot;
}

void rw_uring_file_give(struct uring_state *state, uint16_t slot)
{
    int none = -1;
    int result = io_uring_register_files_update(&state->ring, slot, &none, 1);
    rw_assert(result == 1);
    state->files.free[state->files.count++] = slot;
}
