/* A ring with what belongs to it: buffers that the kernel may fill, and a table of files. */
#include "base/alloc.h"
#include "io/uring_private.h"

enum { RING_ALIGNMENT = 4096 };

/* ---- Buffers ---- */

/* Lends the kernel a buffer under an identifier; false: there is none to be had. */
static bool lend(struct rw_loop *loop, struct uring_lender *lender, unsigned short identifier)
{
    struct rw_buf *buf = rw_buf_get(&loop->buffers, lender->room);
    lender->lent[identifier] = buf;
    if (!buf)
        return false;
    io_uring_buf_ring_add(lender->ring, buf->data, buf->room, identifier,
                          io_uring_buf_ring_mask(lender->count), 0);
    io_uring_buf_ring_advance(lender->ring, 1);
    return true;
}

void rw_uring_lend_missing(struct rw_loop *loop, struct uring_lender *lender)
{
    for (unsigned i = 0; i < lender->wanted && lender->missing; i++) {
        if (lender->lent[i])
            continue;
        if (!lend(loop, lender, (unsigned short)i))
            return;
        lender->missing--;
    }
}

/* The next turn lends them. Those that found none in this turn all ask; once is enough. */
bool rw_uring_lend_more(struct uring_lender *lender)
{
    if (lender->missing == lender->wanted)
        return false;
    if (!lender->missing && lender->wanted < lender->count) {
        lender->missing = lender->wanted;
        lender->wanted *= 2;
    }
    return true;
}

struct rw_buf *rw_uring_take(struct rw_loop *loop, struct uring_lender *lender,
                             const struct io_uring_cqe *cqe)
{
    unsigned short identifier = (unsigned short)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    rw_assert(identifier < lender->wanted && lender->lent[identifier]);
    struct rw_buf *buf = lender->lent[identifier];
    if (!lend(loop, lender, identifier))
        lender->missing++;
    return buf;
}

static size_t ring_bytes(const struct uring_lender *lender)
{
    size_t bytes = lender->count * sizeof(struct io_uring_buf);
    return (bytes + RING_ALIGNMENT - 1) / RING_ALIGNMENT * RING_ALIGNMENT;
}

static enum rw_err open_lender(struct rw_loop *loop, struct uring_bank *bank, unsigned first)
{
    struct uring_lender *lender = &bank->lender;
    /* A small pool is not all lent out. */
    while (lender->count > 1 && lender->count * lender->room > loop->buffers.cap_bytes / 4)
        lender->count /= 2;
    lender->ring = rw_alloc_aligned(RING_ALIGNMENT, ring_bytes(lender));
    lender->lent = rw_alloc_zero(lender->count * sizeof(struct rw_buf *));
    if (!lender->ring || !lender->lent)
        return RW_ENOMEM;
    io_uring_buf_ring_init(lender->ring);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)lender->ring,
        .ring_entries = lender->count,
        .bgid = LENT_GROUP,
    };
    int result = io_uring_register_buf_ring(&bank->ring, &registration, 0);
    if (result < 0)
        return result == -ENOMEM ? RW_ENOMEM : RW_EUNSUPPORTED;
    lender->wanted = lender->count < first ? lender->count : first;
    lender->missing = lender->wanted;
    rw_uring_lend_missing(loop, lender);
    return lender->missing == lender->wanted ? RW_ENOMEM : RW_OK;
}

static void close_lender(struct uring_lender *lender)
{
    for (unsigned i = 0; lender->lent && i < lender->count; i++)
        rw_buf_drop(lender->lent[i]);
    rw_free(lender->lent);
    rw_free(lender->ring);
}

/* ---- The table of files ---- */

/* Slot 0 stays empty: it stands for none. */
static void open_files(struct uring_bank *bank, unsigned slots)
{
    struct uring_files *files = &bank->files;
    rw_assert(slots <= UINT16_MAX);
    files->free = rw_alloc((slots - 1) * sizeof(*files->free));
    if (!files->free)
        return;
    if (io_uring_register_files_sparse(&bank->ring, slots) != 0) {
        rw_free(files->free);
        files->free = NULL;
        return;
    }
    for (unsigned slot = slots - 1; slot > 0; slot--)
        files->free[files->count++] = (uint16_t)slot;
}

uint16_t rw_uring_file_take(struct uring_bank *bank, int fd)
{
    struct uring_files *files = &bank->files;
    if (files->count == 0)
        return 0;
    uint16_t slot = files->free[files->count - 1];
    if (io_uring_register_files_update(&bank->ring, slot, &fd, 1) != 1)
        return 0;
    files->count--;
    return slot;
}

void rw_uring_file_give(struct uring_bank *bank, uint16_t slot)
{
    int none = -1;
    int result = io_uring_register_files_update(&bank->ring, slot, &none, 1);
    rw_assert(result == 1);
    bank->files.free[bank->files.count++] = slot;
}

/* ---- The ring ---- */

/* The kernel does its part of the work inside our one system call where it can (6.1), else where it
 * interrupts least. SINGLE_ISSUER came with 6.0, as did multishot receive: without it this backend
 * cannot work. */
static enum rw_err open_ring(struct io_uring *ring, const struct uring_bank_options *options)
{
    static const unsigned choices[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN,
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
    };
    int result = -EINVAL;
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]) && result == -EINVAL; i++) {
        struct io_uring_params params = {.flags = choices[i] | options->setup | IORING_SETUP_CQSIZE,
                                         .cq_entries = options->completions};
        result = io_uring_queue_init_params(options->submissions, ring, &params);
    }
    if (result == 0)
        return RW_OK;
    return result == -ENOMEM || result == -EMFILE || result == -ENFILE ? rw_err_from_errno(-result)
                                                                       : RW_EUNSUPPORTED;
}

enum rw_err rw_uring_bank_open(struct rw_loop *loop, const struct uring_bank_options *options,
                               struct uring_bank **bank)
{
    struct uring_bank *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    enum rw_err err = open_ring(&made->ring, options);
    if (err) {
        rw_free(made);
        return err;
    }
    made->lender = (struct uring_lender){.count = options->buffers, .room = RW_BUF_SMALL_BYTES};
    err = open_lender(loop, made, options->buffers_first);
    if (err) {
        rw_uring_bank_close(made);
        return err;
    }
    open_files(made, options->slots);
    *bank = made;
    return RW_OK;
}

void rw_uring_bank_close(struct uring_bank *bank)
{
    io_uring_queue_exit(&bank->ring);
    close_lender(&bank->lender);
    rw_free(bank->files.free);
    rw_free(bank);
}
