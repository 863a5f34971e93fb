#include "verify/fault/clock_shim.h"

#include "base/clock.h"
#include "verify/fault/preload/clock.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* The library, built from fault/preload/clock.c; CMakeLists.txt tells the assembler where. */
__asm__(".pushsection .rodata\n"
        ".global rw_clock_preload_begin\n"
        ".hidden rw_clock_preload_begin\n"
        ".global rw_clock_preload_end\n"
        ".hidden rw_clock_preload_end\n"
        "rw_clock_preload_begin:\n"
        ".incbin \"clock_preload.so\"\n"
        "rw_clock_preload_end:\n"
        ".byte 0\n"
        ".popsection\n");
extern const char rw_clock_preload_begin[] __attribute__((visibility("hidden")));
extern const char rw_clock_preload_end[] __attribute__((visibility("hidden")));

static enum rw_err put_library(struct rw_clock_shim *shim)
{
    size_t bytes = (size_t)(rw_clock_preload_end - rw_clock_preload_begin);
    shim->library_fd = memfd_create("ringway-clock", 0);
    if (shim->library_fd < 0)
        return rw_err_from_errno(errno);
    return write(shim->library_fd, rw_clock_preload_begin, bytes) == (ssize_t)bytes ? RW_OK
                                                                                    : RW_EIO;
}

static enum rw_err map_state(struct rw_clock_shim *shim)
{
    shim->state_fd = memfd_create("ringway-clock-state", 0);
    if (shim->state_fd < 0 || ftruncate(shim->state_fd, sizeof(*shim->state)) != 0)
        return rw_err_from_errno(errno);
    void *memory =
        mmap(NULL, sizeof(*shim->state), PROT_READ | PROT_WRITE, MAP_SHARED, shim->state_fd, 0);
    if (memory == MAP_FAILED)
        return RW_ENOMEM;
    shim->state = memory;
    return RW_OK;
}

enum rw_err rw_clock_shim_open(struct rw_clock_shim *shim)
{
    *shim = (struct rw_clock_shim){.library_fd = -1, .state_fd = -1};
    enum rw_err err = put_library(shim);
    if (!err)
        err = map_state(shim);
    if (err)
        rw_clock_shim_close(shim);
    return err;
}

void rw_clock_shim_close(struct rw_clock_shim *shim)
{
    if (shim->state)
        munmap(shim->state, sizeof(*shim->state));
    if (shim->state_fd >= 0)
        close(shim->state_fd);
    if (shim->library_fd >= 0)
        close(shim->library_fd);
    *shim = (struct rw_clock_shim){.library_fd = -1, .state_fd = -1};
}

void rw_clock_shim_arguments(struct rw_clock_shim *shim, char **arguments)
{
    snprintf(shim->texts[0], RW_CLOCK_SHIM_TEXT_BYTES, "env");
    snprintf(shim->texts[1], RW_CLOCK_SHIM_TEXT_BYTES, "LD_PRELOAD=/proc/self/fd/%d",
             shim->library_fd);
    snprintf(shim->texts[2], RW_CLOCK_SHIM_TEXT_BYTES, RW_CLOCK_VARIABLE "=/proc/self/fd/%d",
             shim->state_fd);
    for (int i = 0; i < RW_CLOCK_SHIM_ARGUMENTS; i++)
        arguments[i] = shim->texts[i];
}

void rw_clock_shim_step(struct rw_clock_shim *shim, int64_t step_ms)
{
    atomic_store(&shim->state->seen_ns, 0);
    atomic_store(&shim->state->offset_ns, step_ms * (int64_t)RW_NS_PER_MS);
}

bool rw_clock_shim_seen(const struct rw_clock_shim *shim)
{
    long long offset_ns = atomic_load(&shim->state->offset_ns);
    return offset_ns && atomic_load(&shim->state->seen_ns) == offset_ns;
}
