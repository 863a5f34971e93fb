/* Further rings; and with them, more sockets than descriptors.
 *
 * The limit of descriptors is the process's, that of a table of files (as high) the ring's. So
 * sockets of high numbers move into the tables of further rings, which are opened as they are
 * needed, and give their descriptors back: a thread can have as many as memory allows. All else
 * stays with the first ring, where the loop sleeps. The others signal an eventfd that it reads, but
 * only while it sleeps: the kernel looks at a flag that we set.
 */
#include "io/uring_private.h"

#include <errno.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    SLOTS_MAX = 32 * 1024,
    SLOTS_MIN = 2, /* the first stands for none */
    SUBMISSIONS = 128,
    COMPLETIONS_MIN = 1024,
    LENT_BUFFERS_FIRST = 8,
    LENT_BUFFERS_MAX = 256,
};

/* What liburing does not name yet. Since Linux 6.8: a descriptor for what is in a slot. Since 6.7:
 * options of a socket. */
enum { OP_FIXED_FD_INSTALL = 54, OP_URING_CMD = 46, GET_OPTION = 2, SET_OPTION = 3 };

static bool can_borrow(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool can = probe && io_uring_opcode_supported(probe, OP_FIXED_FD_INSTALL);
    io_uring_free_probe(probe);
    return can;
}

void rw_uring_parking_init(struct uring_state *state, int descriptors_max)
{
    struct rlimit limit;
    state->parking.first = state->parking.roomy = state->count;
    if (descriptors_max <= 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur < SLOTS_MIN || !can_borrow(&state->banks[0]->ring))
        return;
    state->parking.from = descriptors_max;
    state->parking.slots = limit.rlim_cur < SLOTS_MAX ? (unsigned)limit.rlim_cur : SLOTS_MAX;
}

void rw_uring_banks_close(struct uring_state *state)
{
    while (state->count > 1)
        rw_uring_bank_close(state->banks[--state->count]);
    if (state->parking.signal_fd >= 0)
        close(state->parking.signal_fd);
}

/* ---- Rings ---- */

static bool open_signal(struct uring_parking *parking)
{
    if (parking->signal_fd < 0)
        parking->signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return parking->signal_fd >= 0;
}

enum rw_err rw_uring_banks_add(struct rw_loop *loop, const struct uring_bank_options *options)
{
    struct uring_state *state = loop->state;
    struct uring_bank_options flagged = *options;
    struct uring_bank *bank;
    flagged.setup |= IORING_SETUP_TASKRUN_FLAG;
    if (state->count == URING_BANKS_MAX || !open_signal(&state->parking))
        return RW_ELIMIT;
    enum rw_err err = rw_uring_bank_open(loop, &flagged, &bank);
    if (err)
        return err;
    if (io_uring_register_eventfd(&bank->ring, state->parking.signal_fd) != 0) {
        rw_uring_bank_close(bank);
        return RW_ELIMIT;
    }
    io_uring_cq_eventfd_toggle(&bank->ring, false);
    state->banks[state->count++] = bank;
    return RW_OK;
}

static bool open_bank(struct rw_loop *loop)
{
    struct uring_state *state = loop->state;
    unsigned slots = state->parking.slots;
    /* All may have sent something in one turn; for what finds no room rw_uring_borrow waits in
     * vain. */
    unsigned completions = slots > COMPLETIONS_MIN ? slots : COMPLETIONS_MIN;
    const struct uring_bank_options options = {.submissions = SUBMISSIONS,
                                               .completions = completions,
                                               .slots = slots,
                                               .buffers = LENT_BUFFERS_MAX,
                                               .buffers_first = LENT_BUFFERS_FIRST};
    if (rw_uring_banks_add(loop, &options))
        return false;
    if (state->banks[state->count - 1]->files.count)
        return true;
    rw_uring_bank_close(state->banks[--state->count]);
    return false;
}

/* 0: there is none. */
static unsigned bank_with_room(struct rw_loop *loop)
{
    struct uring_state *state = loop->state;
    unsigned *roomy = &state->parking.roomy;
    unsigned first = state->parking.first;
    for (unsigned tried = first; tried < state->count; tried++) {
        if (state->banks[*roomy]->files.count)
            return *roomy;
        *roomy = *roomy + 1 < state->count ? *roomy + 1 : first;
    }
    if (!open_bank(loop))
        return 0;
    *roomy = state->count - 1;
    return *roomy;
}

/* ---- Streams ---- */

void rw_uring_park(struct rw_stream *stream)
{
    struct uring_state *state = stream->loop->state;
    rw_assert(stream->operations == 0 && stream->slot == 0);
    if (stream->fd < state->parking.from)
        return;
    unsigned bank = bank_with_room(stream->loop);
    uint16_t slot = bank ? rw_uring_file_take(state->banks[bank], stream->fd) : 0;
    if (!slot)
        return;
    close(stream->fd);
    stream->fd = -1;
    stream->bank = (uint16_t)bank;
    stream->slot = slot;
}

/* What the kernel has made of an operation that is over as soon as it is asked for: one of the last
 * completions. It has nothing to say any more. */
static int take_result(struct io_uring *ring, __u64 user_data)
{
    unsigned head = *ring->cq.khead, at = io_uring_smp_load_acquire(ring->cq.ktail);
    while (at != head) {
        struct io_uring_cqe *cqe = &ring->cq.cqes[--at & ring->cq.ring_mask];
        if (cqe->user_data != user_data)
            continue;
        cqe->user_data = URING_IGNORED;
        return cqe->res;
    }
    return -EAGAIN;
}

/* A completion that finds no room comes later, when it is another one's turn to borrow: each is
 * known by a number of its own, in the place of an address. */
static __u64 next_number(struct uring_parking *parking)
{
    return ++parking->borrowed * (URING_KIND_MASK + 1) | URING_IGNORED;
}

int rw_uring_borrow(const struct rw_stream *stream)
{
    if (!rw_uring_parked(stream))
        return stream->fd;
    struct uring_state *state = stream->loop->state;
    struct uring_bank *bank = state->banks[stream->bank];
    struct io_uring_sqe *sqe = rw_uring_operation(bank, NULL, URING_IGNORED);
    __u64 user_data = next_number(&state->parking);
    io_uring_prep_nop(sqe);
    sqe->user_data = user_data;
    sqe->opcode = OP_FIXED_FD_INSTALL;
    sqe->fd = stream->slot;
    sqe->flags |= IOSQE_FIXED_FILE;
    rw_uring_ask(bank);
    int fd = take_result(&bank->ring, user_data);
    return fd < 0 ? -1 : fd;
}

void rw_uring_return(const struct rw_stream *stream, int fd)
{
    if (rw_uring_parked(stream) && fd >= 0)
        close(fd);
}

static void prepare_nothing(struct io_uring_sqe *sqe)
{
    io_uring_prep_nop(sqe);
    sqe->user_data = URING_IGNORED;
}

/* What the kernel does not take at once, being short of memory, it must not do later: `value` is
 * not there any more then, nor perhaps the socket. */
static void do_option(const struct rw_stream *stream, unsigned command, int option, void *value,
                      size_t bytes)
{
    struct uring_state *state = stream->loop->state;
    struct uring_bank *bank = state->banks[stream->bank];
    struct io_uring_sqe *sqe = rw_uring_operation(bank, NULL, URING_IGNORED);
    prepare_nothing(sqe);
    sqe->opcode = OP_URING_CMD;
    sqe->fd = stream->slot;
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->off = command;
    sqe->addr = SOL_SOCKET | (uint64_t)(unsigned)option << 32;
    sqe->file_index = (unsigned)bytes;
    sqe->addr3 = (uintptr_t)value;
    rw_uring_ask(bank);
    if (io_uring_sq_ready(&bank->ring))
        prepare_nothing(sqe);
}

void rw_uring_set_option(const struct rw_stream *stream, int option, void *value, size_t bytes)
{
    do_option(stream, SET_OPTION, option, value, bytes);
}

void rw_uring_get_option(const struct rw_stream *stream, int option, void *value, size_t bytes)
{
    do_option(stream, GET_OPTION, option, value, bytes);
}

/* ---- Turns ---- */

static bool has_work(const struct uring_bank *bank)
{
    unsigned flags = IO_URING_READ_ONCE(*bank->ring.sq.kflags);
    return flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW) || io_uring_sq_ready(&bank->ring) ||
           io_uring_cq_ready(&bank->ring);
}

bool rw_uring_bank_run(struct uring_bank *bank)
{
    if (!has_work(bank))
        return false;
    int result = io_uring_submit_and_get_events(&bank->ring);
    rw_assert(result >= 0 || rw_uring_passes(result));
    return true;
}

static void listen_to(struct uring_state *state, bool on)
{
    if (state->parking.listening == on)
        return;
    state->parking.listening = on;
    for (unsigned i = 1; i < state->count; i++)
        io_uring_cq_eventfd_toggle(&state->banks[i]->ring, on);
}

static void arm_signal(struct uring_state *state)
{
    struct uring_parking *parking = &state->parking;
    if (parking->armed)
        return;
    struct io_uring_sqe *sqe = rw_uring_operation(state->banks[0], state, URING_WAKE);
    RW_URING_PREPARE(sqe, read, parking->signal_fd, &parking->signal, sizeof(parking->signal), 0);
    parking->armed = true;
}

void rw_uring_banks_signalled(struct uring_state *state)
{
    state->parking.armed = false;
}

static bool any_has_work(const struct uring_state *state)
{
    for (unsigned i = 1; i < state->count; i++)
        if (has_work(state->banks[i]))
            return true;
    return false;
}

int rw_uring_banks_before(struct uring_state *state, int wait_ms)
{
    for (unsigned i = 1; i < state->count; i++)
        rw_uring_bank_run(state->banks[i]);
    if (wait_ms == 0 || any_has_work(state))
        return 0;
    arm_signal(state);
    listen_to(state, true);
    /* Either we see what they have, or they see that we listen. */
    atomic_thread_fence(memory_order_seq_cst);
    return any_has_work(state) ? 0 : wait_ms;
}

void rw_uring_banks_after(struct uring_state *state)
{
    listen_to(state, false);
    for (unsigned i = 1; i < state->count; i++)
        rw_uring_bank_run(state->banks[i]);
}
