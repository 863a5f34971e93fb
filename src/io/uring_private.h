/* Inside the io_uring backend: uring.c (the ring, its buffers, waiting, listeners and watches) and
 * uring_stream.c; uring_files.c: slots for the descriptors that are used most; uring_enter.c: when
 * a turn begins.
 *
 * Each operation's user_data is the address of what it belongs to with the kind in the low three
 * bits; that memory stays until the operation's last completion. Streams count theirs in
 * rw_stream.operations, and a closing stream is closed when the count is zero: then nothing stale
 * can come. Operations of streams are asked for only when the ready list runs (rw_uring_settle),
 * never inside the owner's calls.
 */
#ifndef RW_IO_URING_PRIVATE_H
#define RW_IO_URING_PRIVATE_H

#include "base/slab.h"
#include "io/backend.h"

#include <liburing.h>

enum uring_kind {
    URING_RECEIVE,
    URING_SEND,
    URING_CONNECT,
    URING_HANGUP,
    URING_ACCEPT,
    URING_WATCH,
    URING_WAKE,
    URING_IGNORED, /* cancellations */
    URING_KIND_MASK = 7,
};

enum { LENT_GROUP = 0 };

/* Small buffers that the kernel may fill. Which buffer an identifier stands for is in `lent`; NULL:
 * none, since memory or the pool's cap was exhausted. Each has pages that the kernel has written
 * to, so a loop with little to do lends few: more when they turn out not to do for a turn. */
struct uring_lender {
    struct io_uring_buf_ring *ring;
    struct rw_buf **lent;
    unsigned count;   /* of the ring: the most that may be lent */
    unsigned wanted;  /* are lent, but for those that are missing */
    unsigned missing; /* could not be had */
    size_t room;
};

/* Slots of the ring's own table of files. A send that names a slot instead of a descriptor takes no
 * reference of the file, some 50 ns. */
struct uring_files {
    uint16_t *free; /* NULL: the kernel has given no table */
    unsigned count; /* in `free` */
};

/* How many events a turn waits for: see uring_enter.c. */
struct uring_gather {
    bool able;         /* the kernel has the wait (6.12) */
    unsigned arrived;  /* receives that the last turn has brought */
    uint32_t apart_us; /* the owner's wish; 0: none */
};

struct uring_state {
    struct io_uring ring;
    struct uring_gather gather;
    struct uring_files files;
    /* Sends of connected streams, in the order of their begin: they are asked for after all others
     * of the turn. Whoever shares the machine with us (an origin beside its gateway) is then woken
     * once for many: about 1 % of the time of a small exchange. */
    struct rw_stream *later, **later_end;
    int wake_fd;
    bool wake_armed;
    struct uring_lender lender;
    /* A receive ends by itself after so many bytes, and is asked for anew: what a stream gets that
     * its owner does not want any more is not much. In the place of `optlen`, which liburing does
     * not name yet; 0: the kernel knows no such limit (it came with 6.17). */
    unsigned receive_bytes_max;
    struct rw_slab sends; /* of struct rw_uring_send */
};

struct rw_uring_send {
    struct rw_stream *next; /* in uring_state.later */
    struct msghdr message;
    struct rw_parts rest;
};

/* NULL never: submits what is queued when the queue is full. */
struct io_uring_sqe *rw_uring_operation(struct uring_state *state, void *at, enum uring_kind kind);
/* Says what an operation is: io_uring_prep_WHAT(sqe, ...). Some versions of these clear user_data,
 * which says whose it is. */
#define RW_URING_PREPARE(sqe, what, ...)                                                           \
    do {                                                                                           \
        __u64 whose_ = (sqe)->user_data;                                                           \
        io_uring_prep_##what(sqe, __VA_ARGS__);                                                    \
        (sqe)->user_data = whose_;                                                                 \
    } while (0)
/* Tells the kernel now what is queued. */
void rw_uring_ask(struct uring_state *state);
void rw_uring_cancel(struct uring_state *state, void *at, enum uring_kind kind);
/* A receive has found no buffer. False: there is none to be had. */
bool rw_uring_lend_more(struct uring_lender *lender);
/* The buffer that a completion filled; another takes its place with the kernel. */
struct rw_buf *rw_uring_take(struct rw_loop *loop, const struct io_uring_cqe *cqe);

/* ---- uring_files.c ---- */

/* Without a table (no memory, a low limit of descriptors) there are just no slots. */
void rw_uring_files_open(struct uring_state *state);
void rw_uring_files_close(struct uring_state *state);
/* 0: there is none. */
uint16_t rw_uring_file_take(struct uring_state *state, int fd);
/* The slot's file is open on until this. */
void rw_uring_file_give(struct uring_state *state, uint16_t slot);

/* ---- uring_enter.c ---- */

void rw_uring_gather_init(struct uring_state *state, uint32_t coalesce_ms);
/* Submits what is queued, waits at most `wait_ms` (0: not at all, below 0: without end), and has
 * completions ready. What the system call says: below 0, an errno's negative. */
int rw_uring_enter(struct uring_state *state, int wait_ms);

/* ---- uring_stream.c ---- */

/* Asks for the sends that wait in state->later. */
void rw_uring_begin_later(struct uring_state *state);
void rw_uring_stream_done(struct rw_stream *stream, enum uring_kind kind,
                          const struct io_uring_cqe *cqe);
enum rw_err rw_uring_attach(struct rw_stream *stream);
enum rw_err rw_uring_connect(struct rw_stream *stream, const struct rw_connect_options *options);
void rw_uring_discard(struct rw_stream *stream);
void rw_uring_receive(struct rw_stream *stream, bool on, bool large);
enum rw_send rw_uring_send(struct rw_stream *stream, const struct iovec *parts, int count);
void rw_uring_shutdown(struct rw_stream *stream);
void rw_uring_close(struct rw_stream *stream, bool abort);
void rw_uring_settle(struct rw_stream *stream);

#endif
